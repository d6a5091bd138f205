//! Since when a caller knows of its candidates.

use std::collections::BTreeMap;

use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::time::SimTime;

/// When candidates joined, as a caller notices it: at its first pick with them. Those of the first
/// list were there before.
#[derive(Debug, Default)]
pub struct FirstSeen {
    has_began: bool,
    /// The first pick.
    began_at: Option<SimTime>,
    /// Those that joined since the last pick.
    joined: Vec<InstanceId>,
    since: BTreeMap<InstanceId, SimTime>,
}

impl FirstSeen {
    /// Takes over a new list of candidates.
    pub fn on_view(&mut self, old: Option<&ViewSnapshot>, view: &ViewSnapshot) {
        let is_member = |instance: &InstanceId| view.position(*instance).is_some();
        self.joined.retain(is_member);
        self.since.retain(|instance, _| is_member(instance));
        if self.has_began {
            let is_new =
                |instance: &InstanceId| old.is_none_or(|old| old.position(*instance).is_none());
            let members = view.members.iter().map(|member| member.instance);
            self.joined.extend(members.filter(is_new));
        }
        self.has_began |= !view.members.is_empty();
    }

    /// A pick at `now`.
    #[inline]
    pub fn on_pick(&mut self, now: SimTime) {
        self.began_at.get_or_insert(now);
        for instance in self.joined.drain(..) {
            self.since.insert(instance, now);
        }
    }

    /// Whether nobody has joined.
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// When a candidate joined; None if it was there before.
    #[inline]
    pub fn joined_at(&self, instance: InstanceId) -> Option<SimTime> {
        self.since.get(&instance).copied()
    }

    /// When a candidate joined, or when the first pick was.
    pub fn seen_at(&self, instance: InstanceId) -> Option<SimTime> {
        self.joined_at(instance).or(self.began_at)
    }
}
