use std::sync::Arc;

use super::{Held, avoided, is_untried};
use crate::hash::KeyText;
use crate::hash::nginx_hash::{TRY_COUNT_MAX, owners};
use crate::hash::whole_weights::WholeWeights;
use crate::id::InstanceId;
use crate::model::balancer::smooth_weighted_round_robin::SmoothWeightedRoundRobin;
use crate::model::balancer::{AttemptEnd, Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks by fifteen bits of the CRC-32 of the key, modulo the sum of the weights.
///
/// Source: nginx 1.22 (`ngx_http_upstream_hash_module`), `hash` without `consistent`. Weights are
/// rounded to whole ones. A candidate that leaves the list moves nearly all keys (33 to 65 % of all
/// needlessly in the recording). A retry hashes the key anew with the number of the try, and after
/// 20 tries takes smooth weighted round robin. Cost per pick: O(log n).
#[derive(Debug, Default)]
pub struct NginxHash {
    held: Held<WholeWeights>,
    fallback: SmoothWeightedRoundRobin,
}

impl Balancer for NginxHash {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.held.on_view(view);
        self.fallback.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let (view, weights) = self.held.get(ctx.tables, |t, view| t.whole_weights(view))?;
        let tried = avoided(view, ctx.tried);
        let text = KeyText::new(ctx.key);
        let found = first_of_tries(owners(weights, text.bytes()), TRY_COUNT_MAX, tried);
        found.or_else(|| self.fallback.pick(ctx))
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        self.fallback.on_outcome(end);
    }
}

/// The first of the owners that was not tried, unless more than `try_count_max` tries fail before.
/// The first time that a tried one comes up is not such a try: an earlier attempt of the call ended
/// there, and this one goes on from it.
pub(super) fn first_of_tries(
    owners: impl Iterator<Item = u32>,
    try_count_max: u32,
    tried: &[InstanceId],
) -> Option<InstanceId> {
    let mut seen: Vec<InstanceId> = Vec::new();
    let mut failed_count = 0;
    for instance in owners.map(InstanceId) {
        if is_untried(instance, tried) {
            return Some(instance);
        }
        if !seen.contains(&instance) {
            seen.push(instance);
            continue;
        }
        failed_count += 1;
        if try_count_max < failed_count {
            return None;
        }
    }
    unreachable!("tries do not end")
}
