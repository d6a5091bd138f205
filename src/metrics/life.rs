//! True states of instances.

use std::collections::BTreeMap;

use crate::id::{FaultId, InstanceId, NodeId};
use crate::model::observation::LifeState;
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// The time that an instance is down: from its crash or the loss of its host until it is up again
/// or leaves the scenario; or from its exit because of a fault until it is back. An absent instance
/// that starts is not down, nor is one that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// It left on purpose: there is no failure that a detector could notice.
    pub is_exit: bool,
    /// What took it down.
    pub fault: Option<FaultId>,
    /// Since when.
    pub since: SimTime,
    /// The registry's last suspicion.
    pub suspected_at: Option<SimTime>,
    /// The first list without it after that.
    pub published_at: Option<SimTime>,
}

/// The true states of all instances.
#[derive(Clone, Debug, Default)]
pub struct LifeTable {
    states: Vec<LifeState>,
    /// By instance, while it is down or gone because of a fault.
    episodes: Vec<Option<Box<Episode>>>,
    /// Of these, the ones that the registry suspects and still lists.
    awaited: Vec<u32>,
    /// Nodes that a fault told to leave, which they do after a grace.
    leavers: BTreeMap<NodeId, FaultId>,
}

/// Whether a process is dead in this state, or its host is; until it has started again.
pub fn is_down(state: LifeState) -> bool {
    match state {
        LifeState::Crashed | LifeState::HostLost | LifeState::Restarting => true,
        LifeState::Up | LifeState::Paused | LifeState::Absent => false,
    }
}

impl LifeTable {
    /// Every instance up, spare ones absent.
    pub fn new(scenario: &Scenario) -> Self {
        let topology = &scenario.topology;
        let state = |index| {
            let instance = InstanceId(index);
            let group = &scenario.groups[topology.group_of(instance).index()];
            if topology.index_in_group(instance) < group.count {
                LifeState::Up
            } else {
                LifeState::Absent
            }
        };
        LifeTable {
            states: (0..topology.instance_count()).map(state).collect(),
            episodes: vec![None; topology.instance_count() as usize],
            awaited: Vec::new(),
            leavers: BTreeMap::new(),
        }
    }

    /// A fault tells nodes to leave.
    pub fn tell_to_leave(&mut self, nodes: &[NodeId], fault: FaultId) {
        self.leavers.extend(nodes.iter().map(|node| (*node, fault)));
    }

    /// A fault no longer makes these leave.
    pub fn tell_to_stay(&mut self, nodes: &[NodeId], fault: FaultId) {
        for node in nodes {
            if self.leavers.get(node) == Some(&fault) {
                self.leavers.remove(node);
            }
        }
    }

    /// The fault that told an instance to leave.
    pub fn told_to_leave(&self, instance: InstanceId) -> Option<FaultId> {
        self.leavers.get(&NodeId(instance.0)).copied()
    }

    /// The state of an instance.
    pub fn state(&self, instance: InstanceId) -> LifeState {
        self.states[instance.index()]
    }

    /// Whether a suspicion of an instance is a mistake: it is there and has not crashed.
    pub fn is_alive(&self, instance: InstanceId) -> bool {
        self.state(instance).is_up()
    }

    /// The registry suspects an instance.
    pub fn suspect(&mut self, at: SimTime, instance: InstanceId) {
        if let Some(episode) = &mut self.episodes[instance.index()] {
            (episode.suspected_at, episode.published_at) = (Some(at), None);
            self.awaited.push(instance.0);
        }
    }

    /// The registry published a list: suspected instances that are not on it are gone from it.
    pub fn publish(&mut self, at: SimTime, view: &ViewSnapshot, scenario: &Scenario) {
        let LifeTable {
            episodes, awaited, ..
        } = self;
        awaited.retain(|index| {
            let instance = InstanceId(*index);
            let Some(episode) = &mut episodes[instance.index()] else {
                return false;
            };
            let is_gone = scenario.topology.service_of(instance) == view.service
                && view.position(instance).is_none();
            if is_gone {
                episode.published_at.get_or_insert(at);
            }
            !is_gone
        });
    }

    /// The time that an instance is down, or gone because of a fault, if it is.
    #[inline]
    pub fn episode(&self, instance: InstanceId) -> Option<&Episode> {
        self.episodes[instance.index()].as_deref()
    }

    /// An instance goes down.
    pub fn begin(&mut self, instance: InstanceId, episode: Episode) {
        self.episodes[instance.index()] = Some(Box::new(episode));
    }

    /// An instance is no longer down.
    pub fn end(&mut self, instance: InstanceId) -> Option<Box<Episode>> {
        self.episodes[instance.index()].take()
    }

    /// Sets the state of an instance and returns the one before.
    pub fn set(&mut self, instance: InstanceId, state: LifeState) -> LifeState {
        std::mem::replace(&mut self.states[instance.index()], state)
    }
}
