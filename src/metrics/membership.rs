//! What a change of candidates moves between instances, and what of it is needless.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::data::fault::{Inheritor, KeyMove};
use super::data::membership::{MembershipChange, MembershipHistory};
use super::ring::{moved_ratio_ideal, placement_of, servers};
use crate::hash::placement::moves;
use crate::hash::ring::Move;
use crate::id::{EdgeId, InstanceId};
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Changes that are told.
const CHANGE_COUNT_MAX: usize = 100;

/// Points or slots of all placements that are built to tell them.
const TABLE_SIZE_MAX: usize = 1 << 23;

/// Moves from one instance to another that are told.
const KEY_MOVE_COUNT_MAX: usize = 4_096;

/// Inheritors that are named.
const INHERITOR_COUNT_MAX: usize = 10;

/// The lists of candidates that one calling side had, one after the other.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The first one, and those after the first changes.
    views: Vec<(SimTime, Arc<ViewSnapshot>)>,
    last_content: Option<u64>,
    change_count: u64,
}

impl History {
    /// The calling side balances over other candidates.
    pub fn add(&mut self, at: SimTime, view: &Arc<ViewSnapshot>) {
        let is_first = self.last_content.is_none();
        if self.last_content.replace(view.content_id) == Some(view.content_id) {
            return;
        }
        self.change_count += u64::from(!is_first);
        if self.views.len() <= CHANGE_COUNT_MAX {
            self.views.push((at, Arc::clone(view)));
        }
    }

    /// What the changes moved; None where there was none.
    pub fn told(&self, edge: EdgeId, scenario: &Scenario) -> Option<MembershipHistory> {
        if self.change_count == 0 {
            return None;
        }
        let mut before = placement_of(edge, &self.views[0].1, scenario);
        let mut size = before.table_size();
        let mut changes = Vec::new();
        for pair in self.views.windows(2) {
            let ((_, old), (at, new)) = (&pair[0], &pair[1]);
            if TABLE_SIZE_MAX < size {
                break;
            }
            let after = before.changed(servers(new, scenario));
            size += after.table_size();
            let has_not = |view: &ViewSnapshot, instance| view.position(instance).is_none();
            let joined = new.members.iter().filter(|m| has_not(old, m.instance));
            let left = old.members.iter().filter(|m| has_not(new, m.instance));
            let moves = moves(&before, &after);
            let is_one_empty = before.is_empty() != after.is_empty();
            let moved_ratio = moves.iter().fold(0.0, |sum, one| sum + one.ratio);
            changes.push(MembershipChange {
                at_secs: at.as_secs_f64(),
                joined_count: joined.count() as u64,
                left_count: left.count() as u64,
                member_count: new.members.len() as u64,
                moved_key_ratio: if is_one_empty { 1.0 } else { moved_ratio },
                moved_key_ratio_ideal: moved_ratio_ideal(old, new),
                needless_move_ratio: needless_ratio(&moves, old, new),
            });
            before = after;
        }
        Some(MembershipHistory {
            edge: scenario.edges[edge.index()].path.clone(),
            change_count: self.change_count,
            changes,
        })
    }
}

/// The share that moved from who stayed, with no less weight, to who was there before and has no
/// more weight.
pub fn needless_ratio(moves: &[Move], before: &ViewSnapshot, after: &ViewSnapshot) -> f64 {
    let needless = moves.iter().filter(|m| is_needless(m, before, after));
    // An empty sum would be minus zero.
    needless.fold(0.0, |sum, one| sum + one.ratio)
}

fn is_needless(one: &Move, before: &ViewSnapshot, after: &ViewSnapshot) -> bool {
    let weight = |view: &ViewSnapshot, instance| {
        let place = view.position(InstanceId(instance));
        place.map_or(0.0, |place| view.members[place].weight)
    };
    let has_lost = weight(after, one.from) < weight(before, one.from);
    let has_gained = weight(before, one.to) < weight(after, one.to);
    !has_lost && !has_gained
}

/// The largest moves, most first; equal ones by who had the keys, then by who has them.
pub fn key_moves(
    mut moves: Vec<Move>,
    before: &ViewSnapshot,
    after: &ViewSnapshot,
) -> Vec<KeyMove> {
    moves.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let told = moves.iter().take(KEY_MOVE_COUNT_MAX).map(|one| KeyMove {
        from: one.from,
        to: one.to,
        ratio: one.ratio,
        is_needless: is_needless(one, before, after),
    });
    told.collect()
}

/// What each instance got from others, most first; equal ones by their number.
pub fn inherited(moves: &[Move]) -> Vec<(InstanceId, f64)> {
    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for one in moves {
        *sums.entry(one.to).or_default() += one.ratio;
    }
    let mut list: Vec<(InstanceId, f64)> = sums
        .into_iter()
        .map(|(owner, ratio)| (InstanceId(owner), ratio))
        .collect();
    list.sort_by(|a, b| b.1.total_cmp(&a.1));
    list
}

/// Those that got most.
pub fn inheritors(inherited: &[(InstanceId, f64)], scenario: &Scenario) -> Vec<Inheritor> {
    let named = |(instance, ratio): &(InstanceId, f64)| Inheritor {
        name: scenario.topology.instance_name(*instance),
        inherited_ratio: *ratio,
    };
    let first = inherited.iter().take(INHERITOR_COUNT_MAX);
    first.map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::facts::view;

    const MOVES: [Move; 3] = [
        Move {
            from: 0,
            to: 1,
            ratio: 0.25,
        },
        Move {
            from: 0,
            to: 2,
            ratio: 0.125,
        },
        Move {
            from: 1,
            to: 2,
            ratio: 0.5,
        },
    ];

    #[test]
    fn what_the_weights_did_not_ask_for_is_needless() {
        let all = view(1, &[(0, 1.0), (1, 1.0), (2, 1.0)]);
        let needless = |after: &ViewSnapshot| needless_ratio(&MOVES, &all, after);
        assert_eq!(needless(&all), 0.875);
        // The first one left: what it had must go somewhere.
        assert_eq!(needless(&view(2, &[(1, 1.0), (2, 1.0)])), 0.5);
        // Less weight is as good a reason, and more weight of who gets it is one, too.
        assert_eq!(needless(&view(3, &[(0, 0.5), (1, 1.0), (2, 1.0)])), 0.5);
        assert_eq!(needless(&view(4, &[(0, 1.0), (1, 1.0), (2, 3.0)])), 0.25);
        let joins = needless_ratio(&MOVES, &view(5, &[(0, 1.0), (1, 1.0)]), &all);
        assert_eq!(joins, 0.25);
    }

    #[test]
    fn who_inherits_most_comes_first() {
        let list = inherited(&MOVES);
        assert_eq!(list, [(InstanceId(2), 0.625), (InstanceId(1), 0.25)]);
    }
}
