//! Instances that leave because of a fault, and faults that bite late, on timelines written by
//! hand.

use std::ops::Range;

use super::data::RunMetrics;
use super::data::timeline::BelievedState::{self, Absent, Excluded, Up};
use super::facts::{arrived, ended, fault_started, holds, record, sent, view, window};
use super::fixture::{SMALL, Shape, scenario};
use crate::id::{CallerId, ClassId, EdgeId, FaultId, InstanceId, NodeId};
use crate::model::observation::{ExclusionCause, FaultWindow, LifeState, Observation, Outcome};
use crate::scenario::Scenario;
use crate::scenario::fault::FaultKind;
use crate::scenario::rollout::{Amount, DrainConfig, RolloutConfig, RolloutOrder};
use crate::time::SimDuration;

/// Two instances and two callers, and one fault.
fn with_fault(kind: FaultKind) -> Scenario {
    let mut scenario = scenario(Shape {
        faults: &["deploy"],
        ..SMALL
    });
    scenario.faults[0].kind = kind;
    scenario
}

fn rolling() -> FaultKind {
    FaultKind::RollingRestart(Box::new(RolloutConfig {
        batch: None,
        max_surge: Amount::Count(1),
        max_unavailable: Amount::Count(0),
        is_new: true,
        order: RolloutOrder::Ascending,
        ready_after: SimDuration::ZERO,
        drain: DrainConfig {
            deregisters: true,
            wait: SimDuration::ZERO,
            grace: SimDuration::ZERO,
            is_announced: false,
        },
        abort_when: None,
    }))
}

/// The first instance exits, or is back, because of the fault.
fn node(state: LifeState) -> Observation<'static> {
    Observation::NodeChanged {
        node: NodeId(0),
        state,
        fault: Some(FaultId(0)),
    }
}

/// An attempt to the first instance, which is not there.
fn wasted() -> Observation<'static> {
    Observation::AttemptSent {
        class: ClassId::NONE,
        caller: CallerId(0),
        edge: EdgeId(0),
        instance: InstanceId(0),
        attempt_index: 0,
        key: 0,
        is_wasted: true,
    }
}

fn excluded(caller: u32) -> Observation<'static> {
    Observation::Excluded {
        caller: CallerId(caller),
        instance: InstanceId(0),
        cause: ExclusionCause::Registry,
    }
}

/// The changes that an observer of an instance is shown with.
fn shown(metrics: &RunMetrics, instance: u32, observer: &str) -> Vec<(f64, BelievedState)> {
    let mut rows = metrics.timelines.rows.iter();
    let row = rows.find(|row| row.instance == instance && row.observer == observer);
    let changes = row.map_or(&[][..], |row| &row.changes);
    changes.iter().map(|it| (it.at_secs, it.state)).collect()
}

/// The first instance exits at 20.5 s, in a window from 20 to 21 s; the first caller sends to it
/// until 50 s and lists it until 60 s, the other one does so to the end.
fn stale_callers(kind: FaultKind) -> RunMetrics {
    let (all, without) = (view(1, &[(0, 1.0), (1, 1.0)]), view(2, &[(1, 1.0)]));
    let facts = [
        (0, holds(0, &all)),
        (0, holds(1, &all)),
        (20_500, node(LifeState::Absent)),
        // Arrives after the window and fails before the last attempt to the instance.
        (30_000, arrived(0)),
        (30_000, wasted()),
        (31_000, ended(0, 30_000, Outcome::Failure, 1)),
        // Under way at the last of these attempts.
        (49_000, arrived(0)),
        (50_000, wasted()),
        (51_000, ended(0, 49_000, Outcome::Failure, 2)),
        (60_000, holds(0, &without)),
        (60_000, excluded(0)),
        // Has nothing to do with it.
        (70_000, arrived(0)),
        (70_000, sent(0, 1)),
        (71_000, ended(0, 70_000, Outcome::Failure, 1)),
    ];
    let scenario = with_fault(kind);
    record(&scenario, &[window(20_000, 21_000)], &facts, 100_000, 0)
}

#[test]
fn a_rollout_is_charged_with_requests_that_fail_while_callers_use_who_left() {
    let metrics = stale_callers(rolling());
    let rollout = metrics.faults[0].rollout.as_ref();
    assert_eq!(rollout.map(|it| it.failed_request_count), Some(2));
}

#[test]
fn who_leaves_because_of_a_fault_is_called_in_vain_and_excluded_but_not_detected() {
    for kind in [rolling(), FaultKind::Crash] {
        let fault = &stale_callers(kind).faults[0];
        assert_eq!(fault.wasted_attempt_count, 2);
        assert_eq!(fault.last_wasted_attempt_secs, Some(29.5));
        assert_eq!(fault.exclusion.total.mean_secs, Some(39.5));
        // The other caller kept it.
        assert_eq!(fault.exclusion.not_excluded_count, 1);
        // Nothing has failed that a detector could have missed.
        assert!(fault.detection.is_empty());
        assert_eq!(fault.down_count, 0);
    }
}

#[test]
fn who_a_fault_told_to_leave_exits_because_of_it() {
    let all = view(1, &[(0, 1.0), (1, 1.0)]);
    let exit = |told: bool| {
        let exits = Observation::NodeChanged {
            node: NodeId(0),
            state: LifeState::Absent,
            fault: None,
        };
        let mut facts = vec![(0, holds(0, &all)), (25_000, exits), (30_000, wasted())];
        if told {
            facts.insert(1, (20_000, fault_started(&[NodeId(0)])));
        }
        let grace = SimDuration::from_secs(5);
        let scenario = with_fault(FaultKind::ScaleIn { grace });
        let metrics = record(&scenario, &[window(20_000, 90_000)], &facts, 100_000, 0);
        let fault = &metrics.faults[0];
        (fault.wasted_attempt_count, fault.last_wasted_attempt_secs)
    };
    assert_eq!(exit(true), (1, Some(5.0)));
    // An autoscaler asks no fault.
    assert_eq!(exit(false), (0, None));
}

#[test]
fn who_is_replaced_at_once_was_never_to_be_excluded() {
    let all = view(1, &[(0, 1.0), (1, 1.0)]);
    let facts = [
        (0, holds(0, &all)),
        (20_500, node(LifeState::Absent)),
        (20_500, node(LifeState::Up)),
    ];
    let windows = [window(20_000, 21_000)];
    let metrics = record(&with_fault(rolling()), &windows, &facts, 100_000, 0);
    let exclusion = &metrics.faults[0].exclusion;
    let counts = (exclusion.total.sample_count, exclusion.not_excluded_count);
    assert_eq!(counts, (0, 0));
}

#[test]
fn a_view_is_shown_from_what_it_was_before_its_first_change() {
    let metrics = stale_callers(rolling());
    let (truth, view_row) = ("truth", "view shop/0");
    assert_eq!(shown(&metrics, 0, truth), [(20.5, Absent)]);
    assert_eq!(shown(&metrics, 0, view_row), [(0.0, Up), (60.0, Excluded)]);

    // Who is listed for the first time was no candidate before.
    let first = view(1, &[(1, 1.0)]);
    let included = Observation::Included {
        caller: CallerId(0),
        instance: InstanceId(0),
    };
    let facts = [(0, holds(0, &first)), (40_000, included)];
    let metrics = record(&scenario(SMALL), &[], &facts, 100_000, 0);
    assert_eq!(shown(&metrics, 0, view_row), [(0.0, Excluded), (40.0, Up)]);
}

/// Ten requests a second, which fail in these seconds.
fn traffic(bad_secs: Range<u64>) -> Vec<(u64, Observation<'static>)> {
    let of = |at: u64| {
        let outcome = match bad_secs.contains(&(at / 1_000)) {
            true => Outcome::Failure,
            false => Outcome::Success,
        };
        [(at, arrived(0)), (at + 10, ended(0, at, outcome, 1))]
    };
    (0..100_000).step_by(100).flat_map(of).collect()
}

#[test]
fn a_fault_that_bites_late_is_mitigated_after_it_has_bitten() {
    let returned = |bad_secs: Range<u64>| {
        let windows = [window(40_000, 60_000)];
        let facts = traffic(bad_secs);
        let metrics = record(&with_fault(FaultKind::Crash), &windows, &facts, 100_000, 0);
        let fault = &metrics.faults[0];
        let times = [&fault.mitigation, &fault.recovery];
        times.map(|it| it.reached_secs.clone())
    };
    // Ten good windows, then three bad ones: back at 53 s. The end changes nothing.
    assert_eq!(returned(50..53), [[13.0], [0.0]]);
    // Never out of the band: nothing to mitigate.
    assert_eq!(returned(0..0), [[0.0], [0.0]]);
    // What comes ten windows after the end is not the fault's, for all that is known.
    assert_eq!(returned(70..73), [[0.0], [0.0]]);
}

#[test]
fn a_fault_bites_until_the_last_attempt_to_who_left() {
    let mut facts = traffic(70..73);
    let left = [(50_000, node(LifeState::Absent)), (71_500, wasted())];
    facts.extend(left);
    facts.sort_by_key(|(at, _)| *at);
    let windows = [window(40_000, 60_000)];
    let metrics = record(&with_fault(rolling()), &windows, &facts, 100_000, 0);
    let fault = &metrics.faults[0];
    // Bad from 70 to 73 s: 33 s after the start, 13 s after the end.
    assert_eq!(fault.mitigation.reached_secs, [33.0]);
    assert_eq!(fault.recovery.reached_secs, [13.0]);
}

#[test]
fn what_another_fault_does_is_not_put_down_to_a_harmless_one() {
    let two = scenario(Shape {
        faults: &["harmless", "crash"],
        ..SMALL
    });
    let crash = FaultWindow {
        fault: FaultId(1),
        ..window(50_000, 53_000)
    };
    let windows = [window(40_000, 60_000), crash];
    let metrics = record(&two, &windows, &traffic(50..53), 100_000, 0);
    let mitigated = |fault: usize| metrics.faults[fault].mitigation.reached_secs.clone();
    assert_eq!(mitigated(0), [0.0]);
    assert_eq!(mitigated(1), [3.0]);
}

#[test]
fn a_return_that_nobody_could_see_is_not_told() {
    let fault_of = |windows: &[_], facts: &[_]| {
        let crash = with_fault(FaultKind::Crash);
        record(&crash, windows, facts, 100_000, 0).faults[0].clone()
    };
    // Three windows are left after the end, two fewer than a return needs.
    let late = [window(40_000, 97_000)];
    let fault = fault_of(&late, &traffic(0..0));
    assert_eq!(fault.mitigation.reached_secs, [0.0]);
    let recovery = &fault.recovery;
    assert_eq!((recovery.untold_count, recovery.not_reached_count), (1, 0));
    assert_eq!(recovery.max_secs, None);
    // One of them out of the band is news.
    let recovery = fault_of(&late, &traffic(98..99)).recovery;
    assert_eq!((recovery.untold_count, recovery.not_reached_count), (0, 1));

    // Nobody asks from 30 to 70 s: the fault has no witness, and the first ones find all well.
    let mut facts = traffic(0..0);
    facts.retain(|(at, _)| !(30_000..70_000).contains(at));
    let fault = fault_of(&[window(40_000, 60_000)], &facts);
    assert_eq!(fault.mitigation.untold_count, 1);
    assert_eq!(fault.recovery.reached_secs, [0.0]);
}
