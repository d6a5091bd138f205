//! From a scenario and a plan to results.

use super::plan::{Monitor, OnProgress, Plan, PlanError, RunStop, run_all};
use super::{Results, Run};
use crate::metrics::data::series::{InstanceSeries, Series};
use crate::metrics::data::timeline::Timelines;
use crate::metrics::evaluate::judge;
use crate::metrics::recorder::Recorder;
use crate::metrics::table::Tables;
use crate::model::fault_plan::fault_windows;
use crate::model::{self, Progress, SimError, SimOptions};
use crate::scenario::Scenario;

/// Replications whose time series are kept. One takes up to a megabyte.
pub const SERIES_RUN_COUNT_MAX: u32 = 100;

/// Runs every replication of `plan`. A run that handles more than `event_count_max` events is
/// stopped.
///
/// What is only drawn or looked up for one run, the series of instances and their states, is kept
/// for the first replication alone, so that memory holds thousands of them.
pub fn replicate(
    scenario: &Scenario,
    plan: &Plan,
    event_count_max: u64,
    monitor: &impl Monitor,
) -> Result<Results, PlanError> {
    let runs = run_all(plan, monitor, |replication, seed, on_progress| {
        let mut run = run_once(scenario, seed, event_count_max, on_progress)?;
        shed_details(&mut run, replication);
        Ok(run)
    })?;
    Ok(Results::new(runs))
}

fn run_once(
    scenario: &Scenario,
    seed: u64,
    event_count_max: u64,
    on_progress: &mut OnProgress<'_>,
) -> Result<Run, RunStop> {
    let plan =
        model::fault_plan(scenario, seed).map_err(|error| RunStop::Limit(error.to_string()))?;
    let mut recorder = Recorder::new(scenario, &fault_windows(&plan));
    let options = SimOptions {
        seed,
        event_count_max,
    };
    let mut progress = |progress: Progress| on_progress(progress.now, progress.event_count);
    let end =
        model::simulate(scenario, options, &mut recorder, &mut progress).map_err(|error| {
            match error {
                SimError::Interrupted => RunStop::Interrupted,
                other => RunStop::Limit(other.to_string()),
            }
        })?;
    let metrics = recorder.finish(end);
    Ok(Run {
        seed,
        verdicts: scenario
            .expectations
            .iter()
            .map(|expectation| judge(&metrics, scenario, expectation))
            .collect(),
        metrics,
    })
}

fn shed_details(run: &mut Run, replication: u32) {
    let metrics = &mut run.metrics;
    metrics.tables = Tables::default();
    if 0 < replication {
        metrics.timelines = Timelines::default();
        metrics.series.instances = InstanceSeries::default();
    }
    if SERIES_RUN_COUNT_MAX <= replication {
        metrics.series = Series::default();
    }
}
