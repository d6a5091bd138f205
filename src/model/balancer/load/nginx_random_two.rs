use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::weighted::classes::Rounding;
use crate::model::balancer::weighted::draw;
use crate::model::balancer::weighted::effective::{is_failure, whole};
use crate::model::balancer::weighted::smooth_view::SmoothView;
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::NginxFailures;

/// Draws that may miss before nginx picks by round robin.
const MISS_COUNT_MAX: u32 = 20;

/// `random two least_conn` of nginx: of two distinct draws by weight the one with fewer attempts in
/// flight in proportion to its weight, from this caller.
///
/// Source: nginx 1.22, `ngx_http_upstream_random_module.c`. Ties go to the second, so idle
/// candidates are not picked by weight: weights 3, 2, 1 give 0.35, 0.40, 0.25. After 20 draws that
/// hit the first one again or a tried one, the default method picks; nginx counts these for all
/// tries of a request, here each pick has its own. Cost per pick: O(log n).
#[derive(Debug)]
pub struct NginxRandomTwo {
    failures: NginxFailures,
    view: Option<Arc<ViewSnapshot>>,
    sums: Option<Arc<[f64]>>,
    turns: SmoothView,
}

impl NginxRandomTwo {
    /// With all weights in full.
    pub fn new(failures: NginxFailures) -> Self {
        NginxRandomTwo {
            failures,
            view: None,
            sums: None,
            turns: SmoothView::new(Rounding::Whole),
        }
    }
}

impl Balancer for NginxRandomTwo {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.sums = None;
        self.turns.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        if view.members.len() < 2 {
            return self.turns.pick(ctx);
        }
        let eligible = Eligible::new(view, ctx.tried);
        let everyone = Eligible::new(view, &[]);
        let sums = self
            .sums
            .get_or_insert_with(|| ctx.tables.weight_sums(view));
        let mut first: Option<usize> = None;
        let mut miss_count = 0;
        while miss_count <= MISS_COUNT_MAX {
            let place = draw::cumulative(&everyone, sums, &mut ctx.draw);
            if first == Some(place) || eligible.avoids(place) {
                miss_count += 1;
                continue;
            }
            let Some(other) = first else {
                first = Some(place);
                continue;
            };
            let load = |place: usize| u64::from(ctx.in_flight.count(view.members[place].instance));
            let weight = |place: usize| u64::from(whole(view.members[place].weight));
            let is_busier = load(other) * weight(place) < load(place) * weight(other);
            let picked = if is_busier { other } else { place };
            return Some(view.members[picked].instance);
        }
        self.turns.pick(ctx)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        if is_failure(end, self.failures) {
            self.turns.on_failure(end.instance, self.failures.max_fails);
        }
    }
}
