//! How large what watches the instances of a scenario is: detectors of calls, and clusters.

use crate::id::ServiceId;
use crate::scenario::Scenario;
use crate::scenario::client::EdgeConfig;
use crate::scenario::detector::DetectorConfig;
use crate::scenario::fault::{FaultConfig, FaultKind, FaultScope};
use crate::scenario::selector::{Hosted, Selector, Target};

/// Most members of all clusters: an event holds the number of one in 23 bits.
pub const MEMBER_COUNT_MAX: u64 = 1 << 23;

/// Bytes of a member: its clocks, its queue and, in a small cluster, its order of probes.
const MEMBER_BYTES: f64 = 640.0;
/// Bytes of what differs in a view, with the timer of a suspicion and a place in the queue: with
/// memberlist, where accusers are counted, 230, and 265 where the allocator keeps what was
/// outgrown; half as much with SWIM.
const ENTRY_BYTES: f64 = 280.0;
/// What differs in a view for every fault that is not known to take members down, and anyway.
const ENTRY_COUNT_GUESS: f64 = 4.0;
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

/// The nodes of a cluster.
#[derive(Clone, Copy, Debug)]
enum Members<'a> {
    /// The instances of services.
    Services(&'a [ServiceId]),
    /// The agents and members of the registry.
    Registry,
}

impl Members<'_> {
    fn has(self, service: ServiceId) -> bool {
        match self {
            Members::Services(services) => services.contains(&service),
            Members::Registry => true,
        }
    }

    /// Those among the instances of some groups, those that join later included; of the registry
    /// their hosts.
    fn of_groups(self, scenario: &Scenario, is_meant: impl Fn(usize) -> bool) -> u64 {
        let groups = scenario.groups.iter().enumerate();
        let meant = groups.filter(|(place, group)| self.has(group.service) && is_meant(*place));
        let count = meant.map(|(_, group)| {
            let instances = u64::from(group.count) + u64::from(group.count_spare);
            match self {
                Members::Services(_) => instances,
                Members::Registry => instances.div_ceil(group.instances_per_host.max(1).into()),
            }
        });
        count.sum()
    }

    /// All of them.
    fn count(self, scenario: &Scenario) -> u64 {
        let others = match self {
            Members::Services(_) => 0,
            Members::Registry => {
                let callers = scenario
                    .clients
                    .iter()
                    .map(|client| u64::from(client.count));
                callers.sum::<u64>() + scenario.registry.member_zones.len() as u64
            }
        };
        self.of_groups(scenario, |_| true) + others
    }

    /// At most so many of them does a selector name.
    fn selected(self, scenario: &Scenario, selector: &Selector) -> u64 {
        let all: u64 = selector
            .any_of
            .iter()
            .map(|target| self.targeted(scenario, *target))
            .sum();
        match selector.random {
            Some(lot) => lot.count_of(all as usize) as u64,
            None => all,
        }
    }

    fn targeted(self, scenario: &Scenario, target: Target) -> u64 {
        let is_registry = matches!(self, Members::Registry);
        let members = scenario.registry.member_zones.len() as u64;
        let hosted = match target {
            Target::RegistryMember(_) | Target::RegistryLeader => return u64::from(is_registry),
            Target::Registry if is_registry => return members,
            Target::Registry => return 0,
            Target::Agents(hosted) if is_registry => hosted,
            Target::Agents(_) => return 0,
            _ => target.hosted().expect("the others stand on hosts"),
        };
        match hosted {
            Hosted::All => self.count(scenario),
            Hosted::Service(service) => {
                self.of_groups(scenario, |place| scenario.groups[place].service == service)
            }
            Hosted::Group(group) => self.of_groups(scenario, |place| place == group.index()),
            Hosted::Instance(_) => 1,
            // Whatever else is in the zone of the registry's cluster is few.
            Hosted::Zone(zone) => {
                self.of_groups(scenario, |place| scenario.groups[place].zone == zone)
            }
            Hosted::Host(_) => {
                let per_host = scenario.groups.iter().map(|group| group.instances_per_host);
                if is_registry {
                    1
                } else {
                    per_host.max().unwrap_or(1).into()
                }
            }
            Hosted::Client(client) if is_registry => scenario.clients[client.index()].count.into(),
            Hosted::Client(_) => 0,
            Hosted::Caller(..) => is_registry.into(),
        }
    }

    /// Differences in the view of a member, on average over all, that a fault makes at once.
    fn entries_of(self, scenario: &Scenario, fault: &FaultConfig) -> f64 {
        let count = self.count(scenario) as f64;
        match (&fault.kind, &fault.scope) {
            (
                FaultKind::Crash
                | FaultKind::HostLoss
                | FaultKind::Pause
                | FaultKind::Flapping(_)
                | FaultKind::RollingRestart(_),
                FaultScope::Nodes { target, .. },
            ) => match fault.spread {
                Some(_) => count,
                None => self.selected(scenario, target) as f64,
            },
            (FaultKind::Partition | FaultKind::Clog, FaultScope::Links { from, to, .. }) => {
                let sides = [from, to].map(|side| self.selected(scenario, side) as f64);
                2.0 * sides[0].min(count) * sides[1].min(count) / count.max(1.0)
            }
            (_, FaultScope::Group { count, .. }) => f64::from(*count),
            _ => ENTRY_COUNT_GUESS,
        }
    }
}

/// Members of all clusters of services.
pub fn member_count_of_all(scenario: &Scenario) -> u64 {
    let clusters = scenario.clusters.iter();
    clusters
        .map(|cluster| Members::Services(&cluster.services).count(scenario))
        .sum()
}

/// Bytes and events of the clusters of a run of `secs` seconds. What differs in the views is what
/// the faults take down, all at once, and guessed where that is not known.
pub fn of_clusters(scenario: &Scenario, secs: f64) -> (f64, f64) {
    let (mut bytes, mut events) = (0.0, 0.0);
    for cluster in &scenario.clusters {
        let members = Members::Services(&cluster.services);
        bytes += bytes_of(scenario, members);
        let count = members.count(scenario) as f64;
        events += PROBE_EVENTS * count * secs / cluster.gossip.probe_interval.as_secs_f64();
    }
    if scenario.registry.profile.gossip().is_some() {
        bytes += bytes_of(scenario, Members::Registry);
    }
    (bytes, events)
}

fn bytes_of(scenario: &Scenario, members: Members) -> f64 {
    let count = members.count(scenario) as f64;
    let of_faults = scenario.faults.iter();
    let of_faults = of_faults.map(|fault| members.entries_of(scenario, fault));
    let entries = ENTRY_COUNT_GUESS + of_faults.sum::<f64>();
    count * (MEMBER_BYTES + ENTRY_BYTES * entries.min(count))
}
