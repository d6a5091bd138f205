//! What a TOML file may ask for. A [`Scenario`] is valid by construction: names are resolved,
//! quantities are in range, every rule has been checked, so the model has no error paths.

pub mod attempts;
pub mod balancer;
pub mod cache;
pub mod check;
pub mod class;
pub mod client;
pub mod compare;
pub mod connection;
pub mod data;
pub mod detector;
pub mod detector_catalog;
pub mod distribution;
pub mod expect;
pub mod fault;
pub mod flow;
pub mod gossip;
pub mod load;
pub mod measure;
pub mod measure_catalog;
pub mod network;
pub mod protection_catalog;
pub mod proxy;
pub mod proxy_catalog;
pub mod registry;
pub mod registry_catalog;
pub mod resilience;
pub mod rollout;
pub mod scaling;
pub mod selector;
pub mod sensitivity;
pub mod series;
pub mod server;
pub mod service;
pub mod size;
pub mod strategy_catalog;
pub mod sweep;
pub mod topology;
pub mod trigger;

use crate::time::SimDuration;
use class::Classes;
use client::{ClientConfig, EdgeConfig};
use compare::CompareConfig;
use expect::Expectation;
use fault::FaultConfig;
use gossip::ClusterConfig;
use measure::{AskedMeasure, MeasureRef};
use network::NetworkConfig;
use registry::RegistryConfig;
use sensitivity::SensitivityConfig;
use service::{GroupConfig, ServiceConfig};
use sweep::SweepConfig;
use topology::Topology;

/// One scenario, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The name; file names are derived from it.
    pub name: String,
    /// The comment that opens the file, a line each, without `#`.
    pub header: Vec<String>,
    /// Seed of the first replication; replication `i` runs with `seed + i`.
    pub seed: u64,
    /// Length of the run; arrivals stop here.
    pub duration: SimDuration,
    /// Start of the measured window, which ends with `duration`.
    pub warmup: SimDuration,
    /// How long the run goes on, unmeasured, so that what arrived gets its outcome.
    pub drain: SimDuration,
    /// Width of a window of the time series; it doubles when there are too many.
    pub window: SimDuration,
    /// Success ratio that a window needs to count as available.
    pub availability_objective_ratio: f64,
    /// Whether the latency of every request is split into its parts.
    pub has_breakdown: bool,
    /// Whether the warm-up is to be found before the run; it is zero until then.
    pub is_warmup_open: bool,
    /// Zones by id.
    pub zones: Vec<String>,
    /// The network.
    pub network: NetworkConfig,
    /// The registry.
    pub registry: RegistryConfig,
    /// Services by id, in order of name.
    pub services: Vec<ServiceConfig>,
    /// Groups by id, in order of service and name.
    pub groups: Vec<GroupConfig>,
    /// Clients by id, in order of name.
    pub clients: Vec<ClientConfig>,
    /// Classes of requests by id, in order of client and name.
    pub classes: Classes,
    /// Call edges by id: those of clients first.
    pub edges: Vec<EdgeConfig>,
    /// Clusters whose members watch each other, in order of the services that have them.
    pub clusters: Vec<ClusterConfig>,
    /// Faults by id, in order of name.
    pub faults: Vec<FaultConfig>,
    /// `[expect]`, in order of the file.
    pub expectations: Vec<Expectation>,
    /// Numbers that are asked for besides those of `[expect]`.
    pub asked: Vec<AskedMeasure>,
    /// `[compare]`.
    pub compare: Option<CompareConfig>,
    /// `[sweep]`.
    pub sweep: Option<SweepConfig>,
    /// `[sensitivity]`.
    pub sensitivity: Option<SensitivityConfig>,
    /// Where each entity stands in the tables of a run.
    pub topology: Topology,
}

impl Scenario {
    /// Whether an expectation, or somebody else, needs a number of this kind.
    pub fn asks_for(&self, is_one: impl Fn(&MeasureRef) -> bool) -> bool {
        let of_expectations = self.expectations.iter().any(|e| e.asks_for(&is_one));
        of_expectations || self.asked.iter().any(|asked| is_one(&asked.measure))
    }
}
