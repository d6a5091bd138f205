//! Envoy's merge window: changes of health that follow one another reach the picks together.

use std::collections::BTreeSet;

use super::health::Change;
use crate::id::InstanceId;
use crate::time::{SimDuration, SimTime};

/// Which instances are ejected, and which of them the picks know to be.
///
/// Source: Envoy `cluster_manager_impl.cc` (`scheduleUpdate`), `update_merge_window`: a change
/// reaches the picks at once if the last update is longer ago than the window; otherwise a timer
/// of one window starts, and what has changed by then goes with it.
#[derive(Debug)]
pub struct MergeWindow {
    length: SimDuration,
    ejected: BTreeSet<InstanceId>,
    seen: BTreeSet<InstanceId>,
    updated_at: Option<SimTime>,
    due_at: Option<SimTime>,
}

impl MergeWindow {
    /// Nothing is ejected.
    pub fn new(length: SimDuration) -> Self {
        MergeWindow {
            length,
            ejected: BTreeSet::new(),
            seen: BTreeSet::new(),
            updated_at: None,
            due_at: None,
        }
    }

    /// Takes over a list: instances that left it are not ejected. The list goes at once, with
    /// whatever waited.
    pub fn on_view(&mut self, now: SimTime, is_listed: impl Fn(InstanceId) -> bool) -> Vec<Change> {
        self.ejected.retain(|instance| is_listed(*instance));
        self.seen.retain(|instance| is_listed(*instance));
        let mut changes = Vec::new();
        if self.due_at.is_some() {
            self.update(now, &mut changes);
        }
        changes
    }

    /// When an update is due.
    pub fn due_at(&self) -> Option<SimTime> {
        self.due_at
    }

    /// How many are ejected.
    pub fn ejected_count(&self) -> usize {
        self.ejected.len()
    }

    /// Whether picks know any to be ejected.
    pub fn has_seen(&self) -> bool {
        !self.seen.is_empty()
    }

    /// Whether picks know it to be ejected.
    pub fn is_seen(&self, instance: InstanceId) -> bool {
        self.seen.contains(&instance)
    }

    /// Updates what the picks know, if it is due.
    pub fn advance(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        if let Some(at) = self.due_at.filter(|at| *at <= now) {
            self.update(at, changes);
        }
    }

    /// An instance is ejected, or is no longer.
    pub fn note(&mut self, now: SimTime, change: Change, changes: &mut Vec<Change>) {
        self.advance(now, changes);
        match change.is_ejected {
            true => self.ejected.insert(change.instance),
            false => self.ejected.remove(&change.instance),
        };
        let is_apart = |updated_at: SimTime| self.length < now.since(updated_at);
        if self.length.is_zero() || self.updated_at.is_none_or(is_apart) {
            self.update(now, changes);
        } else {
            self.due_at.get_or_insert(now + self.length);
        }
    }

    fn update(&mut self, at: SimTime, changes: &mut Vec<Change>) {
        self.updated_at = Some(at);
        self.due_at = None;
        for instance in self.ejected.symmetric_difference(&self.seen) {
            changes.push(Change {
                instance: *instance,
                is_ejected: self.ejected.contains(instance),
            });
        }
        self.seen.clone_from(&self.ejected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_soon_after_another_waits_for_the_window() {
        let at = |ms| SimTime::START + SimDuration::from_ms(ms);
        let change = |is_ejected| Change {
            instance: InstanceId(1),
            is_ejected,
        };
        let mut merge = MergeWindow::new(SimDuration::from_secs(1));
        let mut changes = Vec::new();
        merge.note(at(5_000), change(true), &mut changes);
        assert!(merge.is_seen(InstanceId(1)));
        merge.note(at(5_900), change(false), &mut changes);
        merge.advance(at(6_899), &mut changes);
        assert!(merge.is_seen(InstanceId(1)));
        merge.advance(at(6_900), &mut changes);
        assert!(!merge.is_seen(InstanceId(1)));
        assert_eq!(changes, [change(true), change(false)]);
    }
}
