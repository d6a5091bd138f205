//! `stormglass compare`.

pub mod variants;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::variants::{LoadedVariant, load_variants};
use super::args::{CompareArgs, Format, RunArgs};
use super::command::{repeat_command, repeat_comparison};
use super::interrupt::Interrupt;
use super::load::slug;
use super::progress::Meter;
use super::run::{RUNS_DIRECTORY, begin, interrupted, jobs_that_fit, manifest};
use super::style::Console;
use super::{CliError, Exit, print_comparison};
use crate::experiment::Results;
use crate::experiment::compare::{Comparison, Row, Sample, Verdict, compare};
use crate::experiment::plan::{Monitor, Plan, PlanError};
use crate::experiment::replicate::replicate;
use crate::experiment::settling::settles_at_secs;
use crate::report::comparison::{ComparisonFacts, write_csv, write_json};
use crate::report::files::{Contents, write_files};
use crate::report::manifest::{Manifest, utc_text};
use crate::report::run_dir::RunDirWriter;
use crate::report::summary::digest_text;
use crate::report::terminal::Summary;
use crate::time::SimTime;

/// Runs the variants of a scenario on the same seeds and says which is better.
pub fn run(args: &CompareArgs, console: &mut Console) -> Result<Exit, CliError> {
    let (variants, reference) = load_variants(args, console)?;
    let interrupt = Interrupt::listen()?;
    let started_at = SystemTime::now();
    let mut writer = begin(args.out.as_deref())?;
    let (samples, digests) = run_variants(args, &variants, &mut writer, &interrupt, console)?;

    let scenario = &variants[reference].loaded.scenario;
    let measured = scenario.duration - scenario.warmup;
    let asked: Vec<_> = scenario.asked.iter().step_by(2).cloned().collect();
    let comparison = compare(&asked, &samples, reference, measured.as_secs_f64());
    let words: Vec<[u8; 8]> = digests.iter().map(|digest| digest.to_le_bytes()).collect();
    let facts = ComparisonFacts {
        scenario: scenario.name.clone(),
        seed: scenario.seed,
        digest: digest_text(xxhash_rust::xxh64::xxh64(&words.concat(), 0)),
        variants: variants
            .iter()
            .zip(&digests)
            .map(|(variant, digest)| (variant.sets.clone(), digest_text(*digest)))
            .collect(),
    };
    writer.write("comparison.json", |out| {
        write_json(&facts, &comparison, out)
    })?;
    if interrupt.is_raised() {
        return Err(interrupted());
    }
    let command = repeat_comparison(args);
    let place = place(args, &facts);
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        stormglass_version: env!("CARGO_PKG_VERSION").to_string(),
        scenario_name: scenario.name.clone(),
        scenario_files: variants[reference].loaded.origin.file_hashes.clone(),
        replications: Vec::new(),
        repeat_with: command.clone(),
        started_at: utc_text(started_at),
        ended_at: utc_text(SystemTime::now()),
        files: writer.files(),
        complete: true,
    };
    writer.commit(&place, &manifest)?;

    show(args.format, &facts, &comparison, &command, &place, console)?;
    Ok(verdict(args, &comparison))
}

/// Runs one variant after the other and writes its run directory. Returns the numbers that are
/// compared, and the digests.
fn run_variants(
    args: &CompareArgs,
    variants: &[LoadedVariant],
    writer: &mut RunDirWriter,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<(Vec<Sample>, Vec<u64>), CliError> {
    let lengths = variants.iter().map(|v| v.loaded.scenario.duration);
    let run_count = args.replications * u32::try_from(variants.len()).expect("variants are few");
    let meter = Meter::start(
        console.progress_mode(),
        interrupt.clone(),
        lengths.max().expect("there are variants"),
        run_count,
    );
    let (mut samples, mut digests, mut event_count) = (Vec::new(), Vec::new(), 0_u64);
    let mut settles_at: Vec<f64> = Vec::new();
    for (place, variant) in (0..).zip(variants) {
        let started_at = SystemTime::now();
        let part = Part {
            meter: &meter,
            first: place * args.replications,
        };
        let scenario = &variant.loaded.scenario;
        let limits = &args.load.limits;
        let plan = Plan {
            seed: scenario.seed,
            replication_count: args.replications,
            jobs: jobs_that_fit(args.jobs.count, &variant.loaded.estimate, limits.max_memory),
        };
        let results = replicate(scenario, &plan, limits.max_events, &part).map_err(|error| {
            meter.finish(None);
            let advice = match error {
                PlanError::Interrupted => String::new(),
                _ => format!("\nhint: this was variant `{}`", variant.name),
            };
            CliError::Plan { error, advice }
        })?;
        event_count = event_count.saturating_add(results.event_count());
        settles_at.extend(settles_at_secs(&results, scenario));
        writer.enter(&format!("variants/{place}-{}", slug(&variant.name)));
        write_variant(args, variant, &results, started_at, writer)?;
        digests.push(results.digest());
        samples.push(Sample {
            name: variant.name.clone(),
            readings: results.runs.into_iter().map(|run| run.readings).collect(),
        });
    }
    if let Some(took) = meter.finish(Some(event_count)) {
        console.note(took);
    }
    if let Some(secs) = settles_at.into_iter().reduce(f64::max) {
        console.note(format_args!(
            "warning: the mean latency settles {secs} s after the start, or later (MSER-5 before \
             the first fault); write warmup = \"{secs}s\", the same for all variants"
        ));
    }
    Ok((samples, digests))
}

/// Writes the run directory of a variant, as `run` would without pictures.
fn write_variant(
    args: &CompareArgs,
    variant: &LoadedVariant,
    results: &Results,
    started_at: SystemTime,
    writer: &mut RunDirWriter,
) -> Result<(), CliError> {
    let command = repeat_command(&RunArgs {
        scenario: Some(args.scenario.clone()),
        seed: args.seed,
        load: super::args::LoadArgs {
            sets: [&args.load.sets[..], &variant.sets[..]].concat(),
            limits: args.load.limits.clone(),
        },
        replications: args.replications,
        jobs: args.jobs.clone(),
        out: None,
        format: Format::Text,
        trace: Vec::new(),
        no_charts: true,
    });
    let scenario = &variant.loaded.scenario;
    write_files(
        writer,
        &Contents {
            scenario,
            results,
            origin: &variant.loaded.origin,
            summary: &Summary::new(scenario, results),
            command: &command,
            has_charts: false,
        },
    )?;
    let manifest = manifest(&variant.loaded, results, started_at, &command, writer);
    Ok(writer.leave(&manifest)?)
}

/// The replications of one variant among those of all.
struct Part<'a> {
    meter: &'a Meter,
    first: u32,
}

impl Monitor for Part<'_> {
    fn on_progress(&self, replication: u32, now: SimTime, event_count: u64) -> ControlFlow<()> {
        let place = self.first + replication;
        self.meter.on_progress(place, now, event_count)
    }

    fn on_done(&self, replication: u32) {
        self.meter.on_done(self.first + replication);
    }
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
    facts: &ComparisonFacts,
    comparison: &Comparison,
    command: &str,
    place: &Path,
    console: &mut Console,
) -> io::Result<()> {
    let (name, seed) = (&facts.scenario, facts.seed);
    match format {
        Format::Text => {
            let out = console.out();
            print_comparison::text(name, seed, comparison, out)?;
            writeln!(out, "\n  digest {}", facts.digest)?;
            writeln!(out, "  {}", place.display())?;
            writeln!(out, "repeat with: {command}")?;
        }
        Format::Md => print_comparison::markdown(name, seed, comparison, console.out())?,
        Format::Csv => write_csv(comparison, console.out())?,
        Format::Json => write_json(facts, comparison, console.out())?,
    }
    if format != Format::Text {
        console.note(place.display());
    }
    Ok(())
}

/// Whether a measure that must not be worse is, or cannot be compared.
fn verdict(args: &CompareArgs, comparison: &Comparison) -> Exit {
    let is_watched = |text: &String| args.fail_if_worse.iter().any(|metric| metric == text);
    let watched = comparison.measures.iter().filter(|m| is_watched(&m.text));
    let mut rows = watched.flat_map(|measure| &measure.rows);
    let is_bad = |row: &Row| {
        let bad = [Some(Verdict::Worse), Some(Verdict::NotComparable)];
        bad.contains(&row.verdict)
    };
    match rows.any(is_bad) {
        true => Exit::ExpectationFailed,
        false => Exit::Done,
    }
}
