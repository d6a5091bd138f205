//! Requests by class.

use serde::Serialize;

use super::request::RequestStats;
use super::series::RequestWindow;

/// Requests of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// `shop.checkout`.
    pub class: String,
    /// The requests of the measured window.
    pub stats: RequestStats,
    /// Bytes of requests and replies sent per second of the measured window; None where messages
    /// have no size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_rate_per_sec: Option<f64>,
}

/// Requests of one class over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassSeries {
    /// `shop.checkout`.
    pub class: String,
    /// In order of time, without gaps.
    pub windows: Vec<RequestWindow>,
}
