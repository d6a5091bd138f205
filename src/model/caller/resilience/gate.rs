//! What stands before an attempt of a caller, and what its end tells.

use std::borrow::Cow;

use super::bulkhead::Room;
use super::{Gates, Marks, Resilience, Wait, breaker_envoy, entry};
use crate::engine::PendingSet;
use crate::id::{CallerId, InstanceId, NodeId};
use crate::model::event::Event;
use crate::model::observation::{
    AttemptOutcome, BreakerState, LimitOwner, LocalCause, Observation, Observer, Outcome,
};
use crate::model::view::ViewSnapshot;
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, Streams, UniformSource, mix};
use crate::scenario::resilience::{ResilienceConfig, RetryOn};
use crate::time::SimDuration;

/// Why an attempt is not sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Held {
    /// It waits for a place.
    Waits,
    /// The caller turns it away.
    Shut(LocalCause),
}

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    /// What holds up the next attempt of a request, if anything does.
    #[inline(always)]
    pub(in crate::model) fn gate(&mut self, slot: u32) -> Option<Held> {
        if self.has_gates() {
            self.ask_gate(slot)
        } else {
            None
        }
    }

    /// An attempt is not sent now.
    pub(in crate::model) fn hold(&mut self, slot: u32, held: Held) {
        if let Held::Shut(cause) = held {
            self.turn_away(slot, cause, false);
        }
    }

    #[inline(never)]
    fn ask_gate(&mut self, slot: u32) -> Option<Held> {
        let caller = self.requests[slot].caller();
        let config = self.protection(caller)?;
        let has_place = self.gates.take_mark(slot, Marks::HAS_PLACE);
        let cause = self.ask_before_line(slot, caller, has_place);
        self.tell_breakers(caller);
        if let Some(cause) = cause {
            return Some(Held::Shut(cause));
        }
        let side = self.callers[caller.index()].resilience.as_ref()?;
        let bulkhead = side.bulkhead.as_ref()?;
        if has_place || bulkhead.room(self.free_places(caller)) == Room::Free {
            return None;
        }
        let limits = side.breakers.as_ref().and_then(|breakers| breakers.envoy());
        let waiting_count = side.waiting_count() + self.connections.waiting_count(caller);
        if limits.is_some_and(|l| !breaker_envoy::permits_waiting(l, waiting_count)) {
            return Some(Held::Shut(LocalCause::Breaker));
        }
        let wait_max = config.wait_max();
        if wait_max.is_zero() {
            return Some(Held::Shut(LocalCause::Bulkhead));
        }
        self.join_line(slot, caller, wait_max);
        Some(Held::Waits)
    }

    /// Everything but the bulkhead. Who has waited is counted already.
    fn ask_before_line(
        &mut self,
        slot: u32,
        caller: CallerId,
        has_place: bool,
    ) -> Option<LocalCause> {
        let now = self.now();
        let request = self.requests[slot];
        self.side(caller);
        let caller_side = &mut self.callers[caller.index()];
        let candidates = &caller_side.candidates;
        // With connections, whether one has room is known after the pick.
        let is_connected = self.scenario.edges[caller_side.edge.index()]
            .connection
            .is_some();
        let side = caller_side.resilience.as_mut()?;
        if !has_place
            && request.attempt_count == 0
            && let Some(budget) = &mut side.budget
        {
            budget.on_call(now);
        }
        if let Some(breakers) = &mut side.breakers {
            let is_within = breakers
                .envoy()
                .filter(|_| !is_connected)
                .is_none_or(|limits| breaker_envoy::permits(limits, side.in_flight_count));
            if !is_within || !breakers.permits(now, candidates) {
                return Some(LocalCause::Breaker);
            }
        }
        if !has_place && let Some(throttle) = &mut side.throttle {
            let number = u32::from(request.attempt_count);
            let mut draw = self
                .streams
                .draw(Purpose::Throttle, request.identity, number, 0);
            if throttle.rejects(now, draw.uniform()) {
                return Some(LocalCause::Throttle);
            }
        }
        // Who waits in the line behind the limit has passed it.
        let inside_count = side.in_flight_count + side.waiting_count();
        let is_over = |limit: &super::Limit| limit.limit() <= inside_count;
        let is_full = !has_place && side.limit.as_ref().is_some_and(is_over);
        is_full.then_some(LocalCause::Limit)
    }

    /// The caller fails an attempt by itself. Envoy's overflow is not retried.
    fn turn_away(&mut self, slot: u32, cause: LocalCause, has_waited: bool) {
        let now = self.now();
        let request = &mut self.requests[slot];
        request.attempt_count += 1;
        let (caller, class) = (request.caller(), request.class);
        let edge = self.callers[caller.index()].edge;
        self.observe(Observation::TurnedAway {
            caller,
            edge,
            class,
            cause,
        });
        let retry = &self.scenario.edges[edge.index()].retry;
        let side = self.side(caller);
        let mut is_final = false;
        if let Some(breakers) = &mut side.breakers {
            is_final = cause == LocalCause::Breaker && breakers.envoy().is_some();
            if cause != LocalCause::Breaker {
                breakers.on_turned_away(now, has_waited);
            }
        }
        if retry.on.has(RetryOn::REJECTED)
            && let Some(budget) = &mut side.budget
        {
            budget.on_attempt_ended(false);
        }
        self.tell_breakers(caller);
        let marks = entry(&mut self.gates.marks, slot);
        marks.0 |= Marks::UNSENT.0;
        if is_final {
            marks.0 |= Marks::IS_FINAL.0;
        }
        self.after_failed_attempt(slot, AttemptOutcome::Rejected);
    }

    /// Instances that a calling side may send nothing to, ascending: their breakers are open.
    #[inline]
    pub(in crate::model) fn shut(&mut self, caller: CallerId) -> Vec<InstanceId> {
        if !self.has_gates() {
            return Vec::new();
        }
        let now = self.now();
        let side = self.callers[caller.index()].resilience.as_mut();
        let breakers = side.and_then(|side| side.breakers.as_mut());
        let mut shut = breakers.map_or_else(Vec::new, |breakers| breakers.shut(now));
        if let Some(limit) = self.protection(caller).and_then(|p| p.instance_limit) {
            self.add_full(caller, limit.attempt_count_max, &mut shut);
        }
        shut
    }

    /// What a calling side is asked to do, if anything.
    pub(super) fn protection(&self, caller: CallerId) -> Option<&'s ResilienceConfig> {
        let edge = self.callers[caller.index()].edge;
        self.scenario.edges[edge.index()].resilience.as_deref()
    }

    /// The state of a calling side that has some; it is made at its first use.
    pub(super) fn side(&mut self, caller: CallerId) -> &mut Resilience {
        if self.callers[caller.index()].resilience.is_none() {
            let config = self
                .protection(caller)
                .expect("only who is asked to has one");
            let (identity, incarnation) = self.limit_identity(caller);
            let coin = coin(&self.streams, identity, incarnation);
            let side = Resilience::new(config, self.now(), &coin);
            self.callers[caller.index()].resilience = Some(Box::new(side));
        }
        let side = self.callers[caller.index()].resilience.as_mut();
        side.expect("it was made")
    }

    /// Names the random numbers of the limit of a calling side.
    pub(super) fn limit_identity(&self, caller: CallerId) -> (u64, u32) {
        let side = &self.callers[caller.index()];
        let node = &self.nodes[side.node.index()];
        let worker = u64::from(self.scenario.topology.side_of(caller));
        let identity = mix(node.path_hash ^ self.edge_hash(side.edge).wrapping_add(worker));
        (identity, node.incarnation)
    }

    /// Tells what changed at the breakers of a calling side.
    pub(super) fn tell_breakers(&mut self, caller: CallerId) {
        let side = &mut self.callers[caller.index()];
        let edge = side.edge;
        let breakers = side.resilience.as_mut().and_then(|r| r.breakers.as_mut());
        for (instance, state) in breakers.map_or_else(Vec::new, |b| b.take_changes()) {
            self.observe(Observation::BreakerChanged {
                caller,
                edge,
                instance,
                state,
            });
        }
    }

    pub(super) fn tell_limit(&mut self, owner: LimitOwner, before: u32, limit: u32) {
        if before != limit {
            self.observe(Observation::LimitChanged {
                owner,
                before,
                limit,
            });
        }
    }

    fn join_line(&mut self, slot: u32, caller: CallerId, wait_max: SimDuration) {
        let node = &self.nodes[self.caller_node(caller).index()];
        let left_ns = self.requests[slot].deadline.as_ns() - self.now().as_ns();
        let wait_max = node
            .true_length(wait_max)
            .min(SimDuration::from_ns(left_ns));
        let wait = self.gates.waits.insert(Wait {
            request: slot,
            caller,
            sequence: 0,
            is_promised: false,
        });
        self.gates.waits[wait].sequence = self.schedule(wait_max, Event::GateWaitEnds(wait));
        entry(&mut self.gates.marks, slot).0 += Marks::ONE_WAIT.0;
        let bulkhead = self.side(caller).bulkhead.as_mut();
        bulkhead.expect("only a bulkhead has a line").join(wait);
    }

    /// Promises places that are free to those that wait for them.
    pub(super) fn promise_places(&mut self, caller: CallerId) {
        let node = self.caller_node(caller);
        if !self.nodes[node.index()].state.is_up() {
            return;
        }
        let side = self.callers[caller.index()].resilience.as_ref();
        if side.is_none_or(|side| side.bulkhead.is_none()) {
            return;
        }
        let place_count = self.free_places(caller);
        while let Some(wait) = self.callers[caller.index()]
            .resilience
            .as_mut()
            .and_then(|side| side.bulkhead.as_mut())
            .and_then(|bulkhead| bulkhead.promise(place_count))
        {
            let sequence = self.schedule(SimDuration::ZERO, Event::GateWaitEnds(wait));
            self.gates.waits[wait].sequence = sequence;
            self.gates.waits[wait].is_promised = true;
        }
    }

    /// A request has a place, or has waited for one as long as it may.
    pub(in crate::model) fn on_gate_wait_ends(&mut self, wait: u32, sequence: u64) {
        let is_live = |w: &&Wait| w.sequence == sequence;
        let Some(Wait {
            request,
            caller,
            is_promised,
            ..
        }) = self.gates.waits.get(wait).filter(is_live).copied()
        else {
            return;
        };
        let node = self.caller_node(caller);
        let event = Event::GateWaitEnds(wait);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.fold(event, node, self.requests[request].identity);
        self.end_wait(wait);
        if self.requests[request].deadline <= self.now() {
            self.conclude(request, Outcome::Timeout);
        } else if is_promised {
            entry(&mut self.gates.marks, request).0 |= Marks::HAS_PLACE.0;
            self.send_attempt(request);
        } else {
            self.turn_away(request, LocalCause::Bulkhead, true);
        }
        self.promise_places(caller);
    }

    fn end_wait(&mut self, wait: u32) {
        let Wait {
            request,
            caller,
            is_promised,
            ..
        } = self.gates.waits.remove(wait);
        self.gates.marks[request as usize].0 -= Marks::ONE_WAIT.0;
        let side = self.callers[caller.index()].resilience.as_mut();
        let bulkhead = side.and_then(|side| side.bulkhead.as_mut());
        let bulkhead = bulkhead.expect("only a bulkhead has a line");
        if is_promised {
            bulkhead.redeem();
        } else {
            bulkhead.leave(wait);
        }
    }

    /// Whether an attempt of a request is in line.
    pub(in crate::model) fn waits_at_gate(&self, slot: u32) -> bool {
        let marks = self.gates.marks.get(slot as usize);
        marks.is_some_and(|marks| 0 < marks.wait_count())
    }

    /// A request goes on with another attempt than the one that was turned away.
    pub(in crate::model) fn forget_turned_away(&mut self, slot: u32) {
        if let Some(marks) = self.gates.marks.get_mut(slot as usize) {
            marks.0 &= !(Marks::UNSENT.0 | Marks::IS_FINAL.0);
        }
    }

    /// A request ends, or its caller died: nothing at the gate remembers it.
    #[inline(always)]
    pub(in crate::model) fn leave_gate(&mut self, slot: u32) {
        if self.has_gates() {
            self.clear_marks(slot);
        }
    }

    #[inline(never)]
    fn clear_marks(&mut self, slot: u32) {
        if let Some(marks) = self.gates.marks.get(slot as usize).copied()
            && marks != Marks::default()
        {
            self.end_retry(slot);
            for _ in 0..marks.wait_count() {
                let is_its = |(_, wait): &(u32, &Wait)| wait.request == slot;
                let found = self.gates.waits.iter().find(is_its);
                let (wait, caller) = found
                    .map(|(place, wait)| (place, wait.caller))
                    .expect("an attempt that waits has a wait");
                self.end_wait(wait);
                self.promise_places(caller);
            }
            self.gates.marks[slot as usize] = Marks::default();
        }
    }

    /// A process died: its calling sides forget everything.
    pub(in crate::model) fn forget_protection(&mut self, node: NodeId) {
        if !self.has_gates() {
            return;
        }
        for caller in self.calling_sides_of(node) {
            let side = &mut self.callers[caller.index()];
            let edge = side.edge;
            let Some(resilience) = side.resilience.take() else {
                continue;
            };
            assert!(
                resilience.in_flight_count == 0 && resilience.waiting_count() == 0,
                "a dead caller has nothing under way"
            );
            let open = resilience
                .breakers
                .map_or_else(Vec::new, |b| b.not_closed());
            for instance in open {
                self.observe(Observation::BreakerChanged {
                    caller,
                    edge,
                    instance,
                    state: BreakerState::Closed,
                });
            }
            let initial = self.protection(caller).and_then(|config| config.limit);
            if let (Some(limit), Some(initial)) = (resilience.limit, initial) {
                let owner = LimitOwner::Caller(caller);
                self.tell_limit(owner, limit.limit(), initial.initial);
            }
        }
    }
}

/// What a pick leaves out: what it would rather avoid and what is shut, or, where that leaves none
/// of the candidates, what is shut alone. All ascend.
pub(in crate::model) fn with_shut<'a>(
    avoided: Cow<'a, [InstanceId]>,
    shut: Vec<InstanceId>,
    candidates: &ViewSnapshot,
) -> Cow<'a, [InstanceId]> {
    if shut.is_empty() {
        return avoided;
    }
    let mut both = [&shut[..], &avoided[..]].concat();
    both.sort_unstable();
    both.dedup();
    let is_left = |both: &[InstanceId]| {
        let mut members = candidates.members.iter();
        members.any(|m| both.binary_search(&m.instance).is_err())
    };
    Cow::Owned(if is_left(&both) { both } else { shut })
}

impl Gates {
    /// Takes a mark off a request. Returns whether it had it.
    pub(super) fn take_mark(&mut self, slot: u32, mark: Marks) -> bool {
        let marks = entry(&mut self.marks, slot);
        let has = marks.has(mark);
        marks.0 &= !mark.0;
        has
    }
}

/// Uniform numbers that belong to one limit.
pub(super) fn coin(streams: &Streams, identity: u64, incarnation: u32) -> impl Fn(u32) -> f64 + '_ {
    move |number| {
        let mut draw = streams.draw(Purpose::LimitProbe, identity, incarnation, number);
        draw.uniform()
    }
}
