//! Attempts in flight from one calling side.

use crate::id::InstanceId;

/// Entries of the smallest table.
const ENTRY_COUNT_MIN: usize = 8;

/// Counts by instance; only instances with something in flight take memory.
///
/// It is a hash table with open addressing (linear probing, Knuth, TAOCP 6.4, algorithms L and R)
/// that is at most half full. Nothing depends on the order of its entries.
#[derive(Debug, Default)]
pub struct InFlight {
    /// A power of two of them; none before the first attempt.
    entries: Vec<Entry>,
    /// Instances with something in flight.
    busy_count: usize,
    /// All of them together.
    total: u64,
    /// Bits of a hash that are not part of its place.
    shift: u32,
}

/// An instance with attempts in flight, or a free place: then the count is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    instance: InstanceId,
    count: u32,
}

impl InFlight {
    /// Attempts in flight to `instance`.
    #[inline]
    pub fn count(&self, instance: InstanceId) -> u32 {
        if self.entries.is_empty() {
            return 0;
        }
        self.entries[self.place(instance)].count
    }

    /// Attempts in flight to all instances together.
    #[inline]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The instances with something in flight, ascending.
    pub fn busy(&self) -> Vec<InstanceId> {
        let busy = self.entries.iter().filter(|entry| 0 < entry.count);
        let mut busy: Vec<InstanceId> = busy.map(|entry| entry.instance).collect();
        busy.sort_unstable();
        busy
    }

    /// An attempt was sent.
    #[inline(always)]
    pub fn add(&mut self, instance: InstanceId) {
        if self.entries.len() <= 2 * self.busy_count {
            self.grow();
        }
        let place = self.place(instance);
        let entry = &mut self.entries[place];
        entry.instance = instance;
        entry.count += 1;
        self.total += 1;
        self.busy_count += usize::from(entry.count == 1);
    }

    /// An attempt ended.
    ///
    /// # Panics
    ///
    /// If none was in flight.
    #[inline]
    pub fn remove(&mut self, instance: InstanceId) {
        assert!(
            0 < self.busy_count,
            "an attempt ends only after it was sent"
        );
        let place = self.place(instance);
        let entry = &mut self.entries[place];
        assert!(0 < entry.count, "an attempt ends only after it was sent");
        entry.count -= 1;
        self.total -= 1;
        if entry.count == 0 {
            self.busy_count -= 1;
            self.close_gap(place);
        }
    }

    /// The entry of `instance`, or the free one where it belongs.
    #[inline]
    fn place(&self, instance: InstanceId) -> usize {
        let mask = self.entries.len() - 1;
        let mut place = self.home(instance);
        while self.entries[place].count != 0 && self.entries[place].instance != instance {
            place = (place + 1) & mask;
        }
        place
    }

    /// Where the search for an instance begins.
    #[inline]
    fn home(&self, instance: InstanceId) -> usize {
        // 2^32 over the golden ratio (Fibonacci hashing).
        (instance.0.wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }

    /// Moves entries behind a place that was freed, so that searches still find them.
    #[inline]
    fn close_gap(&mut self, mut gap: usize) {
        let mask = self.entries.len() - 1;
        let mut place = (gap + 1) & mask;
        while self.entries[place].count != 0 {
            let home = self.home(self.entries[place].instance);
            let distance_from = |from: usize| place.wrapping_sub(from) & mask;
            if distance_from(gap) <= distance_from(home) {
                self.entries.swap(gap, place);
                gap = place;
            }
            place = (place + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let entry_count = (2 * self.entries.len()).max(ENTRY_COUNT_MIN);
        let entries = std::mem::replace(&mut self.entries, vec![Entry::default(); entry_count]);
        self.shift = u32::BITS - entry_count.ilog2();
        for entry in entries.into_iter().filter(|entry| 0 < entry.count) {
            let place = self.place(entry.instance);
            self.entries[place] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_map(
            steps in prop::collection::vec((0u32..40, any::<bool>()), 0..400),
        ) {
            let mut in_flight = InFlight::default();
            let mut map = BTreeMap::<InstanceId, u32>::new();
            for (index, is_sent) in steps {
                // Neighbours and far ones, so that searches collide.
                let instance = InstanceId(index / 8 + (index % 8) * 0x2000_0000);
                if is_sent {
                    in_flight.add(instance);
                    *map.entry(instance).or_default() += 1;
                } else if let Some(count) = map.get_mut(&instance) {
                    in_flight.remove(instance);
                    *count -= 1;
                    if *count == 0 {
                        map.remove(&instance);
                    }
                }
                for index in 0..40 {
                    let instance = InstanceId(index / 8 + (index % 8) * 0x2000_0000);
                    let expected = map.get(&instance).copied().unwrap_or(0);
                    prop_assert_eq!(in_flight.count(instance), expected);
                }
            }
            let total = map.values().map(|count| u64::from(*count)).sum::<u64>();
            prop_assert_eq!(in_flight.total(), total);
            prop_assert_eq!(in_flight.busy(), map.into_keys().collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "only after it was sent")]
    fn what_was_never_sent_cannot_end() {
        InFlight::default().remove(InstanceId(3));
    }
}
