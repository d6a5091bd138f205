//! What a scenario may say about servers under load: overload rules of queues, CPU, warm-up and
//! pauses.

use super::distribution::Distribution;
use crate::time::SimDuration;

/// What a queue does beyond its plain discipline and its limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueRules {
    /// Newest first.
    pub is_lifo: bool,
    /// Newest first while many wait (HHVM's job queue).
    pub is_adaptive: bool,
    /// How many may wait before that (`lifoSwitchThreshold`); None: as many as there are workers.
    pub lifo_above: Option<u32>,
    /// Controlled delay.
    pub codel: Option<CodelConfig>,
    /// Lower priority numbers are served first.
    pub has_priorities: bool,
    /// Share of the limit from which on the lowest priorities are refused.
    pub shed_above_ratio: Option<f64>,
}

/// Controlled delay as Facebook's servers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodelConfig {
    /// A least delay above this over an interval means overload.
    pub target: SimDuration,
    /// How long the least delay is observed.
    pub interval: SimDuration,
}

/// How a process is slower after its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmupConfig {
    /// By how much service demands are larger at first; at least 1.
    pub factor: f64,
    /// How long that lasts.
    pub duration: SimDuration,
    /// How the factor falls.
    pub shape: WarmupShape,
    /// Whether the instances that are there from the start are cold, too.
    pub at_start: bool,
}

/// How the factor of a warm-up falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmupShape {
    /// In proportion to time.
    Linear,
    /// At once, at the end.
    Step,
}

impl WarmupConfig {
    /// The factor at this age of a process.
    pub fn factor_at(&self, age: SimDuration) -> f64 {
        if self.duration <= age {
            return 1.0;
        }
        match self.shape {
            WarmupShape::Step => self.factor,
            WarmupShape::Linear => {
                let part_left = 1.0 - age.as_ns() as f64 / self.duration.as_ns() as f64;
                1.0 + (self.factor - 1.0) * part_left
            }
        }
    }
}

/// Pauses that every instance has by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct PauseConfig {
    /// Law of the time from the end of a pause to the next.
    pub every: Distribution,
    /// Law of their length.
    pub duration: Distribution,
}

/// The CPU of an instance, which its running work shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuConfig {
    /// Cores; infinite where only a quota holds.
    pub cores: f64,
    /// What it may use of them.
    pub quota: Option<QuotaConfig>,
}

/// CPU time per period (the Linux CFS bandwidth control of containers).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuotaConfig {
    /// Cores on average: the quota of a period is `cores * period`.
    pub cores: f64,
    /// The period.
    pub period: SimDuration,
}

impl CpuConfig {
    /// Cores that can be used in the long run.
    pub fn cores_available(&self) -> f64 {
        let quota = self.quota.map_or(f64::INFINITY, |quota| quota.cores);
        self.cores.min(quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_falls_in_a_line_or_at_once() {
        let config = |shape| WarmupConfig {
            factor: 3.0,
            duration: SimDuration::from_secs(30),
            shape,
            at_start: false,
        };
        let (line, step) = (config(WarmupShape::Linear), config(WarmupShape::Step));
        for (secs, by_line, by_step) in [(0, 3.0, 3.0), (15, 2.0, 3.0), (30, 1.0, 1.0)] {
            let age = SimDuration::from_secs(secs);
            assert_eq!(
                (line.factor_at(age), step.factor_at(age)),
                (by_line, by_step)
            );
        }
    }
}
