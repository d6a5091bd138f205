//! What a scenario may say about the failure detectors of calling sides.

use super::check::{CheckConfig, ProbePath};
use super::registry::Phase;
use crate::time::SimDuration;

/// The failure detector of a calling side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DetectorConfig {
    /// The caller asks, the instance answers.
    Check(CheckConfig),
    /// Instances send heartbeats, and the caller judges by when they come.
    Push(PushConfig),
    /// The caller believes what its own node believes as a member of a cluster.
    Gossip {
        /// The how-many-th cluster of the scenario.
        cluster: u32,
    },
}

/// Heartbeats that instances push to a caller, and how it judges them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PushConfig {
    /// Time between two heartbeats, by the clock of the instance.
    pub interval: SimDuration,
    /// Where in its interval each pair starts.
    pub phase: Phase,
    /// Whether a heartbeat leaves from a thread of its own or waits for a worker.
    pub path: ProbePath,
    /// The caller looks at its detector this often; zero: it notices everything at once.
    pub check_interval: SimDuration,
    /// How it judges.
    pub judge: JudgeConfig,
}

/// How the heartbeats of an instance are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JudgeConfig {
    /// A fixed time since the last heartbeat.
    Timeout {
        /// That time.
        timeout: SimDuration,
    },
    /// NFD-S of Chen, Toueg and Aguilera: freshness points on a clock that both sides share.
    ChenNfdS {
        /// From the sending of a heartbeat to its freshness point.
        delta: SimDuration,
    },
    /// NFD-E of Chen, Toueg and Aguilera: freshness points after estimated arrivals.
    ChenNfdE {
        /// From the estimated arrival to the freshness point.
        alpha: SimDuration,
        /// Heartbeats that the estimate takes into account.
        window: u32,
    },
    /// Bertier, Marin and Sens: the estimate of NFD-E with a margin that adapts.
    Bertier(BertierConfig),
    /// Phi accrual of Hayashibara et al.: normal arrivals.
    PhiPaper {
        /// Level of suspicion that makes a suspicion.
        threshold: f64,
        /// Most intervals that are remembered.
        window: u32,
        /// Lower bound of the standard deviation.
        std_deviation_min: SimDuration,
    },
    /// Phi accrual as Akka does it.
    PhiAkka(AkkaConfig),
    /// Phi accrual as Cassandra does it.
    PhiCassandra(CassandraConfig),
}

/// Bertier's detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BertierConfig {
    /// Heartbeats that the estimate takes into account.
    pub window: u32,
    /// Weight of the delay in the margin.
    pub beta: f64,
    /// Weight of the variation in the margin.
    pub phi: f64,
    /// Weight of a new error.
    pub gamma: f64,
    /// The margin before anything is known.
    pub margin_first: SimDuration,
}

/// Akka's `PhiAccrualFailureDetector`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AkkaConfig {
    /// `threshold`.
    pub threshold: f64,
    /// `max-sample-size`.
    pub window: u32,
    /// `min-std-deviation`.
    pub std_deviation_min: SimDuration,
    /// `acceptable-heartbeat-pause`.
    pub acceptable_pause: SimDuration,
    /// `expected-response-after`: without a heartbeat for this long one is made up.
    pub expected_response_after: SimDuration,
}

/// Cassandra's `FailureDetector`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CassandraConfig {
    /// `phi_convict_threshold`.
    pub threshold: f64,
    /// Intervals that are remembered.
    pub window: u32,
    /// `cassandra.fd_initial_value_ms`: the interval that stands for the first.
    pub initial_interval: SimDuration,
    /// `cassandra.fd_max_interval_ms`: longer intervals are not recorded.
    pub interval_max: SimDuration,
    /// `cassandra.max_local_pause_in_ms`: after a pause of its own that is longer, the caller
    /// convicts nobody for this long.
    pub local_pause_max: SimDuration,
}

impl DetectorConfig {
    /// Time between two pings or heartbeats, if it has messages of its own.
    pub fn interval(&self) -> Option<SimDuration> {
        match self {
            DetectorConfig::Check(config) => Some(config.interval),
            DetectorConfig::Push(config) => Some(config.interval),
            DetectorConfig::Gossip { .. } => None,
        }
    }

    /// The shortest time between two checks or heartbeats, if it has messages of its own.
    pub fn interval_min(&self) -> Option<SimDuration> {
        match self {
            DetectorConfig::Check(config) => Some(config.interval_min()),
            DetectorConfig::Push(config) => Some(config.interval),
            DetectorConfig::Gossip { .. } => None,
        }
    }

    /// Where in its interval each pair starts.
    pub fn phase(&self) -> Phase {
        match self {
            DetectorConfig::Check(config) => config.phase,
            DetectorConfig::Push(config) => config.phase,
            DetectorConfig::Gossip { .. } => Phase::Random,
        }
    }

    /// What is sent: `pings` or `heartbeats`.
    pub fn message_name(&self) -> &'static str {
        match self {
            DetectorConfig::Check(_) => "pings",
            DetectorConfig::Push(_) => "heartbeats",
            DetectorConfig::Gossip { .. } => "gossip",
        }
    }

    /// What a probe or a heartbeat sees of a process.
    pub fn path(&self) -> ProbePath {
        match self {
            DetectorConfig::Check(config) => config.path,
            DetectorConfig::Push(config) => config.path,
            DetectorConfig::Gossip { .. } => ProbePath::Bypass,
        }
    }

    /// The checks, if it asks.
    pub fn check(&self) -> Option<CheckConfig> {
        match self {
            DetectorConfig::Check(config) => Some(*config),
            DetectorConfig::Push(_) | DetectorConfig::Gossip { .. } => None,
        }
    }

    /// The heartbeats, if it is sent some.
    pub fn push(&self) -> Option<PushConfig> {
        match self {
            DetectorConfig::Check(_) | DetectorConfig::Gossip { .. } => None,
            DetectorConfig::Push(config) => Some(*config),
        }
    }
}

impl JudgeConfig {
    /// Most numbers that the detector of one pair keeps.
    pub fn window(&self) -> u32 {
        match self {
            JudgeConfig::Timeout { .. } | JudgeConfig::ChenNfdS { .. } => 0,
            JudgeConfig::ChenNfdE { window, .. } | JudgeConfig::PhiPaper { window, .. } => *window,
            JudgeConfig::Bertier(config) => config.window,
            JudgeConfig::PhiAkka(config) => config.window,
            JudgeConfig::PhiCassandra(config) => config.window,
        }
    }

    /// Whether heartbeats leave at fixed instants, as the model of Chen wants it; otherwise the
    /// next one leaves an interval after the last.
    pub fn has_fixed_rate(&self) -> bool {
        match self {
            JudgeConfig::ChenNfdS { .. }
            | JudgeConfig::ChenNfdE { .. }
            | JudgeConfig::Bertier(_) => true,
            JudgeConfig::Timeout { .. }
            | JudgeConfig::PhiPaper { .. }
            | JudgeConfig::PhiAkka(_)
            | JudgeConfig::PhiCassandra(_) => false,
        }
    }

    /// Whether trust, too, comes back only when the caller looks.
    pub fn trusts_at_checks(&self) -> bool {
        matches!(self, JudgeConfig::PhiAkka(_))
    }
}
