//! Checks of the instances on the list of a calling side: it asks, they answer.
//!
//! In the textbook form it asks every `interval`; an ACK that has not come within `timeout` is a
//! miss, and an instance that nobody answers for costs the full timeout, whether its process or its
//! host is gone. In the forms of proxies the next check follows the end of the last one; a process
//! that is gone refuses at once, where the transport can, and an answer may say no. What follows
//! from answers is in `health`. A suspicion ends with the pair when the instance leaves the list.

use super::health::{Finding, Health};
use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{CallerId, ClassId, EdgeId, InstanceId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict};
use crate::model::node::Node;
use crate::model::observation::{ControlKind, LifeState, Observation, Observer, Suspector};
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, UniformSource};
use crate::scenario::Scenario;
use crate::scenario::check::{CheckConfig, CheckRule, ProbePath};
use crate::scenario::fault::FaultKind;
use crate::scenario::network::Transport;
use crate::time::{SimDuration, SimTime};

/// One calling side and one instance that it pings.
#[derive(Clone, Copy, Debug)]
struct Pair {
    caller: CallerId,
    instance: InstanceId,
    due: Timer,
    /// Sequence number of the message that is on the wire; 0 for none.
    pending: u64,
    /// Pings sent.
    number: u32,
    is_waiting: bool,
    /// What the answer on the wire says.
    answer: Finding,
    health: Health,
    /// It is left out without having failed: no check has ended yet.
    is_unverified: bool,
}

/// A ping of a pair, for whoever answers it.
#[derive(Clone, Copy, Debug)]
pub struct PairPing {
    /// Who sent it.
    pub caller: CallerId,
    /// To whom.
    pub instance: InstanceId,
    /// Its number.
    pub number: u32,
    /// Names the pair in keyed draws.
    pub identity: u64,
}

/// All pairs, with the timeouts of their pings: one lane for each edge and clock, because the
/// timeouts of a lane are of one true length.
#[derive(Debug)]
pub struct Pings {
    pairs: Slab<Pair>,
    lanes: crate::engine::Lanes,
    /// What each lane is for, ascending.
    lane_keys: Vec<LaneKey>,
}

/// An edge and how its callers' clocks drift, as bits.
type LaneKey = (EdgeId, u64);

impl Pings {
    /// No pairs yet.
    pub fn new(scenario: &Scenario, nodes: &[Node]) -> Self {
        let topology = &scenario.topology;
        let mut lane_keys: Vec<LaneKey> = (0..scenario.edges.len())
            .filter(|edge| {
                scenario.edges[*edge]
                    .detector
                    .is_some_and(|d| d.check().is_some())
            })
            .map(EdgeId::from_index)
            .flat_map(|edge| {
                topology
                    .edge_callers(edge)
                    .map(move |caller| (edge, caller))
            })
            .map(|(edge, caller)| (edge, topology.caller_node(CallerId(caller))))
            .map(|(edge, node)| lane_key(edge, &nodes[node.index()]))
            .collect();
        let edges: std::collections::BTreeSet<EdgeId> = lane_keys.iter().map(|key| key.0).collect();
        let drifts = scenario.faults.iter().filter_map(|fault| match fault.kind {
            FaultKind::ClockDrift { drift_ratio } => Some(drift_ratio.to_bits()),
            _ => None,
        });
        for drift in drifts {
            lane_keys.extend(edges.iter().map(|edge| (*edge, drift)));
        }
        lane_keys.sort_unstable();
        lane_keys.dedup();
        let lane_count = u32::try_from(lane_keys.len()).expect("fewer lanes than calling sides");
        Pings {
            pairs: Slab::new(),
            lanes: crate::engine::Lanes::new(lane_count),
            lane_keys,
        }
    }
}

fn lane_key(edge: EdgeId, owner: &Node) -> LaneKey {
    (edge, owner.drift_ratio.to_bits())
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    fn check_config(&self, caller: CallerId) -> CheckConfig {
        let config = self.detector_config(caller);
        let config = config.and_then(|config| config.check());
        config.expect("only edges with checks have such pairs")
    }

    /// A calling side begins to check an instance. At the start of a run it has done so for long.
    pub(super) fn add_ping_pair(
        &mut self,
        caller: CallerId,
        instance: InstanceId,
        config: &CheckConfig,
    ) -> u32 {
        let is_new = SimTime::START < self.now();
        let health = match is_new {
            true => Health::fresh(config),
            false => Health::proven(config),
        };
        let slot = self.pings.pairs.insert(Pair {
            caller,
            instance,
            due: Timer::UNSET,
            pending: 0,
            number: 0,
            is_waiting: false,
            answer: Finding::Passed,
            health,
            is_unverified: health.is_down,
        });
        if health.is_down {
            self.leave_out_unverified((caller, instance));
        }
        let first = self.first_check(slot, config, is_new);
        let sequence = self.schedule(first, Event::PingDue(slot));
        self.pings.pairs[slot].due.set(sequence);
        slot
    }

    /// From now to the first check. HAProxy spreads the servers of a backend over its interval,
    /// Envoy checks a new host at once but for its jitter, and has no other spread.
    fn first_check(&self, slot: u32, config: &CheckConfig, is_new: bool) -> SimDuration {
        let Pair {
            caller, instance, ..
        } = self.pings.pairs[slot];
        let node = self.caller_node(caller);
        let clock = &self.nodes[node.index()];
        let interval = clock.true_length(config.interval);
        let worker = u64::from(self.scenario.topology.side_of(caller));
        let of_edge = self.edge_hash(self.callers[caller.index()].edge);
        let of_caller = clock.path_hash ^ of_edge.wrapping_add(worker);
        let jitter = |most: SimDuration| {
            let identity = self.pair_identity(slot);
            let incarnation = clock.incarnation;
            let mut draw = self.streams.draw(Purpose::Phase, identity, incarnation, 1);
            most.scaled(draw.uniform())
        };
        match config.rule {
            CheckRule::Ping { .. } => {
                let identity = self.pair_identity(slot).wrapping_add(worker);
                self.first_tick(node, identity, interval, config.phase)
            }
            CheckRule::Haproxy(_) => {
                let listed = &self.callers[caller.index()].listed;
                let place = listed.position(instance).unwrap_or(0) as u64;
                let step_ns = interval.as_ns() / listed.members.len().max(1) as u64;
                let start = match is_new {
                    true => SimDuration::ZERO,
                    false => self.first_tick(node, of_caller, interval, config.phase),
                };
                let offset_ns = start.as_ns() + place * step_ns;
                SimDuration::from_ns(offset_ns % interval.as_ns().max(1))
            }
            CheckRule::Envoy(envoy) if is_new => jitter(clock.true_length(envoy.initial_jitter)),
            CheckRule::Envoy(envoy) => {
                let start = self.first_tick(node, of_caller, interval, config.phase);
                let late = jitter(clock.true_length(envoy.initial_jitter));
                SimDuration::from_ns((start + late).as_ns() % interval.as_ns().max(1))
            }
        }
    }

    /// Ends a pair, and with it what its calling side believed.
    pub(super) fn remove_ping_pair(&mut self, slot: u32) {
        self.pings.lanes.cancel(slot);
        let pair = self.pings.pairs.remove(slot);
        if pair.health.is_down && !pair.is_unverified {
            self.observe(Observation::Forgotten {
                suspector: Suspector::Caller(pair.caller),
                instance: pair.instance,
            });
        }
    }

    fn pair_identity(&self, slot: u32) -> u64 {
        let pair = &self.pings.pairs[slot];
        self.pair_name(pair.caller, pair.instance)
    }

    /// A calling side pings an instance.
    #[inline(never)]
    pub(in crate::model) fn on_ping_due(&mut self, slot: u32, sequence: u64) {
        let Some(pair) = self.pings.pairs.get(slot).copied() else {
            return;
        };
        if !pair.due.is_live(sequence) {
            return;
        }
        let (node, event) = (self.caller_node(pair.caller), Event::PingDue(slot));
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let identity = self.pair_identity(slot);
        self.fold(event, node, identity);
        let config = self.check_config(pair.caller);
        let clock = &self.nodes[node.index()];
        let (interval, timeout) = (
            clock.true_length(config.interval),
            clock.true_length(config.timeout),
        );
        let state = &mut self.pings.pairs[slot];
        state.number += 1;
        state.is_waiting = true;
        // Where both last as long, a check is missed before the next one begins.
        self.set_ping_timeout(slot, timeout);
        if let CheckRule::Ping { .. } = config.rule {
            let next = self.schedule(interval, event);
            self.pings.pairs[slot].due.set(next);
        } else {
            self.pings.pairs[slot].due.cancel();
        }
        self.send_ping_message(slot, ControlKind::Ping);
    }

    fn set_ping_timeout(&mut self, slot: u32, timeout: SimDuration) {
        let caller = &self.callers[self.pings.pairs[slot].caller.index()];
        let key = lane_key(caller.edge, &self.nodes[caller.node.index()]);
        let lane = self.pings.lane_keys.binary_search(&key);
        let lane = lane.expect("edges with a detector have lanes");
        let lane = u32::try_from(lane).expect("lanes are counted in 32 bits");
        let at = self.now() + timeout;
        let sequence = self.queue.take_sequence();
        self.pings.lanes.cancel(slot);
        if let Some((at, sequence)) = self.pings.lanes.set(lane, slot, at, sequence) {
            self.queue
                .push_with_sequence(at, sequence, Event::PingTimeout(lane));
        }
    }

    fn send_ping_message(&mut self, slot: u32, kind: ControlKind) {
        let pair = self.pings.pairs[slot];
        let side = &self.callers[pair.caller.index()];
        let service = side.listed.service;
        let (there, back) = (side.node, self.instance_node(pair.instance));
        let (link, leg, event) = match kind {
            ControlKind::Ack => ((back, there), 1, Event::AckArrives(slot)),
            _ => ((there, back), 0, Event::PingArrives(slot)),
        };
        self.observe(Observation::ControlSent {
            kind,
            service,
            from: link.0,
            to: Some(link.1),
        });
        let key = MessageKey {
            identity: self.pair_identity(slot),
            number: pair.number,
            leg,
            class: ClassId::NONE,
            traffic: kind.traffic(),
        };
        self.pings.pairs[slot].pending = match self.send(link, key) {
            Verdict::Deliver { delay, .. } => self.schedule(delay, event),
            Verdict::Lost => 0,
        };
    }

    /// The pair whose message arrives with this sequence number. A message of an earlier ping is
    /// none: its ping was missed.
    fn arriving(&self, slot: u32, sequence: u64) -> Option<Pair> {
        self.pings
            .pairs
            .get(slot)
            .copied()
            .filter(|pair| pair.pending == sequence)
    }

    /// A ping reaches the host of its instance.
    #[inline(never)]
    pub(in crate::model) fn on_ping_arrives(&mut self, slot: u32, sequence: u64) {
        let Some(pair) = self.arriving(slot, sequence) else {
            return;
        };
        let (node, event) = (self.instance_node(pair.instance), Event::PingArrives(slot));
        // The kernel alone accepts a connection.
        let is_of_kernel = self.check_config(pair.caller).path == ProbePath::Accept;
        if !is_of_kernel && self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let identity = self.pair_identity(slot);
        self.fold(event, node, identity);
        self.pings.pairs[slot].pending = 0;
        let config = self.check_config(pair.caller);
        let state = self.nodes[node.index()].state;
        if !(state == LifeState::Up || state == LifeState::Paused) {
            return self.refuse_check(slot, &config, state);
        }
        if self.instances[node.index()].is_closing && !matches!(config.rule, CheckRule::Ping { .. })
        {
            return self.refuse_check(slot, &config, LifeState::Absent);
        }
        if !config.path.needs_worker() {
            return self.answer_check(slot, Finding::Passed);
        }
        let ping = PairPing {
            caller: pair.caller,
            instance: pair.instance,
            number: pair.number,
            identity,
        };
        self.admit_probe(slot, ping);
    }

    /// Nobody is there to answer. A host whose process is gone refuses, which the textbook form
    /// does not hear.
    fn refuse_check(&mut self, slot: u32, config: &CheckConfig, state: LifeState) {
        let is_silent = state == LifeState::HostLost
            || self.network.transport == Transport::Datagram
            || matches!(config.rule, CheckRule::Ping { .. });
        if !is_silent {
            self.answer_check(slot, Finding::Unreachable);
        }
    }

    fn answer_check(&mut self, slot: u32, answer: Finding) {
        self.pings.pairs[slot].answer = answer;
        self.send_ping_message(slot, ControlKind::Ack);
    }

    /// A worker is done with a ping; it is acknowledged unless its caller has begun another one.
    pub(in crate::model) fn acknowledge(
        &mut self,
        slot: u32,
        number: u32,
        (caller, instance): (CallerId, InstanceId),
        answer: Finding,
    ) {
        let is_awaited = self.pings.pairs.get(slot).is_some_and(|pair| {
            (pair.caller, pair.instance, pair.number) == (caller, instance, number)
                && pair.is_waiting
        });
        if !is_awaited {
            return;
        }
        let is_textbook = matches!(self.check_config(caller).rule, CheckRule::Ping { .. });
        if !is_textbook || answer == Finding::Passed {
            self.answer_check(slot, answer);
        }
    }

    /// An ACK reaches its calling side.
    #[inline(never)]
    pub(in crate::model) fn on_ack_arrives(&mut self, slot: u32, sequence: u64) {
        let Some(pair) = self.arriving(slot, sequence) else {
            return;
        };
        let (node, event) = (self.caller_node(pair.caller), Event::AckArrives(slot));
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let identity = self.pair_identity(slot);
        self.fold(event, node, identity);
        let state = &mut self.pings.pairs[slot];
        state.pending = 0;
        if std::mem::take(&mut state.is_waiting) {
            let found = state.answer;
            self.pings.lanes.cancel(slot);
            self.end_check(slot, found);
        }
    }

    /// A check has ended: its calling side may believe something else, and plans the next one.
    fn end_check(&mut self, slot: u32, found: Finding) {
        let caller = self.pings.pairs[slot].caller;
        let config = self.check_config(caller);
        let (number, is_new) = {
            let pair = &self.pings.pairs[slot];
            (pair.number, pair.is_unverified)
        };
        // A run begins amid traffic: who checks from then on has called before.
        let has_traffic = (number == 1 && !is_new) || self.has_called(caller);
        let pair = &mut self.pings.pairs[slot];
        let was_down = pair.health.is_down;
        let was_unverified = std::mem::take(&mut pair.is_unverified);
        let next = pair.health.on_result(&config, found, has_traffic);
        let (is_down, instance) = (pair.health.is_down, pair.instance);
        if let Some(next) = next {
            let node = self.caller_node(caller);
            let jitter = self.check_jitter(slot, &config);
            let delay = self.nodes[node.index()].true_length(next + jitter);
            let sequence = self.schedule(delay, Event::PingDue(slot));
            self.pings.pairs[slot].due.set(sequence);
        }
        match (was_unverified, was_down, is_down) {
            (true, _, true) => self.suspect_unverified((caller, instance)),
            (true, _, false) => self.take_in_verified((caller, instance)),
            (false, was, is) if was != is => self.set_suspected((caller, instance), is),
            (false, ..) => {}
        }
    }

    fn check_jitter(&self, slot: u32, config: &CheckConfig) -> SimDuration {
        let CheckRule::Envoy(envoy) = config.rule else {
            return SimDuration::ZERO;
        };
        if envoy.interval_jitter.is_zero() {
            return SimDuration::ZERO;
        }
        let pair = &self.pings.pairs[slot];
        let identity = self
            .pair_identity(slot)
            .wrapping_add(u64::from(pair.number));
        let mut draw = self.streams.draw(Purpose::Phase, identity, 0, 2);
        envoy.interval_jitter.scaled(draw.uniform())
    }

    /// Whether the owner of a calling side has sent a request over its edge since it started.
    fn has_called(&self, caller: CallerId) -> bool {
        let (edge, node) = (self.callers[caller.index()].edge, self.caller_node(caller));
        let mut sides = self.scenario.topology.callers_of(edge, node);
        sides.any(|side| self.callers[side.index()].in_flight.was_used())
    }

    /// The head of a lane of ping timeouts is due, if it was not cancelled.
    #[inline(never)]
    pub(in crate::model) fn on_ping_lane(&mut self, lane: u32, sequence: u64) {
        let fired = self.pings.lanes.fire(lane, self.queue.now(), sequence);
        if let Some((at, sequence)) = fired.next {
            self.queue
                .push_with_sequence(at, sequence, Event::PingTimeout(lane));
        }
        if let Some(slot) = fired.expired {
            let pair = self.pings.pairs[slot];
            let node = self.caller_node(pair.caller);
            let number = pair.number;
            if !self.defers(node, Deferred::PingTimeout { slot, number }) {
                self.on_ping_missed(slot, number);
            }
        }
    }

    /// A ping went without ACK for too long.
    pub(in crate::model) fn on_ping_missed(&mut self, slot: u32, number: u32) {
        let is_waiting = |pair: &&mut Pair| pair.number == number && pair.is_waiting;
        let pairs = &mut self.pings.pairs;
        if !pairs.contains(slot) {
            return;
        }
        let Some(state) = Some(&mut pairs[slot]).filter(is_waiting) else {
            return;
        };
        state.is_waiting = false;
        let pair = *state;
        let node = self.caller_node(pair.caller);
        let identity = self.pair_identity(slot);
        self.fold(Event::PingTimeout(0), node, identity);
        self.end_check(slot, Finding::Unreachable);
    }
}
