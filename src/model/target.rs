//! From selectors to nodes.

use super::node::Node;
use crate::id::{ClientId, HostId, InstanceId, NodeId};
use crate::rng::{Purpose, Streams, UniformSource, mix};
use crate::scenario::Scenario;
use crate::scenario::selector::{Hosted, Selector, Target};
use crate::scenario::topology::NodeKind;

/// A set of nodes, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// Whether the node is in the set.
    #[inline]
    pub fn has(&self, node: NodeId) -> bool {
        let word = self.words.get(node.index() / 64).copied().unwrap_or(0);
        word >> (node.0 % 64) & 1 == 1
    }

    /// Whether no node is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The nodes, ascending.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0u32..).zip(&self.words).flat_map(|(index, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| NodeId(index * 64 + bit))
        })
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut set = NodeSet::default();
        for node in nodes {
            let word = node.index() / 64;
            if set.words.len() <= word {
                set.words.resize(word + 1, 0);
            }
            set.words[word] |= 1 << (node.0 % 64);
        }
        set
    }
}

/// Which kinds of nodes a zone means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneMeaning {
    /// Its callers too.
    pub has_callers: bool,
    /// Its registry members too.
    pub has_registry: bool,
}

/// Turns selectors into nodes.
pub struct Targets<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its nodes.
    pub nodes: &'a [Node],
    /// The streams of the run.
    pub streams: &'a Streams,
    /// The member of the registry that leads, if one does and it is known.
    pub leader: Option<NodeId>,
}

impl Targets<'_> {
    /// The selected nodes, ascending. `salt` tells draws of one selector apart: equal salts choose
    /// the same random nodes.
    pub fn resolve(&self, selector: &Selector, zone: ZoneMeaning, salt: u64) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = selector
            .any_of
            .iter()
            .flat_map(|target| self.nodes_of(*target, zone))
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        if let Some(lot) = selector.random {
            nodes.retain(|node| !self.is_spare(*node));
            nodes.sort_by_key(|node| (self.score(*node, salt), *node));
            nodes.truncate(lot.count_of(nodes.len()));
            nodes.sort_unstable();
        }
        nodes
    }

    /// Adds the agents of hosts of which all nodes are there: whatever happens to a whole host, or
    /// to its links, happens to its agent. `nodes` are ascending, and stay so.
    pub fn add_agents(&self, nodes: &mut Vec<NodeId>) {
        let topology = &self.scenario.topology;
        if topology.agent_count() == 0 {
            return;
        }
        let mut hosts: Vec<u32> = nodes.iter().filter_map(|n| topology.agent_of(*n)).collect();
        hosts.dedup();
        let has = |node: &NodeId| nodes.binary_search(node).is_ok() || self.is_spare(*node);
        hosts.retain(|host| {
            topology
                .host_nodes(*host)
                .map(NodeId)
                .all(|node| has(&node))
        });
        nodes.extend(hosts.into_iter().map(|host| topology.agent_node(host)));
        nodes.sort_unstable();
    }

    /// Whether a node is an instance that only a `scale_out` makes present.
    pub fn is_spare(&self, node: NodeId) -> bool {
        let topology = &self.scenario.topology;
        match topology.node_kind(node) {
            NodeKind::Instance(instance) => {
                let group = &self.scenario.groups[topology.group_of(instance).index()];
                topology.index_in_group(instance) >= group.count
            }
            NodeKind::Caller(..) | NodeKind::RegistryMember(_) | NodeKind::Agent(_) => false,
        }
    }

    /// A node's score by its path, so that a newcomer changes the choice only if it is chosen.
    pub fn score(&self, node: NodeId, salt: u64) -> u64 {
        let identity = mix(self.nodes[node.index()].path_hash) ^ salt;
        self.streams
            .draw(Purpose::FaultTarget, identity, 0, 0)
            .next_u64()
    }

    fn nodes_of(&self, target: Target, zone_meaning: ZoneMeaning) -> Vec<NodeId> {
        let topology = &self.scenario.topology;
        let range = |range: std::ops::Range<u32>| range.map(NodeId).collect::<Vec<_>>();
        match target {
            Target::Service(service) => range(topology.service_instances(service)),
            Target::Group(group) => range(topology.group_instances(group)),
            Target::Instance(InstanceId(instance)) => vec![NodeId(instance)],
            Target::Zone(zone) => self.filter(|id, node| {
                node.zone == zone
                    && match topology.node_kind(id) {
                        NodeKind::Instance(_) => true,
                        NodeKind::Caller(..) => zone_meaning.has_callers,
                        NodeKind::RegistryMember(_) => zone_meaning.has_registry,
                        NodeKind::Agent(_) => false,
                    }
            }),
            Target::Host(HostId(host)) => self.filter(|id, node| {
                node.host == HostId(host) && !matches!(topology.node_kind(id), NodeKind::Agent(_))
            }),
            Target::Client(client) => range(topology.client_nodes(client)),
            Target::Caller(ClientId(client), index) => {
                vec![NodeId(
                    topology.client_nodes(ClientId(client)).start + index,
                )]
            }
            Target::RegistryLeader => self.leader.into_iter().collect(),
            Target::RegistryMember(member) => vec![topology.registry_node(member)],
            Target::Registry => (0..topology.registry_member_count())
                .map(|member| topology.registry_node(member))
                .collect(),
            Target::Agents(hosted) => self.agents_of(hosted),
        }
    }

    /// The agents on the hosts of these.
    fn agents_of(&self, hosted: Hosted) -> Vec<NodeId> {
        let topology = &self.scenario.topology;
        let everybody = ZoneMeaning {
            has_callers: true,
            has_registry: false,
        };
        let target = match hosted {
            Hosted::All => {
                let hosts = 0..topology.agent_count();
                return hosts.map(|host| topology.agent_node(host)).collect();
            }
            Hosted::Service(service) => Target::Service(service),
            Hosted::Group(group) => Target::Group(group),
            Hosted::Instance(instance) => Target::Instance(instance),
            Hosted::Zone(zone) => Target::Zone(zone),
            Hosted::Host(host) => Target::Host(host),
            Hosted::Client(client) => Target::Client(client),
            Hosted::Caller(client, index) => Target::Caller(client, index),
        };
        let nodes = self.nodes_of(target, everybody).into_iter();
        let hosts = nodes.filter_map(|node| topology.agent_of(node));
        hosts.map(|host| topology.agent_node(host)).collect()
    }

    fn filter(&self, is_meant: impl Fn(NodeId, &Node) -> bool) -> Vec<NodeId> {
        (0u32..)
            .map(NodeId)
            .zip(self.nodes)
            .filter(|(id, node)| is_meant(*id, node))
            .map(|(id, _)| id)
            .collect()
    }
}
