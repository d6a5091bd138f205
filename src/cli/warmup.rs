//! Finds the warm-up of a scenario that says `warmup = "auto"`.

use super::CliError;
use super::args::LimitArgs;
use super::interrupt::Interrupt;
use super::load::Loaded;
use super::run::{jobs_that_fit, replicate_shown};
use super::style::Console;
use crate::experiment::plan::Plan;
use crate::experiment::settling::{first_fault_secs, warmup_secs};

/// Runs that it is found from, those of the first seeds.
const PILOT_RUN_COUNT: u32 = 5;

/// Where a warm-up ends.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Where the mean latency settles, in seconds from the start.
    pub secs: f64,
    /// When the first fault begins.
    pub first_fault_secs: f64,
}

/// Runs a scenario from its start, unmeasured, and finds where its mean latency settles.
pub fn find(
    loaded: &Loaded,
    jobs: u32,
    limits: &LimitArgs,
    console: &mut Console,
) -> Result<Found, CliError> {
    let scenario = &loaded.scenario;
    let plan = Plan {
        seed: scenario.seed,
        replication_count: PILOT_RUN_COUNT,
        jobs: jobs_that_fit(jobs, &loaded.estimate, limits.max_memory),
    };
    let interrupt = Interrupt::listen()?;
    let found = replicate_shown(
        scenario,
        &plan,
        limits.max_events,
        &interrupt,
        console,
        None,
    );
    let results = found.map_err(|error| CliError::Plan {
        error,
        advice: String::new(),
    })?;
    let secs = warmup_secs(&results.runs, scenario)
        .map_err(|reason| CliError::Usage(format!("warmup = \"auto\": {reason}")))?;
    Ok(Found {
        secs,
        first_fault_secs: first_fault_secs(&results.runs, scenario),
    })
}

/// As `--set` takes it.
pub fn set(secs: f64) -> String {
    // Windows begin at whole nanoseconds.
    format!("warmup=\"{}ns\"", (secs * 1e9).round())
}

/// What was found.
pub fn found_text(secs: f64) -> String {
    format!(
        "warm-up: {secs} s, where MSER-5 finds the mean latency of {PILOT_RUN_COUNT} runs settled"
    )
}
