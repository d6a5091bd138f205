//! What one long run without faults says of its mean latency.

use super::Run;
use crate::scenario::Scenario;
use crate::stats::batch::{BATCH_COUNT_MIN, interval_of_batches};
use crate::stats::interval::MeanInterval;

/// The mean latency of successes in one run, by batches of time.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchMeans {
    /// Batches.
    pub batch_count: usize,
    /// The 95 % interval in seconds, or why there is none.
    pub interval: Result<MeanInterval, String>,
}

/// The mean latency by batches of windows of the series that were measured; windows that fill no
/// batch are left out at the start. None where a fault is planned, because the run is then no
/// stationary one, and where there are fewer than two windows for each batch.
pub fn batch_means(run: &Run, scenario: &Scenario) -> Option<BatchMeans> {
    if !scenario.faults.is_empty() {
        return None;
    }
    let series = &run.metrics.series;
    let (start, end) = (
        run.metrics.measured_start_secs,
        run.metrics.measured_end_secs,
    );
    let windows = series.total.iter().filter(|window| {
        start <= window.start_secs && window.start_secs + series.window_secs <= end
    });
    let windows: Vec<_> = windows.collect();
    let length = windows.len() / BATCH_COUNT_MIN;
    if length < 2 {
        return None;
    }
    let first = windows.len() - length * BATCH_COUNT_MIN;
    let mean = |batch: &[&crate::metrics::data::series::RequestWindow]| {
        let sums = batch.iter().fold((0.0, 0.0), |(sum, count), window| {
            let succeeded = f64::from(window.succeeded_count);
            let mean = window.latency_ms_mean.unwrap_or(0.0) / 1e3;
            (sum + mean * succeeded, count + succeeded)
        });
        (0.0 < sums.1).then(|| sums.0 / sums.1)
    };
    let batches: Option<Vec<f64>> = windows[first..].chunks_exact(length).map(mean).collect();
    let interval = match batches {
        Some(batches) => interval_of_batches(&batches).map_err(|error| error.to_string()),
        None => Err("a batch has no successes".to_string()),
    };
    Some(BatchMeans {
        batch_count: BATCH_COUNT_MIN,
        interval,
    })
}
