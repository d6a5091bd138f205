use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::weighted::draw;
use crate::model::balancer::weighted::effective::whole;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;

/// `balance random` of HAProxy: of several draws by weight the one with the fewest attempts in
/// flight in proportion to its weight, from this caller.
///
/// Source: HAProxy 2.6, `get_server_rnd` in `backend.c`: draws are independent, ties go to the
/// later one. HAProxy draws points on its consistent ring, whose arcs are only about in proportion
/// to the weights; here they are so exactly. Tried candidates are not drawn. Cost per pick:
/// O(draws x log n).
#[derive(Debug)]
pub struct HaproxyRandom {
    draw_count: u32,
    view: Option<Arc<ViewSnapshot>>,
    sums: Option<Arc<[f64]>>,
}

impl HaproxyRandom {
    /// Draws `draw_count` candidates.
    pub fn new(draw_count: u32) -> Self {
        HaproxyRandom {
            draw_count,
            view: None,
            sums: None,
        }
    }
}

impl Balancer for HaproxyRandom {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.sums = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let sums = self
            .sums
            .get_or_insert_with(|| ctx.tables.weight_sums(view));
        let load = |place: usize| u64::from(ctx.in_flight.count(view.members[place].instance));
        let weight = |place: usize| u64::from(whole(view.members[place].weight));
        let mut picked = draw::cumulative(&eligible, sums, &mut ctx.draw);
        for _ in 1..self.draw_count {
            let drawn = draw::cumulative(&eligible, sums, &mut ctx.draw);
            if load(drawn) * weight(picked) <= load(picked) * weight(drawn) {
                picked = drawn;
            }
        }
        Some(view.members[picked].instance)
    }
}
