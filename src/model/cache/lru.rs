//! A cache by key that forgets what was used longest ago.

use std::collections::BTreeMap;

use crate::engine::Slab;
use crate::model::request::NIL;
use crate::time::SimTime;

/// What a cache knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// An entry that is fresh.
    Fresh,
    /// An entry past its life that may still answer.
    Stale,
    /// Nothing that may answer.
    Absent,
}

/// Keys with the end of their lives, in order of use.
///
/// An entry that has expired is dropped when it is looked for, or when it makes room. Cost per
/// operation: O(log of the entries).
#[derive(Debug)]
pub struct Lru {
    capacity: u32,
    /// Slot of each key.
    slots: BTreeMap<u32, u32>,
    entries: Slab<Entry>,
    /// The entry used last; NIL if there is none.
    newest: u32,
    /// The entry used longest ago.
    oldest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u32,
    fresh_until: SimTime,
    stale_until: SimTime,
    newer: u32,
    older: u32,
}

impl Lru {
    /// An empty cache.
    ///
    /// # Panics
    ///
    /// If `capacity` is zero.
    pub fn new(capacity: u32) -> Self {
        assert!(0 < capacity, "a cache holds at least one key");
        Lru {
            capacity,
            slots: BTreeMap::new(),
            entries: Slab::new(),
            newest: NIL,
            oldest: NIL,
        }
    }

    /// Looks a key up and makes what may answer the entry used last. An entry is fresh before
    /// `fresh_until` and stale before `stale_until`.
    pub fn look_up(&mut self, key: u32, now: SimTime) -> Lookup {
        let Some(&slot) = self.slots.get(&key) else {
            return Lookup::Absent;
        };
        let entry = self.entries[slot];
        if entry.stale_until <= now {
            self.remove(slot);
            return Lookup::Absent;
        }
        self.unlink(slot);
        self.link_newest(slot);
        if now < entry.fresh_until {
            Lookup::Fresh
        } else {
            Lookup::Stale
        }
    }

    /// Puts a key in, as the entry used last, and drops the one used longest ago where there is no
    /// room.
    pub fn put(&mut self, key: u32, fresh_until: SimTime, stale_until: SimTime) {
        if let Some(&slot) = self.slots.get(&key) {
            self.remove(slot);
        } else if self.slots.len() == self.capacity as usize {
            self.remove(self.oldest);
        }
        let slot = self.entries.insert(Entry {
            key,
            fresh_until,
            stale_until: stale_until.max(fresh_until),
            newer: NIL,
            older: NIL,
        });
        self.slots.insert(key, slot);
        self.link_newest(slot);
    }

    /// Entries, expired ones that were not looked for included.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    fn remove(&mut self, slot: u32) {
        self.unlink(slot);
        let entry = self.entries.remove(slot);
        self.slots.remove(&entry.key);
    }

    fn unlink(&mut self, slot: u32) {
        let Entry { newer, older, .. } = self.entries[slot];
        match newer {
            NIL => self.newest = older,
            newer => self.entries[newer].older = older,
        }
        match older {
            NIL => self.oldest = newer,
            older => self.entries[older].newer = newer,
        }
    }

    fn link_newest(&mut self, slot: u32) {
        let older = std::mem::replace(&mut self.newest, slot);
        self.entries[slot].newer = NIL;
        self.entries[slot].older = older;
        match older {
            NIL => self.oldest = slot,
            older => self.entries[older].newer = slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ns: u64) -> SimTime {
        SimTime::from_ns(ns)
    }

    #[test]
    fn the_key_used_longest_ago_makes_room() {
        let mut cache = Lru::new(2);
        cache.put(1, at(100), at(100));
        cache.put(2, at(100), at(100));
        assert_eq!(cache.look_up(1, at(1)), Lookup::Fresh);
        cache.put(3, at(100), at(100));
        assert_eq!(cache.look_up(2, at(2)), Lookup::Absent);
        assert_eq!(cache.look_up(1, at(2)), Lookup::Fresh);
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn an_entry_is_fresh_then_stale_then_gone() {
        let mut cache = Lru::new(2);
        cache.put(1, at(10), at(15));
        for (now, expected) in [
            (9, Lookup::Fresh),
            (10, Lookup::Stale),
            (14, Lookup::Stale),
            (15, Lookup::Absent),
            (9, Lookup::Absent),
        ] {
            assert_eq!(cache.look_up(1, at(now)), expected, "at {now}");
        }
        assert_eq!(cache.len(), 0);
    }

    proptest! {
        /// The cache equals a list of keys in order of use.
        #[test]
        fn a_cache_is_a_list_in_order_of_use(
            capacity in 1u32..5,
            steps in prop::collection::vec((any::<bool>(), 0u32..8), 0..200),
        ) {
            let mut cache = Lru::new(capacity);
            let mut list: Vec<u32> = Vec::new();
            for (puts, key) in steps {
                let place = list.iter().position(|k| *k == key);
                if let Some(place) = place {
                    list.remove(place);
                }
                if puts {
                    list.truncate(capacity as usize - 1);
                    cache.put(key, at(1), at(1));
                    list.insert(0, key);
                } else {
                    let expected = if place.is_some() { Lookup::Fresh } else { Lookup::Absent };
                    prop_assert_eq!(cache.look_up(key, at(0)), expected);
                    if place.is_some() {
                        list.insert(0, key);
                    }
                }
                prop_assert_eq!(cache.len(), list.len());
            }
        }
    }
}
