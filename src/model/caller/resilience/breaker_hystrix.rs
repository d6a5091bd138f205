//! Hystrix's circuit breaker (source: `HystrixCircuitBreaker` and `HealthCountsStream`, 1.5).
//!
//! It looks at the counts of its window at fixed times and opens if there are enough calls and too
//! many failures; between two looks nothing opens it. Once it has been open for its time, one call
//! probes, and the next end of any call decides: one that was sent before it opened does, too.

use super::breaker::{Breaker, End};
use super::rolling::Rolling;
use crate::model::observation::BreakerState;
use crate::scenario::resilience::HystrixConfig;
use crate::time::{SimDuration, SimTime};

/// Place of all calls among the sums.
const CALLS: usize = 0;
/// Place of the failures among the sums.
const FAILURES: usize = 1;

/// One breaker.
#[derive(Debug)]
pub struct Hystrix {
    config: HystrixConfig,
    counts: Rolling<2>,
    next_look_at: SimTime,
    state: BreakerState,
    opened_at: SimTime,
}

impl Hystrix {
    /// A closed breaker, which takes its first look after an interval.
    pub fn new(config: HystrixConfig, now: SimTime) -> Self {
        Hystrix {
            config,
            counts: Rolling::new(now, config.window, config.bucket_count),
            next_look_at: now + config.snapshot_interval,
            state: BreakerState::Closed,
            opened_at: SimTime::START,
        }
    }

    /// Takes the looks that were due up to now. The counts after the last end of a call change
    /// only as slices leave the window, so looks past one window all see nothing.
    fn look(&mut self, now: SimTime) {
        let window_end = self.next_look_at + self.config.window;
        while self.next_look_at <= now && self.next_look_at <= window_end {
            let at = self.next_look_at;
            self.next_look_at = at + self.config.snapshot_interval;
            if self.state != BreakerState::Closed {
                continue;
            }
            let counts = self.counts.sums(at);
            let is_enough = i64::from(self.config.call_count_min) <= counts[CALLS];
            // A quotient of counts is the number closest to it, as the ratio of the scenario is.
            let ratio = counts[FAILURES] as f64 / counts[CALLS] as f64;
            if is_enough && 0 < counts[CALLS] && self.config.failure_ratio <= ratio {
                self.state = BreakerState::Open;
                self.opened_at = at;
            }
        }
        if self.next_look_at <= now {
            let interval_ns = self.config.snapshot_interval.as_ns();
            let late_ns = now.since(self.next_look_at).as_ns();
            let skipped = SimDuration::from_ns((late_ns / interval_ns + 1) * interval_ns);
            self.next_look_at = self.next_look_at + skipped;
        }
    }
}

impl Breaker for Hystrix {
    fn permits(&mut self, now: SimTime) -> bool {
        self.look(now);
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => self.opened_at + self.config.open_duration < now,
            BreakerState::HalfOpen => false,
        }
    }

    fn on_sent(&mut self, now: SimTime) {
        if self.state == BreakerState::Open && self.opened_at + self.config.open_duration < now {
            self.state = BreakerState::HalfOpen;
        }
    }

    fn on_ended(&mut self, now: SimTime, end: End) {
        self.look(now);
        let is_success = match end {
            End::Success(_) => true,
            End::Failure(_) => false,
            End::GivenUp => {
                // The probe that was given up leaves room for another.
                if self.state == BreakerState::HalfOpen {
                    self.state = BreakerState::Open;
                }
                return;
            }
        };
        self.counts.add(now, CALLS, 1);
        self.counts.add(now, FAILURES, i64::from(!is_success));
        match (self.state, is_success) {
            (BreakerState::HalfOpen, true) => {
                self.state = BreakerState::Closed;
                self.counts.clear();
            }
            (BreakerState::HalfOpen, false) => {
                self.state = BreakerState::Open;
                self.opened_at = now;
            }
            (BreakerState::Closed | BreakerState::Open, _) => {}
        }
    }

    fn is_quiet(&mut self, now: SimTime) -> bool {
        self.state == BreakerState::Closed && self.counts.sums(now)[FAILURES] == 0
    }

    fn state(&self) -> BreakerState {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: End = End::Success(SimDuration::ZERO);
    const BAD: End = End::Failure(SimDuration::ZERO);

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    fn breaker() -> Hystrix {
        let config = HystrixConfig {
            window: SimDuration::from_secs(10),
            bucket_count: 10,
            snapshot_interval: SimDuration::from_ms(500),
            call_count_min: 20,
            failure_ratio: 0.5,
            open_duration: SimDuration::from_secs(5),
        };
        Hystrix::new(config, SimTime::START)
    }

    fn end(breaker: &mut Hystrix, at_ms: u64, count: u32, end: End) {
        (0..count).for_each(|_| breaker.on_ended(at(at_ms), end));
    }

    #[test]
    fn it_opens_at_the_next_look_and_not_before() {
        let mut breaker = breaker();
        end(&mut breaker, 100, 10, OK);
        end(&mut breaker, 100, 10, BAD);
        assert!(breaker.permits(at(499)));
        assert!(!breaker.permits(at(500)));
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn below_twenty_calls_or_half_failures_it_stays_closed() {
        let mut few = breaker();
        end(&mut few, 100, 19, BAD);
        assert!(few.permits(at(600)));
        let mut good = breaker();
        end(&mut good, 100, 11, OK);
        end(&mut good, 100, 10, BAD);
        assert!(good.permits(at(600)));
    }

    #[test]
    fn failures_stay_when_older_successes_leave_the_window() {
        let mut breaker = breaker();
        end(&mut breaker, 100, 30, OK);
        end(&mut breaker, 1_100, 25, BAD);
        // 25 of 55 up to 10 s; from then on 25 of 25. Nobody called in between.
        assert!(breaker.permits(at(9_999)));
        assert!(!breaker.permits(at(10_000)));
        // Opened at 10 s, it lets one call pass after 15 s.
        assert!(!breaker.permits(at(15_000)));
        assert!(breaker.permits(at(15_001)));
    }

    #[test]
    fn one_probe_decides() {
        let mut breaker = breaker();
        end(&mut breaker, 100, 20, BAD);
        assert!(!breaker.permits(at(600)));
        assert!(breaker.permits(at(5_600)));
        breaker.on_sent(at(5_600));
        assert!(!breaker.permits(at(5_700)));
        end(&mut breaker, 5_800, 1, BAD);
        // Open for 5 s more, from the end of the probe.
        assert!(!breaker.permits(at(10_800)));
        assert!(breaker.permits(at(10_801)));
        breaker.on_sent(at(10_801));
        end(&mut breaker, 10_900, 1, OK);
        // Closed, and what was counted is forgotten.
        assert_eq!(breaker.state(), BreakerState::Closed);
        end(&mut breaker, 10_950, 19, BAD);
        assert!(breaker.permits(at(11_600)));
    }

    #[test]
    fn a_long_silence_costs_no_looks() {
        let mut breaker = breaker();
        end(&mut breaker, 100, 19, BAD);
        assert!(breaker.permits(at(1_000_000_000)));
        end(&mut breaker, 1_000_000_100, 20, BAD);
        assert!(breaker.permits(at(1_000_000_499)));
        assert!(!breaker.permits(at(1_000_000_500)));
    }
}
