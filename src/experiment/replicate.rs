//! From a scenario and a plan to results.

use super::plan::{Monitor, OnProgress, Plan, PlanError, RunStop, run_all};
use super::window_learner::WindowLearner;
use super::{Results, Run};
use crate::id::FaultId;
use crate::metrics::data::sample::Sample;
use crate::metrics::data::series::{InstanceSeries, Series};
use crate::metrics::data::timeline::Timelines;
use crate::metrics::evaluate::{evaluate, judge};
use crate::metrics::recorder::Recorder;
use crate::metrics::table::Tables;
use crate::model::fault_plan::fault_windows;
use crate::model::observation::FaultWindow;
use crate::model::{self, Progress, SimError, SimOptions};
use crate::scenario::Scenario;
use crate::scenario::trigger::is_dynamic;
use std::ops::ControlFlow;

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
    let options = SimOptions {
        seed,
        event_count_max,
    };
    let mut progress = |progress: Progress| on_progress(progress.now, progress.event_count);
    let windows = windows(scenario, options, &mut progress)?;
    let mut recorder = Recorder::new(scenario, &windows);
    let end = model::simulate(scenario, options, &mut recorder, &mut progress).map_err(stopped)?;
    let metrics = recorder.finish(end);
    Ok(Run {
        seed,
        verdicts: scenario
            .expectations
            .iter()
            .map(|expectation| judge(&metrics, scenario, expectation))
            .collect(),
        readings: scenario
            .asked
            .iter()
            .map(|asked| evaluate(&metrics, scenario, &asked.measure))
            .collect(),
        metrics,
    })
}

fn stopped(error: SimError) -> RunStop {
    match error {
        SimError::Interrupted => RunStop::Interrupted,
        other => RunStop::Limit(other.to_string()),
    }
}

/// The windows of all faults. Where only a run decides when some begin, it is run once before the
/// run that is measured: no observer can change a run, so they are the same in both.
fn windows(
    scenario: &Scenario,
    options: SimOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<FaultWindow>, RunStop> {
    let plan = model::fault_plan(scenario, options.seed)
        .map_err(|error| RunStop::Limit(error.to_string()))?;
    let mut windows = fault_windows(&plan);
    let faults = 0..scenario.faults.len();
    let is_dynamic: Vec<bool> = faults
        .map(|fault| is_dynamic(&scenario.faults, FaultId::from_index(fault)))
        .collect();
    if is_dynamic.contains(&true) {
        let mut learner = WindowLearner::new(is_dynamic);
        model::simulate(scenario, options, &mut learner, progress).map_err(stopped)?;
        windows.extend(learner.windows());
    }
    Ok(windows)
}

fn shed_details(run: &mut Run, replication: u32) {
    let metrics = &mut run.metrics;
    metrics.tables = Tables::default();
    if 0 < replication {
        metrics.timelines = Timelines::default();
        metrics.sample = Sample::default();
        metrics.series.instances = InstanceSeries::default();
    }
    if SERIES_RUN_COUNT_MAX <= replication {
        metrics.series = Series::default();
    }
}
