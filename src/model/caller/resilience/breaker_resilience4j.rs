//! resilience4j's circuit breaker (source: `CircuitBreakerStateMachine`, 2.x).
//!
//! Every end is judged as it is recorded. An open breaker turns half-open with the first call
//! after its time; then a fixed number of calls may pass, and it is decided when as many ends are
//! recorded, those of older calls included. Calls that never end block it for good: the published
//! default waits for them without limit.

use std::collections::VecDeque;

use super::breaker::{Breaker, End};
use super::rolling::Rolling;
use crate::model::observation::BreakerState;
use crate::scenario::resilience::{Resilience4jConfig, WindowConfig};
use crate::time::{SimDuration, SimTime};

/// Places among the sums: all calls, failures, slow calls.
type Counts = [i64; 3];

/// One breaker.
#[derive(Debug)]
pub struct Resilience4j {
    config: Resilience4jConfig,
    window: Window,
    state: BreakerState,
    opened_at: SimTime,
    /// Probes that may still be sent.
    probes_left: u32,
}

/// What is counted.
#[derive(Debug)]
enum Window {
    /// The last calls: whether each failed, and was slow.
    Count {
        size: u32,
        ends: VecDeque<(bool, bool)>,
        counts: Counts,
    },
    /// The calls of the last seconds.
    Time(Rolling<3>),
}

impl Window {
    fn count(size: u32) -> Self {
        Window::Count {
            size,
            ends: VecDeque::new(),
            counts: [0; 3],
        }
    }

    fn of(config: &Resilience4jConfig, now: SimTime) -> Self {
        match config.window {
            WindowConfig::Count(size) => Window::count(size),
            WindowConfig::Time { second_count } => {
                let length = SimDuration::from_secs(u64::from(second_count));
                Window::Time(Rolling::new(now, length, second_count))
            }
        }
    }

    /// Records an end and returns what is counted from now on.
    fn record(&mut self, now: SimTime, is_failure: bool, is_slow: bool) -> Counts {
        match self {
            Window::Count { size, ends, counts } => {
                if ends.len() == *size as usize
                    && let Some((was_failure, was_slow)) = ends.pop_front()
                {
                    add(counts, -1, was_failure, was_slow);
                }
                ends.push_back((is_failure, is_slow));
                add(counts, 1, is_failure, is_slow);
                *counts
            }
            Window::Time(rolling) => {
                rolling.add(now, 0, 1);
                rolling.add(now, 1, i64::from(is_failure));
                rolling.add(now, 2, i64::from(is_slow));
                rolling.sums(now)
            }
        }
    }
}

fn add(counts: &mut Counts, amount: i64, is_failure: bool, is_slow: bool) {
    counts[0] += amount;
    counts[1] += amount * i64::from(is_failure);
    counts[2] += amount * i64::from(is_slow);
}

impl Resilience4j {
    /// A closed breaker.
    pub fn new(config: Resilience4jConfig, now: SimTime) -> Self {
        Resilience4j {
            config,
            window: Window::of(&config, now),
            state: BreakerState::Closed,
            opened_at: SimTime::START,
            probes_left: 0,
        }
    }

    /// Fewest calls that are judged: a window that is smaller is judged when it is full.
    fn call_count_min(&self) -> i64 {
        let size = match (self.state, self.config.window) {
            (BreakerState::HalfOpen, _) => self.config.probe_count,
            (_, WindowConfig::Count(size)) => size,
            (_, WindowConfig::Time { .. }) => u32::MAX,
        };
        i64::from(self.config.call_count_min.min(size))
    }

    fn is_over(&self, now: SimTime) -> bool {
        self.opened_at + self.config.open_duration < now
    }

    fn judge(&mut self, now: SimTime, [calls, failures, slow]: Counts) {
        if self.state == BreakerState::Open || calls < self.call_count_min() {
            return;
        }
        // A quotient of counts is the number closest to it, as the ratio of the scenario is.
        let reaches = |ratio: f64, count: i64| ratio <= count as f64 / calls as f64;
        let is_bad =
            reaches(self.config.failure_ratio, failures) || reaches(self.config.slow_ratio, slow);
        match (is_bad, self.state) {
            (true, _) => {
                self.state = BreakerState::Open;
                self.opened_at = now;
            }
            (false, BreakerState::HalfOpen) => {
                self.state = BreakerState::Closed;
                self.window = Window::of(&self.config, now);
            }
            (false, BreakerState::Closed | BreakerState::Open) => {}
        }
    }
}

impl Breaker for Resilience4j {
    fn permits(&mut self, now: SimTime) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => self.is_over(now),
            BreakerState::HalfOpen => 0 < self.probes_left,
        }
    }

    fn on_sent(&mut self, now: SimTime) {
        if self.state == BreakerState::Open && self.is_over(now) {
            self.state = BreakerState::HalfOpen;
            self.probes_left = self.config.probe_count;
            self.window = Window::count(self.config.probe_count);
        }
        if self.state == BreakerState::HalfOpen {
            self.probes_left = self.probes_left.saturating_sub(1);
        }
    }

    fn on_ended(&mut self, now: SimTime, end: End) {
        let (is_failure, length) = match end {
            End::Success(length) => (false, length),
            End::Failure(length) => (true, length),
            End::GivenUp => {
                self.probes_left = (self.probes_left + 1).min(self.config.probe_count);
                return;
            }
        };
        let is_slow = self.config.slow_duration < length;
        let counts = self.window.record(now, is_failure, is_slow);
        self.judge(now, counts);
    }

    fn is_quiet(&mut self, _now: SimTime) -> bool {
        self.state == BreakerState::Closed
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

    /// The published defaults.
    fn breaker(window: WindowConfig) -> Resilience4j {
        let config = Resilience4jConfig {
            window,
            call_count_min: 100,
            failure_ratio: 0.5,
            slow_ratio: 1.0,
            slow_duration: SimDuration::from_secs(60),
            open_duration: SimDuration::from_secs(60),
            probe_count: 10,
        };
        Resilience4j::new(config, SimTime::START)
    }

    fn end(breaker: &mut Resilience4j, at_ms: u64, count: u32, end: End) {
        (0..count).for_each(|_| breaker.on_ended(at(at_ms), end));
    }

    #[test]
    fn a_ratio_that_is_reached_opens_it() {
        for failure_count in 1..=100 {
            let mut breaker = breaker(WindowConfig::Count(100));
            breaker.config.failure_ratio = f64::from(failure_count) / 100.0;
            end(&mut breaker, 0, 100 - failure_count, OK);
            end(&mut breaker, 0, failure_count - 1, BAD);
            assert!(breaker.permits(at(1)), "{failure_count}");
            end(&mut breaker, 2, 1, BAD);
            assert!(!breaker.permits(at(3)), "{failure_count}");
        }
    }

    #[test]
    fn it_takes_a_hundred_calls_to_open() {
        let mut breaker = breaker(WindowConfig::Count(100));
        end(&mut breaker, 0, 99, BAD);
        assert!(breaker.permits(at(0)));
        end(&mut breaker, 1, 1, BAD);
        assert!(!breaker.permits(at(1)));
    }

    #[test]
    fn the_count_window_forgets_the_oldest_call() {
        let mut breaker = breaker(WindowConfig::Count(100));
        end(&mut breaker, 0, 60, OK);
        end(&mut breaker, 0, 49, BAD);
        // The window holds 51 good and 49 bad ones: 49 %. One more bad one makes 50 %.
        assert!(breaker.permits(at(0)));
        end(&mut breaker, 0, 1, BAD);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn the_time_window_forgets_by_seconds() {
        let mut breaker = breaker(WindowConfig::Time { second_count: 10 });
        end(&mut breaker, 0, 200, OK);
        end(&mut breaker, 9_000, 100, BAD);
        assert_eq!(breaker.state(), BreakerState::Closed);
        // At 10 s the good ones are gone; the next end is judged against 101 bad ones.
        end(&mut breaker, 10_000, 1, BAD);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn slow_calls_open_it_too() {
        let mut breaker = breaker(WindowConfig::Count(100));
        let slow = End::Success(SimDuration::from_secs(61));
        end(&mut breaker, 0, 99, slow);
        end(&mut breaker, 0, 1, End::Success(SimDuration::from_secs(60)));
        // 60 s are not slower than 60 s, so it is 99 of 100.
        assert_eq!(breaker.state(), BreakerState::Closed);
        end(&mut breaker, 0, 100, slow);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn half_open_begins_with_a_call_and_ends_when_all_probes_are_recorded() {
        let mut breaker = breaker(WindowConfig::Count(100));
        end(&mut breaker, 0, 100, BAD);
        assert!(!breaker.permits(at(60_000)));
        assert!(breaker.permits(at(60_001)));
        assert_eq!(breaker.state(), BreakerState::Open);
        (0..10).for_each(|_| breaker.on_sent(at(60_001)));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        // Nine of ten have ended; the tenth is stuck, and nothing passes for as long as it is.
        end(&mut breaker, 60_100, 9, OK);
        assert!(!breaker.permits(at(10_000_000)));
        // Nine good ones and one bad one are 10 %: closed, with an empty window.
        end(&mut breaker, 10_000_000, 1, BAD);
        assert_eq!(breaker.state(), BreakerState::Closed);
        end(&mut breaker, 10_000_000, 99, BAD);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn five_bad_probes_of_ten_open_it_again() {
        let mut breaker = breaker(WindowConfig::Count(100));
        end(&mut breaker, 0, 100, BAD);
        (0..10).for_each(|_| breaker.on_sent(at(61_000)));
        end(&mut breaker, 61_000, 5, OK);
        end(&mut breaker, 61_000, 4, BAD);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        end(&mut breaker, 62_000, 1, BAD);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(!breaker.permits(at(122_000)));
        assert!(breaker.permits(at(122_001)));
    }

    #[test]
    fn a_probe_that_is_given_up_leaves_room_for_another() {
        let mut breaker = breaker(WindowConfig::Count(100));
        end(&mut breaker, 0, 100, BAD);
        (0..10).for_each(|_| breaker.on_sent(at(61_000)));
        assert!(!breaker.permits(at(61_000)));
        breaker.on_ended(at(61_000), End::GivenUp);
        assert!(breaker.permits(at(61_000)));
    }
}
