//! Servers with whole weights, by their running sums.

use super::Server;

/// Owners in order, each with the sum of the weights up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeWeights {
    owners: Vec<u32>,
    /// Ascending; `owners` runs in parallel.
    sums: Vec<u64>,
}

/// The weight of a server where the real system takes whole ones only: rounded to the nearest, at
/// least one.
pub fn whole(weight: f64) -> u64 {
    ((weight + 0.5) as u64).max(1)
}

impl WholeWeights {
    /// The servers in their order.
    pub fn new(servers: &[Server]) -> Self {
        let mut sum = 0;
        let sums = servers.iter().map(|server| {
            sum += whole(server.weight);
            sum
        });
        WholeWeights {
            sums: sums.collect(),
            owners: servers.iter().map(|server| server.owner).collect(),
        }
    }

    /// The sum of all weights.
    pub fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// The owner of `hash` modulo the sum of the weights.
    ///
    /// # Panics
    ///
    /// If there are no servers.
    #[inline]
    pub fn owner(&self, hash: u64) -> u32 {
        let target = hash % self.total();
        self.owners[self.sums.partition_point(|sum| *sum <= target)]
    }

    /// The sum of the weights before the server at `place`, and up to it.
    #[inline]
    pub fn range(&self, place: usize) -> (u64, u64) {
        let before = place.checked_sub(1).map_or(0, |last| self.sums[last]);
        (before, self.sums[place])
    }

    /// The share of the weights that each owner has.
    pub fn shares(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        let share = |(place, owner): (usize, &u32)| {
            let (before, up_to) = self.range(place);
            (*owner, (up_to - before) as f64 / self.total() as f64)
        };
        self.owners.iter().enumerate().map(share)
    }
}
