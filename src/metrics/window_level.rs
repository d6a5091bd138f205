//! Means over time, by window, of what changes at instants.

use super::histogram::float;
use crate::scenario::Scenario;
use crate::scenario::series::doubled_width;
use crate::time::{SimDuration, SimTime};

/// The windows that levels are averaged over: the last one ends with the measured part of the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelWindows {
    /// Width of all but the last one, which may be shorter.
    pub width: SimDuration,
    /// How many there are.
    pub count: usize,
    end: SimTime,
}

/// A level and its integral over time by window.
#[derive(Clone, Debug, Default)]
pub struct WindowLevel {
    level: f64,
    since: SimTime,
    /// Level times nanoseconds; empty where it is not followed.
    sums_ns: Vec<f64>,
}

impl LevelWindows {
    /// At most `count_max` windows for a run of `scenario`.
    pub fn new(scenario: &Scenario, count_max: u64) -> Self {
        let (width, count) = doubled_width(scenario.window, scenario.duration, count_max);
        LevelWindows {
            width,
            count,
            end: SimTime::START + scenario.duration,
        }
    }

    /// The window of an instant; it does not exist for instants after the last one.
    #[inline]
    pub fn place(&self, at: SimTime) -> usize {
        (at.as_ns() / self.width.as_ns()) as usize
    }

    /// How long a window lasts, in nanoseconds.
    fn length_ns(&self, window: usize) -> u64 {
        let start_ns = self.width.as_ns().saturating_mul(window as u64);
        self.width.as_ns().min(self.end.as_ns() - start_ns)
    }
}

impl WindowLevel {
    /// Holds `level` from the start of the run.
    pub fn new(level: f64, windows: LevelWindows) -> Self {
        WindowLevel {
            level,
            since: SimTime::START,
            sums_ns: vec![0.0; windows.count],
        }
    }

    /// What it is at present.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// It is `level` from now on.
    pub fn set(&mut self, at: SimTime, windows: LevelWindows, level: f64) {
        let width_ns = windows.width.as_ns();
        let (mut from, to) = (self.since.as_ns(), at.min(windows.end).as_ns());
        while self.level != 0.0 && from < to {
            let window = from / width_ns;
            let Some(sum) = self.sums_ns.get_mut(window as usize) else {
                break;
            };
            let end = width_ns.saturating_mul(window + 1).min(to);
            *sum += self.level * float(end - from);
            from = end;
        }
        (self.level, self.since) = (level, at);
    }

    /// The run is over.
    pub fn close(&mut self, at: SimTime, windows: LevelWindows) {
        self.set(at, windows, self.level);
    }

    /// Mean over time, by window.
    pub fn means(&self, windows: LevelWindows) -> Vec<f64> {
        let sums = self.sums_ns.iter().enumerate();
        let mean = |(window, sum): (usize, &f64)| sum / float(windows.length_ns(window));
        sums.map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_averaged_over_each_window_that_it_spans() {
        let at = |secs: u64| SimTime::START + SimDuration::from_secs(secs);
        let windows = LevelWindows {
            width: SimDuration::from_secs(10),
            count: 4,
            end: at(35),
        };
        let mut level = WindowLevel::new(0.0, windows);
        level.set(at(4), windows, 2.0);
        level.set(at(25), windows, 5.0);
        // The last window ends with the measured part, after 5 s; what follows counts nowhere.
        level.set(at(38), windows, 1_000.0);
        level.close(at(39), windows);
        // 6 s x 2, 10 s x 2, 5 s x 2 + 5 s x 5, 5 s x 5 of 5 s.
        assert_eq!(level.means(windows), [1.2, 2.0, 3.5, 5.0]);
    }
}
