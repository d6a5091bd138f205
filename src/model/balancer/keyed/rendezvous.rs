use std::sync::Arc;

use super::{avoided, is_untried};
use crate::hash::rendezvous::{highest, score, weighted_score};
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, PickContext};
use crate::model::view::ViewSnapshot;

/// Picks the candidate with the highest score for the key.
///
/// Source: Thaler & Ravishankar, IEEE/ACM ToN 6 (1998); the score is xxHash64 of the key's eight
/// bytes, seeded with the hash of the instance's path. With unequal weights it is `-w / ln u`, so
/// that shares of keys are exactly in proportion. Nothing moves needlessly: a candidate takes or
/// gives its own keys only, evenly from or to all others. Ties go to the first in order of path. A
/// retry takes the next highest score. Cost per pick: O(n).
#[derive(Debug, Default)]
pub struct Rendezvous {
    view: Option<Arc<ViewSnapshot>>,
    /// Whether the weights differ, once it was needed.
    is_weighted: Option<bool>,
}

impl Balancer for Rendezvous {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.is_weighted = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let differ = || {
            view.members
                .windows(2)
                .any(|two| two[0].weight != two[1].weight)
        };
        let is_weighted = *self.is_weighted.get_or_insert_with(differ);
        let tried = avoided(view, ctx.tried);
        let members = view.members.iter();
        let usable = members.filter(|m| tried.is_empty() || is_untried(m.instance, tried));
        let (key, tables) = (ctx.key, &*ctx.tables);
        let scored = usable.map(|m| (m, score(key, tables.name(m.instance))));
        if is_weighted {
            highest(scored.map(|(m, score)| (m.instance, weighted_score(score, m.weight))))
        } else {
            highest(scored.map(|(m, score)| (m.instance, score)))
        }
    }
}
