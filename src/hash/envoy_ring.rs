//! `ring_hash` of Envoy (1.39, `ring_hash_lb.cc`): the smallest ring of a stated size on which
//! every host has a whole number of points, or nearly so.

use super::Server;
use super::function::xxh64;

/// The default of `minimum_ring_size`.
pub const POINT_COUNT_MIN: u64 = 1024;

/// The default of `maximum_ring_size`.
pub const POINT_COUNT_MAX: u64 = 8 * 1024 * 1024;

/// How many points each server has. The ring is scaled so that the server of the least weight has
/// a whole number of them; the others are rounded by a running sum. So the counts of all change
/// with the set of servers.
pub fn point_counts(servers: &[Server], point_count_min: u64, point_count_max: u64) -> Vec<u32> {
    let total: f64 = servers.iter().map(|server| server.weight).sum();
    let shares = servers.iter().map(|server| server.weight / total);
    let least = shares.clone().fold(1.0, f64::min);
    let scale = (least * point_count_min as f64).ceil() / least;
    let scale = scale.min(point_count_max as f64);
    let (mut current, mut target) = (0.0, 0.0);
    let count_of = |share: f64| {
        target += scale * share;
        let mut count = 0;
        while current < target {
            count += 1;
            current += 1.0;
        }
        count
    };
    shares.map(count_of).collect()
}

/// The points of a server: xxHash64 of its address, `_` and the number of the point.
pub fn points(name: &str, point_count: u32) -> impl Iterator<Item = u64> {
    (0..point_count).map(move |index| xxh64(format!("{name}_{index}").as_bytes(), 0))
}
