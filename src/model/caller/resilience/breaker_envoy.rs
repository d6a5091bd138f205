//! Envoy's circuit breakers (source: `resource_manager_impl.h`): limits of what is under way at a
//! calling side. What is beyond fails at once and is not retried; there is no state to open.

use super::budget::UnderWay;
use crate::scenario::resilience::EnvoyLimits;

/// Whether an attempt may be sent.
pub fn permits(limits: &EnvoyLimits, in_flight_count: u32) -> bool {
    in_flight_count < limits.request_count_max
}

/// Whether an attempt that has no place may wait for one.
pub fn permits_waiting(limits: &EnvoyLimits, waiting_count: u32) -> bool {
    waiting_count < limits.pending_count_max
}

/// Whether a retry may be made. A retry counts from the decision to the end of its attempt.
pub fn permits_retry(limits: &EnvoyLimits, under_way: UnderWay) -> bool {
    under_way.retry_count < limits.retry_count_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_begins_at_the_limits() {
        let limits = EnvoyLimits {
            connection_count_max: 1_024,
            request_count_max: 1_024,
            pending_count_max: 2,
            retry_count_max: 3,
        };
        assert!(permits(&limits, 1_023) && !permits(&limits, 1_024));
        assert!(permits_waiting(&limits, 1) && !permits_waiting(&limits, 2));
        let under_way = |retry_count| UnderWay {
            attempt_count: 1_000,
            retry_count,
        };
        assert!(permits_retry(&limits, under_way(2)) && !permits_retry(&limits, under_way(3)));
    }
}
