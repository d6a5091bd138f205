//! `hash` of nginx without `consistent` (1.22, `ngx_http_upstream_hash_module`), which agrees with
//! Cache::Memcached: fifteen bits of CRC-32, modulo the sum of the weights.

use super::whole_weights::WholeWeights;

/// Tries before a request is balanced by round robin.
pub const TRY_COUNT_MAX: u32 = 20;

/// The hashes of the tries of one key: that of the key, then each time that of the number of the
/// try and the key is added.
pub fn hashes(text: &[u8]) -> impl Iterator<Item = u32> {
    let mut sum = 0u32;
    (0u32..).map(move |rehash| {
        let mut hasher = crc32fast::Hasher::new();
        if 0 < rehash {
            hasher.update(super::KeyText::new(u64::from(rehash)).bytes());
        }
        hasher.update(text);
        sum = sum.wrapping_add((hasher.finalize() >> 16) & 0x7fff);
        sum
    })
}

/// The servers that a key tries, in order, without end.
pub fn owners<'a>(weights: &'a WholeWeights, text: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
    hashes(text).map(|hash| weights.owner(u64::from(hash)))
}
