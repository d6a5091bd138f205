use std::sync::Arc;

use super::{RingWalk, is_untried};
use crate::hash::bounded_load::haproxy_slots;
use crate::hash::haproxy_consistent::POINT_COUNT;
use crate::hash::ring_rule::RingRule;
use crate::hash::whole_weights::WholeWeights;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks as `haproxy_consistent`, but walks past candidates that have their share of what is in
/// flight already.
///
/// Source: HAProxy 2.6 (`chash_server_is_eligible`, `hash-balance-factor`), after Mirrokni, Thorup
/// & Zadimoghaddam. The slots are the attempts in flight from this caller and the one to come,
/// times the factor, rounded up; each weight unit has the same whole number of them and the rest is
/// spread by running sums, at least one for each candidate. When none has a slot, the owner of the
/// last point takes it. Weights are rounded to whole ones for the slots. Keys move with the load.
/// Cost per pick: O(1), O(points) when many are full.
#[derive(Debug)]
pub struct HaproxyBalanceFactor {
    ring: RingWalk,
    factor: u32,
    weights: Option<Arc<WholeWeights>>,
}

impl HaproxyBalanceFactor {
    /// `factor` is in per cent.
    pub fn new(factor: u32) -> Self {
        HaproxyBalanceFactor {
            ring: RingWalk::new(RingRule::HaproxyConsistent),
            factor,
            weights: None,
        }
    }
}

impl Balancer for HaproxyBalanceFactor {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.ring.on_view(view);
        self.weights = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.ring.held.view.as_ref()?;
        let weights = self
            .weights
            .get_or_insert_with(|| ctx.tables.whole_weights(view));
        let (factor, in_flight, tried) = (self.factor, ctx.in_flight, ctx.tried);
        let (view, ring, place) = self.ring.find(ctx)?;
        let scale = u64::from(POINT_COUNT);
        let has_slot = |instance: InstanceId| {
            let member = view
                .position(instance)
                .expect("the ring is that of the view");
            let (from, to) = weights.range(member);
            let range = (scale * from, scale * to);
            let total = scale * weights.total();
            let slots = haproxy_slots(factor, in_flight.total(), range, total);
            u64::from(in_flight.count(instance)) < slots
        };
        let mut walk = ring.walk_from(place).map(InstanceId);
        let found = walk.find(|i| is_untried(*i, tried) && has_slot(*i));
        found.or_else(|| {
            ring.walk_from(ring.point_count() - 1)
                .next()
                .map(InstanceId)
        })
    }
}
