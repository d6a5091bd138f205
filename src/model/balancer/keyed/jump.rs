use std::sync::Arc;

use super::rehashed;
use crate::hash::{jump, key_hash};
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks by jump consistent hash over the candidates in order of path.
///
/// Source: Lamping & Veach, arXiv:1406.2294 (2014); the key is xxHash64 of its eight bytes. Equal
/// shares within 1e-8. A candidate that comes or goes at the end moves its own keys only; anywhere
/// else it renumbers those behind it, whose keys move. A retry hashes the key anew, up to 20 times.
/// Weights are ignored, but for 0, which drains. Cost per pick: O(log n), without a table.
#[derive(Debug, Default)]
pub struct Jump {
    view: Option<Arc<ViewSnapshot>>,
}

impl Balancer for Jump {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref().filter(|view| !view.members.is_empty())?;
        let count = u32::try_from(view.members.len()).expect("instances fit in 32 bits");
        let owner = |key| view.members[jump::bucket(key_hash(key, 0), count) as usize].instance;
        Some(rehashed(view, ctx, owner))
    }
}
