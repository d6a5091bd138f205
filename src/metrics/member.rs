//! What single members of the registry and of clusters send and are sent, in the measured window.
//!
//! Of a member of the registry all control messages count, of a member of a cluster those by which
//! its cluster gossips. A message counts once for who sends it and once for whom it is addressed
//! to, whether it arrives or not; one to nobody counts for its sender alone.

use super::data::member::{GossipMetrics, MemberMetrics, MessageRates, RatesOverMembers};
use crate::id::{NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::scenario::Scenario;

/// A message that is not a request.
#[derive(Clone, Copy, Debug)]
pub struct ControlMessage {
    /// What it is.
    pub kind: ControlKind,
    /// The service that it is about; None: no single one.
    pub service: Option<ServiceId>,
    /// Who sends it.
    pub from: NodeId,
    /// Whom it is addressed to, if it is anybody.
    pub to: Option<NodeId>,
    /// Its size.
    pub byte_count: u64,
}

/// Messages in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// How many.
    pub message_count: u64,
    /// Their bytes.
    pub byte_count: u64,
}

impl Flow {
    fn add(&mut self, byte_count: u64) {
        self.message_count += 1;
        self.byte_count += byte_count;
    }

    fn rates(self, secs: f64) -> MessageRates {
        let rate = |count: u64| match 0.0 < secs {
            true => count as f64 / secs,
            false => 0.0,
        };
        MessageRates {
            message_rate_per_sec: rate(self.message_count),
            byte_rate_per_sec: rate(self.byte_count),
        }
    }
}

/// The messages of one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberCell {
    /// Those that it sent.
    pub sent: Flow,
    /// Those that are addressed to it.
    pub received: Flow,
}

impl MemberCell {
    /// Both directions together.
    pub fn both(&self) -> Flow {
        Flow {
            message_count: self.sent.message_count + self.received.message_count,
            byte_count: self.sent.byte_count + self.received.byte_count,
        }
    }
}

/// Members with one purpose, by node from the first one to the last one. Nodes between them that
/// are no members have empty cells.
#[derive(Clone, Debug, Default)]
struct Group {
    first: u32,
    cells: Vec<MemberCell>,
}

impl Group {
    fn new(nodes: impl Iterator<Item = NodeId> + Clone) -> Self {
        let Some(first) = nodes.clone().map(|node| node.0).min() else {
            return Group::default();
        };
        let last = nodes.map(|node| node.0).max().unwrap_or(first);
        Group {
            first,
            cells: vec![MemberCell::default(); (last - first) as usize + 1],
        }
    }

    fn cell(&mut self, node: NodeId) -> Option<&mut MemberCell> {
        self.cells.get_mut(node.0.wrapping_sub(self.first) as usize)
    }

    #[inline]
    fn count(&mut self, message: &ControlMessage) {
        if let Some(sender) = self.cell(message.from) {
            sender.sent.add(message.byte_count);
        }
        if let Some(receiver) = message.to.and_then(|node| self.cell(node)) {
            receiver.received.add(message.byte_count);
        }
    }
}

/// The members of one cluster.
#[derive(Clone, Debug)]
struct Cluster {
    /// The service that its messages are counted as; None: it is the registry's.
    service: Option<ServiceId>,
    group: Group,
}

/// Messages by member; without registry members and clusters there is nothing.
#[derive(Clone, Debug, Default)]
pub struct MemberTable {
    registry: Group,
    clusters: Vec<Cluster>,
}

impl MemberTable {
    /// Nothing counted yet.
    pub fn new(scenario: &Scenario) -> Self {
        let topology = &scenario.topology;
        let servers = (0..topology.registry_member_count()).map(|m| topology.registry_node(m));
        let of_services = scenario.clusters.iter().map(|cluster| {
            let instances = |service: &ServiceId| topology.service_instances(*service);
            let instances = cluster.services.iter().flat_map(instances);
            Cluster {
                service: Some(cluster.service),
                group: Group::new(instances.map(NodeId)),
            }
        });
        let agents = (0..topology.agent_count()).map(|host| topology.agent_node(host));
        let of_registry = scenario.registry.profile.gossip().map(|_| Cluster {
            service: None,
            group: Group::new(servers.clone().chain(agents)),
        });
        MemberTable {
            registry: Group::new(servers),
            clusters: of_services.chain(of_registry).collect(),
        }
    }

    /// A message was sent in the measured window.
    #[inline]
    pub(super) fn count(&mut self, message: &ControlMessage) {
        self.registry.count(message);
        if message.kind.is_gossip() {
            let mut clusters = self.clusters.iter_mut();
            if let Some(cluster) = clusters.find(|c| c.service == message.service) {
                cluster.group.count(message);
            }
        }
    }

    /// The members of the registry.
    pub fn of_registry(&self) -> &[MemberCell] {
        &self.registry.cells
    }

    /// Those members of a service's cluster that sent anything or were sent anything: spare
    /// instances that never came are none. None where the service has no cluster of its own.
    pub fn of_cluster(&self, service: ServiceId) -> Option<impl Iterator<Item = &MemberCell>> {
        let mut clusters = self.clusters.iter();
        let cluster = clusters.find(|cluster| cluster.service == Some(service))?;
        Some(cluster.active())
    }

    /// Rates of the members of the registry.
    pub(super) fn registry_rates(&self, scenario: &Scenario, secs: f64) -> Vec<MemberMetrics> {
        let topology = &scenario.topology;
        let row = |(member, cell): (u32, &MemberCell)| MemberMetrics {
            member: topology.node_name(topology.registry_node(member)),
            sent: cell.sent.rates(secs),
            received: cell.received.rates(secs),
        };
        (0..).zip(self.of_registry()).map(row).collect()
    }

    /// Rates over the members of each cluster.
    pub(super) fn gossip_rates(&self, scenario: &Scenario, secs: f64) -> Vec<GossipMetrics> {
        let row = |cluster: &Cluster| GossipMetrics {
            cluster: match cluster.service {
                Some(service) => scenario.services[service.index()].name.clone(),
                None => "registry".to_string(),
            },
            member_count: cluster.active().count() as u64,
            sent: over_members(cluster.active().map(|cell| cell.sent), secs),
            received: over_members(cluster.active().map(|cell| cell.received), secs),
        };
        self.clusters.iter().map(row).collect()
    }
}

impl Cluster {
    fn active(&self) -> impl Iterator<Item = &MemberCell> {
        let cells = self.group.cells.iter();
        cells.filter(|cell| 0 < cell.both().message_count)
    }
}

/// Mean and maximum of rates; zero of nobody.
fn over_members(flows: impl Iterator<Item = Flow>, secs: f64) -> RatesOverMembers {
    let (mut member_count, mut sum, mut max) = (0, Flow::default(), Flow::default());
    for flow in flows {
        member_count += 1;
        sum.message_count += flow.message_count;
        sum.byte_count += flow.byte_count;
        max.message_count = max.message_count.max(flow.message_count);
        max.byte_count = max.byte_count.max(flow.byte_count);
    }
    let (mean, max) = (sum.rates(secs * f64::from(member_count)), max.rates(secs));
    RatesOverMembers {
        message_rate_per_sec_mean: mean.message_rate_per_sec,
        message_rate_per_sec_max: max.message_rate_per_sec,
        byte_rate_per_sec_mean: mean.byte_rate_per_sec,
        byte_rate_per_sec_max: max.byte_rate_per_sec,
    }
}
