//! Envoy's limits where attempts need connections (source: `conn_pool_base.cc`). A request that
//! finds a connection with room counts among those under way; one that does not is pending, and
//! counts among those under way when a connection takes it. Both overflow at once. At the limit of
//! connections no other is opened, unless the instance has none at all, so that nothing waits for
//! ever; what waits then is no overflow.

use super::gate::Held;
use super::{Marks, breaker_envoy, entry};
use crate::engine::PendingSet;
use crate::id::{CallerId, InstanceId};
use crate::model::observation::{LocalCause, Observer};
use crate::model::request::NIL;
use crate::model::world::World;
use crate::scenario::resilience::{BreakerConfig, EnvoyLimits};

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    fn envoy_limits(&self, caller: CallerId) -> Option<&'s EnvoyLimits> {
        match self.protection(caller)?.breaker.as_ref()? {
            BreakerConfig::Envoy(limits) => Some(limits),
            BreakerConfig::Hystrix { .. } | BreakerConfig::Resilience4j { .. } => None,
        }
    }

    /// Attempts of a calling side that a connection carries.
    fn carried_count(&self, caller: CallerId) -> u32 {
        let side = self.callers[caller.index()].resilience.as_ref();
        let in_flight_count = side.map_or(0, |side| side.in_flight_count);
        in_flight_count - self.connections.waiting_count(caller)
    }

    /// Whether an attempt of a request to this instance is one too many.
    pub(in crate::model) fn overflows(&self, slot: u32, instance: InstanceId) -> bool {
        let caller = self.requests[slot].caller();
        let edge = self.callers[caller.index()].edge;
        let limits = self.has_gates().then(|| self.envoy_limits(caller));
        let (Some(limits), Some(config)) = (limits.flatten(), self.connection_config(edge)) else {
            return false;
        };
        let pool = (instance, self.thread_of(slot));
        if self.connections.has_room(caller, pool, config) {
            return !breaker_envoy::permits(limits, self.carried_count(caller));
        }
        let side = self.callers[caller.index()].resilience.as_ref();
        let in_line = side.map_or(0, |side| side.waiting_count());
        let waiting_count = in_line + self.connections.waiting_count(caller);
        !breaker_envoy::permits_waiting(limits, waiting_count)
    }

    /// The attempt that was counted and picked for overflows: it is not sent.
    pub(in crate::model) fn turn_overflow_away(&mut self, slot: u32) {
        self.requests[slot].attempt_count -= 1;
        self.hold(slot, Held::Shut(LocalCause::Breaker));
    }

    /// Whether an attempt that has waited is one too many on a connection. It is not tried again.
    pub(in crate::model) fn overflows_at_last(&mut self, slot: u32) -> bool {
        if !self.has_gates() {
            return false;
        }
        let caller = self.attempts[slot].caller;
        let limits = self.envoy_limits(caller);
        let is_over = limits.is_some_and(|l| l.request_count_max < self.carried_count(caller));
        let request = self.attempts[slot].request;
        if is_over && request != NIL {
            entry(&mut self.gates.marks, request).0 |= Marks::IS_FINAL.0;
        }
        is_over
    }

    /// Whether a calling side may open another connection to an instance. `has_any`: it has some.
    pub(in crate::model) fn may_connect(&self, caller: CallerId, has_any: bool) -> bool {
        let limits = self.has_gates().then(|| self.envoy_limits(caller));
        let count = self.connections.connection_count(caller);
        !has_any
            || limits
                .flatten()
                .is_none_or(|l| count < l.connection_count_max)
    }
}
