//! What the sweeps of Envoy and gRPC have in common.

use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::wrappers::SweepConfig;
use crate::time::SimTime;

/// When the first sweep is made. The interval begins with the process, which callers that run for
/// long began at any time.
pub fn first_sweep(now: SimTime, config: &SweepConfig, draw: &mut Draw) -> SimTime {
    if config.has_random_phase {
        now + config.interval.scaled(draw.uniform())
    } else {
        now + config.interval
    }
}

/// The success rate below which an instance is an outlier: so many standard deviations (of the
/// population) below the mean.
pub fn success_threshold(rates: &[f64], stdev_factor: f64) -> f64 {
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    let square = |rate: &f64| (rate - mean) * (rate - mean);
    let variance = rates.iter().map(square).sum::<f64>() / count;
    mean - stdev_factor * variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_that_of_the_example_of_envoy() {
        // Envoy's own comment: rates {50, 100, 100, 100, 100}, factor 1.9 -> 52.
        assert_eq!(
            success_threshold(&[50.0, 100.0, 100.0, 100.0, 100.0], 1.9),
            52.0
        );
    }
}
