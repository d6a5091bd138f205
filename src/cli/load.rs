//! What the verbs that read a scenario share.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::CliError;
use super::args::{LimitArgs, RunArgs};
use super::style::Console;
use crate::report::files::ScenarioOrigin;
use crate::scenario::Scenario;
use crate::scenario::load::limits::Limits;
use crate::scenario::load::{LoadInput, LoadText};

/// The scenario that runs where none is named.
pub const QUICKSTART: &str = include_str!("../../scenarios/quickstart.toml");

/// A scenario without mistakes.
pub struct Loaded {
    /// What is to run.
    pub scenario: Scenario,
    /// What it was read from.
    pub origin: ScenarioOrigin,
}

/// Loads what `run` was asked to run. Mistakes and warnings are shown.
pub fn for_run(args: &RunArgs, console: &mut Console) -> Result<Loaded, CliError> {
    let mut sets = args.load.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let input = input(args.scenario.as_deref(), &sets, &args.load.limits)?;
    accept(&input, console)
}

/// Loads the scenario of a run directory.
pub fn for_verify(
    path: &Path,
    limits: &LimitArgs,
    console: &mut Console,
) -> Result<Loaded, CliError> {
    accept(&input(Some(path), &[], limits)?, console)
}

/// What to load: a file, `-` for standard input, or the quick-start.
pub fn input(
    path: Option<&Path>,
    sets: &[String],
    limits: &LimitArgs,
) -> Result<LoadInput, CliError> {
    let limits = Limits {
        input_bytes_max: limits.max_input,
        memory_bytes_max: limits.max_memory,
        event_count_max: limits.max_events,
        ..Limits::STANDARD
    };
    let text = match path {
        None => LoadText::Text {
            name: "quickstart.toml".to_string(),
            text: QUICKSTART.to_string(),
        },
        Some(path) if path == Path::new("-") => LoadText::Text {
            name: "<stdin>".to_string(),
            text: standard_input(limits.scenario_bytes_max)?,
        },
        Some(path) => LoadText::File(path.to_path_buf()),
    };
    Ok(LoadInput {
        text,
        sets: sets.to_vec(),
        limits,
    })
}
