//! What a scenario may say about the registry and about failure detection.

pub mod consul;
pub mod dns;
pub mod etcd;
pub mod eureka;
pub mod kubernetes;
pub mod nacos;
pub mod system;
pub mod zookeeper;

use crate::id::ZoneId;
use crate::time::SimDuration;

use super::check::ProbePath;
use super::distribution::Distribution;
use super::gossip::GossipConfig;
use kubernetes::ProbeSees;
use system::{ProtocolConfig, SystemConfig};

/// `[registry]`: how callers learn which instances there are.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryConfig {
    /// The kind of registry.
    pub profile: RegistryProfile,
    /// The zones of its members, one entry for each member.
    pub member_zones: Vec<ZoneId>,
}

/// The kinds of registry.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryProfile {
    /// A list in the configuration: every configured instance is always listed; weight changes and
    /// scaling reach all callers at once.
    Static,
    /// Leases that instances renew by heartbeats.
    Lease(LeaseConfig),
    /// A real system: members with queues of their own, and its protocol.
    System(Box<SystemConfig>),
}

impl RegistryProfile {
    /// Whether the registry notices by itself that an instance has failed.
    pub fn detects(&self) -> bool {
        match self {
            RegistryProfile::Static => false,
            RegistryProfile::Lease(_) => true,
            RegistryProfile::System(system) => {
                !matches!(&system.protocol, ProtocolConfig::Dns(dns) if dns.checks.is_none())
            }
        }
    }

    /// Whether it probes instances by way of their workers.
    pub fn probes_workers(&self) -> bool {
        match self.system().map(|system| &system.protocol) {
            Some(ProtocolConfig::Consul(own)) => own.check.path.needs_worker(),
            Some(ProtocolConfig::Kubernetes(own)) => own.probe.sees == ProbeSees::Worker,
            _ => false,
        }
    }

    /// The `profile` that selects it.
    pub fn name(&self) -> &'static str {
        match self {
            RegistryProfile::Static => "static",
            RegistryProfile::Lease(_) => "lease",
            RegistryProfile::System(system) => match system.protocol {
                ProtocolConfig::Zookeeper(_) => "zookeeper",
                ProtocolConfig::Consul(_) => "consul",
                ProtocolConfig::Etcd(_) => "etcd",
                ProtocolConfig::Eureka(_) => "eureka",
                ProtocolConfig::Nacos(_) => "nacos",
                ProtocolConfig::Dns(_) => "dns",
                ProtocolConfig::Kubernetes(_) => "kubernetes",
            },
        }
    }

    /// Whether every host of instances and callers has an agent of the registry.
    pub fn has_agents(&self) -> bool {
        let protocol = self.system().map(|system| &system.protocol);
        matches!(protocol, Some(ProtocolConfig::Consul(_)))
    }

    /// How its members and agents watch each other, if they do.
    pub fn gossip(&self) -> Option<&GossipConfig> {
        match self.system().map(|system| &system.protocol) {
            Some(ProtocolConfig::Consul(config)) => Some(&config.gossip),
            _ => None,
        }
    }

    /// What the checks of its agents see of an instance, if it has agents that check.
    pub fn probe_path(&self) -> Option<ProbePath> {
        match self.system().map(|system| &system.protocol) {
            Some(ProtocolConfig::Consul(config)) => Some(config.check.path),
            _ => None,
        }
    }

    /// Whether workers answer the checks of its agents.
    pub fn asks_workers(&self) -> bool {
        match self.system().map(|system| &system.protocol) {
            Some(ProtocolConfig::Consul(config)) => config.check.path.needs_worker(),
            Some(ProtocolConfig::Kubernetes(config)) => config.probe.sees == ProbeSees::Worker,
            _ => false,
        }
    }

    /// What a worker spends on such a check, if workers answer.
    pub fn probe_time(&self) -> Option<&Distribution> {
        match self.system().map(|system| &system.protocol) {
            Some(ProtocolConfig::Consul(config)) => config.check.worker_time.as_ref(),
            _ => None,
        }
    }

    /// The real system, if it is one.
    pub fn system(&self) -> Option<&SystemConfig> {
        match self {
            RegistryProfile::System(config) => Some(config),
            RegistryProfile::Static | RegistryProfile::Lease(_) => None,
        }
    }
}

/// The plain lease registry.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaseConfig {
    /// How callers learn of changes.
    pub propagation: Propagation,
    /// Changes are published together at most this often; zero publishes each at once.
    pub publish_interval: SimDuration,
    /// Expired leases are noticed at multiples of this; zero notices each at its expiry.
    pub sweep_interval: SimDuration,
    /// Where in its interval the sweep starts.
    pub sweep_phase: Phase,
}

/// How callers learn of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// The registry sends every new list to every caller.
    Watch,
    /// Every caller asks at this interval.
    Poll { interval: SimDuration, phase: Phase },
}

/// Where in its first interval a periodic process starts (decision D11a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Uniform over the interval, drawn by key.
    Random,
    /// At multiples of the interval.
    Aligned,
    /// This long after the start.
    At(SimDuration),
}

/// The local clock of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockConfig {
    /// Local seconds per true second, minus one; positive runs fast.
    pub drift_ratio: f64,
}
