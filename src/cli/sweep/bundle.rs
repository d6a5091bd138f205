//! A plan and the CSV inputs that it names, in one folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::super::{CliError, temporary};
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
    let mut file = temporary::beside(path)?;
    fill(file.as_file_mut())?;
    file.flush()?;
    temporary::keep(file, path)
}
