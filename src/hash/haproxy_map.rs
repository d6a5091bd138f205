//! `hash-type map-based` of HAProxy (2.6, `lb_map.c`): a table with an entry for each unit of
//! weight, after division by the greatest common divisor.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::Server;
use super::whole_weights::whole;

/// The owners of the entries.
///
/// At each entry the score of every server grows by its weight, the first server with the highest
/// whole number of table lengths in its score has the entry, and its score falls by one table
/// length. Servers are kept by that whole number, so that the table takes O(entries log servers).
pub fn entries(servers: &[Server]) -> Vec<u32> {
    let weights: Vec<u64> = servers.iter().map(|server| whole(server.weight)).collect();
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let weights: Vec<u64> = weights.iter().map(|weight| weight / divisor).collect();
    let length: u64 = weights.iter().sum();
    let mut ranks: Vec<i64> = vec![1; weights.len()];
    let mut by_rank: BTreeSet<(Reverse<i64>, usize)> = (0..weights.len())
        .map(|place| (Reverse(1), place))
        .collect();
    // When the score of a server without its falls reaches the next multiple of the length.
    let at = |place: usize, multiple: u64| (multiple * length).div_ceil(weights[place]);
    let mut rises: BinaryHeap<Reverse<(u64, usize, u64)>> = (0..weights.len())
        .map(|place| Reverse((at(place, 1), place, 1)))
        .collect();
    let mut owners = Vec::with_capacity(length as usize);
    for step in 1..=length {
        while let Some(Reverse((time, place, multiple))) = rises.peek().copied()
            && time <= step
        {
            rises.pop();
            rises.push(Reverse((at(place, multiple + 1), place, multiple + 1)));
            by_rank.remove(&(Reverse(ranks[place]), place));
            ranks[place] += 1;
            by_rank.insert((Reverse(ranks[place]), place));
        }
        let (rank, best) = by_rank.pop_first().expect("a table has servers");
        owners.push(servers[best].owner);
        ranks[best] = rank.0 - 1;
        by_rank.insert((Reverse(ranks[best]), best));
    }
    owners
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
