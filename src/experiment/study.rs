//! One point of a study: its replications, what they say of one measure, and what becomes of what
//! is expected of it.

use super::gather::Gathering;
use super::judgement::{Judgement, judge_all};
use super::plan::{Monitor, Plan, PlanError};
use super::replicate::extend;
use crate::metrics::data::series::Series;
use crate::metrics::data::timeline::Timelines;
use crate::metrics::evaluate::{Reading, Verdict, VerdictState, holds};
use crate::metrics::table::Tables;
use crate::scenario::Scenario;
use crate::scenario::expect::Bound;
use crate::stats::contrast::{Contrast, RatioContrast, difference, ratio};
use crate::stats::interval::mean_interval;

/// A scenario, of which one measure is asked, and its replications so far.
#[derive(Debug)]
pub struct Study {
    /// The scenario.
    pub scenario: Scenario,
    gathering: Gathering,
}

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How far one point is from another on the same seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// By their ratio, where all numbers are positive.
    Ratio(RatioContrast),
    /// By their difference.
    Difference(Contrast),
}

impl Distance {
    /// Two-sided, of no distance.
    pub fn p_value(&self) -> f64 {
        self.contrast().p_value
    }

    /// Whether all pairs are equal.
    pub fn is_none(&self) -> bool {
        self.contrast().difference.mean == 0.0 && self.is_constant()
    }

    /// Whether all pairs are as far apart.
    pub fn is_constant(&self) -> bool {
        self.contrast().error == 0.0
    }

    fn contrast(&self) -> &Contrast {
        match self {
            Distance::Ratio(ratio) => &ratio.logarithms,
            Distance::Difference(contrast) => contrast,
        }
    }

    /// Whether the first of both is lower.
    pub fn is_lower(&self) -> bool {
        match self {
            Distance::Ratio(ratio) => ratio.ratio < 1.0,
            Distance::Difference(contrast) => contrast.difference.mean < 0.0,
        }
    }
}

impl Study {
    /// Without replications.
    ///
    /// # Panics
    ///
    /// Unless one measure is asked of the scenario.
    pub fn new(scenario: Scenario) -> Self {
        assert_eq!(scenario.asked.len(), 1, "a study is of one measure");
        Study {
            scenario,
            gathering: Gathering::default(),
        }
    }

    /// Replications so far.
    pub fn run_count(&self) -> u32 {
        u32::try_from(self.gathering.runs.len()).expect("replications are counted in 32 bits")
    }

    /// The seed and the fingerprint of every replication.
    pub fn digests(&self) -> Vec<(u64, u64)> {
        let runs = self.gathering.runs.iter();
        runs.map(|run| (run.seed, run.metrics.digest)).collect()
    }

    /// Runs the replications of `plan` that are not done yet. What is only drawn is not kept.
    pub fn extend(
        &mut self,
        plan: &Plan,
        event_count_max: u64,
        monitor: &impl Monitor,
    ) -> Result<(), PlanError> {
        let gathering = &mut self.gathering;
        extend(gathering, &self.scenario, plan, event_count_max, monitor)?;
        for run in &mut gathering.runs {
            run.metrics.tables = Tables::default();
            run.metrics.timelines = Timelines::default();
            run.metrics.series = Series::default();
        }
        Ok(())
    }

    /// The measure in every replication; None unless it exists in all of them.
    pub fn values(&self) -> Option<Vec<f64>> {
        let readings = self.gathering.runs.iter().map(|run| &run.readings[0]);
        readings
            .map(|reading| match reading {
                Reading::Known(value) => Some(*value),
                Reading::Undecided(_) => None,
            })
            .collect()
    }

    /// The measure over all replications: the percentile of all samples, or the mean of the runs.
    /// None where it does not exist, or never came in some of them.
    pub fn estimate(&self) -> Option<Estimate> {
        let pool = self.gathering.pools.asked.first();
        if let Some(pooled) = pool.and_then(|pool| pool.percentile()) {
            let pooled = pooled.ok().filter(|p| p.value.is_finite())?;
            return Some(Estimate {
                value: pooled.value,
                low: pooled.low,
                high: pooled.high,
            });
        }
        let values = self.values()?;
        let is_finite = values.iter().all(|value| value.is_finite());
        let interval = mean_interval(&values).filter(|_| is_finite)?;
        let share = pool.and_then(|pool| pool.share(interval.mean));
        let (low, high) = share.map_or((interval.low(), interval.high()), |s| (s.low, s.high));
        Some(Estimate {
            value: interval.mean,
            low,
            high,
        })
    }

    /// The number by which points are ranked: a percentile counts even if it rests on too few
    /// samples to be stated.
    pub fn rank_value(&self) -> Option<f64> {
        let pool = self.gathering.pools.asked.first();
        let pooled = pool.and_then(|pool| pool.unstated_percentile());
        pooled.or_else(|| self.estimate().map(|estimate| estimate.value))
    }

    /// What becomes of what is expected.
    pub fn judgements(&self) -> Vec<Judgement> {
        let scenario = &self.scenario;
        let measured_secs = (scenario.duration - scenario.warmup).as_secs_f64();
        let judged = scenario.expectations.iter().enumerate().map(|(place, e)| {
            let runs = self.gathering.runs.iter();
            let verdicts: Vec<&Verdict> = runs.map(|run| &run.verdicts[place]).collect();
            let pool = self.gathering.pools.expected.get(place);
            judge_all(e, &verdicts, pool, measured_secs)
        });
        judged.collect()
    }

    /// One expectation that failed decides, then one that is undecided.
    pub fn state(&self) -> VerdictState {
        let states: Vec<VerdictState> = self.judgements().iter().map(|j| j.state).collect();
        match states {
            states if states.contains(&VerdictState::Failed) => VerdictState::Failed,
            states if states.contains(&VerdictState::Undecided) => VerdictState::Undecided,
            _ => VerdictState::Held,
        }
    }

    /// Whether the numbers, taken as exact, fulfill everything that is expected.
    pub fn looks_right(&self) -> bool {
        let judged = self.judgements();
        let mut pairs = self.scenario.expectations.iter().zip(&judged);
        pairs.all(|(expectation, judgement)| match &expectation.bound {
            Bound::Value { value: limit, .. } => judgement
                .value
                .is_some_and(|value| holds(expectation.operator, value, *limit)),
            Bound::Multiple { .. } => judgement.state != VerdictState::Failed,
        })
    }

    /// How far this point is from another one, which has run with the same seeds.
    pub fn distance(&self, other: &Study) -> Option<Distance> {
        let (values, others) = (self.values()?, other.values()?);
        let all_finite = values.iter().chain(&others).all(|x| x.is_finite());
        if !all_finite {
            return None;
        }
        let by_ratio = ratio(&values, &others).map(Distance::Ratio);
        by_ratio.or_else(|| difference(&values, &others).map(Distance::Difference))
    }
}
