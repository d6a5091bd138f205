//! A run directory is complete or absent: it is written beside its place under a temporary name
//! and renamed when everything is on the disk (decision D15).

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::manifest::{FileHash, Kind, MANIFEST_NAME, Manifest};
use super::place::{check_place, is_empty};

/// Why a run directory was not written. What stood in its place before is still there.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// `..` or `.`: nothing can be renamed to it.
    #[error("{}: has no name of its own; name the directory itself with --out", .0.display())]
    Nameless(PathBuf),
    /// Something that this program did not write is in the way.
    #[error("{}: exists and is not a run directory; name another place with --out", .0.display())]
    Occupied(PathBuf),
    /// A directory of this program that holds something else than what is about to be written.
    #[error(
        "{}: is the directory of {}, which {} does not replace; name another place with --out",
        place.display(), found.text(), wanted.text()
    )]
    Kind {
        /// Where.
        place: PathBuf,
        /// What is there.
        found: Kind,
        /// What is about to be written.
        wanted: Kind,
    },
    /// Somebody put a file into a run directory.
    #[error(
        "{}: is not in the manifest of the directory and would be lost; move it, or name \
         another place with --out",
        .0.display()
    )]
    Unlisted(PathBuf),
    /// The disk is full, read-only, gone.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A run directory in the making. Dropped before [`RunDirWriter::commit`], it leaves nothing.
#[derive(Debug)]
pub struct RunDirWriter {
    staging: TempDir,
    /// Created for this run, and removed again if it stays empty.
    made_parent: Option<PathBuf>,
    /// Goes before the names of files: empty, or a folder with its `/`.
    folder: String,
    files: Vec<FileHash>,
}

impl RunDirWriter {
    /// Begins a directory that will be renamed to a name in `parent`, which is created if needed.
    pub fn begin(parent: &Path) -> Result<Self, RunDirError> {
        let made_parent = (!parent.exists()).then(|| parent.to_path_buf());
        fs::create_dir_all(parent).map_err(|source| write_error(parent, source))?;
        let staging = new_directory_in(parent).map_err(|source| write_error(parent, source))?;
        Ok(RunDirWriter {
            staging,
            made_parent,
            folder: String::new(),
            files: Vec::new(),
        })
    }

    /// Begins a run directory inside this one: files are written below `folder` until
    /// [`RunDirWriter::leave`].
    pub fn enter(&mut self, folder: &str) {
        self.folder = format!("{folder}/");
    }

    /// Ends a run directory inside this one with its manifest.
    pub fn leave(&mut self, manifest: &Manifest) -> Result<(), RunDirError> {
        self.write(MANIFEST_NAME, |out| manifest.write(out))?;
        self.folder.clear();
        Ok(())
    }

    /// Writes one file, `/`-separated below the directory, and takes its hash.
    ///
    /// # Panics
    ///
    /// If `name` leads out of the directory: names are made by this program from slugs.
    pub fn write(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), RunDirError> {
        let name = format!("{}{name}", self.folder);
        assert!(is_inside(&name), "`{name}` leads out of the run directory");
        let sha256 = self
            .write_file(&name, fill)
            .map_err(|source| write_error(Path::new(&name), source))?;
        self.files.push(FileHash { path: name, sha256 });
        Ok(())
    }

    /// What has been written to the run directory under way, in order, as named in it.
    pub fn files(&self) -> Vec<FileHash> {
        let inside = self.files.iter().filter_map(|file| {
            Some(FileHash {
                path: file.path.strip_prefix(&self.folder)?.to_string(),
                sha256: file.sha256.clone(),
            })
        });
        inside.collect()
    }

    /// Writes the manifest and moves the directory to `place`, in the parent given at the start.
    /// A run directory that is there is replaced; it is put back if that fails.
    pub fn commit(mut self, place: &Path, manifest: &Manifest) -> Result<(), RunDirError> {
        check_place(place, manifest.kind())?;
        self.write_file(MANIFEST_NAME, |out| manifest.write(out))
            .and_then(|_| sync_tree(self.staging.path()))
            .and_then(|()| self.swap_in(place))
            .map_err(|source| write_error(place, source))
    }

    fn write_file(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<String> {
        let path = self.staging.path().join(name);
        fs::create_dir_all(path.parent().expect("a file in the staging directory"))?;
        let mut out = BufWriter::new(HashingWriter {
            inner: File::create_new(path)?,
            sha256: Sha256::new(),
        });
        fill(&mut out)?;
        let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        out.inner.sync_all()?;
        Ok(hex(&out.sha256.finalize()))
    }

    fn swap_in(&mut self, place: &Path) -> io::Result<()> {
        let parent = self.staging.path().parent().expect("made in a parent");
        if place.exists() && !is_empty(place) {
            let aside_dir = new_directory_in(parent)?;
            let aside = aside_dir.path().join("replaced");
            fs::rename(place, &aside)?;
            if let Err(error) = fs::rename(self.staging.path(), place) {
                fs::rename(&aside, place)?;
                return Err(error);
            }
        } else {
            fs::rename(self.staging.path(), place)?;
        }
        self.made_parent = None;
        sync_directory(parent)
    }
}

impl Drop for RunDirWriter {
    /// Removes the parent if it was made for a directory that never came.
    fn drop(&mut self) {
        if let Some(parent) = &self.made_parent {
            // Nothing can be done about a failure, and an empty directory does no harm.
            let _ = fs::remove_dir_all(self.staging.path());
            let _ = fs::remove_dir(parent);
        }
    }
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut out = HashingWriter {
        inner: io::sink(),
        sha256: Sha256::new(),
    };
    io::copy(&mut open_regular(path)?, &mut out)?;
    Ok(hex(&out.sha256.finalize()))
}

/// Opens a file to read it; what a pipe or a device gives may have no end, and is refused.
pub fn open_regular(path: &Path) -> io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("is no regular file")),
    }
}

/// SHA-256 of bytes, in hexadecimal.
pub fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a relative name stays below the directory that it is joined to.
pub fn is_inside(name: &str) -> bool {
    !name.is_empty()
        && Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

struct HashingWriter<W> {
    inner: W,
    sha256: Sha256,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

pub(super) fn write_error(path: &Path, source: io::Error) -> RunDirError {
    RunDirError::Write {
        path: path.to_path_buf(),
        source,
    }
}

fn new_directory_in(parent: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stormglass-");
    #[cfg(unix)]
    {
        // The usual rights of a new directory; the umask takes away from them.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent)
}

/// Makes the names in a directory and below it last through a power cut.
fn sync_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(files: &[FileHash]) -> Manifest {
        Manifest {
            schema: Manifest::SCHEMA,
            stormglass_version: "0.1.0".into(),
            scenario_name: "web".into(),
            scenario_files: Vec::new(),
            replications: Vec::new(),
            points: Vec::new(),
            repeat_with: "stormglass run web.toml".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            ended_at: "2026-01-01T00:00:01Z".into(),
            files: files.to_vec(),
            complete: true,
        }
    }

    fn write_run(place: &Path, contents: &str) -> Result<(), RunDirError> {
        let mut writer = RunDirWriter::begin(place.parent().expect("a parent"))?;
        writer.write("charts/a.svg", |out| out.write_all(contents.as_bytes()))?;
        let manifest = manifest(&writer.files());
        writer.commit(place, &manifest)
    }

    fn names_in(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .expect("a directory")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_directory_appears_with_hashed_files_and_nothing_beside_it() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("out/web-7");
        write_run(&place, "abc").expect("written");
        assert_eq!(names_in(&parent.path().join("out")), ["web-7"]);
        let read = Manifest::read(&place).expect("a manifest");
        // SHA-256 of "abc": FIPS 180-2, appendix B.1.
        assert_eq!(
            read.files[0].sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let again = sha256_of_file(&place.join("charts/a.svg")).expect("readable");
        assert_eq!(again, read.files[0].sha256);
    }

    #[test]
    fn a_run_directory_inside_another_has_a_manifest_of_its_own() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("web-7");
        let mut writer = RunDirWriter::begin(parent.path()).expect("begun");
        writer.enter("variants/0-ring");
        let write =
            |writer: &mut RunDirWriter, name: &str| writer.write(name, |out| out.write_all(b"abc"));
        write(&mut writer, "summary.json").expect("written");
        let inner = manifest(&writer.files());
        writer.leave(&inner).expect("written");
        write(&mut writer, "comparison.json").expect("written");
        let outer = manifest(&writer.files());
        writer.commit(&place, &outer).expect("renamed");
        let paths = |place: &Path| {
            let files = Manifest::read(place).expect("a manifest").files;
            files.into_iter().map(|file| file.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(&place.join("variants/0-ring")), ["summary.json"]);
        let all = [
            "variants/0-ring/summary.json",
            "variants/0-ring/manifest.json",
            "comparison.json",
        ];
        assert_eq!(paths(&place), all);
    }

    #[test]
    fn a_complete_run_directory_is_replaced_whole() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("web-7");
        write_run(&place, "old").expect("written");
        write_run(&place, "new").expect("replaced");
        assert_eq!(names_in(&place), ["charts", "manifest.json"]);
        assert_eq!(
            fs::read_to_string(place.join("charts/a.svg")).expect("a file"),
            "new"
        );
        assert_eq!(names_in(parent.path()), ["web-7"]);
    }

    #[test]
    fn what_the_manifest_does_not_list_is_not_deleted() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("web-7");
        write_run(&place, "old").expect("written");
        fs::create_dir_all(place.join("charts/own")).expect("made");
        let refused = |what: &str| {
            let error = write_run(&place, "new").expect_err("refused");
            assert!(
                matches!(&error, RunDirError::Unlisted(path) if *path == place.join(what)),
                "{error}"
            );
        };
        refused("charts/own");
        fs::write(place.join("charts/own/a.txt"), "mine").expect("written");
        refused("charts/own/a.txt");
        fs::remove_dir_all(place.join("charts/own")).expect("removed");
        write_run(&place, "new").expect("replaced");
    }

    #[test]
    fn a_failure_in_the_middle_leaves_the_old_result_intact() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("web-7");
        write_run(&place, "old").expect("written");
        let mut writer = RunDirWriter::begin(parent.path()).expect("begun");
        writer
            .write("a.csv", |out| out.write_all(b"half"))
            .expect("written");
        let error = writer
            .write("b.csv", |out| {
                out.write_all(b"half")?;
                Err(io::ErrorKind::StorageFull.into())
            })
            .expect_err("the disk is full");
        assert_eq!(
            error.to_string(),
            "b.csv: cannot be written: no storage space"
        );
        drop(writer);
        assert_eq!(
            fs::read_to_string(place.join("charts/a.svg")).expect("a file"),
            "old"
        );
        assert_eq!(names_in(parent.path()), ["web-7"]);
    }

    #[test]
    fn a_parent_made_for_nothing_goes_again() {
        let parent = tempfile::tempdir().expect("a directory");
        drop(RunDirWriter::begin(&parent.path().join("out")).expect("begun"));
        assert_eq!(names_in(parent.path()), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_a_run_directory_is_refused_and_kept() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("precious");
        fs::create_dir(&place).expect("made");
        fs::write(place.join("thesis.txt"), "ten years").expect("written");
        let error = write_run(&place, "new").expect_err("refused");
        assert_eq!(
            error.to_string(),
            format!(
                "{}: exists and is not a run directory; name another place with --out",
                place.display()
            )
        );
        assert_eq!(names_in(&place), ["thesis.txt"]);
        assert_eq!(names_in(parent.path()), ["precious"]);
    }

    #[test]
    fn an_empty_directory_is_taken() {
        let parent = tempfile::tempdir().expect("a directory");
        let place = parent.path().join("web-7");
        fs::create_dir(&place).expect("made");
        write_run(&place, "new").expect("written");
        assert_eq!(names_in(&place), ["charts", "manifest.json"]);
    }

    #[test]
    fn names_that_lead_out_are_recognized() {
        assert!(is_inside("charts/a.svg"));
        for name in ["", "..", "../x", "a/../../x", "/etc/passwd"] {
            assert!(!is_inside(name), "{name}");
        }
    }
}
