//! The life of an attempt on the calling side: pick, send, and how it ends.

use super::resilience::with_shut;
use super::timeout::Timing;
use crate::engine::PendingSet;
use crate::id::{ClassId, InstanceId, NodeId};
use crate::model::balancer::control::TrueQueues;
use crate::model::balancer::{AttemptEnd, PickContext};
use crate::model::classes::Leg;
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict};
use crate::model::observation::step::StepKind;
use crate::model::observation::{AttemptOutcome, Observation, Observer, Outcome};
use crate::model::request::{Attempt, AttemptFlags, NIL, Reply, RequestFlags, Stage};
use crate::model::world::{Deferred, World};
use crate::rng::Purpose;
use crate::scenario::attempts::ClusterMode;
use crate::scenario::fault::Traffic;
use crate::time::{SimDuration, SimTime};

/// The leg of a message from the calling side.
pub(in crate::model) const LEG_THERE: u32 = 0;
/// The leg of a message to the calling side.
const LEG_BACK: u32 = 1;

/// What becomes of a message to an instance, and when its second copy arrives.
type Delivery = (Verdict, Option<SimDuration>);

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Sends an attempt: an instance is picked, the attempt takes its place among those in flight,
    /// and its message leaves.
    pub(in crate::model) fn send_attempt(&mut self, slot: u32) {
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.settle(slot);
        }
        if self.has_gates() || self.has_pools() {
            return self.send_guarded_attempt(slot);
        }
        let index = self.count_attempt(slot);
        let Some(instance) = self.pick_but(slot, index, None) else {
            return self.after_failed_attempt(slot, AttemptOutcome::Cancelled);
        };
        // First of all: what follows does not wait for the end of these computations.
        let delivery = self.deliver(slot, instance);
        let attempt = self.register_attempt(slot, instance);
        match delivery {
            Some(delivery) => self.send_to_instance(attempt, delivery),
            None => self.transmit(attempt),
        }
    }

    /// The same where callers protect themselves, or calls have connections.
    #[inline(never)]
    fn send_guarded_attempt(&mut self, slot: u32) {
        if let Some(held) = self.gate(slot) {
            return self.hold(slot, held);
        }
        let Some(instance) = self.pick_next(slot) else {
            return self.after_failed_attempt(slot, AttemptOutcome::Cancelled);
        };
        if self.overflows(slot, instance) {
            return self.turn_overflow_away(slot);
        }
        let attempt = self.register_attempt(slot, instance);
        self.transmit(attempt);
    }

    /// Picks the instance of attempt number `index` of a request.
    pub(super) fn pick_guarded(&mut self, slot: u32, index: u8) -> Option<InstanceId> {
        let caller = self.requests[slot].caller();
        let shut = self.shut(caller);
        if let Some(shared) = self.shared_pick(caller, &shut) {
            return Some(shared);
        }
        let tried = self.tried.get(self.requests[slot].tried);
        let avoided = self.connections.avoided(caller, tried);
        let side = &self.callers[caller.index()];
        // Wrappers may leave nothing else, and some strategies by key pick it all the same.
        let shut_all_the_same = shut.clone();
        let avoided = with_shut(avoided, shut, &side.candidates).into_owned();
        let picked = self.pick_but(slot, index, Some(&avoided))?;
        if shut_all_the_same.binary_search(&picked).is_ok() {
            self.give_back(caller, picked);
            return None;
        }
        Some(picked)
    }

    #[inline(always)]
    pub(super) fn count_attempt(&mut self, slot: u32) -> u8 {
        let request = &mut self.requests[slot];
        request.attempt_count += 1;
        request.attempt_count - 1
    }

    /// Picks an instance other than the `avoided` ones; None: those that the request has tried.
    #[inline(always)]
    fn pick_but(
        &mut self,
        slot: u32,
        index: u8,
        avoided: Option<&[InstanceId]>,
    ) -> Option<InstanceId> {
        let (now, thread) = (self.now(), self.thread_of(slot));
        let request = &self.requests[slot];
        let side = &mut self.callers[request.caller().index()];
        let mut ctx = PickContext {
            now,
            key: u64::from(request.key),
            tried: avoided.unwrap_or_else(|| self.tried.get(request.tried)),
            in_flight: &side.in_flight,
            draw: self
                .streams
                .draw(Purpose::Pick, request.identity, u32::from(index), 0),
            tables: &mut self.tables,
            orders: &mut self.exchange.orders,
            thread,
            true_queues: TrueQueues::of(&self.instances),
        };
        let picked = side.balancer.pick(&mut ctx);
        if self.has_orders() {
            self.carry_out(self.requests[slot].caller());
        }
        if self.has_ejection() {
            self.note_ejections(self.requests[slot].caller());
        }
        picked
    }

    /// The attempt that was counted last is in flight to `instance` from now on.
    #[inline(always)]
    pub(super) fn register_attempt(&mut self, slot: u32, instance: InstanceId) -> u32 {
        let now = self.now();
        let request = &self.requests[slot];
        let caller = request.caller();
        let index = request.attempt_count - 1;
        let side = &mut self.callers[caller.index()];
        side.in_flight.add(instance);
        let timing = Timing {
            edge: side.edge,
            node: side.node,
            left: SimDuration::from_ns(request.deadline.as_ns() - now.as_ns()),
            is_endless: request.deadline == SimTime::NEVER,
        };
        let (identity, key, trace_row) = (request.identity, request.key, request.source);
        let class = if O::IS_BARE {
            ClassId::NONE
        } else {
            request.class
        };
        let attempt = self.attempts.insert(Attempt {
            identity,
            pending: 0,
            sent_at: now,
            arrived_at: SimTime::NEVER,
            started_at: SimTime::NEVER,
            due_ns: 0,
            request: slot,
            instance,
            caller,
            next: NIL,
            key,
            trace_row,
            index,
            stage: Stage::Sent,
            reply: Reply::Good,
            flags: AttemptFlags::default(),
            class,
        });
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            let request = &mut self.requests[slot];
            request.flags.put(RequestFlags::LATE, false);
            breakdown.send((slot, request.arrived_at), attempt, now);
        }
        let is_hedge = self.has_several() && self.join_attempts(slot, attempt, timing.edge);
        self.set_timeout(attempt, timing);
        self.note_sent(attempt);
        let to = self.instance_node(instance);
        let (edge, is_wasted) = (timing.edge, !self.states[to.index()].is_up());
        let fact = Observation::AttemptSent {
            caller,
            edge,
            instance,
            class,
            attempt_index: u32::from(index),
            key: u64::from(key),
            is_wasted,
        };
        self.observe_attempt(attempt, fact, |attempt, instance| StepKind::Sent {
            attempt,
            instance,
            is_wasted,
        });
        if is_hedge {
            let attempt_index = u32::from(index);
            self.observe(Observation::HedgeSent {
                caller,
                edge,
                class,
                attempt_index,
            });
        }
        attempt
    }

    /// The message of an attempt leaves its caller.
    #[inline]
    pub(super) fn transmit(&mut self, slot: u32) {
        let Attempt {
            caller, instance, ..
        } = self.attempts[slot];
        let link = (self.caller_node(caller), self.instance_node(instance));
        if self.has_pools() && self.travels_connected(slot) {
            return self.carry(slot);
        }
        let key = message_key(&self.attempts[slot], LEG_THERE);
        let verdict = self.send_message(slot, link, key, Leg::There);
        let copy = self.draw_copy(link, key);
        self.send_to_instance(slot, (verdict, copy));
    }

    /// What becomes of the message of the attempt that was counted last, where nothing but the
    /// link decides: then it may be drawn before the attempt is put down.
    #[inline(always)]
    fn deliver(&mut self, slot: u32, instance: InstanceId) -> Option<Delivery> {
        let request = &self.requests[slot];
        if !O::IS_BARE && request.class != ClassId::NONE {
            return None;
        }
        let key = MessageKey {
            identity: request.identity,
            number: u32::from(request.attempt_count - 1),
            leg: LEG_THERE,
            class: ClassId::NONE,
            traffic: Some(Traffic::Requests),
        };
        let link = (
            self.caller_node(request.caller()),
            self.instance_node(instance),
        );
        let verdict = self.send(link, key);
        Some((verdict, self.draw_copy(link, key)))
    }

    #[inline(always)]
    fn draw_copy(&mut self, link: (NodeId, NodeId), key: MessageKey) -> Option<SimDuration> {
        if O::IS_BARE {
            return None;
        }
        let now = self.now();
        self.network
            .duplicate(now, &self.streams, &self.nodes, link, key)
    }

    #[inline(always)]
    fn send_to_instance(&mut self, slot: u32, delivery: Delivery) {
        match delivery {
            (Verdict::Deliver { delay, is_held }, None) => self.arrive(slot, delay, is_held),
            (Verdict::Deliver { delay, is_held }, Some(copy_delay)) => {
                self.arrive(slot, delay, is_held);
                self.send_duplicate(slot, copy_delay);
            }
            // Of a message whose first copy is lost, the second one is the only one.
            (Verdict::Lost, Some(copy_delay)) => self.arrive(slot, copy_delay, false),
            (Verdict::Lost, None) => {}
        }
    }

    /// An attempt will reach its instance after `delay`.
    #[inline(always)]
    fn arrive(&mut self, slot: u32, delay: SimDuration, is_held: bool) {
        let sequence = self.schedule(delay, Event::AttemptArrives(slot));
        let attempt = &mut self.attempts[slot];
        attempt.pending = sequence;
        if is_held {
            attempt.flags.set(AttemptFlags::HELD);
        }
    }

    #[cold]
    fn send_duplicate(&mut self, slot: u32, delay: SimDuration) {
        let mut copy = Attempt {
            request: NIL,
            ..self.attempts[slot]
        };
        copy.flags = AttemptFlags::DUPLICATE;
        let deadline = self.attempt_deadline(slot);
        let slot = self.attempts.insert(copy);
        if self.several.has_deadlines {
            self.set_deadline(slot, deadline);
        }
        self.attempts[slot].pending = self.schedule(delay, Event::AttemptArrives(slot));
    }

    /// Sends what the instance's side says of an attempt, from its host to its caller.
    pub(in crate::model) fn send_reply(&mut self, slot: u32, reply: Reply) {
        let attempt = &mut self.attempts[slot];
        attempt.reply = reply;
        attempt.pending = 0;
        if attempt.request == NIL {
            return self.end_unawaited(slot);
        }
        if self.has_reply_reports() {
            self.attach_report(slot);
        }
        let attempt = &mut self.attempts[slot];
        if attempt.stage != Stage::Lost {
            attempt.stage = Stage::Replied;
        }
        if !O::IS_BARE && self.breakdown.is_some() {
            attempt.flags.set(AttemptFlags::REPLIED);
            attempt.due_ns = self.queue.now().as_ns();
        }
        let key = message_key(attempt, LEG_BACK);
        let (instance, caller) = (attempt.instance, attempt.caller);
        let link = (self.instance_node(instance), self.caller_node(caller));
        let sent = match reply {
            Reply::Good => self.send_message(slot, link, key, Leg::Back),
            Reply::Error
            | Reply::Rejected
            | Reply::Refused
            | Reply::Reset
            | Reply::ConnectTimeout => self.send(link, key),
        };
        if let Some(delay) = self.reply_delay(slot, sent) {
            self.attempts[slot].pending = self.schedule(delay, Event::ReplyArrives(slot));
        }
    }

    /// A reply, a refusal or a reset reaches its caller.
    #[inline(always)]
    pub(in crate::model) fn on_reply_arrives(&mut self, slot: u32, sequence: u64) {
        let Some(attempt) = self.awaiting(slot, sequence) else {
            return;
        };
        let identity = fold_identity(attempt);
        let node = self.caller_node(attempt.caller);
        let event = Event::ReplyArrives(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            self.note_held_reply(slot);
            return;
        }
        self.fold(event, node, identity);
        let attempt = &mut self.attempts[slot];
        attempt.pending = 0;
        if attempt.request == NIL {
            self.remove_attempt(slot);
            return;
        }
        let outcome = outcome_of_reply(attempt.reply);
        self.end_attempt(slot, outcome);
    }

    /// A reply waited in the buffers of a caller that died.
    pub(in crate::model) fn lose_reply(&mut self, slot: u32, sequence: u64) {
        let is_held = self.awaiting(slot, sequence).is_some();
        if is_held {
            assert!(
                self.attempts[slot].request == NIL,
                "a dead caller has no requests"
            );
            self.remove_attempt(slot);
        }
    }

    /// An attempt ends for its caller; its request goes on.
    #[inline(always)]
    pub(in crate::model) fn end_attempt(&mut self, slot: u32, outcome: AttemptOutcome) {
        let Attempt {
            request,
            caller,
            instance,
            index,
            ..
        } = self.attempts[slot];
        self.split_attempt(slot, outcome);
        self.forget_attempt(slot, outcome);
        let edge = &self.scenario.edges[self.callers[caller.index()].edge.index()];
        if !O::IS_BARE
            && let Some(attempts) = &edge.attempts
            && let ClusterMode::Broadcast { failed_ratio_max } = attempts.cluster
        {
            return self.after_broadcast_attempt(request, outcome, failed_ratio_max);
        }
        if outcome == AttemptOutcome::Success {
            // A caller that stood still reads the reply before it looks at the time.
            let end = match self.requests[request].deadline < self.now() {
                true => Outcome::Timeout,
                false => Outcome::Success,
            };
            return self.finish_request(request, end);
        }
        let retry = &edge.retry;
        if retry.failover && retry.attempt_count_max > u32::from(index) + 1 {
            let tried = self.requests[request].tried;
            self.requests[request].tried = self.tried.push(tried, instance);
        }
        self.after_failed_attempt(request, outcome);
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.settle(request);
        }
    }

    /// The calling side is done with an attempt. It lives on while its instance or the network
    /// still has it.
    pub(super) fn forget_attempt(&mut self, slot: u32, outcome: AttemptOutcome) {
        self.cancel_timeout(slot);
        self.leave_connection(slot, outcome);
        let now = self.now();
        let attempt = &mut self.attempts[slot];
        let request = std::mem::replace(&mut attempt.request, NIL);
        let Attempt {
            caller,
            instance,
            sent_at,
            stage,
            pending,
            identity,
            index,
            class,
            ..
        } = *attempt;
        attempt.sent_at = now;
        if pending == 0 && !stage.is_at_instance() {
            self.remove_attempt(slot);
        }
        if self.has_reply_reports() {
            self.deliver_report(slot, outcome, (caller, instance));
        }
        let is_retriable = self.is_retriable(request, outcome);
        let side = &mut self.callers[caller.index()];
        side.in_flight.remove(instance);
        let end = AttemptEnd {
            instance,
            outcome,
            sent_at,
            ended_at: now,
            is_retriable,
        };
        let edge = side.edge;
        if O::IS_BARE || !self.scenario.edges[edge.index()].is_broadcast() {
            side.balancer.on_outcome(&end);
        }
        if self.has_ejection() {
            self.note_ejections(caller);
        }
        let fact = Observation::AttemptEnded {
            caller,
            edge,
            instance,
            class,
            sent_at,
            outcome,
        };
        self.observe_attempt_ended(fact, identity, (index, instance), outcome);
        if self.has_several() {
            let latency = now.since(sent_at);
            self.part_attempt(request, slot, (caller, edge), (index, latency, outcome));
        }
        self.feedback(slot, caller, &end);
    }
}

/// Names the messages of an attempt.
#[inline]
pub(in crate::model) fn message_key(attempt: &Attempt, leg: u32) -> MessageKey {
    let copy = u32::from(attempt.flags.has(AttemptFlags::DUPLICATE)) * 2;
    MessageKey {
        identity: attempt.identity,
        number: u32::from(attempt.index),
        leg: leg + copy,
        class: attempt.class,
        traffic: Some(Traffic::Requests),
    }
}

/// Names an attempt in the digest.
#[inline]
pub(in crate::model) fn fold_identity(attempt: &Attempt) -> u64 {
    attempt.identity.wrapping_add(u64::from(attempt.index))
}

#[inline]
fn outcome_of_reply(reply: Reply) -> AttemptOutcome {
    match reply {
        Reply::Good => AttemptOutcome::Success,
        Reply::Error => AttemptOutcome::Error,
        Reply::Rejected => AttemptOutcome::Rejected,
        Reply::Refused => AttemptOutcome::Refused,
        Reply::Reset => AttemptOutcome::Reset,
        Reply::ConnectTimeout => AttemptOutcome::ConnectTimeout,
    }
}
