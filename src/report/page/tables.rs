//! The tables of a report.

use super::format;
use crate::metrics::data::RunMetrics;
use crate::metrics::data::distribution::DurationStats;
use crate::metrics::data::fault::{FaultMetrics, ReturnTimes};
use crate::report::html::{Block, Mark, Table};
use crate::report::terminal_fault::unseen;

/// Windows of a fault that are listed; the others are counted.
const WINDOW_COUNT_MAX: usize = 4;

/// Requests by outcome in every part of the run.
pub fn requests(metrics: &RunMetrics) -> Table {
    let phases = &metrics.requests.phases;
    let mut columns = vec![
        "",
        "#arrived",
        "#succeeded",
        "#success ratio",
        "#timed out",
        "#failed",
        "#rejected",
        "#goodput",
        "#amplification",
    ];
    let has_in_flight = phases.iter().any(|phase| 0 < phase.stats.in_flight_count);
    if has_in_flight {
        columns.push("#in flight at the end");
    }
    let mut table = Table::new("Requests by outcome", columns);
    for phase in phases {
        let stats = &phase.stats;
        let mut row = vec![
            phase.label.clone(),
            format::count(stats.arrived_count),
            format::count(stats.succeeded_count),
            format::optional(stats.success_ratio, format::ratio),
            format::count(stats.timed_out_count),
            format::count(stats.failed_count),
            format::count(stats.rejected_count),
            format::optional(stats.goodput_rps, format::rate),
            format::optional(stats.amplification_ratio, format::number),
        ];
        if has_in_flight {
            row.push(format::count(stats.in_flight_count));
        }
        table.push(Mark::None, row);
    }
    table
}

/// Latency in every part of the run.
pub fn latency(metrics: &RunMetrics) -> Table {
    let mut table = Table::new(
        "Latency of successful requests",
        [
            "",
            "#requests",
            "#mean",
            "#p50",
            "#p90",
            "#p99",
            "#p99.9",
            "#max",
        ],
    );
    for phase in &metrics.requests.phases {
        let latency = &phase.stats.latency;
        let mut row = vec![phase.label.clone(), format::count(latency.sample_count)];
        row.push(format::optional(latency.mean_secs, format::secs));
        let percentiles = [latency.p50, latency.p90, latency.p99, latency.p999];
        row.extend(percentiles.map(|p| format::optional(p.value_secs, format::secs)));
        row.push(format::optional(latency.max_secs, format::secs));
        table.push(Mark::None, row);
    }
    table
}

/// Requests by class over the whole run; None where no client has classes.
pub fn classes(metrics: &RunMetrics) -> Option<Table> {
    let classes = &metrics.requests.classes;
    if classes.is_empty() {
        return None;
    }
    let mut table = Table::new(
        "Requests by class",
        [
            "",
            "#arrived",
            "#success ratio",
            "#goodput",
            "#p50",
            "#p99",
            "#max",
            "#bytes sent",
        ],
    );
    for class in classes {
        let (stats, latency) = (&class.stats, &class.stats.latency);
        let row = vec![
            class.class.clone(),
            format::count(stats.arrived_count),
            format::optional(stats.success_ratio, format::ratio),
            format::optional(stats.goodput_rps, format::rate),
            format::optional(latency.p50.value_secs, format::secs),
            format::optional(latency.p99.value_secs, format::secs),
            format::optional(latency.max_secs, format::secs),
            format::optional(class.byte_rate_per_sec, format::rate),
        ];
        table.push(Mark::None, row);
    }
    Some(table)
}

/// When every fault acted, and what it did.
pub fn faults(metrics: &RunMetrics) -> Vec<Block> {
    if metrics.faults.is_empty() {
        return Vec::new();
    }
    let mut acted = Table::new(
        "When the faults acted",
        ["fault", "kind", "windows", "#nodes", "#taken down"],
    );
    let mut did = Table::new(
        "What they did",
        [
            "fault",
            "detection",
            "exclusion at the callers",
            "#wasted attempts",
            "mitigation",
            "recovery",
            "share as before",
        ],
    );
    for fault in &metrics.faults {
        acted.push(
            Mark::None,
            vec![
                fault.fault.clone(),
                fault.kind.to_string(),
                windows(fault),
                format::count(if fault.is_each {
                    fault.target_count
                } else {
                    fault.target_count_max
                }),
                format::count(fault.down_count),
            ],
        );
        let exclusion = &fault.exclusion;
        did.push(
            Mark::None,
            vec![
                fault.fault.clone(),
                detection(fault),
                range(&exclusion.total, exclusion.not_excluded_count),
                format::count(fault.wasted_attempt_count),
                returned(&fault.mitigation),
                returned(&fault.recovery),
                shares(fault),
            ],
        );
    }
    let tables = [acted, did].into_iter().map(Block::Table);
    tables.chain(overlaps(metrics).map(Block::Note)).collect()
}

/// What of several faults that overlap is not told apart.
fn overlaps(metrics: &RunMetrics) -> Option<String> {
    let faults = metrics.faults.iter();
    let overlapping = faults.filter(|fault| !fault.overlaps.is_empty());
    let names: Vec<&str> = overlapping.map(|fault| fault.fault.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "These overlap with others, or with the return from others: {}. Their mitigation and \
             recovery say when the service was back, not which of them it was back from.",
            names.join(", ")
        )
    })
}

/// The quality of every detector.
pub fn detectors(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Quality of the detectors",
        [
            "detector",
            "service",
            "detection time",
            "#mistakes",
            "#mistake length",
            "#mistake rate",
            "#query accuracy",
        ],
    );
    for detector in &metrics.detectors {
        table.push(
            Mark::None,
            vec![
                detector.detector.clone(),
                detector.service.clone(),
                range(&detector.detection_time, detector.undetected_count),
                format::count(detector.mistake_count),
                format::optional(detector.mistake_duration.mean_secs, format::secs),
                format::optional(detector.mistake_rate_per_sec, format::rate),
                format::optional(detector.query_accuracy_ratio, format::ratio),
            ],
        );
    }
    (!metrics.detectors.is_empty()).then_some(table)
}

/// Work and waiting of every service.
pub fn services(metrics: &RunMetrics) -> Table {
    let mut table = Table::new(
        "Services",
        [
            "service",
            "#served",
            "#rejected",
            "#lost",
            "#utilization",
            "#mean wait",
            "#p99 wait",
            "#in system",
            "#zombie work",
        ],
    );
    for service in &metrics.services {
        table.push(
            Mark::None,
            vec![
                service.service.clone(),
                format::count(service.served_count),
                format::count(service.rejected_count),
                format::count(service.lost_count),
                format::optional(service.utilization_ratio, format::ratio),
                format::optional(service.waiting.mean_secs, format::secs),
                format::optional(service.waiting.p99.value_secs, format::secs),
                format::optional(service.in_system.mean, format::number),
                format::optional(service.zombie_ratio, format::ratio),
            ],
        );
    }
    table
}

/// Picks against weights by call edge.
pub fn picks(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Picks against weights",
        [
            "call",
            "#picks",
            "#largest deviation",
            "#relative",
            "#chi-squared p",
            "#longest burst",
            "#wasted attempts",
        ],
    );
    for edge in &metrics.edges {
        let selection = &edge.selection;
        table.push(
            Mark::None,
            vec![
                edge.edge.clone(),
                format::count(selection.pick_count),
                format::optional(selection.deviation_absolute_max, format::ratio),
                format::optional(selection.deviation_relative_max, format::ratio),
                format::optional(selection.chi_squared_p, format::number),
                format::count(selection.burst_max),
                format::count(edge.wasted_attempt_count),
            ],
        );
    }
    (!metrics.edges.is_empty()).then_some(table)
}

/// Messages that are not requests.
pub fn control(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Control traffic",
        ["message", "#sent", "#rate", "#bytes each (assumed)"],
    );
    for control in &metrics.control {
        table.push(
            Mark::None,
            vec![
                control.kind.replace('_', " "),
                format::count(control.message_count),
                format::rate(control.message_rate_per_sec),
                format::count(control.message_byte_count),
            ],
        );
    }
    (!metrics.control.is_empty()).then_some(table)
}

fn windows(fault: &FaultMetrics) -> String {
    if let (true, Some(first), Some(last)) =
        (fault.is_each, fault.windows.first(), fault.windows.last())
    {
        let (start, end) = (first.start_secs, last.end_secs);
        let span = format!("{} to {}", format::instant(start), format::instant(end));
        return format!("each on its own, from {span}");
    }
    let listed = fault.windows.iter().take(WINDOW_COUNT_MAX).map(|window| {
        let (start, end) = (window.start_secs, window.end_secs);
        format!("{} to {}", format::instant(start), format::instant(end))
    });
    let mut parts: Vec<String> = listed.collect();
    match fault.window_count.saturating_sub(parts.len() as u64) {
        0 if parts.is_empty() => parts.push(unseen(fault).to_string()),
        0 => {}
        more => parts.push(format!("and {} more", format::count(more))),
    }
    parts.join(", ")
}

fn detection(fault: &FaultMetrics) -> String {
    let seen = fault
        .detection
        .iter()
        .filter(|detection| 0 < detection.detection_time.sample_count + detection.undetected_count);
    let parts = seen.map(|detection| {
        let range = range(&detection.detection_time, detection.undetected_count);
        format!("{} {range}", detection.detector)
    });
    let text = parts.collect::<Vec<_>>().join("; ");
    if text.is_empty() {
        format::NOTHING.to_string()
    } else {
        text
    }
}

/// From the smallest to the largest, and how often it never happened.
fn range(stats: &DurationStats, never_count: u64) -> String {
    let range = match (stats.min_secs, stats.max_secs) {
        (Some(min), Some(max)) if min < max => {
            format!("{} to {}", format::secs(min), format::secs(max))
        }
        (Some(only), _) => format::secs(only),
        _ => String::new(),
    };
    match (range.is_empty(), never_count) {
        (true, 0) => format::NOTHING.to_string(),
        (false, 0) => range,
        (true, count) => format!("never ({})", format::count(count)),
        (false, count) => format!("{range}, {} never", format::count(count)),
    }
}

fn returned(times: &ReturnTimes) -> String {
    let reached_count = times.reached_secs.len() as u64;
    let missing_count = times.not_reached_count + times.untold_count;
    let all_count = reached_count + missing_count;
    match (times.mean_secs, missing_count) {
        (None, 0) => format::NOTHING.to_string(),
        (None, _) if times.not_reached_count == 0 => "too few requests to tell".to_string(),
        (None, _) => "not reached".to_string(),
        (Some(mean), 0) if reached_count == 1 => format::secs(mean),
        (Some(mean), 0) => format!("{} on average", format::secs(mean)),
        (Some(mean), _) => format!(
            "{} on average, reached in {} of {} windows",
            format::secs(mean),
            format::count(reached_count),
            format::count(all_count)
        ),
    }
}

/// How long after a fault its victims carried the share of each edge that they had before it.
fn shares(fault: &FaultMetrics) -> String {
    let told = fault
        .share_returns
        .iter()
        .filter(|share| share.has_enough_attempts);
    let texts: Vec<String> = told
        .map(|share| {
            let after = match share.returned_after_secs {
                Some(secs) => format::secs(secs),
                None => "not".to_string(),
            };
            format!("{}: {after}", share.edge)
        })
        .collect();
    match texts.is_empty() {
        true => format::NOTHING.to_string(),
        false => texts.join(", "),
    }
}
