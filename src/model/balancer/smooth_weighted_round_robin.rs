use std::sync::Arc;

use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;

/// Picks in proportion to the weights, spread as evenly as can be.
///
/// Source: nginx `ngx_http_upstream_get_peer` (nginx 1.22, weights that do not fall): every
/// eligible candidate's current weight grows by its weight, the largest is picked and falls by the
/// sum. Guarantee: with fixed whole weights of sum `W`, any `W` picks in a row hold each instance
/// exactly by its weight. Ties go to the first in order of path. Tried candidates are stepped over
/// and gain nothing. Current weights survive a change of the candidates; a newcomer starts at 0.
/// Cost per pick: O(n).
#[derive(Debug, Default)]
pub struct SmoothWeightedRoundRobin {
    view: Option<Arc<ViewSnapshot>>,
    /// Current weight of each member of the view; empty before the first pick, when all are 0.
    current: Vec<f64>,
}

impl Balancer for SmoothWeightedRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        if let Some(old) = self.view.replace(Arc::clone(view))
            && !self.current.is_empty()
        {
            let kept = |member: &crate::model::view::Member| {
                old.position(member.instance)
                    .map_or(0.0, |place| self.current[place])
            };
            self.current = view.members.iter().map(kept).collect();
        }
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        if self.current.is_empty() {
            self.current.resize(view.members.len(), 0.0);
        }
        let mut total = 0.0;
        let mut best: Option<usize> = None;
        for (place, member) in view.members.iter().enumerate() {
            if eligible.avoids(place) {
                continue;
            }
            self.current[place] += member.weight;
            total += member.weight;
            if best.is_none_or(|best| self.current[place] > self.current[best]) {
                best = Some(place);
            }
        }
        let best = best.expect("there is an eligible candidate");
        self.current[best] -= total;
        Some(view.members[best].instance)
    }
}
