//! Attempts in flight from one calling side.

use std::ops::Range;

use crate::id::InstanceId;
use crate::scenario::load::limits::PLACED_COUNT_MAX;

/// Entries of the smallest table.
const ENTRY_COUNT_MIN: usize = 8;

/// Counts by instance.
#[derive(Debug, Default)]
pub struct InFlight {
    counts: Counts,
    /// All of them together.
    total: u64,
}

#[derive(Debug)]
enum Counts {
    /// Of few instances, by place from the first one; none before the first attempt.
    Placed {
        first: u32,
        instance_count: u32,
        counts: Box<[u32]>,
    },
    /// Of any instances.
    Listed(Box<Table>),
}

/// Counts of which only instances with something in flight take memory.
///
/// It is a hash table with open addressing (linear probing, Knuth, TAOCP 6.4, algorithms L and R)
/// that is at most half full. Nothing depends on the order of its entries.
#[derive(Debug, Default)]
struct Table {
    /// A power of two of them; none before the first attempt.
    entries: Vec<Entry>,
    /// Instances with something in flight.
    busy_count: usize,
    /// Bits of a hash that are not part of its place.
    shift: u32,
}

/// An instance with attempts in flight, or a free place: then the count is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    instance: InstanceId,
    count: u32,
}

// What an attempt needs of its calling side shares a line of the processor's cache with it.
const _: () = assert!(size_of::<InFlight>() == 32);

impl Default for Counts {
    fn default() -> Self {
        Counts::Listed(Box::default())
    }
}

impl InFlight {
    /// Nothing in flight to any of `instances`, and never to another one.
    pub fn to(instances: Range<u32>) -> Self {
        let instance_count = instances.end - instances.start;
        let counts = match instance_count <= PLACED_COUNT_MAX {
            true => Counts::Placed {
                first: instances.start,
                instance_count,
                counts: Box::default(),
            },
            false => Counts::default(),
        };
        InFlight { counts, total: 0 }
    }

    /// Attempts in flight to `instance`.
    #[inline]
    pub fn count(&self, instance: InstanceId) -> u32 {
        match &self.counts {
            Counts::Placed { first, counts, .. } => {
                let place = instance.0.wrapping_sub(*first) as usize;
                counts.get(place).copied().unwrap_or(0)
            }
            Counts::Listed(table) => table.count(instance),
        }
    }

    /// Attempts in flight to all instances together.
    #[inline]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The process starts again: where nothing is in flight, nothing ever was.
    pub fn start_anew(&mut self) {
        if 0 < self.total {
            return;
        }
        match &mut self.counts {
            Counts::Placed { counts, .. } => *counts = Box::default(),
            Counts::Listed(table) => **table = Table::default(),
        }
    }

    /// Whether anything was ever in flight: that is when counts get their memory.
    pub fn was_used(&self) -> bool {
        match &self.counts {
            Counts::Placed { counts, .. } => !counts.is_empty(),
            Counts::Listed(table) => !table.entries.is_empty(),
        }
    }

    /// The instances with something in flight, ascending.
    pub fn busy(&self) -> Vec<InstanceId> {
        match &self.counts {
            Counts::Placed { first, counts, .. } => {
                let placed = (*first..).zip(counts);
                let busy = placed.filter(|(_, count)| 0 < **count);
                busy.map(|(instance, _)| InstanceId(instance)).collect()
            }
            Counts::Listed(table) => table.busy(),
        }
    }

    /// An attempt was sent.
    #[inline(always)]
    pub fn add(&mut self, instance: InstanceId) {
        self.total += 1;
        match &mut self.counts {
            Counts::Placed {
                first,
                instance_count,
                counts,
            } => {
                if counts.is_empty() {
                    *counts = vec![0; *instance_count as usize].into_boxed_slice();
                }
                counts[(instance.0 - *first) as usize] += 1;
            }
            Counts::Listed(table) => table.add(instance),
        }
    }

    /// An attempt ended.
    ///
    /// # Panics
    ///
    /// If none was in flight.
    #[inline]
    pub fn remove(&mut self, instance: InstanceId) {
        let is_there = match &mut self.counts {
            Counts::Placed { first, counts, .. } => {
                let place = instance.0.wrapping_sub(*first) as usize;
                counts.get_mut(place).is_some_and(take_one)
            }
            Counts::Listed(table) => table.remove(instance),
        };
        assert!(is_there, "an attempt ends only after it was sent");
        self.total -= 1;
    }
}

/// Counts one less. Returns whether there was one.
#[inline]
fn take_one(count: &mut u32) -> bool {
    let is_there = 0 < *count;
    *count -= u32::from(is_there);
    is_there
}

impl Table {
    #[inline]
    fn count(&self, instance: InstanceId) -> u32 {
        if self.entries.is_empty() {
            return 0;
        }
        self.entries[self.place(instance)].count
    }

    fn busy(&self) -> Vec<InstanceId> {
        let busy = self.entries.iter().filter(|entry| 0 < entry.count);
        let mut busy: Vec<InstanceId> = busy.map(|entry| entry.instance).collect();
        busy.sort_unstable();
        busy
    }

    #[inline(never)]
    fn add(&mut self, instance: InstanceId) {
        if self.entries.len() <= 2 * self.busy_count {
            self.grow();
        }
        let place = self.place(instance);
        let entry = &mut self.entries[place];
        entry.instance = instance;
        entry.count += 1;
        self.busy_count += usize::from(entry.count == 1);
    }

    /// Returns whether there was one.
    #[inline(never)]
    fn remove(&mut self, instance: InstanceId) -> bool {
        if self.busy_count == 0 {
            return false;
        }
        let place = self.place(instance);
        let count = &mut self.entries[place].count;
        let is_there = take_one(count);
        if is_there && *count == 0 {
            self.busy_count -= 1;
            self.close_gap(place);
        }
        is_there
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

    const INSTANCE_COUNT: u32 = 40;

    /// Neighbours and far ones, so that searches collide.
    fn far(index: u32) -> InstanceId {
        InstanceId(index / 8 + (index % 8) * 0x2000_0000)
    }

    /// Sends and ends attempts as `steps` say, and compares all counts after each step.
    fn compare(
        mut in_flight: InFlight,
        instance_of: fn(u32) -> InstanceId,
        steps: &[(u32, bool)],
    ) -> Result<(), TestCaseError> {
        let mut map = BTreeMap::<InstanceId, u32>::new();
        for &(index, is_sent) in steps {
            let instance = instance_of(index);
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
            for instance in (0..INSTANCE_COUNT).map(instance_of) {
                let expected = map.get(&instance).copied().unwrap_or(0);
                prop_assert_eq!(in_flight.count(instance), expected);
            }
        }
        let was_used = steps.iter().any(|(_, is_added)| *is_added);
        prop_assert_eq!(in_flight.was_used(), was_used);
        let total = map.values().map(|count| u64::from(*count)).sum::<u64>();
        prop_assert_eq!(in_flight.total(), total);
        in_flight.start_anew();
        prop_assert_eq!(in_flight.was_used(), 0 < total);
        prop_assert_eq!(in_flight.busy(), map.into_keys().collect::<Vec<_>>());
        Ok(())
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_map(
            steps in prop::collection::vec((0..INSTANCE_COUNT, any::<bool>()), 0..400),
        ) {
            compare(InFlight::default(), far, &steps)?;
            let instances = 7..7 + INSTANCE_COUNT;
            compare(InFlight::to(instances), |index| InstanceId(7 + index), &steps)?;
        }
    }

    #[test]
    #[should_panic(expected = "only after it was sent")]
    fn what_was_never_sent_cannot_end() {
        InFlight::default().remove(InstanceId(3));
    }

    #[test]
    #[should_panic(expected = "only after it was sent")]
    fn nor_can_it_where_each_has_a_place() {
        let mut in_flight = InFlight::to(0..4);
        in_flight.add(InstanceId(2));
        in_flight.remove(InstanceId(3));
    }
}
