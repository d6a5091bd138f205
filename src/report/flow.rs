//! Where the time of requests went, as rows of texts.

use super::format;
use crate::metrics::data::flow::BreakdownMetrics;

/// What the parts are called, in their order.
pub const PART_TITLES: [&str; 7] = [
    "network",
    "queue",
    "work",
    "calls",
    "failed attempts",
    "back-off",
    "caller",
];

/// The path and the mean of each part.
pub fn mean_row(breakdown: &BreakdownMetrics) -> Vec<String> {
    let mut row = vec![breakdown.path.clone()];
    let parts = breakdown.parts.iter();
    row.extend(parts.map(|part| format::optional(part.time.mean_secs, format::secs)));
    row
}
