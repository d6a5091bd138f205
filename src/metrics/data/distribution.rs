//! How a length of time is distributed, and how a level is.

use serde::Serialize;

/// One percentile with its evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentile {
    /// The value; None where it is withheld because fewer than 10 samples lie above it.
    pub value_secs: Option<f64>,
    /// Samples in all.
    pub sample_count: u64,
    /// Samples that lie above the percentile by rank.
    pub above_count: u64,
}

/// A distribution of lengths of time. Mean, standard deviation, min and max are exact;
/// percentiles come from a histogram whose precision is stated by its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DurationStats {
    /// Samples.
    pub sample_count: u64,
    /// Mean; None without samples.
    pub mean_secs: Option<f64>,
    /// Standard deviation of the samples (divided by their count); None without samples.
    pub standard_deviation_secs: Option<f64>,
    /// Smallest sample.
    pub min_secs: Option<f64>,
    /// Largest sample.
    pub max_secs: Option<f64>,
    /// Median.
    pub p50: Percentile,
    /// 90 % lie below.
    pub p90: Percentile,
    /// 99 % lie below.
    pub p99: Percentile,
    /// 99.9 % lie below.
    pub p999: Percentile,
}

/// A point of the curve of values by percentile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Between 0 and 100.
    pub percentile: f64,
    /// The value there.
    pub value_secs: f64,
}

/// How much time was spent at which level (attempts in a system).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LevelStats {
    /// The time that was looked at.
    pub observed_secs: f64,
    /// Time average; None where no time was observed.
    pub mean: Option<f64>,
    /// Standard deviation over time.
    pub standard_deviation: Option<f64>,
    /// Highest level.
    pub max: u32,
    /// Share of the time at level 0, 1, 2, ... up to the highest level; the last entry pools
    /// everything from its level upwards.
    pub share_ratios: Vec<f64>,
}
