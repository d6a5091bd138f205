//! What servers did beyond serving, where a service has overload rules, cores or pauses.

use serde::Serialize;

/// The servers of one service, over the measured window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServerMetrics {
    /// Attempts dropped from queues because they had waited too long.
    pub dropped_count: u64,
    /// CPU time used over CPU time available; None where the CPU is not limited.
    pub cpu_utilization_ratio: Option<f64>,
    /// Time in which the quota was used up over time up; None where the CPU is not limited.
    pub throttled_ratio: Option<f64>,
    /// Time paused over time up.
    pub pause_ratio: Option<f64>,
}
