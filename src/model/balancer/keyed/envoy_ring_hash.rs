use std::sync::Arc;

use super::{RingWalk, WeightSum, envoy};
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::keyed::EnvoyHashConfig;

/// Picks the owner of the key on the ring of Envoy.
///
/// Source: Envoy 1.39 (`ring_hash_lb.cc`, `thread_aware_lb_impl.cc`), with xxHash64. The ring is
/// the smallest of a stated size on which the candidate of the least weight has a whole number of
/// points. So the number of points of all changes with the candidates, and keys move needlessly: 10
/// to 11 % of all with 3 candidates and the default sizes. Of equal points the first in order of
/// path owns the arc. A retry looks at the next point, `host_selection_retry_max_attempts` times,
/// and then stays with what it found, which may have been tried. Cost per pick: O(1), O(n) when a
/// host is overloaded.
#[derive(Debug)]
pub struct EnvoyRingHash {
    ring: RingWalk,
    config: EnvoyHashConfig,
    weight_sum: WeightSum,
}

impl EnvoyRingHash {
    /// `sizes` are the least and the most points of a ring.
    pub fn new(sizes: (u64, u64), config: EnvoyHashConfig) -> Self {
        EnvoyRingHash {
            ring: RingWalk::new(RingRule::Envoy {
                point_count_min: sizes.0,
                point_count_max: sizes.1,
            }),
            config,
            weight_sum: WeightSum::default(),
        }
    }
}

impl Balancer for EnvoyRingHash {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.ring.on_view(view);
        self.weight_sum = WeightSum::default();
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.ring.held.view.as_ref()?;
        let weight_sum = self.weight_sum.get(ctx.tables, view);
        let hash = self.ring.rule.key_hash(ctx.key);
        let (view, ring, place) = self.ring.find(ctx)?;
        let host = |attempt: u32| {
            let shifted = (place + attempt as usize) % ring.point_count();
            InstanceId(ring.owner_at(shifted))
        };
        Some(envoy::choose(
            self.config,
            view,
            ctx,
            weight_sum,
            hash,
            host,
        ))
    }
}
