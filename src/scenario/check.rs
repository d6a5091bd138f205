//! Checks of instances by calling sides: the caller asks, the instance answers.

use super::registry::Phase;
use crate::time::SimDuration;

/// How a calling side asks, and what it makes of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckConfig {
    /// From the start of a check to the next where the rule is that of the textbook, from its end
    /// in the others, while nothing is wrong.
    pub interval: SimDuration,
    /// A check without answer for this long has failed.
    pub timeout: SimDuration,
    /// Where checks start.
    pub phase: Phase,
    /// What a check sees of an instance.
    pub path: ProbePath,
    /// What follows from the answers.
    pub rule: CheckRule,
}

/// What a probe or a heartbeat sees of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbePath {
    /// A thread of its own: the process runs.
    Bypass,
    /// It waits for a worker like a request.
    Queued,
    /// The kernel alone: a connection is accepted, also by a process that stands still.
    Accept,
    /// It waits for a worker, which makes the calls of a request; it fails where one of them does.
    Deep,
}

/// What follows from the answers to checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckRule {
    /// Missed answers in a row make a suspicion, answers in a row end it. An answer that says no
    /// is none.
    Ping {
        /// Missed ones that make a suspicion.
        misses_max: u32,
        /// Answers that end it.
        rises_min: u32,
    },
    /// HAProxy's health counter.
    Haproxy(HaproxyConfig),
    /// Envoy's active health checking.
    Envoy(EnvoyConfig),
}

/// Parameters of a `server ... check` line of HAProxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaproxyConfig {
    /// `fastinter`: from one check to the next while the state is about to change.
    pub fast_interval: SimDuration,
    /// `downinter`: the same while it is down.
    pub down_interval: SimDuration,
    /// `fall`.
    pub fall: u32,
    /// `rise`.
    pub rise: u32,
}

/// Parameters of `health_checks` of an Envoy cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvoyConfig {
    /// `unhealthy_threshold`.
    pub unhealthy_threshold: u32,
    /// `healthy_threshold`.
    pub healthy_threshold: u32,
    /// `unhealthy_interval`: after a check that failed.
    pub unhealthy_interval: SimDuration,
    /// `unhealthy_edge_interval`: after the one that made it unhealthy.
    pub unhealthy_edge_interval: SimDuration,
    /// `healthy_edge_interval`: after the one that made it healthy.
    pub healthy_edge_interval: SimDuration,
    /// `no_traffic_interval`: in place of all others before the first request.
    pub no_traffic_interval: SimDuration,
    /// `initial_jitter`: most that the first check is put off.
    pub initial_jitter: SimDuration,
    /// `interval_jitter`: most that every other check is put off.
    pub interval_jitter: SimDuration,
}

impl CheckConfig {
    /// The shortest time between two checks, for estimates.
    pub fn interval_min(&self) -> SimDuration {
        let others = match self.rule {
            CheckRule::Ping { .. } => self.interval,
            CheckRule::Haproxy(config) => config.fast_interval.min(config.down_interval),
            CheckRule::Envoy(config) => config
                .unhealthy_interval
                .min(config.unhealthy_edge_interval)
                .min(config.healthy_edge_interval),
        };
        self.interval.min(others)
    }
}

impl ProbePath {
    /// The word in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            ProbePath::Bypass => "bypass",
            ProbePath::Queued => "queued",
            ProbePath::Accept => "accept",
            ProbePath::Deep => "deep",
        }
    }

    /// Whether a worker answers.
    pub fn needs_worker(self) -> bool {
        match self {
            ProbePath::Queued | ProbePath::Deep => true,
            ProbePath::Bypass | ProbePath::Accept => false,
        }
    }
}
