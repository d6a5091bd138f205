//! Smooth weighted round robin over lists of candidates that change.

use std::sync::Arc;

use super::classes::Rounding;
use super::effective;
use super::smooth::{Carried, Smooth};
use crate::id::InstanceId;
use crate::model::balancer::{Eligible, PickContext};
use crate::model::view::{Member, ViewSnapshot};

/// Smooth weighted round robin whose current weights survive a change of the candidates; those
/// that are new begin at 0.
#[derive(Debug)]
pub struct SmoothView {
    rounding: Rounding,
    view: Option<Arc<ViewSnapshot>>,
    smooth: Option<Smooth>,
    /// What members of the view had, ascending, until the next pick.
    carried: Vec<(InstanceId, Carried)>,
}

impl SmoothView {
    /// Without candidates.
    pub fn new(rounding: Rounding) -> Self {
        SmoothView {
            rounding,
            view: None,
            smooth: None,
            carried: Vec::new(),
        }
    }

    /// Takes over a new list of candidates.
    pub fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        if let (Some(old), Some(smooth)) = (old, self.smooth.take()) {
            let carried =
                |(place, member): (usize, &Member)| (member.instance, smooth.carried(place));
            self.carried = old.members.iter().enumerate().map(carried).collect();
        }
        self.carried
            .retain(|(instance, _)| view.position(*instance).is_some());
    }

    /// Picks an eligible candidate.
    #[inline]
    pub fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let smooth = match &mut self.smooth {
            Some(smooth) => smooth,
            none => {
                let classes = ctx.tables.weighted.classes(view, self.rounding);
                let carried = std::mem::take(&mut self.carried);
                none.insert(if carried.is_empty() {
                    Smooth::new(classes)
                } else {
                    Smooth::with_currents(classes, |place| {
                        let member = &view.members[place];
                        let found = carried.binary_search_by_key(&member.instance, |c| c.0);
                        let weight = effective::whole(member.weight);
                        found.ok().map(|at| carried[at].1.with_weight(weight))
                    })
                })
            }
        };
        let place = smooth.pick(&eligible.avoided);
        Some(view.members[place].instance)
    }

    /// A failure of a candidate.
    pub fn on_failure(&mut self, instance: InstanceId, max_fails: u32) {
        let Some(view) = &self.view else { return };
        let Some(place) = view.position(instance) else {
            return;
        };
        let weight = effective::whole(view.members[place].weight);
        if let Some(smooth) = &mut self.smooth {
            smooth.fall(place, weight, max_fails);
        } else if let Ok(at) = self.carried.binary_search_by_key(&instance, |c| c.0) {
            self.carried[at].1.fall(weight, max_fails);
        }
    }
}
