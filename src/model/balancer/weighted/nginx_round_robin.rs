use std::sync::Arc;

use super::classes::Rounding;
use super::effective::is_failure;
use super::smooth_view::SmoothView;
use crate::id::InstanceId;
use crate::model::balancer::{AttemptEnd, Balancer, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::NginxFailures;

/// The default method of nginx: smooth weighted round robin with weights that fall on failure.
///
/// Source: nginx 1.22, `ngx_http_upstream_round_robin.c`. As [`super::smooth::Smooth`]; a failure
/// takes `weight / max_fails`, rounded down, from the weight, and each pick that the candidate
/// takes part in gives 1 back. Ties go to the first in order of path. A tried candidate takes no
/// part. Cost per pick: O(distinct weights + candidates whose weight has fallen + log n).
#[derive(Debug)]
pub struct NginxRoundRobin {
    failures: NginxFailures,
    turns: SmoothView,
}

impl NginxRoundRobin {
    /// With all weights in full.
    pub fn new(failures: NginxFailures) -> Self {
        NginxRoundRobin {
            failures,
            turns: SmoothView::new(Rounding::Whole),
        }
    }
}

impl Balancer for NginxRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.turns.on_view(view);
    }

    #[inline]
    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.turns.pick(ctx)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        if is_failure(end, self.failures) {
            self.turns.on_failure(end.instance, self.failures.max_fails);
        }
    }
}
