//! Who talks to a registry, and their timers.

use smallvec::SmallVec;

use super::{Alarm, Port};
use crate::engine::TimerId;
use crate::id::{CallerId, EdgeId, InstanceId, NodeId, ServiceId};
use crate::model::observation::LifeState;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::Scenario;
use crate::scenario::registry::Phase;
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// A process that registers or looks for a registered service.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its node.
    pub node: NodeId,
    /// The instance that it registers, with its service and how it does so.
    pub instance: Option<(InstanceId, ServiceId, RegisteredConfig)>,
    /// Its calling sides of registered services.
    pub sides: Vec<(CallerId, ServiceId)>,
}

/// All of them, in order of their nodes.
pub fn parties(scenario: &Scenario) -> Vec<Party> {
    let topology = &scenario.topology;
    let registered = |service: ServiceId| scenario.services[service.index()].registered;
    let mut sides = vec![Vec::new(); topology.node_count() as usize];
    for (index, edge) in scenario.edges.iter().enumerate() {
        if registered(edge.to).is_some() {
            for caller in topology.edge_callers(EdgeId::from_index(index)) {
                let caller = CallerId(caller);
                sides[topology.caller_node(caller).index()].push((caller, edge.to));
            }
        }
    }
    let party = |(index, sides): (usize, Vec<(CallerId, ServiceId)>)| {
        let node = NodeId::from_index(index);
        let instance = (node.0 < topology.instance_count()).then_some(InstanceId(node.0));
        let instance = instance.and_then(|instance| {
            let service = topology.service_of(instance);
            registered(service).map(|registered| (instance, service, registered))
        });
        (instance.is_some() || !sides.is_empty()).then_some(Party {
            node,
            instance,
            sides,
        })
    };
    sides.into_iter().enumerate().filter_map(party).collect()
}

/// When a periodic process is due first, in (0, interval] or where the scenario says.
pub fn first_tick(
    port: &dyn Port,
    node: NodeId,
    what: &str,
    (interval, phase): (SimDuration, Phase),
) -> SimDuration {
    match phase {
        Phase::Aligned => interval,
        Phase::At(offset) => offset,
        Phase::Random => {
            let identity = port.node(node).path_hash ^ path_hash(what);
            interval.scaled(1.0 - port.draw(identity, 0, 0).uniform())
        }
    }
}

/// The timers of all nodes that are set, one of each kind.
#[derive(Debug)]
pub struct Alarms<A> {
    /// Most nodes have few.
    by_node: Vec<SmallVec<[(A, TimerId); 2]>>,
    wrap: fn(A) -> Alarm,
}

impl<A: Copy + PartialEq> Alarms<A> {
    /// None is set; `wrap` makes them alarms of the registry.
    pub fn new(scenario: &Scenario, wrap: fn(A) -> Alarm) -> Self {
        Alarms {
            by_node: vec![SmallVec::new(); scenario.topology.node_count() as usize],
            wrap,
        }
    }

    /// Sets a timer; one of the same kind is cancelled.
    pub fn set(&mut self, port: &mut dyn Port, node: NodeId, delay: SimDuration, what: A) {
        self.cancel(port, node, what);
        let timer = port.set_timer(node, delay, (self.wrap)(what));
        self.by_node[node.index()].push((what, timer));
    }

    /// Whether one is set.
    pub fn is_set(&self, node: NodeId, what: A) -> bool {
        self.by_node[node.index()].iter().any(|set| set.0 == what)
    }

    fn take(&mut self, node: NodeId, what: A) -> Option<TimerId> {
        let set = &mut self.by_node[node.index()];
        let place = set.iter().position(|set| set.0 == what)?;
        Some(set.swap_remove(place).1)
    }

    /// It fired.
    pub fn note_fired(&mut self, node: NodeId, what: A) {
        self.take(node, what);
    }

    /// Cancels it, if it is set.
    pub fn cancel(&mut self, port: &mut dyn Port, node: NodeId, what: A) {
        if let Some(timer) = self.take(node, what) {
            port.cancel_timer(timer);
        }
    }

    /// Cancels all timers of a node.
    pub fn cancel_all(&mut self, port: &mut dyn Port, node: NodeId) {
        for (_, timer) in std::mem::take(&mut self.by_node[node.index()]) {
            port.cancel_timer(timer);
        }
    }
}

/// Whether the host of one node answers another one at all, process or not.
pub fn is_reached(port: &dyn Port, (from, to): (NodeId, NodeId)) -> bool {
    let is_there = !matches!(port.node(to).state, LifeState::HostLost | LifeState::Absent);
    is_there && !port.is_cut(from, to) && !port.is_cut(to, from)
}
