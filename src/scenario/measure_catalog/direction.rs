//! Which way a measure gets better.

use super::super::measure::{Aggregation, Measure, MeasureRef, Statistic};

/// Which way a number gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The more, the better.
    Higher,
    /// The less, the better.
    Lower,
    /// It says how a system works, not how well.
    Neither,
}

/// Which way a number gets better. A spread over callers is better the smaller it is.
pub fn direction(measure: &MeasureRef) -> Direction {
    match (measure.aggregation, measure.statistic) {
        (Aggregation::Spread, _) => return Direction::Lower,
        (_, Statistic::Jain) => return Direction::Higher,
        (_, Statistic::ChiSquaredP) => return Direction::Neither,
        _ => {}
    }
    match measure.measure {
        Measure::SuccessRatio
        | Measure::Goodput
        | Measure::WindowAvailability
        | Measure::MistakeRecurrence
        | Measure::QueryAccuracy
        | Measure::CacheHitRatio => Direction::Higher,
        Measure::FailureRatio
        | Measure::TimeoutRatio
        | Measure::RejectedRatio
        | Measure::Latency
        | Measure::LatencyOrFail
        | Measure::LatencyAll
        | Measure::Amplification
        | Measure::RetryRatio
        | Measure::WastedAttemptRatio
        | Measure::WaitingTime
        | Measure::WaitRatio
        | Measure::SojournTime
        | Measure::ZombieRatio
        | Measure::ZombieTimeRatio
        | Measure::DetectionTime
        | Measure::DetectionTimeFirst
        | Measure::DetectionTimeMedian
        | Measure::DetectionTimeLast
        | Measure::ExclusionTime
        | Measure::UndetectedCount
        | Measure::MistakeCount
        | Measure::MistakeRate
        | Measure::MistakeDuration
        | Measure::ControlMessageRate
        | Measure::ControlByteRate
        | Measure::MemberMessageRate
        | Measure::MemberByteRate
        | Measure::ControlPeak
        | Measure::MitigationTime
        | Measure::RecoveryTime
        | Measure::ShareReturnTime
        | Measure::MovedKeyRatio
        | Measure::MovedRequestRatio
        | Measure::Ownership
        | Measure::LoadAfterChange
        | Measure::SelectionError
        | Measure::Smoothness
        | Measure::InFlightBalance
        | Measure::UtilizationBalance
        | Measure::DroppedRatio
        | Measure::PoolWaitingTime
        | Measure::HalfOpenTime
        | Measure::FailedPerReplaced
        | Measure::ExtraMovedKeyRatio
        | Measure::LoadOneMinuteAfter
        | Measure::LoadTenMinutesAfter
        | Measure::CacheStaleRatio => Direction::Lower,
        _ => Direction::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::measure::{Phase, Scope};

    #[test]
    fn balance_is_better_high_by_jain_and_low_by_the_others() {
        let of = |statistic| {
            direction(&MeasureRef {
                measure: Measure::InFlightBalance,
                statistic,
                scope: Scope::default(),
                aggregation: Aggregation::Pooled,
                phase: Phase::Whole,
            })
        };
        assert_eq!(of(Statistic::Jain), Direction::Higher);
        assert_eq!(of(Statistic::Cv), Direction::Lower);
    }
}
