//! Services and their instances, over the measured window.

use serde::Serialize;

use super::distribution::{DurationStats, LevelStats};
use super::replication::DataMetrics;
use super::server::ServerMetrics;

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceMetrics {
    /// Its name.
    pub service: String,
    /// Attempts that reached an instance and were not rejected.
    pub arrived_count: u64,
    /// Attempts that were served, error replies included.
    pub served_count: u64,
    /// Attempts that were lost with their process.
    pub lost_count: u64,
    /// Attempts that were refused because the queue was full.
    pub rejected_count: u64,
    /// Arrival at the instance to start of service.
    pub waiting: DurationStats,
    /// Share of the started attempts that waited at all.
    pub wait_ratio: Option<f64>,
    /// Arrival at the instance to the end of service.
    pub sojourn: DurationStats,
    /// Start to end of service.
    pub service_time: DurationStats,
    /// Attempts in the service, waiting and running, over time.
    pub in_system: LevelStats,
    /// Attempts in one instance, over time and instances.
    pub in_system_per_instance: LevelStats,
    /// Instances that are up, over time.
    pub up: LevelStats,
    /// How often the number of instances that are up fell to 0, 1, 2, ...
    pub up_fall_counts: Vec<u64>,
    /// Busy worker time over worker time of instances that are up.
    pub utilization_ratio: Option<f64>,
    /// Share of the served attempts whose caller had given up.
    pub zombie_ratio: Option<f64>,
    /// The two sides of Little's law.
    pub littles_law: LittlesLaw,
    /// The data that its instances keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataMetrics>,
    /// Its servers, where it has overload rules, cores or pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerMetrics>,
    /// Every instance, spare ones included, up to the first 100,000.
    pub instances: Vec<InstanceMetrics>,
}

/// The three numbers of Little's law over the whole run, warm-up and drain included, where it is an
/// identity: `mean_in_system = arrival_rate x mean_sojourn`, up to what is left at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LittlesLaw {
    /// Time average of the attempts in the service.
    pub in_system_mean: f64,
    /// Attempts that entered per second.
    pub arrival_rate_rps: f64,
    /// Mean time that an attempt that left had spent there.
    pub sojourn_secs_mean: f64,
    /// Attempts that were still there at the end.
    pub left_count: u64,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceMetrics {
    /// Its place in the tables of the run.
    pub instance: u32,
    /// `web/a/3`.
    pub name: String,
    /// Attempts sent to it, over all edges.
    pub attempt_count: u64,
    /// Its share of the attempts sent to its service.
    pub share_ratio: Option<f64>,
    /// The share that its weight gave it, over the views in which the picks were made.
    pub weight_share_ratio: Option<f64>,
    /// Busy worker time over worker time while it was up.
    pub utilization_ratio: Option<f64>,
    /// Attempts sent to it and not yet ended at their caller, over time.
    pub in_flight_mean: f64,
    /// Most of them.
    pub in_flight_max: u32,
    /// Attempts in it, waiting and running, over time.
    pub in_system_mean: f64,
    /// Mean waiting time.
    pub waiting_secs_mean: Option<f64>,
}
