//! The CPU of an instance: cores that its running work shares, and a quota of them.

use super::sharing::Sharing;
use crate::engine::TimerId;
use crate::scenario::server::{CpuConfig, QuotaConfig};
use crate::time::{SimDuration, SimTime};

/// Work below this many nanoseconds is a rounding error.
const ROUNDING_NS: f64 = 0.5;

/// The CPU of one instance.
#[derive(Debug)]
pub struct Cpu {
    /// Work in its CPU part.
    pub sharing: Sharing,
    cores: f64,
    /// What limits the use of the cores.
    pub quota: Option<Quota>,
    /// What was last told of it.
    pub told: CpuUse,
}

/// How a CPU is used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuUse {
    /// Cores in use.
    pub cores: f64,
    /// Work stands still because the quota is used up.
    pub is_throttled: bool,
}

impl Cpu {
    /// An idle CPU; the first period of its quota ends at `period_end`.
    pub fn new(config: &CpuConfig, period_end: SimTime) -> Self {
        Cpu {
            sharing: Sharing::default(),
            cores: config.cores,
            quota: config.quota.map(|quota| Quota::new(quota, period_end)),
            told: CpuUse::default(),
        }
    }

    /// How it is used while its process runs.
    pub fn usage(&self) -> CpuUse {
        let count = self.sharing.count();
        let is_throttled = 0 < count && self.quota.as_ref().is_some_and(|q| q.is_throttled);
        CpuUse {
            cores: if is_throttled {
                0.0
            } else {
                f64::from(count).min(self.cores)
            },
            is_throttled,
        }
    }

    /// Part of a core that each running work has.
    pub fn rate(&self) -> f64 {
        self.usage().cores / f64::from(self.sharing.count().max(1))
    }

    /// Whether the first of the running works is done, but for a rounding error.
    pub fn is_first_done(&self) -> bool {
        let left_ns = self.sharing.left_first_ns();
        left_ns.is_some_and(|left_ns| left_ns < ROUNDING_NS)
    }
}

/// CPU time per period.
///
/// Source: Linux CFS bandwidth control (Turner, Rao and Rao 2010): each period has a quota of CPU
/// time; when it is used up, all of the group stands still until the next period, to which nothing
/// is carried over. The slices in which cores take their parts of the quota are not modelled, nor
/// are bursts.
#[derive(Debug)]
pub struct Quota {
    config: QuotaConfig,
    /// CPU time of a period.
    quota_ns: f64,
    /// CPU time left in this period.
    left_ns: f64,
    period_end: SimTime,
    /// When `left_ns` was brought up to date.
    at: SimTime,
    is_throttled: bool,
    /// The timer of its next change, and when it is due.
    pub timer: Option<(TimerId, SimTime)>,
}

impl Quota {
    fn new(config: QuotaConfig, period_end: SimTime) -> Self {
        let quota_ns = config.cores * config.period.as_ns() as f64;
        Quota {
            config,
            quota_ns,
            left_ns: quota_ns,
            period_end,
            at: SimTime::START,
            is_throttled: false,
            timer: None,
        }
    }

    /// Brings it up to `now`, until when `cores` were in use. Must be called before that changes,
    /// and no later than at [`Quota::next_change`].
    pub fn advance(&mut self, now: SimTime, cores: f64) {
        let mut since = self.at;
        self.at = now;
        if self.period_end <= now {
            let over_ns = now.since(self.period_end).as_ns();
            let period_count = over_ns / self.config.period.as_ns() + 1;
            since = self.period_end + self.config.period.saturating_mul(period_count - 1);
            self.period_end = since + self.config.period;
            self.left_ns = self.quota_ns;
            self.is_throttled = false;
        }
        self.left_ns -= now.since(since).as_ns() as f64 * cores;
        if self.left_ns < ROUNDING_NS {
            self.left_ns = 0.0;
        }
    }

    /// Stands still if its quota is used up.
    pub fn settle(&mut self) {
        self.is_throttled = self.left_ns == 0.0;
    }

    /// When it stands still, or goes on, if `cores` stay in use; None if it never does.
    pub fn next_change(&self, cores: f64) -> Option<SimTime> {
        if self.is_throttled {
            return Some(self.period_end);
        }
        if cores <= 0.0 {
            return None;
        }
        let lasts = |cpu_ns: f64| SimDuration::from_ns((cpu_ns / cores).ceil() as u64);
        let used_up_at = self.at + lasts(self.left_ns);
        if used_up_at < self.period_end {
            return Some(used_up_at);
        }
        let from_full = lasts(self.quota_ns);
        (from_full < self.config.period).then(|| self.period_end + from_full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_MS: u64 = 100;

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    fn quota(cores: f64) -> Quota {
        let period = SimDuration::from_ms(PERIOD_MS);
        Quota::new(QuotaConfig { cores, period }, at(PERIOD_MS))
    }

    /// The instants at which a quota changes while this many cores are wanted, in milliseconds.
    fn changes(quota: &mut Quota, cores: f64, count: usize) -> Vec<u64> {
        let mut list = Vec::new();
        while list.len() < count {
            let wanted = if quota.is_throttled { 0.0 } else { cores };
            let Some(next) = quota.next_change(wanted) else {
                break;
            };
            quota.advance(next, wanted);
            quota.settle();
            list.push(next.as_ns() / 1_000_000);
        }
        list
    }

    #[test]
    fn work_stands_still_from_the_end_of_the_quota_to_the_end_of_the_period() {
        // Four threads use 2 cores x 100 ms in 50 ms.
        assert_eq!(changes(&mut quota(2.0), 4.0, 4), [50, 100, 150, 200]);
        // Half a core: one thread runs 50 ms of each period.
        assert_eq!(changes(&mut quota(0.5), 1.0, 3), [50, 100, 150]);
        // Whoever wants no more than the quota never stands still.
        assert_eq!(changes(&mut quota(2.0), 2.0, 1), [] as [u64; 0]);
    }

    /// When one thread with this much to do is done, if it starts with a period.
    fn done_at_ns(quota: &mut Quota, demand_ns: u64) -> u64 {
        let mut left_ns = demand_ns;
        let mut now = SimTime::START;
        loop {
            let cores = if quota.is_throttled { 0.0 } else { 1.0 };
            let change = quota.next_change(cores).unwrap_or(SimTime::NEVER);
            let done = now + SimDuration::from_ns(left_ns);
            if 0.0 < cores && done <= change {
                return done.as_ns();
            }
            left_ns -= if 0.0 < cores {
                change.since(now).as_ns()
            } else {
                0
            };
            quota.advance(change, cores);
            quota.settle();
            now = change;
        }
    }

    #[test]
    fn a_demand_longer_than_the_quota_takes_whole_periods_and_the_rest() {
        // The quota is 40 ms of 100 ms: the demand d ends at floor((d-) / 40) x 100 + rest.
        for (demand_ms, end_ms) in [
            (1, 1),
            (40, 40),
            (41, 101),
            (80, 140),
            (81, 201),
            (200, 440),
        ] {
            let end_ns = done_at_ns(&mut quota(0.4), demand_ms * 1_000_000);
            assert_eq!(end_ns, end_ms * 1_000_000, "{demand_ms} ms");
        }
    }

    #[test]
    fn what_is_left_of_a_period_is_not_carried_over() {
        let mut quota = quota(2.0);
        quota.advance(at(30), 0.0);
        // From 30 ms on, 200 ms last until 96.7 ms for three threads.
        let next = quota.next_change(3.0).expect("three are too many");
        assert_eq!(next.as_ns().div_ceil(1_000_000), 97);
        // From 40 ms on they last past the end of the period; the next one has 200 ms again.
        quota.advance(at(40), 0.0);
        let next = quota.next_change(3.0).expect("three are too many");
        assert_eq!(next.as_ns().div_ceil(1_000_000), 167);
        // Many periods later, too.
        quota.advance(at(1_040), 0.0);
        assert_eq!(quota.period_end, at(1_100));
    }
}
