//! The consistent-hash ring (Karger et al. 1997): owners have points on the circle of 64-bit
//! hashes, and a hash belongs to the owner of the first point at or after it, clockwise.

use std::collections::BTreeMap;

use super::function::Function;
use super::point_hash;

/// Number of hashes on the circle.
const CIRCLE: u128 = 1 << 64;

/// An owner to put on a ring whose points are hashes of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingEntry {
    /// Number of the owner, as lookups return it.
    pub owner: u32,
    /// Path hash of the owner: where its points lie depends on this and on nothing else.
    pub name: u64,
    /// How many points it has.
    pub point_count: u32,
}

/// A ring. It takes 12 bytes for a point and 2 to 4 for its index.
///
/// Where points of two owners are equal, which among 16 million points of 64 bits happens once in
/// 100,000 rings, the owner with the lower number comes first and owns the arc before them. So a
/// ring depends on which points it has, not on the order in which they came or went. Points of 32
/// bits are in the upper half, where the index and the arcs are as exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Ascending; `owners` runs in parallel.
    points: Vec<u64>,
    owners: Vec<u32>,
    /// Entry `b` counts the points whose top bits are below `b`.
    starts: Vec<u32>,
    /// How far a hash is shifted down to leave the top bits.
    bucket_shift: u32,
}

/// What one owner takes over from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// The owner before.
    pub from: u32,
    /// The owner after.
    pub to: u32,
    /// Share of all hashes.
    pub ratio: f64,
}

/// Number of points of an instance: `virtual_node_count` for weight 1, in proportion otherwise,
/// rounded to the nearest and at least one.
pub fn point_count(virtual_node_count: u32, weight: f64) -> u32 {
    let count = f64::from(virtual_node_count) * weight + 0.5;
    (count as u32).max(1)
}

/// The points of an owner, by a hash function with `seed`.
pub fn hashed_points(
    entry: RingEntry,
    function: Function,
    seed: u64,
) -> impl Iterator<Item = (u64, u32)> {
    let point = move |index| point_hash(function, entry.name, index, seed);
    (0..entry.point_count).map(move |index| (point(index), entry.owner))
}

impl Ring {
    /// The ring of points with their owners, in any order.
    ///
    /// # Panics
    ///
    /// If there are 2^32 points or more.
    pub fn build(placed: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let mut placed: Vec<(u64, u32)> = placed.into_iter().collect();
        placed.sort_unstable();
        let points = placed.iter().map(|(point, _)| *point).collect();
        let owners = placed.iter().map(|(_, owner)| *owner).collect();
        Ring::indexed(points, owners)
    }

    /// Indexes `points`, which ascend.
    fn indexed(mut points: Vec<u64>, mut owners: Vec<u32>) -> Self {
        points.shrink_to_fit();
        owners.shrink_to_fit();
        assert!(
            u32::try_from(points.len()).is_ok(),
            "a ring holds fewer than 2^32 points"
        );
        assert!(points.is_sorted());
        let bucket_bits = points.len().max(2).ilog2();
        let bucket_shift = 64 - bucket_bits;
        let mut starts = Vec::with_capacity(1 << bucket_bits);
        for (index, point) in points.iter().enumerate() {
            while starts.len() <= (point >> bucket_shift) as usize {
                starts.push(index as u32);
            }
        }
        starts.resize(1 << bucket_bits, points.len() as u32);
        Ring {
            points,
            owners,
            starts,
            bucket_shift,
        }
    }

    /// This ring without the owners in `removed`, which ascend. The other points stay.
    pub fn without(&self, removed: &[u32]) -> Ring {
        assert!(removed.is_sorted());
        let mut points = Vec::new();
        let mut owners = Vec::new();
        for (&point, &owner) in self.points.iter().zip(&self.owners) {
            if removed.binary_search(&owner).is_err() {
                points.push(point);
                owners.push(owner);
            }
        }
        Ring::indexed(points, owners)
    }

    /// This ring with more points, of owners that it does not hold yet, merged in. The other
    /// points stay.
    pub fn with(&self, added: impl IntoIterator<Item = (u64, u32)>) -> Ring {
        let added = Ring::build(added);
        let point_count = self.points.len() + added.points.len();
        let mut points = Vec::with_capacity(point_count);
        let mut owners = Vec::with_capacity(point_count);
        let mut old = self.placed().peekable();
        let mut new = added.placed().peekable();
        while let (Some(a), Some(b)) = (old.peek(), new.peek()) {
            let next = if a <= b { old.next() } else { new.next() };
            let (point, owner) = next.expect("both have a next");
            points.push(point);
            owners.push(owner);
        }
        for (point, owner) in old.chain(new) {
            points.push(point);
            owners.push(owner);
        }
        Ring::indexed(points, owners)
    }

    /// Whether the ring has no points.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Bytes that it takes.
    pub fn byte_count(&self) -> usize {
        let starts = size_of::<u32>() * self.starts.capacity();
        let owners = size_of::<u32>() * self.owners.capacity();
        starts + owners + size_of::<u64>() * self.points.capacity()
    }

    /// Number of points.
    pub fn point_count(&self) -> usize {
        self.points.len()
    }

    /// The owner of `hash`, in constant expected time.
    ///
    /// # Panics
    ///
    /// If the ring is empty.
    #[inline]
    pub fn owner(&self, hash: u64) -> u32 {
        assert!(!self.is_empty(), "an empty ring has no owners");
        self.owners[self.place(hash)]
    }

    /// The owner of the point at `place`.
    #[inline]
    pub fn owner_at(&self, place: usize) -> u32 {
        self.owners[place]
    }

    /// The owners of all points clockwise from `hash`, starting with the owner of `hash`: an
    /// owner appears once for each of its points. For failover, skip those already tried.
    pub fn walk(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.walk_from(self.place(hash))
    }

    /// The owners of all points clockwise from the point at `place`.
    pub fn walk_from(&self, place: usize) -> impl Iterator<Item = u32> + '_ {
        let (before, from) = self.owners.split_at(place);
        from.iter().chain(before).copied()
    }

    /// All points with their owners, clockwise from the point at `place`.
    pub fn placed_from(&self, place: usize) -> impl Iterator<Item = (u64, u32)> + '_ {
        let indices = (place..self.points.len()).chain(0..place);
        indices.map(|index| (self.points[index], self.owners[index]))
    }

    /// The place of the point that is closest to `hash` in either direction; of two that are as
    /// close, the one before. Zero in an empty ring.
    pub fn closest_place(&self, hash: u64) -> usize {
        if self.is_empty() {
            return 0;
        }
        let next = self.place(hash);
        let before = next.checked_sub(1).unwrap_or(self.points.len() - 1);
        let back = hash.wrapping_sub(self.points[before]);
        let ahead = self.points[next].wrapping_sub(hash);
        if back <= ahead { before } else { next }
    }

    /// As `place`, but the last one of equal points.
    pub fn last_place(&self, hash: u64) -> usize {
        let mut place = self.place(hash);
        while place + 1 < self.points.len() && self.points[place + 1] == self.points[place] {
            place += 1;
        }
        place
    }

    /// The ring with the last of equal points only.
    pub fn of_last(&self) -> Ring {
        let next = self.points.iter().skip(1).map(Some).chain([None]);
        let is_last = |(placed, next): ((u64, u32), Option<&u64>)| {
            (next != Some(&placed.0)).then_some(placed)
        };
        Ring::build(self.placed().zip(next).filter_map(is_last))
    }

    /// The ring on which every hash belongs, clockwise, to the owner of the point of this ring that
    /// is closest to it in either direction: its points lie in the middle between those of this
    /// one.
    pub fn of_closest(&self) -> Ring {
        let middle = |(index, (point, owner)): (usize, (u64, u32))| {
            let next = self.points[(index + 1) % self.points.len()];
            (point.wrapping_add(next.wrapping_sub(point) / 2), owner)
        };
        Ring::build(self.placed().enumerate().map(middle))
    }

    /// The share of the circle that each owner has, ascending by owner: exact arcs, rounded once.
    pub fn ownership(&self) -> Vec<(u32, f64)> {
        let owner_count = self
            .owners
            .iter()
            .max()
            .map_or(0, |&owner| owner as usize + 1);
        let mut arcs: Vec<Option<u128>> = vec![None; owner_count];
        let mut last = self.last_point_before_zero();
        for (point, owner) in self.placed() {
            let arc = arcs[owner as usize].get_or_insert(0);
            *arc += arc_length(&mut last, point);
        }
        let present = (0u32..).zip(arcs);
        present
            .filter_map(|(owner, arc)| Some((owner, share(arc?))))
            .collect()
    }

    /// The share of the circle before each point, with its owner, in order of the points.
    pub fn arcs(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        let mut last = self.last_point_before_zero();
        self.placed()
            .map(move |(point, owner)| (owner, share(arc_length(&mut last, point))))
    }

    /// Index of the first point at or after `hash`, clockwise; zero in an empty ring.
    #[inline]
    pub fn place(&self, hash: u64) -> usize {
        let mut index = self.starts[(hash >> self.bucket_shift) as usize] as usize;
        while index < self.points.len() && self.points[index] < hash {
            index += 1;
        }
        if index == self.points.len() { 0 } else { index }
    }

    /// Points with their owners, ascending.
    fn placed(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.points.iter().copied().zip(self.owners.iter().copied())
    }

    /// The last point, one turn back, so that the arc of the first point is what lies between.
    fn last_point_before_zero(&self) -> i128 {
        self.points
            .last()
            .map_or(0, |&point| i128::from(point) - CIRCLE as i128)
    }
}

/// The share of the circle whose owner is not the same in `before` and `after`: exact arcs,
/// rounded once. One when just one of the two is empty.
pub fn moved_ratio(before: &Ring, after: &Ring) -> f64 {
    if before.is_empty() || after.is_empty() {
        return if before.is_empty() == after.is_empty() {
            0.0
        } else {
            1.0
        };
    }
    let mut moved = 0;
    visit_arcs(before, after, |from, to, length| {
        if from != to {
            moved += length;
        }
    });
    share(moved)
}

/// The shares of the circle that go from one owner to another, ascending by both: exact arcs,
/// rounded once. None where one of the two rings is empty.
pub fn moves(before: &Ring, after: &Ring) -> Vec<Move> {
    let mut moved: BTreeMap<(u32, u32), u128> = BTreeMap::new();
    if !before.is_empty() && !after.is_empty() {
        visit_arcs(before, after, |from, to, length| {
            if from != to {
                *moved.entry((from, to)).or_default() += length;
            }
        });
    }
    let move_of = |((from, to), length)| Move {
        from,
        to,
        ratio: share(length),
    };
    moved.into_iter().map(move_of).collect()
}

/// Visits the arcs between the points of both rings, neither empty, with their two owners.
fn visit_arcs(before: &Ring, after: &Ring, mut visit: impl FnMut(u32, u32, u128)) {
    let mut last = before
        .last_point_before_zero()
        .max(after.last_point_before_zero());
    let (mut i, mut j) = (0, 0);
    loop {
        let point = match (before.points.get(i), after.points.get(j)) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&point), None) | (None, Some(&point)) => point,
            (None, None) => return,
        };
        let from = before.owners[i % before.owners.len()];
        let to = after.owners[j % after.owners.len()];
        visit(from, to, arc_length(&mut last, point));
        while before.points.get(i) == Some(&point) {
            i += 1;
        }
        while after.points.get(j) == Some(&point) {
            j += 1;
        }
    }
}

/// The way from `last` to `point`, which becomes `last`.
fn arc_length(last: &mut i128, point: u64) -> u128 {
    let length = (i128::from(point) - *last).unsigned_abs();
    *last = i128::from(point);
    length
}

fn share(arc: u128) -> f64 {
    arc as f64 / CIRCLE as f64
}

#[cfg(test)]
mod tests;
