//! NFD-E: freshness points a constant margin after estimated arrivals.
//!
//! Source: Chen, Toueg, Aguilera, IEEE Transactions on Computers 51(5), 2002. Clocks need not be
//! the same. The detection time is at most `interval + alpha` plus the mean delay, as far as the
//! estimate is right. Before the first heartbeat the instance is trusted for `interval + alpha`.

use super::arrival_estimate::{ArrivalEstimate, unsigned};
use super::judge::{Beat, Judge};
use crate::time::SimDuration;

/// Suspects a constant margin after the estimated arrival.
#[derive(Clone, Debug)]
pub struct ChenNfdE {
    estimate: ArrivalEstimate,
    alpha_ns: u64,
    trusted_until_ns: u64,
}

impl ChenNfdE {
    /// Begins at `start_ns`.
    pub fn new(interval_ns: u64, alpha: SimDuration, window: u32, start_ns: u64) -> Self {
        let grace = interval_ns.saturating_add(alpha.as_ns());
        ChenNfdE {
            estimate: ArrivalEstimate::new(interval_ns, window),
            alpha_ns: alpha.as_ns(),
            trusted_until_ns: start_ns.saturating_add(grace),
        }
    }
}

impl Judge for ChenNfdE {
    fn on_heartbeat(&mut self, beat: Beat) {
        if !self.estimate.is_news(beat.number) {
            return;
        }
        self.estimate.take(beat);
        let expected = self.estimate.expected_ns(beat.number + 1);
        let expected = expected.expect("a heartbeat has arrived");
        self.trusted_until_ns = unsigned(expected).saturating_add(self.alpha_ns);
    }

    fn trusted_until_ns(&self) -> u64 {
        self.trusted_until_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_freshness_point_is_the_margin_after_the_expected_arrival() {
        let mut judge = ChenNfdE::new(100, SimDuration::from_ns(40), 3, 0);
        assert_eq!(judge.trusted_until_ns(), 140);
        let mut hear = |number, arrived_ns| {
            judge.on_heartbeat(Beat {
                number,
                sent_ns: 0,
                arrived_ns,
            });
            judge.trusted_until_ns()
        };
        // Delays 10, 20 and 60 after 100 i: their means are 10, 15 and 30.
        assert_eq!(hear(1, 110), 200 + 10 + 40);
        assert_eq!(hear(2, 220), 300 + 15 + 40);
        assert_eq!(hear(3, 360), 400 + 30 + 40);
        // An old one that comes late tells nothing.
        assert_eq!(hear(1, 470), 470);
    }
}
