//! One run again, with a follower.

use std::ops::ControlFlow;

use super::plan::{Monitor, PlanError};
use crate::model::observation::RunEnd;
use crate::model::{self, Progress, SimError, SimOptions};
use crate::scenario::Scenario;
use crate::trace::{Follower, Following};

/// Runs a scenario with `seed` and shows everything to `follower`, which cannot change it: the
/// digest is that of any other run with this seed.
///
/// # Errors
///
/// If the monitor ends the run, or a limit does.
pub fn follow(
    scenario: &Scenario,
    seed: u64,
    event_count_max: u64,
    monitor: &impl Monitor,
    follower: &mut dyn Follower,
) -> Result<RunEnd, PlanError> {
    let options = SimOptions {
        seed,
        event_count_max,
    };
    let mut progress = |progress: Progress| -> ControlFlow<()> {
        monitor.on_progress(0, progress.now, progress.event_count)
    };
    let mut observer = Following(follower);
    let end =
        model::simulate(scenario, options, &mut observer, &mut progress).map_err(|error| {
            match error {
                SimError::Interrupted => PlanError::Interrupted,
                other => PlanError::Stopped {
                    seed,
                    reason: other.to_string(),
                },
            }
        })?;
    monitor.on_done(0);
    Ok(end)
}
