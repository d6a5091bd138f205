use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// Picks the candidate with the shortest true queue: attempts that it serves or that wait there,
/// whoever sent them, at this very instant.
///
/// No caller of a real system knows that: it is the ideal bound of what balancing by queues can
/// do (join the shortest queue). What is on its way to an instance does not count. Ties are broken
/// uniformly at random. Weights are ignored, but for 0, which drains. Cost per pick:
/// O(candidates).
#[derive(Debug, Default)]
pub struct ShortestQueueGlobal {
    view: Option<Arc<ViewSnapshot>>,
}

impl Balancer for ShortestQueueGlobal {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let eligible = Eligible::new(self.view.as_ref()?, ctx.tried);
        let queues = ctx.true_queues;
        let length = |rank: u32| queues.length(eligible.member(rank).instance);
        let shortest = (0..eligible.count()).map(length).min()?;
        let tied = (0..eligible.count()).filter(|rank| length(*rank) == shortest);
        let tied_count = u32::try_from(tied.clone().count()).expect("instances fit in 32 bits");
        let chosen = ctx.draw.below(tied_count) as usize;
        tied.clone()
            .nth(chosen)
            .map(|rank| eligible.member(rank).instance)
    }
}
