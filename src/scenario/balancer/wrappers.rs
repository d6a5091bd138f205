//! What may stand around a strategy: which instances it sees, and with which weights.

use super::BalancerConfig;
use super::load::LoadConfig;
use super::weighted::{NginxFailures, WeightedConfig};
use crate::id::GroupId;
use crate::time::SimDuration;

/// A strategy and what stands around it.
#[derive(Clone, Debug, PartialEq)]
pub struct ComposedConfig {
    /// The strategy that picks among what is left.
    pub strategy: BalancerConfig,
    /// What each caller sees of the list; None: all of it.
    pub subset: Option<SubsetConfig>,
    /// Levels and what happens when many of a level are unhealthy.
    pub priority: Option<PriorityConfig>,
    /// The own zone first.
    pub zone_aware: Option<ZoneAwareConfig>,
    /// Groups that are used only while the others yield no instance.
    pub backup: Vec<GroupId>,
    /// Growing weights of newcomers.
    pub slow_start: Option<SlowStartConfig>,
    /// Leaving out instances that fail.
    pub ejection: Option<EjectionConfig>,
}

/// Which instances a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubsetConfig {
    /// Finagle's deterministic aperture: a slice of the ring of servers, for each caller its own.
    DeterministicAperture {
        /// Servers that a caller should see at least.
        size: u32,
    },
    /// The SRE book's deterministic subsetting: rounds of callers share out shuffled lists.
    Deterministic {
        /// Servers that a caller sees.
        size: u32,
    },
    /// gRPC's random subsetting: the servers with the lowest hashes.
    Random {
        /// Servers that a caller sees.
        size: u32,
    },
}

/// Envoy's priority levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityConfig {
    /// Groups of each level, the first level first; empty for one level of all groups.
    pub levels: Vec<Vec<GroupId>>,
    /// 140: a level whose healthy share is 1 / 1.4 or more takes all its requests.
    pub overprovisioning_percent: u32,
    /// A level with a smaller share of healthy instances ignores their health.
    pub panic_threshold_percent: u32,
    /// In panic a level yields no instance instead.
    pub fails_on_panic: bool,
}

impl PriorityConfig {
    /// One level with Envoy's defaults, which every cluster of Envoy has.
    pub const DEFAULT: Self = PriorityConfig {
        levels: Vec::new(),
        overprovisioning_percent: 140,
        panic_threshold_percent: 50,
        fails_on_panic: false,
    };
}

/// Envoy's zone-aware routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneAwareConfig {
    /// Healthy instances below which zones are ignored.
    pub min_size: u32,
    /// Per cent of the picks that consider zones.
    pub routing_enabled_percent: u32,
}

/// How the weight of a newcomer grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SlowStartConfig {
    /// Envoy: a power of the share of the window that has passed.
    Envoy {
        /// How long it takes.
        window: SimDuration,
        /// 1 is linear; larger ones grow faster at first.
        aggression: f64,
        /// The smallest share of the weight.
        weight_ratio_min: f64,
    },
    /// Dubbo's warm-up: whole weights in proportion to the age of the process.
    Dubbo {
        /// How long it takes.
        warmup: SimDuration,
        /// Dubbo's weight of an instance of weight 1.
        nominal_weight: u32,
    },
    /// HAProxy's `slowstart`: steps of a sixteenth.
    Haproxy {
        /// How long it takes.
        window: SimDuration,
    },
}

/// How instances that fail are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EjectionConfig {
    /// Envoy's outlier detection.
    EnvoyOutlier(EnvoyOutlierConfig),
    /// gRPC's outlier detection (A50).
    GrpcOutlier(GrpcOutlierConfig),
    /// `max_fails` and `fail_timeout` of nginx.
    NginxMaxFails(MaxFailsConfig),
    /// Finagle's failure accrual.
    FinagleAccrual(FailureAccrualConfig),
}

/// When the rates of a sweep eject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateConfig {
    /// Standard deviations below the mean, or the failed share in per cent.
    pub threshold: f64,
    /// Instances that must have had enough requests.
    pub instance_count_min: u32,
    /// Requests in the interval that an instance must have had.
    pub request_count_min: u32,
    /// Per cent of the ejections that are carried out.
    pub enforced_percent: u32,
}

/// How long ejections last, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepConfig {
    /// From one sweep to the next.
    pub interval: SimDuration,
    /// Whether the first sweep of a caller comes after a random part of the interval.
    pub has_random_phase: bool,
    /// The first ejection of an instance lasts so long, the second twice, and so on.
    pub duration_base: SimDuration,
    /// The longest ejection.
    pub duration_max: SimDuration,
    /// Largest share of the instances that may be ejected at a time, in per cent.
    pub ejected_percent_max: u32,
}

/// Parameters of Envoy's outlier detection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnvoyOutlierConfig {
    /// Sweeps and durations.
    pub sweep: SweepConfig,
    /// Failures in a row that eject; None: they do not.
    pub consecutive_errors: Option<u32>,
    /// Up to so much is added to each ejection.
    pub duration_jitter: SimDuration,
    /// Changes that follow one another more closely reach the picks together, one of these later.
    pub update_merge_window: SimDuration,
    /// One instance may always be ejected, whatever the largest share.
    pub always_ejects_one: bool,
    /// By success rate.
    pub success_rate: RateConfig,
    /// By failed share.
    pub failure_ratio: RateConfig,
}

/// Parameters of gRPC's outlier detection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrpcOutlierConfig {
    /// Sweeps and durations.
    pub sweep: SweepConfig,
    /// By success rate.
    pub success_rate: RateConfig,
    /// By failed share.
    pub failure_ratio: RateConfig,
}

/// Parameters of `max_fails`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFailsConfig {
    /// Failures that turn an instance off; 0: none do.
    pub fail_count_max: u32,
    /// Whole seconds that it stays off.
    pub fail_timeout_secs: u32,
    /// Whether error replies and rejections count as failures where another instance is tried
    /// after them, as with `proxy_next_upstream http_500 http_503`.
    pub counts_errors: bool,
}

impl MaxFailsConfig {
    /// What it makes of the weights of nginx.
    pub fn failures(&self) -> NginxFailures {
        NginxFailures {
            max_fails: self.fail_count_max,
            has_error_replies: self.counts_errors,
        }
    }

    /// A strategy with this around it: the weights of nginx fall with the same failures.
    pub fn strategy(&self, config: &BalancerConfig) -> BalancerConfig {
        let failures = self.failures();
        match config {
            BalancerConfig::SmoothWeightedRoundRobin
            | BalancerConfig::Weighted(WeightedConfig::NginxRoundRobin(_)) => {
                BalancerConfig::Weighted(WeightedConfig::NginxRoundRobin(failures))
            }
            BalancerConfig::Load(LoadConfig::NginxLeastConn(_)) => {
                BalancerConfig::Load(LoadConfig::NginxLeastConn(failures))
            }
            BalancerConfig::Load(LoadConfig::NginxRandomTwo(_)) => {
                BalancerConfig::Load(LoadConfig::NginxRandomTwo(failures))
            }
            other => other.clone(),
        }
    }
}

/// Parameters of failure accrual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureAccrualConfig {
    /// Failures in a row that mark an instance dead.
    pub consecutive_failures: u32,
    /// A lower success rate marks it dead.
    pub success_ratio_min: f64,
    /// Over which the success rate is averaged.
    pub window: SimDuration,
    /// Requests in the window without which the rate says nothing.
    pub request_count_min: u32,
    /// The first time it is dead.
    pub duration_base: SimDuration,
    /// The longest time it is dead.
    pub duration_max: SimDuration,
    /// Whether error replies count as failures.
    pub counts_errors: bool,
}
