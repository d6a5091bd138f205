//! The binomial law.

use super::special::beta_share;

/// The relative error of the ends of an exact interval.
const ROOT_ERROR: f64 = 1e-10;

/// The probability of at most `count` successes in `trial_count` trials that succeed with
/// probability `p` each. The relative error is below 1e-9 for up to a million trials.
///
/// # Panics
///
/// If `p` is outside `(0, 1)`.
pub fn cumulative(count: u64, trial_count: u64, p: f64) -> f64 {
    assert!(0.0 < p && p < 1.0, "{p} is not in (0, 1)");
    if trial_count <= count {
        return 1.0;
    }
    let sum: f64 = (0..=count).map(|k| probability(k, trial_count, p)).sum();
    sum.min(1.0)
}

/// The probability of `count` successes in `trial_count` trials that succeed with probability `p`
/// each, which lies in `(0, 1)`.
pub fn probability(count: u64, trial_count: u64, p: f64) -> f64 {
    let (k, n) = (count as f64, trial_count as f64);
    let choices = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    libm::exp(choices + k * libm::log(p) + (n - k) * libm::log1p(-p))
}

/// The probability of at least `count` successes in `trial_count` trials that succeed with
/// probability `p` each, to 1e-9 of it however small it is.
///
/// # Panics
///
/// If `p` is outside `[0, 1]`.
pub fn at_least(count: u64, trial_count: u64, p: f64) -> f64 {
    assert!((0.0..=1.0).contains(&p), "{p} is not in [0, 1]");
    match (count, trial_count.checked_sub(count)) {
        (0, _) => 1.0,
        (_, None) => 0.0,
        (_, Some(rest)) => beta_share(count as f64, rest as f64 + 1.0, p),
    }
}

/// The two-sided p-value of the sign test: how likely signs as unequal as these are when both are
/// equally likely. Pairs that tie belong to neither count. 1 without any sign.
pub fn sign_test_p_value(positive_count: u64, negative_count: u64) -> f64 {
    let fewer = positive_count.min(negative_count);
    let all = positive_count + negative_count;
    match all {
        0 => 1.0,
        _ => (2.0 * cumulative(fewer, all, 0.5)).min(1.0),
    }
}

/// The interval of a probability after `count` successes in `trial_count` independent trials
/// (Wilson 1927), for the normal quantile `z` of its level: 1.96 for 95 %. It stays within
/// `[0, 1]` and has a width also where none or all succeeded. `None` without trials.
pub fn wilson_interval(count: u64, trial_count: u64, z: f64) -> Option<(f64, f64)> {
    if trial_count == 0 {
        return None;
    }
    let n = trial_count as f64;
    let share = count as f64 / n;
    let square = z * z / n;
    let center = share + square / 2.0;
    let spread = z * (share * (1.0 - share) / n + square / (4.0 * n)).sqrt();
    let low = (center - spread) / (1.0 + square);
    let high = (center + spread) / (1.0 + square);
    Some((low.max(0.0), high.min(1.0)))
}

/// The exact interval of a probability of which `share` of `trial_count` trials came true (Clopper
/// and Pearson 1934). Both need not make a whole number of successes.
///
/// # Panics
///
/// If `share` is outside `[0, 1]`, or `trial_count` is not positive.
pub fn exact_interval(share: f64, trial_count: f64, level: f64) -> (f64, f64) {
    assert!((0.0..=1.0).contains(&share), "a share of {share}");
    assert!(0.0 < trial_count, "{trial_count} trials");
    if 0.5 < share {
        // The ends are precise relative to the rarer of both outcomes.
        let (low, high) = exact_interval(1.0 - share, trial_count, level);
        return (1.0 - high, 1.0 - low);
    }
    let tail = (1.0 - level) / 2.0;
    let (count, rest) = (share * trial_count, (1.0 - share) * trial_count);
    let low = match share {
        0.0 => 0.0,
        _ => root(0.0, share, |p| beta_share(count, rest + 1.0, p) - tail),
    };
    let high = root(share, 1.0, |p| {
        tail - beta_share(rest, count + 1.0, 1.0 - p)
    });
    (low, high)
}

/// Where a function that grows from below zero to above is zero, by bisection.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    while ROOT_ERROR * high < high - low {
        let middle = low + (high - low) / 2.0;
        match f(middle) < 0.0 {
            true => low = middle,
            false => high = middle,
        }
    }
    low + (high - low) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn cumulative_probabilities_of_a_fair_coin() {
        // Sums of Pascal's triangle: 1 + 10 + 45 of 1024.
        assert!((cumulative(2, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-14);
        assert_eq!(cumulative(10, 10, 0.5), 1.0);
        // 1 - 0.999^1000 by hand: exp(1000 ln 0.999) = 0.367695424770964.
        assert!((cumulative(0, 1000, 0.001) - 0.367_695_424_770_964).abs() < 1e-12);
    }

    #[test]
    fn signs_that_all_agree_have_the_probability_of_a_coin() {
        // 2 (1/2)^10; with one against nine 2 (1 + 10) / 1024.
        assert!((sign_test_p_value(10, 0) - 2.0 / 1024.0).abs() < 1e-15);
        assert!((sign_test_p_value(1, 9) - 22.0 / 1024.0).abs() < 1e-14);
        assert_eq!(sign_test_p_value(3, 3), 1.0);
        assert_eq!(sign_test_p_value(0, 0), 1.0);
    }

    #[test]
    fn wilson_intervals_of_the_literature() {
        // Newcombe 1998, table I, method 3 (Wilson score), to its four decimals.
        for (count, trials, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let z = 1.959_963_984_540_054;
            let interval = wilson_interval(count, trials, z).expect("trials");
            assert!((interval.0 - low).abs() < 5.1e-5, "{interval:?}");
            assert!((interval.1 - high).abs() < 5.1e-5, "{interval:?}");
        }
        assert_eq!(wilson_interval(0, 0, 1.96), None);
    }

    #[test]
    fn wilson_covers_a_success_ratio_of_three_nines() {
        // The exact coverage at 20,000 requests and 99.9 % is 95.4 %.
        let mut draw = Draw::new(99);
        let covered = (0..1_000).filter(|_| {
            // Failures are rare: their gaps are geometric.
            let (mut failed_count, mut at) = (0, 0.0);
            loop {
                at += 1.0 + (libm::log1p(-draw.uniform()) / libm::log1p(-0.001)).floor();
                if 20_000.0 < at {
                    break;
                }
                failed_count += 1;
            }
            let interval = wilson_interval(20_000 - failed_count, 20_000, 1.96);
            let (low, high) = interval.expect("requests");
            (low..=high).contains(&0.999)
        });
        let covered = covered.count();
        assert!((930..=970).contains(&covered), "{covered}");
    }

    #[test]
    fn both_tails_make_one() {
        for (count, trial_count, p) in [(1, 1, 0.3), (3, 50, 0.004), (18, 20, 0.5), (40, 90, 0.4)] {
            let below = cumulative(count - 1, trial_count, p);
            let above = at_least(count, trial_count, p);
            assert!(
                (below + above - 1.0).abs() < 1e-9,
                "{count}: {below} {above}"
            );
        }
        for p in [1e-9, 1e-15, 1e-300] {
            assert!((at_least(1, 1, p) / p - 1.0).abs() < 1e-9, "{p}");
        }
        // Two of fifty at 0.4 %: 1 - 0.996^50 - 50 x 0.004 x 0.996^49.
        assert!((at_least(2, 50, 0.004) - 0.017_260).abs() < 1e-5);
        assert_eq!(
            (
                at_least(0, 5, 0.0),
                at_least(1, 5, 0.0),
                at_least(6, 5, 1.0)
            ),
            (1.0, 0.0, 0.0)
        );
    }

    #[test]
    fn exact_intervals_are_those_of_the_tables() {
        // Clopper and Pearson: 10 of 100 within 4.90 % and 17.62 %; 5 of 100 within 1.64 % and
        // 11.28 %. None of n: up to 1 - 0.025^(1/n).
        for (count, low, high) in [(10.0, 0.0490, 0.1762), (5.0, 0.0164, 0.1128)] {
            let found = exact_interval(count / 100.0, 100.0, 0.95);
            assert!((found.0 - low).abs() < 5e-5, "{found:?}");
            assert!((found.1 - high).abs() < 5e-5, "{found:?}");
        }
        for n in [1.0, 10.0, 1e4, 1e7] {
            let (low, high) = exact_interval(0.0, n, 0.95);
            let expected = -libm::expm1(libm::log(0.025) / n);
            assert_eq!(low, 0.0);
            assert!((high / expected - 1.0).abs() < 1e-8, "{high} {expected}");
            let (low, high) = exact_interval(1.0, n, 0.95);
            assert!((low - (1.0 - expected)).abs() < 1e-9, "{low}");
            assert_eq!(high, 1.0);
        }
    }

    #[test]
    fn the_ends_of_an_exact_interval_leave_the_tails_that_they_say() {
        for (count, trial_count) in [(1, 7), (3, 2_000), (250, 1_000), (40_000, 90_000)] {
            let (n, share) = (trial_count as f64, count as f64 / trial_count as f64);
            let (low, high) = exact_interval(share, n, 0.95);
            let below = cumulative(count, trial_count, high);
            let above = 1.0 - cumulative(count - 1, trial_count, low);
            assert!((below - 0.025).abs() < 1e-6, "{count}: {below}");
            assert!((above - 0.025).abs() < 1e-6, "{count}: {above}");
        }
    }
}
