use std::sync::Arc;

use super::Held;
use crate::hash::KeyText;
use crate::hash::function::sdbm;
use crate::hash::slots::SlotRule;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks from a table with an entry for each unit of weight.
///
/// Source: HAProxy 2.6 (`lb_map.c`), `hash-type map-based` with its default function `sdbm`.
/// Weights are rounded to whole ones and divided by their greatest common divisor. Exact shares of
/// the table; a change of the candidates moves nearly everything: 67 to 75 % of the keys with 3
/// candidates, a half to two thirds of that needlessly. A retry goes to the same instance, as in
/// HAProxy until the check finds it down. Cost per pick: O(1).
#[derive(Debug, Default)]
pub struct HaproxyMapBased(Held<Vec<u32>>);

impl Balancer for HaproxyMapBased {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.0.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let of = self
            .0
            .get(ctx.tables, |t, view| t.slots(view, SlotRule::HaproxyMap));
        let (_, slots) = of?;
        let hash = sdbm(KeyText::new(ctx.key).bytes());
        Some(InstanceId(slots[hash as usize % slots.len()]))
    }
}
