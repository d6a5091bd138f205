//! The weights of nginx, which fall on failure and recover.

use crate::model::balancer::AttemptEnd;
use crate::model::observation::AttemptOutcome;
use crate::scenario::balancer::weighted::NginxFailures;

/// The largest weight that whole weights are rounded to.
const WEIGHT_MAX: f64 = 1e6;

/// A weight and what failures left of it.
///
/// Source: nginx 1.22, `ngx_http_upstream_round_robin.c`: a failure takes `weight / max_fails`,
/// rounded down, but nothing below 0; every pick that the peer takes part in gives 1 back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveWeight {
    /// The weight.
    pub weight: u32,
    /// What is left of it.
    pub left: u32,
}

impl EffectiveWeight {
    /// A weight that nothing was taken from.
    pub fn full(weight: u32) -> Self {
        EffectiveWeight {
            weight,
            left: weight,
        }
    }

    /// A failure. Where `max_fails` is 0 it takes nothing, and so it does where the weight is
    /// below `max_fails`.
    pub fn fall(&mut self, max_fails: u32) {
        if let Some(lost) = self.weight.checked_div(max_fails) {
            self.left = self.left.saturating_sub(lost);
        }
    }

    /// A pick that the peer took part in.
    pub fn recover(&mut self) {
        self.left = (self.left + 1).min(self.weight);
    }
}

/// Whether nginx counts the end of an attempt as a failure of the peer.
///
/// Source: nginx 1.22, `ngx_http_upstream.c`: what gets no reply counts always; a bad reply is
/// looked at only to find out whether the next server is to be tried, and counts if it is. One that
/// goes back to the client as it is says nothing against the peer.
pub fn is_failure(end: &AttemptEnd, config: NginxFailures) -> bool {
    match end.outcome {
        AttemptOutcome::Success | AttemptOutcome::Cancelled => false,
        AttemptOutcome::Error | AttemptOutcome::Rejected => {
            config.has_error_replies && end.is_retriable
        }
        AttemptOutcome::Refused
        | AttemptOutcome::Reset
        | AttemptOutcome::ResetUnsent
        | AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen
        | AttemptOutcome::ConnectTimeout => true,
    }
}

/// A weight as systems with whole ones have it. Groups of a scenario for them have whole weights,
/// so this rounds only what a fault or a strategy around it made.
pub fn whole(weight: f64) -> u32 {
    weight.clamp(1.0, WEIGHT_MAX).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_take_whole_parts_and_picks_give_back_one() {
        let mut weight = EffectiveWeight::full(10);
        weight.fall(3);
        assert_eq!(weight.left, 7);
        weight.recover();
        assert_eq!(weight.left, 8);
        weight.fall(1);
        assert_eq!(weight.left, 0);
        weight.fall(0);
        (0..20).for_each(|_| weight.recover());
        assert_eq!(weight.left, 10);
    }

    #[test]
    fn a_weight_below_max_fails_never_falls() {
        let mut weight = EffectiveWeight::full(2);
        weight.fall(3);
        assert_eq!(weight.left, 2);
    }
}
