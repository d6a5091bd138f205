//! What an instance measures about itself, for probes and reports.

use std::collections::VecDeque;

use crate::model::balancer::control::{InstanceLoad, WindowLoad};
use crate::time::{SimDuration, SimTime};

/// The measurements of one instance since its process started.
#[derive(Debug)]
pub struct Meter {
    /// When each request in flight arrived, ascending, and how many were there before it.
    arrivals: VecDeque<(SimTime, u32)>,
    /// Requests that were answered: how many were there when each arrived, and its latency.
    samples: VecDeque<(u32, SimDuration)>,
    sample_count_max: u32,
    window: Option<WindowMeter>,
}

/// Load in windows that follow one another.
#[derive(Debug)]
pub struct WindowMeter {
    length: SimDuration,
    /// When the present window ends.
    ends_at: SimTime,
    /// Whether the process was there for all of it.
    is_whole: bool,
    worker_count: u32,
    busy_count: u32,
    /// Up to when `busy_ns` counts.
    counted_at: SimTime,
    busy_ns: u64,
    reply_count: u64,
    error_count: u64,
    last: Option<WindowLoad>,
}

impl Meter {
    /// A meter that remembers this many latencies.
    pub fn new(sample_count_max: u32, window: Option<WindowMeter>) -> Self {
        Meter {
            arrivals: VecDeque::new(),
            samples: VecDeque::new(),
            sample_count_max,
            window,
        }
    }

    /// A request arrived.
    pub fn arrive(&mut self, now: SimTime) {
        let before = u32::try_from(self.arrivals.len()).expect("requests fit in 32 bits");
        self.arrivals.push_back((now, before));
    }

    /// A request that arrived at `arrived_at` left without a reply.
    pub fn drop_request(&mut self, arrived_at: SimTime) {
        self.take(arrived_at);
    }

    /// A request that arrived at `arrived_at` was answered.
    pub fn reply(&mut self, now: SimTime, arrived_at: SimTime, is_error: bool) {
        if let Some(window) = &mut self.window {
            window.reply(now, is_error);
        }
        let Some(before) = self.take(arrived_at) else {
            return;
        };
        if self.sample_count_max == 0 {
            return;
        }
        if self.samples.len() == self.sample_count_max as usize {
            self.samples.pop_front();
        }
        self.samples.push_back((before, now.since(arrived_at)));
    }

    /// Takes out the request that arrived at `arrived_at`, and says what it met.
    fn take(&mut self, arrived_at: SimTime) -> Option<u32> {
        let place = self.arrivals.partition_point(|(at, _)| *at < arrived_at);
        let is_there = |(at, _): &(SimTime, u32)| *at == arrived_at;
        self.arrivals.get(place).filter(|a| is_there(a))?;
        self.arrivals.remove(place).map(|(_, before)| before)
    }

    /// Workers that are busy from now on.
    pub fn busy(&mut self, now: SimTime, busy_count: u32) {
        if let Some(window) = &mut self.window {
            window.busy(now, busy_count);
        }
    }

    /// The answer to a probe. The lower median of the latencies that are nearest in load: of
    /// equally near ones above and below, all count.
    pub fn load(&self) -> InstanceLoad {
        let in_flight = u32::try_from(self.arrivals.len()).expect("requests fit in 32 bits");
        let distance = |before: u32| before.abs_diff(in_flight);
        let nearest = self
            .samples
            .iter()
            .map(|(before, _)| distance(*before))
            .min();
        let mut latencies: Vec<SimDuration> = self
            .samples
            .iter()
            .filter(|(before, _)| Some(distance(*before)) == nearest)
            .map(|(_, latency)| *latency)
            .collect();
        latencies.sort_unstable();
        let middle = latencies.len().saturating_sub(1) / 2;
        InstanceLoad {
            in_flight,
            latency: latencies.get(middle).copied().unwrap_or(SimDuration::ZERO),
        }
    }

    /// The load over the last whole window.
    pub fn window_load(&mut self, now: SimTime) -> Option<WindowLoad> {
        let window = self.window.as_mut()?;
        window.advance(now);
        window.last
    }
}

impl WindowMeter {
    /// Windows of this length for a process that starts now; the first one ends at `ends_at`.
    pub fn new(length: SimDuration, now: SimTime, ends_at: SimTime, worker_count: u32) -> Self {
        WindowMeter {
            length,
            ends_at,
            is_whole: ends_at == now + length,
            worker_count,
            busy_count: 0,
            counted_at: now,
            busy_ns: 0,
            reply_count: 0,
            error_count: 0,
            last: None,
        }
    }

    fn reply(&mut self, now: SimTime, is_error: bool) {
        self.advance(now);
        self.reply_count += 1;
        self.error_count += u64::from(is_error);
    }

    fn busy(&mut self, now: SimTime, busy_count: u32) {
        self.advance(now);
        self.busy_count = busy_count;
    }

    /// Counts up to `now`, and ends the windows that are over.
    fn advance(&mut self, now: SimTime) {
        if self.ends_at <= now {
            self.count_until(self.ends_at);
            self.close();
            let passed = now.since(self.counted_at).as_ns() / self.length.as_ns();
            if 0 < passed {
                // All windows that passed since then were alike; only the last one matters.
                let skipped = SimDuration::from_ns((passed - 1) * self.length.as_ns());
                self.ends_at = self.ends_at + skipped;
                self.counted_at = self.counted_at + skipped;
                self.count_until(self.ends_at);
                self.close();
            }
        }
        self.count_until(now);
    }

    fn count_until(&mut self, at: SimTime) {
        let length = at.since(self.counted_at);
        self.busy_ns += length.as_ns() * u64::from(self.busy_count);
        self.counted_at = at;
    }

    fn close(&mut self) {
        let secs = self.length.as_secs_f64();
        let capacity = secs * f64::from(self.worker_count);
        let load = WindowLoad {
            utilization: self.busy_ns as f64 / 1e9 / capacity,
            reply_rate_per_sec: self.reply_count as f64 / secs,
            error_rate_per_sec: self.error_count as f64 / secs,
        };
        if self.is_whole {
            self.last = Some(load);
        }
        self.is_whole = true;
        self.busy_ns = 0;
        self.reply_count = 0;
        self.error_count = 0;
        self.ends_at = self.ends_at + self.length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: f64) -> SimTime {
        SimTime::START + SimDuration::from_ns((secs * 1e9) as u64)
    }

    #[test]
    fn a_window_counts_busy_time_replies_and_errors() {
        let window = WindowMeter::new(SimDuration::from_secs(2), at(0.0), at(1.0), 2);
        let mut meter = Meter::new(0, Some(window));
        meter.busy(at(0.5), 2);
        assert_eq!(
            meter.window_load(at(1.5)),
            None,
            "the first window is not whole"
        );
        meter.busy(at(2.0), 1);
        meter.reply(at(2.0), at(0.5), false);
        meter.reply(at(2.5), at(0.5), true);
        // From 1 to 3 s: two workers for a second, one for another one, out of two times 2 s.
        let load = meter.window_load(at(3.0)).expect("a whole window");
        assert_eq!(load.utilization, 0.75);
        assert_eq!(load.reply_rate_per_sec, 1.0);
        assert_eq!(load.error_rate_per_sec, 0.5);
        // Long after: the last whole window had one busy worker and no replies.
        for secs in [5.0, 20.3, 31.0] {
            let load = meter.window_load(at(secs)).expect("a whole window");
            assert_eq!(load.utilization, 0.5, "{secs}");
            assert_eq!(load.reply_rate_per_sec, 0.0);
        }
    }

    #[test]
    fn a_probe_is_told_the_median_latency_at_the_nearest_load() {
        let mut meter = Meter::new(4, None);
        assert_eq!(meter.load().latency, SimDuration::ZERO);
        for (arrived, replied) in [(0.0, 1.0), (2.0, 5.0), (6.0, 8.0)] {
            meter.arrive(at(arrived));
            meter.reply(at(replied), at(arrived), false);
        }
        // All three found nobody there: 1, 3 and 2 s.
        assert_eq!(meter.load().latency, SimDuration::from_secs(2));
        meter.arrive(at(10.0));
        meter.arrive(at(11.0));
        meter.reply(at(20.0), at(11.0), false);
        // One is there now, and so was for the one that took 9 s.
        let load = meter.load();
        assert_eq!(
            (load.in_flight, load.latency),
            (1, SimDuration::from_secs(9))
        );
        meter.drop_request(at(10.0));
        assert_eq!(meter.load().in_flight, 0);
    }
}
