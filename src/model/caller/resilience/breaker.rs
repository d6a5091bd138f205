//! What circuit breakers have in common.

use super::breaker_hystrix::Hystrix;
use super::breaker_resilience4j::Resilience4j;
use crate::model::observation::{AttemptOutcome, BreakerState};
use crate::scenario::resilience::BreakerConfig;
use crate::time::{SimDuration, SimTime};

/// Lets attempts pass or not, by how others ended.
pub trait Breaker {
    /// Whether an attempt may be sent now.
    fn permits(&mut self, now: SimTime) -> bool;

    /// An attempt is sent that [`Breaker::permits`] let pass.
    fn on_sent(&mut self, now: SimTime);

    /// An attempt ended, or the caller turned it away behind the breaker.
    fn on_ended(&mut self, now: SimTime, end: End);

    /// Whether it is closed and stays so without another failure.
    fn is_quiet(&mut self, now: SimTime) -> bool;

    /// Where it is.
    fn state(&self) -> BreakerState;
}

/// How an attempt ended, for a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A good reply after a time.
    Success(SimDuration),
    /// Anything else after a time.
    Failure(SimDuration),
    /// Given up by its caller: it says nothing.
    GivenUp,
}

impl End {
    /// What the end of an attempt after `length` is.
    pub fn new(outcome: AttemptOutcome, length: SimDuration) -> Self {
        match outcome {
            AttemptOutcome::Success => End::Success(length),
            AttemptOutcome::Cancelled => End::GivenUp,
            AttemptOutcome::Error
            | AttemptOutcome::Rejected
            | AttemptOutcome::Refused
            | AttemptOutcome::Reset
            | AttemptOutcome::ResetUnsent
            | AttemptOutcome::ConnectTimeout
            | AttemptOutcome::TimeoutSlow
            | AttemptOutcome::TimeoutBlackHole
            | AttemptOutcome::TimeoutHalfOpen => End::Failure(length),
        }
    }
}

/// A closed breaker; None for a kind without state.
pub fn build(config: &BreakerConfig, now: SimTime) -> Option<Box<dyn Breaker>> {
    match config {
        BreakerConfig::Hystrix { config, .. } => Some(Box::new(Hystrix::new(*config, now))),
        BreakerConfig::Resilience4j { config, .. } => {
            Some(Box::new(Resilience4j::new(*config, now)))
        }
        BreakerConfig::Envoy(_) => None,
    }
}
