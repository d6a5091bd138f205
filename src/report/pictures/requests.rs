//! Pictures of requests over time: latency, outcomes, rates.

use super::RunView;
use super::percentiles::largest_change;
use crate::chart::latency_timeline::{LatencyPoint, LatencyTimeline, LatencyWindow, PointOutcome};
use crate::chart::rate_timeline::{RateTimeline, RateWindow};
use crate::metrics::data::request::{PhaseKind, PhaseMetrics, RequestStats};
use crate::model::observation::Outcome;
use crate::report::format;
use crate::report::offered::offered_rate;

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
            " Marks: single requests by outcome, {} of those that succeeded and {}.",
            one_in(sample.success_every),
            match sample.other_every {
                1 => "all others".to_string(),
                count => format!("{} of the others", one_in(count)),
            }
        ),
    };
    let is_timeless = sample
        .requests
        .iter()
        .any(|request| request.latency_secs <= 0.0);
    let edge = match is_timeless {
        true => " Those that took no time stand on the lower edge.",
        false => "",
    };
    let subtitle = format!(
        "Latency of successful requests by window of arrival ({}): percentiles where at least 10 \
         lie above, and the slowest.{dots}{edge}",
        format::span(run.metrics.series.window_secs)
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

fn one_in(count: u64) -> String {
    match count {
        1 => "all".to_string(),
        count => format!("one in {}", format::count(count)),
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
        format::span(run.metrics.series.window_secs)
    );
    RateTimeline {
        caption: run.caption(rate_title(run), &subtitle),
        timeline: run.timeline(),
        windows: windows.collect(),
    }
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
            ratio if ratio <= 1.05 => p99_stayed(run, fault, (&from, &to)),
            _ => format!("p99 rose from {from} to {to}"),
        };
        let succeeded = success_text(&fault.stats);
        return format!("{change} {}; {succeeded}", fault.label);
    }
    if let Some(fault) = worst.filter(|fault| run.misses_objective(fault) && p99(fault).is_none()) {
        return too_few_title(fault, steady);
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

/// What there is to say where p99 stayed: another percentile may have changed.
fn p99_stayed(run: RunView, fault: &PhaseMetrics, (from, to): (&str, &str)) -> String {
    let steady = run.phase(PhaseKind::Steady);
    let changed = steady.and_then(|steady| largest_change(steady, fault));
    match changed.filter(|changed| !changed.is_alike()) {
        None => format!("p99 stayed at {to} (steady: {from})"),
        Some(changed) => {
            let word = match changed.from_secs < changed.to_secs {
                true => "rose",
                false => "fell",
            };
            format!(
                "p99 stayed at {to}, {} {word} from {} to {}",
                changed.name,
                format::secs(changed.from_secs),
                format::secs(changed.to_secs)
            )
        }
    }
}

/// What there is to say of a fault that left too few successes for a p99.
fn too_few_title(fault: &PhaseMetrics, steady_p99_secs: Option<f64>) -> String {
    let arrived = format::count(fault.stats.arrived_count);
    let label = &fault.label;
    match (
        fault.stats.succeeded_count,
        steady_p99_secs.map(format::secs),
    ) {
        (0, None) => format!("None of {arrived} requests succeeded {label}"),
        (0, Some(steady)) => {
            format!("None of {arrived} requests succeeded {label}; p99 was {steady} when steady")
        }
        (_, steady) => {
            let steady = steady.map_or(String::new(), |steady| format!(" (steady: {steady})"));
            let succeeded = success_text(&fault.stats);
            format!("Too few requests succeeded {label} for a p99{steady}; {succeeded}")
        }
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

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::metrics::data::RunMetrics;
    use crate::metrics::data::distribution::DurationStats;
    use crate::report::fixture;

    /// The fixture with more faults, each with its successes of 20,000 and its p99.
    pub fn with_faults(faults: &[(&str, u64, Option<f64>)]) -> RunMetrics {
        let mut metrics = fixture::metrics();
        let during = metrics.requests.phases.pop().expect("rack-b is the last");
        let phase = |&(fault, succeeded_count, p99_secs): &(&str, u64, Option<f64>)| {
            let mut phase = during.clone();
            phase.label = format!("during {fault}");
            phase.fault = Some(fault.to_string());
            let stats = &mut phase.stats;
            stats.succeeded_count = succeeded_count;
            stats.success_ratio = Some(succeeded_count as f64 / 20_000.0);
            stats.goodput_rps = Some(succeeded_count as f64 / 20.0);
            stats.latency.p99.value_secs = p99_secs;
            if succeeded_count < 10 {
                stats.latency = DurationStats::default();
                phase.latency_curve.clear();
            }
            phase
        };
        metrics.requests.phases.extend(faults.iter().map(phase));
        metrics
    }

    fn titles(metrics: &RunMetrics) -> [String; 2] {
        let scenario = fixture::scenario();
        let run = RunView {
            scenario: &scenario,
            metrics,
            seed: 7,
        };
        [latency_title(run), rate_title(run)]
    }

    #[test]
    fn a_fault_in_which_nothing_succeeded_is_the_worst() {
        let metrics = with_faults(&[
            ("crash", 20_000, Some(0.0482)),
            ("blackout", 0, None),
            ("errors", 8, None),
        ]);
        let expected = [
            "None of 20,000 requests succeeded during blackout; p99 was 48.2 ms when steady",
            "Goodput during blackout was 0 /s of 1,000 /s that arrived; in the whole run 600 timed \
             out",
        ];
        assert_eq!(titles(&metrics), expected);
    }

    #[test]
    fn few_successes_are_told_instead_of_a_p99() {
        let metrics = with_faults(&[("slow", 20_000, Some(2.5)), ("errors", 8, None)]);
        assert_eq!(
            titles(&metrics)[0],
            "Too few requests succeeded during errors for a p99 (steady: 48.2 ms); 0.040 % of \
             20,000 requests succeeded"
        );
    }

    #[test]
    fn a_short_fault_without_losses_is_not_the_worst() {
        let metrics = with_faults(&[("slow", 20_000, Some(2.5)), ("blink", 20_000, None)]);
        assert_eq!(
            titles(&metrics)[0],
            "p99 rose from 48.2 ms to 2.50 s during slow; all 20,000 requests succeeded"
        );
    }
}
