//! Which files an output may replace: nothing that somebody wrote by hand is lost.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::CliError;
use crate::report::sweep::plan_file::PlanFile;
use crate::trace::{chrome, lines};

/// What is about to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind<'a> {
    /// A trace, in either format.
    Trace,
    /// The plan of a sweep.
    Plan,
    /// A chart, which begins so, and the option that names it.
    Chart {
        option: &'a str,
        beginning: &'a [u8],
    },
}

/// Refuses a file that the command reads, or that holds anything but another output of this kind.
/// `inputs` are canonical paths.
pub fn check_output(path: &Path, kind: OutputKind<'_>, inputs: &[PathBuf]) -> Result<(), CliError> {
    let Ok(found) = fs::metadata(path) else {
        return Ok(());
    };
    if !found.is_file() {
        return Ok(());
    }
    let (option, name) = match kind {
        OutputKind::Trace => ("--trace", "a trace"),
        OutputKind::Plan => ("--plan", "a plan of a sweep"),
        OutputKind::Chart { option, .. } => (option, "such a chart"),
    };
    let refused = |problem: String| {
        let path = path.display();
        Err(CliError::Usage(format!(
            "{option} {path}: {problem}; name another file"
        )))
    };
    if fs::canonicalize(path).is_ok_and(|path| inputs.contains(&path)) {
        return refused("is one of the files of the scenario".to_string());
    }
    let is_kind = match kind {
        OutputKind::Trace => is_trace(path),
        OutputKind::Plan => PlanFile::is_at(path),
        OutputKind::Chart { beginning, .. } => begins_with(path, beginning).unwrap_or(false),
    };
    match found.len() == 0 || is_kind {
        true => Ok(()),
        false => refused(format!("exists and is not {name}")),
    }
}

fn is_trace(path: &Path) -> bool {
    let beginnings = [lines::BEGINNING, chrome::BEGINNING];
    beginnings
        .iter()
        .any(|text| begins_with(path, text.as_bytes()).unwrap_or(false))
}

fn begins_with(path: &Path, beginning: &[u8]) -> io::Result<bool> {
    let mut bytes = vec![0; beginning.len()];
    File::open(path)?.read_exact(&mut bytes)?;
    Ok(bytes == beginning)
}
