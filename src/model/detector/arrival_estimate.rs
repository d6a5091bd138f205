//! When the next heartbeat is expected, by Chen's estimate.
//!
//! Source: Chen, Toueg, Aguilera, IEEE Transactions on Computers 51(5), 2002: the arrival of
//! heartbeat `l + 1` is expected at the mean of `A_i - interval * i` over the last heartbeats, plus
//! `(l + 1) * interval`. The mean is rounded down to a nanosecond.

use super::judge::Beat;
use super::window::Window;

/// Estimates arrivals from those of the last heartbeats.
#[derive(Clone, Debug)]
pub struct ArrivalEstimate {
    interval_ns: i64,
    /// Arrivals, each shifted by its number of intervals.
    shifted: Window,
    largest: Option<u64>,
}

impl ArrivalEstimate {
    /// Nothing has arrived yet.
    pub fn new(interval_ns: u64, window: u32) -> Self {
        ArrivalEstimate {
            interval_ns: i64::try_from(interval_ns).unwrap_or(i64::MAX),
            shifted: Window::new(window),
            largest: None,
        }
    }

    /// Whether a heartbeat is newer than all that came before. Others tell nothing.
    pub fn is_news(&self, number: u64) -> bool {
        self.largest.is_none_or(|largest| largest < number)
    }

    /// Takes in the arrival of a heartbeat that is news.
    pub fn take(&mut self, beat: Beat) {
        self.largest = Some(beat.number);
        self.shifted
            .push(signed(beat.arrived_ns).saturating_sub(self.since_start(beat.number)));
    }

    /// When heartbeat `number` is expected; None before anything has arrived.
    pub fn expected_ns(&self, number: u64) -> Option<i64> {
        let since_start = self.since_start(number);
        (!self.shifted.is_empty()).then(|| self.shifted.mean_floor().saturating_add(since_start))
    }

    fn since_start(&self, number: u64) -> i64 {
        self.interval_ns.saturating_mul(signed(number))
    }
}

/// A time as a number that may be subtracted.
pub fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// A time that may lie before the start.
pub fn unsigned(ns: i64) -> u64 {
    u64::try_from(ns).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_mean_delay_after_the_nominal_instant() {
        let mut estimate = ArrivalEstimate::new(100, 2);
        assert_eq!(estimate.expected_ns(1), None);
        let delays = [(1, 7), (2, 10), (4, 21)];
        for (number, delay) in delays {
            estimate.take(Beat {
                number,
                sent_ns: number * 100,
                arrived_ns: number * 100 + delay,
            });
        }
        // The mean of the last two, 15.5, rounded down.
        assert_eq!(estimate.expected_ns(5), Some(515));
        assert!(!estimate.is_news(3));
        assert!(estimate.is_news(5));
    }
}
