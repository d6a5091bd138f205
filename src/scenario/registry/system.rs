//! What all registries have in common that bear the name of a real system.

use super::consul::ConsulConfig;
use super::dns::DnsConfig;
use super::etcd::EtcdConfig;
use super::eureka::EurekaConfig;
use super::kubernetes::KubernetesConfig;
use super::nacos::NacosConfig;
use super::zookeeper::ZookeeperConfig;
use crate::scenario::distribution::Distribution;
use crate::time::SimDuration;

/// A registry that bears the name of a real system.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemConfig {
    /// What the members can do.
    pub capacity: CapacityConfig,
    /// How large messages are.
    pub sizes: SizesConfig,
    /// How members and clients talk.
    pub protocol: ProtocolConfig,
}

/// The protocols: one variant for each real system.
#[derive(Clone, Debug, PartialEq)]
pub enum ProtocolConfig {
    /// Apache ZooKeeper.
    Zookeeper(ZookeeperConfig),
    /// HashiCorp Consul.
    Consul(Box<ConsulConfig>),
    /// Leases of etcd.
    Etcd(EtcdConfig),
    /// Netflix Eureka.
    Eureka(EurekaConfig),
    /// Alibaba Nacos.
    Nacos(NacosConfig),
    /// The Domain Name System.
    Dns(DnsConfig),
    /// Kubernetes.
    Kubernetes(Box<KubernetesConfig>),
}

/// What one member can do. A time of zero costs nothing and never waits by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityConfig {
    /// Pieces of work that run at once.
    pub cores: u32,
    /// Work for a heartbeat, or for an answer to one.
    pub heartbeat_time: SimDuration,
    /// Work for a read.
    pub read_time: SimDuration,
    /// Work for a write at the member that the client talks to.
    pub write_time: SimDuration,
    /// Work for a proposal, at the leader and at every follower.
    pub proposal_time: SimDuration,
    /// Work to tell one client of one change.
    pub notify_time: SimDuration,
    /// One sync of the disk; what comes meanwhile shares the next one.
    pub sync_time: SimDuration,
}

/// How large messages are, headers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizesConfig {
    /// Any message without a list.
    pub message_bytes: u64,
    /// What one listed instance adds to a list.
    pub entry_bytes: u64,
}

/// How members elect a leader and hold together.
#[derive(Clone, Debug, PartialEq)]
pub struct QuorumConfig {
    /// The member that leads at the start.
    pub first_leader: u32,
    /// A follower that hears nothing from its leader for this long looks for another one.
    pub follower_patience: Distribution,
    /// A leader counts only followers that it heard within this time.
    pub leader_patience: SimDuration,
    /// Whether a process that dies closes its connections, so that the others notice at once.
    pub notices_death: bool,
    /// From the moment that a majority looks for a leader until one serves.
    pub election_time: Distribution,
    /// Raft: a follower that has heard nothing from its leader for this long votes for another one,
    /// and whoever looks for a leader without having waited waits first. None: only members that
    /// look for a leader themselves take part in an election, and they begin it at once.
    pub vote_patience: Option<SimDuration>,
    /// A member that finds no majority looks again after this time, then after twice that.
    pub retry_min: SimDuration,
    /// The longest time between two looks.
    pub retry_max: SimDuration,
}
