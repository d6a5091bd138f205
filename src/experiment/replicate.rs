//! From a scenario and a plan to results.

use super::plan::{Monitor, OnProgress, Plan, PlanError, RunStop, run_all};
use super::{Results, Run};
use crate::scenario::Scenario;

/// Runs every replication of `plan`. A run that handles more than `event_count_max` events is
/// stopped.
pub fn replicate(
    scenario: &Scenario,
    plan: &Plan,
    event_count_max: u64,
    monitor: &impl Monitor,
) -> Result<Results, PlanError> {
    let runs = run_all(plan, monitor, |seed, on_progress| {
        run_once(scenario, seed, event_count_max, on_progress)
    })?;
    Ok(Results::new(runs))
}

fn run_once(
    _scenario: &Scenario,
    _seed: u64,
    _event_count_max: u64,
    _on_progress: &mut OnProgress<'_>,
) -> Result<Run, RunStop> {
    Err(RunStop::Limit("the model is not wired".into()))
}
