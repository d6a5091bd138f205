//! Lists of instances, shared by everybody who holds equal ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::id::{InstanceId, ServiceId};
use crate::model::view::{Member, ViewSnapshot};
use crate::rng::mix;

/// What changed from one list to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ViewDiff {
    /// Members of the first and not of the second, ascending.
    pub removed: Vec<InstanceId>,
    /// Members of the second and not of the first, ascending.
    pub added: Vec<InstanceId>,
}

/// The lists that are in use.
#[derive(Debug, Default)]
pub struct Views {
    by_hash: BTreeMap<u64, Vec<Weak<ViewSnapshot>>>,
    made_count: u64,
    /// The last change that was asked for: callers ask for the same one, one after the other.
    last_diff: Option<((u64, u64), Arc<ViewDiff>)>,
}

impl Views {
    /// The list with these members; the one in use if there is an equal one.
    pub fn intern(&mut self, service: ServiceId, members: Vec<Member>) -> Arc<ViewSnapshot> {
        let hash = content_hash(service, &members);
        let in_use = self
            .by_hash
            .get(&hash)
            .into_iter()
            .flatten()
            .filter_map(Weak::upgrade);
        for view in in_use {
            if view.service == service && view.members == members {
                return view;
            }
        }
        self.made_count += 1;
        if self.made_count.is_power_of_two() || self.made_count.is_multiple_of(1 << 12) {
            self.by_hash.retain(|_, views| {
                views.retain(|view| view.strong_count() > 0);
                !views.is_empty()
            });
        }
        let view = Arc::new(ViewSnapshot {
            service,
            content_id: self.made_count,
            members,
        });
        self.by_hash
            .entry(hash)
            .or_default()
            .push(Arc::downgrade(&view));
        view
    }

    /// `view` without these instances, which are ascending.
    pub fn without(
        &mut self,
        view: &Arc<ViewSnapshot>,
        excluded: &[InstanceId],
    ) -> Arc<ViewSnapshot> {
        if excluded
            .iter()
            .all(|instance| view.position(*instance).is_none())
        {
            return Arc::clone(view);
        }
        let is_left = |member: &&Member| excluded.binary_search(&member.instance).is_err();
        let members = view.members.iter().filter(is_left).copied().collect();
        self.intern(view.service, members)
    }

    /// What changes from `before` to `after`.
    pub fn diff(&mut self, before: &ViewSnapshot, after: &ViewSnapshot) -> Arc<ViewDiff> {
        let key = (before.content_id, after.content_id);
        match &self.last_diff {
            Some((last_key, diff)) if *last_key == key => Arc::clone(diff),
            _ => {
                let missing = |from: &ViewSnapshot, to: &ViewSnapshot| {
                    let is_missing = |i: &InstanceId| to.position(*i).is_none();
                    from.members
                        .iter()
                        .map(|m| m.instance)
                        .filter(is_missing)
                        .collect()
                };
                let diff = ViewDiff {
                    removed: missing(before, after),
                    added: missing(after, before),
                };
                let diff = Arc::new(diff);
                self.last_diff = Some((key, Arc::clone(&diff)));
                diff
            }
        }
    }
}

fn content_hash(service: ServiceId, members: &[Member]) -> u64 {
    members.iter().fold(u64::from(service.0), |hash, member| {
        mix(mix(hash ^ u64::from(member.instance.0)) ^ member.weight.to_bits())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ZoneId;

    fn members(instances: &[u32]) -> Vec<Member> {
        instances
            .iter()
            .map(|i| Member {
                instance: InstanceId(*i),
                zone: ZoneId(0),
                weight: 1.0,
            })
            .collect()
    }

    #[test]
    fn equal_lists_are_one_list() {
        let mut views = Views::default();
        let all = views.intern(ServiceId(0), members(&[1, 2, 3]));
        let two = views.without(&all, &[InstanceId(2)]);
        assert!(Arc::ptr_eq(
            &two,
            &views.intern(ServiceId(0), members(&[1, 3]))
        ));
        assert!(Arc::ptr_eq(&all, &views.without(&all, &[InstanceId(9)])));
        assert!(!Arc::ptr_eq(
            &all,
            &views.intern(ServiceId(1), members(&[1, 2, 3]))
        ));
    }

    #[test]
    fn a_diff_names_what_left_and_what_came() {
        let mut views = Views::default();
        let before = views.intern(ServiceId(0), members(&[1, 2, 3]));
        let after = views.intern(ServiceId(0), members(&[2, 3, 5]));
        let diff = views.diff(&before, &after);
        assert_eq!(diff.removed, [InstanceId(1)]);
        assert_eq!(diff.added, [InstanceId(5)]);
    }
}
