//! A limit by an estimate of the queue, after TCP Vegas (source: `VegasLimit`,
//! `Log10RootIntFunction`).

use super::limit::{LimitRule, Sample};
use crate::scenario::resilience::LimitConfig;
use crate::time::SimDuration;

/// Queue, as a multiple of the integer logarithm, below which the limit grows by one of them.
const ALPHA: u32 = 3;
/// Queue above which it falls, and the step of a limit without a queue.
const BETA: u32 = 6;

/// One limit.
#[derive(Debug)]
pub struct Vegas {
    limit: f64,
    max: f64,
    smoothing: f64,
    probe_multiplier: f64,
    /// Shortest sample since the last probe.
    shortest: Option<SimDuration>,
    sample_count: u32,
    probe_jitter: f64,
    probe_number: u32,
}

impl Vegas {
    /// A limit at its initial value.
    pub fn new(
        config: &LimitConfig,
        smoothing: f64,
        probe_multiplier: u32,
        coin: &dyn Fn(u32) -> f64,
    ) -> Self {
        Vegas {
            limit: f64::from(config.initial),
            max: f64::from(config.max),
            smoothing,
            probe_multiplier: f64::from(probe_multiplier),
            shortest: None,
            sample_count: 0,
            probe_jitter: jitter(coin(0)),
            probe_number: 0,
        }
    }

    /// The limit that a sample asks for; None where it asks for nothing.
    fn wanted(&self, sample: Sample, shortest: SimDuration) -> Option<f64> {
        let ratio = shortest.as_ns() as f64 / sample.length.as_ns() as f64;
        let queue = (self.limit * (1.0 - ratio)).ceil();
        let unit = log10_floor(self.limit as u32);
        let step = f64::from(unit);
        if sample.is_dropped {
            return Some(self.limit - step);
        }
        if f64::from(sample.in_flight_count) * 2.0 < self.limit {
            return None;
        }
        if queue <= step {
            Some(self.limit + f64::from(BETA * unit))
        } else if queue < f64::from(ALPHA * unit) {
            Some(self.limit + step)
        } else if f64::from(BETA * unit) < queue {
            Some(self.limit - step)
        } else {
            None
        }
    }
}

impl LimitRule for Vegas {
    fn limit(&self) -> u32 {
        self.limit as u32
    }

    fn on_sample(&mut self, sample: Sample, coin: &dyn Fn(u32) -> f64) {
        self.sample_count += 1;
        let probe_at = self.probe_jitter * self.probe_multiplier * self.limit;
        if probe_at <= f64::from(self.sample_count) {
            self.probe_number += 1;
            self.probe_jitter = jitter(coin(self.probe_number));
            self.sample_count = 0;
            self.shortest = Some(sample.length);
            return;
        }
        let Some(shortest) = self.shortest.filter(|shortest| *shortest <= sample.length) else {
            self.shortest = Some(sample.length);
            return;
        };
        if let Some(wanted) = self.wanted(sample, shortest) {
            let wanted = wanted.clamp(1.0, self.max);
            self.limit = (1.0 - self.smoothing) * self.limit + self.smoothing * wanted;
        }
    }
}

/// Uniform on `[0.5, 1)`.
fn jitter(uniform: f64) -> f64 {
    0.5 + 0.5 * uniform
}

/// The integer part of the decimal logarithm, at least 1.
fn log10_floor(number: u32) -> u32 {
    number.checked_ilog10().unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::resilience::LimitKind;

    /// A limit of `initial` that has seen 10 ms once; then these samples. `coin` is that of the
    /// probes.
    fn limit_after(initial: u32, coin: f64, samples: &[(u64, u32, bool)]) -> u32 {
        let config = LimitConfig {
            kind: LimitKind::Vegas {
                smoothing: 1.0,
                probe_multiplier: 30,
            },
            initial,
            min: 1,
            max: 1_000,
            window: SimDuration::ZERO,
            window_sample_count_min: 10,
        };
        let mut vegas = Vegas::new(&config, 1.0, 30, &|_| coin);
        for (us, in_flight_count, is_dropped) in [(10_000, 1, false)].iter().chain(samples) {
            let sample = Sample {
                length: SimDuration::from_us(*us),
                in_flight_count: *in_flight_count,
                is_dropped: *is_dropped,
            };
            vegas.on_sample(sample, &|_| coin);
        }
        vegas.limit()
    }

    #[test]
    fn the_logarithm_is_whole_and_at_least_one() {
        for (number, expected) in [(0, 1), (1, 1), (20, 1), (99, 1), (100, 2), (1_000, 3)] {
            assert_eq!(log10_floor(number), expected, "{number}");
        }
    }

    /// Below a limit of 100 the thresholds are 1, 3 and 6 and the steps +6, +1 and -1. With a
    /// limit of 20 and 10 ms without load, a sample of `10 ms / (1 - q / 20)` has a queue of `q`.
    #[test]
    fn thresholds_and_steps_below_a_hundred() {
        let with_queue = |queue: f64| {
            let us = (10_000.0 / (1.0 - (queue - 0.5) / 20.0)) as u64;
            limit_after(20, 0.0, &[(us, 20, false)])
        };
        let got: Vec<u32> = (1..=8).map(|queue| with_queue(f64::from(queue))).collect();
        assert_eq!(got, [26, 21, 20, 20, 20, 20, 19, 19]);
        assert_eq!(limit_after(20, 0.0, &[(10_000, 20, false)]), 26);
    }

    #[test]
    fn from_a_hundred_on_everything_doubles() {
        // ceil(100 (1 - 10 / 10.1)) = 1 <= 2: + 12. A drop takes 2.
        assert_eq!(limit_after(100, 0.0, &[(10_100, 100, false)]), 112);
        assert_eq!(limit_after(100, 0.0, &[(10_100, 1, true)]), 98);
    }

    #[test]
    fn an_application_that_uses_less_than_half_moves_nothing() {
        assert_eq!(limit_after(20, 0.0, &[(10_000, 9, false)]), 20);
        assert_eq!(limit_after(20, 0.0, &[(10_000, 10, false)]), 26);
        assert_eq!(limit_after(20, 0.0, &[(10_000, 1, true)]), 19);
    }

    #[test]
    fn a_probe_takes_a_loaded_sample_for_the_shortest() {
        // With a coin of 0 the jitter is one half: the probe is sample 30 x 20 / 2 = 300. The
        // samples before it have a queue of ceil(20 (1 - 10/13)) = 5, which moves nothing.
        let mut samples = vec![(13_000, 20, false); 299];
        assert_eq!(limit_after(20, 0.0, &samples[..298]), 20);
        // Sample 300 becomes the shortest, so the next one has no queue.
        samples.push((13_000, 20, false));
        assert_eq!(limit_after(20, 0.0, &samples), 26);
    }

    #[test]
    fn the_limit_stays_in_its_range() {
        assert_eq!(limit_after(1, 0.0, &[(10_000, 0, true)]), 1);
        assert_eq!(limit_after(999, 0.0, &[(10_000, 999, false)]), 1_000);
    }
}
