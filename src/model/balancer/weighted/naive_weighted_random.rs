use std::sync::Arc;

use super::classes::{Rounding, WeightClasses};
use super::draw;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;

/// A mistake that is copied from textbook to textbook, as a warning: a weight is drawn in
/// proportion, and then the first candidate with that weight is looked up.
///
/// So of several candidates of equal weight the first in order of path takes the share of all, and
/// the others starve. Cost per pick: O(log n).
#[derive(Debug, Default)]
pub struct NaiveWeightedRandom {
    view: Option<Arc<ViewSnapshot>>,
    tables: Option<(Arc<[f64]>, Arc<WeightClasses>)>,
}

impl Balancer for NaiveWeightedRandom {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.tables = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let (sums, classes) = self.tables.get_or_insert_with(|| {
            let sums = ctx.tables.weight_sums(view);
            (sums, ctx.tables.weighted.classes(view, Rounding::Parts))
        });
        let drawn = draw::cumulative(&eligible, sums, &mut ctx.draw);
        let (class, _) = classes.position(drawn);
        let mut equals = classes.members(class).iter().map(|place| *place as usize);
        let first = equals.find(|place| !eligible.avoids(*place));
        Some(view.members[first.unwrap_or(drawn)].instance)
    }
}
