//! The Kolmogorov-Smirnov test of a sample against a continuous law; used by tests of samplers.

/// Samples from which on the two sides are taken as in the limit law.
const LIMIT_FROM: u64 = 50;

/// The probability that the distribution function of `count` samples is at some point farther than
/// `distance` from their law; of probabilities up to 5 %, the relative error is below 1e-5.
///
/// Twice the exact one-sided probability (Smirnov; Birnbaum and Tingey 1951) less that of both
/// sides at once, which is `2 exp(-8 x^2)` in the limit and nothing to speak of in small samples.
///
/// # Panics
///
/// If there are no samples, or `distance` is outside `(0, 1]`.
pub fn p_value(distance: f64, count: u64) -> f64 {
    assert!(0 < count && 0.0 < distance && distance <= 1.0);
    let n = count as f64;
    let log_choices =
        |j: f64| libm::lgamma(n + 1.0) - libm::lgamma(j + 1.0) - libm::lgamma(n - j + 1.0);
    let terms = (0..count).map_while(|j| {
        let j = j as f64;
        let (above, left) = (distance + j / n, 1.0 - distance - j / n);
        let log_term = || log_choices(j) + (j - 1.0) * libm::log(above) + (n - j) * libm::log(left);
        (0.0 < left).then(|| libm::exp(log_term()))
    });
    let one_sided = distance * terms.sum::<f64>();
    let x = n.sqrt() * distance + 1.0 / (6.0 * n.sqrt());
    let both = match count < LIMIT_FROM {
        true => 0.0,
        false => 2.0 * libm::exp(-8.0 * x * x),
    };
    (2.0 * one_sided - both).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    #[test]
    fn published_critical_values_have_their_probability() {
        for case in oracle::cases("ks_crit") {
            let (count, alpha) = (case.count("n"), case.number("alpha"));
            let p = p_value(case.value(), count);
            // d ln p / d ln D is -4 n D^2, so that is how the tolerance of D grows.
            let slope = 4.0 * count as f64 * case.value() * case.value();
            let error = (p / alpha - 1.0).abs();
            assert!(
                error <= slope * case.tolerance(),
                "{count} {alpha}: {error:e}"
            );
        }
    }

    #[test]
    fn one_sample_is_uniform() {
        // The distance of one sample u is max(u, 1 - u): above d with the probability 2 (1 - d).
        assert!((p_value(0.9, 1) - 0.2).abs() < 1e-12);
        assert_eq!(p_value(0.5, 1), 1.0);
    }
}
