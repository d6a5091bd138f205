use std::sync::Arc;

use super::RingWalk;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the candidate whose point is the closest to the key, in either direction.
///
/// Source: HAProxy 2.6 (`lb_chash.c`), `hash-type consistent` with its default functions. A
/// candidate of weight `w` has `16 w` points, rounded, at least one, by its number among the
/// instances of the service, from 1, as its `id`; names do not matter. Of two points as close, the
/// one before counts. Nothing moves needlessly. A retry walks on clockwise to the next candidate
/// that was not tried; HAProxy itself avoids the last one only, and only with `option redispatch`.
/// Cost per pick: O(1).
#[derive(Debug)]
pub struct HaproxyConsistent(RingWalk);

impl HaproxyConsistent {
    /// Without candidates yet.
    pub fn new() -> Self {
        HaproxyConsistent(RingWalk::new(RingRule::HaproxyConsistent))
    }
}

impl Balancer for HaproxyConsistent {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.0.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.0.pick(ctx)
    }
}
