//! Multi-probe consistent hashing (Appleton & O'Reilly, arXiv:1505.00062, 2015) as in go-mpchash:
//! one point for each server, several for the key, and the shortest way clockwise counts. Its
//! probes are evenly spaced and so not independent: with 10 servers shares differ by some 6 % from
//! those of the theory.

use super::function::siphash24;
use super::ring::Ring;

/// The number of probes for which the paper gives a peak of 1.05.
pub const PROBE_COUNT: u32 = 21;

/// The point of a server: SipHash-2-4 of its name with seed 0.
pub fn point(name: &str) -> u64 {
    siphash24(name.as_bytes(), 0, 0)
}

/// The probes of a key: `h1 + i h2`, SipHash-2-4 of its text with seeds 1 and 2.
#[inline]
pub fn probes(text: &[u8], probe_count: u32) -> impl Iterator<Item = u64> {
    let (first, step) = (first_probe(text), siphash24(text, 2, 0));
    (0..u64::from(probe_count)).map(move |index| first.wrapping_add(index.wrapping_mul(step)))
}

/// The first probe of a key.
#[inline]
pub fn first_probe(text: &[u8]) -> u64 {
    siphash24(text, 1, 0)
}

/// The owner, among those that `is_usable`, whose point is the closest after one of the probes; the
/// first of equally close ones. None if none is usable.
pub fn owner(
    ring: &Ring,
    probes: impl Iterator<Item = u64>,
    is_usable: impl Fn(u32) -> bool,
) -> Option<u32> {
    let mut closest: Option<(u64, u32)> = None;
    for probe in probes {
        let from = ring.place(probe);
        let found = ring.placed_from(from).find(|(_, owner)| is_usable(*owner));
        let (point, owner) = found?;
        let distance = point.wrapping_sub(probe);
        if closest.is_none_or(|(least, _)| distance < least) {
            closest = Some((distance, owner));
        }
    }
    closest.map(|(_, owner)| owner)
}
