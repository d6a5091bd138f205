//! What happened to chosen requests, and what was true and believed of the instances that they were
//! sent to.

use std::collections::{BTreeMap, BTreeSet};

use super::Follower;
use crate::id::{CallerId, FaultId, InstanceId, NodeId};
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{ExclusionCause, LifeState, Observation, Suspector};
use crate::scenario::Scenario;
use crate::time::SimTime;

/// What was true and believed of an instance when an attempt was sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belief {
    /// What it was in truth.
    pub truth: LifeState,
    /// Since when, and by which fault; None where it never changed.
    pub since: Option<(SimTime, Option<FaultId>)>,
    /// Other faults that acted on it.
    pub faults: Vec<FaultId>,
    /// The registry suspected it.
    pub is_suspected_by_registry: bool,
    /// The calling side suspected it.
    pub is_suspected_by_caller: bool,
    /// The calling side had left it out of its candidates.
    pub excluded: Option<ExclusionCause>,
    /// Attempts in it, waiting and running.
    pub load: u32,
}

/// One step of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryStep {
    /// When.
    pub at: SimTime,
    /// The request or sub-call.
    pub request: u64,
    /// How deep that is below the request of the client: 0 for itself.
    pub depth: u32,
    /// What happened.
    pub kind: StepKind,
    /// Where an attempt was sent or arrived: what held of its instance.
    pub belief: Option<Belief>,
}

/// What is known of an instance now.
#[derive(Clone, Debug)]
struct Known {
    truth: LifeState,
    since: Option<(SimTime, Option<FaultId>)>,
    faults: Vec<FaultId>,
    is_suspected: bool,
    load: u32,
}

/// Collects the stories of some requests.
#[derive(Debug)]
pub struct Stories {
    /// The requests that are told, by identity, with their sub-calls: the request of the client and
    /// the depth below it.
    told: BTreeMap<u64, (u64, u32)>,
    /// By request of a client.
    steps: BTreeMap<u64, Vec<StoryStep>>,
    /// The calling side of every request that is told.
    callers: BTreeMap<u64, CallerId>,
    known: Vec<Known>,
    suspicions: BTreeSet<(CallerId, InstanceId)>,
    exclusions: BTreeMap<(CallerId, InstanceId), ExclusionCause>,
}

impl Stories {
    /// Tells of these requests of clients.
    pub fn new(scenario: &Scenario, requests: &[u64]) -> Self {
        let unknown = Known {
            truth: LifeState::Up,
            since: None,
            faults: Vec::new(),
            is_suspected: false,
            load: 0,
        };
        Stories {
            told: requests.iter().map(|&it| (it, (it, 0))).collect(),
            steps: BTreeMap::new(),
            callers: BTreeMap::new(),
            known: vec![unknown; scenario.topology.instance_count() as usize],
            suspicions: BTreeSet::new(),
            exclusions: BTreeMap::new(),
        }
    }

    /// The story of a request; empty if there was none of this name.
    pub fn of(&self, request: u64) -> &[StoryStep] {
        self.steps.get(&request).map_or(&[], Vec::as_slice)
    }

    fn known_of(&mut self, node: NodeId) -> Option<&mut Known> {
        self.known.get_mut(node.index())
    }

    fn act(&mut self, fault: FaultId, targets: &[NodeId], is_start: bool) {
        for target in targets {
            if let Some(known) = self.known_of(*target) {
                known.faults.retain(|other| *other != fault);
                if is_start {
                    known.faults.push(fault);
                }
            }
        }
    }

    fn belief(&self, request: u64, instance: InstanceId) -> Belief {
        let known = &self.known[instance.index()];
        let caller = self.callers.get(&request);
        let pair = caller.map(|caller| (*caller, instance));
        Belief {
            truth: known.truth,
            since: known.since,
            faults: known.faults.clone(),
            is_suspected_by_registry: known.is_suspected,
            is_suspected_by_caller: pair.is_some_and(|pair| self.suspicions.contains(&pair)),
            excluded: pair.and_then(|pair| self.exclusions.get(&pair).copied()),
            load: known.load,
        }
    }
}

impl Follower for Stories {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::NodeChanged { node, state, fault } => {
                if let Some(known) = self.known_of(node) {
                    known.truth = state;
                    known.since = Some((at, fault));
                }
            }
            Observation::FaultStarted { fault, targets } => self.act(fault, targets, true),
            Observation::FaultEnded { fault, targets } => self.act(fault, targets, false),
            Observation::Suspected {
                suspector,
                instance,
            } => match suspector {
                Suspector::Registry => self.known[instance.index()].is_suspected = true,
                Suspector::Caller(caller) => {
                    self.suspicions.insert((caller, instance));
                }
                // What a member believes reaches a call as an exclusion.
                Suspector::Member { .. } => {}
            },
            Observation::Trusted {
                suspector,
                instance,
            }
            | Observation::Forgotten {
                suspector,
                instance,
            } => match suspector {
                Suspector::Registry => self.known[instance.index()].is_suspected = false,
                Suspector::Caller(caller) => {
                    self.suspicions.remove(&(caller, instance));
                }
                Suspector::Member { .. } => {}
            },
            Observation::Excluded {
                caller,
                instance,
                cause,
            } => {
                self.exclusions.insert((caller, instance), cause);
            }
            Observation::Included { caller, instance } => {
                self.exclusions.remove(&(caller, instance));
            }
            // What single requests do is told by their steps.
            _ => {}
        }
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        if let StepKind::BelongsTo { request, .. } = step.kind
            && let Some((root, depth)) = self.told.get(&request).copied()
        {
            self.told.insert(step.request, (root, depth + 1));
        }
        let told = self.told.get(&step.request).copied();
        if told.is_some()
            && let StepKind::Began { caller, .. } = step.kind
        {
            self.callers.insert(step.request, caller);
        }
        // What an attempt finds at its instance does not count itself.
        if let Some((root, depth)) = told {
            let belief = match step.kind {
                StepKind::Sent { instance, .. } | StepKind::Reached { instance, .. } => {
                    Some(self.belief(step.request, instance))
                }
                _ => None,
            };
            self.steps.entry(root).or_default().push(StoryStep {
                at,
                request: step.request,
                depth,
                kind: step.kind,
                belief,
            });
        }
        match step.kind {
            StepKind::Reached { instance, .. } => self.known[instance.index()].load += 1,
            StepKind::Left { instance, .. } => {
                let load = &mut self.known[instance.index()].load;
                *load = load.saturating_sub(1);
            }
            _ => {}
        }
    }
}
