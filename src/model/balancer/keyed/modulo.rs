use std::sync::Arc;

use super::{avoided, is_untried, next_untried};
use crate::hash::key_hash;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the candidate whose place, in order of path, is the hash of the key modulo their number.
///
/// Source: textbook; the hash is xxHash64 of the key's eight bytes. A change from `n` to `n + 1`
/// candidates moves `n / (n + 1)` of the keys. A retry takes the next candidate in order that was
/// not tried. Weights are ignored, but for 0, which drains. Cost per pick: O(1).
#[derive(Debug, Default)]
pub struct Modulo {
    view: Option<Arc<ViewSnapshot>>,
}

impl Balancer for Modulo {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref().filter(|view| !view.members.is_empty())?;
        let place = key_hash(ctx.key, 0) % view.members.len() as u64;
        let instance = view.members[place as usize].instance;
        let tried = avoided(view, ctx.tried);
        if is_untried(instance, tried) {
            return Some(instance);
        }
        Some(next_untried(view, instance, tried))
    }
}
