//! Why some measures have no scope `class`.

use super::super::measure::Measure;

/// Why a measure does not split by class of request; None where it does.
pub fn why_no_class(measure: Measure) -> Option<&'static str> {
    Some(match measure {
        Measure::DetectionTime
        | Measure::DetectionTimeFirst
        | Measure::DetectionTimeMedian
        | Measure::DetectionTimeLast
        | Measure::ExclusionTime
        | Measure::UndetectedCount
        | Measure::MistakeCount
        | Measure::MistakeRate
        | Measure::MistakeDuration
        | Measure::MistakeRecurrence
        | Measure::QueryAccuracy => "detectors watch instances, whatever requests these serve",
        Measure::ControlMessageRate
        | Measure::ControlByteRate
        | Measure::MemberMessageRate
        | Measure::MemberByteRate
        | Measure::ControlPeak => "control messages belong to no request",
        Measure::MitigationTime | Measure::RecoveryTime => {
            "the steady band is one of all requests; compare a measure of the class `during` and \
             `before` the fault instead"
        }
        Measure::MovedKeyRatio
        | Measure::NeedlessMoveRatio
        | Measure::MovedRequestRatio
        | Measure::Ownership
        | Measure::LoadAfterChange => "a ring knows keys, not the classes that carry them",
        Measure::SelectionError
        | Measure::Smoothness
        | Measure::SelectionConvergenceTime
        | Measure::ShareReturnTime => "balancers follow weights over all picks, whatever the class",
        Measure::BreakerOpenRatio | Measure::ConcurrencyLimit => {
            "all classes share the breaker and the limit of a calling side; its rejections split \
             by class, as `breaker_rejection_ratio` does"
        }
        Measure::UnderReplicatedKeySecs
        | Measure::MovedBytes
        | Measure::LostKeyCount
        | Measure::FullReplicationTime => "data belongs to no request",
        Measure::ThrottledRatio => {
            "a quota that is used up stops the work of all classes at once; `cpu_utilization` \
             splits CPU time by class"
        }
        Measure::ReplacedCount
        | Measure::FailedPerReplaced
        | Measure::ExtraMovedKeyRatio
        | Measure::LoadOneMinuteAfter
        | Measure::LoadTenMinutesAfter => "an instance is replaced as a whole",
        Measure::PauseRatio | Measure::InstanceCount => "an instance pauses or dies as a whole",
        Measure::ConnectionsOpen | Measure::HalfOpenTime => {
            "attempts of all classes share connections; `handshake_rate` splits by the class of \
             the attempt that needed the connection, `pool_waiting_time` by that of who waited"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::MEASURES;
    use super::why_no_class;

    #[test]
    fn a_measure_splits_by_class_or_says_why_not() {
        for info in MEASURES {
            let splits = info.scopes.contains(&"class");
            assert_eq!(
                splits,
                why_no_class(info.measure).is_none(),
                "{}",
                info.name
            );
        }
    }
}
