//! How facts are called in traces.

use crate::model::observation::{AttemptOutcome, LifeState, Outcome, WorkEnd};

/// The outcome of a request or a call.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Timeout => "timeout",
        Outcome::Rejected => "rejected",
    }
}

/// How an attempt ended for its caller.
pub fn attempt_outcome(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Success => "success",
        AttemptOutcome::Error => "error",
        AttemptOutcome::Rejected => "rejected",
        AttemptOutcome::Refused => "refused",
        AttemptOutcome::Reset => "reset",
        AttemptOutcome::TimeoutSlow => "timeout_slow",
        AttemptOutcome::TimeoutBlackHole => "timeout_black_hole",
        AttemptOutcome::TimeoutHalfOpen => "timeout_half_open",
        AttemptOutcome::Cancelled => "cancelled",
        AttemptOutcome::ConnectTimeout => "connect_timeout",
        AttemptOutcome::ResetUnsent => "reset_unsent",
    }
}

/// How work at an instance ended.
pub fn work_end(end: WorkEnd) -> &'static str {
    match end {
        WorkEnd::Served => "served",
        WorkEnd::Errored => "errored",
        WorkEnd::Lost => "lost",
        WorkEnd::Dropped => "dropped",
        WorkEnd::Cancelled => "cancelled",
    }
}

/// What a node is doing.
pub fn life(state: LifeState) -> &'static str {
    match state {
        LifeState::Up => "up",
        LifeState::Crashed => "crashed",
        LifeState::HostLost => "host_lost",
        LifeState::Restarting => "restarting",
        LifeState::Paused => "paused",
        LifeState::Absent => "absent",
    }
}
