//! Weights that fall with failures and recover, as those of nginx.

use std::sync::Arc;

use super::max_fails::is_failure;
use crate::id::InstanceId;
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::wrappers::MaxFailsConfig;

/// The effective weight of a peer of nginx. It is pure: whoever balances by smooth weighted round
/// robin can keep one for each peer.
///
/// Source: `ngx_http_upstream_round_robin.c`. Weights are whole numbers there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectiveWeight {
    weight: f64,
    effective: f64,
}

impl EffectiveWeight {
    /// Nothing has failed.
    pub fn new(weight: f64) -> Self {
        EffectiveWeight {
            weight,
            effective: weight,
        }
    }

    /// The weight as configured.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The weight that counts now.
    pub fn effective(&self) -> f64 {
        self.effective
    }

    /// An attempt failed: it falls by `weight div fail_count_max`, so not at all where the weight
    /// is smaller than that.
    pub fn fall(&mut self, fail_count_max: u32) {
        if 0 < fail_count_max {
            let step = (self.weight / f64::from(fail_count_max)).floor();
            self.effective = (self.effective - step).max(0.0);
        }
    }

    /// A pick considered the peer: it recovers by one.
    pub fn recover(&mut self) {
        if self.effective < self.weight {
            self.effective = (self.effective + 1.0).min(self.weight);
        }
    }
}

/// One peer of [`FallingRoundRobin`].
#[derive(Clone, Copy, Debug)]
struct Peer {
    instance: InstanceId,
    weight: EffectiveWeight,
    current: f64,
}

/// Smooth weighted round robin whose weights fall with failures: what `max_fails` makes of
/// `smooth_weighted_round_robin`.
///
/// Source: nginx `ngx_http_upstream_get_peer`. Every eligible peer's current weight grows by its
/// effective weight, the largest is picked and falls by their sum; each that was considered
/// recovers by one. Ties go to the first in order of path. Cost per pick: O(n).
#[derive(Debug)]
pub struct FallingRoundRobin {
    config: MaxFailsConfig,
    view: Option<Arc<ViewSnapshot>>,
    /// In the order of the view.
    peers: Vec<Peer>,
}

impl FallingRoundRobin {
    /// Nothing has failed.
    pub fn new(config: MaxFailsConfig) -> Self {
        FallingRoundRobin {
            config,
            view: None,
            peers: Vec::new(),
        }
    }

    fn peer(&self, instance: InstanceId) -> Option<usize> {
        let of = |peer: &Peer| peer.instance;
        self.peers.binary_search_by_key(&instance, of).ok()
    }
}

impl Balancer for FallingRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let peer = |member: &crate::model::view::Member| {
            let kept = self.peer(member.instance).map(|place| self.peers[place]);
            match kept {
                Some(peer) if peer.weight.weight() == member.weight => peer,
                _ => Peer {
                    instance: member.instance,
                    weight: EffectiveWeight::new(member.weight),
                    current: kept.map_or(0.0, |peer| peer.current),
                },
            }
        };
        self.peers = view.members.iter().map(peer).collect();
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let eligible = Eligible::new(self.view.as_ref()?, ctx.tried);
        let mut total = 0.0;
        let mut best: Option<(usize, f64)> = None;
        for (place, peer) in self.peers.iter_mut().enumerate() {
            if eligible.avoids(place) {
                continue;
            }
            peer.current += peer.weight.effective();
            total += peer.weight.effective();
            peer.weight.recover();
            if best.is_none_or(|(_, largest)| largest < peer.current) {
                best = Some((place, peer.current));
            }
        }
        let (best, _) = best?;
        self.peers[best].current -= total;
        Some(self.peers[best].instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        if is_failure(end.outcome, self.config.counts_errors)
            && let Some(place) = self.peer(end.instance)
        {
            self.peers[place].weight.fall(self.config.fail_count_max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_falls_by_whole_steps_and_recovers_by_one() {
        // real-systems.md B1: integer division; ew = max(0, ew - weight div max_fails).
        let mut weight = EffectiveWeight::new(10.0);
        weight.fall(3);
        assert_eq!(weight.effective(), 7.0);
        weight.recover();
        assert_eq!(weight.effective(), 8.0);
        weight.fall(1);
        assert_eq!(weight.effective(), 0.0);
        let mut small = EffectiveWeight::new(2.0);
        small.fall(3);
        assert_eq!(small.effective(), 2.0);
    }
}
