//! What the sweeps of Envoy and gRPC have in common.

use crate::id::InstanceId;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::wrappers::{RateConfig, SweepConfig};
use crate::time::SimTime;

/// Results of one instance since the last sweep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    request_count: u64,
    success_count: u64,
}

impl Counts {
    /// One more.
    pub fn add(&mut self, is_success: bool) {
        self.request_count += 1;
        self.success_count += u64::from(is_success);
    }
}

/// Instances with enough requests and their success rates in per cent; empty where too few had
/// enough.
pub fn busy<'a>(
    counts: impl Iterator<Item = (&'a InstanceId, Counts)>,
    config: &RateConfig,
) -> Vec<(InstanceId, f64)> {
    let request_count_min = u64::from(config.request_count_min).max(1);
    let busy: Vec<(InstanceId, f64)> = counts
        .filter(|(_, counts)| request_count_min <= counts.request_count)
        .map(|(instance, counts)| {
            let rate = counts.success_count as f64 * 100.0 / counts.request_count as f64;
            (*instance, rate)
        })
        .collect();
    match busy.len() < config.instance_count_min as usize {
        true => Vec::new(),
        false => busy,
    }
}

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
