//! What the windows of the fault plan do to the world.

use super::event::Event;
use super::fault_plan::{PlannedWindow, WINDOW_COUNT_MAX};
use super::observation::{LifeState, Observation, Observer};
use super::reaction::STEP_FIRST;
use super::request::Attempt;
use super::sampler::Sampler;
use super::target::{NodeSet, Targets, ZoneMeaning};
use super::world::World;
use crate::engine::{PendingSet, Timer};
use crate::id::{ClassId, FaultId, InstanceId, NodeId};
use crate::rng::{Purpose, Streams, UniformSource, mix, path_hash};
use crate::scenario::fault::{FaultKind, FaultScope};
use crate::time::SimDuration;

/// The plan, and what of it is under way.
#[derive(Debug)]
pub struct FaultSteps {
    pub(super) windows: Vec<PlannedWindow>,
    /// Windows of error faults under way, by number of the window, in order of their begin.
    errors: Vec<ErrorFault>,
    /// Windows that change weights under way, in order of their begin.
    weights: Vec<WeightFault>,
    /// Windows in which one class is slow under way, in order of their begin.
    class_slows: Vec<ClassSlow>,
    /// How many times slower members of the registry work; the others are as they were.
    member_slowness: std::collections::BTreeMap<NodeId, f64>,
    /// Windows that change clocks under way, in order of their begin.
    pub(super) drifts: Vec<DriftFault>,
    /// Windows of nodes that flap under way, with whether these are down.
    pub(super) flapping: std::collections::BTreeMap<usize, bool>,
    /// Windows whose victims were replaced.
    pub(super) replaced: std::collections::BTreeSet<usize>,
    /// Exits of instances that leave, by instance.
    pub(super) graces: std::collections::BTreeMap<InstanceId, Timer>,
}

/// A window that changes weights.
#[derive(Debug)]
struct WeightFault {
    window: usize,
    targets: NodeSet,
    weight: f64,
}

/// A window that changes the rate of clocks.
#[derive(Debug)]
pub(super) struct DriftFault {
    pub window: usize,
    pub targets: NodeSet,
    pub drift_ratio: f64,
}

/// A window of an error fault.
#[derive(Debug)]
struct ErrorFault {
    window: usize,
    /// Hash of the fault's path, which names its draws.
    path_hash: u64,
    targets: NodeSet,
    ratio: f64,
    demand: Option<Sampler>,
    /// The class whose requests it hits; None: all.
    class: Option<ClassId>,
}

/// A window in which one class is slow.
#[derive(Debug)]
struct ClassSlow {
    window: usize,
    targets: NodeSet,
    class: ClassId,
    factor: f64,
}

impl FaultSteps {
    /// Nothing under way yet.
    pub fn new(windows: Vec<PlannedWindow>) -> Self {
        FaultSteps {
            windows,
            errors: Vec::new(),
            weights: Vec::new(),
            class_slows: Vec::new(),
            member_slowness: std::collections::BTreeMap::new(),
            drifts: Vec::new(),
            flapping: std::collections::BTreeMap::new(),
            replaced: std::collections::BTreeSet::new(),
            graces: std::collections::BTreeMap::new(),
        }
    }

    /// Takes note that the victims of a window were replaced, and returns it.
    pub fn note_replaced(&mut self, index: usize) -> PlannedWindow {
        self.replaced.insert(index);
        self.windows[index].clone()
    }

    /// Whether an attempt ends in an error: None if not, otherwise the service demand of the
    /// error, if it has one of its own.
    pub fn draw_error(&self, attempt: &Attempt, streams: &Streams) -> Option<Option<SimDuration>> {
        let node = NodeId(attempt.instance.0);
        let hits = |error: &&ErrorFault| {
            error.targets.has(node) && error.class.is_none_or(|class| class == attempt.class)
        };
        for error in self.errors.iter().filter(hits) {
            let (identity, number) = (
                mix(attempt.identity) ^ error.path_hash,
                attempt.index.into(),
            );
            let uniform = streams
                .draw(Purpose::ErrorReply, identity, number, 0)
                .uniform();
            if uniform >= error.ratio {
                continue;
            }
            let demand = error.demand.as_ref().map(|law| {
                law.sample(&mut streams.draw(Purpose::ServiceDemand, identity, number, 0))
            });
            return Some(demand);
        }
        None
    }
}

impl FaultSteps {
    /// How long work of this length takes a member of the registry that begins it now.
    #[inline]
    pub fn member_time(&self, member: NodeId, length: SimDuration) -> SimDuration {
        if self.member_slowness.is_empty() {
            return length;
        }
        let factor = self.member_slowness.get(&member);
        factor.map_or(length, |factor| length.scaled(*factor))
    }

    /// Members of the registry become slower by `factor`, or faster again. What they began already
    /// goes on as it began.
    fn slow_members(&mut self, instance_count: usize, window: &PlannedWindow, factor: f64) {
        let members = window.targets.iter();
        for member in members.filter(|node| instance_count <= node.index()) {
            let slowness = self.member_slowness.entry(*member).or_insert(1.0);
            *slowness *= factor;
            if (*slowness - 1.0).abs() < 1e-12 {
                self.member_slowness.remove(member);
            }
        }
    }

    /// The service demand of an attempt that a worker takes up, with the faults that make its
    /// class slow. What runs already goes on as it began.
    #[inline]
    pub fn slowed(&self, demand: SimDuration, attempt: &Attempt) -> SimDuration {
        if self.class_slows.is_empty() {
            return demand;
        }
        let node = NodeId(attempt.instance.0);
        let slows = self.class_slows.iter();
        let hits = slows.filter(|slow| slow.class == attempt.class && slow.targets.has(node));
        demand.scaled(hits.map(|slow| slow.factor).product())
    }
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

    /// Adds a window that was not planned and schedules its end. Returns the step that begins
    /// it; None if there are as many windows as a run may have.
    pub(super) fn add_window(&mut self, window: PlannedWindow) -> Option<u32> {
        let index = self.faults.windows.len();
        if WINDOW_COUNT_MAX <= index {
            return None;
        }
        let step = 2 * u32::try_from(index).expect("windows are bounded");
        self.queue.push(window.end, Event::FaultStep(step + 1));
        self.faults.windows.push(window);
        Some(step)
    }

    /// A window begins (even steps) or ends (odd steps), or something else is due.
    #[inline(never)]
    pub(super) fn on_fault_step(&mut self, step: u32, sequence: u64) {
        if STEP_FIRST <= step {
            return self.on_step(step - STEP_FIRST, sequence);
        }
        let index = step as usize / 2;
        let is_start = step.is_multiple_of(2);
        let fault = self.faults.windows[index].fault;
        if is_start {
            self.choose_targets(index, fault);
        }
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
        if !window.is_follower {
            self.on_window_step(fault, is_start);
        }
    }

    /// Who is hit, where only the run knows.
    fn choose_targets(&mut self, index: usize, fault: FaultId) {
        let config = &self.scenario.faults[fault.index()];
        if config.kind.rollout().is_some() {
            let window = self.faults.windows[index].clone();
            self.faults.windows[index].targets = self.open_rollout(index, &window);
        } else if let FaultScope::Nodes { target, .. } = &config.scope
            && target.names_leader()
        {
            let nothing_more = ZoneMeaning {
                has_callers: false,
                has_registry: false,
            };
            let chosen = self.targets().resolve(target, nothing_more, 0);
            self.faults.windows[index].targets = chosen;
        }
    }

    /// What selectors mean now.
    pub(super) fn targets(&self) -> Targets<'_> {
        let topology = &self.scenario.topology;
        let system = self.registry.system.as_ref();
        let leader = system.and_then(|system| system.leader());
        Targets {
            scenario: self.scenario,
            nodes: &self.nodes,
            streams: &self.streams,
            leader: leader.map(|member| topology.registry_node(member)),
        }
    }

    fn apply(&mut self, index: usize, window: &PlannedWindow, is_start: bool) {
        let scenario = self.scenario;
        let config = &scenario.faults[window.fault.index()];
        match &config.kind {
            FaultKind::Crash | FaultKind::HostLoss
                if !is_start && self.faults.replaced.contains(&index) => {}
            FaultKind::Crash => {
                self.hold_or_release(window, LifeState::Crashed, is_start);
                self.plan_replacement(index, window, is_start);
            }
            FaultKind::HostLoss => {
                self.hold_or_release(window, LifeState::HostLost, is_start);
                self.plan_replacement(index, window, is_start);
            }
            FaultKind::Pause | FaultKind::GcPause => {
                self.hold_or_release(window, LifeState::Paused, is_start);
            }
            FaultKind::Flapping(_) => match is_start {
                true => self.start_flapping(index),
                false => self.end_flapping(index),
            },
            FaultKind::ClockDrift { drift_ratio } => {
                self.change_drift(index, window, *drift_ratio, is_start);
            }
            FaultKind::RegistryOutage => {
                self.hold_or_release(window, LifeState::Crashed, is_start);
            }
            FaultKind::ScaleOut { grace } => match is_start {
                true => self.join(&window.targets, Some(window.fault)),
                false => self.leave(&window.targets, *grace),
            },
            FaultKind::ScaleIn { grace } => match is_start {
                true => self.leave(&window.targets, *grace),
                false => self.join(&window.targets, Some(window.fault)),
            },
            FaultKind::RollingRestart(_) if is_start => self.start_rollout(index),
            FaultKind::RollingRestart(_) => {}
            FaultKind::Slow { factor } if config.class.is_some() => {
                self.slow_class(index, window, *factor, is_start);
            }
            FaultKind::Slow { factor } => {
                let factor = if is_start { *factor } else { 1.0 / *factor };
                self.slow(window, factor);
                self.faults
                    .slow_members(self.instances.len(), window, factor);
            }
            FaultKind::Error {
                ratio,
                service_time,
            } => {
                self.change_errors(index, window, *ratio, service_time.as_ref(), is_start);
            }
            FaultKind::WeightChange { weight } => {
                self.change_weights(index, window, *weight, is_start);
            }
            FaultKind::Loss { .. }
            | FaultKind::Delay { .. }
            | FaultKind::Partition
            | FaultKind::Clog => self.change_links(window, is_start),
        }
    }

    pub(super) fn hold_or_release(
        &mut self,
        window: &PlannedWindow,
        state: LifeState,
        is_held: bool,
    ) {
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

    /// Instances leave in good order: they deregister, and exit after `grace`.
    pub(super) fn leave(&mut self, targets: &[NodeId], grace: SimDuration) {
        for instance in self.instances_of(targets) {
            self.leave_rollout(instance);
            self.registry.leases[instance.index()].leave_count += 1;
            self.reactions.touch(instance);
            if self.registry.leases[instance.index()].leave_count > 1 {
                continue;
            }
            self.deregister(instance);
            self.leave_clusters(instance);
            let sequence = self.schedule(grace, Event::GraceEnds(instance.0));
            let mut timer = Timer::UNSET;
            timer.set(sequence);
            self.faults.graces.insert(instance, timer);
        }
    }

    /// Instances come, or come back once no window keeps them out.
    pub(super) fn join(&mut self, targets: &[NodeId], fault: Option<FaultId>) {
        for instance in self.instances_of(targets) {
            let node = self.instance_node(instance);
            let leave_count = &mut self.registry.leases[instance.index()].leave_count;
            *leave_count -= 1;
            self.reactions.touch(instance);
            if *leave_count > 0 {
                continue;
            }
            // One that a rolling restart made leave first has had no grace of its own.
            let has_grace_left = self.faults.graces.remove(&instance).is_some();
            let is_absent = self.nodes[node.index()].is_held(LifeState::Absent);
            if is_absent && !has_grace_left {
                self.release_nodes(&[node], LifeState::Absent, fault);
            } else if self.nodes[node.index()].state.is_up() {
                self.register(instance);
                self.stay_in_clusters(node);
            }
        }
    }

    /// An instance that leaves exits.
    #[inline(never)]
    pub(super) fn on_grace_ends(&mut self, instance: InstanceId, sequence: u64) {
        let timer = self.faults.graces.get(&instance);
        if !timer.is_some_and(|timer| timer.is_live(sequence)) {
            return;
        }
        self.faults.graces.remove(&instance);
        let node = self.instance_node(instance);
        let identity = self.nodes[node.index()].path_hash;
        self.fold(Event::GraceEnds(instance.0), node, identity);
        self.exit_for_good(node, None);
    }

    /// Instances become slower by `factor`, or faster again.
    fn slow(&mut self, window: &PlannedWindow, factor: f64) {
        let instances = self.instances_of(&window.targets);
        for instance in &instances {
            if self.instances[instance.index()].shared().is_some() {
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
            if self.instances[instance.index()].shared().is_some() {
                self.schedule_shared(*instance);
            }
        }
    }

    /// Work of one class becomes slower by `factor`, or no longer is.
    fn slow_class(&mut self, index: usize, window: &PlannedWindow, factor: f64, is_start: bool) {
        if !is_start {
            self.faults.class_slows.retain(|slow| slow.window != index);
            return;
        }
        let class = self.scenario.faults[window.fault.index()].class;
        self.faults.class_slows.push(ClassSlow {
            window: index,
            targets: window.targets.iter().copied().collect(),
            class: class.expect("it hits a class"),
            factor,
        });
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
                path_hash: path_hash(&format!(
                    "fault.{}",
                    self.scenario.faults[window.fault.index()].name
                )),
                targets: window.targets.iter().copied().collect(),
                ratio,
                demand: service_time.map(Sampler::new),
                class: self.scenario.faults[window.fault.index()].class,
            });
        } else {
            self.faults.errors.retain(|error| error.window != index);
        }
    }

    /// A window that changes weights begins or ends; of several, the one that began last holds.
    fn change_weights(&mut self, index: usize, window: &PlannedWindow, weight: f64, begins: bool) {
        if begins {
            let targets = window.targets.iter().copied().collect();
            self.faults.weights.push(WeightFault {
                window: index,
                targets,
                weight,
            });
        } else {
            self.faults.weights.retain(|fault| fault.window != index);
        }
        for instance in self.instances_of(&window.targets) {
            let node = self.instance_node(instance);
            let group = self.scenario.topology.group_of(instance);
            let own = self.scenario.groups[group.index()].weight;
            let latest = self
                .faults
                .weights
                .iter()
                .rev()
                .find(|fault| fault.targets.has(node));
            let state = &mut self.instances[instance.index()];
            state.weight = latest.map_or(own, |fault| fault.weight);
            let service = state.service;
            match self.is_static(service) || !self.has_system() {
                true => self.mark_dirty(service),
                false => self.on_system_weight_changed(instance),
            }
        }
    }
}
