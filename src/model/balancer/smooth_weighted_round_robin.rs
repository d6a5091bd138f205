use std::sync::Arc;

use super::weighted::classes::Rounding;
use super::weighted::smooth_view::SmoothView;
use super::{Balancer, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;

/// Picks in proportion to the weights, spread as evenly as can be.
///
/// Source: nginx `ngx_http_upstream_get_peer` (nginx 1.22, weights that do not fall): every
/// eligible candidate's current weight grows by its weight, the largest is picked and falls by the
/// sum. Guarantee: with fixed whole weights of sum `W`, any `W` picks in a row hold each instance
/// exactly by its weight. Ties go to the first in order of path. Tried candidates are stepped over
/// and gain nothing. Current weights survive a change of the candidates; a newcomer starts at 0.
/// Cost per pick: O(distinct weights), and O(log n) after a retry or a change.
#[derive(Debug)]
pub struct SmoothWeightedRoundRobin {
    turns: SmoothView,
}

impl Default for SmoothWeightedRoundRobin {
    fn default() -> Self {
        SmoothWeightedRoundRobin {
            turns: SmoothView::new(Rounding::Parts),
        }
    }
}

impl Balancer for SmoothWeightedRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.turns.on_view(view);
    }

    #[inline]
    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.turns.pick(ctx)
    }
}
