//! The parts of a latency.

use serde::Serialize;

use crate::id::EdgeId;
use crate::time::SimDuration;

/// Where the time of a request or a call went; the parts add up to its latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Messages of the deciding attempt on the wire.
    pub network: SimDuration,
    /// The deciding attempt waits for a worker.
    pub queue: SimDuration,
    /// The instance's own work on the deciding attempt.
    pub work: SimDuration,
    /// The instance of the deciding attempt waits for calls of its own.
    pub calls: SimDuration,
    /// Other attempts, and what is left of a deciding one that timed out or was lost.
    pub failed_attempts: SimDuration,
    /// Waiting for retries.
    pub backoff: SimDuration,
    /// Waiting at the caller for anything else.
    pub caller: SimDuration,
}

/// How long an instance waited for one of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The call.
    pub edge: EdgeId,
    /// How long.
    pub length: SimDuration,
}

impl Parts {
    /// The parts in the order of their fields.
    pub fn all(&self) -> [SimDuration; 7] {
        [
            self.network,
            self.queue,
            self.work,
            self.calls,
            self.failed_attempts,
            self.backoff,
            self.caller,
        ]
    }

    /// Their sum.
    pub fn total(&self) -> SimDuration {
        let parts = self.all().into_iter();
        parts.fold(SimDuration::ZERO, |sum, part| sum + part)
    }

    /// Adds other parts.
    pub fn add(&mut self, other: &Parts) {
        self.network += other.network;
        self.queue += other.queue;
        self.work += other.work;
        self.calls += other.calls;
        self.failed_attempts += other.failed_attempts;
        self.backoff += other.backoff;
        self.caller += other.caller;
    }
}

/// Cuts waits from the first one on until they fit in `room`, and returns their sum.
pub fn trim(waits: &mut [Wait], room: SimDuration) -> SimDuration {
    let sum = waits
        .iter()
        .fold(SimDuration::ZERO, |sum, wait| sum + wait.length);
    let mut excess = sum.saturating_sub(room);
    for wait in waits {
        let cut = wait.length.min(excess);
        wait.length = wait.length.saturating_sub(cut);
        excess = excess.saturating_sub(cut);
    }
    sum.min(room)
}
