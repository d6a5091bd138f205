//! The world: all components of a run, and the one `match` from events to what they do.

use std::collections::BTreeMap;

use super::balancer::tables::Tables;
use super::cache::Caches;
use super::caller::breakdown::Breakdown;
use super::caller::join::Joins;
use super::caller::plan::CallPlans;
use super::caller::several::Several;
use super::caller::{Caller, Gates};
use super::classes::ClassLaws;
use super::composition::Composition;
use super::connection::Connections;
use super::detector::ping::Pings;
use super::detector::push::Beats;
use super::event::Event;
use super::exchange::Exchange;
use super::fault::FaultSteps;
use super::gossip::Gossip;
use super::instance::Instance;
use super::network::{MessageKey, Network, Verdict};
use super::node::Node;
use super::observation::step::{Step, StepKind};
use super::observation::{AttemptOutcome, LifeState, Observation, Observer, WorkEnd};
use super::reaction::Reactions;
use super::rebuild::Rebuilds;
use super::registry::Registry;
use super::request::{Attempt, Request, TriedLists};
use super::sampler::Sampler;
use super::server::ServerState;
use super::workload::WorkloadState;
use crate::engine::{Digest, EventQueue, Lanes, PendingSet, Slab, Timer};
use crate::id::{CallerId, InstanceId, NodeId};
use crate::rng::{Purpose, Streams, UniformSource};
use crate::scenario::Scenario;
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// Everything that a run consists of. What belongs to one topic stands in the file of that topic,
/// as methods of the world.
pub(super) struct World<'s, O, S> {
    pub(super) scenario: &'s Scenario,
    pub(super) observer: &'s mut O,
    pub(super) streams: Streams,
    pub(super) queue: EventQueue<Event, S>,
    pub(super) digest: Digest,
    pub(super) nodes: Vec<Node>,
    /// The states of the nodes, in little room: every event asks.
    pub(super) states: Vec<LifeState>,
    pub(super) network: Network,
    pub(super) requests: Slab<Request>,
    pub(super) tried: TriedLists,
    pub(super) attempts: Slab<Attempt>,
    /// Timeouts of attempts, one lane for each edge, by slot of the attempt.
    pub(super) attempt_lanes: Lanes,
    /// Timeouts of attempts that are cut short by a deadline, by slot of the attempt.
    pub(super) attempt_timers: Vec<Timer>,
    /// What calls with several attempts at once, deadlines that travel and cancellations need.
    pub(super) several: Several,
    /// What stands before attempts.
    pub(super) gates: Gates,
    pub(super) instances: Vec<Instance>,
    pub(super) connections: Connections,
    /// Service time of each service.
    pub(super) service_times: Vec<Sampler>,
    /// What follows from the class of a request.
    pub(super) classes: ClassLaws,
    pub(super) callers: Vec<Caller>,
    /// Hash of the path of each edge.
    pub(super) edge_hashes: Vec<u64>,
    pub(super) tables: Tables,
    /// What balancers with wrappers share, and whom they leave out.
    pub(super) composition: Composition,
    /// What balancers and instances tell each other.
    pub(super) exchange: Exchange<'s>,
    pub(super) workloads: Vec<WorkloadState>,
    /// Requests that each caller of a client has sent, by node after the last instance.
    pub(super) request_counts: Vec<u64>,
    pub(super) registry: Registry,
    pub(super) pings: Pings,
    pub(super) beats: Beats,
    /// Clusters whose members watch each other.
    pub(super) gossip: Gossip,
    pub(super) servers: ServerState,
    pub(super) faults: FaultSteps,
    /// What loads and windows set off.
    pub(super) reactions: Reactions,
    /// Whether the model itself learns from what is observed.
    pub(super) is_noting: bool,
    /// What came due at nodes that stand still, in that order.
    pub(super) deferred: BTreeMap<NodeId, Vec<Deferred>>,
    /// Processes that start again: the sequence number of the event that ends it.
    pub(super) restarts: BTreeMap<NodeId, u64>,
    /// Requests of clients that have no outcome.
    pub(super) in_flight_count: u64,
    /// Caches of calls and of instances.
    pub(super) caches: Caches,
    /// Copies of data on links; None where there are none.
    pub(super) rebuilds: Option<Box<Rebuilds>>,
    /// Which calls follow one another.
    pub(super) plans: CallPlans,
    /// Stages of parallel calls under way.
    pub(super) joins: Joins,
    /// Where the time of requests goes; None unless the scenario asks.
    pub(super) breakdown: Option<Box<Breakdown>>,
}

/// Something that came due while its node stood still.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deferred {
    /// An event, with its sequence number.
    Event(Event, u64),
    /// The timeout of the attempt in this slot.
    AttemptTimeout(u32),
    /// A request that arrived at its caller.
    CallStart(u32),
    /// The timeout of ping `number` of the pair in this slot.
    PingTimeout { slot: u32, number: u32 },
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The time.
    #[inline]
    pub(super) fn now(&self) -> SimTime {
        self.queue.now()
    }

    /// What the model itself learns from a fact.
    fn note(&mut self, now: SimTime, observation: &Observation<'_>) {
        if self.reactions.is_watching {
            self.reactions.note(observation);
        }
        self.exchange.note(now, observation);
    }

    /// Whether all requests of clients have ended, and all detached calls.
    pub(super) fn is_done(&self) -> bool {
        let has_detached = || self.scenario.edges.iter().any(|edge| edge.flow.is_detached);
        self.in_flight_count == 0 && (self.requests.is_empty() || !has_detached())
    }

    #[inline(always)]
    pub(super) fn observe(&mut self, observation: Observation<'_>) {
        let now = self.now();
        if !O::IS_BARE && self.is_noting {
            self.note(now, &observation);
        }
        self.observer.observe(now, &observation);
    }

    /// Tells an observer that follows requests of a step of one.
    #[inline(always)]
    pub(super) fn follow(&mut self, request: u64, kind: StepKind) {
        if O::FOLLOWS {
            let now = self.now();
            self.observer.follow(now, &Step { request, kind });
        }
    }

    /// Tells of a fact that is a step of a request as well.
    #[inline(always)]
    pub(super) fn observe_step(
        &mut self,
        observation: Observation<'_>,
        request: u64,
        kind: StepKind,
    ) {
        if !O::FOLLOWS {
            return self.observe(observation);
        }
        let now = self.now();
        if self.is_noting {
            self.note(now, &observation);
        }
        let step = Step { request, kind };
        self.observer.observe_step(now, &observation, &step);
    }

    /// Tells of a fact that is a step of an attempt as well: `kind` makes it from the number of the
    /// attempt and its instance.
    #[inline(always)]
    pub(super) fn observe_attempt(
        &mut self,
        slot: u32,
        observation: Observation<'_>,
        kind: impl FnOnce(u8, InstanceId) -> StepKind,
    ) {
        if !O::FOLLOWS {
            return self.observe(observation);
        }
        let attempt = &self.attempts[slot];
        let (identity, kind) = (attempt.identity, kind(attempt.index, attempt.instance));
        self.observe_step(observation, identity, kind);
    }

    /// An instance is done with an attempt.
    #[inline(always)]
    pub(super) fn observe_left(&mut self, slot: u32, observation: Observation<'_>, end: WorkEnd) {
        let is_started = O::FOLLOWS && self.attempts[slot].started_at != SimTime::NEVER;
        self.observe_attempt(slot, observation, |attempt, instance| StepKind::Left {
            attempt,
            instance,
            end,
            is_started,
        });
    }

    /// An attempt ended for its caller.
    #[inline(always)]
    pub(super) fn observe_attempt_ended(
        &mut self,
        observation: Observation<'_>,
        request: u64,
        (attempt, instance): (u8, InstanceId),
        outcome: AttemptOutcome,
    ) {
        let kind = StepKind::AttemptEnded {
            attempt,
            instance,
            outcome,
        };
        self.observe_step(observation, request, kind);
    }

    /// An instance turned an attempt away.
    #[inline(always)]
    pub(super) fn observe_turned_away(&mut self, slot: u32, observation: Observation<'_>) {
        self.observe_attempt(slot, observation, |attempt, instance| {
            StepKind::TurnedAway { attempt, instance }
        });
    }

    /// Schedules an event and returns its sequence number.
    #[inline]
    pub(super) fn schedule(&mut self, delay: SimDuration, event: Event) -> u64 {
        self.queue.push_after(delay, event)
    }

    /// Notes that an event was handled (decision D11: nothing stale, no slot, no sequence).
    #[inline(always)]
    pub(super) fn fold(&mut self, event: Event, node: NodeId, identity: u64) {
        let now = self.now();
        self.digest.fold(now, event.kind(), node.0, identity);
    }

    /// The attempt in `slot`, if it waits for the event with this sequence number.
    #[inline(always)]
    pub(super) fn awaiting(&self, slot: u32, sequence: u64) -> Option<&Attempt> {
        let attempt = self.attempts.get_latest(slot);
        (attempt.pending == sequence).then_some(attempt)
    }

    /// Takes out an attempt: it waits for no event any more.
    #[inline(always)]
    pub(super) fn remove_attempt(&mut self, slot: u32) -> Attempt {
        self.attempts[slot].pending = 0;
        self.attempts.remove(slot)
    }

    /// Sends a message between two nodes.
    #[inline]
    pub(super) fn send(&mut self, link: (NodeId, NodeId), key: MessageKey) -> Verdict {
        let now = self.queue.now();
        self.network
            .send(now, &self.streams, &self.nodes, link, key)
    }

    /// The node of an instance.
    #[inline]
    pub(super) fn instance_node(&self, instance: InstanceId) -> NodeId {
        NodeId(instance.0)
    }

    /// The node that owns a calling side.
    #[inline]
    pub(super) fn caller_node(&self, caller: CallerId) -> NodeId {
        self.callers[caller.index()].node
    }

    /// The first tick of a periodic process of `node`, named by `identity`: drawn by key unless
    /// the scenario fixes it.
    pub(super) fn first_tick(
        &self,
        node: NodeId,
        identity: u64,
        interval: SimDuration,
        phase: Phase,
    ) -> SimDuration {
        match phase {
            Phase::Aligned => interval,
            Phase::At(offset) => offset,
            Phase::Random => {
                let incarnation = self.nodes[node.index()].incarnation;
                let mut draw = self.streams.draw(Purpose::Phase, identity, incarnation, 0);
                // In (0, interval]: the tick before lies in the past.
                interval.scaled(1.0 - draw.uniform())
            }
        }
    }

    /// Sets aside what comes due at a node that stands still. Returns whether it did.
    #[inline(always)]
    pub(super) fn defers(&mut self, node: NodeId, what: Deferred) -> bool {
        let is_paused = self.states[node.index()] == LifeState::Paused;
        if is_paused {
            self.set_aside(node, what);
        }
        is_paused
    }

    #[cold]
    #[inline(never)]
    fn set_aside(&mut self, node: NodeId, what: Deferred) {
        self.deferred.entry(node).or_default().push(what);
    }

    /// Handles an event that waited, with the sequence number with which it was popped.
    #[inline(never)]
    pub(super) fn handle_late(&mut self, sequence: u64, event: Event) {
        self.handle(sequence, event);
    }

    /// Handles an event that was popped with this sequence number.
    ///
    /// It is part of the loop of a run, and so are the steps of a request; all other events are
    /// handled apart, so that they take no registers from those.
    #[inline(always)]
    pub(super) fn handle(&mut self, sequence: u64, event: Event) {
        match event {
            Event::RequestArrives(client) => self.on_request_arrives(client),
            Event::ThinkEnds(user) => self.on_think_ends(user),
            Event::AttemptArrives(slot) => self.on_attempt_arrives(slot, sequence),
            Event::WorkDone(slot) => self.on_work_done(slot, sequence),
            Event::SharedWorkDone(instance) => self.on_shared_work_done(instance, sequence),
            Event::ReplyArrives(slot) => self.on_reply_arrives(slot, sequence),
            Event::AttemptTimeout(lane) => self.on_attempt_lane(lane, sequence),
            Event::AttemptDeadline(slot) => self.on_attempt_deadline(slot, sequence),
            Event::FallbackEnds(slot) => self.on_fallback_ends(slot, sequence),
            Event::GateWaitEnds(wait) => self.on_gate_wait_ends(wait, sequence),
            Event::ConnectionTimer(index) => self.on_connection_timer(index, sequence),
            Event::ConnectionMessage(slot) => self.on_connection_message(slot, sequence),
            Event::BackoffEnds(slot) => self.on_backoff_ends(slot, sequence),
            Event::CacheDue(index) => self.on_cache_due(index, sequence),
            Event::HeartbeatDue(instance) => self.on_heartbeat_due(instance, sequence),
            Event::HeartbeatArrives(instance) => self.on_heartbeat_arrives(instance),
            Event::LeaseExpires(instance) => self.on_lease_expires(instance, sequence),
            Event::PublishDue(service) => self.on_publish_due(service),
            Event::ListArrives(slot) => self.on_list_arrives(slot),
            Event::PollDue(caller) => self.on_poll_due(caller, sequence),
            Event::PollArrives(caller) => self.on_poll_arrives(caller),
            Event::PingDue(pair) => self.on_ping_due(pair, sequence),
            Event::PingArrives(pair) => self.on_ping_arrives(pair, sequence),
            Event::AckArrives(pair) => self.on_ack_arrives(pair, sequence),
            Event::PingTimeout(lane) => self.on_ping_lane(lane, sequence),
            Event::FaultStep(step) => self.on_fault_step(step, sequence),
            Event::RestartEnds(node) => self.on_restart_ends(NodeId(node), sequence),
            Event::GraceEnds(instance) => self.on_grace_ends(InstanceId(instance), sequence),
            Event::ServerStep(timer) => self.on_server_step(timer, sequence),
            Event::DeregistrationArrives(instance) => {
                self.on_deregistration_arrives(InstanceId(instance));
            }
            Event::HedgeDue(slot) => self.on_hedge_due(slot, sequence),
            Event::CancelArrives(slot) => self.on_cancel_arrives(slot, sequence),
            Event::BalancerWakes(caller) => self.on_balancer_wakes(caller, sequence),
            Event::BalancerMessage(slot) => self.on_balancer_message(slot),
            Event::ReportDue(slot) => self.on_report_due(slot, sequence),
            Event::BeatDue(pair) => self.on_beat_due(pair, sequence),
            Event::BeatArrives(slot) => self.on_beat_arrives(slot, sequence),
            Event::BeliefDue(pair) => self.on_belief_due(pair, sequence),
            Event::GossipDue(index) => self.on_gossip_due(index, sequence),
            Event::GossipMessage(slot) => self.on_gossip_message(slot, sequence),
            Event::GossipSuspicionEnds(slot) => self.on_gossip_suspicion_ends(slot, sequence),
            Event::GossipRelayEnds(slot) => self.on_gossip_relay_ends(slot, sequence),
            Event::RegistryMessage(slot) => self.on_registry_message(slot),
            Event::RegistryTimer(timer) => self.on_registry_timer(timer, sequence),
        }
    }
}
