//! Where each entity of a scenario stands in the tables of a run, and what it is called.
//!
//! Nodes are numbered instances first, then the callers of clients, then registry members, then the
//! agents of hosts where the registry has some. Calling sides are numbered edge by edge, and within
//! an edge by the number of their owner. Where the workers of an owner each have a calling side of
//! their own, those of all first workers come first, then those of all second ones.

use super::client::{ClientConfig, EdgeConfig, EdgeOwner};
use super::service::{GroupConfig, ServiceConfig};
use crate::id::{CallerId, ClientId, EdgeId, GroupId, InstanceId, NodeId, ServiceId};

/// The numbering of nodes, instances and calling sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// First instance of each group, and one past the last instance.
    group_first: Vec<u32>,
    /// First group of each service, and one past the last group.
    service_first_group: Vec<u32>,
    /// First node of each client, and one past the last caller.
    client_first_node: Vec<u32>,
    /// First calling side of each edge, and one past the last one.
    edge_first_caller: Vec<u32>,
    /// First owner node of each edge, and how many there are.
    edge_first_owner: Vec<u32>,
    edge_owner_count: Vec<u32>,
    /// Names of services, groups and clients, for paths.
    service_names: Vec<String>,
    group_names: Vec<String>,
    client_names: Vec<String>,
    registry_member_count: u32,
    /// The first node of each host that has an agent, and one past the last one; empty without.
    host_first_node: Vec<u32>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A server process.
    Instance(InstanceId),
    /// The n-th caller of a client group.
    Caller(ClientId, u32),
    /// A member of the registry.
    RegistryMember(u32),
    /// The agent of a host, by number of the host.
    Agent(u32),
}

impl Topology {
    /// Numbers everything. `groups` are in order of service.
    pub fn new(
        services: &[ServiceConfig],
        groups: &[GroupConfig],
        clients: &[ClientConfig],
        edges: &[EdgeConfig],
        registry_member_count: u32,
    ) -> Self {
        let mut topology = Topology {
            group_first: running_sums(0, groups.iter().map(|g| g.count + g.count_spare)),
            service_first_group: running_sums(
                0,
                services
                    .iter()
                    .map(|s| u32::try_from(s.groups.len()).expect("few groups")),
            ),
            service_names: services.iter().map(|s| s.name.clone()).collect(),
            group_names: groups.iter().map(|g| g.name.clone()).collect(),
            client_names: clients.iter().map(|c| c.name.clone()).collect(),
            registry_member_count,
            ..Topology::default()
        };
        topology.client_first_node =
            running_sums(topology.instance_count(), clients.iter().map(|c| c.count));
        let owners: Vec<(u32, u32)> = edges
            .iter()
            .map(|e| topology.owner_nodes(e.owner))
            .collect();
        topology.edge_first_owner = owners.iter().map(|(first, _)| *first).collect();
        topology.edge_owner_count = owners.iter().map(|(_, count)| *count).collect();
        let sides = owners.iter().zip(edges);
        topology.edge_first_caller =
            running_sums(0, sides.map(|((_, count), edge)| count * edge.side_count()));
        topology
    }

    /// Gives every host of instances and callers an agent. `groups` are those of [`Topology::new`].
    pub fn add_agents(&mut self, groups: &[GroupConfig]) {
        let first_of_group = |(group, range): (&GroupConfig, std::ops::Range<u32>)| {
            range.step_by(group.instances_per_host.max(1) as usize)
        };
        let ranges = (0..groups.len()).map(|g| self.group_instances(GroupId::from_index(g)));
        let of_instances = groups.iter().zip(ranges).flat_map(first_of_group);
        let end = self.registry_first_node();
        let of_callers = self.instance_count()..end;
        self.host_first_node = of_instances.chain(of_callers).chain([end]).collect();
    }

    /// Agents: one for each host of instances and callers, or none.
    pub fn agent_count(&self) -> u32 {
        (self.host_first_node.len() as u32).saturating_sub(1)
    }

    /// The node of the agent of a host.
    pub fn agent_node(&self, host: u32) -> NodeId {
        assert!(host < self.agent_count());
        NodeId(self.registry_first_node() + self.registry_member_count + host)
    }

    /// The agent on the host of an instance or a caller, if it has one.
    pub fn agent_of(&self, node: NodeId) -> Option<u32> {
        let is_hosted = self.agent_count() > 0 && node.0 < self.registry_first_node();
        is_hosted.then(|| place(&self.host_first_node, node.0) as u32)
    }

    /// The instances and callers on a host that has an agent.
    pub fn host_nodes(&self, host: u32) -> std::ops::Range<u32> {
        self.host_first_node[host as usize]..self.host_first_node[host as usize + 1]
    }

    /// First node and number of nodes that own the calling sides of an edge.
    fn owner_nodes(&self, owner: EdgeOwner) -> (u32, u32) {
        match owner {
            EdgeOwner::Client(client) => {
                let first = self.client_first_node[client.index()];
                (first, self.client_first_node[client.index() + 1] - first)
            }
            EdgeOwner::Service(service) => {
                let range = self.service_instances(service);
                (range.start, range.end - range.start)
            }
        }
    }

    /// Instances of all groups, spare ones included.
    pub fn instance_count(&self) -> u32 {
        *self
            .group_first
            .last()
            .expect("one past the last group is always there")
    }

    /// All nodes.
    pub fn node_count(&self) -> u32 {
        self.registry_first_node() + self.registry_member_count + self.agent_count()
    }

    /// All calling sides.
    pub fn caller_count(&self) -> u32 {
        *self
            .edge_first_caller
            .last()
            .expect("one past the last edge is always there")
    }

    /// Registry members.
    pub fn registry_member_count(&self) -> u32 {
        self.registry_member_count
    }

    fn registry_first_node(&self) -> u32 {
        *self
            .client_first_node
            .last()
            .expect("one past the last client is always there")
    }

    /// The instances of a group, spare ones included.
    pub fn group_instances(&self, group: GroupId) -> std::ops::Range<u32> {
        self.group_first[group.index()]..self.group_first[group.index() + 1]
    }

    /// The instances of a service, spare ones included.
    pub fn service_instances(&self, service: ServiceId) -> std::ops::Range<u32> {
        let first = self.service_first_group[service.index()] as usize;
        let end = self.service_first_group[service.index() + 1] as usize;
        self.group_first[first]..self.group_first[end]
    }

    /// The calling sides of an edge.
    pub fn edge_callers(&self, edge: EdgeId) -> std::ops::Range<u32> {
        self.edge_first_caller[edge.index()]..self.edge_first_caller[edge.index() + 1]
    }

    /// The nodes that own the calling sides of an edge.
    pub fn edge_nodes(&self, edge: EdgeId) -> std::ops::Range<u32> {
        let first = self.edge_first_owner[edge.index()];
        first..first + self.edge_owner_count[edge.index()]
    }

    /// The nodes of a client group.
    pub fn client_nodes(&self, client: ClientId) -> std::ops::Range<u32> {
        self.client_first_node[client.index()]..self.client_first_node[client.index() + 1]
    }

    /// The group of an instance.
    pub fn group_of(&self, instance: InstanceId) -> GroupId {
        GroupId::from_index(place(&self.group_first, instance.0))
    }

    /// The service of an instance.
    pub fn service_of(&self, instance: InstanceId) -> ServiceId {
        ServiceId::from_index(place(&self.service_first_group, self.group_of(instance).0))
    }

    /// The number of an instance within its group.
    pub fn index_in_group(&self, instance: InstanceId) -> u32 {
        instance.0 - self.group_first[self.group_of(instance).index()]
    }

    /// The node of an instance.
    pub fn instance_node(&self, instance: InstanceId) -> NodeId {
        NodeId(instance.0)
    }

    /// The node of a registry member.
    pub fn registry_node(&self, member: u32) -> NodeId {
        assert!(member < self.registry_member_count);
        NodeId(self.registry_first_node() + member)
    }

    /// What a node is.
    pub fn node_kind(&self, node: NodeId) -> NodeKind {
        if node.0 < self.instance_count() {
            return NodeKind::Instance(InstanceId(node.0));
        }
        if let Some(place) = node.0.checked_sub(self.registry_first_node()) {
            return match place.checked_sub(self.registry_member_count) {
                None => NodeKind::RegistryMember(place),
                Some(host) => NodeKind::Agent(host),
            };
        }
        let client = place(&self.client_first_node, node.0);
        NodeKind::Caller(
            ClientId::from_index(client),
            node.0 - self.client_first_node[client],
        )
    }

    /// The edge of a calling side.
    pub fn edge_of(&self, caller: CallerId) -> EdgeId {
        EdgeId::from_index(place(&self.edge_first_caller, caller.0))
    }

    /// The node that owns a calling side.
    pub fn caller_node(&self, caller: CallerId) -> NodeId {
        let edge = self.edge_of(caller).index();
        let place = caller.0 - self.edge_first_caller[edge];
        NodeId(self.edge_first_owner[edge] + place % self.edge_owner_count[edge])
    }

    /// Which of the calling sides that its owner has for its edge a calling side is.
    pub fn side_of(&self, caller: CallerId) -> u32 {
        let edge = self.edge_of(caller).index();
        (caller.0 - self.edge_first_caller[edge]) / self.edge_owner_count[edge]
    }

    /// The edges whose calling sides a node owns.
    pub fn edges_of(&self, node: NodeId) -> Vec<EdgeId> {
        (0..self.edge_first_owner.len())
            .filter(|edge| {
                let first = self.edge_first_owner[*edge];
                (first..first + self.edge_owner_count[*edge]).contains(&node.0)
            })
            .map(EdgeId::from_index)
            .collect()
    }

    /// The calling side of an edge that a node owns, the first one where it has several.
    ///
    /// # Panics
    ///
    /// If the node does not own that edge.
    #[inline(always)]
    pub fn caller_of(&self, edge: EdgeId, node: NodeId) -> CallerId {
        let ends = &self.edge_first_caller[edge.index()..edge.index() + 2];
        let caller = ends[0] + (node.0 - self.edge_first_owner[edge.index()]);
        assert!(caller < ends[1], "{node:?} owns no {edge:?}");
        CallerId(caller)
    }

    /// All calling sides of an edge that a node owns.
    pub fn callers_of(&self, edge: EdgeId, node: NodeId) -> impl Iterator<Item = CallerId> {
        let first = self.caller_of(edge, node).0;
        let end = self.edge_first_caller[edge.index() + 1];
        let step = self.edge_owner_count[edge.index()] as usize;
        (first..end).step_by(step).map(CallerId)
    }

    /// The calling side of worker `side` of a node.
    pub fn side(&self, edge: EdgeId, node: NodeId, side: u32) -> CallerId {
        CallerId(self.caller_of(edge, node).0 + side * self.edge_owner_count[edge.index()])
    }

    /// `web/a/3`: how an instance is called in selectors, charts and reports.
    pub fn instance_name(&self, instance: InstanceId) -> String {
        let (service, group) = (self.service_of(instance), self.group_of(instance));
        format!(
            "{}/{}/{}",
            self.service_names[service.index()],
            self.group_names[group.index()],
            self.index_in_group(instance)
        )
    }

    /// `web/a/3`, `shop/7`, `registry/1` or, for an agent, `agent/` and its host's first node.
    pub fn node_name(&self, node: NodeId) -> String {
        match self.node_kind(node) {
            NodeKind::Instance(instance) => self.instance_name(instance),
            NodeKind::Caller(client, index) => {
                format!("{}/{index}", self.client_names[client.index()])
            }
            NodeKind::RegistryMember(member) => format!("registry/{member}"),
            NodeKind::Agent(host) => {
                let first = NodeId(self.host_nodes(host).start);
                format!("agent/{}", self.node_name(first))
            }
        }
    }

    /// The path that identifies a node in every scenario that names it so:
    /// `service.web.group.a/3`, `client.shop/7`, `registry/1`.
    pub fn node_path(&self, node: NodeId) -> String {
        match self.node_kind(node) {
            NodeKind::Instance(instance) => {
                let (service, group) = (self.service_of(instance), self.group_of(instance));
                format!(
                    "service.{}.group.{}/{}",
                    self.service_names[service.index()],
                    self.group_names[group.index()],
                    self.index_in_group(instance)
                )
            }
            NodeKind::Caller(client, index) => {
                format!("client.{}/{index}", self.client_names[client.index()])
            }
            NodeKind::RegistryMember(member) => format!("registry/{member}"),
            NodeKind::Agent(host) => {
                let first = NodeId(self.host_nodes(host).start);
                format!("agent.{}", self.node_path(first))
            }
        }
    }
}

/// `first`, then the running sums of `counts` on top of it.
fn running_sums(first: u32, counts: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut sums = vec![first];
    let mut sum = first;
    for count in counts {
        sum = sum
            .checked_add(count)
            .expect("counts are bounded when a scenario is loaded");
        sums.push(sum);
    }
    sums
}

/// The place whose range of `firsts` holds `value`.
fn place(firsts: &[u32], value: u32) -> usize {
    let place = firsts.partition_point(|first| *first <= value) - 1;
    assert!(place + 1 < firsts.len(), "{value} is past the end");
    place
}
