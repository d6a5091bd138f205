use std::sync::Arc;

use super::pick_among;
use crate::id::InstanceId;
use crate::model::balancer::weighted::dubbo_weight::weight_at;
use crate::model::balancer::weighted::first_seen::FirstSeen;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::DubboWeight;

/// `leastactive` of Dubbo: the fewest requests in flight from this caller; ties at random by
/// weight.
///
/// Source: Dubbo 3.2, `LeastActiveLoadBalance`. Weights count among ties only. Dubbo counts what is
/// in flight only where `actives` is set; without it all tie, and this is weighted random. A tried
/// provider is left out. Cost per pick: O(n), as in Dubbo.
#[derive(Debug)]
pub struct DubboLeastActive {
    weight: DubboWeight,
    has_actives: bool,
    seen: FirstSeen,
    view: Option<Arc<ViewSnapshot>>,
}

impl DubboLeastActive {
    /// Counts what is in flight, or does not.
    pub fn new(weight: DubboWeight, has_actives: bool) -> Self {
        DubboLeastActive {
            weight,
            has_actives,
            seen: FirstSeen::default(),
            view: None,
        }
    }
}

impl Balancer for DubboLeastActive {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        self.seen.on_view(old.as_deref(), view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        self.seen.on_pick(ctx.now);
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let active = |place: usize| match self.has_actives {
            true => u64::from(ctx.in_flight.count(view.members[place].instance)),
            false => 0,
        };
        let weight =
            |place: usize| weight_at(self.weight, &view.members[place], &self.seen, ctx.now);
        let place = pick_among(&eligible, &mut ctx.draw, active, weight);
        Some(view.members[place].instance)
    }
}
