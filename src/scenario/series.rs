//! How wide the windows of time series are.

use super::Scenario;
use crate::time::SimDuration;

/// Windows that a series holds at most.
pub const WINDOW_COUNT_MAX: u64 = 2_000;

/// Windows of all clients and classes together at most; each has a histogram.
const CLIENT_WINDOW_COUNT_MAX: u64 = 16_000;

impl Scenario {
    /// The width of the windows of its requests and their number: `window`, doubled until the run
    /// has few enough of them.
    pub fn series_windows(&self) -> (SimDuration, usize) {
        let series_count = self.clients.len() + self.classes.count() - 1;
        let count_max = (CLIENT_WINDOW_COUNT_MAX / series_count.max(1) as u64).max(1);
        let count_max = count_max.min(WINDOW_COUNT_MAX);
        doubled_width(self.window, self.duration, count_max)
    }
}

/// `width`, doubled until at most `count_max` windows cover `duration`; and their number.
pub fn doubled_width(
    width: SimDuration,
    duration: SimDuration,
    count_max: u64,
) -> (SimDuration, usize) {
    let mut width = width.as_ns().max(1);
    while count_max < duration.as_ns().div_ceil(width) {
        width = width.saturating_mul(2);
    }
    let count = duration.as_ns().div_ceil(width);
    (SimDuration::from_ns(width), count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_doubles_until_the_windows_are_few_enough() {
        let secs = SimDuration::from_secs;
        assert_eq!(doubled_width(secs(1), secs(2_000), 2_000), (secs(1), 2_000));
        assert_eq!(doubled_width(secs(1), secs(2_001), 2_000), (secs(2), 1_001));
        assert_eq!(doubled_width(secs(1), secs(8_001), 2_000), (secs(8), 1_001));
    }
}
