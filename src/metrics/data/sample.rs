//! Single requests and attempts: a bounded sample of them.

use crate::model::observation::Outcome;

/// Requests and attempts of the whole run, evenly spaced, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Requests of clients.
    pub requests: Vec<SampledRequest>,
    /// Attempts.
    pub attempts: Vec<SampledAttempt>,
    /// One of so many requests that succeeded is in it.
    pub success_every: u64,
    /// One of so many requests that did not succeed is in it.
    pub other_every: u64,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampledRequest {
    /// When it arrived.
    pub arrived_secs: f64,
    /// From there to its outcome.
    pub latency_secs: f64,
    /// Its outcome.
    pub outcome: Outcome,
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampledAttempt {
    /// When its caller sent it.
    pub sent_secs: f64,
    /// When it ended for its caller.
    pub ended_secs: f64,
    /// Its calling side, by its place in the tables of the run.
    pub caller: u32,
    /// Its instance, by its place in the tables of the run.
    pub instance: u32,
    /// It got a good reply.
    pub is_success: bool,
}
