//! Runs every replication of a plan and returns the results in plan order.
//!
//! A run is one thread's work and knows nothing of the others, so the results are the same for any
//! number of threads. A run that panics is an error of that run, not of the program.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::time::SimTime;

/// Which runs to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Seed of the first replication.
    pub seed: u64,
    /// How many replications; replication `i` has the seed `seed + i`.
    pub replication_count: u32,
    /// Threads at work at once; 0 takes every core.
    pub jobs: u32,
}

/// Watches the runs of a plan, from several threads.
pub trait Monitor: Sync {
    /// Takes note of how far a replication is. Breaking ends all runs.
    fn on_progress(&self, replication: u32, now: SimTime, event_count: u64) -> ControlFlow<()>;

    /// Takes note of a replication that is done.
    /// Takes note of a replication that is done.
    fn on_done(&self, replication: u32);
}

/// How far a run is: its simulated time and the events handled. Breaking ends the run.
pub type OnProgress<'a> = dyn FnMut(SimTime, u64) -> ControlFlow<()> + 'a;

/// Why a run has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStop {
    /// It was asked to stop.
    Interrupted,
    /// A limit ended it; the text names the limit and the culprit.
    Limit(String),
}

/// Why a plan has no results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The monitor asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A limit ended a run.
    #[error("the run with seed {seed} was stopped: {reason}")]
    Stopped {
        /// The seed of the run.
        seed: u64,
        /// The limit and the culprit.
        reason: String,
    },
    /// A bug in this program.
    #[error("the run with seed {seed} broke an invariant of the simulator: {message}")]
    Panicked {
        /// The seed of the run.
        seed: u64,
        /// What was asserted.
        message: String,
    },
    /// The system gives no threads.
    #[error("cannot start {jobs} threads: {message}; lower --jobs")]
    Threads {
        /// How many.
        jobs: u32,
        /// Why not.
        message: String,
    },
}

impl Plan {
    /// The seed of a replication. Past 2^64 it goes on at 0.
    pub fn seed_of(&self, replication: u32) -> u64 {
        self.seed.wrapping_add(u64::from(replication))
    }
}

/// Runs every replication with `run_one`, which is given its number and its seed. Of several
/// errors, that of the first replication in plan order is returned; later replications are then
/// abandoned.
pub fn run_all<T: Send>(
    plan: &Plan,
    monitor: &impl Monitor,
    run_one: impl Fn(u32, u64, &mut OnProgress<'_>) -> Result<T, RunStop> + Sync,
) -> Result<Vec<T>, PlanError> {
    assert!(0 < plan.replication_count, "a plan has at least one run");
    let first_failed = AtomicU32::new(u32::MAX);
    let run_caught = |replication: u32| {
        let mut on_progress = |now, event_count| {
            if first_failed.load(Ordering::Relaxed) < replication {
                return ControlFlow::Break(());
            }
            monitor.on_progress(replication, now, event_count)
        };
        let seed = plan.seed_of(replication);
        let result = match on_progress(SimTime::START, 0) {
            ControlFlow::Break(()) => Ok(Err(RunStop::Interrupted)),
            ControlFlow::Continue(()) => catch_unwind(AssertUnwindSafe(|| {
                run_one(replication, seed, &mut on_progress)
            })),
        };
        match &result {
            Ok(Ok(_)) => monitor.on_done(replication),
            _ => {
                first_failed.fetch_min(replication, Ordering::Relaxed);
            }
        }
        flatten(seed, result)
    };
    let results: Vec<Result<T, PlanError>> = pool(plan)?.install(|| {
        (0..plan.replication_count)
            .into_par_iter()
            .map(run_caught)
            .collect()
    });
    results.into_iter().collect()
}

fn flatten<T>(seed: u64, result: std::thread::Result<Result<T, RunStop>>) -> Result<T, PlanError> {
    match result {
        Ok(Ok(run)) => Ok(run),
        Ok(Err(RunStop::Interrupted)) => Err(PlanError::Interrupted),
        Ok(Err(RunStop::Limit(reason))) => Err(PlanError::Stopped { seed, reason }),
        Err(payload) => Err(PlanError::Panicked {
            seed,
            message: panic_message(payload.as_ref()),
        }),
    }
}

fn pool(plan: &Plan) -> Result<rayon::ThreadPool, PlanError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(plan.jobs as usize)
        .build()
        .map_err(|error| PlanError::Threads {
            jobs: plan.jobs,
            message: error.to_string(),
        })
}

/// What a panic said.
pub(super) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    text.or(owned).unwrap_or("no message").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Calm;

    impl Monitor for Calm {
        fn on_progress(&self, _: u32, _: SimTime, _: u64) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn on_done(&self, _: u32) {}
    }

    struct Impatient;

    impl Monitor for Impatient {
        fn on_progress(&self, _: u32, _: SimTime, event_count: u64) -> ControlFlow<()> {
            match event_count {
                0 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        }

        fn on_done(&self, _: u32) {}
    }

    fn plan(jobs: u32) -> Plan {
        Plan {
            seed: 7,
            replication_count: 8,
            jobs,
        }
    }

    #[test]
    fn results_stand_in_plan_order_for_any_number_of_jobs() {
        for jobs in [1, 2, 8] {
            let seeds = run_all(&plan(jobs), &Calm, |_, seed, _| Ok(seed));
            assert_eq!(seeds, Ok(vec![7, 8, 9, 10, 11, 12, 13, 14]));
        }
    }

    #[test]
    fn a_panic_names_the_seed_of_its_run() {
        let result = run_all(&plan(2), &Calm, |_, seed, _| {
            assert!(seed != 9, "seed {seed} is cursed");
            Ok(())
        });
        assert_eq!(
            result.expect_err("a panic").to_string(),
            "the run with seed 9 broke an invariant of the simulator: seed 9 is cursed"
        );
    }

    #[test]
    fn the_first_error_in_plan_order_wins_for_any_number_of_jobs() {
        for jobs in [1, 2, 8] {
            let result = run_all(&plan(jobs), &Calm, |_, seed, _| match seed {
                9 | 12 => Err(RunStop::Limit(format!("limit of {seed}"))),
                _ => Ok(()),
            });
            assert_eq!(
                result,
                Err(PlanError::Stopped {
                    seed: 9,
                    reason: "limit of 9".into()
                })
            );
        }
    }

    #[test]
    fn breaking_ends_the_plan() {
        let result = run_all(&plan(2), &Impatient, |_, _, on_progress| match on_progress(
            SimTime::START,
            1,
        ) {
            ControlFlow::Break(()) => Err(RunStop::Interrupted),
            ControlFlow::Continue(()) => Ok(()),
        });
        assert_eq!(result, Err(PlanError::Interrupted));
    }

    #[test]
    fn seeds_go_on_at_zero_past_the_end() {
        let plan = Plan {
            seed: u64::MAX,
            replication_count: 2,
            jobs: 1,
        };
        assert_eq!(
            run_all(&plan, &Calm, |_, seed, _| Ok(seed)),
            Ok(vec![u64::MAX, 0])
        );
    }
}
