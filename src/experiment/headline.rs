//! The numbers of a run that everybody asks for first, under the names that `[expect]` uses.

use crate::metrics::data::RunMetrics;
use crate::metrics::data::fault::{FaultMetrics, ReturnTimes};
use crate::metrics::data::request::{PhaseKind, PhaseMetrics};
use crate::scenario::measure::Unit;

/// One number of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Headline {
    /// The measure and its statistic: `latency.p99`.
    pub measure: &'static str,
    /// The part of the run, as an expectation would say it: empty for the whole run, `steady`,
    /// `during rack-b`, `of rack-b`.
    pub phase: String,
    /// What kind of number it is; times are in seconds.
    pub unit: Unit,
    /// The number; infinite where something never came in this run, None where it does not exist
    /// or is withheld.
    pub value: Option<f64>,
}

/// The headline numbers of a run, in the order in which they are shown.
pub fn headlines(metrics: &RunMetrics) -> Vec<Headline> {
    let phases = metrics.requests.phases.iter();
    let of_phases = phases
        .filter(|phase| is_shown(phase.kind))
        .flat_map(of_phase);
    of_phases
        .chain(metrics.faults.iter().flat_map(|f| of_fault(f, metrics)))
        .collect()
}

/// Whether a part of the run belongs into a summary. The others stand in `summary.json`.
pub fn is_shown(kind: PhaseKind) -> bool {
    matches!(
        kind,
        PhaseKind::Whole | PhaseKind::Steady | PhaseKind::During
    )
}

fn of_phase(phase: &PhaseMetrics) -> Vec<Headline> {
    let label = match phase.kind {
        PhaseKind::Whole => "",
        _ => phase.label.as_str(),
    };
    let stats = &phase.stats;
    let latency = &stats.latency;
    let number = |measure, unit, value| Headline {
        measure,
        phase: label.to_string(),
        unit,
        value,
    };
    vec![
        number("success_ratio", Unit::Ratio, stats.success_ratio),
        number("request_rate", Unit::Rate, stats.request_rate_rps),
        number("goodput", Unit::Rate, stats.goodput_rps),
        number("amplification", Unit::Number, stats.amplification_ratio),
        number("latency.mean", Unit::Time, latency.mean_secs),
        number("latency.p50", Unit::Time, latency.p50.value_secs),
        number("latency.p90", Unit::Time, latency.p90.value_secs),
        number("latency.p99", Unit::Time, latency.p99.value_secs),
        number("latency.p99.9", Unit::Time, latency.p999.value_secs),
        number("latency.max", Unit::Time, latency.max_secs),
    ]
}

fn of_fault(fault: &FaultMetrics, metrics: &RunMetrics) -> Vec<Headline> {
    let number = |measure, unit, value| Headline {
        measure,
        phase: format!("of {}", fault.fault),
        unit,
        value,
    };
    let time = |measure, value| number(measure, Unit::Time, value);
    let detections = || fault.detection.iter();
    let detection_max = detections().filter_map(|d| d.detection_time.max_secs);
    let undetected_count = detections().map(|d| d.undetected_count).sum();
    let (exclusion, kept_count) = (&fault.exclusion.total, fault.exclusion.not_excluded_count);
    let is_judged = has_steady_requests(metrics);
    let longest = |times: &ReturnTimes| {
        let max = unless_never(times.max_secs, times.not_reached_count);
        max.filter(|max| is_judged && (times.untold_count == 0 || max.is_infinite()))
    };
    let mut list = vec![
        time(
            "detection_time.max",
            unless_never(detection_max.reduce(f64::max), undetected_count),
        ),
        time(
            "exclusion_time.mean",
            unless_never(exclusion.mean_secs, kept_count),
        ),
        time(
            "exclusion_time.max",
            unless_never(exclusion.max_secs, kept_count),
        ),
        time("mitigation_time.max", longest(&fault.mitigation)),
        time("recovery_time.max", longest(&fault.recovery)),
    ];
    // Most scenarios have one ring; the others stand in summary.json.
    if let Some(ring) = fault.rings.first() {
        let moved = Some(ring.moved_key_ratio);
        list.push(number("moved_key_ratio", Unit::Ratio, moved));
    }
    list
}

/// A mean or a maximum, which is infinite where some of what it is about never came.
fn unless_never(number: Option<f64>, never_count: u64) -> Option<f64> {
    match never_count {
        0 => number,
        _ => Some(f64::INFINITY),
    }
}

/// Whether there is a steady state that the run can return to.
fn has_steady_requests(metrics: &RunMetrics) -> bool {
    let mut phases = metrics.requests.phases.iter();
    phases.any(|phase| phase.kind == PhaseKind::Steady && phase.stats.success_ratio.is_some())
}
