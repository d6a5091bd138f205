//! Several attempts of one call at once, and how far its time limits reach.

use super::distribution::Distribution;
use crate::time::SimDuration;

/// What a call may do beyond one attempt after the other. An edge without any of it has none.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptsConfig {
    /// Further attempts while earlier ones are in flight.
    pub hedge: Option<HedgeConfig>,
    /// How many attempts a call begins with, and what a failure means.
    pub cluster: ClusterMode,
    /// Law of the deadline where every request draws its own; `EdgeConfig::deadline` is None then.
    pub deadline_law: Option<Distribution>,
    /// Where the deadline is known.
    pub propagation: DeadlinePropagation,
    /// How much earlier than the request that it is made for a call must end.
    pub deadline_margin: SimDuration,
}

impl AttemptsConfig {
    /// What every call does unless it says otherwise.
    pub const PLAIN: AttemptsConfig = AttemptsConfig {
        hedge: None,
        cluster: ClusterMode::Failover,
        deadline_law: None,
        propagation: DeadlinePropagation::None,
        deadline_margin: SimDuration::ZERO,
    };

    /// Whether two attempts of a call can be in flight at once.
    pub fn has_several_in_flight(&self) -> bool {
        self.hedge.is_some()
            || matches!(
                self.cluster,
                ClusterMode::Forking { .. } | ClusterMode::Broadcast { .. }
            )
    }
}

/// `hedge`: a further attempt, at another instance, while earlier ones are in flight. Whatever
/// ends first with a good reply wins (Dean & Barroso 2013). A failed attempt brings the next one
/// at once (gRPC A6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgeConfig {
    /// Time from one attempt to the next; with a percentile only until that is known. None: no
    /// hedges until then.
    pub delay: Option<SimDuration>,
    /// The time follows the attempts that the caller saw.
    pub percentile: Option<PercentileDelay>,
    /// Attempts per call up to which hedges are sent, the first one included.
    pub attempt_count_max: u32,
    /// Hedges per request. None: no bound.
    pub budget_ratio: Option<f64>,
}

/// A hedging delay that is a percentile of the caller's last first attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentileDelay {
    /// Which one, in percent.
    pub percent: f64,
    /// How long a percentile is used before it is taken again.
    pub refresh: SimDuration,
    /// The shortest delay.
    pub delay_min: SimDuration,
    /// How many attempts it is taken over.
    pub window_count: u32,
}

/// `cluster`: the fault tolerance of a call (Apache Dubbo's names).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClusterMode {
    /// One attempt; `retry` says what follows.
    Failover,
    /// One attempt.
    Failfast,
    /// One attempt; where it fails a fallback takes the place of the reply.
    Failsafe,
    /// The same, and the call is tried again in the background.
    Failback {
        /// Attempts in the background.
        retry_count_max: u32,
        /// Wait before each of them.
        interval: SimDuration,
        /// Calls of one caller that may be in the background; more are forgotten.
        task_count_max: u32,
    },
    /// Several attempts at once, each at another instance; the first good reply wins.
    Forking {
        /// How many, as far as there are candidates.
        attempt_count: u32,
    },
    /// One attempt at every candidate; all must end.
    Broadcast {
        /// The call fails when this share of them has failed.
        failed_ratio_max: f64,
    },
}

/// `deadline_propagation`: who but the caller knows the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlinePropagation {
    /// Nobody.
    None,
    /// An attempt carries it: a worker drops what it takes up too late, and calls made for the
    /// attempt end with it.
    DropAtDequeue,
    /// The same; and who gives up an attempt sends a message that takes it back.
    Cancel,
}
