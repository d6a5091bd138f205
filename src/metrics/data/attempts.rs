//! Calls with several attempts at once, deadlines that travel, and cancellations.

use serde::Serialize;

/// What hedging, cluster modes, deadlines and cancellations did in the measured window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SeveralMetrics {
    /// Call edges that are more than plain.
    pub edges: Vec<SeveralEdge>,
    /// The services that they call.
    pub services: Vec<SeveralService>,
}

/// One call edge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeveralEdge {
    /// `client.shop.call.web`.
    pub edge: String,
    /// Attempts sent while others of their call were in flight. They are no retries.
    pub hedge_count: u64,
    /// Calls that failed and ended with a fallback.
    pub fallback_count: u64,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeveralService {
    /// Its name.
    pub service: String,
    /// Attempts that a worker took up after their deadline, and dropped.
    pub dropped_count: u64,
    /// Attempts that their caller took back, waiting or running.
    pub cancelled_count: u64,
    /// Time in service after the caller had given up, over all time in service.
    pub zombie_time_ratio: Option<f64>,
}
