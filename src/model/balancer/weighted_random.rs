use std::sync::Arc;

use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// Picks each candidate with a probability in proportion to its weight, independently of
/// everything before.
///
/// Source: textbook; by inversion of the cumulative weights, which callers with equal candidates
/// share. A retry draws from the weights of what was not tried. Cost per pick: O(log n).
#[derive(Debug, Default)]
pub struct WeightedRandom {
    view: Option<Arc<ViewSnapshot>>,
    /// Running sums of the weights of the view's members, looked up at the first pick.
    sums: Option<Arc<Vec<f64>>>,
}

impl Balancer for WeightedRandom {
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
        let avoided = &eligible.avoided;
        let avoided_weight: f64 = avoided
            .iter()
            .map(|place| view.members[*place].weight)
            .sum();
        let total = sums[sums.len() - 1] - avoided_weight;
        let mut target = ctx.draw.uniform() * total;
        // Steps over the weight of each avoided member that lies before the target.
        for place in avoided {
            let before = sums[*place] - view.members[*place].weight;
            if before <= target {
                target += view.members[*place].weight;
            }
        }
        let mut place = sums
            .partition_point(|sum| *sum <= target)
            .min(view.members.len() - 1);
        // Rounding can end on an avoided member or past the last one: the nearest eligible counts.
        while eligible.avoids(place) {
            place = (place + 1) % view.members.len();
        }
        Some(view.members[place].instance)
    }
}
