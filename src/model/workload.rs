//! When requests arrive, and what they carry.

use super::arrivals::Arrivals;
use super::event::Event;
use super::observation::step::StepKind;
use super::observation::{Observation, Observer, Outcome};
use super::request::{Attempt, NIL};
use super::sampler::{KeySampler, Sampler};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{ClassId, ClientId, NodeId};
use crate::rng::{Draw, Purpose, Streams, UniformSource, mix, path_hash};
use crate::scenario::Scenario;
use crate::scenario::client::{EdgeConfig, TraceRow, WhenCallerDown, Workload};
use crate::time::{SimDuration, SimTime};

/// How long a user of a closed loop waits after a request that ended in the instant of its arrival
/// if it does not think: time has to go on.
const THINK_TIME_AFTER_INSTANT: SimDuration = SimDuration::from_ms(1);

/// What a client group has sent so far.
#[derive(Debug)]
pub struct WorkloadState {
    /// Hash of the client's path.
    path_hash: u64,
    arrivals: Arrivals,
    keys: KeySampler,
    /// Whether any balancer asks for them.
    has_key_users: bool,
    think_time: Option<Sampler>,
    /// First closed-loop user of this client among those of all clients.
    first_user: u32,
    /// The number of the first row of this client's trace: the rows of all traces are numbered on
    /// from the last user, so that a number tells where a request came from.
    first_row: u32,
    /// Arrivals so far, those that were lost included; the next row of a trace.
    arrival_count: u64,
}

impl WorkloadState {
    /// Nothing sent yet. `firsts`: the numbers of its first user and of its first row.
    pub fn new(
        scenario: &Scenario,
        client: ClientId,
        firsts: (u32, u32),
        streams: &Streams,
    ) -> Self {
        let config = &scenario.clients[client.index()];
        let path_hash = path_hash(&format!("client.{}", config.name));
        let think_time = match &config.workload {
            Workload::Closed { think_time, .. } => Some(Sampler::new(think_time)),
            Workload::Open { .. } | Workload::Trace(_) => None,
        };
        let rng = streams.stream(Purpose::Arrival, path_hash);
        WorkloadState {
            path_hash,
            arrivals: Arrivals::new(&config.workload, rng),
            keys: KeySampler::new(&config.keys),
            has_key_users: scenario.edges.iter().any(balances_by_key),
            think_time,
            first_user: firsts.0,
            first_row: firsts.1,
            arrival_count: 0,
        }
    }
}

fn balances_by_key(edge: &EdgeConfig) -> bool {
    edge.balancer.placement_rule().is_some()
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Schedules the first arrivals of every client.
    pub(super) fn start_workloads(&mut self) {
        for index in 0..self.workloads.len() {
            let client = ClientId::from_index(index);
            match &self.scenario.clients[index].workload {
                Workload::Open { .. } | Workload::Trace(_) => self.schedule_arrival(client),
                Workload::Closed { user_count, .. } => {
                    for user in 0..*user_count {
                        let user = self.workloads[index].first_user + user;
                        self.schedule_think(client, user, false);
                    }
                }
            }
        }
    }

    /// Schedules the next arrival of an open or recorded workload, up to the end of the run.
    #[inline(always)]
    fn schedule_arrival(&mut self, client: ClientId) {
        let now = self.now();
        let state = &mut self.workloads[client.index()];
        let at = match &self.scenario.clients[client.index()].workload {
            Workload::Trace(trace) => match trace.rows.get(state.arrival_count as usize) {
                Some(row) => row.arrives_at,
                None => return,
            },
            _ => state.arrivals.next(now, state.arrival_count),
        };
        if at < SimTime::START + self.scenario.duration {
            self.queue.push(at, Event::RequestArrives(client.0));
        }
    }

    /// The next open or recorded request of a client arrives.
    #[inline(always)]
    pub(super) fn on_request_arrives(&mut self, client: u32) {
        let client = ClientId(client);
        let state = &mut self.workloads[client.index()];
        let number = state.arrival_count;
        state.arrival_count += 1;
        let (path_hash, first_row) = (state.path_hash, state.first_row);
        let config = &self.scenario.clients[client.index()];
        let first = self.scenario.topology.client_nodes(client).start;
        let mut draw =
            self.streams
                .draw(Purpose::CallerChoice, path_hash.wrapping_add(number), 0, 0);
        let (index, source) = match &config.workload {
            Workload::Trace(_) => {
                let number = u32::try_from(number).expect("a trace has fewer than 2^32 rows");
                (number % config.count, first_row + number)
            }
            _ => (draw.below(config.count), NIL),
        };
        let node = NodeId(first + index);
        self.fold(Event::RequestArrives(client.0), node, number);
        self.schedule_arrival(client);
        if self.states[node.index()].is_up() {
            self.start_client_request(client, node, source);
        } else {
            self.on_caller_down(client, node, source, draw);
        }
    }

    /// A request arrives at a caller that is down.
    #[cold]
    #[inline(never)]
    fn on_caller_down(&mut self, client: ClientId, node: NodeId, source: u32, draw: Draw) {
        match self.scenario.clients[client.index()].when_caller_down {
            WhenCallerDown::Redistribute => match self.caller_up(client, draw) {
                Some(node) => self.start_client_request(client, node, source),
                None => self.fail_arrival(client, node, source),
            },
            WhenCallerDown::Lose => {}
            WhenCallerDown::Fail => self.fail_arrival(client, node, source),
        }
    }

    /// A caller of the client that is up, drawn uniformly.
    fn caller_up(&self, client: ClientId, mut draw: Draw) -> Option<NodeId> {
        let nodes = self.scenario.topology.client_nodes(client);
        let is_up = |node: &u32| self.nodes[*node as usize].state.is_up();
        let up_count = u32::try_from(nodes.clone().filter(is_up).count()).expect("nodes fit");
        let rank = draw.below(up_count);
        nodes.filter(is_up).nth(rank as usize).map(NodeId)
    }

    fn fail_arrival(&mut self, client: ClientId, caller: NodeId, source: u32) {
        let arrived_at = self.now();
        let state = &self.workloads[client.index()];
        let identity = mix(state.path_hash.wrapping_add(state.arrival_count));
        let class = self.draw_class(client, identity, source);
        let fact = Observation::RequestArrived {
            client,
            caller,
            class,
        };
        let kind = StepKind::Arrived {
            client,
            node: caller,
            class,
            key: 0,
        };
        self.observe_step(fact, identity, kind);
        let (outcome, attempt_count) = (Outcome::Failure, 0);
        let fact = Observation::RequestEnded {
            client,
            caller,
            class,
            arrived_at,
            outcome,
            attempt_count,
        };
        self.observe_step(fact, identity, StepKind::Ended { client, outcome });
    }

    /// A user thinks. `is_instant`: its last request ended as it arrived.
    fn schedule_think(&mut self, client: ClientId, user: u32, is_instant: bool) {
        let state = &mut self.workloads[client.index()];
        let number = state.arrival_count;
        state.arrival_count += 1;
        let identity = state.path_hash.wrapping_add(number);
        let mut draw = self.streams.draw(Purpose::ThinkTime, identity, 0, 0);
        let law = state
            .think_time
            .as_ref()
            .expect("closed loops have a think time");
        let length = law.sample(&mut draw);
        let length = match is_instant && length.is_zero() {
            true => THINK_TIME_AFTER_INSTANT,
            false => length,
        };
        self.schedule(length, Event::ThinkEnds(user));
    }

    /// A closed-loop user sends, unless the run is over or nobody is up to send for it.
    #[inline(never)]
    pub(super) fn on_think_ends(&mut self, user: u32) {
        if self.now() >= SimTime::START + self.scenario.duration {
            return;
        }
        let place = self
            .workloads
            .partition_point(|state| state.first_user <= user)
            - 1;
        let client = ClientId::from_index(place);
        let config = &self.scenario.clients[place];
        let index = (user - self.workloads[place].first_user) % config.count;
        let node = NodeId(self.scenario.topology.client_nodes(client).start + index);
        self.fold(Event::ThinkEnds(user), node, u64::from(user));
        if self.nodes[node.index()].state.is_up() {
            return self.start_client_request(client, node, user);
        }
        let state = &self.workloads[place];
        let identity = state.path_hash.wrapping_add(state.arrival_count);
        let draw = self.streams.draw(Purpose::CallerChoice, identity, 0, 1);
        match config.when_caller_down {
            WhenCallerDown::Redistribute if self.caller_up(client, draw).is_some() => {
                let node = self.caller_up(client, draw).expect("there is one");
                self.start_client_request(client, node, user);
            }
            WhenCallerDown::Lose => self.schedule_think(client, user, true),
            WhenCallerDown::Redistribute | WhenCallerDown::Fail => {
                self.fail_arrival(client, node, user);
                self.schedule_think(client, user, true);
            }
        }
    }

    /// A request of a client has its outcome: a closed-loop user thinks again.
    #[inline(always)]
    pub(super) fn after_client_request(
        &mut self,
        client: ClientId,
        source: u32,
        arrived_at: SimTime,
    ) {
        if let Workload::Closed { .. } = self.scenario.clients[client.index()].workload {
            self.schedule_think(client, source, arrived_at == self.now());
        }
    }

    /// The recorded row that a request or an attempt came from, if it came from one.
    pub(super) fn trace_row(&self, source: u32) -> Option<&TraceRow> {
        if O::IS_BARE || source == NIL {
            return None;
        }
        let end = self.workloads.partition_point(|w| w.first_row <= source);
        let place = end.checked_sub(1)?;
        let row = source - self.workloads[place].first_row;
        match &self.scenario.clients[place].workload {
            Workload::Trace(trace) => trace.rows.get(row as usize),
            Workload::Open { .. } | Workload::Closed { .. } => None,
        }
    }

    /// The key of a request; 0 in a bare run where no balancer asks for it.
    #[inline(always)]
    pub(super) fn draw_key(
        &self,
        client: ClientId,
        class: ClassId,
        identity: u64,
        source: u32,
    ) -> u32 {
        if O::IS_BARE && !self.workloads[client.index()].has_key_users {
            return 0;
        }
        let key = match self.trace_row(source).and_then(|row| row.key) {
            Some(key) => key,
            None => {
                let mut draw = self.streams.draw(Purpose::Key, identity, 0, 0);
                let of_client = &self.workloads[client.index()].keys;
                let of_class = match O::IS_BARE {
                    true => None,
                    false => self.classes.keys(class),
                };
                of_class.unwrap_or(of_client).sample(&mut draw)
            }
        };
        u32::try_from(key).expect("keys are bounded when a scenario is loaded")
    }

    /// The service demand that the recorded workload gives an attempt: none at a proxy, which
    /// hands it on.
    #[inline]
    pub(super) fn recorded_demand(&self, attempt: &Attempt) -> Option<SimDuration> {
        if attempt.trace_row == NIL || self.is_proxy(attempt.instance) {
            return None;
        }
        self.trace_row(attempt.trace_row)
            .and_then(|row| row.service_demand)
    }
}
