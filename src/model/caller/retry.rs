//! How long a caller waits before a retry.

use crate::rng::{Draw, UniformSource};
use crate::scenario::client::{Jitter, RetryConfig};
use crate::time::SimDuration;

/// The wait before the `retry_number`-th retry, which counts from 1. `previous` is the wait before
/// the retry before, for decorrelated jitter.
pub fn backoff(
    config: &RetryConfig,
    retry_number: u32,
    previous: SimDuration,
    draw: &mut Draw,
) -> SimDuration {
    let base = base(config, retry_number);
    match config.jitter {
        Jitter::None => base,
        Jitter::Full => base.scaled(draw.uniform()),
        Jitter::Equal => base.scaled(0.5 + 0.5 * draw.uniform()),
        Jitter::Decorrelated => {
            let previous = previous.max(config.backoff_min);
            let widest = previous.saturating_mul(3).saturating_sub(config.backoff_min);
            (config.backoff_min + widest.scaled(draw.uniform())).min(config.backoff_max)
        }
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
                let mut draw = streams.draw(Purpose::RetryJitter, identity, retry_number, 0);
                let previous = SimDuration::from_ms(20);
                backoff(&config(jitter), retry_number, previous, &mut draw).as_ms_f64()
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
        assert!(fills(&waits_ms(Jitter::Decorrelated, 2), 10.0, 60.0));
    }
}
