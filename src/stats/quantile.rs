//! Percentiles of samples, exactly: the value of a rank, never an interpolation.

use super::binomial::probability;

/// How many samples must lie above a percentile for it to be stated.
pub const SAMPLES_ABOVE_MIN: u64 = 10;

/// The rank, counted from 1, of the `q`-quantile of `count` samples, for `q` in `[0, 1]`:
/// the smallest whole number that is at least `q count`, and at least 1.
///
/// The product is lowered by the relative amount 2^-50 first, because 0.07 times 100 is
/// 7.000000000000001 in binary and its rank is 7.
///
/// # Panics
///
/// If there are no samples or `q` is outside `[0, 1]`.
pub fn rank(q: f64, count: u64) -> u64 {
    assert!(count > 0, "no samples have no quantile");
    assert!((0.0..=1.0).contains(&q), "{q} is not in [0, 1]");
    let product = q * count as f64;
    let lowered = product * (1.0 - 4.0 * f64::EPSILON);
    (lowered.ceil() as u64).clamp(1, count)
}

/// The `q`-quantile of `sorted`, which ascends.
///
/// # Panics
///
/// If there are no samples or `q` is outside `[0, 1]`.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    assert!(sorted.is_sorted(), "samples must ascend");
    sorted[rank(q, sorted.len() as u64) as usize - 1]
}

/// The ranks between which the true `q`-quantile of a continuous law lies with at least the
/// probability `level`, given `count` independent samples, and that probability (Conover; Le
/// Boudec, Performance Evaluation, theorem 2.1): the largest lower and the least upper rank that
/// leave at most `(1 - level) / 2` outside. `None` where the samples are too few.
///
/// # Panics
///
/// If `q` or `level` is outside `(0, 1)`.
pub fn interval_ranks(q: f64, count: u64, level: f64) -> Option<(u64, u64, f64)> {
    assert!(0.0 < level && level < 1.0, "{level} is not in (0, 1)");
    let tail = (1.0 - level) / 2.0;
    // Fewer than r samples lie below the quantile with the probability B(r - 1).
    let (mut low, mut below, mut fewer) = (None, 0.0, 0.0);
    for rank in 1..=count {
        fewer += probability(rank - 1, count, q);
        if fewer <= tail {
            (low, below) = (Some(rank), fewer);
        }
        if 1.0 - tail <= fewer {
            return low.map(|low| (low, rank, fewer - below));
        }
    }
    None
}

/// Whether `count` samples say enough to state their `q`-quantile: at least
/// [`SAMPLES_ABOVE_MIN`] of them have a higher rank.
pub fn is_stated(q: f64, count: u64) -> bool {
    count > 0 && count - rank(q, count) >= SAMPLES_ABOVE_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn ranks_are_the_smallest_that_cover_the_share() {
        for (q, count, expected) in [
            (0.0, 5, 1),
            (0.5, 5, 3),
            (0.5, 4, 2),
            (0.07, 100, 7),
            (0.29, 100, 29),
            (0.99, 100, 99),
            (0.999, 1000, 999),
            (0.9999, 20_000, 19_998),
            (0.9999, 20_001, 19_999),
            (1.0, 5, 5),
            (0.99, 1, 1),
        ] {
            assert_eq!(rank(q, count), expected, "{q} of {count}");
        }
    }

    #[test]
    fn quantiles_are_samples() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&sorted, 0.5), 2.0);
        assert_eq!(quantile(&sorted, 0.51), 4.0);
        assert_eq!(quantile(&sorted, 1.0), 8.0);
    }

    #[test]
    fn published_ranks_hold() {
        for case in oracle::cases("quantile_ci_ranks") {
            let (q, count) = (case.number("p"), case.count("n"));
            let ranks = interval_ranks(q, count, case.number("conf"));
            let (low, high, coverage) = ranks.expect("enough samples");
            match case.metric() {
                "ranks" => {
                    let expected = case.list().iter().map(|rank| rank.as_u64());
                    assert!(expected.eq([Some(low), Some(high)]), "{low} {high}");
                }
                _ => case.assert_met_by(coverage),
            }
        }
    }

    #[test]
    fn few_samples_have_no_interval() {
        // Five samples miss the median on one side with probability 1/32 each.
        assert_eq!(interval_ranks(0.5, 5, 0.95), None);
        let (low, high, coverage) = interval_ranks(0.5, 6, 0.95).expect("enough");
        assert_eq!((low, high), (1, 6));
        assert!((coverage - 62.0 / 64.0).abs() < 1e-12);
    }

    #[test]
    fn intervals_of_quantiles_cover_them_as_often_as_they_say() {
        for (q, count) in [(0.5, 30), (0.99, 2_000)] {
            let (low, high, coverage) = interval_ranks(q, count, 0.95).expect("enough");
            let mut draw = Draw::new(3);
            let covered = (0..1_000).filter(|_| {
                let below = (0..count).filter(|_| draw.uniform() < q).count() as u64;
                // As many samples lie below the quantile as have a lower rank.
                low <= below && below < high
            });
            // Four standard errors.
            let share = covered.count() as f64 / 1_000.0;
            assert!((share - coverage).abs() < 0.027, "{share} {coverage}");
            assert!((0.93..=0.97).contains(&share), "{share}");
        }
    }

    #[test]
    fn a_percentile_needs_ten_samples_above_it() {
        assert!(is_stated(0.99, 1000));
        assert!(!is_stated(0.99, 999));
        assert!(is_stated(0.5, 20));
        assert!(!is_stated(0.5, 19));
        assert!(!is_stated(1.0, 1_000_000));
        assert!(!is_stated(0.5, 0));
    }

    #[test]
    fn published_percentiles_hold() {
        // The data are floor(1000 E) + 1 with E = -ln(1 - u) of SplitMix64 with seed 21.
        let mut draw = Draw::new(21);
        let mut values: Vec<f64> = (0..20_000)
            .map(|_| (-1000.0 * libm::log1p(-draw.uniform())).floor() + 1.0)
            .collect();
        values.sort_by(f64::total_cmp);
        for case in oracle::cases("exact_percentile") {
            assert_eq!(quantile(&values, case.number("q") / 100.0), case.value());
        }
    }
}
