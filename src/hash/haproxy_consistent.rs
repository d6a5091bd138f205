//! `hash-type consistent` of HAProxy (2.6, `lb_chash.c`): 16 points for each unit of weight, and a
//! key belongs to the closest point in either direction.

use super::function::{avalanche, sdbm};

/// Points for each unit of weight. With the default weight of 1 that is few.
pub const POINT_COUNT: u32 = 16;

/// Numbers that each server has for its points: 256 weights times 16.
const NUMBERS_PER_SERVER: u32 = 4096;

/// Where the text of a key falls: `sdbm` and the avalanche, which `hash-type consistent` has
/// unless it names a function.
#[inline]
pub fn text_hash(text: &[u8]) -> u32 {
    avalanche(sdbm(text))
}

/// The points of the server with the `id` number: it alone says where they are, not the address.
pub fn points(number: u32, point_count: u32) -> impl Iterator<Item = u32> {
    let first = number.wrapping_mul(NUMBERS_PER_SERVER);
    (0..point_count).map(move |index| avalanche(first.wrapping_add(index)))
}
