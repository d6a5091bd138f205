//! A table of records that come and go, addressed by slot.

use std::ops::{Index, IndexMut};

/// Records in slots. A freed slot is used again, the one freed last first.
///
/// A slot is a place and never an identity: a removed record's slot may hold another one.
#[derive(Debug)]
pub struct Slab<T> {
    records: Vec<T>,
    free: Vec<u32>,
    /// One bit per slot.
    occupied: Vec<u64>,
}

impl<T: Copy> Default for Slab<T> {
    fn default() -> Self {
        Slab::new()
    }
}

impl<T: Copy> Slab<T> {
    /// An empty table.
    pub fn new() -> Self {
        Slab {
            records: Vec::new(),
            free: Vec::new(),
            occupied: Vec::new(),
        }
    }

    /// Stores `record` and returns its slot.
    ///
    /// # Panics
    ///
    /// If 2^32 records are stored.
    #[inline(always)]
    pub fn insert(&mut self, record: T) -> u32 {
        // The record is written field by field into its slot: no call may ask for its address.
        let slot = match self.free.pop() {
            Some(slot) => {
                self.records[slot as usize] = record;
                slot
            }
            None => {
                let slot = self.next_new_slot();
                self.records.push(record);
                slot
            }
        };
        let (word, bit) = place(slot);
        self.occupied[word] |= bit;
        slot
    }

    /// The slot that a push will have, with room for it.
    #[cold]
    #[inline(never)]
    fn next_new_slot(&mut self) -> u32 {
        let slot = u32::try_from(self.records.len()).expect("fewer than 2^32 records");
        self.records.reserve(1);
        if self.occupied.len() == place(slot).0 {
            self.occupied.push(0);
        }
        slot
    }

    /// Takes out the record in `slot`.
    ///
    /// # Panics
    ///
    /// If the slot is free.
    #[inline]
    pub fn remove(&mut self, slot: u32) -> T {
        assert!(self.contains(slot), "slot {slot} is free");
        let (word, bit) = place(slot);
        self.occupied[word] &= !bit;
        self.free.push(slot);
        self.records[slot as usize]
    }

    /// Whether `slot` holds a record.
    #[inline]
    pub fn contains(&self, slot: u32) -> bool {
        let (word, bit) = place(slot);
        self.occupied.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// The record in `slot`, if there is one.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&T> {
        self.contains(slot).then(|| &self.records[slot as usize])
    }

    /// The record in `slot`, or the one that was there last.
    ///
    /// # Panics
    ///
    /// If there never was one.
    #[inline]
    pub fn get_latest(&self, slot: u32) -> &T {
        &self.records[slot as usize]
    }

    /// Records stored.
    pub fn len(&self) -> usize {
        self.records.len() - self.free.len()
    }

    /// Whether no record is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The stored records with their slots, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..)
            .zip(&self.records)
            .filter(|(slot, _)| self.contains(*slot))
    }

    /// Bytes of memory that the table holds, spare capacity included.
    pub fn bytes(&self) -> usize {
        self.records.capacity() * size_of::<T>()
            + self.free.capacity() * size_of::<u32>()
            + self.occupied.capacity() * size_of::<u64>()
    }
}

impl<T: Copy> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: u32) -> &T {
        debug_assert!(self.contains(slot), "slot {slot} is free");
        &self.records[slot as usize]
    }
}

impl<T: Copy> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        debug_assert!(self.contains(slot), "slot {slot} is free");
        &mut self.records[slot as usize]
    }
}

/// The word and the bit that tell whether `slot` is occupied.
#[inline]
fn place(slot: u32) -> (usize, u64) {
    ((slot / u64::BITS) as usize, 1 << (slot % u64::BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A slab is a map whose keys it chooses itself.
        #[test]
        fn a_slab_behaves_like_a_map(steps in prop::collection::vec(any::<(bool, u16)>(), 0..400)) {
            let mut slab = Slab::new();
            let mut map = BTreeMap::new();
            for (inserts, value) in steps {
                if inserts || map.is_empty() {
                    let slot = slab.insert(value);
                    prop_assert_eq!(map.insert(slot, value), None);
                } else {
                    let nth = usize::from(value) % map.len();
                    let slot = *map.keys().nth(nth).unwrap();
                    prop_assert_eq!(slab.remove(slot), map.remove(&slot).unwrap());
                    prop_assert!(!slab.contains(slot));
                    prop_assert_eq!(slab.get(slot), None);
                }
                prop_assert_eq!(slab.len(), map.len());
                prop_assert!(slab.iter().eq(map.iter().map(|(slot, value)| (*slot, value))));
            }
        }
    }

    #[test]
    fn slots_are_used_again() {
        let mut slab = Slab::new();
        let slots: Vec<u32> = (0..100).map(|record| slab.insert(record)).collect();
        assert_eq!(slots, (0..100).collect::<Vec<_>>());
        slab.remove(7);
        slab.remove(70);
        assert_eq!(slab.insert(1_000), 70);
        assert_eq!(slab.insert(1_001), 7);
        assert_eq!(slab.insert(1_002), 100);
        slab[7] += 1;
        assert_eq!(slab[7], 1_002);
    }

    #[test]
    #[should_panic(expected = "slot 0 is free")]
    fn removing_twice_is_a_bug() {
        let mut slab = Slab::new();
        let slot = slab.insert(0);
        slab.remove(slot);
        slab.remove(slot);
    }
}
