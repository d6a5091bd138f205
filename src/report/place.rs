//! Which places a run directory may take: nothing that this program did not write is lost.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::manifest::{Kind, MANIFEST_NAME, Manifest};
use super::run_dir::{RunDirError, write_error};

/// Refuses a place that holds anything but an empty directory or a complete directory of this
/// kind, with nothing in it that its manifest does not list.
pub fn check_place(place: &Path, wanted: Kind) -> Result<(), RunDirError> {
    // A path that ends in a dot has a name for `Path`, but not for a rename.
    let last = place.components().next_back();
    let ends_in_dot = place.as_os_str().to_string_lossy().ends_with("/.");
    if !matches!(last, Some(Component::Normal(_))) || ends_in_dot {
        return Err(RunDirError::Nameless(place.to_path_buf()));
    }
    let occupied = || RunDirError::Occupied(place.to_path_buf());
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(write_error(place, source)),
        Ok(metadata) if !metadata.is_dir() => return Err(occupied()),
        Ok(_) if is_empty(place) => return Ok(()),
        Ok(_) => {}
    }
    let manifest = Manifest::read(place).ok().filter(|m| m.complete);
    let manifest = manifest.ok_or_else(occupied)?;
    let found = manifest.kind();
    if found != wanted {
        return Err(RunDirError::Kind {
            place: place.to_path_buf(),
            found,
            wanted,
        });
    }
    let listed = manifest.files.iter().map(|file| place.join(&file.path));
    let mut known: BTreeSet<PathBuf> = listed.collect();
    known.insert(place.join(MANIFEST_NAME));
    match first_unlisted(place, &known).map_err(|source| write_error(place, source))? {
        Some(path) => Err(RunDirError::Unlisted(path)),
        None => Ok(()),
    }
}

/// The first file, or directory without files, below `directory` that is not `known`.
fn first_unlisted(directory: &Path, known: &BTreeSet<PathBuf>) -> io::Result<Option<PathBuf>> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_holder = entry.file_type()?.is_dir() && !is_empty(&path);
        let unlisted = match is_holder {
            true => first_unlisted(&path, known)?,
            false => (!known.contains(&path)).then_some(path),
        };
        if unlisted.is_some() {
            return Ok(unlisted);
        }
    }
    Ok(None)
}

/// Whether it is a directory with nothing in it.
pub(super) fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_name() {
        for place in ["..", "x/..", ".", "x/.", "/"] {
            let refused = check_place(Path::new(place), Kind::Run);
            assert!(matches!(refused, Err(RunDirError::Nameless(_))), "{place}");
        }
        for place in ["does-not-exist", "x/../does-not-exist", "./does-not-exist/"] {
            assert!(check_place(Path::new(place), Kind::Run).is_ok(), "{place}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let parent = tempfile::tempdir().expect("a directory");
        let elsewhere = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("web-7");
        std::os::unix::fs::symlink(elsewhere.path(), &place).expect("linked");
        assert!(matches!(
            check_place(&place, Kind::Run),
            Err(RunDirError::Occupied(_))
        ));
    }
}
