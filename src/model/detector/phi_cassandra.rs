//! Phi accrual as Cassandra does it: exponential intervals.
//!
//! Source: Apache Cassandra 4.x, `FailureDetector.java`. Phi is the elapsed time over the mean
//! interval, divided by `ln 10`, and convicts when it is above the threshold: after 18.42 means
//! with the threshold of 8. The window begins with a large interval; intervals beyond the largest
//! are not recorded. Cassandra's heartbeats travel by gossip; here every instance sends its own.

use super::judge::{Beat, Judge};
use super::window::Window;
use crate::scenario::detector::CassandraConfig;

/// Suspects as Cassandra's detector does.
#[derive(Clone, Debug)]
pub struct PhiCassandra {
    intervals: Window,
    threshold: f64,
    interval_max_ns: u64,
    last_ns: u64,
    largest: u64,
    has_heard: bool,
    trusted_until_ns: u64,
}

impl PhiCassandra {
    /// Begins at `start_ns`: to learn of an instance counts as its first heartbeat.
    pub fn new(config: CassandraConfig, start_ns: u64) -> Self {
        let mut intervals = Window::new(config.window);
        intervals.push(super::arrival_estimate::signed(
            config.initial_interval.as_ns(),
        ));
        let mut judge = PhiCassandra {
            intervals,
            threshold: config.threshold,
            interval_max_ns: config.interval_max.as_ns(),
            last_ns: start_ns,
            largest: 0,
            has_heard: false,
            trusted_until_ns: 0,
        };
        judge.trusted_until_ns = start_ns + judge.first_elapsed_ns();
        judge
    }

    /// The fewest nanoseconds after which phi is above the threshold.
    fn first_elapsed_ns(&self) -> u64 {
        let mean = self.intervals.mean();
        let is_above = |ns: u64| self.threshold < phi(ns as f64, mean);
        let mut elapsed = (self.threshold * std::f64::consts::LN_10 * mean).ceil() as u64;
        while 0 < elapsed && is_above(elapsed - 1) {
            elapsed -= 1;
        }
        while !is_above(elapsed) {
            elapsed += 1;
        }
        elapsed
    }
}

/// The level of suspicion after `elapsed`.
fn phi(elapsed: f64, mean: f64) -> f64 {
    1.0 / std::f64::consts::LN_10 * (elapsed / mean)
}

impl Judge for PhiCassandra {
    fn on_heartbeat(&mut self, beat: Beat) {
        if beat.number <= self.largest {
            return;
        }
        self.largest = beat.number;
        let interval = beat.arrived_ns.saturating_sub(self.last_ns);
        // Who is learned of by its heartbeat is reported once.
        if !std::mem::replace(&mut self.has_heard, true) && interval == 0 {
            return;
        }
        if interval <= self.interval_max_ns {
            self.intervals
                .push(super::arrival_estimate::signed(interval));
        }
        self.last_ns = beat.arrived_ns;
        self.trusted_until_ns = beat.arrived_ns + self.first_elapsed_ns();
    }

    fn trusted_until_ns(&self) -> u64 {
        self.trusted_until_ns
    }

    fn survives_restart(&self, is_suspected: bool) -> bool {
        !is_suspected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::time::SimDuration;

    const CONFIG: CassandraConfig = CassandraConfig {
        threshold: 8.0,
        window: 1_000,
        initial_interval: SimDuration::from_secs(2),
        interval_max: SimDuration::from_secs(2),
        local_pause_max: SimDuration::from_secs(5),
    };

    #[test]
    fn phi_is_that_of_the_exponential_law() {
        for case in oracle::cases("phi_exponential") {
            case.assert_met_by(phi(case.number("t"), case.number("mean")));
        }
    }

    #[test]
    fn conviction_follows_8_ln_10_means_after_the_last_heartbeat() {
        for case in oracle::cases("phi_timeout") {
            if case.param("law") == "exponential" {
                let mean_ns = case.number("mean") * 1e6;
                let judge = PhiCassandra::new(
                    CassandraConfig {
                        threshold: case.number("phi"),
                        initial_interval: SimDuration::from_ns(mean_ns as u64),
                        ..CONFIG
                    },
                    7,
                );
                let elapsed_ns = (judge.trusted_until_ns() - 7) as f64;
                // The first whole nanosecond beyond.
                let exact_ns = case.value() * 1e6;
                assert!(exact_ns < elapsed_ns && elapsed_ns <= exact_ns + 1.0);
            }
        }
    }

    #[test]
    fn the_first_interval_is_a_guess_and_long_ones_are_not_recorded() {
        let mut judge = PhiCassandra::new(CONFIG, 0);
        assert_eq!(judge.intervals.mean(), 2e9);
        let mut hear = |number, secs: u64| {
            judge.on_heartbeat(Beat {
                number,
                sent_ns: 0,
                arrived_ns: secs * 1_000_000_000,
            });
            judge.intervals.mean()
        };
        assert_eq!(hear(1, 1), 1.5e9);
        assert_eq!(hear(2, 2), 4e9 / 3.0);
        assert_eq!(hear(3, 10), 4e9 / 3.0);
        // A number that is not news is gossip of the past.
        assert_eq!(hear(3, 11), 4e9 / 3.0);
        assert_eq!(hear(4, 12), 1.5e9);
    }
}
