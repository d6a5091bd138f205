//! How long a caller waits before a retry.

use crate::rng::{Draw, UniformSource};
use crate::scenario::client::{Jitter, RetryConfig};
use crate::time::SimDuration;

/// The wait before the `retry_number`-th retry, which counts from 1. `draw` gives the random
/// numbers of each retry; the wait before the last one, which decorrelated jitter needs, is drawn
/// again from them.
pub fn backoff(config: &RetryConfig, retry_number: u32, draw: impl Fn(u32) -> Draw) -> SimDuration {
    let uniform = |number| draw(number).uniform();
    let base = base(config, retry_number);
    match config.jitter {
        Jitter::None => base,
        Jitter::Full => base.scaled(uniform(retry_number)),
        Jitter::Equal => base.scaled(0.5 + 0.5 * uniform(retry_number)),
        Jitter::Decorrelated => (1..=retry_number).fold(config.backoff_min, |previous, number| {
            let widest = previous
                .saturating_mul(3)
                .saturating_sub(config.backoff_min);
            (config.backoff_min + widest.scaled(uniform(number))).min(config.backoff_max)
        }),
    }
}

/// `min factor^(n - 1)`, at most `max`.
fn base(config: &RetryConfig, retry_number: u32) -> SimDuration {
    let mut base = config.backoff_min;
    for _ in 1..retry_number {
        if base >= config.backoff_max {
            break;
        }
        base = base.scaled(config.backoff_factor);
    }
    base.min(config.backoff_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    fn config(jitter: Jitter) -> RetryConfig {
        RetryConfig {
            attempt_count_max: 9,
            backoff_min: SimDuration::from_ms(10),
            backoff_max: SimDuration::from_ms(100),
            backoff_factor: 2.0,
            jitter,
            failover: true,
        }
    }

    fn waits_ms(jitter: Jitter, retry_number: u32) -> Vec<f64> {
        let streams = Streams::new(5);
        (0..1_000)
            .map(|identity| {
                let draw = |number| streams.draw(Purpose::RetryJitter, identity, number, 0);
                backoff(&config(jitter), retry_number, draw).as_ms_f64()
            })
            .collect()
    }

    /// Whether uniform numbers on `[min, max]` would look like `waits`: all inside, and the
    /// extremes of 1,000 within 2 % of the ends (missed with probability 2 x 0.98^1000 < 1e-8).
    fn fills(waits: &[f64], min: f64, max: f64) -> bool {
        let lowest = waits.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = waits.iter().copied().fold(0.0, f64::max);
        let slack = (max - min) * 0.02;
        min <= lowest && lowest < min + slack && max - slack < highest && highest <= max
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let first_waits: Vec<f64> = (1..=6).map(|n| waits_ms(Jitter::None, n)[0]).collect();
        assert_eq!(first_waits, [10.0, 20.0, 40.0, 80.0, 100.0, 100.0]);
    }

    #[test]
    fn jitter_fills_its_range() {
        assert!(fills(&waits_ms(Jitter::Full, 2), 0.0, 20.0));
        assert!(fills(&waits_ms(Jitter::Equal, 2), 10.0, 20.0));
        // Uniform on [min, 3 min]; the next one reaches 3 x 3 min, and no less than min.
        assert!(fills(&waits_ms(Jitter::Decorrelated, 1), 10.0, 30.0));
        assert!(
            waits_ms(Jitter::Decorrelated, 2)
                .iter()
                .all(|ms| (10.0..=90.0).contains(ms))
        );
        assert!(
            waits_ms(Jitter::Decorrelated, 2)
                .iter()
                .any(|ms| *ms > 60.0)
        );
    }
}
