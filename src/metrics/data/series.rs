//! What happened when: windows of equal width from the start of the run, warm-up and drain
//! included.

use serde::Serialize;

use super::cache::CacheSeries;
use super::class::ClassSeries;

/// All series. Window `i` of a series starts at `i x` its width.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// Width of the windows of requests and control messages: that of the scenario, doubled until
    /// they are few enough.
    pub window_secs: f64,
    /// By client.
    pub clients: Vec<ClientSeries>,
    /// By class of request; empty where no client has classes.
    pub classes: Vec<ClassSeries>,
    /// All clients together.
    pub total: Vec<RequestWindow>,
    /// Messages that are not requests, by kind; kinds that were never sent are left out.
    pub control: Vec<ControlSeries>,
    /// Instances.
    pub instances: InstanceSeries,
    /// How evenly instances were loaded, of services with several; empty where single instances are
    /// not followed over time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<BalanceSeries>,
    /// Calls with connections, hedges or protection, and services with limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeSeries>,
    /// Caches; empty where nothing has one.
    pub caches: Vec<CacheSeries>,
    /// Services whose number of instances changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headcounts: Vec<HeadcountSeries>,
}

/// How many instances one service had over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HeadcountSeries {
    /// Its name.
    pub service: String,
    /// Width of its windows.
    pub window_secs: f64,
    /// Fewest and most that were part of it at any time.
    pub present_range: (u32, u32),
    /// Fewest that were up.
    pub up_count_min: u32,
    /// Instances that are part of it, on average over each window: starting, paused and crashed
    /// ones too, but not those that left or have not joined.
    pub present_means: Vec<f64>,
    /// Instances that are up or paused.
    pub up_means: Vec<f64>,
}

/// How evenly the instances of one service were loaded, over those that were up in a window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BalanceSeries {
    /// `service.web`.
    pub path: String,
    /// Width of its windows.
    pub window_secs: f64,
    /// In flight, queue depth and utilization: largest over mean, variation and Jain's index.
    pub columns: Vec<BalanceColumn>,
}

/// One number over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BalanceColumn {
    /// `in_flight_max_over_mean`.
    pub metric: &'static str,
    /// By window; None where all instances had nothing, or none was up.
    pub values: Vec<Option<f32>>,
}

/// One call, or one service, over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgeSeries {
    /// `client.shop.call.web` or `service.web`.
    pub path: String,
    /// Width of its windows.
    pub window_secs: f64,
    /// What is used of it.
    pub columns: Vec<EdgeColumn>,
}

/// One number over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgeColumn {
    /// `hedge_count`.
    pub metric: &'static str,
    /// By window: a count, or a mean over time.
    pub values: Vec<f64>,
}

/// Requests of one client.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientSeries {
    /// Its name.
    pub client: String,
    /// In order of time, without gaps.
    pub windows: Vec<RequestWindow>,
}

/// Requests that arrived in one window, counted at their outcome. Latency is that of successes,
/// with 3 significant digits; a percentile is None where fewer than 10 samples lie above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RequestWindow {
    /// Start of the window.
    pub start_secs: f64,
    /// Requests that arrived.
    pub arrived_count: u32,
    /// Requests that succeeded.
    pub succeeded_count: u32,
    /// Requests that failed.
    pub failed_count: u32,
    /// Requests whose time ran out.
    pub timed_out_count: u32,
    /// Requests that were turned away: by a full queue or a limit, or by the caller itself.
    pub rejected_count: u32,
    /// Calls that began in the window.
    pub call_count: u32,
    /// Attempts sent for requests in the window.
    pub attempt_count: u32,
    /// Of these, attempts after the first one of their call.
    pub retry_count: u32,
    /// Mean latency.
    pub latency_ms_mean: Option<f64>,
    /// Median.
    pub latency_ms_p50: Option<f64>,
    /// 90th percentile.
    pub latency_ms_p90: Option<f64>,
    /// 99th percentile.
    pub latency_ms_p99: Option<f64>,
    /// 99.9th percentile.
    pub latency_ms_p999: Option<f64>,
    /// Largest; exact.
    pub latency_ms_max: Option<f64>,
}

/// Messages of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlSeries {
    /// `heartbeat`.
    pub kind: &'static str,
    /// Messages by window.
    pub message_counts: Vec<u32>,
}

/// Instances over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InstanceSeries {
    /// Width of these windows, a multiple of the scenario's.
    pub window_secs: f64,
    /// Instances of the scenario.
    pub instance_count: u64,
    /// None where every instance has a row; otherwise says which ones have.
    pub note: Option<String>,
    /// The most loaded instances, by attempts, in order of their place; at most 500.
    pub rows: Vec<InstanceRow>,
    /// All followed instances together: attempts and the means over instances.
    pub aggregate: Option<InstanceRow>,
}

/// One instance over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceRow {
    /// Its place in the tables of the run; None for the aggregate.
    pub instance: Option<u32>,
    /// `web/a/3` or `all`.
    pub name: String,
    /// Attempts sent to it, by window.
    pub attempt_counts: Vec<u32>,
    /// Mean number of attempts in flight, by window.
    pub in_flight_means: Vec<f32>,
    /// Mean number of attempts in it that no worker serves, by window.
    pub queue_depth_means: Vec<f32>,
    /// Busy worker time over worker time, by window.
    pub busy_ratios: Vec<f32>,
    /// When it was not there.
    pub away: InstanceAway,
}

/// Which part of each window an instance was away, from the start of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InstanceAway {
    /// No part of its service; empty where it always was.
    pub absent_ratios: Vec<f32>,
    /// Crashed or starting; empty where it never was.
    pub down_ratios: Vec<f32>,
}
