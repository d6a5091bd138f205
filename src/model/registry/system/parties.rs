//! Who talks to a registry, and their timers.

use std::collections::BTreeMap;

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

/// Timers of a node that are searched one by one, the newest first: those that last long stay at
/// the front.
const FEW_COUNT_MAX: usize = 16;

/// The timers of one node that are set. Most nodes have two at most; a member may have one for
/// each instance.
#[derive(Clone, Debug)]
enum SetTimers<A> {
    Few(SmallVec<[(A, TimerId); 2]>),
    Many(BTreeMap<A, TimerId>),
}

impl<A: Copy + Ord> SetTimers<A> {
    fn none() -> Self {
        SetTimers::Few(SmallVec::new())
    }

    fn insert(&mut self, what: A, timer: TimerId) {
        match self {
            SetTimers::Few(few) if few.len() < FEW_COUNT_MAX => few.push((what, timer)),
            SetTimers::Few(few) => {
                let mut many: BTreeMap<A, TimerId> = few.drain(..).collect();
                many.insert(what, timer);
                *self = SetTimers::Many(many);
            }
            SetTimers::Many(many) => {
                many.insert(what, timer);
            }
        }
    }

    fn contains(&self, what: A) -> bool {
        match self {
            SetTimers::Few(few) => few.iter().rev().any(|set| set.0 == what),
            SetTimers::Many(many) => many.contains_key(&what),
        }
    }

    fn take(&mut self, what: A) -> Option<TimerId> {
        match self {
            SetTimers::Few(few) => {
                let place = few.iter().rposition(|set| set.0 == what)?;
                Some(few.swap_remove(place).1)
            }
            SetTimers::Many(many) => many.remove(&what),
        }
    }

    fn take_all(&mut self) -> Vec<TimerId> {
        match std::mem::replace(self, SetTimers::none()) {
            SetTimers::Few(few) => few.into_iter().map(|set| set.1).collect(),
            SetTimers::Many(many) => many.into_values().collect(),
        }
    }
}

/// The timers of all nodes that are set, one of each kind.
#[derive(Debug)]
pub struct Alarms<A> {
    by_node: Vec<SetTimers<A>>,
    wrap: fn(A) -> Alarm,
}

impl<A: Copy + Ord> Alarms<A> {
    /// None is set; `wrap` makes them alarms of the registry.
    pub fn new(scenario: &Scenario, wrap: fn(A) -> Alarm) -> Self {
        Alarms {
            by_node: vec![SetTimers::none(); scenario.topology.node_count() as usize],
            wrap,
        }
    }

    /// Sets a timer; one of the same kind is cancelled.
    pub fn set(&mut self, port: &mut dyn Port, node: NodeId, delay: SimDuration, what: A) {
        self.cancel(port, node, what);
        let timer = port.set_timer(node, delay, (self.wrap)(what));
        self.by_node[node.index()].insert(what, timer);
    }

    /// Whether one is set.
    pub fn is_set(&self, node: NodeId, what: A) -> bool {
        self.by_node[node.index()].contains(what)
    }

    /// It fired.
    pub fn note_fired(&mut self, node: NodeId, what: A) {
        self.by_node[node.index()].take(what);
    }

    /// Cancels it, if it is set.
    pub fn cancel(&mut self, port: &mut dyn Port, node: NodeId, what: A) {
        if let Some(timer) = self.by_node[node.index()].take(what) {
            port.cancel_timer(timer);
        }
    }

    /// Cancels all timers of a node.
    pub fn cancel_all(&mut self, port: &mut dyn Port, node: NodeId) {
        for timer in self.by_node[node.index()].take_all() {
            port.cancel_timer(timer);
        }
    }
}

/// Whether the host of one node answers another one at all, process or not.
pub fn is_reached(port: &dyn Port, (from, to): (NodeId, NodeId)) -> bool {
    let is_there = !matches!(port.node(to).state, LifeState::HostLost | LifeState::Absent);
    is_there && !port.is_cut(from, to) && !port.is_cut(to, from)
}
