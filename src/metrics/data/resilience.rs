//! What callers and instances did to protect themselves, over the measured window.

use serde::Serialize;

/// One call whose callers have a budget, a breaker, a bulkhead, a throttle or a concurrency limit;
/// or one service whose instances have a concurrency limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResilienceMetrics {
    /// Path of the call or the service.
    pub path: String,
    /// Attempts sent; None for a service.
    pub attempt_count: Option<u64>,
    /// Attempts that callers turned away, by cause.
    pub turned_away_counts: TurnedAwayCounts,
    /// Retries that a budget or a limit of retries decided about.
    pub wanted_retry_count: u64,
    /// Of these, the ones that were not made.
    pub denied_retry_count: u64,
    /// Share of the time that breakers were open.
    pub breaker_open_ratio: Option<f64>,
    /// Concurrency limit, averaged over time and its owners.
    pub concurrency_limit_mean: Option<f64>,
}

/// Attempts that callers turned away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TurnedAwayCounts {
    /// An open breaker, or a limit of Envoy's form.
    pub breaker: u64,
    /// No place in the bulkhead.
    pub bulkhead: u64,
    /// Adaptive throttling.
    pub throttle: u64,
    /// The concurrency limit.
    pub limit: u64,
}
