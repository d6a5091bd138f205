//! Events and memory of the registry.

use crate::scenario::Scenario;
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
        ProtocolConfig::Etcd(config) => {
            let registered = scenario.services.iter().filter_map(|s| s.registered);
            let granted = registered.map(|r| config.granted(r.lease_duration));
            let least = granted.min().unwrap_or(config.ttl_min());
            (third(least), config.heartbeat_interval)
        }
    };
    let rounds = 2.0 * ROUND_EVENTS * scenario.registry.member_zones.len() as f64;
    secs * (client_count(scenario) * HEARTBEAT_EVENTS / heartbeat.as_secs_f64()
        + rounds / round.as_secs_f64())
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
