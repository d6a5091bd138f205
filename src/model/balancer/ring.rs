use std::sync::Arc;

use super::{Balancer, PickContext};
use crate::hash::ring::Ring;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;

/// Picks the owner of the request's key on a hash ring with virtual nodes.
///
/// Source: Karger et al., STOC 1997; virtual nodes after Dynamo (SOSP 2007). An instance of weight
/// `w` has `w x virtual_node_count` points, rounded, at least one. A retry walks on clockwise to
/// the next instance that was not tried. Callers with equal candidates share one ring, built at
/// the first pick. Cost per pick: O(1).
#[derive(Debug)]
pub struct RingBalancer {
    rule: RingRule,
    view: Option<Arc<ViewSnapshot>>,
    ring: Option<Arc<Ring>>,
}

impl RingBalancer {
    /// A ring by this rule.
    pub fn new(rule: RingRule) -> Self {
        RingBalancer {
            rule,
            view: None,
            ring: None,
        }
    }
}

impl Balancer for RingBalancer {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.ring = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        if view.members.is_empty() {
            return None;
        }
        let ring = self
            .ring
            .get_or_insert_with(|| ctx.tables.ring(view, self.rule));
        let hash = self.rule.key_hash(ctx.key);
        let first = InstanceId(ring.owner(hash));
        if ctx.tried.is_empty() {
            return Some(first);
        }
        let untried = ring
            .walk(hash)
            .map(InstanceId)
            .find(|i| !ctx.tried.contains(i));
        Some(untried.unwrap_or(first))
    }
}
