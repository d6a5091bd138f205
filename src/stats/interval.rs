//! Confidence intervals of means, by Student's t.

use super::moments::{mean, standard_deviation};
use super::special::{beta_fraction, gamma_ratio_half};
use std::f64::consts::PI;

/// A mean with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanInterval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the interval; infinite for a single value.
    pub half_width: f64,
}

impl MeanInterval {
    /// The lower end.
    pub fn low(&self) -> f64 {
        self.mean - self.half_width
    }

    /// The upper end.
    pub fn high(&self) -> f64 {
        self.mean + self.half_width
    }

    /// Whether `value` lies in the interval, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low()..=self.high()).contains(&value)
    }
}

/// The 95 % confidence interval of the mean of independent values; `None` without values.
pub fn mean_interval(values: &[f64]) -> Option<MeanInterval> {
    let mean = mean(values)?;
    let half_width = standard_deviation(values).map_or(f64::INFINITY, |deviation| {
        let degrees = (values.len() - 1) as f64;
        t_quantile(0.975, degrees) * deviation / (values.len() as f64).sqrt()
    });
    Some(MeanInterval { mean, half_width })
}

/// The `q`-quantile of Student's t with `degrees` degrees of freedom, not necessarily whole, for
/// `q` in `(0, 1)`; the error is below 1e-10 of the quantile, or 1e-15 next to the median.
///
/// # Panics
///
/// If `q` is outside `(0, 1)`, or `degrees` is not positive.
pub fn t_quantile(q: f64, degrees: f64) -> f64 {
    assert!(0.0 < q && q < 1.0, "{q} is not in (0, 1)");
    assert!(
        degrees > 0.0 && degrees.is_finite(),
        "{degrees} degrees of freedom"
    );
    if q < 0.5 {
        return -upper_t_quantile(q, degrees);
    }
    upper_t_quantile(1.0 - q, degrees)
}

/// The probability that Student's t with `degrees` degrees of freedom is farther from zero than
/// `t`.
///
/// # Panics
///
/// If `t` is NaN or `degrees` is not positive.
pub fn t_p_value(t: f64, degrees: f64) -> f64 {
    assert!(!t.is_nan() && 0.0 < degrees, "{t} of {degrees} degrees");
    match t.is_infinite() {
        true => 0.0,
        false => (2.0 * upper_tail(t.abs(), degrees)).min(1.0),
    }
}

/// The point above which lies `tail`, at most one half.
///
/// Newton's method on the upper tail, which is convex right of zero: started at zero, every step
/// ends left of the root, and the steps end when rounding stops their growth.
fn upper_t_quantile(tail: f64, degrees: f64) -> f64 {
    let mut t = 0.0;
    loop {
        let next = t + (upper_tail(t, degrees) - tail) / density(t, degrees);
        if next <= t * (1.0 + 1e-15) {
            return t;
        }
        t = next;
    }
}

/// Density of Student's t.
fn density(t: f64, degrees: f64) -> f64 {
    let power = libm::exp(-(degrees + 1.0) / 2.0 * libm::log1p(t * t / degrees));
    gamma_ratio_half(degrees / 2.0) / (degrees * PI).sqrt() * power
}

/// The probability that Student's t exceeds `t`, for `t >= 0`: half the regularized incomplete
/// beta function `I_x(degrees/2, 1/2)` at `x = degrees/(degrees + t^2)`.
fn upper_tail(t: f64, degrees: f64) -> f64 {
    let (a, b) = (degrees / 2.0, 0.5);
    let x = degrees / (degrees + t * t);
    let x_rest = t * t / (degrees + t * t);
    // x^a (1-x)^b / B(a, b), where B(a, 1/2) = sqrt(pi) Gamma(a) / Gamma(a + 1/2).
    let power = libm::exp(-a * libm::log1p(t * t / degrees));
    let factor = power * x_rest.sqrt() * gamma_ratio_half(a) / PI.sqrt();
    if x < (a + 1.0) / (a + b + 2.0) {
        0.5 * factor * beta_fraction(a, b, x) / a
    } else {
        0.5 - 0.5 * factor * beta_fraction(b, a, x_rest) / b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::rng::math::normal_quantile;
    use crate::rng::{Draw, UniformSource};

    fn assert_close(value: f64, expected: f64) {
        let error = (value - expected).abs() / expected.abs();
        assert!(
            error <= 1e-10,
            "{value} is not {expected}: off by {error:e}"
        );
    }

    #[test]
    fn published_quantiles_hold() {
        for case in oracle::cases("t_quantile") {
            let (q, degrees) = (case.number("q"), case.number("df"));
            assert_close(t_quantile(q, degrees), case.value());
            assert_close(t_quantile(1.0 - q, degrees), -case.value());
        }
    }

    #[test]
    fn the_p_value_of_a_quantile_is_both_its_tails() {
        for case in oracle::cases("t_quantile") {
            let p = t_p_value(-case.value(), case.number("df"));
            assert_close(p, 2.0 * (1.0 - case.number("q")));
        }
        assert_eq!(t_p_value(0.0, 4.0), 1.0);
        assert_eq!(t_p_value(f64::NEG_INFINITY, 4.0), 0.0);
    }

    #[test]
    fn intervals_of_independent_values_cover_their_mean() {
        for case in oracle::cases("ci_coverage") {
            let mut draw = Draw::new(20);
            let covered = (0..10_000).filter(|_| {
                let values: Vec<f64> = (0..20)
                    .map(|_| normal_quantile(draw.uniform().max(1e-16)))
                    .collect();
                mean_interval(&values).expect("values").contains(0.0)
            });
            case.assert_met_by(covered.count() as f64 / 10_000.0);
        }
    }

    #[test]
    fn replications_of_a_queue_at_half_load_cover_its_mean_wait() {
        assert_covers(0.5, 20, 400);
    }

    #[test]
    fn replications_of_a_busy_queue_cover_its_mean_wait() {
        // Means of short runs are skewed, and what that costs falls with the customers of all
        // runs together: 40 runs of 400 customers cover 92 % only.
        assert_covers(0.9, 200, 1_000);
    }

    /// M/M/1 by Lindley from equilibrium: the mean wait is rho / (1 - rho) service times.
    fn assert_covers(rho: f64, run_count: u32, customer_count: u32) {
        let mut draw = Draw::new(21);
        let truth = rho / (1.0 - rho);
        let covered = (0..1_000).filter(|_| {
            let runs: Vec<f64> = (0..run_count)
                .map(|_| mean_wait(&mut draw, rho, customer_count))
                .collect();
            mean_interval(&runs).expect("runs").contains(truth)
        });
        let covered = covered.count();
        assert!((930..=970).contains(&covered), "{rho}: {covered}");
    }

    fn mean_wait(draw: &mut Draw, rho: f64, count: u32) -> f64 {
        let mut exponential = |mean: f64| -mean * libm::log1p(-draw.uniform());
        let mut wait = (exponential(1.0 / (1.0 - rho)) + libm::log(rho) / (1.0 - rho)).max(0.0);
        let mut sum = 0.0;
        for _ in 0..count {
            sum += wait;
            wait = (wait + exponential(1.0) - exponential(1.0 / rho)).max(0.0);
        }
        sum / f64::from(count)
    }

    #[test]
    fn one_and_two_degrees_have_closed_forms() {
        for q in [0.5001, 0.6, 0.9, 0.975, 0.9995, 0.999_999] {
            // Cauchy: the tail p is at cot(pi p). Two degrees: (2q - 1) / sqrt(2 q (1 - q)).
            let tail = 1.0 - q;
            assert_close(t_quantile(q, 1.0), 1.0 / libm::tan(PI * tail));
            assert_close(t_quantile(q, 2.0), (q - tail) / (2.0 * q * tail).sqrt());
        }
        assert_eq!(t_quantile(0.5, 3.0), 0.0);
    }

    #[test]
    fn many_degrees_approach_the_normal_quantile() {
        // Cornish-Fisher: z + (z^3 + z)/(4 n) + (5 z^5 + 16 z^3 + 3 z)/(96 n^2), and the next term
        // is below 1/n^3.
        let z: f64 = 1.959_963_984_540_054;
        let z3 = z * z * z;
        for n in [1e4, 1e5, 1e6, 1e7] {
            let second = (5.0 * z3 * z * z + 16.0 * z3 + 3.0 * z) / (96.0 * n * n);
            assert_close(t_quantile(0.975, n), z + (z3 + z) / (4.0 * n) + second);
        }
    }

    #[test]
    fn the_interval_of_five_values() {
        // Mean 3, standard deviation sqrt(2.5), t(0.975, 4) = 2.7764.
        let interval = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("values");
        assert_eq!(interval.mean, 3.0);
        assert_close(interval.half_width, 2.776_445_105_197_793_4 * 0.5f64.sqrt());
        assert!(interval.contains(1.1) && !interval.contains(1.0));
    }

    #[test]
    fn a_single_value_says_nothing_about_the_mean() {
        let interval = mean_interval(&[3.0]).expect("a value");
        assert_eq!(
            (interval.low(), interval.high()),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
        assert_eq!(mean_interval(&[]), None);
    }
}
