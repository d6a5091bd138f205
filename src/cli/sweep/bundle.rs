//! A plan and the CSV inputs that it names, in one folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::super::CliError;
use super::prepare::Job;

/// Writes the inputs of a plan beside `path` and then the plan itself, each to a temporary name
/// first.
pub fn write(job: &Job, path: &Path) -> Result<(), CliError> {
    let failed = |source: io::Error| CliError::File {
        path: path.display().to_string(),
        source,
    };
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for input in &job.inputs {
        let place = folder.join(&input.name);
        let parent = place.parent().expect("it is named below a folder");
        fs::create_dir_all(parent).map_err(failed)?;
        replace(&place, |out| {
            io::copy(&mut File::open(&input.path)?, out).map(|_| ())
        })
        .map_err(failed)?;
    }
    replace(path, |out| job.file.write(out)).map_err(failed)
}

/// Writes a file under a temporary name and renames it.
pub fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stormglass-");
    #[cfg(unix)]
    {
        // The usual rights of a new file; the umask takes away from them.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent.unwrap_or(Path::new(".")))?;
    fill(file.as_file_mut())?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}
