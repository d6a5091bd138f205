use std::sync::Arc;

use super::nginx_hash::first_of_tries;
use super::{Held, avoided};
use crate::hash::nginx_ip_hash::{TRY_COUNT_MAX, owners};
use crate::hash::whole_weights::WholeWeights;
use crate::id::InstanceId;
use crate::model::balancer::smooth_weighted_round_robin::SmoothWeightedRoundRobin;
use crate::model::balancer::{AttemptEnd, Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks by the first three bytes of the client's address, which is the key: its lower 32 bits are
/// an IPv4 address. So 256 neighbouring keys, a /24 network, have the same instance.
///
/// Source: nginx 1.22 (`ngx_http_upstream_ip_hash_module`). Weights are rounded to whole ones. A
/// candidate that leaves the list moves nearly all keys. A retry hashes on, and after 20 tries
/// takes smooth weighted round robin. Cost per pick: O(log n).
#[derive(Debug, Default)]
pub struct NginxIpHash {
    held: Held<WholeWeights>,
    fallback: SmoothWeightedRoundRobin,
}

impl Balancer for NginxIpHash {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.held.on_view(view);
        self.fallback.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let (view, weights) = self.held.get(ctx.tables, |t, view| t.whole_weights(view))?;
        let tried = avoided(view, ctx.tried);
        let address = (ctx.key as u32).to_be_bytes();
        let found = first_of_tries(owners(weights, address), TRY_COUNT_MAX, tried);
        found.or_else(|| self.fallback.pick(ctx))
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        self.fallback.on_outcome(end);
    }
}
