//! Readings and verdicts of runs written by hand.

use super::{Reading, Verdict, VerdictState, evaluate, judge};
use crate::id::{ClassId, ClientId, EdgeId, FaultId, InstanceId, NodeId, ServiceId, ZoneId};
use crate::metrics::data::RunMetrics;
use crate::metrics::facts::sent_again;
use crate::metrics::fixture::{SMALL, Shape, scenario};
use crate::metrics::recorder::Recorder;
use crate::model::observation::{FaultWindow, LifeState, Observation, Observer, Outcome, RunEnd};
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Expectation, Operator};
use crate::scenario::measure::{
    Aggregation, AskedMeasure, Measure, MeasureRef, Phase, Scope, Statistic,
};
use crate::scenario::measure_catalog::{MEASURES, MeasureInfo, Statistics};
use crate::time::{SimDuration, SimTime};

const FAULT: FaultId = FaultId(0);

fn faulty() -> Scenario {
    scenario(Shape {
        faults: &["crash"],
        ..SMALL
    })
}

/// 100 s with a request each 10 ms, in turn at both callers. Request `i` takes `i % 100 + 1` ms;
/// at the second caller (zone b) every 50th of its requests fails. A fault acts from 40 to 60 s,
/// crashes instance 0, and doubles all latencies.
fn run(scenario: &Scenario) -> RunMetrics {
    let secs = |secs| SimTime::START + SimDuration::from_secs(secs);
    let window = FaultWindow {
        fault: FAULT,
        start: secs(40),
        end: secs(60),
    };
    let mut facts: Vec<(SimTime, Observation<'static>)> = Vec::new();
    for (at, state) in [(40, LifeState::Crashed), (60, LifeState::Up)] {
        let node = NodeId(0);
        let fault = Some(FAULT);
        facts.push((secs(at), Observation::NodeChanged { node, state, fault }));
    }
    for i in 0..10_000 {
        let arrived_at = SimTime::START + SimDuration::from_ms(10 * i);
        let (client, caller) = (ClientId(0), NodeId(2 + u32::from(i % 2 == 1)));
        let outcome = if i % 100 == 99 {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let factor = if (4_000..6_000).contains(&i) { 2 } else { 1 };
        let latency = SimDuration::from_ms((i % 100 + 1) * factor);
        facts.push((
            arrived_at,
            Observation::RequestArrived {
                client,
                caller,
                class: ClassId::NONE,
            },
        ));
        let attempt_count = 1 + u32::from(outcome == Outcome::Failure);
        for attempt_index in 0..attempt_count {
            facts.push((arrived_at, sent_again(caller.0 - 2, 0, attempt_index)));
        }
        let ended = Observation::RequestEnded {
            class: ClassId::NONE,
            client,
            caller,
            arrived_at,
            outcome,
            attempt_count,
        };
        facts.push((arrived_at + latency, ended));
    }
    facts.sort_by_key(|(at, _)| *at);
    let mut recorder = Recorder::new(scenario, &[window]);
    for (at, fact) in &facts {
        recorder.observe(*at, fact);
    }
    recorder.finish(RunEnd {
        digest: 0,
        event_count: 0,
        ended_at: secs(101),
        in_flight_count: 0,
    })
}

fn ask(measure: Measure, statistic: Statistic, phase: Phase) -> MeasureRef {
    MeasureRef {
        measure,
        statistic,
        scope: Scope::default(),
        aggregation: Aggregation::Pooled,
        phase,
    }
}

fn expect_measure(measure: MeasureRef, operator: Operator, bound: Bound) -> Expectation {
    Expectation {
        name: "name".to_string(),
        text: "text".to_string(),
        measure_text: "measure".to_string(),
        phase_text: String::new(),
        measure,
        operator,
        bound,
        over: crate::scenario::expect::Over::All,
    }
}

fn value(value: f64) -> Bound {
    Bound::Value {
        value,
        text: value.to_string(),
    }
}

/// The number that is read, which must be known.
fn read(run: &RunMetrics, scenario: &Scenario, measure: MeasureRef) -> f64 {
    match evaluate(run, scenario, &measure) {
        Reading::Known(value) => value,
        Reading::Undecided(reason) => panic!("{measure:?}: {reason}"),
    }
}

/// Histograms keep 3 significant digits.
fn assert_near(value: f64, exact: f64, digits_error: f64) {
    assert!(
        exact <= value && value <= exact * (1.0 + digits_error),
        "{value} for {exact}"
    );
}

#[test]
fn request_measures_follow_scope_and_phase() {
    let scenario = faulty();
    let run = run(&scenario);
    let of = |measure, statistic, phase| read(&run, &scenario, ask(measure, statistic, phase));
    let whole = |measure| of(measure, Statistic::Value, Phase::Whole);
    assert_eq!(whole(Measure::SuccessRatio), 0.99);
    assert_eq!(whole(Measure::FailureRatio), 0.01);
    assert_eq!(whole(Measure::RequestRate), 100.0);
    assert_eq!(whole(Measure::Goodput), 99.0);
    assert_eq!(whole(Measure::Amplification), 1.01);
    assert_eq!(whole(Measure::RetryRatio), 0.01);
    assert_eq!(whole(Measure::WindowAvailability), 1.0);
    let during = of(Measure::RequestRate, Statistic::Value, Phase::During(FAULT));
    assert_eq!(during, 100.0);
    // Successes take 1 to 99 ms outside the fault, evenly: the mean is 50 ms, the median 50 ms.
    let mean = of(Measure::Latency, Statistic::Mean, Phase::Outside(FAULT));
    assert!((mean - 0.050).abs() < 1e-12);
    let p50 = Statistic::Percentile(50.0);
    assert_near(
        of(Measure::Latency, p50, Phase::Before(FAULT)),
        0.050,
        0.001,
    );
    assert_near(
        of(Measure::Latency, p50, Phase::During(FAULT)),
        0.100,
        0.001,
    );
    assert_near(of(Measure::Latency, p50, Phase::Steady), 0.050, 0.001);
    // The slowest of every 100 fails, so that only the largest percentile is infinite.
    let p99 = Statistic::Percentile(99.0);
    assert_near(
        of(Measure::LatencyOrFail, p99, Phase::Before(FAULT)),
        0.099,
        0.001,
    );
    let p999 = Statistic::Percentile(99.5);
    assert_eq!(
        of(Measure::LatencyOrFail, p999, Phase::Before(FAULT)),
        f64::INFINITY
    );
    let max = of(Measure::LatencyAll, Statistic::Max, Phase::Before(FAULT));
    assert_eq!(max, 0.100);
}

#[test]
fn callers_are_compared() {
    let mut latency = ask(Measure::Latency, Statistic::Max, Phase::Whole);
    latency.aggregation = Aggregation::Worst;
    let mut scenario = faulty();
    let expectation = expect_measure(latency, Operator::Less, value(0.2));
    scenario.expectations.push(expectation);
    let run = run(&scenario);
    let mut measure = ask(Measure::SuccessRatio, Statistic::Value, Phase::Whole);
    measure.aggregation = Aggregation::Worst;
    assert_eq!(read(&run, &scenario, measure), 0.98);
    measure.aggregation = Aggregation::Spread;
    assert!((read(&run, &scenario, measure) - 0.02).abs() < 1e-12);
    measure.phase = Phase::During(FAULT);
    assert!((read(&run, &scenario, measure) - 0.02).abs() < 1e-12);
    // The first caller has 1, 3, ..., 99 ms, doubled during the fault.
    assert_eq!(read(&run, &scenario, latency), 0.198);
    let mut zone = ask(Measure::SuccessRatio, Statistic::Value, Phase::Whole);
    zone.scope.zone = Some(ZoneId(0));
    assert_eq!(read(&run, &scenario, zone), 1.0);
    zone.scope.edge = Some(EdgeId(0));
    zone.scope.zone = Some(ZoneId(1));
    assert_eq!(read(&run, &scenario, zone), 0.98);
}

#[test]
fn a_fault_that_nobody_noticed_took_for_ever() {
    let scenario = faulty();
    let run = run(&scenario);
    let detection = ask(Measure::DetectionTime, Statistic::Max, Phase::Of(FAULT));
    assert_eq!(read(&run, &scenario, detection), f64::INFINITY);
    // The registry and two callers.
    let undetected = ask(Measure::UndetectedCount, Statistic::Value, Phase::Of(FAULT));
    assert_eq!(read(&run, &scenario, undetected), 3.0);
    let accuracy = ask(Measure::QueryAccuracy, Statistic::Value, Phase::Whole);
    assert_eq!(read(&run, &scenario, accuracy), 1.0);
    // p99 doubles during the fault and is back at once after it.
    let mitigation = ask(Measure::MitigationTime, Statistic::Value, Phase::Of(FAULT));
    assert_eq!(read(&run, &scenario, mitigation), 20.0);
    let recovery = ask(Measure::RecoveryTime, Statistic::Max, Phase::Of(FAULT));
    assert_eq!(read(&run, &scenario, recovery), 0.0);
}

#[test]
fn verdicts_know_how_sure_they_are() {
    let scenario = faulty();
    let run = run(&scenario);
    let verdict = |measure, operator, bound| -> Verdict {
        judge(&run, &scenario, &expect_measure(measure, operator, bound))
    };
    let success = ask(Measure::SuccessRatio, Statistic::Value, Phase::Whole);
    // Wilson's interval of 99 % of 10,000 by two errors: 98.7815 % to 99.1808 %.
    for (limit, state, is_close) in [
        (0.95, VerdictState::Held, false),
        (0.98781, VerdictState::Held, true),
        (0.98780, VerdictState::Held, false),
        (0.99180, VerdictState::Failed, true),
        (0.99181, VerdictState::Failed, false),
    ] {
        let verdict = verdict(success, Operator::GreaterOrEqual, value(limit));
        assert_eq!(
            (verdict.state, verdict.is_close),
            (state, is_close),
            "{limit}"
        );
    }
    let p99 = Statistic::Percentile(99.0);
    let during = ask(Measure::Latency, p99, Phase::During(FAULT));
    let bound = |factor| Bound::Multiple {
        factor,
        measure: ask(Measure::Latency, p99, Phase::Before(FAULT)),
        text: String::new(),
    };
    let held = verdict(during, Operator::LessOrEqual, bound(2.1));
    assert_eq!((held.state, held.is_close), (VerdictState::Held, false));
    let failed = verdict(during, Operator::Less, bound(1.5));
    assert_eq!(
        (failed.state, failed.reason),
        (VerdictState::Failed, String::new())
    );
    // 1,980 successes during the fault: 99.9 % leaves one above.
    let withheld = ask(
        Measure::Latency,
        Statistic::Percentile(99.9),
        Phase::During(FAULT),
    );
    let undecided = verdict(withheld, Operator::Less, value(1.0));
    assert_eq!(undecided.state, VerdictState::Undecided);
    assert_eq!(
        undecided.reason,
        "only 1 of 1980 samples lie above p99.9; at least 10 are needed"
    );
}

#[test]
fn what_cannot_be_known_says_why() {
    let scenario = faulty();
    let run = run(&scenario);
    let mut by_instance = ask(Measure::SuccessRatio, Statistic::Value, Phase::Whole);
    by_instance.scope.instance = Some(InstanceId(0));
    let mut by_caller = ask(Measure::Utilization, Statistic::Value, Phase::Whole);
    by_caller.aggregation = Aggregation::Worst;
    // No expectation of the scenario asks for it.
    let mut latency_by_caller = ask(Measure::Latency, Statistic::Max, Phase::Whole);
    latency_by_caller.aggregation = Aggregation::Worst;
    for measure in [
        by_instance,
        by_caller,
        latency_by_caller,
        ask(Measure::Latency, Statistic::Jain, Phase::Whole),
        ask(Measure::Utilization, Statistic::Value, Phase::Steady),
        ask(Measure::Ownership, Statistic::Cv, Phase::Whole),
        ask(Measure::Smoothness, Statistic::Max, Phase::Before(FAULT)),
        ask(Measure::MitigationTime, Statistic::Value, Phase::Whole),
    ] {
        let reading = evaluate(&run, &scenario, &measure);
        assert!(
            matches!(&reading, Reading::Undecided(reason) if !reason.is_empty()),
            "{measure:?}: {reading:?}"
        );
    }
}

#[test]
fn equality_is_never_close() {
    let scenario = faulty();
    let run = run(&scenario);
    // 0.99 with a standard error of 0.001: the limit is the number itself.
    let close = |operator| {
        let measure = ask(Measure::SuccessRatio, Statistic::Value, Phase::Whole);
        judge(
            &run,
            &scenario,
            &expect_measure(measure, operator, value(0.99)),
        )
        .is_close
    };
    assert!(close(Operator::GreaterOrEqual));
    assert!(!close(Operator::Equal));
}

/// The first number of a family.
fn first_statistic(statistics: Statistics) -> Statistic {
    match statistics {
        Statistics::Single | Statistics::PerWindow => Statistic::Value,
        Statistics::Distribution | Statistics::OverMembers => Statistic::Mean,
        Statistics::Balance => Statistic::MaxOverMean,
        Statistics::Deviation => Statistic::MaxAbsolute,
        Statistics::Prefix => Statistic::Max,
    }
}

/// The scope of that word alone; None of classes, which the scenario has not.
fn scope_of(word: &str) -> Option<Scope> {
    let mut scope = Scope::default();
    match word {
        "client" => scope.client = Some(ClientId(0)),
        "zone" => scope.zone = Some(ZoneId(0)),
        "call" => scope.edge = Some(EdgeId(0)),
        "service" => scope.service = Some(ServiceId(0)),
        "instance" => scope.instance = Some(InstanceId(0)),
        _ => return None,
    }
    Some(scope)
}

/// A question about the first instance, to measures that may be asked about one.
fn of_first_instance(info: &MeasureInfo) -> Option<AskedMeasure> {
    info.scopes.contains(&"instance").then(|| AskedMeasure {
        text: info.name.to_string(),
        measure: MeasureRef {
            scope: scope_of("instance").expect("it is a scope"),
            ..ask(info.measure, first_statistic(info.statistics), Phase::Whole)
        },
    })
}

#[test]
fn what_the_catalog_lists_as_a_scope_is_kept() {
    let mut scenario = faulty();
    scenario.asked = MEASURES.iter().filter_map(of_first_instance).collect();
    let run = run(&scenario);
    for info in MEASURES {
        for word in info.scopes {
            let phase = if info.is_of_fault {
                Phase::Of(FAULT)
            } else {
                Phase::Whole
            };
            let Some(scope) = scope_of(word) else {
                continue;
            };
            let measure = MeasureRef {
                scope,
                ..ask(info.measure, first_statistic(info.statistics), phase)
            };
            if let Reading::Undecided(reason) = evaluate(&run, &scenario, &measure) {
                let refused = ["not kept", "not counted", "known for"];
                assert!(
                    !refused.iter().any(|words| reason.contains(words)),
                    "{}{{{word}}}: {reason}",
                    info.name
                );
            }
        }
    }
}
