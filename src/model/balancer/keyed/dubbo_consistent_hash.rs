use std::sync::Arc;

use super::{RingWalk, avoided, is_untried, next_untried};
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// Picks the owner of the first point at or after the MD5 of the key.
///
/// Source: Apache Dubbo 3.x (`ConsistentHashLoadBalance`): 160 points for each candidate, four of
/// each MD5 of its address and a number; the key is the first argument. Weights are ignored, but
/// for 0, which drains. Of equal points the last in order of path owns the arc. Nothing moves
/// needlessly. A retry (`reselect` of `AbstractClusterInvoker`) draws up to `reselect_count`
/// candidates that were not tried, all of them when there are no more, and takes the first of them
/// clockwise; when it draws none, the next candidate in order. Cost per pick: O(1) and one MD5.
#[derive(Debug)]
pub struct DubboConsistentHash {
    ring: RingWalk,
    reselect_count: u32,
}

impl DubboConsistentHash {
    /// `reselect_count` candidates are drawn for a retry.
    pub fn new(reselect_count: u32) -> Self {
        DubboConsistentHash {
            ring: RingWalk::new(RingRule::Dubbo),
            reselect_count,
        }
    }
}

impl Balancer for DubboConsistentHash {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.ring.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let (tried, reselect_count) = (ctx.tried, self.reselect_count);
        let mut draw = ctx.draw;
        let (view, ring, place) = self.ring.find(ctx)?;
        let tried = avoided(view, tried);
        let mut owners = ring.walk_from(place).map(InstanceId);
        let first = owners.next()?;
        if is_untried(first, tried) {
            return Some(first);
        }
        let count = u32::try_from(view.members.len()).expect("instances fit in 32 bits");
        if count <= reselect_count {
            return owners.find(|instance| is_untried(*instance, tried));
        }
        let drawn = (0..reselect_count).map(|_| {
            let place = draw.below(count);
            view.members[place as usize].instance
        });
        let drawn: Vec<InstanceId> = drawn.filter(|i| is_untried(*i, tried)).collect();
        let found = owners.find(|instance| drawn.contains(instance));
        Some(found.unwrap_or_else(|| next_untried(view, first, tried)))
    }
}
