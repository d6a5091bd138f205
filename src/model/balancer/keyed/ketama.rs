use std::sync::Arc;

use super::RingWalk;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the owner of the key on a ketama ring.
///
/// Source: libketama (2007). A candidate of weight `w` has `160 w` points, rounded, at least one:
/// four of each MD5 of its name, `-` and a number. Nothing moves needlessly. With `is_rescaled` it
/// has `4 floor(40 n w / W)` as in libketama, and with unequal weights the points of all change
/// with the candidates. A retry walks on clockwise to the next candidate that was not tried. Of
/// equal points the first in order of path owns the arc. Callers with equal candidates share one
/// ring. Cost per pick: O(1) and one MD5.
#[derive(Debug)]
pub struct Ketama(RingWalk);

impl Ketama {
    /// `is_rescaled` counts points as libketama does.
    pub fn new(is_rescaled: bool) -> Self {
        Ketama(RingWalk::new(RingRule::Ketama { is_rescaled }))
    }
}

impl Balancer for Ketama {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.0.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.0.pick(ctx)
    }
}
