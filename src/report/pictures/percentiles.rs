//! The picture of latency by percentile.

use super::{RunView, worst};
use crate::chart::percentile_curve::{PercentileCurve, PercentileLimit, PercentileSeries};
use crate::id::FaultId;
use crate::metrics::data::request::{PhaseKind, PhaseMetrics};
use crate::report::format;
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Operator};
use crate::scenario::measure::{Measure, Phase, Statistic};

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
    let limits: Vec<PercentileLimit> = percentile_limits(run.scenario, &shown)
        .take(LIMIT_COUNT_MAX)
        .collect();
    let title = percentile_title(run, &shown);
    let series = shown.into_iter().map(|phase| {
        let points = phase.latency_curve.iter();
        PercentileSeries {
            label: phase.label.clone(),
            points: points.map(|p| (p.percentile, p.value_secs)).collect(),
            sample_count: phase.stats.latency.sample_count,
        }
    });
    PercentileCurve {
        caption: run.caption(title, &subtitle),
        series: series.collect(),
        limits,
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

/// What is expected of the percentiles of the lines that are drawn.
fn percentile_limits(
    scenario: &Scenario,
    shown: &[&PhaseMetrics],
) -> impl Iterator<Item = PercentileLimit> {
    scenario.expectations.iter().filter_map(move |expected| {
        let measure = &expected.measure;
        let is_drawn = shown
            .iter()
            .any(|phase| is_of(scenario, measure.phase, phase));
        let is_upper = matches!(expected.operator, Operator::Less | Operator::LessOrEqual);
        let is_of_all = !expected.measure_text.contains('{');
        match (&expected.bound, measure.statistic, measure.measure) {
            (Bound::Value { value, .. }, Statistic::Percentile(percentile), Measure::Latency)
                if is_drawn && is_upper && is_of_all =>
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

/// Whether a measure is about this part of the run.
fn is_of(scenario: &Scenario, asked: Phase, phase: &PhaseMetrics) -> bool {
    let is_named = |fault: FaultId| {
        phase.fault.as_deref() == Some(scenario.faults[fault.index()].name.as_str())
    };
    match asked {
        Phase::Whole => phase.kind == PhaseKind::Whole,
        Phase::Steady => phase.kind == PhaseKind::Steady,
        Phase::During(fault) => phase.kind == PhaseKind::During && is_named(fault),
        Phase::Before(_) | Phase::After(_) | Phase::Outside(_) | Phase::Of(_) => false,
    }
}

fn percentile_title(run: RunView, shown: &[&PhaseMetrics]) -> String {
    if let (Some(steady), Some(fault)) = (run.phase(PhaseKind::Steady), run.worst_fault())
        && let Some(changed) = largest_change(steady, fault)
    {
        return comparing_title(steady, fault, &changed);
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
    let has_median = |phase: &&&PhaseMetrics| phase.stats.latency.p50.value_secs.is_some();
    let Some(phase) = shown.iter().find(has_median) else {
        return "Too few requests succeeded for percentiles".to_string();
    };
    let of = match phase.kind {
        PhaseKind::Whole => String::new(),
        PhaseKind::Steady => " when steady".to_string(),
        _ => format!(" {}", phase.label),
    };
    let latency = &phase.stats.latency;
    let p50 = format::secs(latency.p50.value_secs.unwrap_or_default());
    match latency.p99.value_secs.map(format::secs) {
        Some(p99) => format!(
            "Half of the requests that succeeded{of} took at most {p50}, 99 % at most {p99}"
        ),
        None => format!("Half of the requests that succeeded{of} took at most {p50}"),
    }
}

/// What became of latency in a fault, by the percentile that changed most.
fn comparing_title(steady: &PhaseMetrics, fault: &PhaseMetrics, changed: &Change) -> String {
    let label = &fault.label;
    let (name, to_text) = (changed.name, format::secs(changed.to_secs));
    if !changed.is_alike() {
        let from_text = format::secs(changed.from_secs);
        return format!(
            "{name} is {} times as high {label} as steady: {to_text} against {from_text}",
            format::number(changed.to_secs / changed.from_secs),
        );
    }
    let both = stated(steady).into_iter().zip(stated(fault));
    let mut only_fault = both.clone().filter(|(a, b)| a.1.is_none() && b.1.is_some());
    if let Some((_, (highest, Some(secs)))) = only_fault.next() {
        return format!(
            "{highest} is {} {label}, of too few requests to know it when steady; {name} is the \
             same: {to_text}",
            format::secs(secs)
        );
    }
    match both
        .into_iter()
        .all(|(a, b)| a.1.is_some() == b.1.is_some())
    {
        true => format!("Latency is the same {label} as steady: {name} is {to_text}"),
        false => format!("{name} is the same {label} as steady: {to_text}"),
    }
}

/// A percentile in a fault and when steady.
pub(super) struct Change {
    pub name: &'static str,
    pub from_secs: f64,
    pub to_secs: f64,
}

impl Change {
    /// Whether both are the same for a reader.
    pub fn is_alike(&self) -> bool {
        (0.95..=1.05).contains(&(self.to_secs / self.from_secs))
    }

    fn factor(&self) -> f64 {
        (self.from_secs / self.to_secs).max(self.to_secs / self.from_secs)
    }
}

/// The percentile that differs most by factor.
pub(super) fn largest_change(steady: &PhaseMetrics, fault: &PhaseMetrics) -> Option<Change> {
    let pairs = stated(steady).into_iter().zip(stated(fault));
    let known = pairs.filter_map(|((name, from), (_, to))| {
        let (from_secs, to_secs) = (from?, to?);
        (0.0 < from_secs.min(to_secs)).then_some(Change {
            name,
            from_secs,
            to_secs,
        })
    });
    known.max_by(|a, b| a.factor().total_cmp(&b.factor()))
}

/// The percentiles of a part of the run, the highest first.
fn stated(phase: &PhaseMetrics) -> [(&'static str, Option<f64>); 4] {
    let latency = &phase.stats.latency;
    [
        ("p99.9", latency.p999.value_secs),
        ("p99", latency.p99.value_secs),
        ("p90", latency.p90.value_secs),
        ("p50", latency.p50.value_secs),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::requests::tests::with_faults;
    use super::*;
    use crate::metrics::data::RunMetrics;
    use crate::metrics::data::distribution::{DurationStats, Percentile};
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
    fn latency_is_the_same_only_if_every_stated_percentile_is() {
        let percentile = |value_secs: f64| Percentile {
            value_secs: Some(value_secs),
            ..Percentile::default()
        };
        let mut metrics = with_faults(&[("crash", 20_000, None)]);
        metrics
            .requests
            .phases
            .retain(|phase| phase.fault.as_deref() != Some("rack-b"));
        for phase in &mut metrics.requests.phases {
            phase.stats.latency = DurationStats {
                p50: percentile(0.021),
                ..DurationStats::default()
            };
        }
        let title = |metrics: &RunMetrics| percentile_chart(metrics).caption.title;
        assert_eq!(
            title(&metrics),
            "Latency is the same during crash as steady: p50 is 21.0 ms"
        );
        let crash = metrics.requests.phases.last_mut().expect("a fault");
        crash.stats.latency.p99 = percentile(0.421);
        assert_eq!(
            title(&metrics),
            "p99 is 421 ms during crash, of too few requests to know it when steady; p50 is the \
             same: 21.0 ms"
        );
        let steady = metrics.requests.phases.iter_mut();
        for phase in steady {
            phase.stats.latency.p99 = percentile(0.421);
            let is_crash = phase.fault.is_some();
            phase.stats.latency.p90 = percentile(if is_crash { 0.221 } else { 0.044_2 });
        }
        assert_eq!(
            title(&metrics),
            "p90 is 5.00 times as high during crash as steady: 221 ms against 44.2 ms"
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
