//! Concurrency limits: what the rules have in common (source: Netflix concurrency-limits,
//! `SimpleLimiter`, `WindowedLimit`).

use super::limit_aimd::Aimd;
use super::limit_gradient2::Gradient2;
use super::limit_vegas::Vegas;
use crate::scenario::resilience::{LimitConfig, LimitKind};
use crate::time::{SimDuration, SimTime};

/// Shorter samples do not enter a window.
const SAMPLE_MIN: SimDuration = SimDuration::from_us(100);

/// How long something took, and how much was under way when it began, itself included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// From its start to its end.
    pub length: SimDuration,
    /// Under way at its start.
    pub in_flight_count: u32,
    /// It timed out or was turned away.
    pub is_dropped: bool,
}

/// A rule that moves a limit.
pub trait LimitRule {
    /// The limit.
    fn limit(&self) -> u32;

    /// Takes one sample. `coin` gives the n-th uniform number on `[0, 1)` that belongs to this
    /// limit.
    fn on_sample(&mut self, sample: Sample, coin: &dyn Fn(u32) -> f64);
}

/// A limit and the window that its samples are put together in.
pub struct Limit {
    rule: Box<dyn LimitRule>,
    window: Option<SampleWindow>,
}

struct SampleWindow {
    length: SimDuration,
    sample_count_min: u32,
    next_at: SimTime,
    total: SimDuration,
    shortest: SimDuration,
    in_flight_count_max: u32,
    sample_count: u32,
    is_dropped: bool,
}

impl Limit {
    /// A limit that has seen nothing.
    pub fn new(config: &LimitConfig, coin: &dyn Fn(u32) -> f64) -> Self {
        Limit {
            rule: build(config, coin),
            window: (!config.window.is_zero()).then(|| SampleWindow::new(config)),
        }
    }

    /// The limit.
    pub fn limit(&self) -> u32 {
        self.rule.limit()
    }

    /// Something ended at `now`.
    pub fn on_sample(&mut self, now: SimTime, sample: Sample, coin: &dyn Fn(u32) -> f64) {
        match &mut self.window {
            None => self.rule.on_sample(sample, coin),
            Some(window) => {
                if let Some(all) = window.add(now, sample) {
                    self.rule.on_sample(all, coin);
                }
            }
        }
    }
}

impl SampleWindow {
    fn new(config: &LimitConfig) -> Self {
        SampleWindow {
            length: config.window,
            sample_count_min: config.window_sample_count_min,
            next_at: SimTime::START,
            total: SimDuration::ZERO,
            shortest: SimDuration::from_ns(u64::MAX),
            in_flight_count_max: 0,
            sample_count: 0,
            is_dropped: false,
        }
    }

    /// Adds a sample; the mean of all if the window is over and has enough of them.
    fn add(&mut self, now: SimTime, sample: Sample) -> Option<Sample> {
        if sample.length < SAMPLE_MIN {
            return None;
        }
        self.total = self.total.saturating_add(sample.length);
        self.shortest = self.shortest.min(sample.length);
        self.in_flight_count_max = self.in_flight_count_max.max(sample.in_flight_count);
        self.sample_count += 1;
        self.is_dropped |= sample.is_dropped;
        if now <= self.next_at || self.sample_count < self.sample_count_min {
            return None;
        }
        let mean_ns = self.total.as_ns() / u64::from(self.sample_count);
        let all = Sample {
            length: SimDuration::from_ns(mean_ns),
            in_flight_count: self.in_flight_count_max,
            is_dropped: self.is_dropped,
        };
        self.next_at = now + self.length;
        self.total = SimDuration::ZERO;
        self.shortest = SimDuration::from_ns(u64::MAX);
        self.in_flight_count_max = 0;
        self.sample_count = 0;
        self.is_dropped = false;
        Some(all)
    }
}

fn build(config: &LimitConfig, coin: &dyn Fn(u32) -> f64) -> Box<dyn LimitRule> {
    match config.kind {
        LimitKind::Aimd {
            backoff_ratio,
            timeout,
        } => Box::new(Aimd::new(config, backoff_ratio, timeout)),
        LimitKind::Vegas {
            smoothing,
            probe_multiplier,
        } => Box::new(Vegas::new(config, smoothing, probe_multiplier, coin)),
        LimitKind::Gradient2 {
            smoothing,
            tolerance,
            queue,
            long_window,
        } => {
            let queue = f64::from(queue);
            Box::new(Gradient2::new(
                config,
                (smoothing, tolerance, queue),
                long_window,
            ))
        }
    }
}
