//! Events and memory of the registry.

use crate::scenario::Scenario;
use crate::scenario::registry::consul::ConsulConfig;
use crate::scenario::registry::dns::{ClientCache, DnsConfig};
use crate::scenario::registry::eureka::EurekaConfig;
use crate::scenario::registry::kubernetes::KubernetesConfig;
use crate::scenario::registry::nacos::NacosConfig;
use crate::scenario::registry::system::ProtocolConfig;
use crate::scenario::registry::{Propagation, RegistryProfile};
use crate::time::SimDuration;

/// Events of a heartbeat of a real system: its timer, its way, its work, and the answer.
const HEARTBEAT_EVENTS: f64 = 4.0;
/// Events of one round between two members.
const ROUND_EVENTS: f64 = 2.0;
/// A handle of a client, its session and its connection.
const CLIENT_BYTES: f64 = 512.0;
/// A registration in the state of one member.
const NODE_BYTES: f64 = 64.0;

/// Questions of the calling sides of one edge, and what they are told after faults.
pub fn of_callers(scenario: &Scenario, callers: f64, secs: f64) -> f64 {
    let changes = 1.0 + scenario.faults.len() as f64;
    match &scenario.registry.profile {
        RegistryProfile::Static => 0.0,
        RegistryProfile::Lease(lease) => match lease.propagation {
            Propagation::Watch => 2.0 * callers * changes,
            Propagation::Poll { interval, .. } => 2.0 * callers * secs / interval.as_secs_f64(),
        },
        // A notification, a question and an answer.
        RegistryProfile::System(_) => 6.0 * callers * changes,
    }
}

/// Heartbeats of the clients of a real system, and what its members tell each other.
pub fn of_members(scenario: &Scenario, secs: f64) -> f64 {
    let Some(system) = scenario.registry.profile.system() else {
        return 0.0;
    };
    let (heartbeat, round) = match &system.protocol {
        ProtocolConfig::Zookeeper(config) => {
            let granted = config.negotiated(config.session_timeout);
            (third(granted), config.tick_time)
        }
        ProtocolConfig::Consul(config) => return of_consul(scenario, config, secs),
        ProtocolConfig::Etcd(config) => {
            let registered = scenario.services.iter().filter_map(|s| s.registered);
            let granted = registered.map(|r| config.granted(r.lease_duration));
            let least = granted.min().unwrap_or(config.ttl_min());
            (third(least), config.heartbeat_interval)
        }
        ProtocolConfig::Eureka(config) => return of_eureka(scenario, config, secs),
        ProtocolConfig::Nacos(config) => return of_nacos(scenario, config, secs),
        ProtocolConfig::Dns(config) => return of_dns(scenario, config, secs),
        ProtocolConfig::Kubernetes(config) => return of_kubernetes(scenario, config, secs),
    };
    let rounds = 2.0 * ROUND_EVENTS * scenario.registry.member_zones.len() as f64;
    secs * (client_count(scenario) * HEARTBEAT_EVENTS / heartbeat.as_secs_f64()
        + rounds / round.as_secs_f64())
}

/// Heartbeats, which are passed on in batches, fetches, Ribbon's refreshes, timers of servers.
fn of_eureka(scenario: &Scenario, config: &EurekaConfig, secs: f64) -> f64 {
    let members = scenario.registry.member_zones.len() as f64;
    let rate = |interval: SimDuration| match interval.is_zero() {
        true => 0.0,
        false => secs / interval.as_secs_f64(),
    };
    let renewals = renewal_count(scenario, secs);
    let client = &config.client;
    let fetches = client_count(scenario) * rate(client.fetch_interval);
    let of_server = rate(config.lease.eviction_interval)
        + rate(config.cache.read_only_interval)
        + rate(config.cache.delta_clean_interval)
        + rate(SimDuration::from_secs(60));
    renewals * (HEARTBEAT_EVENTS + members * (1.0 + ROUND_EVENTS))
        + fetches * HEARTBEAT_EVENTS
        + client_count(scenario) * rate(client.ribbon_interval)
        + members * of_server
}

/// Beats, which are passed on, pulls, looks, and what servers tell each other.
fn of_nacos(scenario: &Scenario, config: &NacosConfig, secs: f64) -> f64 {
    let members = scenario.registry.member_zones.len() as f64;
    let rate = |interval: SimDuration| secs / interval.as_secs_f64().max(1e-9);
    let pulls = client_count(scenario) * rate(config.pull_max);
    let checks = scenario.services.len() as f64 * rate(config.check_interval);
    let rounds = rate(config.verify_interval) + rate(config.report_interval);
    renewal_count(scenario, secs) * (HEARTBEAT_EVENTS + 2.0 * ROUND_EVENTS)
        + pulls * HEARTBEAT_EVENTS
        + members * (checks + rounds * members)
}

/// Reports or checks, full syncs, queries that wait in vain, keepalives, and gossip: a probe, its
/// answer and two steps for each member.
fn of_consul(scenario: &Scenario, config: &ConsulConfig, secs: f64) -> f64 {
    let servers = scenario.registry.member_zones.len() as f64;
    let agents = client_count(scenario);
    let rate = |interval: SimDuration| secs / interval.as_secs_f64().max(1e-9);
    let of_agent = 2.0 * HEARTBEAT_EVENTS * rate(config.sync.interval)
        + HEARTBEAT_EVENTS * rate(config.query.wait)
        + HEARTBEAT_EVENTS * rate(SimDuration::from_secs(30));
    let rounds = 2.0 * ROUND_EVENTS * servers * rate(config.raft_heartbeat_min);
    let members = agents + servers;
    2.0 * renewal_count(scenario, secs)
        + agents * of_agent
        + rounds
        + members * HEARTBEAT_EVENTS * rate(config.gossip.probe_interval)
}

/// Checks, lookups when answers are too old, and what name servers ask each other.
fn of_dns(scenario: &Scenario, config: &DnsConfig, secs: f64) -> f64 {
    let rate = |interval: SimDuration| secs / interval.as_secs_f64().max(1e-9);
    let lookups = match config.client.cache {
        ClientCache::Record => rate(config.ttl.min(config.negative_ttl)),
        ClientCache::Fixed(life) => rate(life.min(config.negative_ttl)),
        ClientCache::Forever => config.client.on_failure.map_or(1.0, rate),
    };
    let check_count = config.checks.map_or(0.0, |_| renewal_count(scenario, secs));
    let names = scenario.services.len() as f64;
    let members = scenario.registry.member_zones.len() as f64;
    check_count * (HEARTBEAT_EVENTS + 1.0)
        + client_count(scenario) * names * lookups * HEARTBEAT_EVENTS
        + members * rate(config.refresh_interval) * ROUND_EVENTS
}

/// Probes, leases of nodes, pings of those who watch, heartbeats of etcd.
fn of_kubernetes(scenario: &Scenario, config: &KubernetesConfig, secs: f64) -> f64 {
    let rate = |interval: SimDuration| secs / interval.as_secs_f64().max(1e-9);
    let members = scenario.registry.member_zones.len() as f64;
    let instances = scenario.groups.iter().map(|g| g.count + g.count_spare);
    let instances: f64 = instances.map(f64::from).sum();
    let leases = instances * rate(config.kubelet.lease_interval);
    renewal_count(scenario, secs) * 3.0
        + leases * (HEARTBEAT_EVENTS + 4.0 * members * ROUND_EVENTS)
        + client_count(scenario) * rate(config.consumer.idle_timeout) * HEARTBEAT_EVENTS
        + rate(config.manager.monitor_period)
        + 2.0 * ROUND_EVENTS * members * rate(config.heartbeat_interval)
}

/// Heartbeats at the intervals that instances state.
fn renewal_count(scenario: &Scenario, secs: f64) -> f64 {
    let of_group = |group: &crate::scenario::service::GroupConfig| {
        let registered = scenario.services[group.service.index()].registered?;
        let count = f64::from(group.count + group.count_spare);
        Some(count * secs / registered.heartbeat_interval.as_secs_f64())
    };
    scenario.groups.iter().filter_map(of_group).sum()
}

fn third(length: SimDuration) -> SimDuration {
    SimDuration::from_ns((length.as_ns() / 3).max(1))
}

/// Processes that talk to the registry, at most.
fn client_count(scenario: &Scenario) -> f64 {
    let instances = scenario.groups.iter().map(|g| g.count + g.count_spare);
    let callers = scenario.clients.iter().map(|client| client.count);
    instances.chain(callers).map(f64::from).sum()
}

/// What the members and the clients of a real system keep.
pub fn memory_bytes(scenario: &Scenario) -> f64 {
    if scenario.registry.profile.system().is_none() {
        return 0.0;
    }
    let clients = client_count(scenario);
    let members = scenario.registry.member_zones.len() as f64;
    clients * (CLIENT_BYTES + members * NODE_BYTES)
}
