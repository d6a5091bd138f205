//! What the verbs that read a scenario share.

use std::io::{self, Read};
use std::path::Path;

use super::CliError;
use super::args::{LimitArgs, RunArgs};
use super::style::Console;
use crate::report::files::{KeptInput, ScenarioOrigin};
use crate::report::manifest::FileHash;
use crate::report::run_dir::{sha256_of, sha256_of_file};
use crate::scenario::Scenario;
use crate::scenario::load::limits::Limits;
use crate::scenario::load::source::{SET_NAME, SourceId};
use crate::scenario::load::{self, LoadInput, LoadText};

/// CSV inputs up to this size are copied into the run directory; of larger ones it has the hash.
const KEPT_INPUT_BYTES_MAX: u64 = 16 << 20;

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

/// Shows errors and warnings; those of a scenario with warnings only are not shown to who wants
/// quiet.
pub fn show_diagnostics(loaded: &load::Loaded, console: &mut Console) {
    let diagnostics = &loaded.diagnostics;
    let text = diagnostics.render(&loaded.sources, console.is_err_colored());
    match (text.is_empty(), diagnostics.error_count()) {
        (true, _) => {}
        (false, 0) => console.note(text.trim_end()),
        (false, _) => console.say(text.trim_end_matches('\n').to_string() + "\n"),
    }
}

/// Loads a scenario that is going to run.
fn accept(input: &LoadInput, console: &mut Console) -> Result<Loaded, CliError> {
    let mut loaded = load::load(input);
    show_diagnostics(&loaded, console);
    match loaded.scenario.take() {
        Some(scenario) => Ok(Loaded {
            scenario,
            origin: origin(&loaded)?,
        }),
        None => {
            let name = loaded
                .sources
                .iter()
                .next()
                .map_or("scenario", |s| s.name.as_str());
            Err(CliError::Scenario(loaded.diagnostics.summary(name)))
        }
    }
}

/// What a scenario was read from, for its run directory.
fn origin(loaded: &load::Loaded) -> Result<ScenarioOrigin, CliError> {
    let folder = loaded
        .sources
        .get(SourceId(0))
        .folder
        .clone()
        .unwrap_or_default();
    let mut file_hashes: Vec<FileHash> = loaded
        .sources
        .iter()
        .filter(|source| source.name != SET_NAME)
        .map(|source| FileHash {
            path: source.name.clone(),
            sha256: sha256_of(source.text.as_bytes()),
        })
        .collect();
    let mut inputs = Vec::new();
    for path in &loaded.inputs {
        let name = path
            .strip_prefix(&folder)
            .unwrap_or(path)
            .display()
            .to_string();
        let failed = |source: io::Error| CliError::File {
            path: name.clone(),
            source,
        };
        file_hashes.push(FileHash {
            path: name.clone(),
            sha256: sha256_of_file(path).map_err(failed)?,
        });
        if path.metadata().map_err(failed)?.len() <= KEPT_INPUT_BYTES_MAX {
            inputs.push(KeptInput {
                name: format!("inputs/{name}"),
                path: path.clone(),
            });
        }
    }
    Ok(ScenarioOrigin {
        effective_toml: loaded.sources.get(SourceId(0)).text.clone(),
        file_hashes,
        inputs,
        defaults: Vec::new(),
    })
}

/// Standard input, cut just above the size that is refused.
fn standard_input(bytes_max: u64) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let failed = |source| CliError::File {
        path: "<stdin>".to_string(),
        source,
    };
    io::stdin()
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| CliError::Usage("<stdin>: is not UTF-8 text".to_string()))
}
