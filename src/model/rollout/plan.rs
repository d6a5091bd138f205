//! Who is replaced when: a state machine that knows neither time nor nodes.
//!
//! With new instances every step is one pass of the Deployment controller of Kubernetes: first the
//! new set is scaled up as far as the surge allows, then old instances that are not ready are
//! removed, then ready ones as far as enough stay available. Instances that drain belong to no set.
//!
//! Source: <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/>.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::id::{FaultId, InstanceId};
use crate::scenario::rollout::{Amount, RolloutConfig};

/// How far an instance that goes has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drain {
    /// It serves as before.
    Serves,
    /// It finishes what it has.
    Finishes,
    /// Its exit is due.
    Exits,
}

/// One rolling restart.
#[derive(Debug)]
pub(super) struct Rollout {
    pub window: usize,
    pub fault: FaultId,
    pub is_new: bool,
    /// How many there are, may surge and may be unavailable.
    pub size: usize,
    pub surge: usize,
    pub unavailable: usize,
    pub batch: Option<usize>,
    /// Those that have not begun to go.
    pub old: VecDeque<InstanceId>,
    /// Those in whose place nobody has come yet. There are at least as many as may still come.
    pub vacant: VecDeque<InstanceId>,
    pub draining: BTreeMap<InstanceId, Drain>,
    /// Of those that drain, whom nobody replaces.
    unreplaced: BTreeSet<InstanceId>,
    /// Those that came, and whether they have been ready.
    pub new: BTreeMap<InstanceId, bool>,
    /// Where an abort stops it.
    pub limit: usize,
    /// A pass is due.
    pub is_due: bool,
    pub is_over: bool,
}

/// The instances of a rolling restart, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Census {
    pub old_ready: usize,
    pub old_unready: usize,
    pub new_ready: usize,
    pub new_unready: usize,
    pub draining: usize,
}

/// What one pass begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pass {
    /// New instances that start.
    pub starts: usize,
    /// Old ones that go: first those that are not ready.
    pub drains: usize,
}

impl Rollout {
    pub fn new(
        config: &RolloutConfig,
        window: usize,
        fault: FaultId,
        order: Vec<InstanceId>,
    ) -> Self {
        let size = u32::try_from(order.len()).expect("instances are counted in 32 bits");
        let (surge, unavailable) = config.fences(size);
        let batch = |amount: Amount| amount.rounded_up(size).max(1) as usize;
        Rollout {
            window,
            fault,
            is_new: config.is_new,
            size: order.len(),
            surge: surge as usize,
            // No more than there are, as Kubernetes has it.
            unavailable: (unavailable as usize).min(order.len()),
            batch: config.batch.map(batch),
            old: order.iter().copied().collect(),
            limit: order.len(),
            vacant: order.into(),
            draining: BTreeMap::new(),
            unreplaced: BTreeSet::new(),
            new: BTreeMap::new(),
            is_due: false,
            is_over: false,
        }
    }

    /// Old instances that have begun to go.
    pub fn gone_count(&self) -> usize {
        self.size.saturating_sub(self.old.len())
    }

    /// An instance leaves for another reason: there is one less to replace.
    pub fn forget(&mut self, instance: InstanceId) {
        let is_old = self.old.contains(&instance);
        self.old.retain(|old| *old != instance);
        self.draining.remove(&instance);
        self.new.remove(&instance);
        if !self.unreplaced.remove(&instance) {
            self.shrink(instance, is_old);
        }
    }

    /// An instance that goes leaves for another reason, too: nobody needs to come in its place.
    pub fn leave_vacant(&mut self, instance: InstanceId) {
        if self.unreplaced.insert(instance) {
            self.shrink(instance, false);
        }
    }

    fn shrink(&mut self, instance: InstanceId, is_old: bool) {
        self.vacant.retain(|vacant| *vacant != instance);
        self.size = self.size.saturating_sub(1);
        let begun = self.limit.saturating_sub(usize::from(!is_old));
        self.limit = begun.min(self.size);
        self.unavailable = self.unavailable.min(self.size);
    }

    /// How many may have begun to be replaced: a batch is over when all of it are ready.
    fn bound(&self, census: &Census) -> usize {
        let done = census.new_ready.min(self.gone_count());
        let of_batch = self.batch.map(|batch| (done / batch + 1) * batch);
        of_batch.unwrap_or(self.limit).min(self.limit)
    }

    /// What is begun now.
    pub fn pass(&self, census: &Census) -> Pass {
        match self.is_new {
            true => self.pass_of_deployment(census),
            false => self.pass_in_place(census),
        }
    }

    fn pass_of_deployment(&self, census: &Census) -> Pass {
        let bound = self.bound(census);
        let new = census.new_ready + census.new_unready;
        let total = self.old.len() + new;
        let room = (self.size + self.surge).saturating_sub(total);
        let starts = room
            .min(self.size.saturating_sub(new))
            .min(bound.saturating_sub(new));
        let available_min = self.size - self.unavailable;
        let unready = census.new_unready + starts;
        let most = (total + starts).saturating_sub(available_min + unready);
        let cleaned = most.min(census.old_unready);
        let spare = (census.old_ready + census.new_ready).saturating_sub(available_min);
        let scaled_down = if most == 0 {
            0
        } else {
            spare.min(census.old_ready)
        };
        let drains = cleaned + scaled_down;
        Pass {
            starts,
            drains: drains.min(bound.saturating_sub(self.gone_count())),
        }
    }

    fn pass_in_place(&self, census: &Census) -> Pass {
        let missing = census.draining + census.new_unready + census.old_unready;
        let drains = match missing <= self.unavailable {
            true => census.old_unready + (self.unavailable - missing).min(census.old_ready),
            false => 0,
        };
        let left = self.bound(census).saturating_sub(self.gone_count());
        Pass {
            starts: 0,
            drains: drains.min(left),
        }
    }

    pub fn has_ended(&self, census: &Census) -> bool {
        let (gone, new) = (self.gone_count(), self.new.len());
        let is_done = self.limit <= gone && self.limit <= new;
        is_done && census.draining == 0 && census.new_unready == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::rollout::{DrainConfig, RolloutOrder};
    use crate::time::SimDuration;

    fn rollout(size: u32, is_new: bool, surge: Amount, unavailable: Amount) -> Rollout {
        let config = RolloutConfig {
            batch: None,
            max_surge: surge,
            max_unavailable: unavailable,
            is_new,
            order: RolloutOrder::Ascending,
            ready_after: SimDuration::ZERO,
            drain: DrainConfig {
                deregisters: true,
                wait: SimDuration::ZERO,
                grace: SimDuration::ZERO,
                is_announced: true,
            },
            abort_when: None,
        };
        let order = (0..size).map(InstanceId).collect();
        Rollout::new(&config, 0, FaultId(0), order)
    }

    /// Runs passes until nothing changes; what goes is gone at once. Returns old and new instances.
    fn settle(rollout: &mut Rollout) -> (usize, usize) {
        loop {
            let new_ready = rollout.new.values().filter(|ready| **ready).count();
            let pass = rollout.pass(&Census {
                old_ready: rollout.old.len(),
                old_unready: 0,
                new_ready,
                new_unready: rollout.new.len() - new_ready,
                draining: 0,
            });
            if pass == Pass::default() {
                return (rollout.old.len(), rollout.new.len());
            }
            for _ in 0..pass.starts {
                let id = InstanceId(1_000 + rollout.new.len() as u32);
                rollout.new.insert(id, false);
            }
            for _ in 0..pass.drains {
                let gone = rollout.old.pop_front().expect("no more go than there are");
                if !rollout.is_new {
                    rollout.new.insert(gone, false);
                }
            }
        }
    }

    fn make_ready(rollout: &mut Rollout, count: usize) {
        let unready = rollout.new.values_mut().filter(|ready| !**ready);
        unready.take(count).for_each(|ready| *ready = true);
    }

    #[test]
    fn a_deployment_goes_through_the_numbers_of_its_documentation() {
        // "Proportional scaling" and "rollover" texts: 10 replicas, maxSurge 3, maxUnavailable 2:
        // at first 8 old and 5 new ones.
        let (three, two) = (Amount::Count(3), Amount::Count(2));
        assert_eq!(settle(&mut rollout(10, true, three, two)), (8, 5));
        // "Updating a Deployment": 3 replicas with the defaults of 25 %: one new one comes first,
        // "it does not kill old Pods until a sufficient number of new Pods have come up".
        let quarter = Amount::Share(0.25);
        let mut of_three = rollout(3, true, quarter, quarter);
        for (before, after) in [(0, (3, 1)), (1, (2, 2)), (1, (1, 3)), (1, (0, 3))] {
            make_ready(&mut of_three, before);
            assert_eq!(settle(&mut of_three), after);
        }
        // No surge: an old one goes before a new one comes.
        let mut without = rollout(4, true, Amount::Count(0), Amount::Count(1));
        for (ready, after) in [(0, (3, 1)), (1, (2, 2)), (1, (1, 3)), (1, (0, 4))] {
            make_ready(&mut without, ready);
            assert_eq!(settle(&mut without), after);
        }
    }

    #[test]
    fn a_batch_is_over_when_all_of_it_are_ready() {
        let mut batched = rollout(6, false, Amount::Count(0), Amount::Count(2));
        batched.batch = Some(3);
        // Two at a time, but only three before all three are ready.
        for (ready, old) in [(0, 4), (1, 3), (1, 3), (1, 1), (2, 0)] {
            make_ready(&mut batched, ready);
            assert_eq!(settle(&mut batched).0, old);
        }
    }

    #[test]
    fn who_leaves_otherwise_is_not_replaced() {
        // Two at a time of six: two have gone, one of which leaves, as does one of the others.
        let mut in_place = rollout(6, false, Amount::Count(0), Amount::Count(2));
        assert_eq!(settle(&mut in_place), (4, 2));
        in_place.forget(InstanceId(0));
        in_place.forget(InstanceId(5));
        // One is missing of four, so another one goes.
        for (ready, expected) in [(0, (2, 2)), (2, (0, 4)), (2, (0, 4))] {
            make_ready(&mut in_place, ready);
            assert_eq!(settle(&mut in_place), expected);
        }
        assert_eq!((in_place.size, in_place.limit), (4, 4));
        // An abort holds: what has begun is one less.
        let mut aborted = rollout(6, false, Amount::Count(0), Amount::Count(2));
        settle(&mut aborted);
        aborted.limit = 2;
        aborted.forget(InstanceId(0));
        make_ready(&mut aborted, 1);
        assert_eq!(settle(&mut aborted), (4, 1));
    }

    #[test]
    fn what_is_not_ready_goes_first_and_is_missed_by_nobody() {
        let census = Census {
            old_ready: 3,
            old_unready: 1,
            new_ready: 0,
            new_unready: 0,
            draining: 0,
        };
        // One of four is missing already: that one is replaced, and no other.
        let of_four = rollout(4, true, Amount::Count(0), Amount::Count(1));
        assert_eq!(
            of_four.pass(&census),
            Pass {
                starts: 0,
                drains: 1
            }
        );
        let in_place = rollout(4, false, Amount::Count(0), Amount::Count(1));
        assert_eq!(
            in_place.pass(&census),
            Pass {
                starts: 0,
                drains: 1
            }
        );
    }
}
