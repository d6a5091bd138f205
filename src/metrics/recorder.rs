//! The observer that turns the facts of one run into its numbers.
//!
//! Requests are counted in the class of their arrival, everything else in that of the moment. What
//! the recorder relies on: `Suspected` and `Trusted` alternate for a pair, and so do `Excluded` and
//! `Included`; `BusyChanged` and `WorkEnded` follow when a process dies; `NodeChanged` tells every
//! change from the initial state, in which configured instances are up and spare ones absent.

use super::control::KINDS;
use super::data::RunMetrics;
use super::detection::DetectionTable;
use super::exclusion::ExclusionTable;
use super::instance::InstanceTable;
use super::life::{Episode, LifeTable, is_down};
use super::phase::{Timeline, UNMEASURED};
use super::request::{RequestCell, RequestTable};
use super::ring::RingTable;
use super::selection::{Pick, SelectionTable};
use super::service::{ServiceTable, WorkRecord};
use super::table::{CallTable, FaultCounts, Tables};
use super::timeline::{TimelineTable, Witness, is_shown, true_state};
use super::window::WindowTable;
use crate::id::{FaultId, InstanceId, NodeId};
use crate::metrics::data::timeline::BelievedState;
use crate::model::observation::{
    FaultWindow, LifeState, Observation, Observer, Outcome, RunEnd, Suspector,
};
use crate::scenario::Scenario;
use crate::scenario::client::EdgeOwner;
use crate::scenario::topology::NodeKind;
use crate::time::{SimDuration, SimTime};

/// Blocks of cells times classes: more classes are pooled.
const CELL_COUNT_MAX: usize = 1_024;

/// Records one run.
#[derive(Debug)]
pub struct Recorder<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) tables: Tables,
    life: LifeTable,
    /// The piece of the timeline that holds the present.
    piece_start: SimTime,
    piece_end: SimTime,
    class: u16,
    piece: usize,
    /// The next end of a piece or of a window of the instances' series.
    next_cut: SimTime,
}

impl<'a> Recorder<'a> {
    /// A recorder for one run of `scenario` in which faults act in `fault_windows`.
    pub fn new(scenario: &'a Scenario, fault_windows: &[FaultWindow]) -> Self {
        let end = SimTime::START + scenario.duration;
        let measured = ((SimTime::START + scenario.warmup).min(end), end);
        let timeline = Timeline::new(
            scenario.warmup,
            scenario.duration,
            scenario.faults.len(),
            fault_windows,
            class_count_max(scenario),
        );
        let first_windows: Vec<Option<(SimTime, SimTime)>> = (0..scenario.faults.len())
            .map(|fault| timeline.fault_windows(fault).first().copied())
            .collect();
        let class_count = timeline.class_count();
        let instances = InstanceTable::new(scenario, class_count, timeline.piece_count());
        let tables = Tables {
            measured,
            requests: RequestTable::new(scenario, class_count),
            calls: CallTable::new(scenario, class_count),
            windows: WindowTable::new(scenario.window, scenario.duration, scenario.clients.len()),
            services: ServiceTable::new(scenario, class_count, measured),
            selection: SelectionTable::new(scenario, class_count),
            detection: DetectionTable::new(scenario, measured),
            exclusion: ExclusionTable::new(scenario, measured),
            rings: RingTable::new(scenario, &first_windows),
            timelines: TimelineTable::default(),
            faults: vec![FaultCounts::default(); scenario.faults.len()],
            control: vec![vec![[0; KINDS.len()]; scenario.services.len()]; class_count],
            steady: None,
            instances,
            timeline,
        };
        let mut recorder = Recorder {
            scenario,
            life: LifeTable::new(scenario),
            piece_start: SimTime::START,
            piece_end: SimTime::START,
            class: UNMEASURED,
            piece: 0,
            next_cut: SimTime::START,
            tables,
        };
        recorder.enter_piece(0);
        recorder
    }

    /// The numbers of the run.
    ///
    /// # Panics
    ///
    /// If requests were lost or counted twice: every one that arrived must have succeeded, failed,
    /// timed out, been rejected or be in flight at the end.
    pub fn finish(mut self, end: RunEnd) -> RunMetrics {
        // A run that ends early still has the measured window that was asked for.
        let at = end.ended_at.max(self.tables.measured.1);
        self.cut(at);
        self.tables.instances.cut_class(at, self.class);
        self.tables.services.cut_class(at, self.class);
        let (instances, services) = (&self.tables.instances, &mut self.tables.services);
        services.close(at, instances);
        for (instance, episode) in std::mem::take(&mut self.life.episodes) {
            self.settle(at, InstanceId(instance), &episode, false);
        }
        self.tables.detection.close(at, self.scenario);
        self.tables.selection.close();
        super::finish::metrics(self.tables, self.scenario, end)
    }

    fn enter_piece(&mut self, piece: usize) {
        (self.piece_start, self.piece_end, self.class) = self.tables.timeline.piece(piece);
        self.piece = piece;
        self.plan_cut();
    }

    fn plan_cut(&mut self) {
        let window_end = self.tables.instances.window_end();
        self.next_cut = window_end.unwrap_or(SimTime::NEVER).min(self.piece_end);
    }

    /// Ends the pieces and windows that are over at `at`.
    #[cold]
    fn cut(&mut self, at: SimTime) {
        while self.next_cut <= at && self.next_cut < SimTime::NEVER {
            let cut = self.next_cut;
            if self.tables.instances.window_end() == Some(cut) {
                self.tables.instances.cut_window(cut);
            }
            if self.piece_end == cut {
                let class = self.class;
                self.enter_piece(self.piece + 1);
                self.tables.services.cut_class(cut, class);
                if self.tables.instances.needs_cut(class, self.class) {
                    self.tables.instances.cut_class(cut, class);
                }
            }
            self.plan_cut();
        }
    }

    /// The class of an instant up to now.
    #[inline]
    fn class_at(&self, at: SimTime) -> u16 {
        if self.piece_start <= at {
            self.class
        } else {
            self.tables.timeline.class_at(at)
        }
    }

    fn node_changed(
        &mut self,
        at: SimTime,
        node: NodeId,
        state: LifeState,
        fault: Option<FaultId>,
    ) {
        let NodeKind::Instance(instance) = self.scenario.topology.node_kind(node) else {
            return;
        };
        let before = self.life.set(instance, state);
        let shown = true_state(state);
        self.tables
            .timelines
            .add(at, instance, Witness::Truth, shown);
        if before.is_up() != state.is_up() {
            let is_up = state.is_up();
            self.tables.instances.set_up(at, instance, is_up);
            self.tables.services.set_up(at, self.class, instance, is_up);
        }
        match (is_down(before), is_down(state)) {
            (false, true) => self.go_down(at, instance, before.is_up(), fault),
            (true, false) => {
                let episode = self.life.episodes.remove(&instance.0);
                let episode = episode.expect("what is down has an episode");
                self.settle(at, instance, &episode, state.is_up());
            }
            (false, false) if !before.is_up() && state.is_up() => {
                self.tables.detection.enter(at, instance, self.scenario);
            }
            (false, false) if before.is_up() && !state.is_up() => {
                self.tables.detection.leave(at, instance, self.scenario);
            }
            (true, true) | (false, false) => {}
        }
    }

    fn go_down(
        &mut self,
        at: SimTime,
        instance: InstanceId,
        was_alive: bool,
        fault: Option<FaultId>,
    ) {
        let episode = Episode {
            fault,
            since: at,
            suspected_at: None,
            published_at: None,
        };
        self.life.episodes.insert(instance.0, episode);
        if let Some(fault) = fault {
            self.tables.faults[fault.index()].down_count += 1;
        }
        if was_alive {
            self.tables.detection.leave(at, instance, self.scenario);
        }
    }

    fn settle(&mut self, at: SimTime, instance: InstanceId, episode: &Episode, is_alive: bool) {
        let scenario = self.scenario;
        self.tables.exclusion.recover(instance, episode, scenario);
        self.tables.detection.recover(instance, episode, scenario);
        if is_alive {
            self.tables.detection.enter(at, instance, scenario);
        }
    }

    fn believed(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        state: BelievedState,
    ) {
        let witness = match suspector {
            Suspector::Registry => Witness::Registry,
            Suspector::Caller(caller) => {
                let edge = self.scenario.topology.edge_of(caller);
                if !is_shown(caller, edge, self.scenario) {
                    return;
                }
                Witness::Detector(edge)
            }
        };
        self.tables.timelines.add(at, instance, witness, state);
    }

    fn wasted(&mut self, at: SimTime, instance: InstanceId) {
        let fault = self.life.episodes.get(&instance.0).and_then(|e| e.fault);
        if let Some(fault) = fault {
            let counts = &mut self.tables.faults[fault.index()];
            counts.wasted_count += 1;
            counts.last_wasted_at = Some(at);
        }
    }

    /// Facts that happen a few times in a run, or at every change of a view.
    fn observe_rare(&mut self, at: SimTime, observation: &Observation<'_>) {
        let scenario = self.scenario;
        match *observation {
            Observation::NodeChanged { node, state, fault } => {
                self.node_changed(at, node, state, fault);
            }
            Observation::FaultStarted { fault, targets } => {
                let counts = &mut self.tables.faults[fault.index()];
                counts.target_count_max = counts.target_count_max.max(targets.len() as u64);
            }
            Observation::Suspected {
                suspector,
                instance,
            } => {
                let is_alive = self.life.is_alive(instance);
                let detection = &mut self.tables.detection;
                detection.suspect(at, suspector, instance, is_alive, scenario);
                if suspector == Suspector::Registry {
                    self.life.suspect(at, instance);
                }
                self.believed(at, suspector, instance, BelievedState::Suspected);
            }
            Observation::Trusted {
                suspector,
                instance,
            } => {
                self.tables
                    .detection
                    .trust(at, suspector, instance, scenario);
                self.believed(at, suspector, instance, BelievedState::Up);
            }
            Observation::Published { view } => self.life.publish(at, view, scenario),
            Observation::CandidatesChanged { caller, edge, view } => {
                self.tables.selection.hold(caller, edge, view);
                self.tables.exclusion.hold(caller, edge, view);
                self.tables.rings.hold(at, caller, view);
            }
            Observation::Excluded {
                caller,
                instance,
                cause,
            } => {
                let edge = scenario.topology.edge_of(caller);
                let episode = self.life.episodes.get(&instance.0);
                let exclusion = &mut self.tables.exclusion;
                exclusion.exclude(at, (caller, edge), instance, cause, episode);
                if is_shown(caller, edge, scenario) {
                    let (witness, state) = (Witness::Candidates(edge), BelievedState::Excluded);
                    self.tables.timelines.add(at, instance, witness, state);
                }
            }
            Observation::Included { caller, instance } => {
                let edge = scenario.topology.edge_of(caller);
                self.tables.exclusion.include(caller, edge, instance);
                if is_shown(caller, edge, scenario) {
                    let (witness, state) = (Witness::Candidates(edge), BelievedState::Up);
                    self.tables.timelines.add(at, instance, witness, state);
                }
            }
            Observation::WorkRejected { instance } => {
                self.tables.services.reject(self.class, instance);
            }
            Observation::ControlSent { kind, service } => {
                self.tables.control[self.class as usize][service.index()][kind as usize] += 1;
                self.tables.windows.control(at, kind);
            }
            Observation::FaultEnded { .. } => {}
            Observation::RequestArrived { .. }
            | Observation::RequestEnded { .. }
            | Observation::CallEnded { .. }
            | Observation::AttemptSent { .. }
            | Observation::AttemptEnded { .. }
            | Observation::WorkArrived { .. }
            | Observation::WorkStarted { .. }
            | Observation::WorkEnded { .. }
            | Observation::BusyChanged { .. } => unreachable!("handled where it is frequent"),
        }
    }
}

impl Observer for Recorder<'_> {
    #[inline]
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if self.next_cut <= at {
            self.cut(at);
        }
        let class = self.class;
        match *observation {
            Observation::RequestArrived { client, caller } => {
                self.tables.requests.arrive(class, caller);
                self.tables.windows.arrive(at, client.index());
            }
            Observation::RequestEnded {
                client,
                caller,
                arrived_at,
                outcome,
                attempt_count,
            } => {
                let (class, latency) = (self.class_at(arrived_at), at.since(arrived_at));
                let requests = &mut self.tables.requests;
                requests.end(class, caller, latency, outcome, attempt_count);
                let attempt_counts = (attempt_count, requests.retry_count(caller, attempt_count));
                let windows = &mut self.tables.windows;
                windows.end(arrived_at, client.index(), latency, outcome, attempt_counts);
            }
            Observation::CallEnded {
                caller: _,
                edge,
                started_at,
                outcome,
            } => {
                let (class, latency) = (self.class_at(started_at), at.since(started_at));
                self.tables.calls.end(edge.index(), class, latency, outcome);
            }
            Observation::AttemptSent {
                caller,
                edge,
                instance,
                attempt_index,
                key: _,
                is_wasted,
            } => {
                let pick = Pick {
                    caller,
                    instance,
                    is_retry: 0 < attempt_index,
                    is_wasted,
                };
                self.tables.selection.pick(class, edge, pick);
                self.tables.instances.send(at, instance);
                if is_wasted {
                    self.wasted(at, instance);
                }
            }
            Observation::AttemptEnded { instance, .. } => self.tables.instances.end(at, instance),
            Observation::WorkArrived { instance } => {
                let before = self.tables.instances.enter(at, instance);
                self.tables.services.enter(at, class, instance, before);
            }
            Observation::WorkStarted { instance, waiting } => {
                self.tables.instances.start(instance, waiting);
                self.tables.services.start(class, instance, waiting);
            }
            Observation::WorkEnded {
                instance,
                arrived_at,
                started_at,
                end,
                is_zombie,
            } => {
                let before = self.tables.instances.leave(at, instance);
                let work = WorkRecord {
                    arrived_at,
                    started_at,
                    end,
                    is_zombie,
                };
                self.tables
                    .services
                    .leave(at, class, instance, before, work);
            }
            Observation::BusyChanged {
                instance,
                busy_count,
            } => self.tables.instances.set_busy(at, instance, busy_count),
            Observation::WorkRejected { .. }
            | Observation::NodeChanged { .. }
            | Observation::FaultStarted { .. }
            | Observation::FaultEnded { .. }
            | Observation::Suspected { .. }
            | Observation::Trusted { .. }
            | Observation::Published { .. }
            | Observation::CandidatesChanged { .. }
            | Observation::Excluded { .. }
            | Observation::Included { .. }
            | Observation::ControlSent { .. } => self.observe_rare(at, observation),
        }
    }
}

impl CallTable {
    fn new(scenario: &Scenario, class_count: usize) -> Self {
        let alias_client = |edge: &crate::scenario::client::EdgeConfig| match edge.owner {
            EdgeOwner::Client(client) => {
                let is_only_call = scenario.clients[client.index()].calls.len() == 1;
                is_only_call.then_some(client.index())
            }
            EdgeOwner::Service(_) => None,
        };
        CallTable {
            alias_clients: scenario.edges.iter().map(alias_client).collect(),
            cells: vec![RequestCell::default(); scenario.edges.len() * class_count],
        }
    }

    #[inline]
    fn end(&mut self, edge: usize, class: u16, latency: SimDuration, outcome: Outcome) {
        if self.alias_clients[edge].is_some() {
            return;
        }
        let class_count = self.cells.len() / self.alias_clients.len();
        let cell = &mut self.cells[edge * class_count + class as usize];
        cell.arrived_count += 1;
        cell.end(latency, outcome);
    }
}

/// Classes that leave the tables small.
fn class_count_max(scenario: &Scenario) -> usize {
    let client_zones: usize = scenario
        .clients
        .iter()
        .map(|client| client.zones.len())
        .sum();
    let blocks = client_zones + scenario.groups.len() + scenario.edges.len();
    (CELL_COUNT_MAX / blocks.max(1)).clamp(4, 64)
}
