//! The measures of calls between services and of the parts of the latency.

use super::super::measure::{Measure, Unit};
use super::family::{CALL_CLASS, ratio, times};
use super::{MeasureInfo, Statistics};

/// They stand at the end of the catalog.
pub const FLOW_MEASURES: [MeasureInfo; 8] = [
    MeasureInfo {
        scopes: CALL_CLASS,
        ..ratio(
            Measure::FallbackRatio,
            "fallback_ratio",
            "Optional calls that failed, so that their owner went on without them / optional calls \
             that ended. A fan-out counts once.",
        )
    },
    part(
        Measure::NetworkTime,
        "network_time",
        "Part of the latency of all requests, whatever their outcome: messages of the deciding \
         attempt on the wire, there and back. The parts of a request add up to its latency to the \
         nanosecond. The deciding attempt is the one whose end gave the request its outcome; of \
         parallel calls it is the one that ended the wait.",
    ),
    part(
        Measure::QueueTime,
        "queue_time",
        "Part of the latency: the deciding attempt waits for a worker.",
    ),
    part(
        Measure::WorkTime,
        "work_time",
        "Part of the latency: the instance's own work on the deciding attempt.",
    ),
    part(
        Measure::CallTime,
        "call_time",
        "Part of the latency: the instance of the deciding attempt waits for calls of its own, \
         fallbacks included.",
    ),
    part(
        Measure::FailedAttemptTime,
        "failed_attempt_time",
        "Part of the latency: attempts before the deciding one, from sending to their end, and \
         what is left of a deciding attempt that timed out or was lost.",
    ),
    part(
        Measure::BackoffTime,
        "backoff_time",
        "Part of the latency: waiting for retries.",
    ),
    part(
        Measure::CallerTime,
        "caller_time",
        "Part of the latency: waiting at the caller for anything else: while it stands still, for \
         a fallback of a client's optional call.",
    ),
];

const fn part(measure: Measure, name: &'static str, definition: &'static str) -> MeasureInfo {
    MeasureInfo {
        unit: Unit::Time,
        statistics: Statistics::Distribution,
        ..times(measure, name, CALL_CLASS, definition)
    }
}
