//! The numbers of a run that everybody asks for first, under the names that `[expect]` uses.

use crate::metrics::data::RunMetrics;
use crate::metrics::data::distribution::DurationStats;
use crate::metrics::data::fault::FaultMetrics;
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
    /// The number; None where it does not exist for this run or is withheld.
    pub value: Option<f64>,
}

/// The headline numbers of a run, in the order in which they are shown.
pub fn headlines(metrics: &RunMetrics) -> Vec<Headline> {
    let phases = metrics.requests.phases.iter();
    let of_phases = phases
        .filter(|phase| is_shown(phase.kind))
        .flat_map(of_phase);
    of_phases
        .chain(metrics.faults.iter().flat_map(of_fault))
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

fn of_fault(fault: &FaultMetrics) -> Vec<Headline> {
    let number = |measure, unit, value| Headline {
        measure,
        phase: format!("of {}", fault.fault),
        unit,
        value,
    };
    let detection_max = latest(fault.detection.iter().map(|d| &d.detection_time));
    let mut list = vec![
        number("detection_time.max", Unit::Time, detection_max),
        number(
            "exclusion_time.mean",
            Unit::Time,
            fault.exclusion.total.mean_secs,
        ),
        number(
            "exclusion_time.max",
            Unit::Time,
            fault.exclusion.total.max_secs,
        ),
        number("mitigation_time.max", Unit::Time, fault.mitigation.max_secs),
        number("recovery_time.max", Unit::Time, fault.recovery.max_secs),
    ];
    // Most scenarios have one ring; the others stand in summary.json.
    if let Some(ring) = fault.rings.first() {
        list.push(number(
            "moved_key_ratio",
            Unit::Ratio,
            Some(ring.moved_key_ratio),
        ));
    }
    list
}

/// The largest of all samples of several distributions.
fn latest<'a>(distributions: impl Iterator<Item = &'a DurationStats>) -> Option<f64> {
    distributions
        .filter_map(|stats| stats.max_secs)
        .reduce(f64::max)
}
