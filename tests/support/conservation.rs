//! An observer that keeps the books of a run and finds what does not add up: nothing comes from
//! nowhere, nothing gets lost, nobody works who is dead.

#[path = "candidate_book.rs"]
mod candidate_book;
#[path = "fault_book.rs"]
mod fault_book;
#[path = "protection_book.rs"]
mod protection_book;

use std::collections::BTreeMap;
use std::fmt::Debug;

use stormglass::id::{CallerId, ClassId, ClientId, EdgeId, FaultId, InstanceId, NodeId};
use stormglass::model::fault_plan;
use stormglass::model::observation::{LifeState, Observation, Observer, Outcome, RunEnd, WorkEnd};
use stormglass::scenario::Scenario;
use stormglass::scenario::service::Discipline;
use stormglass::scenario::topology::NodeKind;
use stormglass::scenario::trigger::is_dynamic;
use stormglass::time::{SimDuration, SimTime};

use candidate_book::CandidateBook;
use fault_book::{answers_checks, faults_as_planned, may_leave};
use protection_book::ProtectionBook;

/// The books of one run.
pub struct Books<'a> {
    scenario: &'a Scenario,
    now: SimTime,
    /// Requests of clients that arrived.
    arrived_count: u64,
    /// Requests of clients by outcome: success, failure, timeout, rejected.
    outcome_counts: [u64; 4],
    requests: Bag<(ClientId, NodeId, ClassId, SimTime)>,
    attempts: Bag<(CallerId, InstanceId, SimTime)>,
    connections: Bag<(CallerId, InstanceId)>,
    states: Vec<LifeState>,
    instances: Vec<InstanceBook>,
    candidates: CandidateBook,
    fault_starts: Vec<(FaultId, SimTime, Vec<NodeId>)>,
    fault_end_count: usize,
    protection: ProtectionBook<'a>,
}

/// Things that are there, with how many times.
#[derive(Default)]
struct Bag<T>(BTreeMap<T, u64>);

impl<T: Ord + Debug> Bag<T> {
    fn add(&mut self, thing: T) {
        *self.0.entry(thing).or_insert(0) += 1;
    }

    fn take(&mut self, thing: T) {
        let count = self.0.get_mut(&thing);
        let count = count.unwrap_or_else(|| panic!("{thing:?} ended and never began"));
        *count -= 1;
        if *count == 0 {
            self.0.remove(&thing);
        }
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }
}

/// The books of one instance.
#[derive(Default)]
struct InstanceBook {
    worker_count: u32,
    is_shared: bool,
    /// Its workers answer pings, too, of which nothing is told.
    answers_pings: bool,
    queue_limit: Option<u32>,
    /// Came, and is neither rejected, started nor lost.
    waiting_count: u64,
    /// Started, and not ended.
    running_count: u64,
    busy_count: u32,
    busy_since: SimTime,
    /// Started, its worker is free, and not ended.
    free_count: u64,
    /// Worker time by what was said of busy workers.
    busy: SimDuration,
    /// Worker time by what was said of the start and end of work.
    worked: SimDuration,
    /// Starts of the work that runs.
    started: Bag<SimTime>,
}

impl<'a> Books<'a> {
    /// Empty books.
    pub fn new(scenario: &'a Scenario) -> Self {
        let topology = &scenario.topology;
        let mut instances = Vec::new();
        let states = vec![LifeState::Up; topology.node_count() as usize];
        for id in (0..topology.instance_count()).map(InstanceId) {
            let group = &scenario.groups[topology.group_of(id).index()];
            let service = &scenario.services[topology.service_of(id).index()];
            instances.push(InstanceBook {
                worker_count: group.workers,
                is_shared: service.discipline == Discipline::ProcessorSharing,
                answers_pings: answers_checks(scenario, id),
                queue_limit: service.queue_limit,
                ..InstanceBook::default()
            });
        }
        Books {
            scenario,
            now: SimTime::START,
            arrived_count: 0,
            outcome_counts: [0; 4],
            requests: Bag(BTreeMap::new()),
            attempts: Bag(BTreeMap::new()),
            connections: Bag(BTreeMap::new()),
            states,
            instances,
            candidates: CandidateBook::default(),
            fault_starts: Vec::new(),
            fault_end_count: 0,
            protection: ProtectionBook::new(scenario),
        }
    }

    /// Checks what must hold when a run is over.
    pub fn close(&mut self, seed: u64, end: RunEnd) {
        let ended_count: u64 = self.outcome_counts.iter().sum();
        assert_eq!(self.arrived_count, ended_count + end.in_flight_count);
        assert_eq!(self.requests.count(), end.in_flight_count);
        for id in (0..self.scenario.topology.instance_count()).map(InstanceId) {
            self.close_instance(id);
        }
        let plan = fault_plan(self.scenario, seed).expect("the run had the same plan");
        let planned: Vec<_> = plan
            .iter()
            .take(self.fault_starts.len())
            .map(|window| (window.fault, window.start, window.targets.clone()))
            .collect();
        faults_as_planned(self.scenario, &self.fault_starts, &planned);
        let next = plan.get(self.fault_starts.len());
        assert!(
            next.is_none_or(|next| self.now <= next.start),
            "a fault was left out"
        );
        let over_count = plan.iter().filter(|window| window.end < self.now).count();
        assert!(over_count <= self.fault_end_count, "a fault did not end");
    }

    /// Requests of a client with classes have one of them, those of others none.
    fn on_class(&self, client: ClientId, class: ClassId) {
        let mut of_client = self.scenario.classes.of(client).peekable();
        match of_client.peek() {
            None => assert_eq!(class, ClassId::NONE),
            Some(_) => assert!(
                of_client.any(|known| known == class),
                "{client:?}: {class:?}"
            ),
        }
    }

    fn close_instance(&mut self, id: InstanceId) {
        let now = self.now;
        self.on_busy_changed(id, self.instances[id.index()].busy_count);
        let book = &mut self.instances[id.index()];
        assert_eq!(book.started.count(), book.running_count);
        for (started_at, count) in &book.started.0 {
            book.worked += now.since(*started_at).saturating_mul(*count);
        }
        if book.answers_pings {
            assert!(book.is_shared || book.worked <= book.busy);
        } else if !book.is_shared {
            assert_eq!(
                book.busy, book.worked,
                "{id:?}: busy time is the time of its work"
            );
        }
    }

    fn on_work_arrived(&mut self, id: InstanceId) {
        assert_eq!(self.states[id.index()], LifeState::Up, "{id:?} takes work");
        self.instances[id.index()].waiting_count += 1;
    }

    fn on_work_started(&mut self, id: InstanceId, waiting: SimDuration) {
        assert_eq!(self.states[id.index()], LifeState::Up, "{id:?} starts work");
        assert!(waiting <= self.now.since(SimTime::START));
        let now = self.now;
        let book = &mut self.instances[id.index()];
        assert!(0 < book.waiting_count, "{id:?} starts what never came");
        book.waiting_count -= 1;
        book.running_count += 1;
        book.started.add(now);
        if !book.is_shared {
            assert!(
                book.running_count <= u64::from(book.worker_count),
                "{id:?} too busy"
            );
        } else if let Some(limit) = book.queue_limit {
            let room = u64::from(book.worker_count) + u64::from(limit);
            assert!(book.running_count <= room, "{id:?} shares among too many");
        }
    }

    fn on_work_ended(&mut self, id: InstanceId, started_at: Option<SimTime>, end: WorkEnd) {
        let now = self.now;
        let is_lost = end == WorkEnd::Lost;
        let state = self.states[id.index()];
        assert_eq!(
            is_lost,
            !state.is_up(),
            "{id:?} is {state:?} and work ends as {end:?}"
        );
        assert_ne!(state, LifeState::Paused, "{id:?} works in a pause");
        let book = &mut self.instances[id.index()];
        let Some(started_at) = started_at else {
            let may_wait = matches!(end, WorkEnd::Lost | WorkEnd::Dropped | WorkEnd::Cancelled);
            assert!(
                may_wait && 0 < book.waiting_count,
                "{id:?} ends what it did not start"
            );
            book.waiting_count -= 1;
            return;
        };
        assert_ne!(end, WorkEnd::Dropped, "{id:?} drops what it started");
        book.running_count -= 1;
        book.worked += now.since(started_at);
        book.started.take(started_at);
    }

    fn on_busy_changed(&mut self, id: InstanceId, busy_count: u32) {
        let now = self.now;
        let book = &mut self.instances[id.index()];
        let said = book.busy_count;
        book.busy += now.since(book.busy_since).saturating_mul(u64::from(said));
        book.busy_since = now;
        book.busy_count = busy_count;
        assert!(
            busy_count <= book.worker_count,
            "{id:?} has too few workers"
        );
        if book.is_shared {
            assert!(book.answers_pings || u64::from(busy_count) <= book.running_count);
            return;
        }
        if book.answers_pings {
            assert!(book.running_count <= u64::from(busy_count));
        } else {
            assert_eq!(
                u64::from(busy_count),
                book.running_count,
                "{id:?} is busy with its work"
            );
        }
        let limit = book.queue_limit.map_or(u64::MAX, u64::from);
        assert!(
            book.waiting_count <= limit,
            "{id:?} queues more than its limit"
        );
        if book.waiting_count > 0 && self.states[id.index()] == LifeState::Up {
            assert_eq!(
                busy_count, book.worker_count,
                "{id:?} lets work wait and is idle"
            );
        }
    }

    fn on_node_changed(&mut self, node: NodeId, state: LifeState) {
        let before = std::mem::replace(&mut self.states[node.index()], state);
        assert_ne!(before, state, "{node:?} changes to what it is");
        let kind = self.scenario.topology.node_kind(node);
        if state == LifeState::Restarting {
            assert!(!before.is_up(), "{node:?} restarts after {before:?}");
            assert!(
                matches!(kind, NodeKind::Instance(_)),
                "{node:?} takes time to restart"
            );
        }
        if state == LifeState::Absent {
            assert!(may_leave(self.scenario, node), "{node:?} is scaled");
        }
        if !state.is_up() {
            self.forget_candidates(node);
        }
    }

    /// A process that starts again takes up whom its checks trust, whoever that was before.
    fn forget_candidates(&mut self, node: NodeId) {
        let topology = &self.scenario.topology;
        for edge in (0..self.scenario.edges.len()).map(EdgeId::from_index) {
            let callers = topology.edge_callers(edge).map(CallerId);
            for caller in callers.filter(|caller| topology.caller_node(*caller) == node) {
                self.candidates.forget_seen(caller);
            }
        }
    }

    fn on_attempt_sent(&mut self, caller: CallerId, instance: InstanceId, is_wasted: bool) {
        let topology = &self.scenario.topology;
        let owner = self.states[topology.caller_node(caller).index()];
        assert_eq!(owner, LifeState::Up, "{caller:?} sends");
        assert_eq!(is_wasted, !self.states[instance.index()].is_up());
        let edge = &self.scenario.edges[topology.edge_of(caller).index()];
        assert!(
            self.candidates.may_send(edge, (caller, instance)),
            "no candidate"
        );
        self.attempts.add((caller, instance, self.now));
    }
}

impl Observer for Books<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        assert!(self.now <= at, "time runs backwards");
        self.now = at;
        self.observe_requests(at, observation);
        self.observe_attempts(observation);
        self.observe_work(observation);
        self.protection.observe(observation);
        match observation {
            Observation::NodeChanged { node, state, .. } => self.on_node_changed(*node, *state),
            // What only the run decides is in no plan.
            Observation::FaultStarted { fault, .. } | Observation::FaultEnded { fault, .. }
                if is_dynamic(&self.scenario.faults, *fault) => {}
            Observation::FaultStarted { fault, targets } => {
                self.fault_starts.push((*fault, at, targets.to_vec()));
            }
            Observation::FaultEnded { .. } => self.fault_end_count += 1,
            _ => {}
        }
    }
}

impl Books<'_> {
    fn observe_requests(&mut self, at: SimTime, observation: &Observation<'_>) {
        match observation {
            Observation::RequestArrived {
                client,
                caller,
                class,
            } => {
                self.arrived_count += 1;
                let end = SimTime::START + self.scenario.duration;
                assert!(at < end, "arrives after the end");
                self.on_class(*client, *class);
                self.requests.add((*client, *caller, *class, at));
            }
            Observation::RequestEnded {
                client,
                caller,
                class,
                arrived_at,
                outcome,
                ..
            } => {
                self.outcome_counts[*outcome as usize] += 1;
                self.requests.take((*client, *caller, *class, *arrived_at));
            }
            Observation::CallEnded {
                caller,
                started_at,
                outcome,
                ..
            } => {
                let owner = self.scenario.topology.caller_node(*caller);
                let is_up = self.states[owner.index()] == LifeState::Up;
                assert!(
                    is_up || *outcome == Outcome::Failure,
                    "{owner:?} ends a call"
                );
                assert!(*started_at <= at);
            }
            Observation::CallBreakdown {
                started_at, parts, ..
            } => assert_eq!(parts.total(), at.since(*started_at), "parts add up"),
            Observation::RequestBreakdown {
                arrived_at,
                parts,
                waits,
                ..
            } => {
                assert_eq!(parts.total(), at.since(*arrived_at), "parts add up");
                let waited = waits.iter().map(|wait| wait.length);
                let waited = waited.fold(SimDuration::ZERO, |sum, length| sum + length);
                assert_eq!(waited, parts.calls, "waits add up");
            }
            _ => {}
        }
    }

    fn observe_attempts(&mut self, observation: &Observation<'_>) {
        match observation {
            Observation::AttemptSent {
                caller,
                instance,
                is_wasted,
                edge,
                ..
            } => {
                assert_eq!(*edge, self.scenario.topology.edge_of(*caller));
                self.on_attempt_sent(*caller, *instance, *is_wasted);
            }
            Observation::AttemptEnded {
                caller,
                instance,
                sent_at,
                ..
            } => self.attempts.take((*caller, *instance, *sent_at)),
            Observation::CandidatesChanged { .. }
            | Observation::Excluded { .. }
            | Observation::Included { .. } => self.candidates.observe(observation),
            Observation::ConnectionOpened {
                caller, instance, ..
            } => {
                let owner = self.scenario.topology.caller_node(*caller);
                let state = self.states[owner.index()];
                assert_eq!(state, LifeState::Up, "{owner:?} opens a connection");
                self.connections.add((*caller, *instance));
            }
            Observation::ConnectionClosed {
                caller,
                instance,
                half_open_since,
                ..
            } => {
                self.connections.take((*caller, *instance));
                assert!(half_open_since.is_none_or(|since| since <= self.now));
            }
            Observation::AttemptCarried { edge, waiting, .. } => {
                assert!(self.scenario.edges[edge.index()].connection.is_some());
                assert!(*waiting <= self.now.since(SimTime::START));
            }
            _ => {}
        }
    }

    fn observe_work(&mut self, observation: &Observation<'_>) {
        match observation {
            Observation::WorkArrived { instance, .. } => self.on_work_arrived(*instance),
            Observation::WorkRejected { instance, .. } => {
                let state = self.states[instance.index()];
                assert_eq!(state, LifeState::Up, "{instance:?} refuses work");
            }
            Observation::WorkStarted {
                instance, waiting, ..
            } => {
                self.on_work_started(*instance, *waiting);
            }
            Observation::WorkEnded {
                instance,
                started_at,
                end,
                ..
            } => self.on_work_ended(*instance, *started_at, *end),
            Observation::WorkReleased {
                instance,
                started_at,
                ..
            } => {
                let now = self.now;
                let book = &mut self.instances[instance.index()];
                book.running_count -= 1;
                book.free_count += 1;
                book.worked += now.since(*started_at);
                book.started.take(*started_at);
            }
            Observation::ReleasedWorkEnded {
                instance,
                arrived_at,
                started_at,
                released_at,
                end,
                ..
            } => {
                assert!(arrived_at <= started_at && started_at <= released_at);
                assert!(*released_at <= self.now);
                let is_up = self.states[instance.index()].is_up();
                assert_eq!(*end == WorkEnd::Lost, !is_up, "{instance:?} ends work");
                self.instances[instance.index()].free_count -= 1;
            }
            Observation::BusyChanged {
                instance,
                busy_count,
            } => self.on_busy_changed(*instance, *busy_count),
            _ => {}
        }
    }
}
