//! Maglev (Eisenbud et al., NSDI 2016, section 3.4), weighted as in Envoy (1.39, `maglev_lb.cc`).

use super::Server;
use super::function::xxh64;

/// The default size of the table, a prime.
pub const TABLE_SIZE: u32 = 65_537;

/// The order in which a server would like to have the slots: `offset`, `offset + skip` and so on,
/// modulo the size of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permutation {
    /// Its first slot.
    pub offset: u64,
    /// From one slot to the next.
    pub skip: u64,
    /// The server's weight.
    pub weight: f64,
    /// Number of the server.
    pub owner: u32,
}

/// The permutation of a server in Envoy: xxHash64 of its address with seeds 0 and 1.
pub fn permutation(server: &Server, table_size: u32) -> Permutation {
    let size = u64::from(table_size);
    Permutation {
        offset: xxh64(server.name.as_bytes(), 0) % size,
        skip: xxh64(server.name.as_bytes(), 1) % (size - 1) + 1,
        weight: server.weight,
        owner: server.owner,
    }
}

/// The table of `servers`, which take turns in order of their names.
pub fn table(servers: &[Server], table_size: u32) -> Vec<u32> {
    let mut sorted: Vec<&Server> = servers.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name).then(a.owner.cmp(&b.owner)));
    let permutations = sorted.into_iter().map(|s| permutation(s, table_size));
    fill(permutations.collect(), table_size)
}

/// Fills a table: the servers take turns, and each takes the next slot of its permutation that is
/// free. A server of half the largest weight takes every second turn, and so on.
///
/// # Panics
///
/// If there are no servers.
pub fn fill(mut servers: Vec<Permutation>, table_size: u32) -> Vec<u32> {
    const FREE: u32 = u32::MAX;
    assert!(!servers.is_empty(), "a table has servers");
    let size = u64::from(table_size);
    let total: f64 = servers.iter().map(|server| server.weight).sum();
    for server in &mut servers {
        server.weight /= total;
    }
    let largest = servers.iter().fold(0.0, |max: f64, s| max.max(s.weight));
    let mut targets = vec![0.0; servers.len()];
    let mut table = vec![FREE; table_size as usize];
    let mut left = table_size;
    let mut turn = 1u32;
    loop {
        for (server, target) in servers.iter_mut().zip(&mut targets) {
            if f64::from(turn) * server.weight < *target {
                continue;
            }
            *target += largest;
            while table[server.offset as usize] != FREE {
                server.offset = (server.offset + server.skip) % size;
            }
            table[server.offset as usize] = server.owner;
            server.offset = (server.offset + server.skip) % size;
            left -= 1;
            if left == 0 {
                return table;
            }
        }
        turn += 1;
    }
}

/// The slot of `hash` when Envoy looks for the `attempt`-th time, from 0.
#[inline]
pub fn slot(hash: u64, attempt: u32, table_size: u32) -> usize {
    let mixed = if attempt == 0 {
        hash
    } else {
        hash ^ u64::from(attempt).wrapping_neg()
    };
    (mixed % u64::from(table_size)) as usize
}
