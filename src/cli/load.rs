//! What the verbs that read a scenario share.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::CliError;
use super::args::{LimitArgs, LoadArgs, RunArgs};
use super::style::Console;
use super::warmup;
use crate::report::files::{KeptInput, ScenarioOrigin};
use crate::report::manifest::FileHash;
use crate::report::page::DefaultLine;
use crate::report::run_dir::{sha256_of, sha256_of_file};
use crate::scenario::Scenario;
use crate::scenario::load::explain::{Explanation, effective_toml, explain};
use crate::scenario::load::files::read_text;
use crate::scenario::load::limits::{Estimate, Limits};
use crate::scenario::load::point::Base;
use crate::scenario::load::source::SourceKind;
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
    /// How large one run is likely to be.
    pub estimate: Estimate,
    /// The canonical paths of all files that it was read from.
    pub read_paths: Vec<PathBuf>,
}

/// Loads what `run` was asked to run, asking for these measures. Mistakes and warnings are shown.
pub fn for_run(
    args: &RunArgs,
    metrics: &[String],
    console: &mut Console,
) -> Result<Loaded, CliError> {
    let mut sets = args.load.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let mut input = input(args.scenario.as_deref(), &sets, &args.load.limits)?;
    let mut loaded = load::load_asking(&input, metrics, false);
    show_diagnostics(&loaded, console);
    let first = finish(&mut loaded)?;
    if !first.scenario.is_warmup_open {
        return Ok(first);
    }
    let limits = &args.load.limits;
    let secs = warmup::find(&first, args.jobs.count, limits, console)?.secs;
    console.note(warmup::found_text(secs));
    input.sets.push(warmup::set(secs));
    finish(&mut load::load_asking(&input, metrics, false))
}

/// Loads the scenario that variants are made of, without asking anything. Its errors are shown, and
/// its warnings are left to the variants.
pub fn base(input: &LoadInput, console: &mut Console) -> Result<Scenario, CliError> {
    let mut loaded = load::load(input);
    loaded.scenario.take().ok_or_else(|| {
        show_diagnostics(&loaded, console);
        refused(&loaded)
    })
}

/// Loads a scenario of which these measures will be asked, without its `[compare]`, and what of
/// its warnings and errors is not in `said` already is shown. `option` says which option an
/// argument was written after, where it is not the usual one of its kind.
pub fn variant(
    input: &LoadInput,
    measures: &[String],
    option: impl Fn(&str, &str) -> Option<&'static str>,
    said: &mut Vec<String>,
    console: &mut Console,
) -> Result<Loaded, CliError> {
    let mut loaded = load::load_asking(input, measures, true);
    loaded.sources.rename_arguments(option);
    let text = loaded.diagnostics.render(&loaded.sources, false);
    if !said.contains(&text) {
        show_diagnostics(&loaded, console);
        said.push(text);
    }
    finish(&mut loaded)
}

/// Loads what a sweep or a study is made of. Its mistakes are shown, and its warnings if
/// `has_warnings`.
pub fn subject(
    path: &Path,
    args: &LoadArgs,
    seed: Option<u64>,
    has_warnings: bool,
    console: &mut Console,
) -> Result<(LoadInput, Scenario), CliError> {
    let mut sets = args.sets.clone();
    sets.extend(seed.map(|seed| format!("seed={seed}")));
    let input = input(Some(path), &sets, &args.limits)?;
    let mut loaded = load::load(&input);
    let scenario = loaded.scenario.take();
    if has_warnings || scenario.is_none() {
        show_diagnostics(&loaded, console);
    }
    let scenario = scenario.ok_or_else(|| refused(&loaded))?;
    Ok((input, scenario))
}

/// Reads a scenario of whose points these measures are asked. Its mistakes are shown.
pub fn open(
    input: &LoadInput,
    measures: &[String],
    console: &mut Console,
) -> Result<Base, CliError> {
    Base::open(input, measures).map_err(|loaded| {
        show_diagnostics(&loaded, console);
        refused(&loaded)
    })
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
        Some(path) if is_pipe(path) => pipe(path, limits.scenario_bytes_max)?,
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
    finish(&mut loaded)
}

fn finish(loaded: &mut load::Loaded) -> Result<Loaded, CliError> {
    let Some(explanation) = explain(loaded) else {
        return Err(refused(loaded));
    };
    let origin = origin(loaded, &explanation)?;
    let scenario = loaded.scenario.take().expect("what is explained is there");
    Ok(Loaded {
        scenario,
        origin,
        estimate: explanation.estimate,
        read_paths: loaded
            .sources
            .file_paths()
            .chain(&loaded.inputs)
            .cloned()
            .collect(),
    })
}

/// The line that ends the diagnostics of a scenario with mistakes.
pub fn refused(loaded: &load::Loaded) -> CliError {
    let mut sources = loaded.sources.iter();
    let name = sources.next().map_or("scenario", |source| &source.name);
    CliError::Scenario(loaded.diagnostics.summary(name))
}

/// What a scenario was read from, for its run directory.
fn origin(loaded: &load::Loaded, explanation: &Explanation) -> Result<ScenarioOrigin, CliError> {
    let texts = loaded.sources.iter();
    let texts = texts.filter(|source| source.kind != SourceKind::Argument);
    let mut file_hashes: Vec<FileHash> = texts
        .map(|source| FileHash {
            path: source.name.clone(),
            sha256: sha256_of(source.text.as_bytes()),
        })
        .collect();
    let mut inputs: Vec<KeptInput> = Vec::new();
    for (place, path) in loaded.inputs.iter().enumerate() {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let failed = |source: io::Error| CliError::File {
            path: path.display().to_string(),
            source,
        };
        file_hashes.push(FileHash {
            path: file_name.to_string(),
            sha256: sha256_of_file(path).map_err(failed)?,
        });
        if path.metadata().map_err(failed)?.len() <= KEPT_INPUT_BYTES_MAX {
            inputs.push(KeptInput {
                name: format!("inputs/{place}-{}", slug(&file_name)),
                path: path.clone(),
            });
        }
    }
    let rename = |path: &Path, written: &str| {
        let kept = inputs.iter().find(|input| input.path == path);
        kept.map_or(written.to_string(), |input| input.name.clone())
    };
    Ok(ScenarioOrigin {
        effective_toml: effective_toml(loaded, &rename).expect("what is explained is there"),
        file_hashes,
        defaults: defaults(explanation),
        sensitivity: Vec::new(),
        inputs,
    })
}

/// The values that the scenario left open.
fn defaults(explanation: &Explanation) -> Vec<DefaultLine> {
    let values = explanation.values.iter();
    values
        .filter(|value| matches!(value.origin.as_str(), "default" | "computed"))
        .map(|value| DefaultLine {
            path: value.path.clone(),
            value: value.value.clone(),
        })
        .collect()
}

/// A file name that every system takes.
pub fn slug(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect()
}

/// Whether it is a pipe or a device.
fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// What a pipe says, which it does once: a scenario may be read more often.
fn pipe(path: &Path, bytes_max: u64) -> Result<LoadText, CliError> {
    let name = path.display().to_string();
    let text = read_text(path, bytes_max)
        .map_err(|problem| CliError::Usage(format!("cannot read {name}: {problem}")))?;
    let place = path.canonicalize().ok();
    Ok(match place.as_deref().and_then(Path::parent) {
        Some(folder) => LoadText::Saved {
            name,
            text,
            folder: folder.to_path_buf(),
        },
        None => LoadText::Text { name, text },
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
