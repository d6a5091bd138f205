use std::sync::Arc;

use super::{RingWalk, avoided, is_untried};
use crate::hash::nginx_consistent::STEP_COUNT_MAX;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::smooth_weighted_round_robin::SmoothWeightedRoundRobin;
use crate::model::balancer::{AttemptEnd, Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the owner of the first point at or after the CRC-32 of the key.
///
/// Source: nginx 1.22 (`ngx_http_upstream_hash_module`), `hash ... consistent`. A candidate of
/// weight `w` has `160 w` points, rounded, at least one. Of equal points the first in order of path
/// remains. Nothing moves needlessly. A retry steps on to the next point, and after 20 steps to
/// smooth weighted round robin. Cost per pick: O(1); O(n) by round robin.
#[derive(Debug)]
pub struct NginxHashConsistent {
    ring: RingWalk,
    fallback: SmoothWeightedRoundRobin,
}

impl NginxHashConsistent {
    /// Without candidates yet.
    pub fn new() -> Self {
        NginxHashConsistent {
            ring: RingWalk::new(RingRule::NginxConsistent),
            fallback: SmoothWeightedRoundRobin::default(),
        }
    }
}

impl Balancer for NginxHashConsistent {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.ring.on_view(view);
        self.fallback.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let tried = ctx.tried;
        let (view, ring, place) = self.ring.find(ctx)?;
        let tried = avoided(view, tried);
        let mut last = None;
        let mut distinct = ring.placed_from(place).filter(|(point, _)| {
            let is_first = last != Some(*point);
            last = Some(*point);
            is_first
        });
        let steps = distinct.by_ref().take(STEP_COUNT_MAX as usize + 1);
        let mut owners = steps.map(|(_, owner)| InstanceId(owner));
        let found = owners.find(|instance| is_untried(*instance, tried));
        found.or_else(|| self.fallback.pick(ctx))
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        self.fallback.on_outcome(end);
    }
}
