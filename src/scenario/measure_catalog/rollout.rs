//! The measures of rolling restarts, and of bursts of control messages.

use super::super::measure::{Measure, Unit};
use super::MeasureInfo;
use super::family::{RING, balance, number, of_fault, single};

const SERVICE: &[&str] = &["service"];

/// They stand where rings are in the catalog.
pub const ROLLOUT_MEASURES: [MeasureInfo; 6] = [
    of_fault(number(
        Measure::ReplacedCount,
        "replaced_count",
        &[],
        "Instances that a rolling restart replaced: those that came and were ready.",
    )),
    of_fault(number(
        Measure::FailedPerReplaced,
        "failed_per_replaced",
        &[],
        "Requests that did not succeed / instances replaced, of requests under way at some time \
         from the start of a rolling restart to its end, or to the last attempt to an instance \
         that it had stopped, where callers still send some later. Failures that would have been \
         there anyway are among them.",
    )),
    of_fault(single(
        Measure::ExtraMovedKeyRatio,
        "extra_moved_key_ratio",
        Unit::Number,
        RING,
        "Shares of the hash space that moved with each change of candidates from the start of a \
         rolling restart until a minute after its end, summed, less the share that lies elsewhere \
         in the end: keys that moved for nothing, in hash spaces. As the first caller saw it.",
    )),
    of_fault(balance(
        Measure::LoadOneMinuteAfter,
        "load_1m_after",
        SERVICE,
        "Attempts per instance in the minute that begins one minute after the end of a rolling \
         restart, over the instances that are up when it is over.",
    )),
    of_fault(balance(
        Measure::LoadTenMinutesAfter,
        "load_10m_after",
        SERVICE,
        "The same in the minute that begins ten minutes after the end.",
    )),
    number(
        Measure::ControlPeak,
        "control_message_peak",
        &[],
        "Most control messages in a window of the series / their mean over the windows that lie \
         wholly in the phase: how bursty heartbeats, checks and polls are.",
    ),
];
