//! The runs of a plan as they come in, and what is put together of them.

use super::compare::sample::{Level, Sample};
use super::pool::{Pool, SECTION_COUNT_MAX};
use super::{Results, Run};
use crate::id::FaultId;
use crate::metrics::data::RunMetrics;
use crate::metrics::evaluate::evidence;
use crate::metrics::lengths::Evidence;
use crate::scenario::Scenario;
use crate::scenario::measure::{Aggregation, Measure, MeasureRef, Phase, Scope, Statistic};

/// What the numbers of one run were read from; None where that cannot be put together.
#[derive(Clone, Debug)]
pub struct RunEvidence {
    headlines: Vec<[Option<Evidence>; 2]>,
    expected: Vec<Option<Evidence>>,
    asked: Vec<Option<Evidence>>,
}

/// What several runs were read from together.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    /// By phase, in the order in which the headline numbers name them.
    pub headlines: Vec<PhasePools>,
    /// By expectation, in the order of the scenario.
    pub expected: Vec<Pool>,
    /// By asked number, in the order of the scenario.
    pub asked: Vec<Pool>,
}

/// What the headline numbers of a phase are read from.
#[derive(Clone, Debug)]
pub struct PhasePools {
    /// The phase, as the headline numbers name it.
    pub phase: String,
    /// The latency of successes.
    pub latency: Pool,
    /// The share of requests that succeeded.
    pub success: Pool,
}

/// Bytes of one section of a pool: a bucket of four bytes for each of 1,024 parts of eight
/// octaves, as from 1 ms to 256 ms.
const SECTION_BYTES: u64 = 8 * 1_024 * 4;

/// Bytes that the samples of several runs take together, besides the runs themselves.
pub fn pooled_bytes(scenario: &Scenario, run_count: u32) -> u64 {
    let is_pooled = |measure: &MeasureRef| matches!(measure.statistic, Statistic::Percentile(_));
    let expected = scenario
        .expectations
        .iter()
        .filter(|e| is_pooled(&e.measure));
    let asked = scenario.asked.iter().filter(|a| is_pooled(&a.measure));
    let pool_count = phases(scenario).len() + expected.count() + asked.count();
    let section_count = match run_count {
        0 | 1 => 0,
        count => u64::from(count).min(SECTION_COUNT_MAX as u64),
    };
    pool_count as u64 * section_count * SECTION_BYTES
}

/// Runs that came in.
#[derive(Clone, Debug, Default)]
pub struct Gathering {
    /// The runs, in plan order.
    pub runs: Vec<Run>,
    /// What they were read from.
    pub pools: Pools,
}

impl RunEvidence {
    /// What the numbers of a run were read from.
    pub fn new(metrics: &RunMetrics, scenario: &Scenario) -> Self {
        let of = |measure: &MeasureRef| evidence(metrics, scenario, measure);
        let expectations = scenario.expectations.iter();
        RunEvidence {
            headlines: phases(scenario)
                .iter()
                .map(|(_, phase)| [of(&latency(*phase)), of(&success(*phase))])
                .collect(),
            expected: expectations.map(|e| of(&e.measure)).collect(),
            asked: scenario.asked.iter().map(|a| of(&a.measure)).collect(),
        }
    }
}

impl Pools {
    /// Pools without runs.
    pub fn new(scenario: &Scenario) -> Self {
        let headlines = phases(scenario).into_iter().map(|(phase, _)| PhasePools {
            phase,
            latency: Pool::default(),
            success: Pool::default(),
        });
        Pools {
            headlines: headlines.collect(),
            expected: vec![Pool::default(); scenario.expectations.len()],
            asked: vec![Pool::default(); scenario.asked.len()],
        }
    }

    /// Adds a run; the order means nothing.
    pub fn add(&mut self, replication: u32, run: &RunEvidence) {
        let headlines = self.headlines.iter_mut();
        let headlines = headlines.flat_map(|pools| [&mut pools.latency, &mut pools.success]);
        let headlines = headlines.zip(run.headlines.iter().flatten());
        let expected = self.expected.iter_mut().zip(&run.expected);
        let asked = self.asked.iter_mut().zip(&run.asked);
        for (pool, evidence) in headlines.chain(expected).chain(asked) {
            if let Some(evidence) = evidence {
                pool.add(replication, evidence);
            }
        }
    }
}

impl Gathering {
    /// The numbers that are asked for over all runs so far.
    pub fn asked_levels(&self, scenario: &Scenario) -> Vec<Level> {
        asked_levels(scenario, &self.runs, &self.pools)
    }

    /// Puts together what the runs say.
    ///
    /// # Panics
    ///
    /// If there is no run.
    pub fn results(self, scenario: &Scenario) -> Results {
        Results::of(scenario, self.runs, self.pools)
    }
}

/// The numbers that a scenario is asked for over all runs.
pub fn asked_levels(scenario: &Scenario, runs: &[Run], pools: &Pools) -> Vec<Level> {
    let sample = Sample {
        name: String::new(),
        readings: runs.iter().map(|run| run.readings.clone()).collect(),
        pools: pools.asked.clone(),
    };
    (0..scenario.asked.len())
        .map(|question| sample.level(question))
        .collect()
}

/// The parts of a run that the headline numbers are told of.
fn phases(scenario: &Scenario) -> Vec<(String, Phase)> {
    let during = scenario.faults.iter().enumerate().map(|(place, fault)| {
        let name = format!("during {}", fault.name);
        (name, Phase::During(FaultId::from_index(place)))
    });
    let first = [
        (String::new(), Phase::Whole),
        ("steady".to_string(), Phase::Steady),
    ];
    first.into_iter().chain(during).collect()
}

/// All percentiles of a phase are read from the samples of one.
fn latency(phase: Phase) -> MeasureRef {
    pooled(Measure::Latency, Statistic::Percentile(50.0), phase)
}

fn success(phase: Phase) -> MeasureRef {
    pooled(Measure::SuccessRatio, Statistic::Value, phase)
}

fn pooled(measure: Measure, statistic: Statistic, phase: Phase) -> MeasureRef {
    MeasureRef {
        measure,
        statistic,
        scope: Scope::default(),
        aggregation: Aggregation::Pooled,
        phase,
    }
}
