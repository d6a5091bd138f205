//! `stormglass compare`.

pub mod args;
mod execute;
mod measures;
mod saved;
pub mod variants;

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::args::CompareArgs;
use self::execute::Execution;
use self::measures::Measures;
use self::saved::SavedRun;
use self::variants::{Variants, load_variants};
use super::args::Format;
use super::command::repeat_comparison;
use super::interrupt::Interrupt;
use super::run::{RUNS_DIRECTORY, begin, interrupted, is_passed};
use super::style::Console;
use super::{CliError, Exit, print_comparison};
use crate::experiment::compare::between::{BetweenJudgement, judge_between};
use crate::experiment::compare::sample::Sample;
use crate::experiment::compare::{
    Comparison, Design, Question, Row, VERDICT_RUN_COUNT_MIN, Verdict, compare,
};
use crate::report::comparison::{ComparisonFacts, JudgedBetween, write_csv, write_json};
use crate::report::comparison_files::{ComparisonContents, write_comparison};
use crate::report::manifest::{FileHash, Kind, Manifest, utc_text};
use crate::report::page::basis::Basis;
use crate::report::run_dir::RunDirWriter;
use crate::report::summary::digest_text;
use crate::scenario::Scenario;

/// What a saved run that is compared with is called.
const BASELINE: &str = "baseline";
/// Replications of a variant unless somebody says otherwise.
const REPLICATION_COUNT: u32 = 10;

/// What is compared.
struct Compared {
    samples: Vec<Sample>,
    /// Of every measure, those that only expectations name at the end.
    questions: Vec<Question>,
    design: Design,
    measures: Measures,
    facts: ComparisonFacts,
    /// Of the reference.
    scenario_files: Vec<FileHash>,
}

/// Runs the variants of a scenario on the same seeds, or reads saved runs, and says which is
/// better.
pub fn run(args: &CompareArgs, console: &mut Console) -> Result<Exit, CliError> {
    let saved_count = args.scenarios.iter().filter(|path| path.is_dir()).count();
    let started_at = SystemTime::now();
    if saved_count != 0 && saved_count != args.scenarios.len() {
        let named = args.scenarios.iter();
        let mut named = named.filter(|path| path.as_path() != Path::new("-"));
        let missing = named.find_map(|path| Some((path, path.metadata().err()?)));
        if let Some((path, source)) = missing {
            return Err(CliError::Input {
                path: path.display().to_string(),
                source,
            });
        }
        return Err(CliError::Usage(
            "run directories are compared with each other; to compare a scenario with one, write \
             --baseline RUN_DIR"
                .to_string(),
        ));
    }
    if saved_count != 0 {
        let compared = read_saved(args)?;
        let writer = begin(args.out.as_deref(), Kind::Comparison)?;
        return finish(args, compared, writer, started_at, console);
    }
    let baseline = args.baseline.as_deref().map(SavedRun::read).transpose()?;
    let variants = load_variants(args, console)?;
    // What is read may be a pipe that says nothing: until here Ctrl-C ends the process at once.
    let interrupt = Interrupt::listen()?;
    let mut writer = begin(args.out.as_deref(), Kind::Comparison)?;
    let compared = run_variants(args, variants, baseline, &mut writer, &interrupt, console)?;
    if interrupt.is_raised() {
        return Err(interrupted());
    }
    finish(args, compared, writer, started_at, console)
}

/// Compares, writes and shows.
fn finish(
    args: &CompareArgs,
    compared: Compared,
    mut writer: RunDirWriter,
    started_at: SystemTime,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let comparison = compare(&compared.design, &compared.samples);
    let between = judge_expectations(&compared)?;
    let facts = &compared.facts;
    let command = repeat_comparison(args);
    let contents = ComparisonContents {
        facts,
        comparison: &comparison,
        between: &between,
        command: &command,
        has_charts: !args.no_charts,
    };
    write_comparison(&mut writer, &contents)?;
    let place = place(args, facts);
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        stormglass_version: env!("CARGO_PKG_VERSION").to_string(),
        scenario_name: facts.scenario.clone(),
        scenario_files: compared.scenario_files.clone(),
        replications: Vec::new(),
        points: Vec::new(),
        repeat_with: command.clone(),
        started_at: utc_text(started_at),
        ended_at: utc_text(SystemTime::now()),
        files: writer.files(),
        complete: true,
    };
    writer.commit(&place, &manifest)?;
    show(args.format, &contents, &place, console)?;
    if !args.fail_if_worse.is_empty()
        && let Some(reason) = too_few(&comparison)
    {
        console.note(reason);
    }
    Ok(verdict(args, &comparison, &between))
}

/// Runs the variants, and puts the baseline before them if there is one.
fn run_variants(
    args: &CompareArgs,
    variants: Variants,
    mut baseline: Option<SavedRun>,
    writer: &mut RunDirWriter,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Compared, CliError> {
    let saved_count = baseline.as_ref().map_or(0, |saved| saved.seeds.len());
    let standard = match u32::try_from(saved_count) {
        Ok(count) if 2 <= count => count,
        _ => REPLICATION_COUNT,
    };
    let execution = Execution {
        args,
        variants: &variants,
        replications: args.replications.unwrap_or(standard),
        interrupt,
    };
    let mut executed = execution.run(writer, console)?;
    let scenario = &variants.list[0].loaded.scenario;
    let mut digests: Vec<String> = executed.digests.iter().map(|d| digest_text(*d)).collect();
    let words: Vec<[u8; 8]> = executed.digests.iter().map(|d| d.to_le_bytes()).collect();
    let mut sets: Vec<Vec<String>> = variants.list.iter().map(|v| v.sets.clone()).collect();
    let mut is_paired = true;
    if let Some(saved) = &mut baseline {
        let run_count = executed.samples[0].readings.len() as u64;
        let own: Vec<u64> = (0..run_count)
            .map(|i| scenario.seed.wrapping_add(i))
            .collect();
        is_paired = pair(&own, saved, &mut executed.samples[0]);
        let sample = saved.sample(BASELINE, &variants.measures.texts)?;
        executed.samples.insert(0, sample);
        digests.insert(0, saved.digest.clone());
        sets.insert(0, Vec::new());
    }
    let is_reference = |sample: &Sample| sample.name == variants.reference;
    let reference = executed.samples.iter().position(is_reference);
    let reference = reference.expect("the reference is one of them");
    let measured = (scenario.duration - scenario.warmup).as_secs_f64();
    let asked = variants.asked.iter();
    let questions: Vec<Question> = asked.map(|a| Question::new(&a.text, &a.measure)).collect();
    let measures = variants.measures;
    let own = variants.list.iter().map(|it| &it.loaded.scenario);
    let scenarios: Vec<&Scenario> = own.collect();
    let first = &variants.list[reference.min(variants.list.len() - 1)];
    Ok(Compared {
        design: measures.design(questions.clone(), reference, is_paired, measured),
        samples: executed.samples,
        questions,
        measures,
        facts: ComparisonFacts {
            scenario: scenario.name.clone(),
            seed: scenario.seed,
            digest: digest_text(xxhash_rust::xxh64::xxh64(&words.concat(), 0)),
            variants: sets.into_iter().zip(digests).collect(),
            basis: Basis::of(&scenarios),
        },
        scenario_files: first.loaded.origin.file_hashes.clone(),
    })
}

/// Keeps the replications of the seeds that both have, if those are all of one of them. Returns
/// whether they are pairs now.
fn pair(own: &[u64], saved: &mut SavedRun, sample: &mut Sample) -> bool {
    let common: Vec<u64> = own
        .iter()
        .copied()
        .filter(|s| saved.seeds.contains(s))
        .collect();
    if common.len() < own.len().min(saved.seeds.len()) {
        return false;
    }
    saved.restrict(&common);
    let mut seeds = own.iter();
    sample
        .readings
        .retain(|_| seeds.next().is_some_and(|seed| common.contains(seed)));
    if common.len() < own.len() {
        // What all of them were read from says nothing of some of them.
        sample.pools.clear();
    }
    true
}

/// The saved runs of run directories.
fn read_saved(args: &CompareArgs) -> Result<Compared, CliError> {
    if args.scenarios.len() < 2 || args.vary.is_some() || args.baseline.is_some() {
        return Err(CliError::Usage(
            "saved runs are compared with each other: name two run directories or more".into(),
        ));
    }
    let mut saved = Vec::new();
    for path in &args.scenarios {
        saved.push(SavedRun::read(path)?);
    }
    let common: Vec<u64> = saved[0]
        .seeds
        .clone()
        .into_iter()
        .filter(|seed| saved.iter().all(|run| run.seeds.contains(seed)))
        .collect();
    let least = saved.iter().map(|run| run.seeds.len()).min().unwrap_or(0);
    let is_paired = common.len() == least;
    if is_paired {
        saved.iter_mut().for_each(|run| run.restrict(&common));
    }
    let measures = Measures::new(args, None)?;
    let names = names_of(&args.scenarios);
    let pairs = saved.iter().zip(&names);
    let samples: Result<Vec<Sample>, CliError> = pairs
        .map(|(run, name)| run.sample(name, &measures.texts))
        .collect();
    let questions: Result<Vec<Question>, CliError> = measures
        .texts
        .iter()
        .map(|text| saved::question(text))
        .collect();
    let questions = questions?;
    let reference = match &args.reference {
        None => 0,
        Some(name) => names
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| {
                CliError::Usage(format!(
                    "unknown variant `{name}`; expected one of {}",
                    names.join(", ")
                ))
            })?,
    };
    let words: Vec<String> = saved.iter().map(|run| run.digest.clone()).collect();
    let digest = xxhash_rust::xxh64::xxh64(words.concat().as_bytes(), 0);
    let measured_secs = saved[reference].measured_secs;
    Ok(Compared {
        design: measures.design(questions.clone(), reference, is_paired, measured_secs),
        samples: samples?,
        questions,
        measures,
        facts: ComparisonFacts {
            scenario: saved[reference].scenario.clone(),
            seed: saved[reference].seeds[0],
            digest: digest_text(digest),
            variants: saved
                .iter()
                .map(|run| (Vec::new(), run.digest.clone()))
                .collect(),
            basis: Basis::default(),
        },
        scenario_files: Vec::new(),
    })
}

/// What files or directories are called: by their last part, by their whole path where two of
/// those are equal.
fn names_of(paths: &[PathBuf]) -> Vec<String> {
    let short = |path: &PathBuf| {
        let is_file = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        let name = if is_file {
            path.file_stem()
        } else {
            path.file_name()
        };
        name.unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned()
    };
    let names: Vec<String> = paths.iter().map(short).collect();
    let is_twice = |name: &String| 1 < names.iter().filter(|other| *other == name).count();
    let pairs = paths.iter().zip(&names);
    pairs
        .map(|(path, name)| match is_twice(name) {
            true => path.display().to_string(),
            false => name.clone(),
        })
        .collect()
}

/// What became of `[compare.expect]`.
fn judge_expectations(compared: &Compared) -> Result<Vec<JudgedBetween>, CliError> {
    let (samples, measures) = (&compared.samples, &compared.measures);
    let expectations = measures.expectations.iter();
    expectations
        .map(|expectation| {
            let unit = measures.unit_of(expectation, &compared.questions)?;
            let left = measures.number_of(&expectation.left, samples)?;
            let right = measures.number_of(&expectation.right, samples)?;
            let is_paired = compared.design.is_paired;
            let judgement: BetweenJudgement =
                judge_between(expectation, unit, samples, left, right, is_paired);
            Ok(JudgedBetween {
                expectation: expectation.clone(),
                unit,
                judgement,
            })
        })
        .collect()
}

fn place(args: &CompareArgs, facts: &ComparisonFacts) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        let digest = &facts.digest[..8];
        let name = format!("{}-compare-{}-{digest}", facts.scenario, facts.seed);
        Path::new(RUNS_DIRECTORY).join(name)
    })
}

fn show(
    format: Format,
    contents: &ComparisonContents,
    place: &Path,
    console: &mut Console,
) -> io::Result<()> {
    match format {
        Format::Text => {
            let out = console.out();
            print_comparison::text(contents, out)?;
            writeln!(out, "\n  digest {}", contents.facts.digest)?;
            writeln!(out, "  {}", place.join("report.html").display())?;
            writeln!(out, "repeat with: {}", contents.command)?;
        }
        Format::Md => print_comparison::markdown(contents, console.out())?,
        Format::Csv => write_csv(contents.comparison, console.out())?,
        Format::Json => write_json(contents, console.out())?,
    }
    if format != Format::Text {
        console.note(place.join("report.html").display());
    }
    Ok(())
}

/// Why nothing can be told to be worse, if the replications are too few for any verdict.
fn too_few(comparison: &Comparison) -> Option<String> {
    let counts = comparison.run_counts.iter();
    let (place, count) = counts.enumerate().min_by_key(|(_, count)| **count)?;
    (*count < VERDICT_RUN_COUNT_MIN).then(|| {
        format!(
            "--fail-if-worse cannot be told: it needs {VERDICT_RUN_COUNT_MIN} replications of \
             each, and `{}` has {count}; give `run` and `compare` --replications 10",
            comparison.variants[place]
        )
    })
}

/// Whether a measure that must not be worse is, or has no verdict, or an expectation failed.
fn verdict(args: &CompareArgs, comparison: &Comparison, between: &[JudgedBetween]) -> Exit {
    let is_watched = |text: &String| args.fail_if_worse.iter().any(|metric| metric == text);
    let watched = comparison.measures.iter().filter(|m| is_watched(&m.text));
    let mut rows = watched.flat_map(|measure| &measure.rows);
    let is_enough = VERDICT_RUN_COUNT_MIN <= comparison.run_count_min();
    let is_bad = |row: &Row| match row.verdict {
        None => false,
        Some(Verdict::Worse | Verdict::NotComparable | Verdict::NotJudged) => true,
        Some(_) => !is_enough,
    };
    let mut states = between.iter().map(|judged| judged.judgement.state);
    let is_held = states.all(|state| is_passed(state, args.undecided));
    match rows.any(is_bad) || !is_held {
        true => Exit::ExpectationFailed,
        false => Exit::Done,
    }
}
