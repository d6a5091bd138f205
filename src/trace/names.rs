//! The names of everything that a trace mentions, as JSON strings with their quotes, made once.

use super::json::{Piece, quoted};
use crate::id::{CallerId, ClassId, ClientId, EdgeId, FaultId, InstanceId, NodeId};
use crate::model::observation::Suspector;
use crate::scenario::Scenario;

/// All names.
pub struct Names {
    nodes: Vec<Piece>,
    clients: Vec<Piece>,
    services: Vec<Piece>,
    edges: Vec<Piece>,
    faults: Vec<Piece>,
    classes: Vec<Piece>,
    registry: Piece,
    none: Piece,
    /// By calling side: the node.
    caller_nodes: Vec<NodeId>,
}

impl Names {
    /// The names of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let topology = &scenario.topology;
        let callers = 0..topology.caller_count();
        let class = |class: usize| match u8::try_from(class) {
            Ok(id) if 0 < id => quoted(&scenario.classes.get(ClassId(id)).path),
            _ => "null".to_string(),
        };
        let piece = |name: &str| Piece::new(&quoted(name));
        Names {
            nodes: (0..topology.node_count())
                .map(|node| piece(&topology.node_name(NodeId(node))))
                .collect(),
            clients: scenario.clients.iter().map(|it| piece(&it.name)).collect(),
            services: scenario.services.iter().map(|it| piece(&it.name)).collect(),
            edges: scenario.edges.iter().map(|it| piece(&it.path)).collect(),
            faults: scenario.faults.iter().map(|it| piece(&it.name)).collect(),
            classes: (0..scenario.classes.count())
                .map(|place| Piece::new(&class(place)))
                .collect(),
            none: Piece::new("null"),
            registry: Piece::new("\"registry\""),
            caller_nodes: callers
                .map(|caller| topology.caller_node(CallerId(caller)))
                .collect(),
        }
    }

    /// `"web/a/3"`, `"shop/7"`.
    pub fn node(&self, node: NodeId) -> &Piece {
        &self.nodes[node.index()]
    }

    /// `"web/a/3"`.
    pub fn instance(&self, instance: InstanceId) -> &Piece {
        &self.nodes[instance.index()]
    }

    /// The node of a calling side.
    pub fn caller(&self, caller: CallerId) -> &Piece {
        self.node(self.caller_nodes[caller.index()])
    }

    /// The node that a calling side belongs to.
    #[inline]
    pub fn caller_node(&self, caller: CallerId) -> NodeId {
        self.caller_nodes[caller.index()]
    }

    /// `"shop"`.
    pub fn client(&self, client: ClientId) -> &Piece {
        &self.clients[client.index()]
    }

    /// `"client.shop.call.web"`.
    pub fn edge(&self, edge: EdgeId) -> &Piece {
        &self.edges[edge.index()]
    }

    /// `"rack-b"`.
    pub fn fault(&self, fault: FaultId) -> &Piece {
        &self.faults[fault.index()]
    }

    /// Who suspects: `"registry"`, or the node of a calling side or of a member.
    pub fn suspector(&self, suspector: Suspector) -> &Piece {
        match suspector {
            Suspector::Registry => &self.registry,
            Suspector::Caller(caller) => self.caller(caller),
            Suspector::Member { node, .. } => self.node(node),
        }
    }

    /// `null`.
    pub fn none(&self) -> &Piece {
        &self.none
    }

    /// The name of a class, or `null`.
    pub fn class(&self, class: ClassId) -> &Piece {
        &self.classes[usize::from(class.0)]
    }

    /// The name of what an index of this type means; None of a type that has no names.
    pub fn of(&self, index_type: &str, index: usize) -> Option<&str> {
        let name = match index_type {
            "NodeId" | "InstanceId" => &self.nodes[index],
            "CallerId" => &self.nodes[self.caller_nodes[index].index()],
            "ClientId" => &self.clients[index],
            "ServiceId" => &self.services[index],
            "EdgeId" => &self.edges[index],
            "FaultId" => &self.faults[index],
            "ClassId" => &self.classes[index],
            _ => return None,
        };
        Some(name.as_str())
    }
}
