//! The mean of one long run whose observations depend on each other.

use super::interval::{MeanInterval, mean_interval};
use super::moments::{largest, mean, sum_of_squares};

/// Fewest batches that say something about their own correlation.
pub const BATCH_COUNT_MIN: usize = 20;
/// The one-sided 1 % point of the standard normal law.
const Z_99: f64 = 2.326_347_874_040_841;

/// Why a run gives no interval.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// Fewer than two observations for each batch.
    #[error("only {0} observations: too few for {BATCH_COUNT_MIN} batches")]
    TooFew(usize),
    /// Neighbors are alike, so that the interval would be too narrow.
    #[error("the batches correlate by {0:.2}: the run is too short")]
    Correlated(f64),
}

/// The 95 % interval of the mean of a stationary run, from `batch_count` batches of equal length;
/// observations that do not fill the last batch are left out at the start.
///
/// Refused where the batches correlate with their neighbors: where von Neumann's ratio rejects
/// independence at 1 % against positive correlation. A refusal in one of a hundred sound runs is
/// the price.
///
/// # Panics
///
/// If `batch_count` is below [`BATCH_COUNT_MIN`].
pub fn batch_interval(values: &[f64], batch_count: usize) -> Result<MeanInterval, BatchError> {
    assert!(BATCH_COUNT_MIN <= batch_count, "{batch_count} batches");
    let length = values.len() / batch_count;
    if length < 2 {
        return Err(BatchError::TooFew(values.len()));
    }
    let start = values.len() - length * batch_count;
    let batches: Vec<f64> = values[start..]
        .chunks_exact(length)
        .filter_map(mean)
        .collect();
    interval_of_batches(&batches)
}

/// The 95 % interval of the mean of a stationary run from the means of its batches, refused like
/// [`batch_interval`].
pub fn interval_of_batches(batches: &[f64]) -> Result<MeanInterval, BatchError> {
    if batches.len() < BATCH_COUNT_MIN {
        return Err(BatchError::TooFew(batches.len()));
    }
    let correlation = neighbor_correlation(batches);
    let n = batches.len() as f64;
    if Z_99 * ((n - 2.0) / (n * n - 1.0)).sqrt() < correlation {
        return Err(BatchError::Correlated(correlation));
    }
    Ok(mean_interval(batches).expect("there are batches"))
}

/// `1 - RVN / 2`: the correlation of neighbors from von Neumann's ratio of the squared differences
/// to the squared deviations, whose variance is `(n - 2) / (n^2 - 1)` under independence
/// (Fishman 1978). Zero where all values are equal.
pub fn neighbor_correlation(values: &[f64]) -> f64 {
    let Some(center) = mean(values) else {
        return 0.0;
    };
    let deviations = sum_of_squares(values, largest(values)).unwrap_or(0.0);
    let differences: f64 = values
        .windows(2)
        .map(|w| (w[1] - w[0]) * (w[1] - w[0]))
        .sum();
    let ends = [values.first(), values.last()];
    let ends: f64 = ends
        .into_iter()
        .flatten()
        .map(|x| (x - center) * (x - center))
        .sum();
    match deviations {
        0.0 => 0.0,
        // The ends have one neighbor only; half their squares make up for the other.
        _ => 1.0 - (differences + ends) / (2.0 * deviations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::rng::math::normal_quantile;
    use crate::rng::{Draw, UniformSource};

    /// An autoregressive run with mean 3, started in its stationary law.
    fn autoregressive(draw: &mut Draw, phi: f64, count: usize) -> Vec<f64> {
        let mut normal = || normal_quantile(draw.uniform().clamp(1e-16, 1.0 - 1e-16));
        let mut x = normal() / (1.0 - phi * phi).sqrt();
        let mut next = || {
            x = phi * x + normal();
            3.0 + x
        };
        (0..count).map(|_| next()).collect()
    }

    /// Waiting times of M/M/1 with service rate 1, after Lindley, started in equilibrium.
    fn waits(draw: &mut Draw, rho: f64, count: usize) -> Vec<f64> {
        let mut exponential = |mean: f64| -mean * libm::log1p(-draw.uniform());
        let mut wait = (exponential(1.0 / (1.0 - rho)) + libm::log(rho) / (1.0 - rho)).max(0.0);
        let mut next = || {
            let now = wait;
            wait = (wait + exponential(1.0) - exponential(1.0 / rho)).max(0.0);
            now
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn batch_means_cover_the_mean() {
        let mut draw = Draw::new(5);
        let (mut covered, mut refused) = (0, 0);
        for _ in 0..1_000 {
            match batch_interval(&autoregressive(&mut draw, 0.5, 3_000), 30) {
                Ok(interval) => covered += u32::from(interval.contains(3.0)),
                Err(_) => refused += 1,
            }
        }
        let share = f64::from(covered) / f64::from(1_000 - refused);
        assert!((0.93..=0.97).contains(&share), "{share}");
        // One sound run of a hundred, and a little more for the correlation that is left.
        assert!(refused <= 40, "{refused}");
    }

    #[test]
    fn batches_that_correlate_are_refused() {
        let mut draw = Draw::new(6);
        let refused = (0..100).filter(|_| {
            let values = autoregressive(&mut draw, 0.99, 2_000);
            matches!(batch_interval(&values, 40), Err(BatchError::Correlated(_)))
        });
        assert!(90 <= refused.count());
        assert_eq!(
            batch_interval(&[1.0; 30], 20)
                .expect_err("short")
                .to_string(),
            "only 30 observations: too few for 20 batches"
        );
    }

    #[test]
    fn the_variance_of_a_queue_is_that_of_theory() {
        // The squared standard error of n waits is avar / n. The estimate of one run has 19
        // degrees of freedom, so that of 300 runs has a standard error of 1.9 %.
        let cases = oracle::cases("mm1_run_length");
        let case = cases
            .iter()
            .find(|c| c.number("rho") == 0.5 && c.metric() == "avar_wait_per_customer")
            .expect("rho 0.5");
        let mut draw = Draw::new(7);
        let (count, run_count) = (8_000, 300);
        let mut sum = 0.0;
        for _ in 0..run_count {
            let values = waits(&mut draw, 0.5, count);
            let batches: Vec<f64> = values.chunks_exact(count / 20).filter_map(mean).collect();
            let interval = mean_interval(&batches).expect("batches");
            let error = interval.half_width / super::super::interval::t_quantile(0.975, 19.0);
            sum += error * error * count as f64;
        }
        let found = sum / f64::from(run_count);
        // Batches of 400 lack a few percent of the variance: theory.md, run length of M/M/1.
        assert!((found / case.value() - 1.0).abs() < 0.1, "{found}");
    }

    #[test]
    fn closed_forms_of_run_lengths_hold() {
        // Daley 1968 with service rate 1; customers for a standard error of 1 % of the mean wait.
        for case in oracle::cases("mm1_run_length") {
            let rho = case.number("rho");
            let rest = (1.0 - rho) * (1.0 - rho) * (1.0 - rho) * (1.0 - rho);
            let polynomial = 2.0 + 5.0 * rho - 4.0 * rho * rho + rho * rho * rho;
            let of_waits = rho * polynomial / rest;
            let mean_wait = rho / (1.0 - rho);
            match case.metric() {
                "avar_wait_per_customer" => case.assert_met_by(of_waits),
                "avar_queue_per_unit_time" => {
                    case.assert_met_by(2.0 * rho * (1.0 + rho) / rest);
                }
                _ => {
                    let count = of_waits / (0.01 * mean_wait * 0.01 * mean_wait);
                    assert_eq!((count - 1e-6).ceil(), case.value());
                }
            }
        }
    }
}
