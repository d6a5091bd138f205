//! Whether a call is tried again: what may be retried at all, and the budget.

use super::budget::UnderWay;
use super::{Marks, breaker_envoy, entry};
use crate::engine::PendingSet;
use crate::model::caller::retry::retries;
use crate::model::observation::{AttemptOutcome, Observation, Observer};
use crate::model::world::World;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Whether the call of a request, whose last attempt ended so, may have another attempt. What
    /// it takes from a budget is taken.
    pub(in crate::model) fn may_retry(&mut self, slot: u32, outcome: AttemptOutcome) -> bool {
        let edge = self.callers[self.requests[slot].caller().index()].edge;
        let (mut is_unsent, mut is_final) = (false, false);
        if self.has_gates() {
            self.end_retry(slot);
            is_unsent = self.gates.take_mark(slot, Marks::UNSENT);
            is_final = self.gates.take_mark(slot, Marks::IS_FINAL);
        }
        let is_safe = is_unsent || !was_sent(outcome) || self.is_idempotent(slot);
        let is_retried = retries(self.scenario.edges[edge.index()].retry.on, outcome);
        !is_final && is_safe && is_retried && (!self.has_gates() || self.take_retry(slot))
    }

    /// Whether a request may be sent twice.
    fn is_idempotent(&self, slot: u32) -> bool {
        self.class_config(self.requests[slot].class).is_idempotent
    }

    /// Whether limits and budgets of retries let a request have another attempt. What it takes is
    /// taken.
    pub(in crate::model) fn take_retry(&mut self, slot: u32) -> bool {
        let now = self.now();
        let caller = self.requests[slot].caller();
        let within = self
            .protection(caller)
            .and_then(|config| config.retry_within);
        if let Some(within) = within {
            let within = self.nodes[self.caller_node(caller).index()].true_length(within);
            if self.requests[slot].arrived_at + within <= now {
                return false;
            }
        }
        let side = &mut self.callers[caller.index()];
        let edge = side.edge;
        let Some(side) = &mut side.resilience else {
            return true;
        };
        let under_way = UnderWay {
            attempt_count: side.in_flight_count + side.waiting_count(),
            retry_count: side.retry_count,
        };
        let limits = side.breakers.as_ref().and_then(|b| b.envoy());
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

    /// A retry is no longer under way, if the last attempt of a request was one.
    pub(super) fn end_retry(&mut self, slot: u32) {
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
