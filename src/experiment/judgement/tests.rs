//! Judgements of values written by hand.

use super::*;
use crate::scenario::measure::{Aggregation, Measure, MeasureRef, Phase, Scope, Statistic};

fn expectation(measure: Measure, operator: Operator, limit: f64, over: Over) -> Expectation {
    Expectation {
        name: "name".into(),
        text: "text".into(),
        measure_text: "measure".into(),
        phase_text: String::new(),
        measure: MeasureRef {
            measure,
            statistic: Statistic::Value,
            scope: Scope::default(),
            aggregation: Aggregation::Pooled,
            phase: Phase::Whole,
        },
        operator,
        bound: Bound::Value {
            value: limit,
            text: limit.to_string(),
        },
        over,
    }
}

fn judged(expectation: &Expectation, values: &[f64]) -> Judgement {
    judged_by_events(expectation, values, &[])
}

fn judged_by_events(expectation: &Expectation, values: &[f64], event_counts: &[u64]) -> Judgement {
    let limit = match expectation.bound {
        Bound::Value { value, .. } => value,
        Bound::Multiple { .. } => unreachable!("limits are numbers here"),
    };
    let verdicts: Vec<Verdict> = values
        .iter()
        .enumerate()
        .map(|(run, value)| Verdict {
            state: match holds(expectation.operator, *value, limit) {
                true => VerdictState::Held,
                false => VerdictState::Failed,
            },
            is_close: false,
            reading: Reading::Known(*value),
            limit: Some(limit),
            event_count: event_counts.get(run).copied(),
            reason: String::new(),
        })
        .collect();
    let verdicts: Vec<&Verdict> = verdicts.iter().collect();
    judge_all(expectation, &verdicts, None, 3_600.0)
}

fn at_most(limit: f64, over: Over) -> Expectation {
    expectation(Measure::Latency, Operator::LessOrEqual, limit, over)
}

#[test]
fn a_mean_is_judged_by_its_interval() {
    // Mean 3, half-width 1.963 (t with 4 degrees).
    let values = [1.0, 2.0, 3.0, 4.0, 5.0];
    let state = |limit| judged(&at_most(limit, Over::Mean), &values).state;
    assert_eq!(state(4.97), VerdictState::Held);
    assert_eq!(state(1.03), VerdictState::Failed);
    assert_eq!(state(3.5), VerdictState::Undecided);
    // (1.963 / 0.5)^2 times 5.
    let reason = judged(&at_most(3.5, Over::Mean), &values).reason;
    assert_eq!(
        reason,
        "the 95 % interval holds the limit; about 78 replications may tell"
    );
}

#[test]
fn one_run_beyond_the_limit_fails_all_of_them() {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(
        judged(&at_most(5.0, Over::All), &values).state,
        VerdictState::Held
    );
    assert_eq!(
        judged(&at_most(4.9, Over::All), &values).state,
        VerdictState::Failed
    );
    // The one that is nearest to failing is shown.
    assert_eq!(judged(&at_most(5.0, Over::All), &values).value, Some(5.0));
    let at_least = expectation(Measure::Latency, Operator::GreaterOrEqual, 0.5, Over::All);
    assert_eq!(judged(&at_least, &values).value, Some(1.0));
}

#[test]
fn the_worst_run_is_told_only_where_all_are_known() {
    let verdict = |value, limit| Verdict {
        state: VerdictState::Undecided,
        is_close: false,
        reading: Reading::Known(value),
        limit,
        event_count: None,
        reason: "no samples".into(),
    };
    let shown = |verdicts: &[Verdict]| {
        let verdicts: Vec<&Verdict> = verdicts.iter().collect();
        let judged = judge_all(&at_most(2.0, Over::All), &verdicts, None, 3_600.0);
        (judged.value, judged.limit)
    };
    // The limit of the second run may be the nearer one.
    let unknown = [verdict(1.0, Some(2.0)), verdict(1.5, None)];
    assert_eq!(shown(&unknown), (None, None));
    // What never came within a limit that never came is no worse than what is just at its limit.
    let never = f64::INFINITY;
    let known = [verdict(3.0, Some(2.0)), verdict(never, Some(never))];
    assert_eq!(shown(&known), (Some(3.0), Some(2.0)));
}

#[test]
fn a_share_of_runs_needs_enough_of_them() {
    let state = |held: usize, failed: usize| {
        let mut values = vec![0.0; held];
        values.extend(vec![2.0; failed]);
        judged(&at_most(1.0, Over::ShareOfRuns(0.95)), &values).state
    };
    // Wilson: n of n is at least n / (n + 3.84), which reaches 95 % at n = 73.
    assert_eq!(state(72, 0), VerdictState::Undecided);
    assert_eq!(state(73, 0), VerdictState::Held);
    assert_eq!(state(95, 5), VerdictState::Undecided);
    assert_eq!(state(10, 10), VerdictState::Failed);
}

#[test]
fn what_never_came_is_not_averaged_away() {
    let values = [1.0, 1.0, f64::INFINITY];
    let judgement = judged(&at_most(9.0, Over::Mean), &values);
    assert_eq!(judgement.state, VerdictState::Failed);
    assert_eq!(judgement.reason, "never reached in 1 of 3");
}

#[test]
fn no_mistake_in_ten_hours_is_not_none_a_day() {
    let a_day = 1.0 / 86_400.0;
    let rate = |limit| {
        expectation(
            Measure::MistakeRate,
            Operator::LessOrEqual,
            limit,
            Over::Mean,
        )
    };
    let judgement = judged(&rate(a_day), &[0.0; 10]);
    assert_eq!(judgement.state, VerdictState::Undecided);
    // 2.9957 days less ten hours.
    assert_eq!(judgement.reason, "not decidable, needs 61.9 more hours");
    assert_eq!(judged(&rate(a_day), &[0.0; 72]).state, VerdictState::Held);
    assert_eq!(
        judged(&rate(a_day), &[0.0; 71]).state,
        VerdictState::Undecided
    );
    // One run is judged alike.
    assert_eq!(judged(&rate(a_day), &[0.0]).state, VerdictState::Undecided);
    assert_eq!(
        judged(&rate(0.0), &[0.0]).reason,
        "not decidable by more hours"
    );
}

/// A rate of mistakes, of runs that saw so many independent events.
fn rate_judged(limit: f64, values: &[f64], event_counts: &[u64]) -> Judgement {
    let measure = Measure::MistakeRate;
    let expectation = expectation(measure, Operator::LessOrEqual, limit, Over::Mean);
    judged_by_events(&expectation, values, event_counts)
}

#[test]
fn one_mistake_in_one_run_is_bounded_like_none() {
    // Three pairs, each an hour up: 1 / 10,800 s; the exact interval of one is 0.02532 to
    // 5.5716, of none up to 2.9957 (Garwood 1936).
    let rate = 1.0 / 10_800.0;
    let state = |factor: f64| rate_judged(factor * rate, &[rate], &[1]).state;
    assert_eq!(state(5.58), VerdictState::Held);
    assert_eq!(state(5.57), VerdictState::Undecided);
    assert_eq!(state(0.5), VerdictState::Undecided);
    assert_eq!(state(0.0254), VerdictState::Undecided);
    assert_eq!(state(0.0253), VerdictState::Failed);
    // Fifty of one burst are one event, fifty on their own leave 37.11 to 65.92.
    let state = |limit, count| rate_judged(limit, &[50.0 * rate], &[count]).state;
    assert_eq!(state(66.0 * rate, 1), VerdictState::Undecided);
    assert_eq!(state(66.0 * rate, 50), VerdictState::Held);
    assert_eq!(state(65.9 * rate, 50), VerdictState::Undecided);
    assert_eq!(state(37.0 * rate, 50), VerdictState::Failed);
    let reason = rate_judged(5.0 * rate, &[rate], &[1]).reason;
    assert!(reason.starts_with("not decidable, needs "), "{reason}");
}

#[test]
fn as_many_mistakes_in_every_replication_are_no_certainty() {
    // One in each of three runs: three of three, within 0.6187 and 8.7673.
    let rate = 1.0 / 3_600.0;
    let state = |factor: f64| rate_judged(factor * rate, &[rate; 3], &[1; 3]).state;
    assert_eq!(state(8.77 / 3.0), VerdictState::Held);
    assert_eq!(state(8.76 / 3.0), VerdictState::Undecided);
    assert_eq!(state(0.62 / 3.0), VerdictState::Undecided);
    assert_eq!(state(0.61 / 3.0), VerdictState::Failed);
    // Runs that differ more than their events do are judged by how they differ: mean 3,
    // half-width 1.963, where 1,500 events leave 2.85 to 3.16.
    let values = [1.0, 2.0, 3.0, 4.0, 5.0];
    let state = |limit| rate_judged(limit, &values, &[100, 200, 300, 400, 500]).state;
    assert_eq!(state(4.97), VerdictState::Held);
    assert_eq!(state(4.96), VerdictState::Undecided);
}

#[test]
fn a_rare_rate_fails_only_above_its_lower_bound() {
    // 3 of 20 runs of an hour saw a burst: Poisson of 3 is within 0.619 and 8.767.
    let mut values = [0.0; 20];
    values[..3].fill(1.0 / 3_600.0);
    let state = |a_hour: f64| {
        let limit = a_hour / 3_600.0;
        let e = expectation(
            Measure::MistakeRate,
            Operator::LessOrEqual,
            limit,
            Over::Mean,
        );
        judged(&e, &values).state
    };
    assert_eq!(state(0.44), VerdictState::Held);
    assert_eq!(state(0.43), VerdictState::Undecided);
    assert_eq!(state(0.032), VerdictState::Undecided);
    assert_eq!(state(0.030), VerdictState::Failed);
}
