//! Connections of calling sides.

use serde::Serialize;

use super::distribution::DurationStats;

/// The connections of one call in the measured window.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionMetrics {
    /// Path of the call.
    pub edge: String,
    /// Open connections, averaged over time.
    pub open_mean: Option<f64>,
    /// Most open connections.
    pub open_max: u32,
    /// Attempts to open one.
    pub handshake_count: u64,
    /// The same per second.
    pub handshake_rate_per_sec: f64,
    /// Connections that were opened.
    pub opened_count: u64,
    /// Connections that were closed.
    pub closed_count: u64,
    /// From the sending of an attempt until its bytes left on a connection.
    pub pool_waiting: DurationStats,
    /// From the death of the process at the other end until the caller closed the connection,
    /// where no reset told it.
    pub half_open: DurationStats,
}
