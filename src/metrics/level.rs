//! Time spent at each level of something that is counted.

use super::data::distribution::LevelStats;
use crate::time::{NANOS_PER_SEC, SimDuration};

/// Levels with a share of their own; higher ones are pooled. Mean and deviation stay exact.
const LEVEL_COUNT_MAX: usize = 4_096;

/// Time by level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LevelTotals {
    length_ns: f64,
    sum_ns: f64,
    square_sum_ns: f64,
    max: u32,
    /// Nanoseconds by level.
    by_level: Vec<f64>,
}

impl LevelTotals {
    /// `length` more at `level`.
    #[inline]
    pub fn add(&mut self, level: u32, length: SimDuration) {
        if length.is_zero() {
            return;
        }
        let ns = length.as_ns() as f64;
        let level_ns = f64::from(level) * ns;
        self.length_ns += ns;
        self.sum_ns += level_ns;
        self.square_sum_ns += f64::from(level) * level_ns;
        self.max = self.max.max(level);
        let place = (level as usize).min(LEVEL_COUNT_MAX);
        if self.by_level.len() <= place {
            self.by_level.resize(place + 1, 0.0);
        }
        self.by_level[place] += ns;
    }

    /// Adds other times.
    pub fn merge(&mut self, other: &Self) {
        self.length_ns += other.length_ns;
        self.sum_ns += other.sum_ns;
        self.square_sum_ns += other.square_sum_ns;
        self.max = self.max.max(other.max);
        if self.by_level.len() < other.by_level.len() {
            self.by_level.resize(other.by_level.len(), 0.0);
        }
        for (sum, ns) in self.by_level.iter_mut().zip(&other.by_level) {
            *sum += ns;
        }
    }

    /// Level times seconds.
    pub fn sum_secs(&self) -> f64 {
        self.sum_ns / NANOS_PER_SEC as f64
    }

    /// Mean over time.
    pub fn mean(&self) -> Option<f64> {
        (0.0 < self.length_ns).then(|| self.sum_ns / self.length_ns)
    }

    /// Standard deviation over time.
    pub fn standard_deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let variance = (self.square_sum_ns / self.length_ns - mean * mean).max(0.0);
        Some(variance.sqrt())
    }

    /// Highest level.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Level below which the given percentage of the time was spent; None without time.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let wanted = self.length_ns * percent / 100.0;
        let mut below = 0.0;
        for (level, ns) in self.by_level.iter().enumerate() {
            below += ns;
            if wanted <= below && 0.0 < *ns {
                return Some(level as f64);
            }
        }
        (0.0 < self.length_ns).then(|| f64::from(self.max))
    }

    /// All of it as plain data.
    pub fn stats(&self) -> LevelStats {
        let share = |ns: &f64| ns / self.length_ns;
        LevelStats {
            observed_secs: self.length_ns / NANOS_PER_SEC as f64,
            mean: self.mean(),
            standard_deviation: self.standard_deviation(),
            max: self.max,
            share_ratios: self.by_level.iter().map(share).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_weighted_by_time() {
        // 6 s at 0, 3 s at 2, 1 s at 4: mean 1, mean square 2.8, variance 1.8.
        let mut totals = LevelTotals::default();
        for (level, secs) in [(0, 2), (2, 3), (0, 4), (4, 1), (9, 0)] {
            totals.add(level, SimDuration::from_secs(secs));
        }
        let stats = totals.stats();
        assert_eq!((stats.mean, stats.max), (Some(1.0), 4));
        let deviation = stats.standard_deviation.expect("time was observed");
        assert!((deviation - 1.8f64.sqrt()).abs() < 1e-15);
        assert_eq!(stats.share_ratios, [0.6, 0.0, 0.3, 0.0, 0.1]);
        assert_eq!(totals.percentile(60.0), Some(0.0));
        assert_eq!(totals.percentile(61.0), Some(2.0));
    }

    #[test]
    fn levels_past_the_table_keep_the_mean_exact() {
        let mut totals = LevelTotals::default();
        totals.add(1_000_000, SimDuration::from_secs(1));
        totals.add(0, SimDuration::from_secs(1));
        assert_eq!(totals.mean(), Some(500_000.0));
        assert_eq!(totals.stats().share_ratios.len(), LEVEL_COUNT_MAX + 1);
    }
}
