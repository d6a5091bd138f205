//! The messages of single attempts in a short window of a run, and what befell the nodes between
//! which they went.

use std::collections::{BTreeMap, BTreeSet};

use super::Follower;
use crate::id::{CallerId, FaultId, InstanceId, NodeId};
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{AttemptOutcome, LifeState, Observation, WorkEnd};
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// Attempts that were sent longer before the window are left out.
const LOOK_BACK: SimDuration = SimDuration::from_secs(30);

/// What is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The window; its end is not in it.
    pub span: (SimTime, SimTime),
    /// Only attempts of this request of a client and of its sub-calls.
    pub request: Option<u64>,
    /// Most attempts.
    pub attempt_count_max: usize,
    /// Most nodes.
    pub node_count_max: usize,
}

/// One attempt, as far as its steps came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptStory {
    /// The calling side.
    pub caller: NodeId,
    /// The instance.
    pub instance: InstanceId,
    /// Its number within its call, from 0.
    pub attempt: u8,
    /// When its caller sent it.
    pub sent_at: SimTime,
    /// When it reached the instance and was let in.
    pub reached_at: Option<SimTime>,
    /// When the instance turned it away.
    pub turned_away_at: Option<SimTime>,
    /// When a worker took it up.
    pub started_at: Option<SimTime>,
    /// When and how the instance was done with it.
    pub left: Option<(SimTime, WorkEnd)>,
    /// When and how it ended for its caller.
    pub ended: Option<(SimTime, AttemptOutcome)>,
}

/// What somebody came to think of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// A detector suspects it, or a calling side leaves it out.
    Doubted,
    /// A detector trusts it, or a calling side has it as a candidate again.
    Trusted,
}

/// Attempts and events of a window.
#[derive(Debug)]
pub struct Messages {
    chosen: Chosen,
    /// The calling side of every call under way.
    callers: BTreeMap<u64, NodeId>,
    /// Calling sides by their number.
    caller_nodes: Vec<NodeId>,
    /// The chosen request and its sub-calls.
    told: BTreeSet<u64>,
    /// Attempts that may still have steps, by request and number.
    open: BTreeMap<(u64, u8), AttemptStory>,
    /// Attempts of the window without further steps.
    done: Vec<AttemptStory>,
    /// Changes of nodes up to the end of the window.
    lives: Vec<(SimTime, NodeId, LifeState)>,
    opinions: Vec<(SimTime, InstanceId, Opinion)>,
    faults: Vec<FaultWindow>,
}

/// A window of a fault with its start, and its end if that has come.
pub type FaultWindow = (FaultId, SimTime, Option<SimTime>);

/// What a window held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowOfMessages {
    /// Attempts with a part in the window that are told, in order of sending.
    pub attempts: Vec<AttemptStory>,
    /// All of them.
    pub attempt_count: usize,
    /// The nodes of those that are told.
    pub nodes: Vec<NodeId>,
    /// What the nodes were, in order of time, from the start of the run.
    pub lives: Vec<(SimTime, NodeId, LifeState)>,
    /// What was thought of the instances, in order of time, within the window.
    pub opinions: Vec<(SimTime, InstanceId, Opinion)>,
    /// Windows of faults that began before the window ended.
    pub faults: Vec<FaultWindow>,
}

impl Messages {
    /// Collects what is chosen of a run of `scenario`.
    pub fn new(scenario: &Scenario, chosen: Chosen) -> Self {
        let topology = &scenario.topology;
        let callers = (0..topology.caller_count()).map(CallerId);
        Messages {
            chosen,
            callers: BTreeMap::new(),
            caller_nodes: callers.map(|caller| topology.caller_node(caller)).collect(),
            told: chosen.request.into_iter().collect(),
            open: BTreeMap::new(),
            done: Vec::new(),
            lives: Vec::new(),
            opinions: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// What the window held. Attempts are told in order of sending, as long as their nodes fit.
    pub fn finish(mut self, scenario: &Scenario) -> WindowOfMessages {
        let open = std::mem::take(&mut self.open);
        for story in open.into_values() {
            self.close(story);
        }
        self.done
            .sort_by_key(|story| (story.sent_at, story.caller, story.instance));
        let node_of = |instance| scenario.topology.instance_node(instance);
        let mut nodes: BTreeSet<NodeId> = BTreeSet::new();
        let mut attempts = Vec::new();
        for story in &self.done {
            let both = [story.caller, node_of(story.instance)];
            let new_count = both.iter().filter(|node| !nodes.contains(node)).count();
            let has_room = nodes.len() + new_count <= self.chosen.node_count_max;
            if has_room && attempts.len() < self.chosen.attempt_count_max {
                nodes.extend(both);
                attempts.push(*story);
            }
        }
        self.lives.retain(|(_, node, _)| nodes.contains(node));
        self.opinions
            .retain(|(_, instance, _)| nodes.contains(&node_of(*instance)));
        WindowOfMessages {
            attempts,
            attempt_count: self.done.len(),
            nodes: nodes.into_iter().collect(),
            lives: self.lives,
            opinions: self.opinions,
            faults: self.faults,
        }
    }

    fn is_told(&self, request: u64) -> bool {
        self.chosen.request.is_none() || self.told.contains(&request)
    }

    /// Keeps an attempt with a part in the window.
    fn close(&mut self, story: AttemptStory) {
        let left_at = story.left.map(|(at, _)| at);
        let ended_at = story.ended.map(|(at, _)| at);
        let last = left_at.max(ended_at).max(story.reached_at);
        let (from, to) = self.chosen.span;
        // Without an end it lasts.
        if story.sent_at < to && (story.ended.is_none() || last.is_none_or(|last| from <= last)) {
            self.done.push(story);
        }
    }

    fn begin(&mut self, at: SimTime, request: u64, attempt: u8, instance: InstanceId) {
        let (from, to) = self.chosen.span;
        let caller = self.callers.get(&request).copied();
        let Some(caller) = caller.filter(|_| from <= at + LOOK_BACK && at < to) else {
            return;
        };
        let story = AttemptStory {
            caller,
            instance,
            attempt,
            sent_at: at,
            reached_at: None,
            turned_away_at: None,
            started_at: None,
            left: None,
            ended: None,
        };
        // The numbers of very many attempts come again.
        if let Some(before) = self.open.insert((request, attempt), story) {
            self.close(before);
        }
    }

    fn go_on(&mut self, request: u64, attempt: u8, note: impl FnOnce(&mut AttemptStory)) {
        let Some(story) = self.open.get_mut(&(request, attempt)) else {
            return;
        };
        note(story);
        let is_gone = story.reached_at.is_none() || story.left.is_some();
        let is_answered = story.reached_at.is_some() || story.turned_away_at.is_some();
        if story.ended.is_some() && is_gone && is_answered {
            let story = *story;
            self.open.remove(&(request, attempt));
            self.close(story);
        }
    }
}

impl Follower for Messages {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let (from, to) = self.chosen.span;
        if to <= at {
            return;
        }
        match *observation {
            Observation::FaultStarted { fault, .. } => self.faults.push((fault, at, None)),
            Observation::FaultEnded { fault, .. } => {
                let mut open = self.faults.iter_mut();
                if let Some(window) = open.find(|it| it.0 == fault && it.2.is_none()) {
                    window.2 = Some(at);
                }
            }
            Observation::NodeChanged { node, state, .. } => self.lives.push((at, node, state)),
            Observation::Suspected { instance, .. } | Observation::Excluded { instance, .. }
                if from <= at =>
            {
                self.opinions.push((at, instance, Opinion::Doubted));
            }
            Observation::Trusted { instance, .. } | Observation::Included { instance, .. }
                if from <= at =>
            {
                self.opinions.push((at, instance, Opinion::Trusted));
            }
            // Messages are told by the steps of requests.
            _ => {}
        }
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        let request = step.request;
        if let StepKind::BelongsTo { request: of, .. } = step.kind
            && self.told.contains(&of)
        {
            self.told.insert(request);
        }
        if !self.is_told(request) {
            return;
        }
        match step.kind {
            StepKind::Began { caller, .. } => {
                self.callers
                    .insert(request, self.caller_nodes[caller.index()]);
            }
            StepKind::CallEnded { .. } => {
                self.callers.remove(&request);
            }
            StepKind::Sent {
                attempt, instance, ..
            } => self.begin(at, request, attempt, instance),
            StepKind::Reached { attempt, .. } => {
                self.go_on(request, attempt, |story| story.reached_at = Some(at));
            }
            StepKind::TurnedAway { attempt, .. } => {
                self.go_on(request, attempt, |story| story.turned_away_at = Some(at));
            }
            StepKind::TakenUp { attempt, .. } => {
                self.go_on(request, attempt, |story| story.started_at = Some(at));
            }
            StepKind::Left { attempt, end, .. } => {
                self.go_on(request, attempt, |story| story.left = Some((at, end)));
            }
            StepKind::AttemptEnded {
                attempt, outcome, ..
            } => self.go_on(request, attempt, |story| story.ended = Some((at, outcome))),
            StepKind::Arrived { .. }
            | StepKind::BelongsTo { .. }
            | StepKind::BackedOff { .. }
            | StepKind::Ended { .. } => {}
        }
    }
}
