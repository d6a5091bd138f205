//! Runs the points of a sweep on several threads. Each run is recorded when it ends, in any order;
//! what is recorded is the same for any number of threads.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::Run;
use super::super::plan::{RunStop, panic_message};
use super::super::replicate::run_once;
use super::points::SweepPlan;
use crate::metrics::evaluate::{Reading, evidence};
use crate::metrics::lengths::{Evidence, KeptEvidence};
use crate::scenario::Scenario;

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its number in the plan.
    pub run: u32,
    /// Its seed.
    pub seed: u64,
    /// What it gave.
    pub outcome: Outcome,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Its numbers.
    Done {
        /// Fingerprint of its events.
        digest: u64,
        /// Events handled.
        event_count: u64,
        /// Measured time.
        measured_secs: f64,
        /// The measures, in order.
        readings: Vec<Reading>,
        /// By measure what it was read from; None where that cannot be put together. One run may
        /// have too few samples to state the percentile of its own.
        evidence: Vec<Option<KeptEvidence>>,
    },
    /// Why it has none.
    Failed(String),
}

/// Where a worker gets its scenarios from.
pub trait PointSource: Send {
    /// The scenario of a point, or why there is none.
    fn scenario(&mut self, point: u32) -> Result<Scenario, String>;
}

/// What the caller of a sweep wants to know, from several threads.
pub trait SweepMonitor: Sync {
    /// Whether all runs are to end.
    fn is_stopped(&self) -> bool;

    /// Takes a record; one at a time. Breaking ends all runs.
    fn on_record(&self, record: &RunRecord) -> ControlFlow<()>;
}

/// Runs `runs` of a plan, each worker with a source of its own. False if it was stopped before the
/// last one: what was not recorded is then to be run again.
pub fn execute(
    plan: &SweepPlan,
    runs: impl Iterator<Item = u32> + Send,
    workers: Vec<Box<dyn PointSource>>,
    event_count_max: u64,
    monitor: &impl SweepMonitor,
) -> bool {
    let todo = Mutex::new(runs);
    let turn = Mutex::new(());
    let is_over = AtomicBool::new(false);
    let is_stopped = || is_over.load(Ordering::Relaxed) || monitor.is_stopped();
    let work = |mut source: Box<dyn PointSource>| {
        let mut loaded: Option<(u32, Result<Scenario, String>)> = None;
        while !is_stopped() {
            let Some(run) = todo.lock().expect("no worker panics with it").next() else {
                return;
            };
            let point = plan.point_of(run);
            if loaded.as_ref().is_none_or(|(known, _)| *known != point) {
                loaded = Some((point, source.scenario(point)));
            }
            let (_, scenario) = loaded.as_ref().expect("it was just loaded");
            let seed = plan.seed_of(run);
            let Some(outcome) = run_point(scenario, seed, event_count_max, &is_stopped) else {
                is_over.store(true, Ordering::Relaxed);
                return;
            };
            let _turn = turn.lock().expect("no worker panics with it");
            if monitor
                .on_record(&RunRecord { run, seed, outcome })
                .is_break()
            {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for source in workers {
            scope.spawn(|| work(source));
        }
    });
    !is_over.load(Ordering::Relaxed) && !monitor.is_stopped()
}

/// One run; None if it was stopped.
fn run_point(
    scenario: &Result<Scenario, String>,
    seed: u64,
    event_count_max: u64,
    is_stopped: &impl Fn() -> bool,
) -> Option<Outcome> {
    let scenario = match scenario {
        Ok(scenario) => scenario,
        Err(reason) => return Some(Outcome::Failed(reason.clone())),
    };
    let mut on_progress = |_, _| match is_stopped() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_once(scenario, seed, event_count_max, &mut on_progress)
    }));
    Some(match result {
        Ok(Ok(run)) => done(run, scenario),
        Ok(Err(RunStop::Interrupted)) => return None,
        Ok(Err(RunStop::Limit(reason))) => Outcome::Failed(format!("it was stopped: {reason}")),
        Err(payload) => Outcome::Failed(format!(
            "it broke an invariant of the simulator: {}",
            panic_message(payload.as_ref())
        )),
    })
}

fn done(run: Run, scenario: &Scenario) -> Outcome {
    let asked = scenario.asked.iter();
    let kept = asked.map(|asked| {
        let own = evidence(&run.metrics, scenario, &asked.measure);
        own.as_ref().map(Evidence::to_kept)
    });
    Outcome::Done {
        digest: run.metrics.digest,
        event_count: run.metrics.event_count,
        measured_secs: (scenario.duration - scenario.warmup).as_secs_f64(),
        evidence: kept.collect(),
        readings: run.readings,
    }
}
