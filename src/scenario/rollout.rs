//! Rolling restarts: the instances of a service are replaced a few at a time.
//!
//! With new instances the rule is that of a Kubernetes Deployment, with the old names it is that of
//! a restart in place.
//!
//! Source: <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/>, "Rolling Update
//! Deployment": a share of `maxSurge` is rounded up, one of `maxUnavailable` down; the two cannot
//! both be zero; where rounding alone makes them so, one instance may be unavailable.

use super::trigger::Condition;
use crate::time::SimDuration;

/// `kind = "rolling_restart"`.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutConfig {
    /// Instances that are replaced before the next ones begin; None: no batches.
    pub batch: Option<Amount>,
    /// Instances above their number that there may be, those that leave not counted.
    pub max_surge: Amount,
    /// Instances that may be missing or not ready.
    pub max_unavailable: Amount,
    /// What comes: the same instances again, or new ones.
    pub is_new: bool,
    /// Who goes first.
    pub order: RolloutOrder,
    /// From the start of a process to its readiness: only then it registers, and counts.
    pub ready_after: SimDuration,
    /// How an instance goes.
    pub drain: DrainConfig,
    /// Load that stops it: nothing more is begun.
    pub abort_when: Option<Condition>,
}

/// A number of instances, or a share of those that are replaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// This many.
    Count(u32),
    /// This share of all.
    Share(f64),
}

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutOrder {
    /// The lowest number of the first group.
    Ascending,
    /// The highest number of the last group, as in a StatefulSet.
    Descending,
    /// By lot.
    Random,
}

/// How an instance goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainConfig {
    /// It deregisters at once.
    pub deregisters: bool,
    /// For this long it serves as before.
    pub wait: SimDuration,
    /// Then it takes nothing new and finishes what it has, for at most this long; what is left is
    /// lost.
    pub grace: SimDuration,
    /// At the end of `wait` it tells those that are connected to go away; otherwise their
    /// connections are reset at its exit.
    pub is_announced: bool,
}

/// Below this a share of an instance is a rounding error.
const COUNT_EPSILON: f64 = 1e-9;

impl Amount {
    /// Of so many instances, rounded up.
    pub fn rounded_up(self, whole: u32) -> u32 {
        match self {
            Amount::Count(count) => count,
            Amount::Share(share) => (share * f64::from(whole) - COUNT_EPSILON).ceil() as u32,
        }
    }

    /// Of so many instances, rounded down.
    pub fn rounded_down(self, whole: u32) -> u32 {
        match self {
            Amount::Count(count) => count,
            Amount::Share(share) => (share * f64::from(whole) + COUNT_EPSILON).floor() as u32,
        }
    }
}

impl RolloutConfig {
    /// How many may surge and how many may be unavailable of so many instances. Where rounding
    /// leaves neither, one may be unavailable.
    pub fn fences(&self, whole: u32) -> (u32, u32) {
        let surge = match self.is_new {
            true => self.max_surge.rounded_up(whole),
            false => 0,
        };
        let unavailable = self.max_unavailable.rounded_down(whole).min(whole);
        match (surge, unavailable) {
            (0, 0) => (0, 1),
            fences => fences,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fences(max_surge: Amount, max_unavailable: Amount, whole: u32) -> (u32, u32) {
        let config = RolloutConfig {
            batch: None,
            max_surge,
            max_unavailable,
            is_new: true,
            order: RolloutOrder::Random,
            ready_after: SimDuration::ZERO,
            drain: DrainConfig {
                deregisters: true,
                wait: SimDuration::ZERO,
                grace: SimDuration::ZERO,
                is_announced: true,
            },
            abort_when: None,
        };
        config.fences(whole)
    }

    #[test]
    fn shares_of_a_surge_are_rounded_up_and_those_of_the_unavailable_down() {
        let quarter = Amount::Share(0.25);
        // The defaults of a Deployment: of 3 instances 0.75, of 4 exactly 1, of 10 2.5.
        for (whole, expected) in [(3, (1, 0)), (4, (1, 1)), (10, (3, 2)), (1, (1, 0))] {
            assert_eq!(fences(quarter, quarter, whole), expected, "{whole}");
        }
        // Counts stand as they are, but no more can be missing than there are.
        let counts = (Amount::Count(5), Amount::Count(7));
        assert_eq!(fences(counts.0, counts.1, 3), (5, 3));
        // Neither: rounding alone must not stop it.
        assert_eq!(fences(Amount::Count(0), quarter, 3), (0, 1));
        // 7 % of 100 is 7, whatever the product of the two floats says.
        let seven = Amount::Share(0.07);
        assert_eq!(fences(seven, seven, 100), (7, 7));
    }
}
