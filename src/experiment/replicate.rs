//! From a scenario and a plan to results.

use super::gather::{Gathering, Pools, RunEvidence};
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
use crate::model::observation::step::Step;
use crate::model::observation::{FaultWindow, Observation, Observer};
use crate::model::{self, Progress, SimError, SimOptions};
use crate::scenario::Scenario;
use crate::scenario::trigger::has_dynamic_windows;
use crate::time::SimTime;
use crate::trace::{Follower, Following};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

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
    let mut gathering = Gathering::default();
    extend(&mut gathering, scenario, plan, event_count_max, monitor)?;
    Ok(gathering.results(scenario))
}

/// Runs the replications of `plan` that are not yet gathered.
pub fn extend(
    gathering: &mut Gathering,
    scenario: &Scenario,
    plan: &Plan,
    event_count_max: u64,
    monitor: &impl Monitor,
) -> Result<(), PlanError> {
    extend_followed(gathering, scenario, plan, event_count_max, monitor, None)
}

/// The same; `follower` sees everything that happens in the first replication of all. It cannot
/// change it: the digest is that of any other run with this seed.
pub fn extend_followed(
    gathering: &mut Gathering,
    scenario: &Scenario,
    plan: &Plan,
    event_count_max: u64,
    monitor: &impl Monitor,
    follower: Option<&mut (dyn Follower + Send)>,
) -> Result<(), PlanError> {
    let follower = Mutex::new(follower);
    let first = u32::try_from(gathering.runs.len()).expect("replications are counted in 32 bits");
    let rest = Plan {
        seed: plan.seed_of(first),
        replication_count: plan.replication_count - first,
        ..*plan
    };
    if first == 0 {
        gathering.pools = Pools::new(scenario);
    }
    let has_pools = 1 < plan.replication_count;
    let pools = Mutex::new(std::mem::take(&mut gathering.pools));
    let monitor = Later { monitor, first };
    let runs = run_all(&rest, &monitor, |place, seed, on_progress| {
        let replication = first + place;
        let mut run = match replication {
            0 => {
                let mut follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
                let follower = follower.as_deref_mut().map(|it| it as &mut dyn Follower);
                run_followed(scenario, seed, event_count_max, on_progress, follower)?
            }
            _ => run_once(scenario, seed, event_count_max, on_progress)?,
        };
        if has_pools {
            let evidence = RunEvidence::new(&run.metrics, scenario);
            let mut pools = pools.lock().unwrap_or_else(PoisonError::into_inner);
            pools.add(replication, &evidence);
        }
        shed_details(&mut run, replication);
        Ok(run)
    });
    gathering.pools = pools.into_inner().unwrap_or_else(PoisonError::into_inner);
    gathering.runs.extend(runs?);
    Ok(())
}

/// Replications that come after others.
struct Later<'a, M> {
    monitor: &'a M,
    first: u32,
}

impl<M: Monitor> Monitor for Later<'_, M> {
    fn on_progress(&self, replication: u32, now: SimTime, event_count: u64) -> ControlFlow<()> {
        let replication = self.first + replication;
        self.monitor.on_progress(replication, now, event_count)
    }

    fn on_done(&self, replication: u32) {
        self.monitor.on_done(self.first + replication);
    }
}

/// One run, with everything that is measured of it.
pub(super) fn run_once(
    scenario: &Scenario,
    seed: u64,
    event_count_max: u64,
    on_progress: &mut OnProgress<'_>,
) -> Result<Run, RunStop> {
    run_followed(scenario, seed, event_count_max, on_progress, None)
}

fn run_followed(
    scenario: &Scenario,
    seed: u64,
    event_count_max: u64,
    on_progress: &mut OnProgress<'_>,
    follower: Option<&mut dyn Follower>,
) -> Result<Run, RunStop> {
    let options = SimOptions {
        seed,
        event_count_max,
    };
    let mut progress = |progress: Progress| on_progress(progress.now, progress.event_count);
    let windows = windows(scenario, options, &mut progress)?;
    let mut recorder = Recorder::new(scenario, &windows);
    let end = match follower {
        None => model::simulate_fast(scenario, options, &mut recorder, &mut progress),
        Some(follower) => {
            let mut both = Both(&mut recorder, follower);
            model::simulate(scenario, options, &mut Following(&mut both), &mut progress)
        }
    };
    let end = end.map_err(stopped)?;
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

/// A run that is measured and followed.
struct Both<'a, 'b>(&'a mut Recorder<'b>, &'a mut dyn Follower);

impl Follower for Both<'_, '_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.0.observe(at, observation);
        self.1.observe(at, observation);
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        self.1.follow(at, step);
    }

    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        self.0.observe(at, observation);
        self.1.observe_step(at, observation, step);
    }
}

/// The fingerprint of a run.
///
/// # Errors
///
/// If a limit is reached, or `on_progress` breaks off.
pub fn digest_of(
    scenario: &Scenario,
    seed: u64,
    event_count_max: u64,
    on_progress: &mut OnProgress<'_>,
) -> Result<u64, RunStop> {
    run_once(scenario, seed, event_count_max, on_progress).map(|run| run.metrics.digest)
}

fn stopped(error: SimError) -> RunStop {
    match error {
        SimError::Interrupted => RunStop::Interrupted,
        other => RunStop::Limit(other.to_string()),
    }
}

/// The windows of all faults. Where only a run decides when some begin, it is run once before the
/// run that is measured: no observer can change a run, so they are the same in both.
///
/// # Errors
///
/// If a limit is reached, or `progress` breaks off.
pub fn windows(
    scenario: &Scenario,
    options: SimOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<FaultWindow>, RunStop> {
    let plan = model::fault_plan(scenario, options.seed)
        .map_err(|error| RunStop::Limit(error.to_string()))?;
    let faults = 0..scenario.faults.len();
    let is_dynamic: Vec<bool> = faults
        .map(|fault| has_dynamic_windows(&scenario.faults, FaultId::from_index(fault)))
        .collect();
    let mut windows = fault_windows(&plan);
    windows.retain(|window| !is_dynamic[window.fault.index()]);
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
