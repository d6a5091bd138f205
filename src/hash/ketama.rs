//! Ketama (libketama, 2007): 40 MD5 digests for each server, each of which gives four points.

use super::Server;
use super::function::md5;

/// Points of a server of weight 1.
pub const POINT_COUNT: u32 = 160;

/// Where the text of a key falls: the first four bytes of its MD5, the lowest first.
#[inline]
pub fn text_hash(text: &[u8]) -> u32 {
    word(&md5(text), 0)
}

/// The points of a server: those of the digests of `name-0`, `name-1` and so on, four of each.
pub fn points(name: &str, point_count: u32) -> impl Iterator<Item = u32> {
    (0..point_count.div_ceil(4))
        .flat_map(move |group| {
            let digest = md5(format!("{name}-{group}").as_bytes());
            (0..4).map(move |index| word(&digest, index))
        })
        .take(point_count as usize)
}

/// The point counts of libketama: `floor(40 n w / W)` digests for a server of weight `w` among `n`
/// with weights of sum `W`, in single precision as there. So a change of one server changes the
/// counts of the others when weights differ, and with equal weights for a few `n`.
pub fn rescaled_point_counts(servers: &[Server]) -> Vec<u32> {
    let total: f64 = servers.iter().map(|server| server.weight).sum();
    let count = servers.len() as f64;
    let of = |server: &Server| {
        let share = server.weight as f32 / total as f32;
        // The product is rounded to single precision before its fraction is dropped.
        (f64::from(share) * 40.0 * count) as f32 as u32 * 4
    };
    servers.iter().map(of).collect()
}

/// The four bytes of a digest from `4 x index` on, the lowest first.
#[inline]
fn word(digest: &[u8; 16], index: usize) -> u32 {
    let bytes = &digest[4 * index..4 * index + 4];
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}
