//! The leases of a leader: when they expire, and which of those are being revoked.

use std::collections::{BTreeSet, VecDeque};

use super::message::LeaseId;
use crate::engine::DenseMap;
use crate::time::{SimDuration, SimTime};

const SECOND: SimDuration = SimDuration::from_secs(1);

/// A lease at the leader.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    expires_at: SimTime,
    /// When it is looked at.
    look_at: SimTime,
    /// When its remaining time is replicated.
    checkpoint_at: SimTime,
    /// Its revocation waits or is under way.
    is_revoked: bool,
}

/// The leases of a leader.
#[derive(Debug, Default)]
pub struct Lessor {
    leases: DenseMap<LeaseId, Tracked>,
    /// When each is looked at; one that lived on meanwhile is only looked at again.
    looks: BTreeSet<(SimTime, LeaseId)>,
    checkpoints: BTreeSet<(SimTime, LeaseId)>,
    /// Revocations that wait.
    waiting: VecDeque<LeaseId>,
    /// Revocations under way.
    under_way: BTreeSet<LeaseId>,
}

impl Lessor {
    /// A lease begins, or lives on: it expires at this time. Its remaining time is replicated at
    /// `checkpoint_at`, if ever.
    pub fn set(&mut self, lease: LeaseId, expires_at: SimTime, checkpoint_at: SimTime) {
        // Most of them just live on, and have no checkpoints.
        if let Some(tracked) = self.leases.get_mut(lease)
            && !tracked.is_revoked
            && tracked.look_at <= expires_at
            && tracked.checkpoint_at == SimTime::NEVER
            && checkpoint_at == SimTime::NEVER
        {
            tracked.expires_at = expires_at;
            return;
        }
        let is_revoked = self.forget(lease);
        let tracked = Tracked {
            expires_at,
            look_at: expires_at,
            checkpoint_at,
            is_revoked,
        };
        self.leases.insert(lease, tracked);
        self.looks.insert((expires_at, lease));
        if checkpoint_at != SimTime::NEVER {
            self.checkpoints.insert((checkpoint_at, lease));
        }
    }

    /// Forgets when a lease expires. Returns whether it was being revoked.
    fn forget(&mut self, lease: LeaseId) -> bool {
        let Some(tracked) = self.leases.remove(lease) else {
            return false;
        };
        self.looks.remove(&(tracked.look_at, lease));
        self.checkpoints.remove(&(tracked.checkpoint_at, lease));
        tracked.is_revoked
    }

    /// When a lease expires; None if it is unknown.
    pub fn expires_at(&self, lease: LeaseId) -> Option<SimTime> {
        self.leases.get(lease).map(|tracked| tracked.expires_at)
    }

    /// Takes out at most `count_max` leases that have expired; each is looked at again after
    /// `retry`. Returns those that were not being revoked already.
    pub fn expire(&mut self, now: SimTime, count_max: usize, retry: SimDuration) -> Vec<LeaseId> {
        let mut found = Vec::new();
        let mut count = 0;
        while count < count_max {
            let Some((look_at, lease)) = self.looks.first().copied() else {
                break;
            };
            if now < look_at {
                break;
            }
            let tracked = self.leases.get_mut(lease).expect("it is looked at");
            let lives_on = !tracked.is_revoked && look_at < tracked.expires_at;
            tracked.look_at = match lives_on {
                true => tracked.expires_at,
                false => now + retry,
            };
            self.looks.remove(&(look_at, lease));
            self.looks.insert((tracked.look_at, lease));
            if lives_on {
                continue;
            }
            count += 1;
            if !std::mem::replace(&mut tracked.is_revoked, true) {
                found.push(lease);
                self.waiting.push_back(lease);
            }
        }
        found
    }

    /// The next revocation, if fewer than `count_max` are under way.
    pub fn next_revocation(&mut self, count_max: usize) -> Option<LeaseId> {
        if count_max <= self.under_way.len() {
            return None;
        }
        let lease = self.waiting.pop_front()?;
        self.under_way.insert(lease);
        Some(lease)
    }

    /// A lease is over.
    pub fn remove(&mut self, lease: LeaseId) {
        self.forget(lease);
        self.under_way.remove(&lease);
        self.waiting.retain(|waiting| *waiting != lease);
    }

    /// The leases whose remaining time is to be replicated now, with the whole seconds that are
    /// left; the next time is `interval` later.
    pub fn due_checkpoints(&mut self, now: SimTime, interval: SimDuration) -> Vec<(LeaseId, u32)> {
        let mut due = Vec::new();
        while let Some((at, lease)) = self.checkpoints.first().copied() {
            if now < at {
                break;
            }
            self.checkpoints.remove(&(at, lease));
            let tracked = self.leases.get_mut(lease).expect("it has a checkpoint");
            let left = SimDuration::from_ns(tracked.expires_at.as_ns().saturating_sub(now.as_ns()));
            if left.is_zero() {
                tracked.checkpoint_at = SimTime::NEVER;
                continue;
            }
            tracked.checkpoint_at = now + interval;
            self.checkpoints.insert((tracked.checkpoint_at, lease));
            due.push((lease, left.as_ns().div_ceil(SECOND.as_ns()) as u32));
        }
        due
    }

    /// A new leader spreads leases that would expire within the same second: at most three
    /// quarters of what it can find in one, unless they are few at all.
    pub fn spread(&mut self, now: SimTime, revoke_count_per_sec: usize) -> Vec<(LeaseId, SimTime)> {
        if self.leases.len() < revoke_count_per_sec {
            return Vec::new();
        }
        let mut by_expiry: Vec<(SimTime, LeaseId)> = self
            .leases
            .iter()
            .map(|(lease, tracked)| (tracked.expires_at, lease))
            .collect();
        by_expiry.sort_unstable();
        let target = (3 * revoke_count_per_sec / 4).max(1);
        let left = |at: SimTime| at.since(now);
        let mut base = left(by_expiry[0].0);
        let mut window_end = base + SECOND;
        let mut count = 0;
        let mut moved = Vec::new();
        for (expires_at, lease) in by_expiry {
            let remaining = left(expires_at);
            if window_end < remaining {
                base = remaining;
                window_end = base + SECOND;
                count = 1;
                continue;
            }
            count += 1;
            if target < count {
                // Those that expire later in the window need less of a delay.
                let delay = SECOND.scaled(count as f64 / target as f64);
                let delay = delay.saturating_sub(remaining - base);
                window_end = base + delay;
                moved.push((lease, expires_at + delay));
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    const RETRY: SimDuration = SimDuration::from_secs(3);

    #[test]
    fn an_expired_lease_is_found_once_and_revocations_are_few_at_once() {
        let mut lessor = Lessor::default();
        for lease in 0..5 {
            lessor.set(LeaseId(lease), at(1_000), SimTime::NEVER);
        }
        lessor.set(LeaseId(4), at(9_000), SimTime::NEVER);
        assert!(lessor.expire(at(999), 10, RETRY).is_empty());
        assert_eq!(lessor.expire(at(1_000), 3, RETRY).len(), 3);
        assert_eq!(lessor.expire(at(1_500), 3, RETRY), [LeaseId(3)]);
        let next = |lessor: &mut Lessor| lessor.next_revocation(2);
        assert_eq!(next(&mut lessor), Some(LeaseId(0)));
        assert_eq!(next(&mut lessor), Some(LeaseId(1)));
        assert_eq!(next(&mut lessor), None);
        lessor.remove(LeaseId(1));
        assert_eq!(next(&mut lessor), Some(LeaseId(2)));
        assert_eq!(lessor.expires_at(LeaseId(1)), None);
    }

    #[test]
    fn leases_that_would_expire_together_are_spread_over_time() {
        let mut lessor = Lessor::default();
        for lease in 0..2_000 {
            lessor.set(LeaseId(lease), at(10_000), SimTime::NEVER);
        }
        let moved = lessor.spread(at(0), 1_000);
        // 750 stay where they are; the last one comes 2000/750 s later.
        assert_eq!(moved.len(), 1_250);
        let (_, last) = moved[1_249];
        let delay = last.since(at(10_000)).as_secs_f64();
        assert!((delay - 2_000.0 / 750.0).abs() < 1e-6, "{delay}");
    }

    #[test]
    fn few_leases_are_not_spread() {
        let mut lessor = Lessor::default();
        lessor.set(LeaseId(0), at(10_000), SimTime::NEVER);
        assert!(lessor.spread(at(0), 1_000).is_empty());
    }

    #[test]
    fn a_checkpoint_has_what_is_left_in_whole_seconds() {
        let mut lessor = Lessor::default();
        lessor.set(LeaseId(0), at(700_000), at(300_000));
        let interval = SimDuration::from_secs(300);
        assert!(lessor.due_checkpoints(at(299_999), interval).is_empty());
        assert_eq!(
            lessor.due_checkpoints(at(300_100), interval),
            [(LeaseId(0), 400)]
        );
        assert_eq!(
            lessor.due_checkpoints(at(600_100), interval),
            [(LeaseId(0), 100)]
        );
    }
}
