//! Which nodes are there, and which have been there since some instant: only they can have noticed
//! a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::id::{GroupId, NodeId};
use crate::scenario::Scenario;
use crate::time::SimTime;

/// All nodes of one run.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// Nodes that are down or absent.
    away: BTreeSet<u32>,
    /// When nodes came back that had been away.
    returned: BTreeMap<u32, SimTime>,
}

impl Presence {
    /// Every node is there but the spare instances.
    pub fn new(scenario: &Scenario) -> Self {
        let groups = scenario.groups.iter().enumerate();
        let spares = groups.flat_map(|(index, group)| {
            let instances = scenario
                .topology
                .group_instances(GroupId::from_index(index));
            instances.skip(group.count as usize)
        });
        Presence {
            away: spares.collect(),
            returned: BTreeMap::new(),
        }
    }

    /// A node is there from now on, or no longer is. Returns whether that is news.
    pub fn set(&mut self, at: SimTime, node: NodeId, is_there: bool) -> bool {
        if !is_there {
            return self.away.insert(node.0);
        }
        let is_back = self.away.remove(&node.0);
        if is_back {
            self.returned.insert(node.0, at);
        }
        is_back
    }

    /// Whether a node is there and was at `since`, and has not been away in between.
    pub fn has_stayed(&self, node: NodeId, since: SimTime) -> bool {
        let returned_at = self.returned.get(&node.0);
        !self.away.contains(&node.0) && returned_at.is_none_or(|at| *at <= since)
    }

    /// How many of these nodes are there.
    pub fn count(&self, nodes: &Range<u32>) -> u64 {
        u64::from(nodes.end - nodes.start) - self.away.range(nodes.clone()).count() as u64
    }

    /// How many of these nodes are there and have been since some instant.
    pub fn stayed_count(&self, nodes: &Range<u32>, since: SimTime) -> u64 {
        let is_late = |(node, at): &(&u32, &SimTime)| since < **at && !self.away.contains(node);
        let returned = self.returned.range(nodes.clone());
        self.count(nodes) - returned.filter(is_late).count() as u64
    }

    /// Those of these nodes that were away up to an instant, which is the present.
    pub fn away_until(&self, nodes: Range<u32>, now: SimTime) -> impl Iterator<Item = NodeId> {
        let away = self.away.range(nodes.clone()).copied();
        let returned = self.returned.range(nodes);
        let returned = returned.filter(move |(node, at)| **at == now && !self.away.contains(node));
        away.chain(returned.map(|(node, _)| *node)).map(NodeId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_has_not_stayed() {
        let at = |secs: u64| SimTime::from_ns(secs * 1_000_000_000);
        let mut presence = Presence::default();
        assert!(presence.set(at(1), NodeId(2), false));
        assert!(!presence.set(at(2), NodeId(2), false));
        assert_eq!((presence.count(&(0..4)), presence.count(&(0..2))), (3, 2));
        assert!(!presence.has_stayed(NodeId(2), at(0)));
        assert!(presence.set(at(3), NodeId(2), true));
        assert!(!presence.set(at(4), NodeId(2), true));
        assert!(!presence.has_stayed(NodeId(2), at(2)));
        assert!(presence.has_stayed(NodeId(2), at(3)));
        assert_eq!(presence.stayed_count(&(0..4), at(2)), 3);
        assert_eq!(presence.stayed_count(&(0..4), at(3)), 4);
        presence.set(at(5), NodeId(2), false);
        assert_eq!(presence.stayed_count(&(0..4), at(0)), 3);
        let away = |secs| presence.away_until(0..4, at(secs)).collect::<Vec<_>>();
        assert_eq!(away(6), [NodeId(2)]);
        presence.set(at(7), NodeId(2), true);
        assert_eq!(presence.away_until(0..4, at(7)).count(), 1);
        assert_eq!(presence.away_until(0..4, at(8)).count(), 0);
    }
}
