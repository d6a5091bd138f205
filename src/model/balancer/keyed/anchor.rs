use std::sync::Arc;

use super::rehashed;
use crate::id::InstanceId;
use crate::model::balancer::tables::AnchorTable;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks by AnchorHash over buckets that candidates take and leave.
///
/// Source: Mendelson et al., IEEE/ACM ToN 29 (2021); hashes are xxHash64 of the key's eight bytes,
/// seeded with the bucket. Equal shares; nothing moves needlessly, whoever comes or goes, while the
/// candidates fit in the capacity. Which bucket a candidate has depends on the order in which they
/// came and left, so calling sides that saw it differently disagree. Without a stated capacity it
/// is twice the first candidates, at least 16; when it is exceeded, all begins anew and keys move.
/// A retry hashes the key anew, up to 20 times. Weights are ignored, but for 0, which drains. Cost
/// per pick: O(1 + ln(capacity / n)).
#[derive(Debug)]
pub struct AnchorHash {
    capacity: Option<u32>,
    view: Option<Arc<ViewSnapshot>>,
    table: Option<Arc<AnchorTable>>,
    /// Whether `table` is that of an older view.
    is_stale: bool,
}

impl AnchorHash {
    /// With room for `capacity` candidates.
    pub fn new(capacity: Option<u32>) -> Self {
        AnchorHash {
            capacity,
            view: None,
            table: None,
            is_stale: true,
        }
    }

    fn refresh(&mut self, ctx: &mut PickContext<'_>) {
        if let Some(view) = self.view.as_ref().filter(|view| !view.members.is_empty()) {
            let before = self.table.as_deref();
            self.table = Some(ctx.tables.anchors(before, view, self.capacity));
            self.is_stale = false;
        }
    }
}

impl Balancer for AnchorHash {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.is_stale = true;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        if self.is_stale {
            self.refresh(ctx);
        }
        let view = self.view.as_ref().filter(|view| !view.members.is_empty())?;
        let servers = &self.table.as_ref()?.servers;
        Some(rehashed(view, ctx, |key| InstanceId(servers.owner(key))))
    }
}
