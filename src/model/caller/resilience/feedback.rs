//! What the sending and the end of an attempt tell its caller.

use super::breaker::End;
use super::entry;
use super::gate::coin;
use super::limit::Sample;
use crate::engine::PendingSet;
use crate::id::CallerId;
use crate::model::balancer::AttemptEnd;
use crate::model::caller::retry::retries;
use crate::model::observation::{AttemptOutcome, LimitOwner, Observer};
use crate::model::world::World;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// An attempt is sent.
    #[inline(always)]
    pub(in crate::model) fn note_sent(&mut self, slot: u32) {
        if self.has_gates() {
            self.count_sent(slot);
        }
    }

    #[inline(never)]
    fn count_sent(&mut self, slot: u32) {
        let (caller, instance) = (self.attempts[slot].caller, self.attempts[slot].instance);
        if self.protection(caller).is_none() {
            return;
        }
        let now = self.now();
        let side = self.side(caller);
        side.in_flight_count += 1;
        let level = side.in_flight_count;
        if let Some(breakers) = &mut side.breakers {
            breakers.on_sent(now, instance);
        }
        *entry(&mut self.gates.sent_levels, slot) = level;
        self.tell_breakers(caller);
    }

    /// The attempt that was in `slot` ended for its caller.
    #[inline(always)]
    pub(in crate::model) fn feedback(&mut self, slot: u32, caller: CallerId, end: &AttemptEnd) {
        if self.has_gates() && self.protection(caller).is_some() {
            self.take_feedback(slot, caller, end);
        }
        if end.outcome.is_failed_connection() {
            self.tell_failed_connection(caller);
        }
    }

    #[inline(never)]
    fn take_feedback(&mut self, slot: u32, caller: CallerId, end: &AttemptEnd) {
        let now = self.now();
        let edge = self.callers[caller.index()].edge;
        let retry = self.scenario.edges[edge.index()].retry;
        let level = self.gates.sent_levels[slot as usize];
        let side = self.callers[caller.index()].resilience.as_mut();
        let side = side.expect("it was made when the attempt was sent");
        side.in_flight_count -= 1;
        if let Some(breakers) = &mut side.breakers {
            let length = end.ended_at.since(end.sent_at);
            breakers.on_ended(now, end.instance, End::new(end.outcome, length));
        }
        if let Some(throttle) = &mut side.throttle
            && is_accepted(end.outcome)
        {
            throttle.on_accepted(now);
        }
        if let Some(budget) = &mut side.budget {
            match end.outcome {
                AttemptOutcome::Success => budget.on_attempt_ended(true),
                AttemptOutcome::Cancelled => {}
                outcome if retries(retry.on, outcome) => budget.on_attempt_ended(false),
                _ => {}
            }
        }
        self.tell_breakers(caller);
        if let Some(is_dropped) = drop_of(end.outcome) {
            let sample = Sample {
                length: end.ended_at.since(end.sent_at),
                in_flight_count: level,
                is_dropped,
            };
            self.sample_limit(caller, sample);
        }
        self.promise_places(caller);
    }

    fn sample_limit(&mut self, caller: CallerId, sample: Sample) {
        let now = self.now();
        let (identity, incarnation) = self.limit_identity(caller);
        let coin = coin(&self.streams, identity, incarnation);
        let side = self.callers[caller.index()].resilience.as_mut();
        let Some(limit) = side.and_then(|side| side.limit.as_mut()) else {
            return;
        };
        let before = limit.limit();
        limit.on_sample(now, sample, &coin);
        let after = limit.limit();
        drop(coin);
        self.tell_limit(LimitOwner::Caller(caller), before, after);
    }
}

/// Whether the service worked on an attempt, as far as its caller knows.
fn is_accepted(outcome: AttemptOutcome) -> bool {
    matches!(outcome, AttemptOutcome::Success | AttemptOutcome::Error)
}

/// Whether an end counts as a drop for a concurrency limit; None where it says nothing.
fn drop_of(outcome: AttemptOutcome) -> Option<bool> {
    match outcome {
        AttemptOutcome::Success => Some(false),
        AttemptOutcome::Rejected
        | AttemptOutcome::ConnectTimeout
        | AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen => Some(true),
        AttemptOutcome::Error
        | AttemptOutcome::Refused
        | AttemptOutcome::Reset
        | AttemptOutcome::ResetUnsent
        | AttemptOutcome::Cancelled => None,
    }
}
