//! Rendezvous hashing (Thaler & Ravishankar, IEEE/ACM ToN 6, 1998): the server with the highest
//! score for the key. Weights count by the score `-w / ln u` (Schindelhauer & Schomaker, 2005).

use super::function::xxh64;
use crate::rng::math::ln;

/// What a key and a server give: xxHash64 of the key's eight bytes, the lowest first, with the hash
/// of the server's path as the seed.
#[inline]
pub fn score(key: u64, name_hash: u64) -> u64 {
    xxh64(&key.to_le_bytes(), name_hash)
}

/// The score of a server of some weight: shares of keys are exactly in proportion to the weights.
#[inline]
pub fn weighted_score(score: u64, weight: f64) -> f64 {
    // In the middle of 2^53 equal parts of (0, 1).
    let uniform = ((score >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64);
    -weight / ln(uniform)
}

/// The first of the highest scores.
#[inline]
pub fn highest<T: Copy, S: PartialOrd>(scores: impl Iterator<Item = (T, S)>) -> Option<T> {
    let mut best: Option<(T, S)> = None;
    for (owner, score) in scores {
        if best.as_ref().is_none_or(|(_, highest)| *highest < score) {
            best = Some((owner, score));
        }
    }
    best.map(|(owner, _)| owner)
}
