//! The measures that a scenario may name, with their definitions: the text of `stormglass metrics`.

use crate::id::{ClassId, ClientId, EdgeId, FaultId, InstanceId, ServiceId, ZoneId};

/// What kind of number a measure is, and so which unit its limits need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A length of time, in seconds.
    Time,
    /// A share of a whole.
    Ratio,
    /// Per second.
    Rate,
    /// A plain number.
    Number,
}

/// A family of measures; the statistic picks one number of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    SuccessRatio,
    FailureRatio,
    TimeoutRatio,
    RejectedRatio,
    RequestRate,
    Goodput,
    Throughput,
    WindowAvailability,
    Latency,
    LatencyOrFail,
    LatencyAll,
    Amplification,
    RetryRatio,
    WastedAttemptRatio,
    WaitingTime,
    WaitRatio,
    SojournTime,
    ServiceTime,
    InSystem,
    Utilization,
    ZombieRatio,
    DetectionTime,
    DetectionTimeFirst,
    DetectionTimeMedian,
    DetectionTimeLast,
    ExclusionTime,
    UndetectedCount,
    MistakeCount,
    MistakeRate,
    MistakeDuration,
    MistakeRecurrence,
    QueryAccuracy,
    ControlMessageRate,
    ControlByteRate,
    MemberMessageRate,
    MemberByteRate,
    ControlPeak,
    MitigationTime,
    RecoveryTime,
    MovedKeyRatio,
    MovedRequestRatio,
    Ownership,
    LoadAfterChange,
    SelectionError,
    Smoothness,
    InFlightBalance,
    UtilizationBalance,
    ByteRate,
    FallbackRatio,
    NetworkTime,
    QueueTime,
    WorkTime,
    CallTime,
    FailedAttemptTime,
    BackoffTime,
    CallerTime,
    HedgeRatio,
    FailsafeRatio,
    DroppedRatio,
    CancelledRatio,
    ZombieTimeRatio,
    LocalRejectionRatio,
    BreakerRejectionRatio,
    BulkheadRejectionRatio,
    ThrottleRejectionRatio,
    LimitRejectionRatio,
    RetryBudgetExhaustedRatio,
    BreakerOpenRatio,
    ConcurrencyLimit,
    CpuUtilization,
    ThrottledRatio,
    PauseRatio,
    ConnectionsOpen,
    HandshakeRate,
    PoolWaitingTime,
    HalfOpenTime,
    InstanceCount,
    CacheHitRatio,
    CacheStaleRatio,
    CacheLoadRate,
    CacheLoadPeak,
    SelectionConvergenceTime,
    ShareReturnTime,
    NeedlessMoveRatio,
    QueueDepthBalance,
    ReplacedCount,
    FailedPerReplaced,
    ExtraMovedKeyRatio,
    LoadOneMinuteAfter,
    LoadTenMinutesAfter,
    UnderReplicatedKeySecs,
    MovedBytes,
    LostKeyCount,
    FullReplicationTime,
}

impl Measure {
    /// Whether it is told of the data that instances keep.
    pub fn is_of_data(self) -> bool {
        matches!(
            self,
            Measure::UnderReplicatedKeySecs
                | Measure::MovedBytes
                | Measure::LostKeyCount
                | Measure::FullReplicationTime
        )
    }

    /// Whether it is known of the whole run only: smoothness follows one sequence of picks from its
    /// beginning, mistakes last from one phase into another, and messages by member are too many
    /// to be kept by phase.
    pub fn is_of_whole_run(self) -> bool {
        let is_lasting = matches!(
            self,
            Measure::Smoothness
                | Measure::MistakeCount
                | Measure::MistakeRate
                | Measure::MistakeDuration
                | Measure::MistakeRecurrence
                | Measure::QueryAccuracy
        );
        is_lasting || self.is_of_members()
    }

    /// Whether it is told of single members of registries and clusters.
    pub fn is_of_members(self) -> bool {
        matches!(self, Measure::MemberMessageRate | Measure::MemberByteRate)
    }

    /// Whether it is told of caches.
    pub fn is_of_cache(self) -> bool {
        matches!(
            self,
            Measure::CacheHitRatio
                | Measure::CacheStaleRatio
                | Measure::CacheLoadRate
                | Measure::CacheLoadPeak
        )
    }

    /// Whether it is told of work at instances, one attempt at a time.
    pub fn is_of_work(self) -> bool {
        matches!(
            self,
            Measure::Throughput
                | Measure::WaitingTime
                | Measure::SojournTime
                | Measure::ServiceTime
                | Measure::WaitRatio
                | Measure::ZombieRatio
                | Measure::ZombieTimeRatio
                | Measure::DroppedRatio
                | Measure::CancelledRatio
        )
    }

    /// Whether it is told of a rolling restart.
    pub fn is_of_rollout(self) -> bool {
        matches!(
            self,
            Measure::ReplacedCount
                | Measure::FailedPerReplaced
                | Measure::ExtraMovedKeyRatio
                | Measure::LoadOneMinuteAfter
                | Measure::LoadTenMinutesAfter
        )
    }

    /// Whether it is a part of the latency.
    pub fn is_of_breakdown(self) -> bool {
        matches!(
            self,
            Measure::NetworkTime
                | Measure::QueueTime
                | Measure::WorkTime
                | Measure::CallTime
                | Measure::FailedAttemptTime
                | Measure::BackoffTime
                | Measure::CallerTime
        )
    }
}

/// Which number of a family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// The family has one number only.
    Value,
    Mean,
    Min,
    Max,
    StandardDeviation,
    /// `p99` is `Percentile(99.0)`.
    Percentile(f64),
    /// Largest over mean.
    MaxOverMean,
    /// Coefficient of variation.
    Cv,
    /// Jain's fairness index.
    Jain,
    /// Largest absolute deviation.
    MaxAbsolute,
    /// Largest relative deviation.
    MaxRelative,
    /// P-value of Pearson's chi-squared test.
    ChiSquaredP,
    /// Longest run of picks of one instance.
    BurstMax,
}

/// What the measure is taken over. None means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `{client=shop}`.
    pub client: Option<ClientId>,
    /// `{zone=a}`: of the caller, for measures of requests; of the instance, for those of servers.
    pub zone: Option<ZoneId>,
    /// `{call=shop.web}` or `{call=api.db}`.
    pub edge: Option<EdgeId>,
    /// `{service=web}`.
    pub service: Option<ServiceId>,
    /// `{instance=web/a/3}`.
    pub instance: Option<InstanceId>,
    /// `{class=shop.checkout}`.
    pub class: Option<ClassId>,
}

/// How numbers of many callers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Pooled over everything in scope.
    Pooled,
    /// `.worst`: the worst caller.
    Worst,
    /// `.spread`: worst minus best caller.
    Spread,
}

/// Which part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The whole measured window.
    Whole,
    /// After warm-up, outside every fault and its recovery.
    Steady,
    /// Before the first window of the fault.
    Before(FaultId),
    /// In a window of the fault.
    During(FaultId),
    /// After the first window of the fault and in none of its windows.
    After(FaultId),
    /// Measured, in no window of the fault.
    Outside(FaultId),
    /// Of the fault itself: detection time, mitigation time, moved keys.
    Of(FaultId),
}

/// A number that somebody asks for outside `[expect]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedMeasure {
    /// As written: `latency.p99{client=shop} during fault.rack-b`.
    pub text: String,
    /// Which number it is.
    pub measure: MeasureRef,
}

/// A reference to one number of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasureRef {
    /// The family.
    pub measure: Measure,
    /// Which number of it.
    pub statistic: Statistic,
    /// Over what.
    pub scope: Scope,
    /// How callers are aggregated.
    pub aggregation: Aggregation,
    /// In which part of the run.
    pub phase: Phase,
}
