//! Adaptive throttling (Google, Site Reliability Engineering, chapter 21): a calling side turns
//! requests away by itself once the service accepts too few of them.

use super::rolling::Rolling;
use crate::scenario::resilience::ThrottleConfig;
use crate::time::SimTime;

/// Slices of the window.
const SLICE_COUNT: u32 = 12;
/// Place of the requests among the sums.
const REQUESTS: usize = 0;
/// Place of the accepted ones among the sums.
const ACCEPTS: usize = 1;

/// The state of one calling side.
#[derive(Clone, Debug)]
pub struct Throttle {
    k: f64,
    counts: Rolling<2>,
}

impl Throttle {
    /// A throttle that has seen nothing.
    pub fn new(config: &ThrottleConfig, now: SimTime) -> Self {
        Throttle {
            k: config.k,
            counts: Rolling::new(now, config.window, SLICE_COUNT),
        }
    }

    /// Counts a request, and says whether it is turned away; `uniform` is its coin, on `[0, 1)`.
    /// It is counted before it is sent and even if it is turned away: with several requests under
    /// way too few would be turned away otherwise. The coin is judged by those before it.
    pub fn rejects(&mut self, now: SimTime, uniform: f64) -> bool {
        let [requests, accepts] = self.counts.sums(now);
        self.counts.add(now, REQUESTS, 1);
        uniform < rejection_probability(requests as f64, accepts as f64, self.k)
    }

    /// The service accepted a request: it worked on it.
    pub fn on_accepted(&mut self, now: SimTime) {
        self.counts.add(now, ACCEPTS, 1);
    }
}

/// `max(0, (requests - k accepts) / (requests + 1))`.
pub fn rejection_probability(requests: f64, accepts: f64, k: f64) -> f64 {
    ((requests - k * accepts) / (requests + 1.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimDuration;

    #[test]
    fn published_vectors_hold() {
        let vectors = [
            (100.0, 100.0, 0.0),
            (100.0, 50.0, 0.0),
            (100.0, 40.0, 0.198),
            (1_000.0, 100.0, 0.7992),
            (1_000.0, 0.0, 0.999),
            (10.0, 0.0, 0.909),
        ];
        for (requests, accepts, expected) in vectors {
            let got = rejection_probability(requests, accepts, 2.0);
            assert!(
                (got - expected).abs() < 5e-4,
                "({requests}, {accepts}): {got}"
            );
        }
    }

    #[test]
    fn requests_count_before_they_are_sent_and_when_they_are_turned_away() {
        let config = ThrottleConfig {
            k: 2.0,
            window: SimDuration::from_secs(120),
        };
        let mut throttle = Throttle::new(&config, SimTime::START);
        // Nothing before it: never turned away. Then 1/2, 2/3, 3/4 of the coins.
        assert!(!throttle.rejects(SimTime::START, 0.0));
        assert!(throttle.rejects(SimTime::START, 0.499));
        assert!(throttle.rejects(SimTime::START, 0.666));
        assert!(!throttle.rejects(SimTime::START, 0.751));
        // Four requests and two accepted: 4 - 2 x 2 = 0.
        throttle.on_accepted(SimTime::START);
        throttle.on_accepted(SimTime::START);
        assert!(!throttle.rejects(SimTime::START, 0.0));
    }
}
