//! Heartbeats that instances push to the calling sides that list them.
//!
//! An instance sends one heartbeat per interval of its own clock to every calling side that has it
//! on its list, from the start of its process to its death. A calling side judges by its own clock.
//! A heartbeat of a process that has died since is not one of its successor; the first one of a
//! successor starts the judgement anew. A process that stands still sends one heartbeat when it
//! goes on, for all that it missed.

use std::collections::BTreeMap;

use super::judge::{Beat, Judge, build};
use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{CallerId, ClassId, InstanceId, NodeId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict};
use crate::model::node::Node;
use crate::model::observation::{ControlKind, Observation, Observer, Suspector};
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, UniformSource, path_hash};
use crate::scenario::Scenario;
use crate::scenario::detector::{JudgeConfig, PushConfig};
use crate::time::{SimDuration, SimTime};

/// One calling side and one instance whose heartbeats it hears.
#[derive(Clone, Copy, Debug)]
struct Pair {
    caller: CallerId,
    instance: InstanceId,
    /// Tells this pair from others that had its slot.
    serial: u32,
    /// Number of the last heartbeat sent; it grows by one for every interval.
    number: u32,
    /// The process that was heard last.
    incarnation: u32,
    is_suspected: bool,
    due: Timer,
    due_at: SimTime,
    check: Timer,
    check_at: SimTime,
}

/// A heartbeat on the wire.
#[derive(Clone, Copy, Debug)]
struct Message {
    pair: u32,
    serial: u32,
    number: u32,
    incarnation: u32,
    sent_ns: u64,
}

/// All pairs with heartbeats, and the heartbeats on the wire.
#[derive(Debug)]
pub struct Beats {
    pairs: Slab<Pair>,
    /// What judges each pair, by slot.
    judges: Vec<Option<Box<dyn Judge>>>,
    messages: Slab<Message>,
    /// The pairs of each instance; empty where no calling side hears heartbeats.
    by_instance: Vec<Vec<u32>>,
    serial_last: u32,
    /// From when to when each node stood still last.
    pauses: BTreeMap<NodeId, (SimTime, SimTime)>,
    /// Names the draws of when calling sides look.
    check_hash: u64,
}

impl Beats {
    /// No pairs yet.
    pub fn new(scenario: &Scenario) -> Self {
        let is_used = scenario
            .edges
            .iter()
            .any(|edge| edge.detector.is_some_and(|d| d.push().is_some()));
        let count = scenario.topology.instance_count() as usize;
        Beats {
            pairs: Slab::new(),
            judges: Vec::new(),
            messages: Slab::new(),
            by_instance: vec![Vec::new(); if is_used { count } else { 0 }],
            serial_last: 0,
            pauses: BTreeMap::new(),
            check_hash: path_hash("detector.check"),
        }
    }

    fn judge(&mut self, slot: u32) -> &mut dyn Judge {
        let judge = self.judges[slot as usize].as_mut();
        judge.expect("every pair is judged").as_mut()
    }

    fn set_judge(&mut self, slot: u32, judge: Option<Box<dyn Judge>>) {
        let count = self.judges.len().max(slot as usize + 1);
        self.judges.resize_with(count, || None);
        self.judges[slot as usize] = judge;
    }

    /// A heartbeat waited for a process that died.
    pub fn lose_message(&mut self, message: u32) {
        self.messages.remove(message);
    }

    /// A node stands still from now on.
    pub fn note_pause(&mut self, node: NodeId, now: SimTime) {
        if !self.by_instance.is_empty() {
            self.pauses.insert(node, (now, SimTime::NEVER));
        }
    }

    /// A node died: how long it stood still is forgotten.
    pub fn note_death(&mut self, node: NodeId) {
        self.pauses.remove(&node);
    }

    /// A node goes on.
    pub fn note_resume(&mut self, node: NodeId, now: SimTime) {
        if let Some(pause) = self.pauses.get_mut(&node) {
            pause.1 = now;
        }
    }
}

/// What a clock shows at a true instant, in nanoseconds since the start.
fn local_ns(node: &Node, at: SimTime) -> u64 {
    node.local_ns(at)
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    fn push_config(&self, caller: CallerId) -> PushConfig {
        let config = self.detector_config(caller);
        let config = config.and_then(|config| config.push());
        config.expect("only edges with heartbeats have such pairs")
    }

    /// A calling side begins to hear an instance.
    pub(super) fn add_push_pair(
        &mut self,
        caller: CallerId,
        instance: InstanceId,
        config: &PushConfig,
    ) -> u32 {
        let node = self.instance_node(instance);
        let owner = &self.nodes[self.caller_node(caller).index()];
        let start_ns = local_ns(owner, self.now());
        let first = self.first_beat(caller, instance, config);
        let first_ns = local_ns(&self.nodes[node.index()], self.now() + first);
        self.beats.serial_last += 1;
        let slot = self.beats.pairs.insert(Pair {
            caller,
            instance,
            serial: self.beats.serial_last,
            number: 0,
            incarnation: self.nodes[node.index()].incarnation,
            is_suspected: false,
            due: Timer::UNSET,
            due_at: SimTime::NEVER,
            check: Timer::UNSET,
            check_at: SimTime::NEVER,
        });
        let judge = build(config, start_ns, first_ns);
        self.beats.set_judge(slot, Some(judge));
        self.beats.by_instance[instance.index()].push(slot);
        if self.is_alive(node) {
            self.schedule_beat(slot, first);
        }
        self.plan_check(slot, config);
        slot
    }

    /// Ends a pair, and with it what its calling side believed.
    pub(super) fn remove_push_pair(&mut self, slot: u32) {
        let pair = self.beats.pairs.remove(slot);
        self.beats.set_judge(slot, None);
        self.beats.by_instance[pair.instance.index()].retain(|other| *other != slot);
        if pair.is_suspected {
            self.observe(Observation::Forgotten {
                suspector: Suspector::Caller(pair.caller),
                instance: pair.instance,
            });
        }
    }

    /// From now to the first heartbeat of a process to a calling side.
    fn first_beat(&self, caller: CallerId, instance: InstanceId, c: &PushConfig) -> SimDuration {
        let node = self.instance_node(instance);
        let interval = self.nodes[node.index()].true_length(c.interval);
        self.first_tick(node, self.pair_name(caller, instance), interval, c.phase)
    }

    fn schedule_beat(&mut self, slot: u32, delay: SimDuration) {
        let due_at = self.now() + delay;
        let sequence = self.schedule(delay, Event::BeatDue(slot));
        let pair = &mut self.beats.pairs[slot];
        pair.due.set(sequence);
        pair.due_at = due_at;
    }

    /// A process starts: it sends heartbeats to whoever lists it.
    pub(in crate::model) fn start_beats(&mut self, instance: InstanceId) {
        let pairs = self.beats.by_instance.get(instance.index());
        for slot in pairs.cloned().unwrap_or_default() {
            let caller = self.beats.pairs[slot].caller;
            let first = self.first_beat(caller, instance, &self.push_config(caller));
            self.schedule_beat(slot, first);
        }
    }

    /// A process died: it sends no more.
    pub(in crate::model) fn stop_beats(&mut self, instance: InstanceId) {
        if let Some(pairs) = self.beats.by_instance.get(instance.index()) {
            for slot in pairs {
                self.beats.pairs[*slot].due.cancel();
            }
        }
    }

    /// An instance sends a heartbeat to a calling side.
    #[inline(never)]
    pub(in crate::model) fn on_beat_due(&mut self, slot: u32, sequence: u64) {
        let Some(pair) = self.beats.pairs.get(slot) else {
            return;
        };
        if !pair.due.is_live(sequence) {
            return;
        }
        let (caller, instance, due_at) = (pair.caller, pair.instance, pair.due_at);
        let (node, event) = (self.instance_node(instance), Event::BeatDue(slot));
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let identity = self.pair_name(caller, instance);
        self.fold(event, node, identity);
        let config = self.push_config(caller);
        let now = self.now();
        let interval = self.nodes[node.index()].true_length(config.interval);
        let (skipped, nominal) = if config.judge.has_fixed_rate() {
            let skipped = now.since(due_at).as_ns() / interval.as_ns().max(1);
            (skipped, due_at + interval.saturating_mul(skipped))
        } else {
            (0, now)
        };
        let number = &mut self.beats.pairs[slot].number;
        *number = number.saturating_add(u32::try_from(skipped + 1).unwrap_or(u32::MAX));
        self.schedule_beat(slot, (nominal + interval).since(now));
        let number = self.beats.pairs[slot].number;
        if config.path.needs_worker() {
            let ends = (caller, instance);
            return self.admit_beat(identity, ends, (slot, number), nominal);
        }
        self.send_beat(slot, number, nominal);
    }

    /// A worker is done with a heartbeat; it is sent unless its calling side has lost interest.
    pub(in crate::model) fn send_admitted_beat(
        &mut self,
        (slot, number): (u32, u32),
        ends: (CallerId, InstanceId),
        nominal: SimTime,
    ) {
        let pair = self.beats.pairs.get(slot);
        let is_its = |pair: &Pair| (pair.caller, pair.instance) == ends && number <= pair.number;
        if pair.is_some_and(is_its) {
            self.send_beat(slot, number, nominal);
        }
    }

    /// Sends a heartbeat whose instant is `nominal`.
    fn send_beat(&mut self, slot: u32, number: u32, nominal: SimTime) {
        let pair = &self.beats.pairs[slot];
        let (caller, instance) = (pair.caller, pair.instance);
        let serial = pair.serial;
        let node = self.instance_node(instance);
        let side = &self.callers[caller.index()];
        let (there, service) = (side.node, side.listed.service);
        let kind = ControlKind::Heartbeat;
        self.observe(Observation::ControlSent {
            kind,
            service,
            from: node,
            to: Some(there),
        });
        let key = MessageKey {
            identity: self.pair_name(caller, instance),
            number,
            leg: 0,
            class: ClassId::NONE,
            traffic: kind.traffic(),
        };
        if let Verdict::Deliver { delay, .. } = self.send((node, there), key) {
            let sender = &self.nodes[node.index()];
            let message = self.beats.messages.insert(Message {
                pair: slot,
                serial,
                number,
                incarnation: sender.incarnation,
                sent_ns: local_ns(sender, nominal),
            });
            self.schedule(delay, Event::BeatArrives(message));
        }
    }

    /// A heartbeat reaches its calling side, which may have lost interest.
    #[inline(never)]
    pub(in crate::model) fn on_beat_arrives(&mut self, slot: u32, sequence: u64) {
        let message = self.beats.messages[slot];
        let pair = self.beats.pairs.get(message.pair);
        let Some(pair) = pair.filter(|pair| pair.serial == message.serial) else {
            self.beats.messages.remove(slot);
            return;
        };
        let (caller, instance) = (pair.caller, pair.instance);
        let (node, event) = (self.caller_node(caller), Event::BeatArrives(slot));
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.beats.messages.remove(slot);
        self.fold(event, node, self.pair_name(caller, instance));
        let config = self.push_config(caller);
        let arrived_ns = local_ns(&self.nodes[node.index()], self.now());
        let pair = self.beats.pairs[message.pair];
        if message.incarnation < pair.incarnation {
            return;
        }
        if pair.incarnation < message.incarnation {
            self.beats.pairs[message.pair].incarnation = message.incarnation;
            let judge = self.beats.judge(message.pair);
            if !judge.survives_restart(pair.is_suspected) {
                let judge = build(&config, arrived_ns, message.sent_ns);
                self.beats.set_judge(message.pair, Some(judge));
            }
        }
        let judge = self.beats.judge(message.pair);
        judge.on_heartbeat(Beat {
            number: u64::from(message.number),
            sent_ns: message.sent_ns,
            arrived_ns,
        });
        let is_trusted = arrived_ns < judge.trusted_until_ns();
        if pair.is_suspected && is_trusted && !config.judge.trusts_at_checks() {
            self.beats.pairs[message.pair].is_suspected = false;
            self.set_suspected((caller, instance), false);
        }
        self.plan_check(message.pair, &config);
    }

    /// Sees to it that the calling side looks when its belief may change, and not later.
    fn plan_check(&mut self, slot: u32, config: &PushConfig) {
        let pair = self.beats.pairs[slot];
        let now = self.now();
        let owner = self.caller_node(pair.caller);
        let until_ns = self.beats.judge(slot).trusted_until_ns();
        let node = &self.nodes[owner.index()];
        let target = match pair.is_suspected {
            false if node.is_true() => SimTime::from_ns(until_ns).max(now),
            false => {
                let left = until_ns.saturating_sub(local_ns(node, now));
                now + node.true_length(SimDuration::from_ns(left))
            }
            true if config.judge.trusts_at_checks() && local_ns(node, now) < until_ns => now,
            true => return self.beats.pairs[slot].check.cancel(),
        };
        let at = self.next_look(owner, config.check_interval, target);
        if pair.check.is_set() && pair.check_at <= at {
            return;
        }
        self.set_check(slot, at);
    }

    fn set_check(&mut self, slot: u32, at: SimTime) {
        if at == SimTime::NEVER {
            return self.beats.pairs[slot].check.cancel();
        }
        let sequence = self.queue.push_late(at, Event::BeliefDue(slot));
        let pair = &mut self.beats.pairs[slot];
        pair.check.set(sequence);
        pair.check_at = at;
    }

    /// The first instant from `at` on at which a calling side looks at its detectors.
    fn next_look(&self, owner: NodeId, interval: SimDuration, at: SimTime) -> SimTime {
        let node = &self.nodes[owner.index()];
        let interval_ns = node.true_length(interval).as_ns();
        if interval_ns == 0 || at == SimTime::NEVER {
            return at;
        }
        let entity = self.beats.check_hash ^ node.path_hash;
        let draw = self
            .streams
            .draw(Purpose::Phase, entity, node.incarnation, 0)
            .uniform();
        let offset_ns = (interval_ns as f64 * draw) as u64;
        let since_ns = at.as_ns().saturating_sub(offset_ns);
        let looks = since_ns.div_ceil(interval_ns);
        SimTime::from_ns(offset_ns.saturating_add(looks.saturating_mul(interval_ns)))
    }

    /// A calling side looks at what it should believe of an instance.
    #[inline(never)]
    pub(in crate::model) fn on_belief_due(&mut self, slot: u32, sequence: u64) {
        let Some(pair) = self.beats.pairs.get(slot).copied() else {
            return;
        };
        if !pair.check.is_live(sequence) {
            return;
        }
        let (caller, instance) = (pair.caller, pair.instance);
        let (node, event) = (self.caller_node(caller), Event::BeliefDue(slot));
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let config = self.push_config(caller);
        let now_ns = local_ns(&self.nodes[node.index()], self.now());
        let is_suspected = pair.is_suspected;
        self.beats.pairs[slot].check.cancel();
        let should_suspect = self.beats.judge(slot).trusted_until_ns() <= now_ns;
        if should_suspect == is_suspected {
            return self.plan_later_check(slot, &config);
        }
        if should_suspect && let Some(until) = self.local_pause_until(node, &config) {
            let at = self.next_look(node, config.check_interval, until);
            return self.set_check(slot, at);
        }
        self.beats.pairs[slot].is_suspected = should_suspect;
        self.fold(event, node, self.pair_name(caller, instance));
        self.set_suspected((caller, instance), should_suspect);
        if !should_suspect {
            self.plan_later_check(slot, &config);
        }
    }

    /// Plans the next look after one; where clocks drift, rounding may have made that one early.
    fn plan_later_check(&mut self, slot: u32, config: &PushConfig) {
        self.plan_check(slot, config);
        let (now, pair) = (self.now(), &self.beats.pairs[slot]);
        if pair.check.is_set() && pair.check_at <= now {
            self.set_check(slot, now + SimDuration::from_ns(1));
        }
    }

    /// Until when a calling side suspects nobody because it stood still for long (Cassandra).
    fn local_pause_until(&self, owner: NodeId, config: &PushConfig) -> Option<SimTime> {
        let JudgeConfig::PhiCassandra(cassandra) = config.judge else {
            return None;
        };
        let (paused_at, resumed_at) = *self.beats.pauses.get(&owner)?;
        let interval = config.check_interval.as_ns();
        // It looked last at most one interval before it stood still.
        let next = self.next_look(owner, config.check_interval, paused_at);
        let last_ns = next.as_ns().saturating_sub(interval).min(paused_at.as_ns());
        let is_long = cassandra.local_pause_max < resumed_at.since(SimTime::from_ns(last_ns));
        let until = resumed_at + cassandra.local_pause_max;
        (is_long && self.now() < until).then_some(until)
    }
}
