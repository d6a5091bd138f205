//! A plan and the CSV inputs that it names, in one folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::super::{CliError, temporary};
use super::prepare::Job;
use crate::report::manifest::FileHash;
use crate::report::run_dir::sha256_of_file;
use crate::report::sweep::plan_file::PlanFile;

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
    refuse_foreign_inputs(job, path, folder)?;
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

/// Refuses to replace a file that is neither one of these inputs nor one of the plan that is
/// replaced.
fn refuse_foreign_inputs(job: &Job, path: &Path, folder: &Path) -> Result<(), CliError> {
    let replaced = PlanFile::read(path).ok();
    let replaced = replaced.iter().flat_map(|it| &it.plan.inputs);
    let known: Vec<&FileHash> = job.file.plan.inputs.iter().chain(replaced).collect();
    for input in &job.inputs {
        let place = folder.join(&input.name);
        if fs::symlink_metadata(&place).is_err() {
            continue;
        }
        let found = sha256_of_file(&place).ok();
        let is_it = |hash: &&FileHash| {
            hash.path == input.name && found.as_deref() == Some(hash.sha256.as_str())
        };
        if !known.iter().any(is_it) {
            return Err(CliError::Usage(format!(
                "{}: exists and is no input of the plan {}; move it, or name another place",
                place.display(),
                path.display()
            )));
        }
    }
    Ok(())
}

/// Writes a file under a temporary name and renames it.
pub fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = temporary::beside(path)?;
    fill(file.as_file_mut())?;
    file.flush()?;
    temporary::keep(file, path)
}
