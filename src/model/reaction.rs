//! What the load of instances sets off: triggered faults, crashes by overload and autoscaling.
//!
//! Instances whose load matters are looked at after every event that touched them, so conditions
//! are exact: they change at the instant at which a queue or a worker does.

use super::autoscale::Scaler;
use super::event::Event;
use super::fault_plan::{Planner, WINDOW_COUNT_MAX};
use super::observation::{LifeState, Observation, Observer};
use super::rollout::Rollouts;
use super::target::{Targets, ZoneMeaning};
use super::watch::{Load, Watch};
use super::world::World;
use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{FaultId, InstanceId, NodeId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::fault::FaultScope;
use crate::scenario::selector::{Selector, Target};
use crate::scenario::trigger::{Condition, Trigger, is_dynamic};
use crate::time::SimDuration;

/// Indices of [`Event::FaultStep`] from here on are places of [`Step`]s; those below are the two
/// ends of each window.
pub(super) const STEP_FIRST: u32 = 1 << 25;

const _: () = assert!(2 * WINDOW_COUNT_MAX < STEP_FIRST as usize);

/// Something that is due later.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The condition of a watch has held for long enough.
    Holds(u32),
    /// A fault follows a window of another one.
    Follows(FaultId),
    /// The victims of a window are replaced.
    Replaces(u32),
    /// An instance has more work than memory.
    Crashes(InstanceId),
    /// A piece of a copy of data is out.
    Copies(ServiceId),
    /// An autoscaler decides.
    Decides(ServiceId),
    /// An instance that an autoscaler asked for starts.
    Joins(InstanceId),
    /// Nodes that flap go down or come up.
    Flips { window: u32, number: u32 },
    /// A rolling restart is looked at.
    Rolls(u32),
    /// An instance that goes in a rolling restart takes nothing new.
    Stops { place: u32, instance: InstanceId },
    /// An instance that goes in a rolling restart exits.
    Exits { place: u32, instance: InstanceId },
    /// What came in a rolling restart is ready.
    Readies {
        place: u32,
        instance: InstanceId,
        incarnation: u32,
    },
}

/// A fault that follows another one whose windows only the run decides.
#[derive(Clone, Copy, Debug)]
struct Follower {
    fault: FaultId,
    is_from_end: bool,
    delay: SimDuration,
}

/// What follows from loads and from windows that were not planned.
#[derive(Debug)]
pub(super) struct Reactions {
    /// Whether the load of any instance matters.
    pub is_watching: bool,
    /// What each instance has, as last looked at; empty unless loads matter.
    loads: Vec<Load>,
    /// Instances that something happened to since then.
    touched: Vec<InstanceId>,
    pub steps: Slab<Step>,
    watches: Vec<Watch>,
    /// The watches of each instance.
    watches_of: Vec<Vec<u32>>,
    /// Instances that are about to crash.
    is_crashing: Vec<bool>,
    /// By service.
    pub scalers: Vec<Option<Scaler>>,
    /// By fault.
    followers: Vec<Vec<Follower>>,
    /// Windows of each fault that the run began.
    window_counts: Vec<u32>,
    /// The next spare instance of each group for what is replaced, once there was one.
    pub replacement_next: std::collections::BTreeMap<u32, u32>,
    pub rollouts: Rollouts,
}

impl Reactions {
    /// Nothing has happened yet.
    pub fn new(scenario: &Scenario, targets: &Targets<'_>) -> Self {
        let instance_count = scenario.topology.instance_count() as usize;
        let mut watches_of = vec![Vec::new(); instance_count];
        let watches = watches(scenario, targets, &mut watches_of);
        let services = &scenario.services;
        let has_rollouts = scenario.faults.iter().any(|f| f.kind.rollout().is_some());
        let is_watching = !watches.is_empty()
            || has_rollouts
            || services
                .iter()
                .any(|service| service.crash_above.is_some() || service.autoscale.is_some());
        let count = if is_watching { instance_count } else { 0 };
        Reactions {
            is_watching,
            loads: vec![Load::default(); count],
            touched: (0..count).map(InstanceId::from_index).collect(),
            steps: Slab::new(),
            watches,
            watches_of,
            is_crashing: vec![false; count],
            scalers: (0..services.len())
                .map(|service| Scaler::new(scenario, ServiceId::from_index(service)))
                .collect(),
            followers: followers(scenario),
            window_counts: vec![0; scenario.faults.len()],
            replacement_next: std::collections::BTreeMap::new(),
            rollouts: Rollouts::default(),
        }
    }

    /// Takes note of which instance a fact is about.
    #[cold]
    pub fn note(&mut self, observation: &Observation<'_>) {
        let touched = match *observation {
            Observation::WorkArrived { instance, .. }
            | Observation::WorkStarted { instance, .. }
            | Observation::WorkEnded { instance, .. }
            | Observation::BusyChanged { instance, .. }
            | Observation::ReleasedWorkEnded { instance, .. }
            | Observation::ConnectionClosed { instance, .. } => instance,
            Observation::NodeChanged { node, .. } if node.index() < self.loads.len() => {
                InstanceId(node.0)
            }
            _ => return,
        };
        self.touch(touched);
    }

    /// Something happened to an instance that may matter to what looks at its load.
    pub fn touch(&mut self, instance: InstanceId) {
        if self.is_watching && self.touched.last() != Some(&instance) {
            self.touched.push(instance);
        }
    }
}

/// The watches of all conditions, and which of them look at each instance.
fn watches(scenario: &Scenario, targets: &Targets<'_>, watches_of: &mut [Vec<u32>]) -> Vec<Watch> {
    let mut watches = Vec::new();
    for (place, fault) in scenario.faults.iter().enumerate() {
        let begins = match &fault.trigger {
            Some(Trigger::When(condition)) => Some((condition, false)),
            Some(Trigger::After(_)) | None => None,
        };
        let aborts = fault.kind.rollout().and_then(|c| c.abort_when.as_ref());
        let conditions = begins.into_iter().chain(aborts.map(|when| (when, true)));
        for (condition, aborts) in conditions {
            let number = u32::try_from(watches.len()).expect("faults are few");
            for node in watched_nodes(targets, condition, &fault.scope) {
                watches_of[node.index()].push(number);
            }
            watches.push(Watch::new(FaultId::from_index(place), condition, aborts));
        }
    }
    watches
}

/// The instances that a condition is about.
fn watched_nodes(targets: &Targets<'_>, condition: &Condition, scope: &FaultScope) -> Vec<NodeId> {
    let own = match (&condition.over, scope) {
        (Some(over), _) => over.clone(),
        (None, FaultScope::Nodes { target, .. }) => target.clone(),
        (None, FaultScope::Group { group, .. }) => Selector {
            text: String::new(),
            random: None,
            any_of: vec![Target::Group(*group)],
        },
        (None, FaultScope::Links { .. }) => unreachable!("a fault of links says of what"),
    };
    // All that a random choice may fall on.
    let all = Selector {
        random: None,
        ..own
    };
    let instances_only = ZoneMeaning {
        has_callers: false,
        has_registry: false,
    };
    targets.resolve(&all, instances_only, 0)
}

/// Which faults follow each fault, where only the run decides when.
fn followers(scenario: &Scenario) -> Vec<Vec<Follower>> {
    let mut followers = vec![Vec::new(); scenario.faults.len()];
    for (place, fault) in scenario.faults.iter().enumerate() {
        let id = FaultId::from_index(place);
        if let Some(Trigger::After(after)) = &fault.trigger
            && is_dynamic(&scenario.faults, id)
        {
            followers[after.fault.index()].push(Follower {
                fault: id,
                is_from_end: after.is_from_end,
                delay: after.delay,
            });
        }
    }
    followers
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Schedules a step and returns its sequence number.
    pub(super) fn schedule_step(&mut self, delay: SimDuration, step: Step) -> u64 {
        let slot = self.reactions.steps.insert(step);
        self.schedule(delay, Event::FaultStep(STEP_FIRST + slot))
    }

    /// A step is due.
    pub(super) fn on_step(&mut self, slot: u32, sequence: u64) {
        match self.reactions.steps.remove(slot) {
            Step::Holds(watch) => {
                if self.reactions.watches[watch as usize].begins(sequence) {
                    let Watch { fault, aborts, .. } = self.reactions.watches[watch as usize];
                    match aborts {
                        true => self.abort_rollouts(fault),
                        false => self.open_window(fault),
                    }
                }
            }
            Step::Follows(fault) => self.open_window(fault),
            Step::Replaces(window) => self.replace_victims(window as usize),
            Step::Copies(service) => self.on_piece_sent(service, sequence),
            Step::Crashes(instance) => self.on_overload_crash(instance),
            Step::Decides(service) => self.on_scaler_decides(service),
            Step::Joins(instance) => self.on_scaler_join(instance, sequence),
            Step::Flips { window, number } => self.on_flip(window, number),
            Step::Rolls(place) => self.roll(place),
            Step::Stops { place, instance } => self.on_drain_stops(place, instance),
            Step::Exits { place, instance } => self.on_drain_exits(place, instance),
            Step::Readies {
                place,
                instance,
                incarnation,
            } => self.on_ready(place, instance, incarnation),
        }
    }

    /// Notes that a step of this node was handled.
    pub(super) fn fold_step(&mut self, node: NodeId) {
        let identity = self.nodes[node.index()].path_hash;
        self.fold(Event::FaultStep(STEP_FIRST), node, identity);
    }

    /// Looks at what the last event did to loads.
    #[cold]
    pub(super) fn settle_loads(&mut self) {
        let mut judged = Vec::new();
        let now = self.now();
        let mut touched = std::mem::take(&mut self.reactions.touched);
        for instance in touched.drain(..) {
            if self.instances[instance.index()].is_closing {
                self.exit_if_drained(instance);
            }
            let load = self.load(instance);
            let before = self.reactions.loads[instance.index()];
            if load == before {
                continue;
            }
            self.reactions.loads[instance.index()] = load;
            self.check_memory(instance, load);
            let reactions = &mut self.reactions;
            for watch in &reactions.watches_of[instance.index()] {
                reactions.watches[*watch as usize].change(before, load);
                judged.push(*watch);
            }
            let service = self.instances[instance.index()].service;
            if let Some(scaler) = &mut reactions.scalers[service.index()] {
                scaler.change(now, before, load);
            }
        }
        // Its room is kept.
        self.reactions.touched = touched;
        judged.sort_unstable();
        judged.dedup();
        for watch in judged {
            self.judge(watch);
        }
    }

    fn load(&self, instance: InstanceId) -> Load {
        let state = &self.instances[instance.index()];
        let is_up = self.nodes[instance.index()].state.is_up();
        let is_scaled = self.reactions.scalers[state.service.index()].is_some()
            && !self.registry.leases[instance.index()].is_leaving();
        Load {
            waiting_count: state.waiting_count,
            busy_count: state.busy_count,
            worker_count: if is_up { state.worker_count } else { 0 },
            scaled_count: if is_scaled { state.busy_count } else { 0 },
        }
    }

    /// A condition may have begun to hold, or no longer hold.
    fn judge(&mut self, watch: u32) {
        let Some(hold) = self.reactions.watches[watch as usize].judge() else {
            return;
        };
        let sequence = self.schedule_step(hold, Step::Holds(watch));
        self.reactions.watches[watch as usize].wait(sequence);
    }

    /// A window that was not planned begins.
    fn open_window(&mut self, fault: FaultId) {
        let number = self.reactions.window_counts[fault.index()];
        self.reactions.window_counts[fault.index()] += 1;
        let planner = Planner::new(self.scenario, &self.nodes, &self.streams, fault);
        let window = planner.window(self.now(), number);
        let followers = planner.followers(&window);
        if let Some(step) = self.add_window(window) {
            self.on_fault_step(step, 0);
        }
        for follower in followers {
            let start = follower.start;
            if let Some(step) = self.add_window(follower) {
                self.queue.push(start, Event::FaultStep(step));
            }
        }
    }

    /// A window of a fault that is no follower of another window began or ended.
    pub(super) fn on_window_step(&mut self, fault: FaultId, is_start: bool) {
        for place in 0..self.reactions.followers[fault.index()].len() {
            let follower = self.reactions.followers[fault.index()][place];
            if follower.is_from_end != is_start {
                self.schedule_step(follower.delay, Step::Follows(follower.fault));
            }
        }
        for place in 0..self.reactions.watches.len() {
            let watch = &mut self.reactions.watches[place];
            // What begins windows waits for their end, what aborts them for their start.
            if watch.fault == fault && watch.aborts == is_start {
                watch.is_open = false;
                self.judge(u32::try_from(place).expect("faults are few"));
            } else if watch.fault == fault && watch.aborts {
                watch.is_open = true;
            }
        }
    }

    /// A process that has more work than memory crashes, right after the event that gave it too
    /// much.
    fn check_memory(&mut self, instance: InstanceId, load: Load) {
        let service = self.instances[instance.index()].service;
        let Some(bound) = self.scenario.services[service.index()].crash_above else {
            return;
        };
        let is_above = |count: u32, bound: Option<u32>| bound.is_some_and(|bound| bound < count);
        let free_count = self.instances[instance.index()].free_count;
        let in_flight = load.waiting_count + load.busy_count + free_count;
        let is_over =
            is_above(load.waiting_count, bound.queue) || is_above(in_flight, bound.in_flight);
        if is_over && !self.reactions.is_crashing[instance.index()] {
            self.reactions.is_crashing[instance.index()] = true;
            self.schedule_step(SimDuration::ZERO, Step::Crashes(instance));
        }
    }

    fn on_overload_crash(&mut self, instance: InstanceId) {
        let node = self.instance_node(instance);
        self.fold_step(node);
        self.reactions.is_crashing[instance.index()] = false;
        if self.nodes[node.index()].state.is_up() {
            self.hold_nodes(&[node], LifeState::Crashed, None);
            self.release_nodes(&[node], LifeState::Crashed, None);
        }
    }
}

/// Makes the timer of a step live.
pub(super) fn set(timer: &mut Timer, sequence: u64) {
    timer.cancel();
    timer.set(sequence);
}
