//! The quality of failure detectors, after Chen, Toueg and Aguilera (IEEE TC 51(5), 2002).
//!
//! A *pair* is one suspector and one instance that it watches. An instance is *down* while its
//! process is crashed or its host is lost. A suspicion of a paused or unreachable instance is a
//! mistake: it has not crashed.

use serde::Serialize;

use super::distribution::DurationStats;

/// One detector: all pairs of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DetectorMetrics {
    /// `registry` or the path of the call edge that watches; with `(ejection)` where it has no
    /// detector and the ejections of its balancer count as one.
    pub detector: String,
    /// The service that is watched.
    pub service: String,
    /// From going down to the final suspicion (T_D); zero where the pair suspected already.
    pub detection_time: DurationStats,
    /// Pairs whose instance came up again, or the run ended, before they suspected it for good.
    /// Who was down itself for a part of that time is left out if it did not suspect it before.
    pub undetected_count: u64,
    /// Suspicions that began while the instance was not down, in the measured window.
    pub mistake_count: u64,
    /// Mistakes per second in which both of a pair are up (lambda_M).
    pub mistake_rate_per_sec: Option<f64>,
    /// Start of a mistake to its withdrawal or to the crash that makes it right (T_M).
    pub mistake_duration: DurationStats,
    /// Mistakes that lasted at the end of the run; not in the durations.
    pub mistake_open_count: u64,
    /// Mean time between the starts of mistakes of a pair: time up over mistakes (E T_MR). None
    /// without mistakes.
    pub mistake_recurrence_secs_mean: Option<f64>,
    /// Share of the time up in which a pair does not suspect (P_A).
    pub query_accuracy_ratio: Option<f64>,
    /// Time in which both are up, summed over pairs, in the measured window.
    pub observed_pair_secs: f64,
    /// Of a cluster: when the first, the median and the last member knew of a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<MemberDetection>,
}

/// How a crash became known in a cluster, one sample for every crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MemberDetection {
    /// Members, the watched one included.
    pub member_count: u64,
    /// From going down to the final suspicion of the first member.
    pub first: DurationStats,
    /// To that of the one in the middle, the lower one of two.
    pub median: DurationStats,
    /// To that of the last one.
    pub last: DurationStats,
}

/// How a detector saw one fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultDetection {
    /// `registry` or the path of the call edge that pings.
    pub detector: String,
    /// From going down to the final suspicion.
    pub detection_time: DurationStats,
    /// Pairs that never suspected for good.
    pub undetected_count: u64,
}

/// How callers stopped using the instances that a fault took down: from going down to the final
/// exclusion, one sample for each caller and instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ExclusionStats {
    /// The whole time.
    pub total: DurationStats,
    /// Stage 1, of exclusions by the registry's list: down to the registry's suspicion.
    pub detection: DurationStats,
    /// Stage 2: suspicion to the list without the instance.
    pub publication: DurationStats,
    /// Stage 3: that list to the caller's last candidate change.
    pub propagation: DurationStats,
    /// Caller and instance pairs that still had it as a candidate when it came up again or the run
    /// ended, of callers that were up then.
    pub not_excluded_count: u64,
    /// Exclusions that were taken as final without being followed, because too many were open.
    pub assumed_final_count: u64,
}
