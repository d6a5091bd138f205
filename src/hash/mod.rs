//! Hash functions and structures that place keys on servers. They know nothing of a run: servers
//! are names, numbers and weights, and what a lookup returns is the number of an owner.

pub mod anchor;
pub mod bounded_load;
pub mod copies;
pub mod dubbo;
pub mod envoy_ring;
pub mod function;
pub mod haproxy_consistent;
pub mod haproxy_map;
pub mod jump;
pub mod ketama;
pub mod maglev;
pub mod multi_probe;
pub mod nginx_consistent;
pub mod nginx_hash;
pub mod nginx_ip_hash;
pub mod placement;
pub mod rendezvous;
pub mod ring;
pub mod ring_rule;
pub mod slots;
pub mod whole_weights;

use function::Function;

/// A server as these structures see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Number of the owner, as lookups return it.
    pub owner: u32,
    /// Its number among the servers of its service, from 1: the `id` of HAProxy.
    pub number: u32,
    /// Its name, where a rule hashes a text: an address in real systems.
    pub name: String,
    /// Hash of its path, where a rule hashes that.
    pub name_hash: u64,
    /// Its weight; positive.
    pub weight: f64,
}

/// Where `key` falls in the hash space of a ring with `seed`: xxHash64 of the key's eight bytes,
/// the lowest first.
#[inline]
pub fn key_hash(key: u64, seed: u64) -> u64 {
    function::xxh64(&key.to_le_bytes(), seed)
}

/// The point of virtual node `index` of the entity with path hash `name`: the hash of the eight
/// bytes of `name` and the four of `index`, the lowest first.
#[inline]
pub fn point_hash(function: Function, name: u64, index: u32, seed: u64) -> u64 {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&name.to_le_bytes());
    bytes[8..].copy_from_slice(&index.to_le_bytes());
    function.hash(&bytes, seed)
}

/// The text of a key where the real system hashes a text: the number in decimal digits.
#[derive(Clone, Copy, Debug)]
pub struct KeyText {
    digits: [u8; 20],
    start: usize,
}

impl KeyText {
    /// The digits of `key`.
    #[inline]
    pub fn new(mut key: u64) -> Self {
        let mut text = KeyText {
            digits: [b'0'; 20],
            start: 20,
        };
        loop {
            text.start -= 1;
            text.digits[text.start] = b'0' + (key % 10) as u8;
            key /= 10;
            if key == 0 {
                return text;
            }
        }
    }

    /// They.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod move_tests;
#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod theory_tests;
