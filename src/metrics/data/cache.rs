//! Numbers of caches.

use serde::Serialize;

/// The caches of one call or of the instances of one service, over the measured window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheMetrics {
    /// `client.shop.call.web` or `service.web`.
    pub cache: String,
    /// Questions.
    pub asked_count: u64,
    /// Share that an entry answered, stale ones included.
    pub hit_ratio: Option<f64>,
    /// Share that an entry past its life answered.
    pub stale_ratio: Option<f64>,
    /// Share that waited for a key that was being loaded.
    pub waited_ratio: Option<f64>,
    /// Keys that somebody began to load.
    pub load_count: u64,
    /// Loads per second.
    pub load_rate_per_sec: Option<f64>,
    /// Loads per second in the window with most of them.
    pub load_rate_per_sec_max: Option<f64>,
}

/// The caches of one call or service over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheSeries {
    /// `client.shop.call.web` or `service.web`.
    pub cache: String,
    /// Width of a window in seconds.
    pub window_secs: f64,
    /// Questions by window.
    pub asked_counts: Vec<u64>,
    /// Questions that an entry answered.
    pub hit_counts: Vec<u64>,
    /// Keys that somebody began to load.
    pub load_counts: Vec<u64>,
}
