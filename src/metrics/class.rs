//! What is counted by class of request, where clients have classes.
//!
//! Here `class` is a class of request; the classes of instants that [`super::phase`] tells apart
//! are called phases.

use super::class_caller::ClassCallerTable;
use super::class_local::LocalCounts;
use super::data::class::{ClassMetrics, ClassSeries};
use super::recorder::Recorder;
use super::request::RequestCell;
use super::selection::AttemptCounts;
use super::service::{WorkCell, WorkRecord};
use super::window::{WindowCell, WindowTable};
use crate::id::{CallerId, ClassId, EdgeId, InstanceId, NodeId, ServiceId, ZoneId};
use crate::model::observation::Outcome;
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// Everything that is counted by class; empty where no client has classes.
#[derive(Clone, Debug, Default)]
pub struct ClassTable {
    /// Classes, [`ClassId::NONE`] included; 0 where no client has classes.
    class_count: usize,
    phase_count: usize,
    /// First node that is a caller of a client, and the zone of each from there.
    node_first: u32,
    node_zones: Vec<ZoneId>,
    /// What each block of `requests` is about, sorted.
    request_scopes: Vec<(ClassId, ZoneId)>,
    /// By class and zone, then phase of the arrival.
    requests: Vec<RequestCell>,
    /// By class, [`ClassId::NONE`] included.
    windows: WindowTable,
    /// Requests by class and caller.
    pub callers: ClassCallerTable,
    /// By edge, class, then phase of the start of the call.
    calls: Vec<RequestCell>,
    /// By edge, class, then phase.
    attempts: Vec<AttemptCounts>,
    /// By edge, class, then phase.
    local: Vec<LocalCounts>,
    /// Bytes sent, by edge, class, then phase.
    bytes: Vec<u64>,
    /// What each block of `work` is about, sorted.
    work_scopes: Vec<(ServiceId, ZoneId)>,
    /// By instance: its place in `work_scopes`.
    instance_scopes: Vec<u32>,
    /// By service and zone, class, then phase.
    work: Vec<WorkCell>,
}

impl ClassTable {
    /// Empty counters, if the scenario has classes.
    pub fn new(scenario: &Scenario, phase_count: usize, windows: &WindowTable) -> Self {
        let classes = &scenario.classes;
        if classes.is_empty() {
            return ClassTable::default();
        }
        let mut request_scopes = Vec::new();
        for class in classes.ids() {
            let client = &scenario.clients[classes.get(class).client.index()];
            request_scopes.extend(client.zones.iter().map(|zone| (class, *zone)));
        }
        request_scopes.sort_unstable();
        request_scopes.dedup();
        let mut work_scopes: Vec<(ServiceId, ZoneId)> = scenario
            .groups
            .iter()
            .map(|g| (g.service, g.zone))
            .collect();
        work_scopes.sort_unstable();
        work_scopes.dedup();
        let by_edge = scenario.edges.len() * classes.count() * phase_count;
        let by_service = work_scopes.len() * classes.count() * phase_count;
        ClassTable {
            class_count: classes.count(),
            phase_count,
            node_first: scenario.topology.instance_count(),
            node_zones: node_zones(scenario),
            requests: vec![RequestCell::default(); request_scopes.len() * phase_count],
            request_scopes,
            callers: ClassCallerTable::new(scenario, phase_count),
            windows: windows.empty_like(classes.count()),
            calls: vec![RequestCell::default(); by_edge],
            attempts: vec![AttemptCounts::default(); by_edge],
            local: vec![LocalCounts::default(); by_edge],
            bytes: vec![0; by_edge],
            instance_scopes: instance_scopes(scenario, &work_scopes),
            work_scopes,
            work: vec![WorkCell::default(); by_service],
        }
    }

    /// Requests of a class, of callers in one zone or in all, that arrived in these phases.
    pub fn requests(&self, class: ClassId, zone: Option<ZoneId>, phases: &[u16]) -> RequestCell {
        let mut sum = RequestCell::default();
        for (place, (of_class, of_zone)) in self.request_scopes.iter().enumerate() {
            if *of_class == class && zone.is_none_or(|z| z == *of_zone) {
                for phase in phases {
                    sum.merge(&self.requests[place * self.phase_count + *phase as usize]);
                }
            }
        }
        sum
    }

    /// Calls of an edge for requests of a class that started in these phases, and their attempts.
    pub fn calls(&self, edge: EdgeId, class: ClassId, phases: &[u16]) -> RequestCell {
        let mut sum = RequestCell::default();
        for phase in phases {
            sum.merge(&self.calls[self.place(edge.index(), class, *phase)]);
        }
        let attempts = self.attempts(edge, class, phases);
        sum.attempt_count = attempts.attempt_count;
        sum.retry_count = attempts.retry_count;
        sum
    }

    /// Attempts of an edge for requests of a class in these phases.
    pub fn attempts(&self, edge: EdgeId, class: ClassId, phases: &[u16]) -> AttemptCounts {
        let mut sum = AttemptCounts::default();
        for phase in phases {
            let counts = self.attempts[self.place(edge.index(), class, *phase)];
            sum.attempt_count += counts.attempt_count;
            sum.retry_count += counts.retry_count;
            sum.wasted_count += counts.wasted_count;
        }
        sum
    }

    /// Bytes sent for calls of an edge in these phases, of one class or of all.
    pub fn byte_count(&self, edge: EdgeId, class: Option<ClassId>, phases: &[u16]) -> u64 {
        let all = (0..self.class_count).map(|index| ClassId(index as u8));
        let in_scope = all.filter(|c| class.is_none_or(|class| class == *c));
        in_scope
            .flat_map(|class| phases.iter().map(move |phase| (class, *phase)))
            .map(|(class, phase)| self.bytes[self.place(edge.index(), class, phase)])
            .sum()
    }

    /// Work of a class at a service, in one zone or in all, in these phases.
    pub fn work(
        &self,
        class: ClassId,
        service: Option<ServiceId>,
        zone: Option<ZoneId>,
        phases: &[u16],
    ) -> WorkCell {
        let mut sum = WorkCell::default();
        for (place, (of_service, of_zone)) in self.work_scopes.iter().enumerate() {
            if service.is_none_or(|s| s == *of_service) && zone.is_none_or(|z| z == *of_zone) {
                for phase in phases {
                    sum.merge(&self.work[self.place(place, class, *phase)]);
                }
            }
        }
        sum
    }

    /// The windows of a class.
    pub fn windows(&self, class: ClassId) -> &[WindowCell] {
        self.windows.client(class.index())
    }

    /// The numbers of every class over these phases, which last `secs`.
    pub fn metrics(&self, scenario: &Scenario, phases: &[u16], secs: f64) -> Vec<ClassMetrics> {
        let of_class = |class: ClassId| {
            let config = scenario.classes.get(class);
            let edges = (0..scenario.edges.len()).map(EdgeId::from_index);
            let byte_count: u64 = edges.map(|e| self.byte_count(e, Some(class), phases)).sum();
            ClassMetrics {
                class: config.path.clone(),
                stats: self.requests(class, None, phases).stats(secs),
                byte_rate_per_sec: (config.has_size() && 0.0 < secs)
                    .then(|| byte_count as f64 / secs),
            }
        };
        scenario.classes.ids().map(of_class).collect()
    }

    /// What happened when, by class.
    pub fn series(&self, scenario: &Scenario) -> Vec<ClassSeries> {
        let of_class = |class: ClassId| ClassSeries {
            class: scenario.classes.get(class).path.clone(),
            windows: self.windows.rows(self.windows(class)),
        };
        scenario.classes.ids().map(of_class).collect()
    }

    /// What callers did of their own accord.
    pub(super) fn local(&self, edge: EdgeId, class: ClassId, phase: u16) -> LocalCounts {
        self.local[self.place(edge.index(), class, phase)]
    }

    /// The same, to be counted on.
    pub(super) fn local_mut(
        &mut self,
        edge: EdgeId,
        class: ClassId,
        phase: u16,
    ) -> &mut LocalCounts {
        let place = self.place(edge.index(), class, phase);
        &mut self.local[place]
    }

    /// The attempt that was sent last is no retry. `caller`: who sent it, if that was a client.
    pub(super) fn take_back_retry(
        &mut self,
        class: ClassId,
        (caller, edge): (Option<NodeId>, EdgeId),
        phase: u16,
        attempt_index: u32,
    ) {
        let place = self.place(edge.index(), class, phase);
        self.attempts[place].retry_count -= 1;
        if let Some(caller) = caller {
            let cell = self.request_cell(class, caller, phase);
            cell.retry_count -= 1;
            cell.retried_count -= u64::from(attempt_index == 1);
            self.windows.take_back_retry(class.index(), attempt_index);
        }
    }

    /// The cell of the requests of a class at a caller.
    fn request_cell(&mut self, class: ClassId, caller: NodeId, phase: u16) -> &mut RequestCell {
        let zone = self.node_zones[(caller.0 - self.node_first) as usize];
        let place = self.request_scopes.binary_search(&(class, zone));
        let place = place.expect("a class has requests in the zones of its client");
        &mut self.requests[place * self.phase_count + phase as usize]
    }

    /// Where a block's entry for a class and a phase stands.
    fn place(&self, block: usize, class: ClassId, phase: u16) -> usize {
        (block * self.class_count + class.index()) * self.phase_count + phase as usize
    }

    fn work_cell(&mut self, class: ClassId, instance: InstanceId, phase: u16) -> &mut WorkCell {
        let scope = self.instance_scopes[instance.index()] as usize;
        let place = self.place(scope, class, phase);
        &mut self.work[place]
    }
}

/// A call edge as the facts about classes need it.
type Side = (CallerId, EdgeId);

impl Recorder<'_> {
    /// A request of a class arrived.
    pub(super) fn class_arrived(&mut self, at: SimTime, class: ClassId, caller: NodeId) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        let cell = table.request_cell(class, caller, phase);
        cell.arrived_count += 1;
        cell.call_count += 1;
        table.callers.arrive(class, caller, phase);
        table.windows.arrive(at, class.index());
    }

    /// A request of a class has its outcome.
    pub(super) fn class_ended(
        &mut self,
        at: SimTime,
        class: ClassId,
        caller: NodeId,
        arrived_at: SimTime,
        outcome: Outcome,
    ) {
        let (phase, latency) = (self.class_at(arrived_at), at.since(arrived_at));
        let table = &mut self.tables.classes;
        table
            .request_cell(class, caller, phase)
            .end(latency, outcome);
        table.callers.end(class, caller, phase, (latency, outcome));
        table
            .windows
            .end(arrived_at, class.index(), latency, outcome);
    }

    /// A call for a request of a class has its outcome.
    pub(super) fn class_call_ended(
        &mut self,
        at: SimTime,
        class: ClassId,
        (caller, edge): Side,
        started_at: SimTime,
        outcome: Outcome,
    ) {
        let phase = self.class_at(started_at);
        let table = &mut self.tables.classes;
        let place = table.place(edge.index(), class, phase);
        let cell = &mut table.calls[place];
        cell.arrived_count += 1;
        cell.call_count += 1;
        cell.end(at.since(started_at), outcome);
        if let Some(of_client) = self.tables.requests.client_edge(edge)
            && of_client.has_next
            && outcome == Outcome::Success
        {
            self.class_call_began(at, class, of_client.node(caller));
        }
    }

    /// A request of a class goes on to its next call.
    pub(super) fn class_call_began(&mut self, at: SimTime, class: ClassId, caller: NodeId) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        table.request_cell(class, caller, phase).call_count += 1;
        table.windows.begin_call(at, class.index());
    }

    /// An attempt for a request of a class was sent.
    pub(super) fn class_sent(
        &mut self,
        at: SimTime,
        class: ClassId,
        (caller, edge): Side,
        attempt_index: u32,
        is_wasted: bool,
    ) {
        let phase = self.class;
        let of_client = self.tables.requests.client_edge(edge);
        let table = &mut self.tables.classes;
        let place = table.place(edge.index(), class, phase);
        let counts = &mut table.attempts[place];
        counts.attempt_count += 1;
        counts.retry_count += u64::from(0 < attempt_index);
        counts.wasted_count += u64::from(is_wasted);
        if let Some(of_client) = of_client {
            let cell = table.request_cell(class, of_client.node(caller), phase);
            cell.attempt_count += 1;
            cell.retry_count += u64::from(0 < attempt_index);
            cell.retried_count += u64::from(attempt_index == 1);
            table.windows.send(at, class.index(), attempt_index);
        }
    }

    /// Bytes were sent for a request of a class.
    pub(super) fn class_bytes(&mut self, edge: EdgeId, class: ClassId, byte_count: u64) {
        let table = &mut self.tables.classes;
        let place = table.place(edge.index(), class, self.class);
        table.bytes[place] += byte_count;
    }

    /// Work of a class entered an instance.
    pub(super) fn class_work_arrived(&mut self, class: ClassId, instance: InstanceId) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        table.work_cell(class, instance, phase).arrived_count += 1;
    }

    /// Work of a class was turned away.
    pub(super) fn class_work_rejected(&mut self, class: ClassId, instance: InstanceId) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        table.work_cell(class, instance, phase).rejected_count += 1;
    }

    /// A worker took up work of a class.
    pub(super) fn class_work_started(
        &mut self,
        class: ClassId,
        instance: InstanceId,
        waiting: SimDuration,
    ) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        table.work_cell(class, instance, phase).start(waiting);
    }

    /// Work of a class was in service for nobody.
    pub(super) fn class_work_wasted(
        &mut self,
        class: ClassId,
        instance: InstanceId,
        length: SimDuration,
    ) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        table.work_cell(class, instance, phase).zombie_ns += length.as_ns();
    }

    /// Work of a class left an instance.
    pub(super) fn class_work_ended(
        &mut self,
        at: SimTime,
        class: ClassId,
        instance: InstanceId,
        work: WorkRecord,
    ) {
        let (phase, table) = (self.class, &mut self.tables.classes);
        table.work_cell(class, instance, phase).end(at, work);
    }
}

fn node_zones(scenario: &Scenario) -> Vec<ZoneId> {
    let of_client = |client: &crate::scenario::client::ClientConfig| {
        let zones = client.zones.iter().copied().cycle();
        zones.take(client.count as usize).collect::<Vec<_>>()
    };
    scenario.clients.iter().flat_map(of_client).collect()
}

fn instance_scopes(scenario: &Scenario, scopes: &[(ServiceId, ZoneId)]) -> Vec<u32> {
    let topology = &scenario.topology;
    let scope_of = |instance: u32| {
        let group = &scenario.groups[topology.group_of(InstanceId(instance)).index()];
        let place = scopes.binary_search(&(group.service, group.zone));
        u32::try_from(place.expect("it is listed")).expect("services and zones are few")
    };
    (0..topology.instance_count()).map(scope_of).collect()
}
