//! A limit by the gradient of short against long latency (source: `Gradient2Limit`,
//! `ExpAvgMeasurement`). Drops are ignored: timeouts act as long samples.

use super::limit::{LimitRule, Sample};
use crate::scenario::resilience::LimitConfig;

/// Samples that the long average takes alike before it forgets exponentially.
const WARMUP_SAMPLE_COUNT: u32 = 10;
/// From this multiple of the short sample on the long average is pulled down.
const LONG_OVER_SHORT_MAX: f64 = 2.0;
/// What it is pulled down by.
const LONG_DECAY: f64 = 0.95;
/// The steepest fall.
const GRADIENT_MIN: f64 = 0.5;

/// One limit.
#[derive(Debug)]
pub struct Gradient2 {
    limit: f64,
    range: (f64, f64),
    smoothing: f64,
    tolerance: f64,
    queue: f64,
    /// Average of long standing, in nanoseconds.
    long: f64,
    long_factor: f64,
    warmup_sum: f64,
    warmup_count: u32,
}

impl Gradient2 {
    /// A limit at its initial value; `long_window` is the number of samples of the long average.
    pub fn new(
        config: &LimitConfig,
        (smoothing, tolerance, queue): (f64, f64, f64),
        long_window: u32,
    ) -> Self {
        Gradient2 {
            limit: f64::from(config.initial),
            range: (f64::from(config.min), f64::from(config.max)),
            smoothing,
            tolerance,
            queue,
            long: 0.0,
            long_factor: 2.0 / (f64::from(long_window) + 1.0),
            warmup_sum: 0.0,
            warmup_count: 0,
        }
    }

    fn add_to_long(&mut self, short: f64) {
        if self.warmup_count < WARMUP_SAMPLE_COUNT {
            self.warmup_count += 1;
            self.warmup_sum += short;
            self.long = self.warmup_sum / f64::from(self.warmup_count);
        } else {
            self.long = self.long * (1.0 - self.long_factor) + short * self.long_factor;
        }
    }
}

impl LimitRule for Gradient2 {
    fn limit(&self) -> u32 {
        self.limit as u32
    }

    fn on_sample(&mut self, sample: Sample, _coin: &dyn Fn(u32) -> f64) {
        let short = (sample.length.as_ns() as f64).max(1.0);
        self.add_to_long(short);
        let long = self.long;
        if LONG_OVER_SHORT_MAX < long / short {
            self.long *= LONG_DECAY;
        }
        if f64::from(sample.in_flight_count) < self.limit / 2.0 {
            return;
        }
        let gradient = (self.tolerance * long / short).clamp(GRADIENT_MIN, 1.0);
        let wanted = self.limit * gradient + self.queue;
        let limit = self.limit * (1.0 - self.smoothing) + wanted * self.smoothing;
        self.limit = limit.clamp(self.range.0, self.range.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::resilience::LimitKind;
    use crate::time::SimDuration;

    fn gradient2(initial: u32) -> Gradient2 {
        let config = LimitConfig {
            kind: LimitKind::Gradient2 {
                smoothing: 0.2,
                tolerance: 1.5,
                queue: 4,
                long_window: 600,
            },
            initial,
            min: 20,
            max: 200,
            window: SimDuration::ZERO,
            window_sample_count_min: 10,
        };
        Gradient2::new(&config, (0.2, 1.5, 4.0), 600)
    }

    fn take(limit: &mut Gradient2, count: u32, ms: u64, in_flight_count: u32) {
        let sample = Sample {
            length: SimDuration::from_ms(ms),
            in_flight_count,
            is_dropped: true,
        };
        (0..count).for_each(|_| limit.on_sample(sample, &|_| 0.0));
    }

    fn assert_near(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got} instead of {expected}");
    }

    #[test]
    fn even_latency_lets_it_grow_by_a_fifth_of_the_queue() {
        // 0.8 x 20 + 0.2 (20 + 4) = 20.8, then 21.6. Drops change nothing.
        let mut limit = gradient2(20);
        take(&mut limit, 1, 10, 20);
        assert_near(limit.limit, 20.8);
        take(&mut limit, 1, 10, 20);
        assert_near(limit.limit, 21.6);
        assert_eq!(limit.limit(), 21);
        // Less than half of it is used.
        take(&mut limit, 1, 10, 10);
        assert_near(limit.limit, 21.6);
    }

    #[test]
    fn latency_beyond_the_tolerance_lets_it_fall() {
        let mut limit = gradient2(100);
        take(&mut limit, 9, 10, 1);
        // The tenth: long = (9 x 10 + 40) / 10 = 13 ms, gradient 1.5 x 13 / 40 = 0.4875, at least
        // one half: 0.8 x 100 + 0.2 (50 + 4) = 90.8.
        take(&mut limit, 1, 40, 100);
        assert_near(limit.limit, 90.8);
        // From the eleventh on the average forgets: 13 + (20 - 13) x 2 / 601; the gradient is
        // 1.5 x 13.0232945 / 20 = 0.97674709.
        take(&mut limit, 1, 20, 100);
        let long = 13.0 + 7.0 * 2.0 / 601.0;
        let wanted = 90.8 * (1.5 * long / 20.0) + 4.0;
        assert_near(limit.limit, 0.8 * 90.8 + 0.2 * wanted);
    }

    #[test]
    fn a_long_average_far_above_the_samples_is_pulled_down() {
        let mut limit = gradient2(20);
        take(&mut limit, 10, 100, 1);
        take(&mut limit, 1, 10, 1);
        let long_ms = (100.0 - 90.0 * 2.0 / 601.0) * 0.95;
        assert_near(limit.long / 1e6, long_ms);
    }

    #[test]
    fn the_limit_stays_in_its_range() {
        let mut limit = gradient2(199);
        take(&mut limit, 5, 10, 199);
        assert_eq!(limit.limit(), 200);
        let mut limit = gradient2(20);
        take(&mut limit, 10, 1, 1);
        take(&mut limit, 50, 1_000, 20);
        assert_eq!(limit.limit(), 20);
    }
}
