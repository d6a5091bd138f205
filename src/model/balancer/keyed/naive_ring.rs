use std::sync::Arc;

use super::RingWalk;
use crate::hash::function::Function;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the owner of the key on a ring with one point for each candidate: a warning.
///
/// Source: a textbook sketch that is widely copied. The largest share is `H_n` times the mean (2.9
/// times for 10 candidates), and all keys of a candidate that leaves go to one other. A retry walks
/// on clockwise. Weights are ignored, but for 0, which drains. Cost per pick: O(1).
#[derive(Debug)]
pub struct NaiveRing(RingWalk);

impl NaiveRing {
    /// With a hash function and its seed.
    pub fn new(function: Function, seed: u64) -> Self {
        NaiveRing(RingWalk::new(RingRule::Naive { function, seed }))
    }
}

impl Balancer for NaiveRing {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.0.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.0.pick(ctx)
    }
}
