//! Where the time of requests went.

use super::distribution::DurationStats;
use serde::Serialize;

/// The parts of the latencies of all requests of a client, or of all calls over an edge, whatever
/// their outcome. The parts of each add up to its latency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakdownMetrics {
    /// `client.shop` or `service.api.call.db`.
    pub path: String,
    /// The parts, in the order in which they are told.
    pub parts: Vec<PartMetrics>,
    /// What instances waited for, on average over the same requests; the sum is the part `calls`.
    pub waits: Vec<WaitMetrics>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartMetrics {
    /// `network`, `queue`, `work`, `calls`, `failed_attempts`, `backoff` or `caller`.
    pub part: &'static str,
    /// Its share of the sum of all parts; None where that is zero.
    pub ratio: Option<f64>,
    /// Its lengths.
    pub time: DurationStats,
}

/// How long instances waited for a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaitMetrics {
    /// `service.api.call.db`.
    pub call: String,
    /// Mean over all requests, also those that did not wait for it.
    pub mean_secs: f64,
}

/// Optional calls over an edge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FallbackMetrics {
    /// `service.api.call.db`.
    pub call: String,
    /// With an outcome.
    pub ended_count: u64,
    /// Failed, so that their owner went on without them.
    pub failed_count: u64,
    /// Their share.
    pub fallback_ratio: Option<f64>,
}
