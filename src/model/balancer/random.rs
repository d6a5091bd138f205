use std::sync::Arc;

use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// Picks uniformly among the candidates, independently of everything before.
///
/// Source: textbook. Weights are ignored, but for 0, which drains. Cost per pick: O(1).
#[derive(Debug, Default)]
pub struct Random {
    view: Option<Arc<ViewSnapshot>>,
}

impl Balancer for Random {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
    }

    #[inline]
    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        Some(eligible.member(ctx.draw.below(eligible.count())).instance)
    }
}
