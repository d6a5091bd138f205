//! Assertions as they are written, and what is wrong with those that are not.

use super::*;
use crate::id::FaultId;

fn names() -> Names {
    Names {
        zones: vec!["a".into()],
        faults: vec!["a-fault".into(), "rack-b".into()],
        ..Names::default()
    }
}

fn parsed(text: &str) -> Expectation {
    parse("x", text, &names()).unwrap_or_else(|problem| panic!("{text}: {problem:?}"))
}

#[test]
fn a_literal_is_turned_into_the_base_unit() {
    for (text, expected) in [
        ("success_ratio >= 98.5%", 0.985),
        ("success_ratio >= 98.5 %", 0.985),
        ("success_ratio >= 0.985", 0.985),
        ("latency.p99 <= 300ms", 0.3),
        ("latency.p99 <= 300 ms outside rack-b", 0.3),
        ("goodput >= 90/m", 1.5),
        ("mistake_rate <= 0/s", 0.0),
        ("amplification <= 1.25 steady", 1.25),
        ("in_flight_balance.max_over_mean <= 2", 2.0),
        ("selection_error.max_relative <= 5%", 0.05),
    ] {
        let Bound::Value { value, .. } = parsed(text).bound else {
            panic!("{text} has no plain limit");
        };
        assert!((value - expected).abs() < 1e-12, "{text}: {value}");
    }
}

#[test]
fn a_phase_belongs_to_the_measure_that_it_follows() {
    let expectation = parsed("latency.p99 during fault.rack-b <= 1.5 * latency.p99.9 steady");
    assert_eq!(expectation.measure.phase, Phase::During(FaultId(1)));
    assert_eq!(expectation.measure_text, "latency.p99");
    assert_eq!(expectation.phase_text, "during rack-b");
    let Bound::Multiple {
        factor,
        measure,
        text,
    } = expectation.bound
    else {
        panic!("the limit is a multiple");
    };
    assert_eq!(factor, 1.5);
    assert_eq!(measure.phase, Phase::Steady);
    assert_eq!(measure.statistic, Statistic::Percentile(99.9));
    assert_eq!(text, "1.5 * latency.p99.9 steady");

    let expectation = parsed("detection_time.max <= 13s of fault.rack-b");
    assert_eq!(expectation.measure.phase, Phase::Of(FaultId(1)));
}

#[test]
fn scope_and_aggregation_may_follow_in_any_order() {
    for text in [
        "latency.p99{zone=a}.worst < 1s",
        "latency{zone=a}.p99.worst < 1s",
        "latency.worst.p99{ zone = a } < 1s",
    ] {
        let measure = parsed(text).measure;
        assert_eq!(measure.aggregation, Aggregation::Worst);
        assert_eq!(measure.statistic, Statistic::Percentile(99.0));
        assert_eq!(measure.scope.zone, Some(crate::id::ZoneId(0)));
    }
}

#[test]
fn what_means_nothing_is_refused_where_it_stands() {
    for (text, place) in [
        ("", ""),
        ("latency.p99", ""),
        ("latency.p99 <=", ""),
        ("latency.p999 <= 1s", "p999"),
        ("utilization.worst <= 1", "worst"),
        ("connections_open.max{class=shop.buy} <= 1", "class"),
        ("success_ratio of rack-b >= 1", "of rack-b"),
        ("success_ratio >= 1 of rack-b", "of rack-b"),
        ("success_ratio >= 1 during rack-c", "rack-c"),
        ("success_ratio >= 1 during", "during"),
        ("success_ratio >= 1 steady steady", "steady"),
        ("success_ratio => 1", "=>"),
        ("latency.p99{zone=b} < 1s", "b"),
        ("latency.p99{zone=a < 1s", "<"),
        ("latency.p99 < 1s * latency.p50", "1s"),
        ("latency.p99 < 2 * success_ratio", "success_ratio"),
    ] {
        let problem = parse("x", text, &names()).expect_err(text);
        assert_eq!(&text[problem.span.clone()], place, "{text}: {problem:?}");
    }
}

#[test]
fn what_stands_before_the_measure_says_how_runs_are_judged() {
    let over = |text: &str| parse("e", text, &Names::default()).map(|e| e.over);
    assert_eq!(over("success_ratio >= 99%").ok(), Some(Over::Mean));
    assert_eq!(over("all: success_ratio >= 99%").ok(), Some(Over::All));
    assert_eq!(over("latency.max <= 1s").ok(), Some(Over::All));
    assert_eq!(over("mean: latency.max <= 1s").ok(), Some(Over::Mean));
    assert_eq!(over("mistake_count <= 3").ok(), Some(Over::All));
    assert_eq!(over("success_ratio == 100%").ok(), Some(Over::All));
    assert_eq!(
        over("97.5% of runs: latency.p99 <= 1s").ok(),
        Some(Over::ShareOfRuns(0.975))
    );
    let problem = over("most: latency.p99 <= 1s").expect_err("unknown");
    assert_eq!(problem.title, "`most` says nothing about replications");
    assert_eq!(problem.span, 0..4);
    let problem = over("mean: success_ratio == 1").expect_err("a point");
    assert_eq!(problem.title, "a mean that equals a number");
    assert!(over("100% of runs: latency.p99 <= 1s").is_err());
}
