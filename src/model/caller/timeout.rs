//! When attempts time out, and how that ends them.

use super::fold_identity;
use crate::engine::PendingSet;
use crate::id::{EdgeId, NodeId};
use crate::model::event::Event;
use crate::model::observation::{AttemptOutcome, Observer};
use crate::model::request::{AttemptFlags, NIL, Stage};
use crate::model::world::{Deferred, World};
use crate::time::{SimDuration, SimTime};

/// What decides when an attempt times out.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    pub edge: EdgeId,
    pub node: NodeId,
    /// Time left until the deadline of the request.
    pub left: SimDuration,
    /// There is no deadline.
    pub is_endless: bool,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Sets the timeout of an attempt: the edge's, or what is left until the deadline.
    #[inline(always)]
    pub(super) fn set_timeout(&mut self, slot: u32, timing: Timing) {
        let edge = &self.scenario.edges[timing.edge.index()];
        let Some(timeout) = edge.attempt_timeout.or(edge.deadline) else {
            if !timing.is_endless {
                self.set_deadline_timer(slot, timing.left);
            }
            return;
        };
        let node = &self.nodes[timing.node.index()];
        let timeout = node.true_length(timeout);
        if node.has_true_clock() && timeout <= timing.left {
            let (at, lane) = (self.queue.now() + timeout, timing.edge.0);
            let sequence = self.queue.take_late_sequence();
            if let Some((at, sequence)) = self.attempt_lanes.set(lane, slot, at, sequence) {
                self.queue
                    .push_with_sequence(at, sequence, Event::AttemptTimeout(lane));
            }
            return;
        }
        self.set_deadline_timer(slot, timeout.min(timing.left));
    }

    /// Until an attempt has a connection only the deadline of its request ends it.
    #[inline(never)]
    pub(in crate::model) fn put_off_timeout(&mut self, slot: u32) {
        self.cancel_timeout(slot);
        let timing = self.timing_of(slot);
        if !timing.is_endless {
            self.set_deadline_timer(slot, timing.left);
        }
    }

    /// The timeout of an attempt begins now.
    #[inline(never)]
    pub(in crate::model) fn start_timeout(&mut self, slot: u32) {
        self.cancel_timeout(slot);
        let timing = self.timing_of(slot);
        self.set_timeout(slot, timing);
    }

    fn timing_of(&self, slot: u32) -> Timing {
        let attempt = &self.attempts[slot];
        let side = &self.callers[attempt.caller.index()];
        let deadline = self.requests[attempt.request].deadline;
        Timing {
            edge: side.edge,
            node: side.node,
            left: SimDuration::from_ns(deadline.as_ns().saturating_sub(self.now().as_ns())),
            is_endless: deadline == SimTime::NEVER,
        }
    }

    /// Sets a timeout that is no length of its edge.
    fn set_deadline_timer(&mut self, slot: u32, length: SimDuration) {
        let at = self.queue.now() + length;
        let sequence = self.queue.push_late(at, Event::AttemptDeadline(slot));
        if self.attempt_timers.len() <= slot as usize {
            self.attempt_timers
                .resize(slot as usize + 1, crate::engine::Timer::UNSET);
        }
        self.attempt_timers[slot as usize].set(sequence);
    }

    #[inline(always)]
    pub(super) fn cancel_timeout(&mut self, slot: u32) {
        if !self.attempt_lanes.cancel(slot)
            && let Some(timer) = self.attempt_timers.get_mut(slot as usize)
        {
            timer.cancel();
        }
    }

    /// The head of a lane of timeouts is due, if it was not cancelled.
    #[inline(never)]
    pub(in crate::model) fn on_attempt_lane(&mut self, lane: u32, sequence: u64) {
        let fired = self.attempt_lanes.fire(lane, self.queue.now(), sequence);
        if let Some((at, sequence)) = fired.next {
            self.queue
                .push_with_sequence(at, sequence, Event::AttemptTimeout(lane));
        }
        if let Some(slot) = fired.expired {
            self.on_attempt_timeout(slot);
        }
    }

    /// The timeout of an attempt that its deadline cuts short.
    #[inline(never)]
    pub(in crate::model) fn on_attempt_deadline(&mut self, slot: u32, sequence: u64) {
        if self.attempt_timers[slot as usize].fire(sequence) {
            self.on_attempt_timeout(slot);
        }
    }

    fn on_attempt_timeout(&mut self, slot: u32) {
        let node = self.caller_node(self.attempts[slot].caller);
        if self.defers(node, Deferred::AttemptTimeout(slot)) {
            self.attempts[slot].flags.set(AttemptFlags::TIMEOUT_DUE);
            return;
        }
        self.time_out(slot);
    }

    /// A caller that stood still finds a timeout due, unless the reply came before it.
    pub(in crate::model) fn on_deferred_timeout(&mut self, slot: u32, node: NodeId) {
        let is_due = self.attempts.get(slot).is_some_and(|attempt| {
            attempt.request != NIL
                && attempt.flags.has(AttemptFlags::TIMEOUT_DUE)
                && self.callers[attempt.caller.index()].node == node
        });
        if is_due {
            self.time_out(slot);
        }
    }

    fn time_out(&mut self, slot: u32) {
        let attempt = self.attempts[slot];
        let node = self.caller_node(attempt.caller);
        self.fold(Event::AttemptTimeout(0), node, fold_identity(&attempt));
        let has_arrived = attempt.flags.has(AttemptFlags::ARRIVED);
        let is_on_its_way = attempt.pending != 0 && !attempt.flags.has(AttemptFlags::HELD);
        let outcome = match (has_arrived, attempt.stage) {
            (true, Stage::Lost) => AttemptOutcome::TimeoutHalfOpen,
            (true, _) => AttemptOutcome::TimeoutSlow,
            (false, _) if is_on_its_way => AttemptOutcome::TimeoutSlow,
            (false, _) if self.waits_for_the_living(slot) => AttemptOutcome::TimeoutSlow,
            (false, _) => AttemptOutcome::TimeoutBlackHole,
        };
        self.end_attempt(slot, outcome);
    }
}
