//! The observer that turns the facts of one run into its numbers.
//!
//! Requests are counted in the class of their arrival, everything else in that of the moment. What
//! the recorder relies on: `Suspected` and `Trusted` alternate for a pair, and so do `Excluded` and
//! `Included`; `BusyChanged` and `WorkEnded` follow when a process dies; `NodeChanged` tells every
//! change from the initial state, in which configured instances are up and spare ones absent.

use super::attempts::SeveralTable;
use super::cache::CacheTable;
use super::class::ClassTable;
use super::class_cpu::ClassCpuTable;
use super::class_load::ClassLoadTable;
use super::connection::ConnectionTable;
use super::control::no_messages;
use super::convergence::ConvergenceTable;
use super::data::RunMetrics;
use super::detection::DetectionTable;
use super::edge_window::EdgeWindowTable;
use super::exclusion::ExclusionTable;
use super::flow::FlowTable;
use super::headcount::HeadcountTable;
use super::instance::InstanceTable;
use super::life::LifeTable;
use super::member::MemberTable;
use super::phase::{Timeline, UNMEASURED};
use super::replication::ReplicationTable;
use super::request::{RequestCell, RequestTable};
use super::resilience::ResilienceTable;
use super::ring::RingTable;
use super::rollout::RolloutTable;
use super::sample::SampleTable;
use super::selection::SelectionTable;
use super::server::ServerTable;
use super::service::ServiceTable;
use super::share_return::ShareReturnTable;
use super::table::{CallTable, FaultCounts, Tables};
use super::timeline::TimelineTable;
use super::window::WindowTable;
use crate::id::{EdgeId, InstanceId};
use crate::model::observation::{FaultWindow, Outcome, RunEnd};
use crate::scenario::Scenario;
use crate::scenario::client::EdgeOwner;
use crate::scenario::fault::FaultConfig;
use crate::scenario::flow::is_plain;
use crate::time::{SimDuration, SimTime};

/// Blocks of cells times classes: more classes are pooled.
const CELL_COUNT_MAX: usize = 1_024;

/// Records one run.
#[derive(Debug)]
pub struct Recorder<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) tables: Tables,
    pub(super) life: LifeTable,
    /// The piece of the timeline that holds the present.
    piece_start: SimTime,
    piece_end: SimTime,
    pub(super) class: u16,
    piece: usize,
    /// The next end of a piece or of a window of a series.
    pub(super) next_cut: SimTime,
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
        let windows = empty_windows(scenario);
        let resilience = ResilienceTable::new(scenario, class_count);
        let tables = Tables {
            measured,
            requests: RequestTable::new(scenario, class_count),
            calls: CallTable::new(scenario, class_count),
            classes: ClassTable::new(scenario, class_count, &windows),
            class_loads: ClassLoadTable::new(scenario, class_count),
            class_cpu: ClassCpuTable::new(scenario, class_count),
            windows,
            flow: FlowTable::new(scenario, class_count),
            several: SeveralTable::new(scenario, class_count),
            services: ServiceTable::new(scenario, class_count, measured),
            servers: ServerTable::new(scenario, class_count),
            selection: SelectionTable::new(scenario, class_count),
            detection: DetectionTable::new(scenario, measured),
            exclusion: ExclusionTable::new(scenario, measured),
            rings: RingTable::new(
                scenario,
                &first_windows,
                &rolling_spans(scenario, &timeline),
            ),
            rollouts: RolloutTable::new(scenario, &timeline, end),
            replication: ReplicationTable::new(scenario, class_count),
            convergence: ConvergenceTable::new(scenario, &first_windows),
            share_returns: ShareReturnTable::default(),
            edge_windows: EdgeWindowTable::new(scenario, &resilience),
            resilience,
            timelines: TimelineTable::default(),
            sample: SampleTable::default(),
            connections: ConnectionTable::new(scenario, class_count),
            faults: vec![FaultCounts::default(); scenario.faults.len()],
            control: no_messages(scenario, class_count),
            members: MemberTable::new(scenario),
            caches: CacheTable::new(scenario, class_count),
            steady: None,
            headcounts: HeadcountTable::new(scenario, instances.window_count() as u64),
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
        self.tables.resilience.cut_class(at, self.class);
        self.tables.servers.cut_class(at, self.class);
        self.tables.connections.cut_class(at, self.class);
        self.cut_classes(at, self.class);
        self.tables.requests.cut_class(self.class);
        self.tables.edge_windows.close(at);
        self.tables.headcounts.close(at);
        self.tables.windows.cut(self.tables.requests.begun());
        let (instances, services) = (&self.tables.instances, &mut self.tables.services);
        services.close(at, instances);
        for instance in (0..self.scenario.topology.instance_count()).map(InstanceId) {
            if let Some(episode) = self.life.end(instance) {
                self.settle(at, instance, &episode, false);
            }
        }
        self.tables.detection.close(at, self.scenario);
        self.tables.rollouts.close(at);
        self.tables.selection.close();
        self.tables.replication.close();
        super::finish::metrics(self.tables, self.scenario, end)
    }

    fn enter_piece(&mut self, piece: usize) {
        (self.piece_start, self.piece_end, self.class) = self.tables.timeline.piece(piece);
        self.piece = piece;
        let replication = &mut self.tables.replication;
        replication.begin_phase(self.piece_start, self.class);
        self.plan_cut();
    }

    fn plan_cut(&mut self) {
        let window_ends = [
            self.tables.instances.window_end(),
            self.tables.windows.open_end(),
        ];
        let next = window_ends.into_iter().flatten().min();
        self.next_cut = next.unwrap_or(SimTime::NEVER).min(self.piece_end);
    }

    /// Ends the pieces and windows that are over at `at`.
    #[cold]
    pub(super) fn cut(&mut self, at: SimTime) {
        while self.next_cut <= at && self.next_cut < SimTime::NEVER {
            let cut = self.next_cut;
            if self.tables.instances.window_end() == Some(cut) {
                self.tables.instances.cut_window(cut);
            }
            if self.tables.windows.open_end() == Some(cut) {
                self.tables.windows.cut(self.tables.requests.begun());
            }
            if self.piece_end == cut {
                let class = self.class;
                self.enter_piece(self.piece + 1);
                self.tables.services.cut_class(cut, class);
                self.tables.resilience.cut_class(cut, class);
                self.tables.servers.cut_class(cut, class);
                self.tables.connections.cut_class(cut, class);
                self.cut_classes(cut, class);
                self.tables.requests.cut_class(class);
                if self.tables.instances.needs_cut(class, self.class) {
                    self.tables.instances.cut_class(cut, class);
                }
            }
            self.plan_cut();
        }
    }

    /// Ends the time of a phase for what is kept by class of request.
    fn cut_classes(&mut self, at: SimTime, phase: u16) {
        if let Some(loads) = &mut self.tables.class_loads {
            loads.cut_phase(at, phase);
        }
        if let Some(cpu) = &mut self.tables.class_cpu {
            cpu.cut_phase(at, phase);
        }
    }

    /// The class of an instant up to now.
    #[inline]
    pub(super) fn class_at(&self, at: SimTime) -> u16 {
        if self.piece_start <= at {
            self.class
        } else {
            self.tables.timeline.class_at(at)
        }
    }
}

impl CallTable {
    fn new(scenario: &Scenario, class_count: usize) -> Self {
        let alias_client = |edge: &crate::scenario::client::EdgeConfig| match edge.owner {
            EdgeOwner::Client(client) => {
                let calls = &scenario.clients[client.index()].calls;
                let is_only_call = calls.len() == 1 && is_plain(calls, &scenario.edges);
                is_only_call.then_some(client.index())
            }
            EdgeOwner::Service(_) => None,
        };
        CallTable {
            alias_clients: scenario.edges.iter().map(alias_client).collect(),
            cells: vec![RequestCell::default(); scenario.edges.len() * class_count],
        }
    }

    /// A call has its outcome.
    pub(super) fn end(&mut self, edge: EdgeId, class: u16, latency: SimDuration, outcome: Outcome) {
        let class_count = self.cells.len() / self.alias_clients.len();
        let cell = &mut self.cells[edge.index() * class_count + class as usize];
        cell.arrived_count += 1;
        cell.call_count += 1;
        cell.end(latency, outcome);
    }
}

/// From the start of the first window to the end of the last one, of rolling restarts.
fn rolling_spans(scenario: &Scenario, timeline: &Timeline) -> Vec<Option<(SimTime, SimTime)>> {
    let span = |(place, fault): (usize, &FaultConfig)| {
        fault.kind.rollout()?;
        let windows = timeline.fault_windows(place);
        Some((windows.first()?.0, windows.last()?.1))
    };
    scenario.faults.iter().enumerate().map(span).collect()
}

/// Series of each client.
fn empty_windows(scenario: &Scenario) -> WindowTable {
    let (width, window_count) = scenario.series_windows();
    WindowTable::new(width, window_count, scenario.clients.len())
}

/// Classes that leave the tables small.
fn class_count_max(scenario: &Scenario) -> usize {
    let client_zones: usize = scenario
        .clients
        .iter()
        .map(|client| client.zones.len())
        .sum();
    let zone_count_max = scenario
        .clients
        .iter()
        .map(|client| client.zones.len())
        .max();
    let by_class = zone_count_max.unwrap_or(0) + scenario.groups.len() + scenario.edges.len();
    let of_classes = (scenario.classes.count() - 1) * by_class;
    let blocks = client_zones + scenario.groups.len() + scenario.edges.len() + of_classes;
    (CELL_COUNT_MAX / blocks.max(1)).clamp(4, 64)
}
