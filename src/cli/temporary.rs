//! Files that have another name until they are whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A new file in the directory of `path`, under a temporary name. It is gone when it is dropped
/// before it gets that name.
pub fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let path = &place_of(path);
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stormglass-");
    #[cfg(unix)]
    {
        // The usual rights of a new file; the umask takes away from them.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(parent.unwrap_or(Path::new(".")))
}

/// Gives the file its name.
pub fn keep(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    let place = place_of(path);
    file.persist(place).map(|_| ()).map_err(|error| error.error)
}

/// Writes a whole file, or none; to a pipe or a device, which nothing can take the place of, at
/// once.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return fs::write(path, bytes);
    }
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    keep(file, path)
}

/// Where a name leads: a link to a file stays one, and the file is replaced.
fn place_of(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
