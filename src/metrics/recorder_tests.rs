//! The recorder on timelines written by hand.

use super::data::request::PhaseKind;
use super::data::series::InstanceRow;
use super::facts::{arrived, ended, holds, ms, record, sent, sent_again, view, window};
use super::fixture::{SMALL, Shape, scenario};
use super::recorder::Recorder;
use crate::id::{CallerId, ClassId, EdgeId, FaultId, InstanceId, NodeId, ServiceId};
use crate::model::observation::{
    AttemptOutcome, ControlKind, FaultWindow, Observation, Observer, Outcome, RunEnd, WorkEnd,
};
use crate::scenario::topology::Topology;
use crate::time::SimDuration;

#[test]
fn requests_count_where_they_arrive() {
    let scenario = scenario(Shape {
        warmup_secs: 10,
        faults: &["crash"],
        ..SMALL
    });
    let facts = [
        (5_000, arrived(0)),
        (6_000, ended(0, 5_000, Outcome::Success, 1)),
        (19_000, arrived(0)),
        (19_000, sent(0, 0)),
        (25_000, arrived(1)),
        (25_000, sent(1, 0)),
        // Arrived before the fault, succeeded during it.
        (26_000, ended(0, 19_000, Outcome::Success, 1)),
        (30_000, sent_again(1, 0, 1)),
        // Arrived during the fault, timed out after it, with two attempts.
        (45_000, ended(1, 25_000, Outcome::Timeout, 2)),
        (50_000, arrived(1)),
        (50_250, ended(1, 50_000, Outcome::Success, 1)),
        (99_000, arrived(0)),
    ];
    let metrics = record(&scenario, &[window(20_000, 40_000)], &facts, 101_000, 1);
    assert_eq!(metrics.conservation.arrived_count, 5);
    assert_eq!(metrics.conservation.succeeded_count, 3);
    let phase = |kind| {
        let phases = &metrics.requests.phases;
        let found = phases.iter().find(|p| p.kind == kind);
        found.expect("every phase is there").stats
    };
    let whole = phase(PhaseKind::Whole);
    assert_eq!((whole.arrived_count, whole.succeeded_count), (4, 2));
    assert_eq!((whole.duration_secs, whole.in_flight_count), (90.0, 1));
    // Three attempts for four requests: two were never sent one.
    assert_eq!(whole.amplification_ratio, Some(0.75));
    let before = phase(PhaseKind::Before);
    assert_eq!((before.arrived_count, before.succeeded_count), (1, 1));
    assert_eq!(before.latency.mean_secs, Some(7.0));
    let during = phase(PhaseKind::During);
    assert_eq!((during.timed_out_count, during.retry_count), (1, 1));
    assert_eq!(during.amplification_ratio, Some(2.0));
    assert_eq!(during.latency.mean_secs, None);
    assert_eq!(during.duration_secs, 20.0);
    assert_eq!(phase(PhaseKind::After).latency.max_secs, Some(0.25));
    assert_eq!(phase(PhaseKind::Outside).arrived_count, 3);
}

#[test]
fn two_calls_without_retries_are_no_amplification() {
    let mut scenario = scenario(SMALL);
    scenario.edges.push(scenario.edges[0].clone());
    scenario.clients[0].calls.push(EdgeId(1));
    scenario.edges[1].flow.stage = 1;
    let (services, groups) = (&scenario.services, &scenario.groups);
    scenario.topology = Topology::new(services, groups, &scenario.clients, &scenario.edges, 1);
    // Calling sides 0 and 1 are those of the first call, 2 and 3 those of the second one.
    let sent = |edge: u32, attempt_index| Observation::AttemptSent {
        class: ClassId::NONE,
        caller: CallerId(2 * edge),
        edge: EdgeId(edge),
        instance: InstanceId(0),
        attempt_index,
        key: 0,
        is_wasted: false,
    };
    let call_ended = |edge: u32, started_ms, outcome| Observation::CallEnded {
        class: ClassId::NONE,
        caller: CallerId(2 * edge),
        edge: EdgeId(edge),
        started_at: ms(started_ms),
        outcome,
    };
    let mut facts = vec![
        (1_000, arrived(0)),
        (1_000, sent(0, 0)),
        (1_010, call_ended(0, 1_000, Outcome::Success)),
        (1_010, sent(1, 0)),
        (1_020, call_ended(1, 1_010, Outcome::Success)),
        (1_020, ended(0, 1_000, Outcome::Success, 2)),
    ];
    let stats = |facts: &[_]| {
        let metrics = record(&scenario, &[], facts, 101_000, 0);
        metrics.requests.phases[0].stats
    };
    assert_eq!(stats(&facts).amplification_ratio, Some(1.0));
    assert_eq!(stats(&facts).retry_count, 0);
    // The first call of another request fails with two attempts, so that there is no second one.
    facts.extend([
        (2_000, arrived(0)),
        (2_000, sent(0, 0)),
        (2_010, sent(0, 1)),
        (2_020, call_ended(0, 2_000, Outcome::Failure)),
        (2_020, ended(0, 2_000, Outcome::Failure, 2)),
    ]);
    assert_eq!(
        (stats(&facts).call_count, stats(&facts).retry_count),
        (3, 1)
    );
    assert_eq!(stats(&facts).amplification_ratio, Some(4.0 / 3.0));
}

#[test]
#[should_panic(expected = "requests were lost or counted twice")]
fn a_lost_request_is_noticed() {
    let facts = [(1_000, arrived(0))];
    record(&scenario(SMALL), &[], &facts, 101_000, 0);
}

fn work_arrived(instance: InstanceId) -> Observation<'static> {
    Observation::WorkArrived {
        class: ClassId::NONE,
        instance,
    }
}

#[test]
fn work_obeys_littles_law() {
    // Two attempts at instance 0 with one worker: 0..20 s in service, 10..30 s waiting 10 s.
    let scenario = scenario(SMALL);
    let instance = InstanceId(0);
    let work_ended = |arrived_ms, started_ms, is_zombie| Observation::WorkEnded {
        class: ClassId::NONE,
        instance,
        arrived_at: ms(arrived_ms),
        started_at: Some(ms(started_ms)),
        end: WorkEnd::Served,
        is_zombie,
    };
    let started = |waiting_ms| Observation::WorkStarted {
        class: ClassId::NONE,
        instance,
        waiting: SimDuration::from_ms(waiting_ms),
    };
    let busy = |busy_count| Observation::BusyChanged {
        instance,
        busy_count,
    };
    let attempt_ended = Observation::AttemptEnded {
        caller: CallerId(0),
        edge: EdgeId(0),
        instance,
        class: ClassId::NONE,
        sent_at: ms(0),
        outcome: AttemptOutcome::Success,
    };
    let facts = [
        (0, sent(0, 0)),
        (0, work_arrived(instance)),
        (0, started(0)),
        (0, busy(1)),
        (10_000, sent(0, 0)),
        (10_000, work_arrived(instance)),
        (20_000, work_ended(0, 0, false)),
        (20_000, started(10_000)),
        (20_000, attempt_ended.clone()),
        (30_000, work_ended(10_000, 20_000, true)),
        (30_000, busy(0)),
        (30_000, attempt_ended),
    ];
    let metrics = record(&scenario, &[], &facts, 100_000, 0);
    let web = &metrics.services[0];
    assert_eq!(web.waiting.mean_secs, Some(5.0));
    assert_eq!(web.wait_ratio, Some(0.5));
    assert_eq!(web.sojourn.mean_secs, Some(20.0));
    assert_eq!(web.service_time.mean_secs, Some(15.0));
    assert_eq!(web.zombie_ratio, Some(0.5));
    // 30 busy seconds of 200 worker seconds.
    assert_eq!(web.utilization_ratio, Some(0.15));
    // 1 for 20 s, 2 for 10 s, 0 for 70 s.
    assert_eq!(web.in_system.mean, Some(0.4));
    assert_eq!(web.in_system.share_ratios, [0.7, 0.2, 0.1]);
    // The other instance was idle: 0 for 170 of 200 s.
    assert_eq!(web.in_system_per_instance.share_ratios, [0.85, 0.1, 0.05]);
    let law = web.littles_law;
    let product = law.arrival_rate_rps * law.sojourn_secs_mean;
    assert_eq!(law.in_system_mean, product);
    let loaded = &web.instances[0];
    assert_eq!((loaded.in_flight_mean, loaded.in_flight_max), (0.4, 2));
    assert_eq!(loaded.utilization_ratio, Some(0.3));
    assert_eq!(
        (loaded.share_ratio, web.instances[1].share_ratio),
        (Some(1.0), Some(0.0))
    );
    assert_first_row(&metrics.series.instances.rows[0]);
}

/// The windows of the work above.
fn assert_first_row(row: &InstanceRow) {
    assert_eq!((row.attempt_counts[0], row.attempt_counts[10]), (1, 1));
    assert_eq!(
        (row.in_flight_means[5], row.in_flight_means[15]),
        (1.0, 2.0)
    );
    assert_eq!((row.busy_ratios[25], row.busy_ratios[35]), (1.0, 0.0));
}

#[test]
fn picks_are_held_against_the_weights_of_their_views() {
    let scenario = scenario(SMALL);
    let (even, uneven) = (
        view(1, &[(0, 1.0), (1, 1.0)]),
        view(2, &[(0, 3.0), (1, 1.0)]),
    );
    let mut facts = vec![(0, holds(0, &even))];
    facts.extend([1, 2, 3, 4].map(|at| (at, sent(0, 0))));
    facts.push((5, holds(0, &uneven)));
    facts.extend([
        (6, sent(0, 0)),
        (7, sent(0, 1)),
        (8, sent(0, 1)),
        (9, sent(0, 1)),
    ]);
    let metrics = record(&scenario, &[], &facts, 100_000, 0);
    let edge = &metrics.edges[0];
    // Expected 4/2 + 4 x 3/4 = 5 and 2 + 1 = 3; picked 5 and 3.
    assert_eq!(
        (edge.shares[0].pick_count, edge.shares[0].expected_ratio),
        (5, 0.625)
    );
    assert_eq!(
        (edge.shares[1].pick_count, edge.shares[1].expected_ratio),
        (3, 0.375)
    );
    assert_eq!(edge.selection.deviation_absolute_max, Some(0.0));
    // After four picks of instance 0 in the even view it is two picks ahead; in the uneven view
    // instance 1 ends 3 - 4/4 = 2 picks ahead.
    assert_eq!(edge.selection.prefix_deviation_max, Some(2.0));
    // The burst goes on across the change of the view.
    assert_eq!(edge.selection.burst_max, 5);
}

#[test]
fn a_burst_begins_with_the_measured_window() {
    let scenario = scenario(Shape {
        warmup_secs: 10,
        ..SMALL
    });
    let facts = [8_000, 9_000, 9_500, 10_000, 11_000].map(|at| (at, sent(0, 0)));
    let metrics = record(&scenario, &[], &facts, 100_000, 0);
    assert_eq!(metrics.edges[0].selection.burst_max, 2);
}

/// One request each 100 ms, of 10 ms, bad between two instants.
fn steady_traffic(bad_ms: std::ops::Range<u64>) -> Vec<(u64, Observation<'static>)> {
    let mut facts = Vec::new();
    for at in (0..100_000).step_by(100) {
        let outcome = if bad_ms.contains(&at) {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        facts.push((at, arrived(0)));
        facts.push((at + 10, ended(0, at, outcome, 1)));
    }
    facts
}

#[test]
fn mitigation_and_recovery_wait_for_five_good_windows() {
    let scenario = scenario(Shape {
        faults: &["crash"],
        ..SMALL
    });
    // The fault acts from 20.5 to 40.5 s; requests fail from 20.5 to 33 s.
    let window = [window(20_500, 40_500)];
    let metrics = record(
        &scenario,
        &window,
        &steady_traffic(20_500..33_000),
        100_000,
        0,
    );
    let fault = &metrics.faults[0];
    // The first good window after the start begins at 33 s.
    assert_eq!(fault.mitigation.reached_secs, [12.5]);
    assert_eq!(fault.recovery.reached_secs, [0.0]);
    // Windows 20 to 40 are disturbed: 79 of 100 are steady.
    let steady = &metrics.requests.phases[1];
    assert_eq!(steady.stats.duration_secs, 79.0);
    assert_eq!(steady.stats.success_ratio, Some(1.0));
    // 100 windows of which 13 have failures: half of window 20 and all of 21 to 32.
    assert_eq!(metrics.requests.window_availability_ratio, Some(0.87));

    // Failures until 46 s: recovery takes 5.5 s, and four good windows at the end are too few.
    let metrics = record(
        &scenario,
        &window,
        &steady_traffic(20_500..46_000),
        100_000,
        0,
    );
    assert_eq!(metrics.faults[0].recovery.reached_secs, [5.5]);
    let metrics = record(
        &scenario,
        &window,
        &steady_traffic(20_500..96_000),
        100_000,
        0,
    );
    assert_eq!(metrics.faults[0].recovery.not_reached_count, 1);
    assert_eq!(metrics.faults[0].mitigation.max_secs, None);
    let metrics = record(
        &scenario,
        &window,
        &steady_traffic(20_500..95_000),
        100_000,
        0,
    );
    assert_eq!(metrics.faults[0].recovery.reached_secs, [54.5]);
}

/// The first fault ends at 40.5 s and the service is back at 46 s.
#[test]
fn faults_that_begin_before_the_return_from_another_are_not_told_apart() {
    let scenario = scenario(Shape {
        faults: &["crash", "slow"],
        ..SMALL
    });
    for (start_ms, overlaps) in [(30_000, true), (45_900, true), (46_000, false)] {
        let second = FaultWindow {
            fault: FaultId(1),
            ..window(start_ms, 60_000)
        };
        let windows = [window(20_500, 40_500), second];
        let facts = steady_traffic(20_500..46_000);
        let metrics = record(&scenario, &windows, &facts, 100_000, 0);
        let names = [&metrics.faults[1].fault, &metrics.faults[0].fault];
        for (fault, name) in metrics.faults.iter().zip(names) {
            let expected: &[String] = if overlaps {
                std::slice::from_ref(name)
            } else {
                &[]
            };
            assert_eq!(fault.overlaps, expected, "{start_ms}");
        }
    }
}

#[test]
fn steady_is_as_precise_as_the_whole_run() {
    // 1,000 requests of 1,001 to 2,000 us, in 100 windows: both ways give 3 significant digits.
    let mut facts = Vec::new();
    for index in 0..1_000u64 {
        let at = ms(100 * index);
        facts.push((at, arrived(0)));
        facts.push((
            at + SimDuration::from_us(1_001 + index),
            ended(0, 100 * index, Outcome::Success, 1),
        ));
    }
    let scenario = scenario(SMALL);
    let mut recorder = Recorder::new(&scenario, &[]);
    for (at, fact) in &facts {
        recorder.observe(*at, fact);
    }
    let metrics = recorder.finish(RunEnd {
        digest: 0,
        event_count: 0,
        ended_at: ms(101_000),
        in_flight_count: 0,
    });
    let [whole, steady] = &metrics.requests.phases[..] else {
        panic!("two phases");
    };
    assert_eq!(steady.stats.latency.p50, whole.stats.latency.p50);
    assert_eq!(steady.stats.latency.p99, whole.stats.latency.p99);
    // 1,990 us lie in a bucket of 1,024 ns.
    let p99 = steady.stats.latency.p99.value_secs.expect("10 lie above");
    assert!((1_990e-6..1_991.1e-6).contains(&p99), "{p99}");
}

#[test]
fn control_traffic_is_counted_in_the_measured_window() {
    let scenario = scenario(Shape {
        warmup_secs: 50,
        ..SMALL
    });
    let heartbeat = Observation::ControlSent {
        kind: ControlKind::Heartbeat,
        service: ServiceId(0),
        from: NodeId(0),
        to: None,
    };
    let facts = [10_000, 60_000, 61_000, 100_500].map(|at| (at, heartbeat.clone()));
    let metrics = record(&scenario, &[], &facts, 101_000, 0);
    let control = &metrics.control[0];
    assert_eq!((control.kind, control.message_count), ("heartbeat", 2));
    assert_eq!(control.message_rate_per_sec, 0.04);
    assert_eq!(control.byte_rate_per_sec, 0.04 * 128.0);
    let series = &metrics.series.control[0].message_counts;
    assert_eq!(
        (series[10], series[60], series.iter().sum::<u32>()),
        (1, 1, 3)
    );
}
