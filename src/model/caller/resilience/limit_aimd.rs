//! Additive increase, multiplicative decrease (source: `AIMDLimit`).

use super::limit::{LimitRule, Sample};
use crate::scenario::resilience::LimitConfig;
use crate::time::SimDuration;

/// One limit.
#[derive(Debug)]
pub struct Aimd {
    limit: u32,
    range: (u32, u32),
    backoff_ratio: f64,
    timeout: SimDuration,
}

impl Aimd {
    /// A limit at its initial value. A sample longer than `timeout` counts as dropped.
    pub fn new(config: &LimitConfig, backoff_ratio: f64, timeout: SimDuration) -> Self {
        Aimd {
            limit: config.initial,
            range: (config.min, config.max),
            backoff_ratio,
            timeout,
        }
    }
}

impl LimitRule for Aimd {
    fn limit(&self) -> u32 {
        self.limit
    }

    fn on_sample(&mut self, sample: Sample, _coin: &dyn Fn(u32) -> f64) {
        let limit = if sample.is_dropped || self.timeout < sample.length {
            (f64::from(self.limit) * self.backoff_ratio) as u32
        } else if self.limit <= sample.in_flight_count.saturating_mul(2) {
            self.limit.saturating_add(1)
        } else {
            self.limit
        };
        self.limit = limit.clamp(self.range.0, self.range.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::resilience::LimitKind;

    fn limit_after(initial: u32, samples: &[(u64, u32, bool)]) -> u32 {
        let config = LimitConfig {
            kind: LimitKind::Aimd {
                backoff_ratio: 0.9,
                timeout: SimDuration::from_secs(5),
            },
            initial,
            min: 20,
            max: 200,
            window: SimDuration::ZERO,
            window_sample_count_min: 10,
        };
        let mut aimd = Aimd::new(&config, 0.9, SimDuration::from_secs(5));
        for (ms, in_flight_count, is_dropped) in samples {
            let sample = Sample {
                length: SimDuration::from_ms(*ms),
                in_flight_count: *in_flight_count,
                is_dropped: *is_dropped,
            };
            aimd.on_sample(sample, &|_| 0.0);
        }
        aimd.limit()
    }

    #[test]
    fn it_grows_by_one_where_half_of_it_is_used() {
        assert_eq!(limit_after(20, &[(10, 10, false)]), 21);
        assert_eq!(limit_after(20, &[(10, 9, false)]), 20);
        assert_eq!(limit_after(200, &[(10, 200, false)]), 200);
    }

    #[test]
    fn it_falls_to_nine_tenths_rounded_down() {
        assert_eq!(limit_after(55, &[(10, 55, true)]), 49);
        assert_eq!(limit_after(55, &[(5_001, 1, false)]), 49);
        assert_eq!(limit_after(55, &[(5_000, 1, false)]), 55);
        assert_eq!(limit_after(21, &[(10, 21, true)]), 20);
    }
}
