//! `consistenthash` of Apache Dubbo (3.x, `ConsistentHashLoadBalance`): as ketama, but the digests
//! are those of the address with the number of the digest behind it, and weights are ignored.

use super::function::md5;

/// Points of every server (`hash.nodes`).
pub const POINT_COUNT: u32 = 160;

/// The points of a server.
pub fn points(name: &str) -> impl Iterator<Item = u32> {
    (0..POINT_COUNT / 4).flat_map(move |group| {
        let digest = md5(format!("{name}{group}").as_bytes());
        (0..4).map(move |index| {
            let bytes = &digest[4 * index..4 * index + 4];
            u32::from_le_bytes(bytes.try_into().expect("four bytes"))
        })
    })
}
