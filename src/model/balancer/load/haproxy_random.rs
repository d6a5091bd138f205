use std::sync::Arc;

use crate::hash::haproxy_consistent::POINT_COUNT;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::keyed::RingWalk;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// `balance random` of HAProxy: of the owners of several random points of its consistent ring the
/// one with the fewest attempts in flight in proportion to its weight, from this caller.
///
/// Source: HAProxy 2.6, `get_server_rnd` in `backend.c` and `chash_get_server_hash` in
/// `lb_chash.c`: each draw is a random number of 32 bits and belongs to the closest point in either
/// direction; ties go to the later draw. A candidate of weight `w` has `16 w` points, so shares
/// follow arcs, and weights only as well as these do: with the default weight of 1 they differ by
/// a quarter and more. A draw that hits a tried candidate walks on clockwise; HAProxy itself avoids
/// the last one only, and only with `option redispatch`. Cost per pick: O(draws).
#[derive(Debug)]
pub struct HaproxyRandom {
    draw_count: u32,
    ring: RingWalk,
}

impl HaproxyRandom {
    /// Draws `draw_count` points.
    pub fn new(draw_count: u32) -> Self {
        HaproxyRandom {
            draw_count,
            ring: RingWalk::new(RingRule::HaproxyConsistent),
        }
    }

    /// Whether `drawn` has more in flight for its weight than `before`.
    fn is_busier(&self, ctx: &PickContext<'_>, drawn: InstanceId, before: InstanceId) -> bool {
        let view = self.ring.view().expect("the ring is that of a view");
        let weight = |instance: InstanceId| {
            let place = view
                .position(instance)
                .expect("the ring is that of the view");
            let parts = f64::from(POINT_COUNT) * view.members[place].weight;
            parts.round().max(1.0) as u64
        };
        let load = |instance| u64::from(ctx.in_flight.count(instance));
        load(before) * weight(drawn) < load(drawn) * weight(before)
    }
}

impl Balancer for HaproxyRandom {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.ring.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let mut picked: Option<InstanceId> = None;
        for _ in 0..self.draw_count {
            let point = ctx.draw.next_u64() >> 32 << 32;
            let drawn = self.ring.pick_hash(ctx, point)?;
            let keeps = picked.is_some_and(|before| self.is_busier(ctx, drawn, before));
            if !keeps {
                picked = Some(drawn);
            }
        }
        picked
    }
}
