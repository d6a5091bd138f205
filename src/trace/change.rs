//! How one change travels: from the window of a fault to whoever has to know of it, and back.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Follower, words};
use crate::id::{CallerId, EdgeId, FaultId, InstanceId, NodeId};
use crate::model::observation::step::Step;
use crate::model::observation::{LifeState, Observation, Suspector};
use crate::scenario::Scenario;
use crate::stats::quantile::quantile;
use crate::time::SimTime;

/// Instances that are followed at most; a window that hits more says so.
const INSTANCE_COUNT_MAX: usize = 100;

/// Instants of several observers, in seconds of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub first_secs: f64,
    pub median_secs: f64,
    pub last_secs: f64,
    /// How many observers.
    pub count: usize,
    /// Who was the last.
    pub last_by: String,
}

/// How the world learned that an instance is gone, or that it is back. Seconds of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Passage {
    /// When it began in truth, and what the instance was from then on; None where its state did
    /// not change.
    pub truth: Option<(f64, &'static str)>,
    /// When the registry began to suspect, or trust, it.
    pub registry_secs: Option<f64>,
    /// When members of a cluster did.
    pub members: Option<Spread>,
    /// When detectors of calling sides did.
    pub detectors: Option<Spread>,
    /// When the list that holds was without it, or with it again.
    pub committed_secs: Option<f64>,
    /// When calling sides took it off their candidates for good, or back.
    pub callers: Option<Spread>,
    /// The last attempt that was sent to it, or the first one, and by whom.
    pub attempt: Option<(f64, String)>,
}

/// What one window meant for one instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceChange {
    pub instance: String,
    /// Calling sides that call its service.
    pub caller_count: usize,
    pub gone: Passage,
    pub back: Passage,
    /// Attempts that were sent while it could not answer.
    pub wasted_attempt_count: u64,
}

/// One window of a fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub fault: String,
    pub window: u32,
    pub began_secs: f64,
    pub ended_secs: Option<f64>,
    pub instances: Vec<InstanceChange>,
    /// Instances that it hit beside those.
    pub more_instance_count: usize,
}

/// What is noted of one direction.
#[derive(Clone, Debug, Default)]
struct Notes {
    truth: Option<(SimTime, LifeState)>,
    registry: Option<SimTime>,
    members: BTreeMap<NodeId, SimTime>,
    detectors: BTreeMap<CallerId, SimTime>,
    committed: Option<SimTime>,
    callers: BTreeMap<CallerId, SimTime>,
    attempt: Option<(SimTime, CallerId)>,
}

/// What is noted of one instance.
#[derive(Clone, Debug, Default)]
struct Followed {
    gone: Notes,
    back: Notes,
    is_back: bool,
    wasted_attempt_count: u64,
}

/// Follows one window of one fault through a run.
#[derive(Debug)]
pub struct ChangeTrace<'a> {
    scenario: &'a Scenario,
    fault: FaultId,
    window: u32,
    /// Windows of the fault that began so far.
    begun_count: u32,
    began: Option<SimTime>,
    ended: Option<SimTime>,
    followed: BTreeMap<InstanceId, Followed>,
    /// It names no instances: whoever is suspected or left out is followed.
    is_open: bool,
    more: usize,
}

impl<'a> ChangeTrace<'a> {
    /// Follows this window, counted from 0.
    pub fn new(scenario: &'a Scenario, fault: FaultId, window: u32) -> Self {
        ChangeTrace {
            scenario,
            fault,
            window,
            begun_count: 0,
            began: None,
            ended: None,
            followed: BTreeMap::new(),
            is_open: false,
            more: 0,
        }
    }

    /// How many windows of the fault began.
    pub fn begun_count(&self) -> u32 {
        self.begun_count
    }

    /// What was seen; None if the window never began.
    pub fn into_change(self) -> Option<Change> {
        let began = self.began?;
        let teller = Teller(self.scenario);
        let config = &self.scenario.faults[self.fault.index()];
        let instances = self.followed.iter();
        Some(Change {
            fault: config.name.clone(),
            window: self.window,
            began_secs: began.as_secs_f64(),
            ended_secs: self.ended.map(SimTime::as_secs_f64),
            instances: instances.map(|(id, it)| teller.change(*id, it)).collect(),
            more_instance_count: self.more,
        })
    }

    fn begin(&mut self, at: SimTime, targets: &[NodeId]) {
        let number = self.begun_count;
        self.begun_count += 1;
        // The next window of the fault is another change.
        if number != self.window {
            return;
        }
        self.began = Some(at);
        let instance_count = self.scenario.topology.instance_count();
        let hit: Vec<InstanceId> = targets
            .iter()
            .filter(|node| node.0 < instance_count)
            .map(|node| InstanceId(node.0))
            .collect();
        self.is_open = hit.is_empty();
        self.more = hit.len().saturating_sub(INSTANCE_COUNT_MAX);
        for instance in hit.into_iter().take(INSTANCE_COUNT_MAX) {
            self.followed.insert(instance, Followed::default());
        }
    }

    fn end(&mut self, at: SimTime) {
        self.ended = Some(at);
        for followed in self.followed.values_mut() {
            followed.is_back |= followed.gone.truth.is_none();
        }
    }

    /// What is known of an instance, if the window is about it.
    fn known(&mut self, instance: InstanceId) -> Option<&mut Followed> {
        if self.began.is_none() || self.window < self.begun_count.saturating_sub(1) {
            return None;
        }
        let is_new = self.is_open
            && self.ended.is_none()
            && self.followed.len() < INSTANCE_COUNT_MAX
            && !self.followed.contains_key(&instance);
        if is_new {
            self.followed.insert(instance, Followed::default());
        }
        self.followed.get_mut(&instance)
    }

    fn change_state(&mut self, at: SimTime, node: NodeId, state: LifeState) {
        if node.0 < self.scenario.topology.instance_count()
            && self.followed.contains_key(&InstanceId(node.0))
            && let Some(known) = self.known(InstanceId(node.0))
        {
            if state.is_up() {
                known.is_back = true;
                known.back.truth.get_or_insert((at, state));
            } else {
                known.gone.truth.get_or_insert((at, state));
            }
        }
    }

    fn suspect(&mut self, at: SimTime, suspector: Suspector, instance: InstanceId) {
        if let Some(known) = self.known(instance)
            && !known.is_back
        {
            known.gone.note(at, suspector);
        }
    }

    fn trust(&mut self, at: SimTime, suspector: Suspector, instance: InstanceId) {
        if self.followed.contains_key(&instance)
            && let Some(known) = self.known(instance)
        {
            match known.is_back {
                true => known.back.note(at, suspector),
                // It was wrong, or changed its mind.
                false => known.gone.forget(suspector),
            }
        }
    }

    fn move_caller(
        &mut self,
        at: SimTime,
        (caller, instance): (CallerId, InstanceId),
        is_out: bool,
    ) {
        if !is_out && !self.followed.contains_key(&instance) {
            return;
        }
        let Some(known) = self.known(instance) else {
            return;
        };
        match (is_out, known.is_back) {
            (true, false) => {
                known.gone.callers.insert(caller, at);
            }
            (false, false) => {
                known.gone.callers.remove(&caller);
            }
            (true, true) => {
                // One that was late to leave it out has to take it back, too.
                known.back.callers.remove(&caller);
                known.gone.callers.entry(caller).or_insert(at);
            }
            (false, true) => {
                known.back.callers.entry(caller).or_insert(at);
            }
        }
    }

    fn publish(&mut self, at: SimTime, has: impl Fn(InstanceId) -> bool, of: &[InstanceId]) {
        for instance in of {
            let is_listed = has(*instance);
            let Some(known) = self.known(*instance) else {
                continue;
            };
            match is_listed {
                false => {
                    known.gone.committed.get_or_insert(at);
                }
                true if known.gone.committed.is_some() => {
                    known.back.committed.get_or_insert(at);
                }
                true => {}
            }
        }
    }

    fn send(&mut self, at: SimTime, caller: CallerId, instance: InstanceId, is_wasted: bool) {
        if !self.followed.contains_key(&instance) {
            return;
        }
        let Some(known) = self.known(instance) else {
            return;
        };
        known.wasted_attempt_count += u64::from(is_wasted);
        match known.is_back {
            false => known.gone.attempt = Some((at, caller)),
            true => {
                known.back.attempt.get_or_insert((at, caller));
            }
        }
    }
}

impl Notes {
    fn note(&mut self, at: SimTime, suspector: Suspector) {
        match suspector {
            Suspector::Registry => {
                self.registry.get_or_insert(at);
            }
            Suspector::Caller(caller) => {
                self.detectors.entry(caller).or_insert(at);
            }
            Suspector::Member { node, .. } => {
                self.members.entry(node).or_insert(at);
            }
        }
    }

    fn forget(&mut self, suspector: Suspector) {
        match suspector {
            Suspector::Registry => self.registry = None,
            Suspector::Caller(caller) => {
                self.detectors.remove(&caller);
            }
            Suspector::Member { node, .. } => {
                self.members.remove(&node);
            }
        }
    }
}

impl Follower for ChangeTrace<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::FaultStarted { fault, targets } if fault == self.fault => {
                self.begin(at, targets);
            }
            Observation::FaultEnded { fault, .. }
                if fault == self.fault
                    && self.begun_count.checked_sub(1) == Some(self.window)
                    && self.ended.is_none() =>
            {
                self.end(at);
            }
            Observation::NodeChanged { node, state, .. } => self.change_state(at, node, state),
            Observation::Suspected {
                suspector,
                instance,
            } => self.suspect(at, suspector, instance),
            Observation::Trusted {
                suspector,
                instance,
            } => self.trust(at, suspector, instance),
            Observation::Published { view } => {
                let instances = self.scenario.topology.service_instances(view.service);
                let of: Vec<InstanceId> = self
                    .followed
                    .keys()
                    .copied()
                    .filter(|instance| instances.contains(&instance.0))
                    .collect();
                let has = |instance| view.members.iter().any(|it| it.instance == instance);
                self.publish(at, has, &of);
            }
            Observation::Excluded {
                caller, instance, ..
            } => self.move_caller(at, (caller, instance), true),
            Observation::Included { caller, instance } => {
                self.move_caller(at, (caller, instance), false);
            }
            Observation::AttemptSent {
                caller,
                instance,
                is_wasted,
                ..
            } => self.send(at, caller, instance, is_wasted),
            _ => {}
        }
    }

    fn follow(&mut self, _: SimTime, _: &Step) {}
}

/// Puts notes in words.
struct Teller<'a>(&'a Scenario);

impl Teller<'_> {
    fn change(&self, instance: InstanceId, followed: &Followed) -> InstanceChange {
        let topology = &self.0.topology;
        let service = topology.service_of(instance);
        let edges = self.0.edges.iter().enumerate();
        let of_service = edges.filter(|(_, edge)| edge.to == service);
        let callers =
            of_service.map(|(place, _)| topology.edge_callers(EdgeId::from_index(place)).len());
        InstanceChange {
            instance: topology.instance_name(instance),
            caller_count: callers.sum(),
            gone: self.passage(&followed.gone),
            back: self.passage(&followed.back),
            wasted_attempt_count: followed.wasted_attempt_count,
        }
    }

    fn passage(&self, notes: &Notes) -> Passage {
        let topology = &self.0.topology;
        let of_caller = |caller: CallerId| topology.node_name(topology.caller_node(caller));
        let secs = |at: SimTime| at.as_secs_f64();
        let by_caller = |times: &BTreeMap<CallerId, SimTime>| {
            spread(times.iter().map(|(caller, at)| (*at, of_caller(*caller))))
        };
        let members = notes.members.iter();
        Passage {
            truth: notes
                .truth
                .map(|(at, state)| (secs(at), words::life(state))),
            registry_secs: notes.registry.map(secs),
            members: spread(members.map(|(node, at)| (*at, topology.node_name(*node)))),
            detectors: by_caller(&notes.detectors),
            committed_secs: notes.committed.map(secs),
            callers: by_caller(&notes.callers),
            attempt: notes
                .attempt
                .map(|(at, caller)| (secs(at), of_caller(caller))),
        }
    }
}

fn spread(times: impl Iterator<Item = (SimTime, String)>) -> Option<Spread> {
    let mut times: Vec<(SimTime, String)> = times.collect();
    times.sort();
    let last_by = times.last()?.1.clone();
    let secs: Vec<f64> = times.iter().map(|(at, _)| at.as_secs_f64()).collect();
    Some(Spread {
        first_secs: secs[0],
        median_secs: quantile(&secs, 0.5),
        last_secs: secs[secs.len() - 1],
        count: secs.len(),
        last_by,
    })
}
