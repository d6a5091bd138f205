//! What the windows of the fault plan do to the world.

use super::event::Event;
use super::fault_plan::PlannedWindow;
use super::network::{LinkEffect, LinkFault};
use super::observation::{LifeState, Observation, Observer};
use super::request::Attempt;
use super::sampler::Sampler;
use super::serve::error_uniform;
use super::target::{NodeSet, Targets, ZoneMeaning};
use super::world::World;
use crate::engine::{PendingSet, Timer};
use crate::id::{FaultId, InstanceId, NodeId};
use crate::rng::{Purpose, Streams};
use crate::scenario::Scenario;
use crate::scenario::fault::{FaultKind, FaultScope};
use crate::scenario::selector::Selector;
use crate::time::SimDuration;

/// The plan, and what of it is under way.
#[derive(Debug)]
pub struct FaultSteps {
    windows: Vec<PlannedWindow>,
    /// Windows of error faults under way, by number of the window, in order of their begin.
    errors: Vec<ErrorFault>,
    /// Exits of instances that leave, by instance.
    graces: std::collections::BTreeMap<InstanceId, Timer>,
}

/// A window of an error fault.
#[derive(Debug)]
struct ErrorFault {
    window: usize,
    fault: FaultId,
    targets: NodeSet,
    ratio: f64,
    demand: Option<Sampler>,
}

impl FaultSteps {
    /// Nothing under way yet.
    pub fn new(windows: Vec<PlannedWindow>) -> Self {
        FaultSteps {
            windows,
            errors: Vec::new(),
            graces: std::collections::BTreeMap::new(),
        }
    }

    /// Whether an attempt ends in an error: None if not, otherwise the service demand of the
    /// error, if it has one of its own.
    pub fn draw_error(&self, attempt: &Attempt, streams: &Streams) -> Option<Option<SimDuration>> {
        let node = NodeId(attempt.instance.0);
        for error in self.errors.iter().filter(|error| error.targets.has(node)) {
            if error_uniform(attempt, streams, error.fault.0) >= error.ratio {
                continue;
            }
            let demand = error.demand.as_ref().map(|law| {
                let (identity, number) = (attempt.identity, u32::from(attempt.index));
                let step = error.fault.0 + 1;
                law.sample(&mut streams.draw(Purpose::ServiceDemand, identity, number, step))
            });
            return Some(demand);
        }
        None
    }
}

/// The nodes on the two sides of a set of links: a zone means everything in it.
pub(super) fn link_sides(
    scenario: &Scenario,
    nodes: &[super::node::Node],
    streams: &Streams,
    (from, to): (&Selector, &Selector),
    salt: u64,
) -> (NodeSet, NodeSet) {
    let targets = Targets {
        scenario,
        nodes,
        streams,
    };
    let everything = ZoneMeaning {
        has_callers: true,
        has_registry: true,
    };
    let side = |s: &Selector| targets.resolve(s, everything, salt).into_iter().collect();
    (side(from), side(to))
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Schedules both ends of every window.
    pub(super) fn start_faults(&mut self) {
        for index in 0..self.faults.windows.len() {
            let PlannedWindow { start, end, .. } = self.faults.windows[index];
            let step = 2 * u32::try_from(index).expect("windows are bounded");
            self.queue.push(start, Event::FaultStep(step));
            self.queue.push(end, Event::FaultStep(step + 1));
        }
    }

    /// A window begins (even steps) or ends (odd steps).
    pub(super) fn on_fault_step(&mut self, step: u32) {
        let index = step as usize / 2;
        let is_start = step.is_multiple_of(2);
        let window = self.faults.windows[index].clone();
        let identity = u64::from(window.number) << 1 | u64::from(is_start);
        self.fold(Event::FaultStep(step), NodeId(window.fault.0), identity);
        let PlannedWindow {
            fault, ref targets, ..
        } = window;
        if is_start {
            self.observe(Observation::FaultStarted { fault, targets });
        }
        self.apply(index, &window, is_start);
        if !is_start {
            self.observe(Observation::FaultEnded { fault, targets });
        }
    }

    fn apply(&mut self, index: usize, window: &PlannedWindow, is_start: bool) {
        let scenario = self.scenario;
        let config = &scenario.faults[window.fault.index()];
        match &config.kind {
            FaultKind::Crash => self.hold_or_release(window, LifeState::Crashed, is_start),
            FaultKind::HostLoss => self.hold_or_release(window, LifeState::HostLost, is_start),
            FaultKind::Pause => self.hold_or_release(window, LifeState::Paused, is_start),
            FaultKind::RegistryOutage => {
                self.hold_or_release(window, LifeState::Crashed, is_start);
            }
            FaultKind::ScaleOut => {
                // Spare instances are absent from the start: a window is what makes them present.
                self.hold_or_release(window, LifeState::Absent, !is_start);
            }
            FaultKind::ScaleIn { grace } => self.scale_in(window, *grace, is_start),
            FaultKind::Slow { factor } => {
                self.slow(window, if is_start { *factor } else { 1.0 / *factor });
            }
            FaultKind::Error {
                ratio,
                service_time,
            } => {
                self.change_errors(index, window, *ratio, service_time.as_ref(), is_start);
            }
            FaultKind::WeightChange { weight } => {
                self.change_weights(&window.targets, is_start.then_some(*weight));
            }
            FaultKind::Loss { .. }
            | FaultKind::Delay { .. }
            | FaultKind::Partition
            | FaultKind::Clog => self.change_links(window, is_start),
        }
    }

    fn hold_or_release(&mut self, window: &PlannedWindow, state: LifeState, is_held: bool) {
        let fault = Some(window.fault);
        if is_held {
            self.hold_nodes(&window.targets, state, fault);
        } else {
            self.release_nodes(&window.targets, state, fault);
        }
    }

    fn instances_of(&self, targets: &[NodeId]) -> Vec<InstanceId> {
        targets
            .iter()
            .filter(|node| node.index() < self.instances.len())
            .map(|node| InstanceId(node.0))
            .collect()
    }

    /// Instances leave in good order, or come back.
    fn scale_in(&mut self, window: &PlannedWindow, grace: SimDuration, is_start: bool) {
        for instance in self.instances_of(&window.targets) {
            let node = self.instance_node(instance);
            if is_start {
                self.deregister(instance);
                let sequence = self.schedule(grace, Event::GraceEnds(instance.0));
                let mut timer = Timer::UNSET;
                timer.set(sequence);
                self.faults.graces.insert(instance, timer);
            } else if self.faults.graces.remove(&instance).is_some() {
                self.instances[instance.index()].is_leaving = false;
                self.register(instance);
            } else {
                self.release_nodes(&[node], LifeState::Absent, Some(window.fault));
            }
        }
    }

    /// An instance that leaves exits.
    pub(super) fn on_grace_ends(&mut self, instance: InstanceId, sequence: u64) {
        let is_due = self
            .faults
            .graces
            .get(&instance)
            .is_some_and(|t| t.is_live(sequence));
        if !is_due {
            return;
        }
        self.faults.graces.remove(&instance);
        let node = self.instance_node(instance);
        self.fold(
            Event::GraceEnds(instance.0),
            node,
            self.nodes[node.index()].path_hash,
        );
        self.hold_nodes(&[node], LifeState::Absent, None);
    }

    /// Instances become slower by `factor`, or faster again.
    fn slow(&mut self, window: &PlannedWindow, factor: f64) {
        let instances = self.instances_of(&window.targets);
        for instance in &instances {
            if self.instances[instance.index()].sharing.is_some() {
                self.advance_sharing(*instance);
            }
        }
        let mut factors = Vec::with_capacity(instances.len());
        for instance in &instances {
            let state = &mut self.instances[instance.index()];
            let before = state.slow_factor;
            state.slow_factor *= factor;
            // A product of a factor and its inverse may miss one by a rounding error.
            if (state.slow_factor - 1.0).abs() < 1e-12 {
                state.slow_factor = 1.0;
            }
            factors.push(state.slow_factor / before);
        }
        let nodes: Vec<NodeId> = instances.iter().map(|i| self.instance_node(*i)).collect();
        self.rescale_work(&nodes, &factors);
        for instance in &instances {
            if self.instances[instance.index()].sharing.is_some() {
                self.schedule_shared(*instance);
            }
        }
    }

    fn change_errors(
        &mut self,
        index: usize,
        window: &PlannedWindow,
        ratio: f64,
        service_time: Option<&crate::scenario::distribution::Distribution>,
        is_start: bool,
    ) {
        for instance in self.instances_of(&window.targets) {
            let count = &mut self.instances[instance.index()].error_fault_count;
            *count = if is_start { *count + 1 } else { *count - 1 };
        }
        if is_start {
            self.faults.errors.push(ErrorFault {
                window: index,
                fault: window.fault,
                targets: window.targets.iter().copied().collect(),
                ratio,
                demand: service_time.map(Sampler::new),
            });
        } else {
            self.faults.errors.retain(|error| error.window != index);
        }
    }

    /// Instances have another weight, or that of their group again.
    fn change_weights(&mut self, targets: &[NodeId], weight: Option<f64>) {
        for instance in self.instances_of(targets) {
            let group = self.scenario.topology.group_of(instance);
            let own = self.scenario.groups[group.index()].weight;
            let state = &mut self.instances[instance.index()];
            state.weight = weight.unwrap_or(own);
            let service = state.service;
            self.mark_dirty(service);
        }
    }

    fn change_links(&mut self, window: &PlannedWindow, is_start: bool) {
        let now = self.now();
        if !is_start {
            let is_over = |fault: &LinkFault| fault.fault == window.fault && fault.until <= now;
            self.network.faults.retain(|fault| !is_over(fault));
            return;
        }
        let scenario = self.scenario;
        let config = &scenario.faults[window.fault.index()];
        let FaultScope::Links {
            from,
            to,
            is_symmetric,
        } = &config.scope
        else {
            unreachable!("a fault of links names links");
        };
        let path = format!("fault.{}/{}", config.name, window.number);
        let salt = crate::rng::path_hash(&path);
        let sides = (from, to);
        let (from, to) = link_sides(scenario, &self.nodes, &self.streams, sides, salt);
        let effect = match &config.kind {
            FaultKind::Loss { loss } => LinkEffect::Loss(self.network.add_loss(loss, &path)),
            FaultKind::Delay { delay } => LinkEffect::Delay(Sampler::new(delay)),
            FaultKind::Partition => LinkEffect::Partition,
            FaultKind::Clog => LinkEffect::Clog,
            kind => unreachable!("{} is no fault of links", kind.name()),
        };
        let (fault, until) = (window.fault, window.end);
        let is_symmetric = *is_symmetric;
        self.network.faults.push_back(LinkFault {
            fault,
            from,
            to,
            is_symmetric,
            until,
            effect,
        });
    }
}
