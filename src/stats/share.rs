//! A share of what is counted over independent sections.

use super::binomial::exact_interval;
use super::section::share_half_width;

/// The normal quantile of a two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;
const LEVEL: f64 = 0.95;

/// A share with its 95 % interval, which lies within `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareInterval {
    /// The share.
    pub share: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// So many independent trials say as much.
    trial_count: f64,
}

impl ShareInterval {
    /// The same interval around another estimate of the share; None where that is outside of it,
    /// so that the interval says nothing about it.
    pub fn about(&self, share: f64) -> Option<Self> {
        let is_inside = (self.low..=self.high).contains(&share);
        is_inside.then_some(ShareInterval { share, ..*self })
    }

    /// How many times as many sections it takes until the interval leaves `limit` out, if the
    /// share stays what it is; not finite where none are enough.
    pub fn growth_to_exclude(&self, limit: f64) -> f64 {
        let distance = self.share - limit;
        Z * Z * limit * (1.0 - limit) / (distance * distance) / self.trial_count
    }
}

/// The share that `parts` are of `wholes`, by section: the exact interval of as many independent
/// trials as would be as uncertain as the sections are (Korn and Graubard 1998), and of no more
/// than were counted. What none, all, or one of many gave is therefore no certainty, and what
/// comes in bursts counts by its bursts. `None` below two sections and where nothing is counted.
///
/// # Panics
///
/// If the two differ in length, or a part is larger than its whole.
pub fn share_interval(parts: &[f64], wholes: &[f64]) -> Option<ShareInterval> {
    let half_width = share_half_width(parts, wholes)?;
    let whole: f64 = wholes.iter().sum();
    let share = parts.iter().sum::<f64>() / whole;
    let trial_count = match half_width {
        0.0 => whole,
        _ => whole.min(Z * Z * share * (1.0 - share) / (half_width * half_width)),
    };
    let (low, high) = exact_interval(share, trial_count, LEVEL);
    Some(ShareInterval {
        share,
        low,
        high,
        trial_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn one_failure_says_less_than_none() {
        // 35 sections of 2,000. None: 1 - 0.025^(1/70,000). One: in a table of the Poisson law
        // (Garwood 1936) within 0.0253 and 5.5716.
        let wholes = [2_000.0; 35];
        let mut parts = [0.0; 35];
        let none = share_interval(&parts, &wholes).expect("sections");
        assert!((none.high * 70_000.0 - 3.688_9).abs() < 1e-3, "{none:?}");
        assert_eq!(none.low, 0.0);
        parts[7] = 1.0;
        let one = share_interval(&parts, &wholes).expect("sections");
        // Student's t, with its 2.032 for 1.96, leaves a little less than one trial for each.
        assert!((5.571..=6.0).contains(&(one.high * 70_000.0)), "{one:?}");
        assert!((0.0..=0.025_4).contains(&(one.low * 70_000.0)), "{one:?}");
    }

    #[test]
    fn a_burst_counts_once() {
        // One of 20 sections lost everything: as one of twenty trials, within 0.127 % and 24.87 %
        // by Clopper and Pearson, and a little wider by Student's t.
        let mut parts = [0.0; 20];
        parts[3] = 500.0;
        let found = share_interval(&parts, &[500.0; 20]).expect("sections");
        assert!((0.2487..=0.30).contains(&found.high), "{found:?}");
        assert!((0.0..=0.001_27).contains(&found.low), "{found:?}");
    }

    #[test]
    fn rare_failures_are_covered() {
        // Poisson of mean 0.2 in each of 20 sections: four failures of 40,000 in all.
        let mut draw = Draw::new(23);
        let truth = 1e-4;
        let covered = (0..1_000).filter(|_| {
            let failures = |draw: &mut Draw| {
                let mut count = 0.0;
                let mut left = -libm::log(1.0 - draw.uniform());
                while left < 2_000.0 * truth {
                    count += 1.0;
                    left -= libm::log(1.0 - draw.uniform());
                }
                count
            };
            let parts: Vec<f64> = (0..20).map(|_| failures(&mut draw)).collect();
            let found = share_interval(&parts, &[2_000.0; 20]).expect("sections");
            found.low <= truth && truth <= found.high
        });
        // 95 % less three binomial errors; an exact interval covers more than it says.
        let covered = covered.count();
        assert!(930 <= covered, "{covered}");
    }

    #[test]
    fn the_growth_that_tells_is_that_of_the_score_test() {
        // All of 10,000 against 99.9 %: z^2 (1 - p) / (p ...) = 3.841 x 0.999 / 0.001 trials.
        let all = share_interval(&[5_000.0; 2], &[5_000.0; 2]).expect("sections");
        let growth = all.growth_to_exclude(0.999);
        assert!((growth * 10_000.0 - 3_837.6).abs() < 1.0, "{growth}");
        assert!(!all.growth_to_exclude(1.0).is_finite());
    }

    #[test]
    fn an_estimate_far_from_the_share_of_all_has_another_interval() {
        // Nine runs of 999 in 1,000 and one of 1 in 10: 99.8 % of all, 90.9 % on average.
        let mut parts = [999.0; 10];
        let mut wholes = [1_000.0; 10];
        (parts[9], wholes[9]) = (1.0, 10.0);
        let found = share_interval(&parts, &wholes).expect("sections");
        assert!((found.share - 0.998).abs() < 1e-4, "{found:?}");
        assert_eq!(found.about(0.9091), None);
        assert!(found.about(0.998).is_some());
    }
}
