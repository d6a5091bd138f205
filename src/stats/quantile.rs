//! Percentiles of samples, exactly: the value of a rank, never an interpolation.

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
