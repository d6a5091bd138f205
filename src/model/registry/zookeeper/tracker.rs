//! When sessions expire: the buckets of `ExpiryQueue`.

use std::collections::BTreeMap;

use super::message::SessionId;
use crate::engine::DenseMap;
use crate::time::{SimDuration, SimTime};

/// The boundary at which something expires whose time comes at `at`: strictly the next multiple
/// of `tick`, even where `at` is a multiple itself. Any unit.
pub const fn bucket(at: u64, tick: u64) -> u64 {
    (at / tick + 1) * tick
}

/// A session at the leader.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    /// The boundary at which it expires.
    bucket_ns: u64,
    /// It expired, and its end is proposed.
    is_closing: bool,
}

/// The sessions of a leader. Boundaries lie on multiples of a tick of its own clock.
#[derive(Debug)]
pub struct Tracker {
    tick_ns: u64,
    /// What its clock shows at the start, below a tick.
    clock_ns: u64,
    sessions: DenseMap<SessionId, Tracked>,
    /// Sessions by boundary; those that were moved on are still there, too.
    buckets: BTreeMap<u64, Vec<SessionId>>,
}

impl Tracker {
    /// A tracker without sessions; `clock` is what the clock of its member shows at the start.
    pub fn new(tick: SimDuration, clock: SimDuration) -> Self {
        Tracker {
            tick_ns: tick.as_ns(),
            clock_ns: clock.as_ns() % tick.as_ns(),
            sessions: DenseMap::default(),
            buckets: BTreeMap::new(),
        }
    }

    /// The first boundary after `at`, on the clock of the simulation.
    pub fn next_boundary(&self, at: SimTime) -> SimTime {
        let boundary = bucket(at.as_ns() + self.clock_ns, self.tick_ns);
        SimTime::from_ns(boundary - self.clock_ns)
    }

    /// A session begins, or begins anew under a new leader.
    pub fn track(&mut self, session: SessionId, deadline: SimTime) {
        let bucket_ns = self.next_boundary(deadline).as_ns();
        let tracked = Tracked {
            bucket_ns,
            is_closing: false,
        };
        self.sessions.insert(session, tracked);
        self.buckets.entry(bucket_ns).or_default().push(session);
    }

    /// A session was heard of: it lives until the boundary after `deadline`. Returns whether it
    /// is known and does not expire already.
    pub fn touch(&mut self, session: SessionId, deadline: SimTime) -> bool {
        let bucket_ns = self.next_boundary(deadline).as_ns();
        let Some(tracked) = self.sessions.get_mut(session) else {
            return false;
        };
        if tracked.is_closing {
            return false;
        }
        if tracked.bucket_ns != bucket_ns {
            tracked.bucket_ns = bucket_ns;
            self.buckets.entry(bucket_ns).or_default().push(session);
        }
        true
    }

    /// The sessions that expire at or before `now`, in order of boundary; they are closing.
    pub fn expire(&mut self, now: SimTime) -> Vec<SessionId> {
        let mut expired = Vec::new();
        while let Some(entry) = self.buckets.first_entry() {
            let bucket_ns = *entry.key();
            if now.as_ns() < bucket_ns {
                break;
            }
            for session in entry.remove() {
                if let Some(tracked) = self.sessions.get_mut(session)
                    && tracked.bucket_ns == bucket_ns
                    && !tracked.is_closing
                {
                    tracked.is_closing = true;
                    expired.push(session);
                }
            }
        }
        expired
    }

    /// Whether a session has expired and only its end is not committed.
    pub fn is_closing(&self, session: SessionId) -> bool {
        self.sessions
            .get(session)
            .is_some_and(|tracked| tracked.is_closing)
    }

    /// A session is over.
    pub fn remove(&mut self, session: SessionId) {
        self.sessions.remove(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: SimDuration = SimDuration::from_secs(2);

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    #[test]
    fn a_bucket_is_strictly_the_next_boundary() {
        // Tick 2 s, time plus timeout in tenths of a second.
        assert_eq!(bucket(300, 20), 320);
        assert_eq!(bucket(319, 20), 320);
        assert_eq!(bucket(320, 20), 340);
        for case in crate::oracle::cases("zk_expiry") {
            let at = case.count("last_heard") + case.count("timeout");
            assert_eq!(bucket(at, case.count("tick")) as f64, case.value());
        }
    }

    #[test]
    fn a_touch_moves_a_session_and_a_closing_one_is_refused() {
        let mut tracker = Tracker::new(TICK, SimDuration::ZERO);
        let session = SessionId(7);
        assert!(!tracker.touch(session, at(5_000)), "it is unknown");
        tracker.track(session, at(5_000));
        assert!(tracker.touch(session, at(8_000)));
        assert!(tracker.expire(at(6_000)).is_empty(), "it was moved");
        assert_eq!(tracker.expire(at(10_000)), [session]);
        assert!(!tracker.touch(session, at(15_000)), "it is closing");
        assert!(tracker.expire(at(30_000)).is_empty(), "it expires once");
        tracker.remove(session);
        assert!(!tracker.is_closing(session));
    }

    #[test]
    fn boundaries_follow_the_clock_of_the_member() {
        let tracker = Tracker::new(TICK, SimDuration::from_ms(500));
        // Its clock shows 2 s at 1.5 s.
        assert_eq!(tracker.next_boundary(at(0)), at(1_500));
        assert_eq!(tracker.next_boundary(at(1_500)), at(3_500));
    }
}
