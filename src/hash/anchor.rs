//! AnchorHash (Mendelson, Vargaftik, Barabash, Lorenz, Keslassy & Orda, IEEE/ACM ToN 29, 2021).

use super::function::xxh64;

/// The buckets of a hash of a fixed capacity, of which some work. The last one removed is the first
/// one that comes back. It takes 16 bytes for each bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// How many worked just after the bucket was removed; 0 while it works.
    removed_at: Vec<u32>,
    /// The bucket that took its place.
    successors: Vec<u32>,
    /// The working buckets in the first `working_count` places.
    working: Vec<u32>,
    /// Where each bucket is in `working`.
    places: Vec<u32>,
    /// Removed buckets, the last one at the end.
    removed: Vec<u32>,
}

impl Anchor {
    /// Buckets 0 to `working_count` work, of `capacity`.
    ///
    /// # Panics
    ///
    /// If `working_count` is larger, or there is no capacity.
    pub fn new(capacity: u32, working_count: u32) -> Self {
        assert!(0 < capacity && working_count <= capacity);
        let all: Vec<u32> = (0..capacity).collect();
        let mut anchor = Anchor {
            removed_at: vec![0; capacity as usize],
            successors: all.clone(),
            working: all.clone(),
            places: all,
            removed: Vec::new(),
        };
        for bucket in (working_count..capacity).rev() {
            anchor.remove(bucket);
        }
        anchor
    }

    /// How many buckets there may be.
    pub fn capacity(&self) -> u32 {
        self.removed_at.len() as u32
    }

    /// How many work.
    pub fn working_count(&self) -> u32 {
        self.capacity() - self.removed.len() as u32
    }

    /// Brings back the bucket that was removed last. None if all work.
    pub fn add(&mut self) -> Option<u32> {
        let count = self.working_count() as usize;
        let bucket = self.removed.pop()?;
        let at = bucket as usize;
        self.removed_at[at] = 0;
        self.places[self.working[count] as usize] = count as u32;
        self.working[self.places[at] as usize] = bucket;
        self.successors[at] = bucket;
        Some(bucket)
    }

    /// A bucket works no more.
    ///
    /// # Panics
    ///
    /// If it does not work.
    pub fn remove(&mut self, bucket: u32) {
        let at = bucket as usize;
        assert_eq!(self.removed_at[at], 0, "only a working bucket is removed");
        self.removed.push(bucket);
        let count = self.working_count();
        self.removed_at[at] = count;
        let last = self.working[count as usize];
        self.working[self.places[at] as usize] = last;
        self.successors[at] = last;
        self.places[last as usize] = self.places[at];
    }

    /// The bucket of `key`.
    ///
    /// # Panics
    ///
    /// If none works.
    #[inline]
    pub fn bucket(&self, key: u64) -> u32 {
        self.trail(key).last().expect("a trail has an end")
    }

    /// The buckets where `key` belonged, up to the one where it belongs now: the hash of the key,
    /// seeded with the bucket before, modulo what worked just after that one was removed.
    ///
    /// # Panics
    ///
    /// If none works.
    pub fn trail(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        assert!(
            0 < self.working_count(),
            "a key belongs to a bucket that works"
        );
        let bytes = key.to_le_bytes();
        let first = (xxh64(&bytes, u64::MAX) % u64::from(self.capacity())) as u32;
        std::iter::successors(Some(first), move |bucket| {
            let removed_at = self.removed_at[*bucket as usize];
            if removed_at == 0 {
                return None;
            }
            let mut next = (xxh64(&bytes, u64::from(*bucket)) % u64::from(removed_at)) as u32;
            while removed_at <= self.removed_at[next as usize] {
                next = self.successors[next as usize];
            }
            Some(next)
        })
    }
}

/// Servers in the buckets of an AnchorHash. Which bucket a server has depends on the order in which
/// servers came and left, as in every implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    anchor: Anchor,
    /// The owner in each bucket; those of removed buckets mean nothing.
    owners: Vec<u32>,
    /// Owners with their buckets, ascending.
    buckets: Vec<(u32, u32)>,
}

impl Anchored {
    /// The first servers, ascending. Without a `capacity` that is large enough it is twice their
    /// number, and at least 16.
    ///
    /// # Panics
    ///
    /// If there are no servers.
    pub fn new(owners: &[u32], capacity: Option<u32>) -> Self {
        let count = u32::try_from(owners.len()).expect("servers fit in 32 bits");
        let stated = capacity.filter(|capacity| count <= *capacity);
        let capacity = stated.unwrap_or((2 * count).max(16));
        let mut in_buckets = owners.to_vec();
        in_buckets.resize(capacity as usize, u32::MAX);
        Anchored {
            anchor: Anchor::new(capacity, count),
            owners: in_buckets,
            buckets: owners.iter().copied().zip(0..).collect(),
        }
    }

    /// After a change of the servers to `owners`, which ascend: those that left go first, in order,
    /// then those that came take the free buckets. When there are too many of them, or none of the
    /// old ones stays, everything begins anew, as `new` does.
    ///
    /// # Panics
    ///
    /// If there are no servers.
    pub fn changed(&self, owners: &[u32]) -> Self {
        let stays = |owner: &u32| owners.binary_search(owner).is_ok();
        let count = owners.len();
        let is_kept = self.buckets.iter().any(|(owner, _)| stays(owner));
        if !is_kept || self.owners.len() < count {
            return Anchored::new(owners, Some(self.anchor.capacity()));
        }
        let mut next = self.clone();
        for (_, bucket) in self.buckets.iter().filter(|(owner, _)| !stays(owner)) {
            next.anchor.remove(*bucket);
        }
        next.buckets.retain(|(owner, _)| stays(owner));
        let is_new = |owner: &&u32| self.bucket_of(**owner).is_none();
        for owner in owners.iter().filter(is_new) {
            let bucket = next.anchor.add().expect("the capacity suffices");
            next.owners[bucket as usize] = *owner;
            next.buckets.push((*owner, bucket));
        }
        next.buckets.sort_unstable();
        next
    }

    fn bucket_of(&self, owner: u32) -> Option<u32> {
        let place = self
            .buckets
            .binary_search_by_key(&owner, |(owner, _)| *owner);
        place.ok().map(|place| self.buckets[place].1)
    }

    /// The owner of `key`.
    #[inline]
    pub fn owner(&self, key: u64) -> u32 {
        self.owners[self.anchor.bucket(key) as usize]
    }
}
