use std::sync::Arc;

use super::{RingWalk, WeightSum, avoided, is_untried};
use crate::hash::bounded_load::capacity;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the owner of the key on a ring with virtual nodes, or the next one clockwise that is not
/// full.
///
/// Source: Mirrokni, Thorup & Zadimoghaddam, SODA 2018. A candidate is full when it has `ceil(c m
/// s)` attempts in flight from this caller, where `c` is the load factor, `m` counts all in flight
/// and the one to come, and `s` is its share of the weights. Keys move with the load; the paper
/// bounds moves by O(1 / (c - 1)^2) for each arrival. A retry walks on. Cost per pick: O(1),
/// O(points) when many are full.
#[derive(Debug)]
pub struct BoundedLoad {
    ring: RingWalk,
    load_factor: f64,
    weight_sum: WeightSum,
}

impl BoundedLoad {
    /// `load_factor` is at least 1.
    pub fn new(rule: RingRule, load_factor: f64) -> Self {
        BoundedLoad {
            ring: RingWalk::new(rule),
            load_factor,
            weight_sum: WeightSum::default(),
        }
    }
}

impl Balancer for BoundedLoad {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.ring.on_view(view);
        self.weight_sum = WeightSum::default();
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.ring.held.view.as_ref()?;
        let weight_sum = self.weight_sum.get(ctx.tables, view);
        let (load_factor, in_flight, tried) = (self.load_factor, ctx.in_flight, ctx.tried);
        let (view, ring, place) = self.ring.find(ctx)?;
        let tried = avoided(view, tried);
        let is_free = |instance: InstanceId| {
            let member = view
                .position(instance)
                .expect("the ring is that of the view");
            let share = view.members[member].weight / weight_sum;
            u64::from(in_flight.count(instance))
                < capacity(load_factor, in_flight.total() + 1, share)
        };
        let owners = || ring.walk_from(place).map(InstanceId);
        let untried = || owners().filter(|i| is_untried(*i, tried));
        untried().find(|i| is_free(*i)).or_else(|| untried().next())
    }
}
