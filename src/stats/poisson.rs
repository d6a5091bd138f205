//! Counts of rare events.

use super::special::upper_gamma;

/// The exact interval of the mean of a Poisson count (Garwood 1936) at a level such as 0.95. Where
/// nothing was seen it is one-sided: zero up to the mean at which seeing nothing has the
/// probability `1 - level`, which is 3.0 at 95 %.
///
/// # Panics
///
/// If `level` is outside `(0, 1)`.
pub fn mean_interval(count: u64, level: f64) -> (f64, f64) {
    assert!(0.0 < level && level < 1.0, "{level} is not in (0, 1)");
    if count == 0 {
        return (0.0, -libm::log1p(-level));
    }
    let tail = (1.0 - level) / 2.0;
    let k = count as f64;
    // P(N >= k) = P(k, mean) grows with the mean; P(N <= k) = Q(k + 1, mean) falls.
    let low = crossing(k, |mean| 1.0 - upper_gamma(k, mean) < tail);
    let high = crossing(k + 1.0, |mean| tail < upper_gamma(k + 1.0, mean));
    (low, high)
}

/// Where `is_below` turns false, by bisection from a bracket around `start`.
fn crossing(start: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, start);
    while is_below(high) {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || high <= middle {
            return middle;
        }
        match is_below(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_intervals_of_the_literature() {
        // Garwood 1936; Ulm 1990, table of exact 95 % limits, to the printed decimals.
        for (count, low, high) in [
            (1, 0.0253, 5.572),
            (2, 0.242, 7.225),
            (5, 1.62, 11.67),
            (10, 4.80, 18.39),
            (20, 12.22, 30.89),
            (100, 81.36, 121.63),
        ] {
            let interval = mean_interval(count, 0.95);
            assert!((interval.0 - low).abs() < 0.006, "{count}: {interval:?}");
            assert!((interval.1 - high).abs() < 0.006, "{count}: {interval:?}");
        }
    }

    #[test]
    fn nothing_seen_leaves_the_rule_of_three() {
        let (low, high) = mean_interval(0, 0.95);
        assert_eq!(low, 0.0);
        // -ln 0.05.
        assert!((high - 2.995_732_273_553_991).abs() < 1e-12);
    }

    #[test]
    fn the_ends_have_their_probabilities() {
        for count in [1u64, 3, 50, 400] {
            let (low, high) = mean_interval(count, 0.95);
            let at_most = |mean: f64, most: u64| -> f64 {
                let (mut term, mut sum) = (libm::exp(-mean), 0.0);
                for k in 0..=most {
                    sum += term;
                    term *= mean / (k + 1) as f64;
                }
                sum
            };
            assert!((at_most(high, count) - 0.025).abs() < 1e-9);
            assert!((1.0 - at_most(low, count - 1) - 0.025).abs() < 1e-9);
        }
    }
}
