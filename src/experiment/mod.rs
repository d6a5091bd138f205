//! Many runs of one scenario: the only place with threads.

pub mod aggregate;
pub mod compare;
pub mod follow;
pub mod headline;
pub mod plan;
pub mod replicate;
pub mod settling;
mod window_learner;

use crate::metrics::data::RunMetrics;
use crate::metrics::evaluate::{Reading, Verdict};
use aggregate::{Aggregate, Tally};

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
    /// How often each expectation held, in the order of the scenario.
    pub tallies: Vec<Tally>,
}

impl Results {
    /// Puts together what the runs say.
    ///
    /// # Panics
    ///
    /// If there is no run.
    pub fn new(runs: Vec<Run>) -> Self {
        assert!(!runs.is_empty(), "a plan has at least one run");
        Results {
            aggregates: aggregate::aggregates(&runs),
            tallies: aggregate::tallies(&runs),
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
