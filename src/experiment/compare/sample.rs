//! What one variant gave.

use crate::experiment::pool::{Pool, PooledPercentile};
use crate::metrics::evaluate::Reading;
use crate::stats::binomial::wilson_interval;
use crate::stats::interval::{MeanInterval, mean_interval};
use crate::stats::quantile::{interval_ranks, quantile};
use crate::stats::share::ShareInterval;

use super::{LEVEL, Z};

/// What one variant gave.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The variant.
    pub name: String,
    /// By replication, the readings of the questions, two for each measure.
    pub readings: Vec<Vec<Reading>>,
    /// By question, what all replications were read from; empty where that is not known.
    pub pools: Vec<Pool>,
}

/// A number over all replications.
#[derive(Clone, Debug, PartialEq)]
pub enum Level {
    /// Its mean, with a 95 % interval.
    Mean(MeanInterval),
    /// Its mean, of a number that is a share of what is counted.
    Share(ShareInterval),
    /// The percentile of the samples of all replications together.
    Pooled(PooledPercentile),
    /// It never came in some replications.
    Censored {
        /// In how many.
        never_count: usize,
        /// The 95 % interval (Wilson) of their share.
        never_ratio: (f64, f64),
        /// The median, infinite where it never came in half of them.
        median: f64,
        /// Its interval of at least 95 %; None with fewer than six replications.
        median_interval: Option<(f64, f64)>,
    },
    /// It does not exist in some replications.
    Unknown {
        /// In how many it does.
        known_count: usize,
        /// Why not in the first of the others, or not in all together.
        reason: String,
        /// Of a percentile: a lower one, and what it and therefore this one is at least (95 %).
        at_least: Option<(f64, f64)>,
    },
}

impl Sample {
    /// The numbers of a question by replication; None where it does not exist.
    pub fn values(&self, question: usize) -> Vec<Option<f64>> {
        let readings = self.readings.iter().map(|run| &run[question]);
        readings
            .map(|reading| match reading {
                Reading::Known(value) => Some(*value),
                Reading::Undecided(_) => None,
            })
            .collect()
    }

    /// What all replications of a question were read from, if it is a percentile.
    pub fn pool(&self, question: usize) -> Option<&Pool> {
        self.pools
            .get(question)
            .filter(|pool| pool.is_of_percentile())
    }

    /// The number of a question over all replications.
    pub fn level(&self, question: usize) -> Level {
        match self.pool(question).and_then(Pool::percentile) {
            Some(Ok(pooled)) => Level::Pooled(pooled),
            Some(Err(reason)) => Level::Unknown {
                known_count: self.values(question).iter().flatten().count(),
                reason,
                at_least: self.pool(question).and_then(Pool::lower_bound),
            },
            None => self.level_of_values(question),
        }
    }

    /// The same, but of a percentile too what the replications' own numbers say: their mean.
    pub fn level_of_values(&self, question: usize) -> Level {
        let values = self.values(question);
        let mut known: Vec<f64> = values.iter().flatten().copied().collect();
        if known.len() < values.len() {
            let readings = self.readings.iter().map(|run| &run[question]);
            let mut reasons = readings.filter_map(|reading| match reading {
                Reading::Undecided(reason) => Some(reason.clone()),
                Reading::Known(_) => None,
            });
            return Level::Unknown {
                known_count: known.len(),
                reason: reasons.next().unwrap_or_default(),
                at_least: None,
            };
        }
        let never_count = known.iter().filter(|value| value.is_infinite()).count();
        if never_count == 0 {
            let mean = mean_interval(&known).expect("there is a replication");
            let pool = self.pools.get(question);
            let share = pool.and_then(|pool| pool.share(mean.mean));
            return share.map_or(Level::Mean(mean), Level::Share);
        }
        known.sort_by(f64::total_cmp);
        let count = known.len() as u64;
        let at = |rank: u64| known[rank as usize - 1];
        let never_ratio = wilson_interval(never_count as u64, count, Z);
        Level::Censored {
            never_count,
            never_ratio: never_ratio.expect("there is a replication"),
            median: quantile(&known, 0.5),
            median_interval: interval_ranks(0.5, count, LEVEL).map(|(l, h, _)| (at(l), at(h))),
        }
    }
}

impl Level {
    /// The number and the ends of its interval; None where there is none.
    pub fn interval(&self) -> Option<(f64, f64, f64)> {
        match self {
            Level::Mean(mean) => Some((mean.mean, mean.low(), mean.high())),
            Level::Share(share) => Some((share.share, share.low, share.high)),
            Level::Pooled(pooled) => Some((pooled.value, pooled.low, pooled.high)),
            Level::Censored { .. } | Level::Unknown { .. } => None,
        }
    }

    /// Half the width of the interval, relative to the number: the wider half where they differ.
    /// Zero where nothing varies, infinite where there is no interval or the number is zero.
    pub fn relative_half_width(&self) -> f64 {
        let Some((value, low, high)) = self.interval() else {
            return f64::INFINITY;
        };
        match (high - value).max(value - low) {
            0.0 => 0.0,
            half if half.is_finite() && value != 0.0 => half / value.abs(),
            _ => f64::INFINITY,
        }
    }
}
