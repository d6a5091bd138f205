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

/// How many independent events tell as much as `counts` of events in equal lengths of time that may
/// come in bursts: all of them, divided by the variance of the counts over their mean, which is one
/// for independent events and the size of bursts that are independent (the index of dispersion; Cox
/// and Lewis 1966, 4.5). At most all of them, at least one where there are any, rounded down.
///
/// # Panics
///
/// With fewer than two lengths of time.
pub fn independent_count(counts: &[u64]) -> u64 {
    assert!(2 <= counts.len(), "{} lengths of time", counts.len());
    let parts = counts.len() as u128;
    let sum: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let squares: u128 = counts.iter().map(|c| u128::from(*c) * u128::from(*c)).sum();
    // The sum over variance and mean, with all divisors on one side: (n - 1) sum^2 over this.
    let spread = parts * squares - sum * sum;
    let independent = ((parts - 1) * sum * sum).checked_div(spread);
    let count = independent.map_or(sum, |count| count.min(sum));
    u64::try_from(count).expect("no more than there are")
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
    use crate::rng::{Draw, UniformSource};

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

    /// Counts in twenty lengths of time, of bursts at these places.
    fn counts(bursts: &[(usize, u64)]) -> [u64; 20] {
        let mut counts = [0; 20];
        bursts
            .iter()
            .for_each(|(place, size)| counts[*place] += size);
        counts
    }

    #[test]
    fn a_burst_is_one_event_and_single_ones_are_as_many() {
        assert_eq!(independent_count(&[0; 20]), 0);
        assert_eq!(independent_count(&counts(&[(7, 1)])), 1);
        assert_eq!(independent_count(&counts(&[(7, 50)])), 1);
        assert_eq!(independent_count(&counts(&[(7, u64::from(u32::MAX))])), 1);
        // m bursts of s apart from each other have the variance m s^2 (20 - m) / (20 x 19): they
        // are 19 m / (20 - m).
        assert_eq!(independent_count(&counts(&[(3, 50), (11, 50)])), 2);
        assert_eq!(
            independent_count(&counts(&[(3, 9), (4, 9), (5, 9), (6, 9)])),
            4
        );
        assert_eq!(independent_count(&counts(&[(3, 1), (9, 1), (12, 1)])), 3);
        // As many everywhere: no bursts.
        assert_eq!(independent_count(&[30; 20]), 600);
    }

    #[test]
    fn bursts_of_ten_are_covered_by_the_interval_of_their_rate() {
        // 4 and 20 bursts on average, each in one of twenty lengths of time. The interval is of at
        // least 95 %, so that 1,000 have 930 at the fewest (three deviations).
        let mut draw = Draw::new(3);
        for mean in [4.0, 20.0] {
            let covered = (0..1_000).filter(|_| {
                let mut counts = [0; 20];
                let mut at = -libm::log1p(-draw.uniform()) / mean;
                while at < 1.0 {
                    counts[(20.0 * at) as usize] += 10;
                    at -= libm::log1p(-draw.uniform()) / mean;
                }
                let seen = counts.iter().sum::<u64>() as f64;
                let events = independent_count(&counts);
                let size = if events == 0 {
                    10.0
                } else {
                    seen / events as f64
                };
                let (low, high) = mean_interval(events, 0.95);
                (low * size..=high * size).contains(&(10.0 * mean))
            });
            let covered = covered.count();
            assert!(930 <= covered, "{mean}: {covered}");
        }
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
