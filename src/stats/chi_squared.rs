//! The chi-squared law.

use super::special::upper_gamma;

/// The probability that a chi-squared variable with `degrees` degrees of freedom exceeds
/// `statistic`; the relative error is below 1e-12 up to a million degrees.
///
/// # Panics
///
/// If `degrees` is zero or `statistic` is negative or NaN.
pub fn p_value(statistic: f64, degrees: u64) -> f64 {
    assert!(degrees > 0, "a statistic without freedom has no law");
    assert!(statistic >= 0.0, "{statistic} is not a sum of squares");
    upper_gamma(degrees as f64 / 2.0, statistic / 2.0)
}

/// Pearson's statistic of `observed` counts against `expected` ones, and its degrees of freedom
/// when nothing was estimated. Cells with an expectation of zero are left out when they are empty.
/// `None` when fewer than two cells are left, or when something was seen where nothing can be.
///
/// # Panics
///
/// If the two differ in length.
pub fn goodness_of_fit(observed: &[f64], expected: &[f64]) -> Option<(f64, u32)> {
    assert_eq!(
        observed.len(),
        expected.len(),
        "every cell has an expectation"
    );
    let mut statistic = 0.0;
    let mut cell_count = 0;
    for (&seen, &mean) in observed.iter().zip(expected) {
        if mean > 0.0 {
            statistic += (seen - mean) * (seen - mean) / mean;
            cell_count += 1;
        } else if seen > 0.0 {
            return None;
        }
    }
    (cell_count >= 2).then(|| (statistic, cell_count - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    fn assert_close(value: f64, expected: f64, tolerance: f64) {
        let error = (value - expected).abs() / expected;
        assert!(
            error <= tolerance,
            "{value} is not {expected}: off by {error:e}"
        );
    }

    #[test]
    fn published_critical_values_have_their_probability() {
        // The last digit of a value x moves the probability by the relative amount (x/2) 1e-16,
        // so 1e-12 leaves a hundred of them.
        for case in oracle::cases("chi2_crit") {
            let p = p_value(case.value(), case.count("df"));
            assert_close(p, case.number("alpha"), 1e-12);
        }
    }

    #[test]
    fn even_degrees_are_poisson_sums() {
        // P(X > 2 m) with 2 k degrees is P(Poisson(m) < k).
        let poisson_below = |k: u32, m: f64| {
            let mut term = libm::exp(-m);
            let mut sum = 0.0;
            for i in 0..k {
                sum += term;
                term *= m / f64::from(i + 1);
            }
            sum
        };
        for (k, m) in [
            (1, 0.1),
            (1, 30.0),
            (5, 2.0),
            (5, 40.0),
            (20, 15.0),
            (100, 120.0),
        ] {
            assert_close(
                p_value(2.0 * m, u64::from(2 * k)),
                poisson_below(k, m),
                1e-12,
            );
        }
    }

    #[test]
    fn one_degree_is_a_squared_normal() {
        for x in [0.01, 0.5, 1.0, 4.0, 60.0f64] {
            assert_close(p_value(x, 1), libm::erfc((x / 2.0).sqrt()), 1e-12);
        }
    }

    #[test]
    fn many_degrees_agree_with_long_arithmetic() {
        // mpmath.gammainc(degrees/2, x/2, inf, regularized=True) with 40 digits.
        for (degrees, x, expected) in [
            (30, 10.0, 0.999_773_746_323_823_2),
            (30, 60.0, 0.000_920_682_396_148_666_3),
            (200, 150.0, 0.996_647_558_501_813),
            (200, 280.0, 0.000_161_057_174_712_555_86),
            (10_000, 9_700.0, 0.983_749_204_822_290_1),
            (10_000, 10_500.0, 0.000_247_947_367_989_360_85),
            (1_000_000, 997_000.0, 0.983_121_978_873_160_3),
            (1_000_000, 1_004_500.0, 0.000_742_263_693_886_555),
        ] {
            assert_close(p_value(x, degrees), expected, 1e-12);
        }
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(p_value(0.0, 3), 1.0);
        assert_eq!(p_value(f64::INFINITY, 3), 0.0);
        assert_eq!(p_value(1e6, 3), 0.0);
    }

    #[test]
    fn fit_leaves_out_cells_that_cannot_be_seen() {
        let fit = goodness_of_fit(&[12.0, 8.0, 0.0], &[10.0, 10.0, 0.0]);
        assert_eq!(fit, Some((0.8, 1)));
        assert_eq!(goodness_of_fit(&[12.0, 8.0, 1.0], &[10.0, 10.0, 0.0]), None);
        assert_eq!(goodness_of_fit(&[12.0], &[10.0]), None);
    }
}
