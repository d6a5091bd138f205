//! What a scenario may say about services and their instances.

use super::cache::ServiceCacheConfig;
use super::check::ProbePath;
use super::connection::AcceptConfig;
use super::data::DataConfig;
use super::distribution::Distribution;
use super::proxy::ProxyConfig;
use super::registry::{ClockConfig, Phase};
use super::resilience::LimitConfig;
use super::scaling::{AutoscaleConfig, CrashAbove};
use super::server::{CpuConfig, PauseConfig, QueueRules, WarmupConfig};
use crate::id::{EdgeId, GroupId, ServiceId, ZoneId};
use crate::time::SimDuration;

/// `[service.web]`: a named pool of instances.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// The name; its path is `service.NAME`.
    pub name: String,
    /// How waiting and running requests share the workers.
    pub discipline: Discipline,
    /// Requests that may wait in one instance's queue, besides those in service. None: unlimited.
    pub queue_limit: Option<u32>,
    /// What its queues do beyond that; None: nothing.
    pub queue_rules: Option<QueueRules>,
    /// Law of the service demand: the time that a worker of speed 1 needs. Of one in two parts
    /// this is the part that needs a core.
    pub service_time: Distribution,
    /// Law of the part that needs none, which comes after it.
    pub wait_time: Option<Distribution>,
    /// How its processes are slower after their start.
    pub warmup: Option<WarmupConfig>,
    /// Pauses of every instance by itself.
    pub pauses: Option<PauseConfig>,
    /// What draws its own service demand.
    pub demand_per: DemandPer,
    /// Law of the time that a process takes to start again after a crash or a host loss. None: it
    /// is up at once.
    pub restart_time: Option<Distribution>,
    /// How instances renew their lease; None where they are not registered through a registry.
    pub registered: Option<RegisteredConfig>,
    /// Whether a cancellation stops running work.
    pub is_cancellable: bool,
    /// The load that crashes an instance, if any does.
    pub crash_above: Option<CrashAbove>,
    /// How its one group is scaled, if it is.
    pub autoscale: Option<AutoscaleConfig>,
    /// The groups, in order of their names.
    pub groups: Vec<GroupId>,
    /// The calls that every request makes after its own service, one after the other.
    pub calls: Vec<EdgeId>,
    /// How many attempts one instance takes, adapted to its latency. None: as many as come.
    pub limit: Option<LimitConfig>,
    /// How the instances treat connections.
    pub accept: AcceptConfig,
    /// What every instance keeps in its memory.
    pub cache: Option<ServiceCacheConfig>,
    /// The data that the instances keep, if they do.
    pub data: Option<DataConfig>,
    /// The proxy that it is; None for a service that does work of its own.
    pub proxy: Option<ProxyConfig>,
}

impl ServiceConfig {
    /// Mean time that a worker of speed 1 needs for a request.
    pub fn mean_service_secs(&self) -> f64 {
        let wait_secs = self.wait_time.as_ref().map_or(0.0, Distribution::mean_secs);
        self.service_time.mean_secs() + wait_secs
    }
}

/// How an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served.
    Fifo,
    /// Last come, first served, without preemption.
    Lifo,
    /// Processor sharing: with `n` requests and `workers` workers each runs at speed
    /// `min(1, workers / n)`.
    ProcessorSharing,
}

/// What has a service demand of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemandPer {
    /// Every attempt draws anew.
    Attempt,
    /// All attempts of a request share one draw.
    Request,
}

/// How the instances of a service renew their leases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegisteredConfig {
    /// How long the registration lives without a heartbeat.
    pub lease_duration: SimDuration,
    /// Time between heartbeats, on the instance's clock.
    pub heartbeat_interval: SimDuration,
    /// Where in its interval each instance starts.
    pub phase: Phase,
    /// Whether a heartbeat leaves from a thread of its own or waits for a worker.
    pub path: ProbePath,
}

/// `[service.web.group.a]`: equal instances.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupConfig {
    /// The service it belongs to.
    pub service: ServiceId,
    /// The name; its path is `service.SERVICE.group.NAME`.
    pub name: String,
    /// Instances that are there from the start.
    pub count: u32,
    /// Instances that are absent at first, numbered after the first `count`: those that join
    /// through a `scale_out`, then those of the autoscaler, then those that replace others.
    pub count_spare: u32,
    /// The zone.
    pub zone: ZoneId,
    /// Weight for weighted strategies; 0 drains.
    pub weight: f64,
    /// Requests that one instance serves at once.
    pub workers: u32,
    /// Work done per second, as a multiple of the nominal speed.
    pub speed: f64,
    /// Instances that share a host.
    pub instances_per_host: u32,
    /// The clock of these nodes.
    pub clock: ClockConfig,
    /// The CPU that running work shares; None: every worker has a core of its own.
    pub cpu: Option<CpuConfig>,
}
