//! Strategies that pick by weight and know nothing of load.

use crate::time::SimDuration;

/// A strategy that picks by weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightedConfig {
    /// Smooth weighted round robin of nginx, with weights that fall on failure.
    NginxRoundRobin(NginxFailures),
    /// Earliest deadline first, from the beginning of its schedule.
    Edf {
        /// Whether deadlines are fractions instead of numbers of double precision.
        is_exact: bool,
    },
    /// `ROUND_ROBIN` of Envoy.
    EnvoyRoundRobin,
    /// `balance roundrobin` of HAProxy.
    HaproxyRoundRobin,
    /// `balance static-rr` of HAProxy.
    HaproxyStaticRr,
    /// `wrr` of the Linux Virtual Server.
    LvsRoundRobin,
    /// `roundrobin` of Dubbo.
    DubboRoundRobin(DubboWeight),
    /// `random` of Dubbo.
    DubboRandom(DubboWeight),
    /// Weighted random that looks up the instance by its weight.
    NaiveWeightedRandom,
}

/// What nginx counts as a failure, and what it does to a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NginxFailures {
    /// The weight falls by itself divided by this, rounded down; never, where it is 0.
    pub max_fails: u32,
    /// Whether an error reply or a rejection counts, after which the next server is tried
    /// (`proxy_next_upstream` lists its status).
    pub has_error_replies: bool,
}

/// The weight of a Dubbo provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DubboWeight {
    /// Weight in Dubbo of an instance of weight 1.
    pub unit: u32,
    /// How long a provider takes to its full weight; zero: no time.
    pub warmup: SimDuration,
}

/// How a weighted random draw finds its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawMethod {
    /// Search in the running sums of the weights.
    Cumulative,
    /// Alias table.
    Alias,
}

impl WeightedConfig {
    /// The name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            WeightedConfig::NginxRoundRobin(_) => "nginx_round_robin",
            WeightedConfig::Edf { .. } => "edf",
            WeightedConfig::EnvoyRoundRobin => "envoy_round_robin",
            WeightedConfig::HaproxyRoundRobin => "haproxy_round_robin",
            WeightedConfig::HaproxyStaticRr => "haproxy_static_rr",
            WeightedConfig::LvsRoundRobin => "lvs_round_robin",
            WeightedConfig::DubboRoundRobin(_) => "dubbo_round_robin",
            WeightedConfig::DubboRandom(_) => "dubbo_random",
            WeightedConfig::NaiveWeightedRandom => "naive_weighted_random",
        }
    }

    /// The system whose weights are whole numbers, and the largest of them; None where any weight
    /// will do.
    pub fn whole_weights(&self) -> Option<(&'static str, u32)> {
        match self {
            WeightedConfig::NginxRoundRobin(_) => Some(NGINX_WEIGHTS),
            WeightedConfig::HaproxyRoundRobin | WeightedConfig::HaproxyStaticRr => {
                Some(HAPROXY_WEIGHTS)
            }
            WeightedConfig::LvsRoundRobin => Some(("LVS", 65_535)),
            WeightedConfig::Edf { .. }
            | WeightedConfig::EnvoyRoundRobin
            | WeightedConfig::DubboRoundRobin(_)
            | WeightedConfig::DubboRandom(_)
            | WeightedConfig::NaiveWeightedRandom => None,
        }
    }

    /// Bytes of `callers` balancers in front of `instances` instances, and of what they share.
    pub fn bytes(&self, turns: &TurnBytes, callers: f64, instances: f64) -> f64 {
        match self {
            WeightedConfig::NginxRoundRobin(failures) => {
                let fallen = if 0 < failures.max_fails {
                    TURN_ENTRY_BYTES
                } else {
                    0.0
                };
                turns.bytes(callers, instances) + fallen * callers * instances
            }
            WeightedConfig::Edf { .. } | WeightedConfig::EnvoyRoundRobin => {
                48.0 * instances * callers
            }
            WeightedConfig::HaproxyRoundRobin => 160.0 * instances * callers,
            // A map has an entry for each unit of weight.
            WeightedConfig::HaproxyStaticRr => 4.0 * 256.0 * instances,
            WeightedConfig::LvsRoundRobin => 0.0,
            WeightedConfig::DubboRoundRobin(_) => 48.0 * instances * callers,
            WeightedConfig::DubboRandom(_) | WeightedConfig::NaiveWeightedRandom => {
                16.0 * instances
            }
        }
    }
}

/// How smooth weighted round robin keeps its turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnBytes {
    /// Weights that differ.
    pub weight_count: f64,
    /// Whether anything breaks a turn, so that each instance needs an entry.
    pub breaks: bool,
}

/// What is kept for each weight at a caller.
pub const TURN_BYTES: f64 = 72.0;

/// What is kept for an instance whose turn is broken.
pub const BROKEN_TURN_BYTES: f64 = 16.0;

/// What is kept for an instance whose weight has fallen, or while a new list takes over.
pub const TURN_ENTRY_BYTES: f64 = 32.0;

impl TurnBytes {
    /// Bytes of `callers` sides in front of `instances` instances, and of what they share.
    pub fn bytes(&self, callers: f64, instances: f64) -> f64 {
        let per_pair = if self.breaks {
            BROKEN_TURN_BYTES + TURN_ENTRY_BYTES
        } else {
            0.0
        };
        16.0 * instances + callers * (TURN_BYTES * self.weight_count + per_pair * instances)
    }
}

/// nginx reads a weight as a positive number; 65,535 is the most that this simulator takes.
pub const NGINX_WEIGHTS: (&str, u32) = ("nginx", 65_535);

/// HAProxy takes weights up to 256.
pub const HAPROXY_WEIGHTS: (&str, u32) = ("HAProxy", 256);
