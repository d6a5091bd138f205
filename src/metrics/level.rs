//! Time spent at each level of something that is counted.

use super::data::distribution::LevelStats;
use super::histogram::float;
use crate::time::{NANOS_PER_SEC, SimDuration};

/// Levels with a share of their own; higher ones are pooled. Mean and deviation stay exact.
const LEVEL_COUNT_MAX: usize = 4_096;

/// Time by level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LevelTotals {
    /// Nanoseconds by level; the length is one more than the highest level that was seen.
    by_level: Vec<f64>,
    /// Past the levels with a share of their own: time, level times time, square times time.
    above: [f64; 3],
    above_max: u32,
}

impl LevelTotals {
    /// `length` more at `level`.
    #[inline]
    pub fn add(&mut self, level: u32, length: SimDuration) {
        let ns = float(length.as_ns());
        if let Some(sum) = self.by_level.get_mut(level as usize) {
            *sum += ns;
        } else if 0.0 < ns {
            self.add_new(level, ns);
        }
    }

    #[cold]
    fn add_new(&mut self, level: u32, ns: f64) {
        if (level as usize) < LEVEL_COUNT_MAX {
            self.by_level.resize(level as usize + 1, 0.0);
            self.by_level[level as usize] += ns;
            return;
        }
        let level_ns = f64::from(level) * ns;
        self.above[0] += ns;
        self.above[1] += level_ns;
        self.above[2] += f64::from(level) * level_ns;
        self.above_max = self.above_max.max(level);
    }

    /// Adds other times.
    pub fn merge(&mut self, other: &Self) {
        if self.by_level.len() < other.by_level.len() {
            self.by_level.resize(other.by_level.len(), 0.0);
        }
        for (sum, ns) in self.by_level.iter_mut().zip(&other.by_level) {
            *sum += ns;
        }
        for (sum, ns) in self.above.iter_mut().zip(other.above) {
            *sum += ns;
        }
        self.above_max = self.above_max.max(other.above_max);
    }

    /// Time, level times time, and square of the level times time, in nanoseconds.
    fn moments_ns(&self) -> [f64; 3] {
        let mut sums = self.above;
        for (level, ns) in self.by_level.iter().enumerate() {
            let level = level as f64;
            sums[0] += ns;
            sums[1] += level * ns;
            sums[2] += level * level * ns;
        }
        sums
    }

    /// Level times seconds.
    pub fn sum_secs(&self) -> f64 {
        self.moments_ns()[1] / NANOS_PER_SEC as f64
    }

    /// Mean over time.
    pub fn mean(&self) -> Option<f64> {
        let [length, sum, _] = self.moments_ns();
        (0.0 < length).then(|| sum / length)
    }

    /// Standard deviation over time.
    pub fn standard_deviation(&self) -> Option<f64> {
        let [length, sum, square_sum] = self.moments_ns();
        let mean = sum / length;
        (0.0 < length).then(|| (square_sum / length - mean * mean).max(0.0).sqrt())
    }

    /// Highest level.
    pub fn max(&self) -> u32 {
        let seen = u32::try_from(self.by_level.len()).expect("levels in the table are few");
        self.above_max.max(seen.saturating_sub(1))
    }

    /// Level below which the given percentage of the time was spent; None without time.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let length_ns = self.moments_ns()[0];
        let wanted = length_ns * percent / 100.0;
        let mut below = 0.0;
        for (level, ns) in self.by_level.iter().enumerate() {
            below += ns;
            if wanted <= below && 0.0 < *ns {
                return Some(level as f64);
            }
        }
        (0.0 < length_ns).then(|| f64::from(self.max()))
    }

    /// All of it as plain data.
    pub fn stats(&self) -> LevelStats {
        let length_ns = self.moments_ns()[0];
        let mut share_ratios: Vec<f64> = self.by_level.iter().map(|ns| ns / length_ns).collect();
        if 0.0 < self.above[0] {
            share_ratios.resize(LEVEL_COUNT_MAX, 0.0);
            share_ratios.push(self.above[0] / length_ns);
        }
        LevelStats {
            observed_secs: length_ns / NANOS_PER_SEC as f64,
            mean: self.mean(),
            standard_deviation: self.standard_deviation(),
            max: self.max(),
            share_ratios,
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
