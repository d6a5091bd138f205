//! What became of the data that instances keep.

use serde::Serialize;

/// The data of one service, from the start to the end of the measured window, warm-up included.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataMetrics {
    /// Keys with fewer copies than asked for, times seconds; lost ones are not counted any more.
    pub under_replicated_key_secs: f64,
    /// Bytes that were copied from one instance to another.
    pub moved_bytes: f64,
    /// Keys whose last copy was lost.
    pub lost_key_count: f64,
    /// From the moment when a key has too few copies until all that are not lost have enough, in
    /// order; at most the first 1,000.
    pub full_replication_secs: Vec<f64>,
    /// Whether keys have too few copies at the end.
    pub is_under_replicated: bool,
}
