//! Heartbeat and ACK between a calling side and the instances on its list.
//!
//! Source: textbook. A calling side asks every `interval`; an ACK that has not come within
//! `timeout` is a miss, `misses_max` misses in a row make a suspicion, `rises_min` ACKs in a row
//! end it. An instance that nobody answers for costs the full timeout, whether its process or its
//! host is gone. A suspicion ends with the pair when the instance leaves the list.

use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{CallerId, ClassId, EdgeId, InstanceId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict};
use crate::model::node::Node;
use crate::model::observation::{ControlKind, LifeState, Observation, Observer, Suspector};
use crate::model::world::{Deferred, World};
use crate::scenario::Scenario;
use crate::scenario::fault::FaultKind;
use crate::scenario::registry::PingConfig;
use crate::time::SimDuration;

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
    misses: u32,
    rises: u32,
    is_waiting: bool,
    is_suspected: bool,
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
                    .is_some_and(|d| d.ping().is_some())
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
    fn ping_config(&self, caller: CallerId) -> Option<PingConfig> {
        let edge = self.callers[caller.index()].edge;
        self.scenario.edges[edge.index()].detector?.ping()
    }

    pub(super) fn add_ping_pair(
        &mut self,
        caller: CallerId,
        instance: InstanceId,
        config: &PingConfig,
    ) -> u32 {
        let slot = self.pings.pairs.insert(Pair {
            caller,
            instance,
            due: Timer::UNSET,
            pending: 0,
            number: 0,
            misses: 0,
            rises: 0,
            is_waiting: false,
            is_suspected: false,
        });
        let node = self.caller_node(caller);
        let interval = self.nodes[node.index()].true_length(config.interval);
        let identity = self.pair_identity(slot);
        let first = self.first_tick(node, identity, interval, config.phase);
        let sequence = self.schedule(first, Event::PingDue(slot));
        self.pings.pairs[slot].due.set(sequence);
        slot
    }

    /// Ends a pair, and with it what its calling side believed.
    pub(super) fn remove_ping_pair(&mut self, slot: u32) {
        self.pings.lanes.cancel(slot);
        let pair = self.pings.pairs.remove(slot);
        if pair.is_suspected {
            self.observe(Observation::Trusted {
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
        let config = self
            .ping_config(pair.caller)
            .expect("only edges with a detector ping");
        let clock = &self.nodes[node.index()];
        let (interval, timeout) = (
            clock.true_length(config.interval),
            clock.true_length(config.timeout),
        );
        let next = self.schedule(interval, event);
        let state = &mut self.pings.pairs[slot];
        state.due.set(next);
        state.number += 1;
        state.is_waiting = true;
        self.set_ping_timeout(slot, timeout);
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
        self.observe(Observation::ControlSent { kind, service });
        let key = MessageKey {
            identity: self.pair_identity(slot),
            number: pair.number,
            leg,
            class: ClassId::NONE,
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
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let identity = self.pair_identity(slot);
        self.fold(event, node, identity);
        self.pings.pairs[slot].pending = 0;
        if self.nodes[node.index()].state != LifeState::Up {
            return;
        }
        let edge = self.callers[pair.caller.index()].edge;
        if !self.waits_for_worker(edge) {
            return self.send_ping_message(slot, ControlKind::Ack);
        }
        let ping = PairPing {
            caller: pair.caller,
            instance: pair.instance,
            number: pair.number,
            identity,
        };
        self.admit_probe(slot, ping);
    }

    /// A worker is done with a ping; it is acknowledged unless its caller has begun another one.
    pub(in crate::model) fn acknowledge(
        &mut self,
        slot: u32,
        number: u32,
        (caller, instance): (CallerId, InstanceId),
    ) {
        let is_awaited = self.pings.pairs.get(slot).is_some_and(|pair| {
            (pair.caller, pair.instance, pair.number) == (caller, instance, number)
                && pair.is_waiting
        });
        if is_awaited {
            self.send_ping_message(slot, ControlKind::Ack);
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
        let config = self
            .ping_config(pair.caller)
            .expect("only edges with a detector ping");
        let state = &mut self.pings.pairs[slot];
        state.pending = 0;
        if !std::mem::take(&mut state.is_waiting) {
            return;
        }
        state.misses = 0;
        state.rises = state.rises.saturating_add(1);
        let trusts = state.is_suspected && state.rises >= config.rises_min;
        self.pings.lanes.cancel(slot);
        if trusts {
            self.pings.pairs[slot].is_suspected = false;
            self.set_suspected((pair.caller, pair.instance), false);
        }
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
        state.rises = 0;
        state.misses = state.misses.saturating_add(1);
        let pair = *state;
        let node = self.caller_node(pair.caller);
        let identity = self.pair_identity(slot);
        self.fold(Event::PingTimeout(0), node, identity);
        let config = self
            .ping_config(pair.caller)
            .expect("only edges with a detector ping");
        if !pair.is_suspected && pair.misses >= config.misses_max {
            self.pings.pairs[slot].is_suspected = true;
            self.set_suspected((pair.caller, pair.instance), true);
        }
    }
}
