//! Many runs of one scenario: the only place with threads.

pub mod aggregate;
pub mod compare;
pub mod follow;
pub mod gather;
pub mod headline;
pub mod judgement;
pub mod long_run;
pub mod optimize;
pub mod plan;
pub mod pool;
pub mod precision;
pub mod rare;
pub mod replicate;
pub mod sensitivity;
pub mod settling;
pub mod study;
pub mod sweep;
mod window_learner;

use crate::metrics::data::RunMetrics;
use crate::metrics::evaluate::{Reading, Verdict};
use crate::scenario::Scenario;
use aggregate::Aggregate;
use compare::sample::Level;
use gather::Pools;
use judgement::{Judgement, judge_all};
use long_run::BatchMeans;

/// What one run gave.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Its numbers.
    pub metrics: RunMetrics,
    /// Its judgement of every expectation, in the order of the scenario.
    pub verdicts: Vec<Verdict>,
    /// The numbers that are asked for besides, in the order of the scenario.
    pub readings: Vec<Reading>,
}

/// What all runs of a plan gave.
#[derive(Clone, Debug)]
pub struct Results {
    /// The runs, in plan order; at least one.
    pub runs: Vec<Run>,
    /// The headline numbers over all runs.
    pub aggregates: Vec<Aggregate>,
    /// What became of each expectation, in the order of the scenario.
    pub judgements: Vec<Judgement>,
    /// The mean latency of the only run, if it is one without faults.
    pub batch_means: Option<BatchMeans>,
    /// The asked numbers over all runs, in the order of the scenario.
    pub asked_levels: Vec<Level>,
    /// By asked number, what all runs were read from; empty for one run.
    pub asked: Vec<pool::Pool>,
}

impl Results {
    /// Puts together what the runs of a scenario say, given what they were read from.
    ///
    /// # Panics
    ///
    /// If there is no run.
    pub fn of(scenario: &Scenario, runs: Vec<Run>, pools: Pools) -> Self {
        assert!(!runs.is_empty(), "a plan has at least one run");
        let measured_secs = (scenario.duration - scenario.warmup).as_secs_f64();
        let expectations = scenario.expectations.iter().enumerate();
        let judgements = expectations
            .map(|(place, expectation)| {
                let verdicts: Vec<&Verdict> = runs.iter().map(|run| &run.verdicts[place]).collect();
                let pool = pools.expected.get(place);
                judge_all(expectation, &verdicts, pool, measured_secs)
            })
            .collect();
        Results {
            aggregates: aggregate::aggregates(&runs, &pools.headlines),
            judgements,
            batch_means: match &runs[..] {
                [run] => long_run::batch_means(run, scenario),
                _ => None,
            },
            asked_levels: gather::asked_levels(scenario, &runs, &pools),
            asked: pools.asked,
            runs,
        }
    }

    /// Handled events of all runs.
    pub fn event_count(&self) -> u64 {
        let counts = self.runs.iter().map(|run| run.metrics.event_count);
        counts.fold(0, u64::saturating_add)
    }

    /// The digest of the only run, or the xxHash64 of the digests of all, in plan order.
    pub fn digest(&self) -> u64 {
        if let [run] = self.runs.as_slice() {
            return run.metrics.digest;
        }
        let words = self.runs.iter().map(|run| run.metrics.digest.to_le_bytes());
        xxhash_rust::xxh64::xxh64(&words.collect::<Vec<_>>().concat(), 0)
    }
}
