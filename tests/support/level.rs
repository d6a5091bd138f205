//! Levels over time: how many requests are in a system, how many workers are busy.

use stormglass::time::SimTime;

/// A number that changes in steps, with the time that it spent at each value.
#[derive(Debug)]
pub struct Level {
    level: usize,
    since: SimTime,
    /// Where the measured window begins and ends.
    window: (SimTime, SimTime),
    /// Nanoseconds at each level within the window.
    ns_at: Vec<u64>,
    /// Level times nanoseconds, over the whole run.
    area_ns: u128,
}

impl Level {
    /// Zero from the start.
    pub fn new(window: (SimTime, SimTime)) -> Self {
        Level {
            level: 0,
            since: SimTime::START,
            window,
            ns_at: Vec::new(),
            area_ns: 0,
        }
    }

    /// The level.
    pub fn level(&self) -> usize {
        self.level
    }

    /// The level is `level` from `at` on.
    pub fn set(&mut self, at: SimTime, level: usize) {
        let since = std::mem::replace(&mut self.since, at);
        self.area_ns += u128::from(at.since(since).as_ns()) * self.level as u128;
        let (from, to) = (since.max(self.window.0), at.min(self.window.1));
        if from < to {
            if self.level >= self.ns_at.len() {
                self.ns_at.resize(self.level + 1, 0);
            }
            self.ns_at[self.level] += to.since(from).as_ns();
        }
        self.level = level;
    }

    /// One more.
    pub fn rise(&mut self, at: SimTime) {
        self.set(at, self.level + 1);
    }

    /// One less.
    pub fn fall(&mut self, at: SimTime) {
        self.set(at, self.level - 1);
    }

    /// Level times nanoseconds, over the whole run.
    pub fn area_ns(&self) -> u128 {
        self.area_ns
    }

    /// Share of the window at more than `level`.
    pub fn ratio_above(&self, level: usize) -> f64 {
        let above: u64 = self.ns_at.iter().skip(level + 1).sum();
        above as f64 / self.window_ns()
    }

    /// Mean over the window.
    pub fn mean(&self) -> f64 {
        self.moment(|level| level)
    }

    /// Standard deviation over the window.
    pub fn sd(&self) -> f64 {
        let mean = self.mean();
        (self.moment(|level| level * level) - mean * mean).sqrt()
    }

    fn moment(&self, power: impl Fn(f64) -> f64) -> f64 {
        let times = self.ns_at.iter().enumerate();
        let sum: f64 = times
            .map(|(level, ns)| power(level as f64) * *ns as f64)
            .sum();
        sum / self.window_ns()
    }

    fn window_ns(&self) -> f64 {
        self.window.1.since(self.window.0).as_ns() as f64
    }
}
