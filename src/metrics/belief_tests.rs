//! Detectors and exclusions on timelines written by hand.

use super::data::timeline::BelievedState;
use super::facts::{
    fault_started, forgotten, holds, node, record, suspected, trusted, view, window,
};
use super::fixture::{SMALL, Shape, scenario};
use crate::id::{CallerId, ClassId, EdgeId, InstanceId, NodeId};
use crate::model::observation::{ExclusionCause, LifeState, Observation, Suspector};

#[test]
fn detectors_are_measured_after_chen() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    let (registry, ping) = (Suspector::Registry, Suspector::Caller(CallerId(0)));
    let facts = [
        // A mistake of 4 s, and one of 10 s that the crash makes right.
        (10_000, suspected(ping, 0)),
        (14_000, trusted(ping, 0)),
        (30_000, suspected(ping, 0)),
        // A pause is no crash: a suspicion is a mistake of 2 s.
        (35_000, node(1, LifeState::Paused)),
        (36_000, suspected(registry, 1)),
        (38_000, trusted(registry, 1)),
        (39_000, node(1, LifeState::Up)),
        (40_000, node(0, LifeState::Crashed)),
        // The registry takes back its first suspicion; the second one, after 12 s, is final.
        (45_000, suspected(registry, 0)),
        (46_000, trusted(registry, 0)),
        (52_000, suspected(registry, 0)),
        (60_000, node(0, LifeState::Up)),
        // The registry is wrong for another 5 s, which is no mistake.
        (65_000, trusted(registry, 0)),
        (66_000, trusted(ping, 0)),
    ];
    let metrics = record(&scenario, &[window(40_000, 60_000)], &facts, 100_000, 0);
    let [of_registry, of_ping] = &metrics.detectors[..] else {
        panic!("two detectors");
    };
    assert_eq!(of_registry.detection_time.mean_secs, Some(12.0));
    assert_eq!(
        (of_registry.mistake_count, of_registry.undetected_count),
        (1, 0)
    );
    assert_eq!(of_registry.mistake_duration.mean_secs, Some(2.0));
    // Two instances, one of them down for 20 of 100 s: 180 s up. Wrong for 2 + 5 s.
    assert_eq!(of_registry.observed_pair_secs, 180.0);
    assert_eq!(of_registry.query_accuracy_ratio, Some(1.0 - 7.0 / 180.0));
    assert_eq!(of_registry.mistake_recurrence_secs_mean, Some(180.0));
    // Two callers watch: one had suspected already, the other never noticed.
    assert_eq!(of_ping.detection_time.mean_secs, Some(0.0));
    assert_eq!((of_ping.mistake_count, of_ping.undetected_count), (2, 1));
    assert_eq!(of_ping.mistake_duration.mean_secs, Some(7.0));
    assert_eq!(of_ping.mistake_rate_per_sec, Some(2.0 / 360.0));
    assert_eq!(
        of_ping.query_accuracy_ratio,
        Some(1.0 - (4.0 + 10.0 + 6.0) / 360.0)
    );
    let fault = &metrics.faults[0];
    assert_eq!(fault.detection[0].detection_time.max_secs, Some(12.0));
    assert_eq!(fault.down_count, 1);
}

#[test]
fn who_is_away_has_not_failed_to_notice() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    let [first, second] = [0, 1].map(|caller| Suspector::Caller(CallerId(caller)));
    let facts = [
        (40_000, node(0, LifeState::Crashed)),
        // The second caller crashes before it notices. Nodes 0 and 1 are instances.
        (41_000, node(3, LifeState::Crashed)),
        // The first one notices, and then the instance is off its list.
        (43_000, suspected(first, 0)),
        (45_000, forgotten(first, 0)),
        // Who comes late never took the instance for alive.
        (51_000, node(3, LifeState::Up)),
        (52_000, suspected(second, 0)),
        (60_000, node(0, LifeState::Up)),
        (61_000, trusted(second, 0)),
    ];
    let metrics = record(&scenario, &[window(40_000, 60_000)], &facts, 100_000, 0);
    let of_ping = &metrics.detectors[1];
    assert_eq!(of_ping.detection_time.mean_secs, Some(3.0));
    assert_eq!(of_ping.detection_time.sample_count, 1);
    assert_eq!(of_ping.undetected_count, 0);
    // Instances are up for 100 s and 80 s, for two callers; one of these is away for 10 s, in
    // which one instance is up.
    assert_eq!(of_ping.observed_pair_secs, 360.0 - 10.0);
}

#[test]
#[should_panic(expected = "suspects InstanceId(0) twice")]
fn a_suspicion_begins_once() {
    let registry = Suspector::Registry;
    let facts = [
        (10_000, suspected(registry, 0)),
        (11_000, trusted(registry, 0)),
        (12_000, suspected(registry, 0)),
        (13_000, suspected(registry, 0)),
    ];
    record(&scenario(SMALL), &[], &facts, 100_000, 0);
}

#[test]
fn exclusion_is_split_into_stages() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    let (all, without) = (view(1, &[(0, 1.0), (1, 1.0)]), view(2, &[(1, 1.0)]));
    let wasted = Observation::AttemptSent {
        class: ClassId::NONE,
        caller: CallerId(0),
        edge: EdgeId(0),
        instance: InstanceId(0),
        attempt_index: 0,
        key: 0,
        is_wasted: true,
    };
    let excluded = |caller, cause| Observation::Excluded {
        caller: CallerId(caller),
        instance: InstanceId(0),
        cause,
    };
    let facts = [
        (0, holds(0, &all)),
        (0, holds(1, &all)),
        (20_000, fault_started(&[NodeId(0)])),
        (20_000, node(0, LifeState::Crashed)),
        (21_000, wasted),
        (28_000, suspected(Suspector::Registry, 0)),
        (29_000, Observation::Published { view: &without }),
        (31_500, holds(0, &without)),
        (31_500, excluded(0, ExclusionCause::Registry)),
        (40_000, node(0, LifeState::Up)),
    ];
    let metrics = record(&scenario, &[window(20_000, 40_000)], &facts, 100_000, 0);
    let fault = &metrics.faults[0];
    assert_eq!(fault.exclusion.total.mean_secs, Some(11.5));
    assert_eq!(fault.exclusion.detection.mean_secs, Some(8.0));
    assert_eq!(fault.exclusion.publication.mean_secs, Some(1.0));
    assert_eq!(fault.exclusion.propagation.mean_secs, Some(2.5));
    // The other caller kept it.
    assert_eq!(fault.exclusion.not_excluded_count, 1);
    assert_eq!(
        (fault.wasted_attempt_count, fault.last_wasted_attempt_secs),
        (1, Some(1.0))
    );
    // The ring of the first caller lost one of two: what it owned moved, and nothing else.
    let ring = &fault.rings[0];
    assert!((ring.moved_key_ratio - ring.instances[0].before_ratio).abs() < 1e-12);
    assert_eq!(ring.moved_key_ratio_ideal, 0.5);
    assert_eq!(
        (ring.instances[1].after_ratio, ring.instances[0].after_ratio),
        (1.0, 0.0)
    );
    let moved_requests = ring
        .moved_request_ratio
        .expect("a thousand keys can be walked");
    // 1,000 keys: binomial with standard error below 1.6 points; 4.8 of them.
    assert!(
        (moved_requests - ring.moved_key_ratio).abs() < 0.076,
        "{moved_requests}"
    );
}

#[test]
fn a_ring_is_credited_to_faults_that_act_on_its_servers() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    let (all, without) = (view(1, &[(0, 1.0), (1, 1.0)]), view(2, &[(1, 1.0)]));
    let moved = |targets: &[NodeId]| {
        let facts = [
            (0, holds(0, &all)),
            (20_000, fault_started(targets)),
            (30_000, holds(0, &without)),
        ];
        let metrics = record(&scenario, &[window(20_000, 40_000)], &facts, 100_000, 0);
        metrics.faults[0].moved_rings().count()
    };
    assert_eq!(moved(&[NodeId(1)]), 1);
    // Nodes 2 and 3 are callers; a fault of links or of the registry has no targets.
    assert_eq!(moved(&[NodeId(2), NodeId(3)]), 0);
    assert_eq!(moved(&[]), 0);
}

#[test]
fn a_withdrawn_exclusion_does_not_count() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    let all = view(1, &[(0, 1.0), (1, 1.0)]);
    let excluded = Observation::Excluded {
        caller: CallerId(0),
        instance: InstanceId(0),
        cause: ExclusionCause::Detector,
    };
    let included = Observation::Included {
        caller: CallerId(0),
        instance: InstanceId(0),
    };
    let facts = [
        (0, holds(0, &all)),
        (20_000, node(0, LifeState::Crashed)),
        (21_000, excluded.clone()),
        (22_000, included),
        (27_000, excluded),
        (40_000, node(0, LifeState::Up)),
    ];
    let metrics = record(&scenario, &[window(20_000, 40_000)], &facts, 100_000, 0);
    let exclusion = &metrics.faults[0].exclusion;
    assert_eq!(
        (exclusion.total.sample_count, exclusion.total.max_secs),
        (1, Some(7.0))
    );
    assert_eq!(exclusion.not_excluded_count, 0);
    assert_eq!(exclusion.detection.sample_count, 0);
}

#[test]
fn a_spare_instance_that_joins_and_leaves_has_no_failure_to_detect() {
    let mut scenario = scenario(SMALL);
    (scenario.groups[0].count, scenario.groups[0].count_spare) = (1, 1);
    let facts = [
        (0, node(1, LifeState::Absent)),
        (20_000, node(1, LifeState::Restarting)),
        (30_000, node(1, LifeState::Up)),
        (60_000, node(1, LifeState::Absent)),
        // A suspicion of who left is no mistake.
        (65_000, suspected(Suspector::Registry, 1)),
    ];
    let metrics = record(&scenario, &[], &facts, 100_000, 0);
    let registry = &metrics.detectors[0];
    assert_eq!(registry.detection_time.sample_count, 0);
    assert_eq!((registry.undetected_count, registry.mistake_count), (0, 0));
    // One instance for 100 s, the other one for 30 s.
    assert_eq!(registry.observed_pair_secs, 130.0);
    let truth = &metrics.timelines.rows[0];
    assert_eq!(truth.observer, "truth");
    let changes: Vec<_> = truth.changes.iter().map(|c| (c.at_secs, c.state)).collect();
    assert_eq!(
        changes,
        [
            (0.0, BelievedState::Absent),
            (20.0, BelievedState::Restarting),
            (30.0, BelievedState::Up),
            (60.0, BelievedState::Absent),
        ]
    );
}

#[test]
fn the_last_attempt_to_a_dead_server_is_counted_from_its_death() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    let wasted = Observation::AttemptSent {
        class: ClassId::NONE,
        caller: CallerId(0),
        edge: EdgeId(0),
        instance: InstanceId(0),
        attempt_index: 0,
        key: 0,
        is_wasted: true,
    };
    let facts = [
        (20_000, node(0, LifeState::Crashed)),
        (23_000, wasted.clone()),
        (30_000, node(0, LifeState::Up)),
        (60_000, node(0, LifeState::Crashed)),
        (62_000, wasted),
        (70_000, node(0, LifeState::Up)),
    ];
    let windows = [window(20_000, 30_000), window(60_000, 70_000)];
    let metrics = record(&scenario, &windows, &facts, 100_000, 0);
    assert_eq!(metrics.faults[0].last_wasted_attempt_secs, Some(3.0));
}
