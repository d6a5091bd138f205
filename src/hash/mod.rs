//! Hash functions and structures that place keys on servers.

pub mod ring;

use xxhash_rust::xxh64::xxh64;

/// Where `key` falls in the hash space of a ring with `seed`: xxHash64 of the key's eight bytes,
/// the lowest first.
#[inline]
pub fn key_hash(key: u64, seed: u64) -> u64 {
    xxh64(&key.to_le_bytes(), seed)
}

/// The point of virtual node `index` of the entity with path hash `name`: xxHash64 of the eight
/// bytes of `name` and the four of `index`, the lowest first.
pub fn point_hash(name: u64, index: u32, seed: u64) -> u64 {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&name.to_le_bytes());
    bytes[8..].copy_from_slice(&index.to_le_bytes());
    xxh64(&bytes, seed)
}
