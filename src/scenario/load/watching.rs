//! How large what watches the instances of a scenario is: detectors of calls, and clusters.

use crate::scenario::Scenario;
use crate::scenario::client::EdgeConfig;
use crate::scenario::detector::DetectorConfig;
use crate::scenario::gossip::ClusterConfig;

/// Most members of all clusters: an event holds the number of one in 23 bits.
pub const MEMBER_COUNT_MAX: u64 = 1 << 23;

/// Bytes of a member: its clocks, its queue and, in a small cluster, its order of probes.
const MEMBER_BYTES: f64 = 640.0;
/// Bytes of what differs in a view, with the timer of a suspicion.
const ENTRY_BYTES: f64 = 160.0;
/// Events of a probe: the tick, two messages, and a timeout that is stale.
const PROBE_EVENTS: f64 = 4.0;

/// Bytes of a calling side and an instance that its detector watches.
fn pair_bytes(detector: &DetectorConfig, secs: f64) -> f64 {
    let Some(push) = detector.push() else {
        return 64.0;
    };
    // A window doubles when it is full, so it may hold twice as much as it is filled with.
    let heard = secs / push.interval.as_secs_f64() + 2.0;
    340.0 + 16.0 * heard.min(f64::from(push.judge.window()))
}

/// Bytes and events of the detector of an edge that watches so many pairs.
pub fn of_edge(edge: &EdgeConfig, pairs: f64, secs: f64) -> (f64, f64) {
    let Some(detector) = edge.detector else {
        return (0.0, 0.0);
    };
    let Some(interval) = detector.interval_min() else {
        return (0.0, 0.0);
    };
    // A ping, its arrival and its ACK; a heartbeat, its arrival and a look.
    let events = 3.0 * pairs * secs / interval.as_secs_f64();
    (pairs * pair_bytes(&detector, secs), events)
}

/// Members of a cluster, those that join later included.
fn member_count(scenario: &Scenario, cluster: &ClusterConfig) -> u64 {
    let is_member = |service| cluster.services.contains(&service);
    let groups = scenario
        .groups
        .iter()
        .filter(|group| is_member(group.service));
    groups
        .map(|group| u64::from(group.count) + u64::from(group.count_spare))
        .sum()
}

/// Members of all clusters.
pub fn member_count_of_all(scenario: &Scenario) -> u64 {
    let clusters = scenario.clusters.iter();
    clusters
        .map(|cluster| member_count(scenario, cluster))
        .sum()
}

/// Bytes and events of the clusters of a run of `secs` seconds. What differs in the views is
/// guessed: a few members for every fault.
pub fn of_clusters(scenario: &Scenario, secs: f64) -> (f64, f64) {
    let (mut bytes, mut events) = (0.0, 0.0);
    let entries = 4.0 + 4.0 * scenario.faults.len() as f64;
    for cluster in &scenario.clusters {
        let members = member_count(scenario, cluster) as f64;
        bytes += members * (MEMBER_BYTES + ENTRY_BYTES * entries.min(members));
        events += PROBE_EVENTS * members * secs / cluster.gossip.probe_interval.as_secs_f64();
    }
    (bytes, events)
}
