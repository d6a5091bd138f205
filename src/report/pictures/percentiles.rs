//! The picture of latency by percentile.

use super::{RunView, worst};
use crate::chart::percentile_curve::{PercentileCurve, PercentileLimit, PercentileSeries};
use crate::metrics::data::request::{PhaseKind, PhaseMetrics};
use crate::report::format;
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Operator};
use crate::scenario::measure::{Measure, Statistic};

/// Expectations in a chart of percentiles.
const LIMIT_COUNT_MAX: usize = 4;
/// Lines in a chart of percentiles: each keeps its own label.
const CURVE_COUNT_MAX: usize = 6;

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
    let phases = phases.filter(|phase| 0 < phase.stats.arrived_count);
    let (with_line, without): (Vec<_>, Vec<_>) =
        phases.partition(|phase| !phase.latency_curve.is_empty());
    let line_count = with_line.len();
    let shown = shown_lines(run, with_line);
    let subtitle = format!(
        "Latency of successful requests, from the intended arrival at the caller to the outcome. A \
         line ends where fewer than 10 requests lie above.{}{}",
        left_out_text(&shown, line_count),
        lineless_text(&without)
    );
    let series = shown.into_iter().map(|phase| {
        let points = phase.latency_curve.iter();
        PercentileSeries {
            label: phase.label.clone(),
            points: points.map(|p| (p.percentile, p.value_secs)).collect(),
            sample_count: phase.stats.latency.sample_count,
        }
    });
    PercentileCurve {
        caption: run.caption(percentile_title(run), &subtitle),
        series: series.collect(),
        limits: percentile_limits(run.scenario)
            .take(LIMIT_COUNT_MAX)
            .collect(),
    }
}

/// The parts of the run with a line: the title is about the worst one, the last of equal ones.
fn shown_lines<'a>(run: RunView, phases: Vec<&'a PhaseMetrics>) -> Vec<&'a PhaseMetrics> {
    let placed: Vec<(usize, &PhaseMetrics)> = phases.into_iter().enumerate().collect();
    let shown = worst::shown(
        placed,
        CURVE_COUNT_MAX,
        |(_, phase)| worst::is_reference(phase.kind),
        |a, b| run.by_harm(a.1, b.1).then(a.0.cmp(&b.0)),
    );
    shown.into_iter().map(|(_, phase)| phase).collect()
}

/// How many faults have no line for want of room, as a sentence.
fn left_out_text(shown: &[&PhaseMetrics], line_count: usize) -> String {
    match line_count - shown.len() {
        0 => String::new(),
        left_out => {
            let is_fault = |phase: &&&PhaseMetrics| !worst::is_reference(phase.kind);
            let fault_count = shown.iter().filter(is_fault).count();
            let are = if left_out == 1 { "is" } else { "are" };
            format!(" The {fault_count} worst faults are shown, {left_out} more {are} left out.")
        }
    }
}

/// How many faults have no line for want of successes, as a sentence.
fn lineless_text(phases: &[&PhaseMetrics]) -> String {
    let faults = phases
        .iter()
        .filter(|phase| phase.kind == PhaseKind::During);
    match faults.count() as u64 {
        0 => String::new(),
        1 => " One fault has no line: too few requests succeeded.".to_string(),
        count => format!(
            " {} faults have no line: too few requests succeeded.",
            format::count(count)
        ),
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
    if let Some(fault) = run.worst_fault()
        && run.misses_objective(fault)
        && fault.stats.latency.p50.value_secs.is_none()
    {
        return format!(
            "{} of {} requests succeeded {}: too few for percentiles",
            format::count(fault.stats.succeeded_count),
            format::count(fault.stats.arrived_count),
            fault.label
        );
    }
    let latency = run.phase(PhaseKind::Whole).map(|phase| phase.stats.latency);
    match latency.map(|latency| (latency.p50.value_secs, latency.p99.value_secs)) {
        Some((Some(p50), Some(p99))) => format!(
            "Half of the requests that succeeded took at most {}, 99 % at most {}",
            format::secs(p50),
            format::secs(p99)
        ),
        Some((Some(p50), None)) => {
            let p50 = format::secs(p50);
            format!("Half of the requests that succeeded took at most {p50}")
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

#[cfg(test)]
mod tests {
    use super::super::requests::tests::with_faults;
    use super::*;
    use crate::metrics::data::RunMetrics;
    use crate::report::fixture;

    fn percentile_chart(metrics: &RunMetrics) -> PercentileCurve {
        let scenario = fixture::scenario();
        percentiles(RunView {
            scenario: &scenario,
            metrics,
            seed: 7,
        })
    }

    #[test]
    fn a_fault_without_successes_is_named_and_has_no_line() {
        let metrics = with_faults(&[
            ("crash", 20_000, Some(0.0482)),
            ("blackout", 0, None),
            ("errors", 8, None),
        ]);
        let caption = percentile_chart(&metrics).caption;
        assert_eq!(
            caption.title,
            "0 of 20,000 requests succeeded during blackout: too few for percentiles"
        );
        let subtitle = caption.subtitle;
        assert!(
            subtitle.ends_with(" 2 faults have no line: too few requests succeeded."),
            "{subtitle}"
        );
    }

    #[test]
    fn the_curve_that_the_title_names_is_always_drawn() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let mut faults = names.map(|name| (name, 20_000, Some(0.06)));
        // Two percent less than the others: below the objective of 99 %.
        faults[5].1 = 19_600;
        let metrics = with_faults(&faults);
        let chart = percentile_chart(&metrics);
        assert!(
            chart.caption.title.contains("during f"),
            "{:?}",
            chart.caption
        );
        let labels: Vec<&str> = chart
            .series
            .iter()
            .map(|line| line.label.as_str())
            .collect();
        assert_eq!(labels.len(), CURVE_COUNT_MAX);
        assert_eq!(labels[0], "steady");
        assert!(labels.contains(&"during f"), "{labels:?}");
        assert!(labels.is_sorted_by_key(|label| label.strip_prefix("during ")));
        let subtitle = &chart.caption.subtitle;
        assert!(
            subtitle.ends_with(" The 5 worst faults are shown, 2 more are left out."),
            "{subtitle}"
        );
    }

    #[test]
    fn of_faults_that_are_alike_the_one_of_the_title_is_drawn() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let metrics = with_faults(&names.map(|name| (name, 20_000, Some(0.06))));
        let chart = percentile_chart(&metrics);
        let is_named = |line: &PercentileSeries| chart.caption.title.contains(&line.label);
        assert!(chart.series.iter().any(is_named), "{:?}", chart.caption);
    }
}
