//! The chi-squared law.

use super::special::upper_gamma;

/// The probability that a chi-squared variable with `degrees` degrees of freedom exceeds
/// `statistic`; the relative error is below 1e-10.
///
/// # Panics
///
/// If `degrees` is zero or `statistic` is negative or NaN.
pub fn p_value(statistic: f64, degrees: u32) -> f64 {
    assert!(degrees > 0, "a statistic without freedom has no law");
    assert!(statistic >= 0.0, "{statistic} is not a sum of squares");
    upper_gamma(f64::from(degrees) / 2.0, statistic / 2.0)
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

    fn assert_close(value: f64, expected: f64, tolerance: f64) {
        let error = (value - expected).abs() / expected;
        assert!(
            error <= tolerance,
            "{value} is not {expected}: off by {error:e}"
        );
    }

    #[test]
    fn published_critical_values_have_their_probability() {
        // scipy.stats.chi2.ppf. Its last digit moves the probability by the relative amount
        // (x/2) 1e-16, so 1e-12 leaves a hundred of them.
        for (degrees, alpha, statistic) in [
            (2, 0.05, 5.991_464_547_107_983),
            (2, 0.001, 13.815_510_557_964_274),
            (9, 0.05, 16.918_977_604_620_45),
            (9, 0.001, 27.877_164_871_256_575),
            (99, 0.05, 123.225_221_453_361_81),
            (99, 0.001, 148.230_359_165_101_73),
        ] {
            assert_close(p_value(statistic, degrees), alpha, 1e-12);
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
            assert_close(p_value(2.0 * m, 2 * k), poisson_below(k, m), 1e-12);
        }
    }

    #[test]
    fn one_degree_is_a_squared_normal() {
        for x in [0.01, 0.5, 1.0, 4.0, 60.0f64] {
            assert_close(p_value(x, 1), libm::erfc((x / 2.0).sqrt()), 1e-12);
        }
    }

    #[test]
    fn a_million_degrees_approach_the_normal_law() {
        // Wilson and Hilferty (1931): (X/k)^(1/3) is normal with variance 2/(9k), and the error of
        // the probability is of the order 1/k.
        let k = 1e6;
        for z in [-3.0, -1.0, 0.0, 1.0, 3.0] {
            let cube_root = 1.0 - 2.0 / (9.0 * k) + z * (2.0f64 / (9.0 * k)).sqrt();
            let expected = 0.5 * libm::erfc(z / 2.0f64.sqrt());
            let statistic = k * cube_root * cube_root * cube_root;
            assert!((p_value(statistic, 1_000_000) - expected).abs() < 1e-5);
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
