//! Pictures of requests: latency, outcomes, rates, percentiles.

use super::RunView;
use crate::chart::latency_timeline::{LatencyPoint, LatencyTimeline, LatencyWindow, PointOutcome};
use crate::chart::percentile_curve::{PercentileCurve, PercentileLimit, PercentileSeries};
use crate::chart::rate_timeline::{RateTimeline, RateWindow};
use crate::metrics::data::request::{PhaseKind, PhaseMetrics, RequestStats};
use crate::model::observation::Outcome;
use crate::report::format;
use crate::report::offered::offered_rate;
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Operator};
use crate::scenario::measure::{Measure, Statistic};

/// Expectations in a chart of percentiles.
const LIMIT_COUNT_MAX: usize = 4;
/// Lines in a chart of percentiles: each keeps its own label.
const CURVE_COUNT_MAX: usize = 6;

/// Latency percentiles and outcomes over time.
pub fn latency(run: RunView) -> LatencyTimeline {
    let windows = run.windows().map(|(window, end_secs)| {
        let ratio = |count: u32| f64::from(count) / f64::from(window.arrived_count.max(1));
        let secs = |ms: Option<f64>| ms.map(|ms| ms / 1e3);
        LatencyWindow {
            start_secs: window.start_secs,
            end_secs,
            latency_secs_p50: secs(window.latency_ms_p50),
            latency_secs_p90: secs(window.latency_ms_p90),
            latency_secs_p99: secs(window.latency_ms_p99),
            latency_secs_p999: secs(window.latency_ms_p999),
            latency_secs_max: secs(window.latency_ms_max),
            failure_ratio: ratio(window.failed_count),
            timeout_ratio: ratio(window.timed_out_count),
            rejected_ratio: ratio(window.rejected_count),
        }
    });
    let sample = &run.metrics.sample;
    let dots = match sample.requests.is_empty() {
        true => String::new(),
        false => format!(
            " Marks: single requests by outcome, {} of those that succeeded and {} others.",
            one_of(sample.success_every),
            one_of(sample.other_every)
        ),
    };
    let subtitle = format!(
        "Latency of successful requests by window of arrival ({}): percentiles where at least 10 \
         lie above, and the slowest.{dots}",
        format::instant(run.metrics.series.window_secs)
    );
    let points = sample.requests.iter().map(|request| LatencyPoint {
        at_secs: request.arrived_secs,
        latency_secs: request.latency_secs,
        outcome: match request.outcome {
            Outcome::Success => PointOutcome::Success,
            Outcome::Failure => PointOutcome::Failed,
            Outcome::Timeout => PointOutcome::TimedOut,
            Outcome::Rejected => PointOutcome::Rejected,
        },
    });
    LatencyTimeline {
        caption: run.caption(latency_title(run), &subtitle),
        timeline: run.timeline(),
        windows: windows.collect(),
        points: points.collect(),
    }
}

fn one_of(count: u64) -> String {
    match count {
        1 => "all".to_string(),
        count => format!("one of {}", format::count(count)),
    }
}

/// Requests per second by outcome over time.
pub fn rates(run: RunView) -> RateTimeline {
    let windows = run.windows().map(|(window, end_secs)| {
        let rate = |count: u32| f64::from(count) / (end_secs - window.start_secs);
        RateWindow {
            start_secs: window.start_secs,
            end_secs,
            success_rate: rate(window.succeeded_count),
            failure_rate: rate(window.failed_count),
            timeout_rate: rate(window.timed_out_count),
            rejected_rate: rate(window.rejected_count),
            offered_rate: offered_rate(run.scenario, window.start_secs, end_secs),
        }
    });
    let subtitle = format!(
        "Requests by window of arrival ({}), stacked by outcome. The offered load is what the \
         clients mean to send.",
        format::instant(run.metrics.series.window_secs)
    );
    RateTimeline {
        caption: run.caption(rate_title(run), &subtitle),
        timeline: run.timeline(),
        windows: windows.collect(),
    }
}

/// Latency by percentile: the steady rest against the time in each fault.
pub fn percentiles(run: RunView) -> PercentileCurve {
    let has_faults = run
        .metrics
        .faults
        .iter()
        .any(|fault| !fault.windows.is_empty());
    let is_shown = |phase: &&PhaseMetrics| match phase.kind {
        PhaseKind::Whole => !has_faults,
        PhaseKind::Steady | PhaseKind::During => has_faults,
        PhaseKind::Before | PhaseKind::After | PhaseKind::Outside => false,
    };
    let phases = run.metrics.requests.phases.iter().filter(is_shown);
    let series = phases
        .filter(|phase| !phase.latency_curve.is_empty())
        .map(|phase| {
            let points = phase
                .latency_curve
                .iter()
                .map(|p| (p.percentile, p.value_secs));
            PercentileSeries {
                label: phase.label.clone(),
                points: points.collect(),
                sample_count: phase.stats.latency.sample_count,
            }
        });
    let subtitle = "Latency of successful requests, from the intended arrival at the caller to the \
                    outcome. A line ends where fewer than 10 requests lie above.";
    PercentileCurve {
        caption: run.caption(percentile_title(run), subtitle),
        series: series.take(CURVE_COUNT_MAX).collect(),
        limits: percentile_limits(run.scenario)
            .take(LIMIT_COUNT_MAX)
            .collect(),
    }
}

/// What is expected of percentiles of all requests.
fn percentile_limits(scenario: &Scenario) -> impl Iterator<Item = PercentileLimit> {
    scenario.expectations.iter().filter_map(|expected| {
        let is_latency = matches!(
            expected.measure.measure,
            Measure::Latency | Measure::LatencyOrFail | Measure::LatencyAll
        );
        let is_upper = matches!(expected.operator, Operator::Less | Operator::LessOrEqual);
        let is_of_all = !expected.measure_text.contains('{');
        match (&expected.bound, expected.measure.statistic) {
            (Bound::Value { value, .. }, Statistic::Percentile(percentile))
                if is_latency && is_upper && is_of_all =>
            {
                Some(PercentileLimit {
                    label: format!("{}: {}", expected.name, expected.text),
                    percentile,
                    secs: *value,
                })
            }
            _ => None,
        }
    })
}

fn latency_title(run: RunView) -> String {
    let p99 = |phase: &PhaseMetrics| phase.stats.latency.p99.value_secs;
    let steady = run.phase(PhaseKind::Steady).and_then(p99);
    let worst = run.worst_fault();
    if let (Some(steady), Some(fault)) = (steady, worst)
        && let Some(during) = p99(fault)
    {
        let (from, to) = (format::secs(steady), format::secs(during));
        let change = match during / steady {
            ratio if ratio < 0.95 => format!("p99 fell from {from} to {to}"),
            ratio if ratio <= 1.05 => format!("p99 stayed at {to} (steady: {from})"),
            _ => format!("p99 rose from {from} to {to}"),
        };
        let succeeded = success_text(&fault.stats);
        return format!("{change} {}; {succeeded}", fault.label);
    }
    let Some(whole) = run.phase(PhaseKind::Whole) else {
        return "No requests were measured".to_string();
    };
    let succeeded = success_text(&whole.stats);
    match (p99(whole), whole.stats.latency.p50.value_secs) {
        (Some(p99), _) => format!("p99 was {}; {succeeded}", format::secs(p99)),
        (None, Some(p50)) => format!("The median was {}; {succeeded}", format::secs(p50)),
        (None, None) => format!("Too few requests succeeded for percentiles; {succeeded}"),
    }
}

/// `98.97 % of 360,104 requests succeeded`.
pub fn success_text(stats: &RequestStats) -> String {
    match stats.success_ratio {
        None => "no request arrived".to_string(),
        Some(1.0) => format!(
            "all {} requests succeeded",
            format::count(stats.arrived_count)
        ),
        Some(ratio) => format!(
            "{} of {} requests succeeded",
            format::ratio(ratio),
            format::count(stats.arrived_count)
        ),
    }
}

fn rate_title(run: RunView) -> String {
    let Some(whole) = run.phase(PhaseKind::Whole) else {
        return "No requests were measured".to_string();
    };
    let lost = lost_text(&whole.stats);
    if lost.is_empty() {
        let arrived = format::count(whole.stats.arrived_count);
        return match whole.stats.goodput_rps {
            Some(goodput) if 0 < whole.stats.arrived_count => {
                format!(
                    "All {arrived} requests succeeded, {} on average",
                    format::rate(goodput)
                )
            }
            _ => "No request arrived".to_string(),
        };
    }
    if let Some(fault) = run.worst_fault()
        && let (Some(goodput), Some(arrived)) =
            (fault.stats.goodput_rps, fault.stats.request_rate_rps)
    {
        return format!(
            "Goodput {} was {} of {} that arrived; in the whole run {lost}",
            fault.label,
            format::rate(goodput),
            format::rate(arrived)
        );
    }
    let of = format::count(whole.stats.arrived_count);
    format!("Of {of} requests {lost}")
}

/// `3,611 timed out and 124 failed`; empty if all succeeded.
fn lost_text(stats: &RequestStats) -> String {
    let counts = [
        (stats.timed_out_count, "timed out"),
        (stats.failed_count, "failed"),
        (stats.rejected_count, "were rejected"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| 0 < *count)
        .map(|(count, what)| format!("{} {what}", format::count(*count)))
        .collect();
    match parts.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        parts => parts.join(""),
    }
}

fn percentile_title(run: RunView) -> String {
    if let (Some(steady), Some(fault)) = (run.phase(PhaseKind::Steady), run.worst_fault())
        && let Some((name, from, to)) = largest_change(steady, fault)
    {
        let (from_text, to_text) = (format::secs(from), format::secs(to));
        return match to / from {
            factor if (0.95..=1.05).contains(&factor) => {
                format!(
                    "Latency is the same {} as steady: {name} is {to_text}",
                    fault.label
                )
            }
            factor => format!(
                "{name} is {} times as high {} as steady: {to_text} against {from_text}",
                format::number(factor),
                fault.label
            ),
        };
    }
    let latency = run.phase(PhaseKind::Whole).map(|phase| phase.stats.latency);
    match latency.map(|latency| (latency.p50.value_secs, latency.p99.value_secs)) {
        Some((Some(p50), Some(p99))) => format!(
            "Half of the requests took at most {}, 99 % at most {}",
            format::secs(p50),
            format::secs(p99)
        ),
        Some((Some(p50), None)) => {
            format!("Half of the requests took at most {}", format::secs(p50))
        }
        _ => "Too few requests succeeded for percentiles".to_string(),
    }
}

/// The percentile that differs most by factor, with its two values in seconds.
fn largest_change(steady: &PhaseMetrics, fault: &PhaseMetrics) -> Option<(&'static str, f64, f64)> {
    let (a, b) = (&steady.stats.latency, &fault.stats.latency);
    let pairs = [
        ("p99.9", a.p999, b.p999),
        ("p99", a.p99, b.p99),
        ("p50", a.p50, b.p50),
    ];
    let known = pairs.into_iter().filter_map(|(name, a, b)| {
        let (a, b) = (a.value_secs?, b.value_secs?);
        (0.0 < a.min(b)).then_some((name, a, b))
    });
    let factor = |pair: &(&str, f64, f64)| (pair.1 / pair.2).max(pair.2 / pair.1);
    known.max_by(|x, y| factor(x).total_cmp(&factor(y)))
}
