//! The names of everything that a trace mentions, as JSON strings with their quotes, made once.

use super::json::quoted;
use crate::id::{CallerId, ClassId, ClientId, EdgeId, FaultId, InstanceId, NodeId};
use crate::model::observation::Suspector;
use crate::scenario::Scenario;

/// All names.
pub struct Names {
    nodes: Vec<String>,
    clients: Vec<String>,
    services: Vec<String>,
    edges: Vec<String>,
    faults: Vec<String>,
    classes: Vec<String>,
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
        Names {
            nodes: (0..topology.node_count())
                .map(|node| quoted(&topology.node_name(NodeId(node))))
                .collect(),
            clients: scenario.clients.iter().map(|it| quoted(&it.name)).collect(),
            services: scenario
                .services
                .iter()
                .map(|it| quoted(&it.name))
                .collect(),
            edges: scenario.edges.iter().map(|it| quoted(&it.path)).collect(),
            faults: scenario.faults.iter().map(|it| quoted(&it.name)).collect(),
            classes: (0..scenario.classes.count()).map(class).collect(),
            caller_nodes: callers
                .map(|caller| topology.caller_node(CallerId(caller)))
                .collect(),
        }
    }

    /// `"web/a/3"`, `"shop/7"`.
    pub fn node(&self, node: NodeId) -> &str {
        &self.nodes[node.index()]
    }

    /// `"web/a/3"`.
    pub fn instance(&self, instance: InstanceId) -> &str {
        &self.nodes[instance.index()]
    }

    /// The node of a calling side.
    pub fn caller(&self, caller: CallerId) -> &str {
        self.node(self.caller_nodes[caller.index()])
    }

    /// `"shop"`.
    pub fn client(&self, client: ClientId) -> &str {
        &self.clients[client.index()]
    }

    /// `"client.shop.call.web"`.
    pub fn edge(&self, edge: EdgeId) -> &str {
        &self.edges[edge.index()]
    }

    /// `"rack-b"`.
    pub fn fault(&self, fault: FaultId) -> &str {
        &self.faults[fault.index()]
    }

    /// Who suspects: `"registry"`, or the node of a calling side or of a member.
    pub fn suspector(&self, suspector: Suspector) -> &str {
        match suspector {
            Suspector::Registry => "\"registry\"",
            Suspector::Caller(caller) => self.caller(caller),
            Suspector::Member { node, .. } => self.node(node),
        }
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
        Some(name)
    }
}
