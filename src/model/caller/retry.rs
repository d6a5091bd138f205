//! How long a caller waits before a retry.

use crate::model::observation::AttemptOutcome;
use crate::rng::{Draw, UniformSource};
use crate::scenario::client::{Jitter, RetryConfig};
use crate::scenario::resilience::RetryOn;
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
        Jitter::Grpc => base.scaled(0.8 + 0.4 * uniform(retry_number)),
        Jitter::Envoy => {
            let steps = 1_u64 << retry_number.min(DOUBLING_COUNT_MAX);
            let longest = config.backoff_min.saturating_mul(steps - 1);
            longest
                .min(config.backoff_max)
                .scaled(uniform(retry_number))
        }
        Jitter::FinagleEqual => {
            let steps = 1_u64 << (retry_number - 1).min(DOUBLING_COUNT_MAX);
            let half = config.backoff_min.saturating_mul(steps);
            (half.saturating_add(half.scaled(uniform(retry_number)))).min(config.backoff_max)
        }
    }
}

/// Whether an attempt that ended so may be tried again. What found no instance always may.
pub fn retries(on: RetryOn, outcome: AttemptOutcome) -> bool {
    let end = match outcome {
        AttemptOutcome::Success => return false,
        AttemptOutcome::Cancelled => return true,
        AttemptOutcome::Error => RetryOn::ERROR,
        AttemptOutcome::Rejected => RetryOn::REJECTED,
        AttemptOutcome::Refused => RetryOn::REFUSED,
        AttemptOutcome::Reset => RetryOn::RESET_SENT,
        AttemptOutcome::ResetUnsent => RetryOn::RESET_UNSENT,
        AttemptOutcome::ConnectTimeout => RetryOn::CONNECT_TIMEOUT,
        AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen => RetryOn::TIMEOUT,
    };
    on.has(end)
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

/// Doublings after which any wait is longer than a run.
const DOUBLING_COUNT_MAX: u32 = 62;

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
            on: RetryOn::ALL,
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
    fn the_forms_of_grpc_envoy_and_finagle_fill_their_ranges() {
        // min(10 x 2^(n - 1), 100) x [0.8, 1.2].
        assert!(fills(&waits_ms(Jitter::Grpc, 1), 8.0, 12.0));
        assert!(fills(&waits_ms(Jitter::Grpc, 3), 32.0, 48.0));
        assert!(fills(&waits_ms(Jitter::Grpc, 9), 80.0, 120.0));
        // [0, min((2^k - 1) x 10, 100)).
        assert!(fills(&waits_ms(Jitter::Envoy, 1), 0.0, 10.0));
        assert!(fills(&waits_ms(Jitter::Envoy, 3), 0.0, 70.0));
        assert!(fills(&waits_ms(Jitter::Envoy, 8), 0.0, 100.0));
        // 2^(n - 1) x 10 plus [0, the same], at most 100.
        assert!(fills(&waits_ms(Jitter::FinagleEqual, 1), 10.0, 20.0));
        assert!(fills(&waits_ms(Jitter::FinagleEqual, 3), 40.0, 80.0));
        assert!(
            waits_ms(Jitter::FinagleEqual, 5)
                .iter()
                .all(|ms| *ms == 100.0)
        );
    }

    #[test]
    fn only_what_the_scenario_names_is_retried() {
        let some = RetryOn(RetryOn::REFUSED.0 | RetryOn::TIMEOUT.0);
        assert!(retries(some, AttemptOutcome::Refused));
        assert!(retries(some, AttemptOutcome::TimeoutHalfOpen));
        assert!(!retries(some, AttemptOutcome::Error));
        assert!(!retries(some, AttemptOutcome::Reset));
        assert!(!retries(RetryOn(0), AttemptOutcome::Rejected));
        assert!(retries(RetryOn(0), AttemptOutcome::Cancelled));
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
