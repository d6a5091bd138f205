use std::sync::Arc;

use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::view::{Member, ViewSnapshot};

/// Picks in proportion to the weights, spread as evenly as can be.
///
/// Source: nginx `ngx_http_upstream_get_peer` (nginx 1.22, weights that do not fall): every
/// eligible candidate's current weight grows by its weight, the largest is picked and falls by the
/// sum. Guarantee: with fixed whole weights of sum `W`, any `W` picks in a row hold each instance
/// exactly by its weight. Ties go to the first in order of path. Tried candidates are stepped over
/// and gain nothing. Current weights survive a change of the candidates; a newcomer starts at 0.
/// Cost per pick: O(n).
#[derive(Debug, Default)]
pub struct SmoothWeightedRoundRobin {
    view: Option<Arc<ViewSnapshot>>,
    /// Current weight of each member of the view; empty before the first pick, when all are 0.
    current: Vec<f64>,
    /// Sum of the weights of all members, once it was needed.
    weight_total: Option<f64>,
}

impl Balancer for SmoothWeightedRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.weight_total = None;
        if let Some(old) = self.view.replace(Arc::clone(view))
            && !self.current.is_empty()
        {
            self.current = carried_over(&old.members, &self.current, &view.members);
        }
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        if self.current.is_empty() {
            self.current.resize(view.members.len(), 0.0);
        }
        let (best, total) = if eligible.avoided.is_empty() {
            let sum = || view.members.iter().map(|member| member.weight).sum();
            let total = *self.weight_total.get_or_insert_with(sum);
            (raise_all(&mut self.current, &view.members), total)
        } else {
            raise_eligible(&mut self.current, &eligible)
        };
        self.current[best] -= total;
        Some(view.members[best].instance)
    }
}

/// The current weights of `members`, of whom those of `old` had `current`; both are ascending.
fn carried_over(old: &[Member], current: &[f64], members: &[Member]) -> Vec<f64> {
    let mut olds = old.iter().zip(current).peekable();
    let weight_of = |member: &Member| {
        while olds
            .next_if(|(old, _)| old.instance < member.instance)
            .is_some()
        {}
        let kept = olds.next_if(|(old, _)| old.instance == member.instance);
        kept.map_or(0.0, |(_, current)| *current)
    };
    members.iter().map(weight_of).collect()
}

/// Every current weight grows by its weight. Returns the place of the first of the largest. Chunks
/// that hold no larger one than those before are passed over without a search.
fn raise_all(current: &mut [f64], members: &[Member]) -> usize {
    const CHUNK: usize = 32;
    let (mut best, mut largest) = (0, f64::NEG_INFINITY);
    let chunks = current.chunks_mut(CHUNK).zip(members.chunks(CHUNK));
    for (first, (current, members)) in (0..).step_by(CHUNK).zip(chunks) {
        let mut has_larger = false;
        for (current, member) in current.iter_mut().zip(members) {
            *current += member.weight;
            has_larger |= *current > largest;
        }
        if has_larger {
            for (place, current) in (first..).zip(current.iter()) {
                if *current > largest {
                    (best, largest) = (place, *current);
                }
            }
        }
    }
    best
}

/// The current weights of eligible members grow. Returns the place of the first of the largest,
/// and the sum of the weights.
fn raise_eligible(current: &mut [f64], eligible: &Eligible<'_>) -> (usize, f64) {
    let mut total = 0.0;
    let mut best: Option<usize> = None;
    for (place, member) in eligible.members.iter().enumerate() {
        if eligible.avoids(place) {
            continue;
        }
        current[place] += member.weight;
        total += member.weight;
        if best.is_none_or(|best| current[place] > current[best]) {
            best = Some(place);
        }
    }
    (best.expect("there is an eligible candidate"), total)
}
