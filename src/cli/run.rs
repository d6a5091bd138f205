//! `stormglass run`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::args::{Format, RunArgs, Undecided};
use super::command::repeat_command;
use super::interrupt::Interrupt;
use super::load::{self, Loaded};
use super::progress::Meter;
use super::sensitivity_file::sentences;
use super::style::Console;
use super::trace_files::{TraceFiles, refuse_inside};
use super::{CliError, Exit, print};
use crate::experiment::Results;
use crate::experiment::compare::sample::Level;
use crate::experiment::gather::{Gathering, pooled_bytes};
use crate::experiment::plan::{Plan, PlanError};
use crate::experiment::precision::Precision;
use crate::experiment::replicate::extend_followed;
use crate::metrics::evaluate::VerdictState;
use crate::report::files::{Contents, write_files};
use crate::report::format;
use crate::report::manifest::{Kind, Manifest, ReplicationRecord, utc_text};
use crate::report::place::check_place;
use crate::report::run_dir::RunDirWriter;
use crate::report::summary::{digest_text, write_summary};
use crate::report::terminal::Summary;
use crate::scenario::Scenario;
use crate::scenario::load::limits::Estimate;
use crate::trace::Follower;

/// What `--precision` is about unless somebody says otherwise.
const PRECISE_METRICS: [&str; 2] = ["success_ratio", "latency.mean"];

/// Where run directories are collected.
pub const RUNS_DIRECTORY: &str = "stormglass-out";

/// Runs a scenario, prints its summary and writes its run directory.
pub fn run(args: &RunArgs, console: &mut Console) -> Result<Exit, CliError> {
    let precision = args.precision.rule(args.replications);
    let mut loaded = load::for_run(args, &metrics(args), console)?;
    if let Some(path) = &args.sensitivity {
        loaded.origin.sensitivity = sentences(path, &loaded.scenario.name)?;
    }
    // What is read may be a pipe that says nothing: until here Ctrl-C ends the process at once.
    let interrupt = Interrupt::listen()?;
    let started_at = SystemTime::now();
    let mut writer = begin(args.out.as_deref(), Kind::Run)?;
    if let Some(out) = &args.out {
        refuse_inside(&args.trace, out)?;
    }
    let mut files = TraceFiles::create(&args.trace, &loaded.read_paths)?;
    let plan = plan(args, &loaded, precision.as_ref())?;
    let event_count_max = args.load.limits.max_events;
    let scenario = &loaded.scenario;
    let mut traces = files.open(scenario, plan.seed);
    let results = match precision {
        None => replicate_shown(
            scenario,
            &plan,
            event_count_max,
            &interrupt,
            console,
            traces.follower(),
        ),
        Some(rule) => {
            let runs = Precisely {
                scenario,
                plan,
                rule,
                event_count_max,
            };
            runs.replicate(&interrupt, console, traces.follower())
        }
    };
    let results = results.map_err(|error| CliError::Plan {
        advice: advice(&error, args),
        error,
    })?;

    traces.finish()?;
    show_details(&results, console);
    let command = repeat_command(args);
    let summary = Summary::new(&loaded.scenario, &results);
    let contents = Contents {
        scenario: &loaded.scenario,
        results: &results,
        origin: &loaded.origin,
        summary: &summary,
        command: &command,
        has_charts: !args.no_charts,
    };
    write_files(&mut writer, &contents)?;
    if interrupt.is_raised() {
        return Err(interrupted());
    }
    let place = place(args, &loaded.scenario, &results);
    refuse_inside(&args.trace, &place)?;
    files.keep(console)?;
    let manifest = manifest(&loaded, &results, started_at, &command, &writer);
    writer.commit(&place, &manifest)?;

    show(args.format, &contents, &place, console)?;
    Ok(verdict(&results, args.undecided))
}

/// The runs that are made, or made first.
fn plan(args: &RunArgs, loaded: &Loaded, precision: Option<&Precision>) -> Result<Plan, CliError> {
    let most = precision.map_or(args.replications, |rule| rule.run_count_max);
    let (size, max_memory) = (&loaded.estimate, args.load.limits.max_memory);
    let memory = memory_for_runs(&loaded.scenario, most, size, max_memory)?;
    Ok(Plan {
        seed: loaded.scenario.seed,
        replication_count: precision.map_or(args.replications, |rule| rule.run_count_min),
        jobs: jobs_that_fit(args.jobs.count, size, memory),
    })
}

/// The measures that are asked for, or those that a precision is about unless somebody says
/// otherwise.
fn metrics(args: &RunArgs) -> Vec<String> {
    match (args.metrics.is_empty(), args.precision.precision) {
        (true, Some(_)) => PRECISE_METRICS.map(str::to_string).to_vec(),
        _ => args.metrics.clone(),
    }
}

/// Replications that go on until the measures that are asked for are known precisely.
struct Precisely<'a> {
    scenario: &'a Scenario,
    plan: Plan,
    rule: Precision,
    event_count_max: u64,
}

impl Precisely<'_> {
    fn replicate(
        mut self,
        interrupt: &Interrupt,
        console: &mut Console,
        mut follower: Option<&mut (dyn Follower + Send)>,
    ) -> Result<Results, PlanError> {
        let (scenario, plan) = (self.scenario, &mut self.plan);
        let mut gathering = Gathering::default();
        loop {
            let meter = Meter::start(
                console.progress_mode(),
                interrupt.clone(),
                scenario.duration,
                plan.replication_count,
            );
            let extended = extend_followed(
                &mut gathering,
                scenario,
                plan,
                self.event_count_max,
                &meter,
                follower.take(),
            );
            meter.finish(None);
            extended?;
            let levels = gathering.asked_levels(scenario);
            let widths = levels.iter().map(Level::relative_half_width);
            let widest = widths.fold(0.0, f64::max);
            match self.rule.next(plan.replication_count, widest) {
                Some(count) => plan.replication_count = count,
                None => {
                    console.note(self.rule.text(plan.replication_count, widest));
                    return Ok(gathering.results(scenario));
                }
            }
        }
    }
}

/// Runs all replications of a plan, showing how far they are; `follower` sees the first one.
pub fn replicate_shown(
    scenario: &Scenario,
    plan: &Plan,
    event_count_max: u64,
    interrupt: &Interrupt,
    console: &mut Console,
    follower: Option<&mut (dyn Follower + Send)>,
) -> Result<Results, PlanError> {
    let meter = Meter::start(
        console.progress_mode(),
        interrupt.clone(),
        scenario.duration,
        plan.replication_count,
    );
    let mut gathering = Gathering::default();
    let results = extend_followed(
        &mut gathering,
        scenario,
        plan,
        event_count_max,
        &meter,
        follower,
    )
    .map(|()| gathering.results(scenario));
    let event_count = results.as_ref().ok().map(Results::event_count);
    if let Some(took) = meter.finish(event_count) {
        console.note(took);
    }
    results
}

/// As many jobs as were asked for, or as many as there are cores, but no more at once than
/// `memory_bytes_max` holds.
pub fn jobs_that_fit(jobs: u32, estimate: &Estimate, memory_bytes_max: u64) -> u32 {
    let fitting = (memory_bytes_max / estimate.memory_bytes.max(1)).clamp(1, 1_024);
    let fitting = u32::try_from(fitting).expect("clamped");
    match jobs {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            u32::try_from(cores).unwrap_or(u32::MAX).min(fitting)
        }
        jobs => jobs.min(fitting),
    }
}

/// Memory that is left for runs when the samples of all are kept. Refused where one does not fit.
pub fn memory_for_runs(
    scenario: &Scenario,
    run_count: u32,
    estimate: &Estimate,
    memory_bytes_max: u64,
) -> Result<u64, CliError> {
    let pooled = pooled_bytes(scenario, run_count);
    let left = memory_bytes_max.saturating_sub(pooled);
    if pooled == 0 || estimate.memory_bytes <= left {
        return Ok(left);
    }
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(CliError::Usage(format!(
        "the samples of {run_count} replications would need about {} MiB besides the {} MiB of \
         a run, more than {} MiB together; raise --max-memory, or ask for fewer percentiles",
        mebibytes(pooled),
        mebibytes(estimate.memory_bytes),
        mebibytes(memory_bytes_max)
    )))
}

/// What to do about a plan without results, on a line of its own.
fn advice(error: &PlanError, args: &RunArgs) -> String {
    match error {
        PlanError::Interrupted | PlanError::Stopped { .. } | PlanError::Threads { .. } => {
            String::new()
        }
        PlanError::Panicked { seed, .. } => {
            let alone = RunArgs {
                seed: Some(*seed),
                replications: 1,
                ..args.clone()
            };
            format!(
                "\nhint: this is a bug in stormglass; reproduce it with: {}",
                repeat_command(&alone)
            )
        }
    }
}

/// The user asked to stop.
pub fn interrupted() -> CliError {
    CliError::Plan {
        error: PlanError::Interrupted,
        advice: String::new(),
    }
}

/// Begins the run directory before the run, so that a place that takes none is found at once.
pub fn begin(out: Option<&Path>, kind: Kind) -> Result<RunDirWriter, CliError> {
    let parent = match out {
        None => Path::new(RUNS_DIRECTORY),
        Some(out) => {
            check_place(out, kind)?;
            parent_of(out)
        }
    };
    Ok(RunDirWriter::begin(parent)?)
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn place(args: &RunArgs, scenario: &Scenario, results: &Results) -> PathBuf {
    let digest = digest_text(results.digest());
    args.out.clone().unwrap_or_else(|| {
        let name = format!("{}-{}-{}", scenario.name, scenario.seed, &digest[..8]);
        Path::new(RUNS_DIRECTORY).join(name)
    })
}

/// What the manifest of a plan says.
pub fn manifest(
    loaded: &Loaded,
    results: &Results,
    started_at: SystemTime,
    command: &str,
    writer: &RunDirWriter,
) -> Manifest {
    let record = |run: &crate::experiment::Run| ReplicationRecord {
        seed: run.seed,
        digest: digest_text(run.metrics.digest),
    };
    Manifest {
        schema: Manifest::SCHEMA,
        stormglass_version: env!("CARGO_PKG_VERSION").to_string(),
        scenario_name: loaded.scenario.name.clone(),
        scenario_files: loaded.origin.file_hashes.clone(),
        replications: results.runs.iter().map(record).collect(),
        points: Vec::new(),
        repeat_with: command.to_string(),
        started_at: utc_text(started_at),
        ended_at: utc_text(SystemTime::now()),
        files: writer.files(),
        complete: true,
    }
}

/// What each run was, for the curious.
fn show_details(results: &Results, console: &mut Console) {
    for run in &results.runs {
        let digest = digest_text(run.metrics.digest);
        let event_count = format::count(run.metrics.event_count);
        console.detail(format_args!(
            "seed {}: digest {digest}, {event_count} events",
            run.seed
        ));
    }
}

fn show(
    format: Format,
    contents: &Contents,
    place: &Path,
    console: &mut Console,
) -> io::Result<()> {
    let report = place.join("report.html");
    let summary = contents.summary;
    match format {
        Format::Text => {
            let out = console.out();
            print::text(summary, out)?;
            writeln!(out, "\n  digest {}", summary.digest)?;
            writeln!(out, "  {}", report.display())?;
            writeln!(out, "repeat with: {}", contents.command)?;
        }
        Format::Md => print::markdown(summary, console.out())?,
        Format::Csv => print::csv(contents.scenario, contents.results, console.out())?,
        Format::Json => write_summary(contents.scenario, contents.results, console.out())?,
    }
    if format != Format::Text {
        console.note(report.display());
    }
    Ok(())
}

fn verdict(results: &Results, undecided: Undecided) -> Exit {
    let mut states = results.judgements.iter().map(|judged| judged.state);
    match states.all(|state| is_passed(state, undecided)) {
        true => Exit::Done,
        false => Exit::ExpectationFailed,
    }
}

/// Whether an expectation lets the command end well.
pub fn is_passed(state: VerdictState, undecided: Undecided) -> bool {
    match state {
        VerdictState::Held => true,
        VerdictState::Failed => false,
        VerdictState::Undecided => undecided == Undecided::Pass,
    }
}
