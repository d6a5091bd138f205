//! `ip_hash` of nginx (1.22, `ngx_http_upstream_ip_hash_module`): the first three bytes of an IPv4
//! address, so that all clients of a /24 network share a server.

use super::whole_weights::WholeWeights;

/// Tries before a request is balanced by round robin.
pub const TRY_COUNT_MAX: u32 = 20;

/// The hashes of the tries of one address: each goes on from the one before.
pub fn hashes(address: [u8; 4]) -> impl Iterator<Item = u32> {
    let mut hash = 89u32;
    std::iter::repeat_with(move || {
        for byte in &address[..3] {
            hash = (hash * 113 + u32::from(*byte)) % 6271;
        }
        hash
    })
}

/// The servers that an address tries, in order, without end.
pub fn owners(weights: &WholeWeights, address: [u8; 4]) -> impl Iterator<Item = u32> + '_ {
    hashes(address).map(|hash| weights.owner(u64::from(hash)))
}
