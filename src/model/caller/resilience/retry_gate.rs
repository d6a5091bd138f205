//! Whether a call is tried again: what may be retried at all, and the budget.

use super::budget::{Budget, UnderWay};
use super::{Marks, breaker_envoy, entry};
use crate::engine::PendingSet;
use crate::model::caller::retry::retries;
use crate::model::observation::{AttemptOutcome, Observation, Observer};
use crate::model::world::World;
use crate::scenario::client::RetryConfig;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Whether the call of a request, whose last attempt ended so, may have another attempt. What
    /// it takes from a budget is taken.
    pub(in crate::model) fn may_retry(&mut self, slot: u32, outcome: AttemptOutcome) -> bool {
        let (mut is_unsent, mut is_final) = (false, false);
        if self.has_gates() {
            self.end_retry(slot);
            is_unsent = self.gates.take_mark(slot, Marks::UNSENT);
            is_final = self.gates.take_mark(slot, Marks::IS_FINAL);
        }
        let is_safe = is_unsent || self.may_send_again(slot, outcome);
        let is_retried = retries(self.retry_rules(slot).on, outcome) && self.is_in_time(slot);
        !is_final && is_safe && is_retried && (!self.has_gates() || self.take_retry(slot))
    }

    /// Whether the rules of its call let a request have another attempt after one that was sent and
    /// ended so. Nothing is taken from a budget, and none is asked.
    #[inline(always)]
    pub(in crate::model) fn is_retriable(&self, slot: u32, outcome: AttemptOutcome) -> bool {
        let has_failed = !matches!(outcome, AttemptOutcome::Success | AttemptOutcome::Cancelled);
        has_failed && self.fits_rules(slot, outcome)
    }

    #[inline(never)]
    fn fits_rules(&self, slot: u32, outcome: AttemptOutcome) -> bool {
        let request = &self.requests[slot];
        let rules = self.retry_rules(slot);
        u32::from(request.attempt_count) < rules.attempt_count_max
            && self.now() < request.deadline
            && retries(rules.on, outcome)
            && self.may_send_again(slot, outcome)
            && self.is_in_time(slot)
    }

    fn retry_rules(&self, slot: u32) -> &RetryConfig {
        let edge = self.callers[self.requests[slot].caller().index()].edge;
        &self.scenario.edges[edge.index()].retry
    }

    /// Whether the instance cannot have seen a request, or it may be sent twice.
    fn may_send_again(&self, slot: u32, outcome: AttemptOutcome) -> bool {
        !was_sent(outcome) || self.class_config(self.requests[slot].class).is_idempotent
    }

    /// Whether a request is young enough to be tried again.
    fn is_in_time(&self, slot: u32) -> bool {
        if !self.has_gates() {
            return true;
        }
        let request = &self.requests[slot];
        let caller = request.caller();
        let within = self
            .protection(caller)
            .and_then(|config| config.retry_within);
        within.is_none_or(|within| {
            let within = self.nodes[self.caller_node(caller).index()].true_length(within);
            self.now() < request.arrived_at + within
        })
    }

    /// Whether limits and budgets of retries let a request have another attempt. What it takes is
    /// taken.
    pub(in crate::model) fn take_retry(&mut self, slot: u32) -> bool {
        let now = self.now();
        let caller = self.requests[slot].caller();
        let side = &mut self.callers[caller.index()];
        let edge = side.edge;
        let Some(side) = &mut side.resilience else {
            return true;
        };
        let under_way = UnderWay {
            attempt_count: side.in_flight_count + side.waiting_count(),
            retry_count: side.retry_count,
        };
        // Envoy's budget takes the place of its `max_retries`.
        let has_own_limit = !matches!(side.budget, Some(Budget::Envoy { .. }));
        let limits = side.breakers.as_ref().and_then(|b| b.envoy());
        let limits = limits.filter(|_| has_own_limit);
        let is_within = limits.map(|limits| breaker_envoy::permits_retry(limits, under_way));
        let is_paid = side.budget.as_mut().map(|b| b.take(now, under_way));
        let is_granted = is_within.unwrap_or(true) && is_paid.unwrap_or(true);
        if is_within.is_none() && is_paid.is_none() {
            return true;
        }
        if is_granted {
            side.retry_count += 1;
            entry(&mut self.gates.marks, slot).0 |= Marks::RETRIES.0;
        }
        let class = self.requests[slot].class;
        self.observe(Observation::RetryDecided {
            caller,
            edge,
            class,
            is_granted,
        });
        is_granted
    }

    /// Whether the budget of its calling side lets a request have a hedge.
    pub(in crate::model) fn permits_hedge(&self, slot: u32) -> bool {
        let caller = self.requests[slot].caller();
        let side = self.callers[caller.index()].resilience.as_ref();
        let budget = side.and_then(|side| side.budget.as_ref());
        budget.is_none_or(Budget::permits_hedges)
    }

    /// A retry is no longer under way, if the last attempt of a request was one.
    pub(in crate::model) fn end_retry(&mut self, slot: u32) {
        if self.gates.take_mark(slot, Marks::RETRIES) {
            let caller = self.requests[slot].caller();
            let side = self.callers[caller.index()].resilience.as_mut();
            side.expect("it granted the retry").retry_count -= 1;
        }
    }
}

/// Whether the instance may have worked on an attempt that ended so.
fn was_sent(outcome: AttemptOutcome) -> bool {
    !matches!(
        outcome,
        AttemptOutcome::Refused | AttemptOutcome::ResetUnsent | AttemptOutcome::ConnectTimeout
    )
}
