//! Envoy's priority levels: how much each takes, and which ignore health.

/// How many instances of a level there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelCount {
    /// Instances that are healthy.
    pub healthy: u32,
    /// All instances.
    pub total: u32,
}

/// What each level takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LevelLoads {
    /// Per cent of the picks; together 100.
    pub percents: Vec<u32>,
    /// Whether the level uses all its instances, whatever their health.
    pub is_in_panic: Vec<bool>,
}

impl LevelLoads {
    /// Source: Envoy `load_balancer_impl.cc` (`recalculatePerPriorityState`,
    /// `recalculatePerPriorityPanic`, `distributeLoad`): whole per cent, rounded down; what is
    /// left goes to the first level with a healthy instance. No level is in panic while all
    /// together can take everything. If all are, the numbers of instances decide.
    pub fn new(levels: &[LevelCount], overprovisioning: u32, panic_threshold: u32) -> Self {
        let health = |level: &LevelCount| match level.total {
            0 => 0,
            total => 100.min(overprovisioning.saturating_mul(level.healthy) / total),
        };
        let healths: Vec<u32> = levels.iter().map(health).collect();
        let sum = 100.min(healths.iter().sum::<u32>());
        let panics = |level: &LevelCount| {
            let percent = match level.total {
                0 => 0.0,
                total => 100.0 * f64::from(level.healthy) / f64::from(total),
            };
            sum < 100 && percent < f64::from(panic_threshold)
        };
        let is_in_panic: Vec<bool> = levels.iter().map(panics).collect();
        let percents = if is_in_panic.iter().all(|is_in_panic| *is_in_panic) {
            let total: u64 = levels.iter().map(|level| u64::from(level.total)).sum();
            let share = |level: &LevelCount| match total {
                0 => 0,
                _ => (100 * u64::from(level.total) / total) as u32,
            };
            with_rest(levels.iter().map(share), levels.iter().map(|l| 0 < l.total))
        } else if sum == 0 {
            with_rest(levels.iter().map(|_| 0), levels.iter().map(|_| true))
        } else {
            let mut left = 100;
            let share = |health: &u32| {
                let share = left.min(health * 100 / sum);
                left -= share;
                share
            };
            with_rest(healths.iter().map(share), healths.iter().map(|h| 0 < *h))
        };
        LevelLoads {
            percents,
            is_in_panic,
        }
    }

    /// The level of a pick. `word` is random, or the hash of the request's key.
    pub fn level(&self, word: u64) -> usize {
        let place = (word % 100) as u32 + 1;
        let mut sum = 0;
        let reaches = |percent: &u32| {
            sum += percent;
            place <= sum
        };
        self.percents.iter().position(reaches).unwrap_or(0)
    }
}

/// The shares, of which the first level that may have it gets what is left of 100.
fn with_rest(
    shares: impl Iterator<Item = u32>,
    mut may_have: impl Iterator<Item = bool>,
) -> Vec<u32> {
    let mut shares: Vec<u32> = shares.collect();
    let rest = 100 - shares.iter().sum::<u32>();
    shares[may_have.position(|may| may).unwrap_or(0)] += rest;
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(levels: &[u32]) -> LevelLoads {
        let count = |healthy: &u32| LevelCount {
            healthy: *healthy,
            total: 100,
        };
        let levels: Vec<LevelCount> = levels.iter().map(count).collect();
        LevelLoads::new(&levels, 140, 50)
    }

    #[test]
    fn loads_are_those_of_the_published_vectors() {
        // real-systems.md F: P0/P1 healthy % -> load.
        for (healthy, expected) in [
            ([72, 100], [100, 0]),
            ([71, 100], [99, 1]),
            ([50, 100], [70, 30]),
            ([25, 25], [50, 50]),
            ([5, 65], [8, 92]),
        ] {
            assert_eq!(loads(&healthy).percents, expected, "{healthy:?}");
        }
        assert_eq!(loads(&[25, 25]).is_in_panic, [true, true]);
        assert_eq!(loads(&[5, 65]).is_in_panic, [true, false]);
        assert_eq!(loads(&[40, 100]).is_in_panic, [false, false]);
        assert_eq!(loads(&[49]).is_in_panic, [true]);
        assert_eq!(loads(&[50]).is_in_panic, [false]);
    }

    #[test]
    fn a_level_is_chosen_by_its_share() {
        let loads = loads(&[71, 100]);
        let first = (0..100).filter(|word| loads.level(*word) == 0).count();
        assert_eq!(first, 99);
    }

    #[test]
    fn without_a_panic_threshold_nobody_takes_over() {
        let dead = LevelCount {
            healthy: 0,
            total: 4,
        };
        let loads = LevelLoads::new(&[dead, dead], 140, 0);
        assert_eq!(loads.percents, [100, 0]);
        assert_eq!(loads.is_in_panic, [false, false]);
    }
}
