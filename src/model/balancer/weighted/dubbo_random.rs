use std::sync::Arc;

use super::draw;
use super::dubbo_weight::{full_weight, weight_at};
use super::envoy_round_robin::has_equal_weights;
use super::first_seen::FirstSeen;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;
use crate::scenario::balancer::weighted::DubboWeight;

/// `random` of Dubbo: in proportion to weights that warm up.
///
/// Source: Dubbo 3.2, `RandomLoadBalance`. Cost per pick: O(n), as in Dubbo, while a provider warms
/// up or on a retry; else O(log n), or O(1) where weights are equal.
#[derive(Debug)]
pub struct DubboRandom {
    weight: DubboWeight,
    seen: FirstSeen,
    view: Option<Arc<ViewSnapshot>>,
    are_equal: bool,
    /// Whether the whole weights of Dubbo are in proportion to those of the view.
    are_whole: bool,
    sums: Option<Arc<[f64]>>,
}

impl DubboRandom {
    /// Without candidates.
    pub fn new(weight: DubboWeight) -> Self {
        DubboRandom {
            weight,
            seen: FirstSeen::default(),
            view: None,
            are_equal: false,
            are_whole: false,
            sums: None,
        }
    }
}

impl Balancer for DubboRandom {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        self.seen.on_view(old.as_deref(), view);
        let unit = f64::from(self.weight.unit);
        self.are_equal = has_equal_weights(view);
        self.are_whole = view
            .members
            .iter()
            .all(|member| full_weight(self.weight, member) as f64 == member.weight * unit);
        self.sums = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        self.seen.on_pick(ctx.now);
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let is_warm = self.weight.warmup.is_zero() || self.seen.is_empty();
        let place = if is_warm && self.are_equal {
            eligible.place(ctx.draw.below(eligible.count()))
        } else if is_warm && self.are_whole && eligible.avoided.is_empty() {
            let sums = self
                .sums
                .get_or_insert_with(|| ctx.tables.weight_sums(view));
            draw::cumulative(&eligible, sums, &mut ctx.draw)
        } else {
            draw::by_weights(&eligible, &mut ctx.draw, |place| {
                weight_at(self.weight, &view.members[place], &self.seen, ctx.now) as f64
            })
        };
        Some(view.members[place].instance)
    }
}
