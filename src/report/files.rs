//! The files of a run directory.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use super::manifest::FileHash;
use super::run_dir::{RunDirError, RunDirWriter};
use super::series::write_series;
use super::summary::write_summary;
use crate::experiment::Results;
use crate::scenario::Scenario;

/// What a scenario was read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScenarioOrigin {
    /// The effective scenario as TOML; CSV inputs are named as they stand in the run directory.
    pub effective_toml: String,
    /// Every file that was read, as it was named, with its hash.
    pub file_hashes: Vec<FileHash>,
    /// The CSV inputs to keep.
    pub inputs: Vec<KeptInput>,
}

/// A CSV input that the run directory holds a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptInput {
    /// Its name in the run directory: `inputs/arrivals.csv`.
    pub name: String,
    /// Where it was read from.
    pub path: PathBuf,
}

/// Writes every file but the manifest.
pub fn write_files(
    writer: &mut RunDirWriter,
    scenario: &Scenario,
    results: &Results,
    origin: &ScenarioOrigin,
    has_charts: bool,
) -> Result<(), RunDirError> {
    writer.write("scenario.toml", |out| {
        out.write_all(origin.effective_toml.as_bytes())
    })?;
    for input in &origin.inputs {
        writer.write(&input.name, |out| copy(input, out))?;
    }
    writer.write("summary.json", |out| write_summary(scenario, results, out))?;
    writer.write("series.csv", |out| write_series(&results.runs, out))?;
    let _ = has_charts;
    Ok(())
}

fn copy(input: &KeptInput, out: &mut dyn Write) -> io::Result<()> {
    io::copy(&mut File::open(&input.path)?, out)?;
    Ok(())
}
