//! NFD-S: freshness points on a clock that both sides share.
//!
//! Source: Chen, Toueg, Aguilera, IEEE Transactions on Computers 51(5), 2002. Heartbeat `i` leaves
//! at `s_i`, one interval after the one before; its freshness point is `s_i + delta`. From one
//! freshness point to the next the instance is trusted if that heartbeat or a later one has
//! arrived. The detection time is at most `interval + delta`, whatever the delays are. The paper
//! suspects until the first heartbeat comes; here it is trusted until the first freshness point.

use super::judge::{Beat, Judge};
use crate::time::SimDuration;

/// Suspects by freshness points of the sender's clock.
#[derive(Clone, Debug)]
pub struct ChenNfdS {
    /// From the sending of a heartbeat to the freshness point of the next one.
    fresh_ns: u64,
    trusted_until_ns: u64,
}

impl ChenNfdS {
    /// The first heartbeat is due at `first_ns`.
    pub fn new(interval: SimDuration, delta: SimDuration, first_ns: u64) -> Self {
        ChenNfdS {
            fresh_ns: interval.as_ns().saturating_add(delta.as_ns()),
            trusted_until_ns: first_ns.saturating_add(delta.as_ns()),
        }
    }
}

impl Judge for ChenNfdS {
    fn on_heartbeat(&mut self, beat: Beat) {
        let fresh_until = beat.sent_ns.saturating_add(self.fresh_ns);
        self.trusted_until_ns = self.trusted_until_ns.max(fresh_until);
    }

    fn trusted_until_ns(&self) -> u64 {
        self.trusted_until_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_heartbeat_is_judged_by_when_it_was_sent() {
        let (interval, delta) = (SimDuration::from_ns(100), SimDuration::from_ns(30));
        let mut judge = ChenNfdS::new(interval, delta, 50);
        assert_eq!(judge.trusted_until_ns(), 80);
        let beat = |number, sent_ns, arrived_ns| Beat {
            number,
            sent_ns,
            arrived_ns,
        };
        judge.on_heartbeat(beat(3, 250, 251));
        assert_eq!(judge.trusted_until_ns(), 380);
        // An older one arrives later and changes nothing.
        judge.on_heartbeat(beat(2, 150, 379));
        assert_eq!(judge.trusted_until_ns(), 380);
        // This one comes after its own freshness point, but before that of the next.
        judge.on_heartbeat(beat(4, 350, 400));
        assert_eq!(judge.trusted_until_ns(), 480);
    }
}
