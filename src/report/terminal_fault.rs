//! What the summary says about one fault.

use super::format;
use super::terminal::Table;
use crate::metrics::data::detection::FaultDetection;
use crate::metrics::data::distribution::DurationStats;
use crate::metrics::data::fault::{
    FaultMetrics, ReturnTimes, RingChange, RolloutMetrics, SelectionConvergence, ShareReturn,
};
use crate::stats::moments::max_over_mean;

/// Steady states in which fewer succeed are nothing to return to.
const STEADY_RATIO_MIN: f64 = 0.99;

/// Overlapping faults that are named.
const OVERLAP_COUNT_MAX: usize = 3;

/// The lines of one fault; those that do not apply to its kind are left out. `steady_ratio` of the
/// requests succeed in the steady state.
pub fn fault_table(fault: &FaultMetrics, steady_ratio: Option<f64>) -> Table {
    let mut rows = Vec::new();
    let mut line = |label: &str, text: String| {
        if !text.is_empty() {
            rows.push(vec![label.to_string(), text]);
        }
    };
    line("detection", detection_text(fault));
    line("mitigation", return_text(&fault.mitigation, "began"));
    for ring in fault.moved_rings() {
        line("ring", ring_text(ring, 1 < fault.rings.len()));
    }
    for selection in &fault.selection {
        line("picks", selection_text(selection));
    }
    if let Some(rollout) = &fault.rollout {
        line("restart", rollout_text(rollout));
        line("keys", moves_text(rollout));
        line("later load", later_text(rollout));
    }
    line("recovery", return_text(&fault.recovery, "ended"));
    for share in &fault.share_returns {
        line("share", share_text(share));
    }
    Table {
        heading: heading(fault),
        columns: Vec::new(),
        rows,
        note: [steady_note(fault, steady_ratio), overlap_note(fault)]
            .into_iter()
            .filter(|note| !note.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// `not told apart from b, c, d and 2 other faults, which overlap with it`, if any do.
fn overlap_note(fault: &FaultMetrics) -> String {
    let named = &fault.overlaps[..fault.overlaps.len().min(OVERLAP_COUNT_MAX)];
    let rest = match fault.overlap_count.saturating_sub(named.len() as u64) {
        0 => String::new(),
        1 => " and another fault".to_string(),
        count => format!(" and {count} other faults"),
    };
    match named {
        [] => String::new(),
        [only] => format!("not told apart from {only}, which overlaps with it"),
        _ => format!(
            "not told apart from {}{rest}, which overlap with it",
            named.join(", ")
        ),
    }
}

/// What a return to a steady state that is none is worth.
fn steady_note(fault: &FaultMetrics, steady_ratio: Option<f64>) -> String {
    let mut times = [&fault.mitigation, &fault.recovery].into_iter();
    let has_returned = times.any(|times| !times.reached_secs.is_empty());
    let broken = steady_ratio.filter(|ratio| has_returned && *ratio < STEADY_RATIO_MIN);
    broken.map_or(String::new(), |ratio| {
        format!(
            "back to a steady state in which only {} succeed",
            format::ratio(ratio)
        )
    })
}

/// `10 replaced, 3 failed requests, 0.30 each`.
fn rollout_text(rollout: &RolloutMetrics) -> String {
    let aborted = if rollout.is_aborted { ", aborted" } else { "" };
    let each = rollout.failed_per_replaced();
    let each = each.map_or(String::new(), |each| format!(", {each:.2} each"));
    let (replaced, failed) = (rollout.replaced_count, rollout.failed_request_count);
    let (replaced, failed) = (format::count(replaced), format::count(failed));
    format!("{replaced} replaced, {failed} failed requests{each}{aborted}")
}

/// `client.shop.call.web: 2.0 hash spaces moved, 2.0 of them for nothing`.
fn moves_text(rollout: &RolloutMetrics) -> String {
    let known = rollout.moves.iter().filter_map(|moves| {
        let (sum, extra) = (moves.moved_key_ratio_sum?, moves.extra_moved_key_ratio()?);
        let edge = &moves.edge;
        Some(format!(
            "{edge}: {sum:.2} hash spaces moved, {extra:.2} of them for nothing"
        ))
    });
    known.collect::<Vec<_>>().join("; ")
}

/// `web: 1.05 max/mean 1 min after, 1.01 10 min after`.
fn later_text(rollout: &RolloutMetrics) -> String {
    let known = rollout.loads.iter().filter_map(|load| {
        let counts: Vec<f64> = load.attempt_counts.iter().map(|n| *n as f64).collect();
        let uneven = max_over_mean(&counts)?;
        let (service, minutes) = (&load.service, load.minutes_after);
        Some(format!(
            "{service} {uneven:.2} max/mean {minutes} min after"
        ))
    });
    known.collect::<Vec<_>>().join(", ")
}

/// `FAULT rack-b  host_loss of 4 instances, 60 s to 120 s`.
fn heading(fault: &FaultMetrics) -> String {
    let targets = match targets_text(fault) {
        text if text.is_empty() => text,
        text => format!(" of {text}"),
    };
    let windows = windows_text(fault);
    format!("FAULT {}  {}{targets}, {windows}", fault.fault, fault.kind)
}

/// `4 instances`, or nothing where it acts on links or the registry.
fn targets_text(fault: &FaultMetrics) -> String {
    let noun = match fault.is_of_instances {
        true => "instance",
        false => "node",
    };
    match (fault.is_each, fault.target_count, fault.target_count_max) {
        (_, 0, _) => String::new(),
        (true, count, _) => format!("{}, each on its own", format::counted(count, noun)),
        (false, _, count) => format::counted(count, noun),
    }
}

/// When it acted; of a fault that acts on each target on its own, from the first to the last time.
fn windows_text(fault: &FaultMetrics) -> String {
    let (Some(first), Some(last)) = (fault.windows.first(), fault.windows.last()) else {
        return unseen(fault).to_string();
    };
    let to = |end_secs| {
        let start = format::instant(first.start_secs);
        format!("{start} to {}", format::instant(end_secs))
    };
    match fault.window_count {
        _ if fault.is_each => format!("from {}", to(last.end_secs)),
        1 => to(first.end_secs),
        count => {
            let span = to(first.end_secs);
            format!("{} windows, the first {span}", format::count(count))
        }
    }
}

/// What is said of a fault without windows. Those without length are left out, though not what
/// happened in them.
pub fn unseen(fault: &FaultMetrics) -> &'static str {
    match fault.target_count {
        0 => "never in this run",
        _ => "over in one instant",
    }
}

fn detection_text(fault: &FaultMetrics) -> String {
    let mut parts: Vec<String> = fault.detection.iter().filter_map(detector_text).collect();
    let exclusion = &fault.exclusion;
    if 0 < exclusion.total.sample_count + exclusion.not_excluded_count {
        let range = range_text(&exclusion.total, exclusion.not_excluded_count);
        parts.push(format!("exclusion {range}"));
    }
    if let Some(secs) = fault.last_wasted_attempt_secs {
        parts.push(format!(
            "last attempt to a dead server {}",
            format::secs(secs)
        ));
    }
    parts.join("   ")
}

fn detector_text(detection: &FaultDetection) -> Option<String> {
    let is_seen = 0 < detection.detection_time.sample_count + detection.undetected_count;
    is_seen.then(|| {
        format!(
            "{} {}",
            detection.detector,
            range_text(&detection.detection_time, detection.undetected_count)
        )
    })
}

/// From the smallest to the largest, and how often it never happened.
fn range_text(stats: &DurationStats, never_count: u64) -> String {
    let range = match (stats.min_secs, stats.max_secs) {
        (Some(min), Some(max)) if min < max => {
            format!("{} .. {}", format::secs(min), format::secs(max))
        }
        (Some(only), _) => format::secs(only),
        _ => return format!("never ({})", format::count(never_count)),
    };
    match never_count {
        0 => range,
        count => format!("{range} ({} never)", format::count(count)),
    }
}

fn return_text(times: &ReturnTimes, event: &str) -> String {
    let reached_count = times.reached_secs.len() as u64;
    match (times.reached_secs.as_slice(), times.not_reached_count) {
        ([], 0) if times.untold_count == 0 => String::new(),
        ([], 0) => "too few requests to tell".to_string(),
        ([], _) => "not reached within the run".to_string(),
        ([secs], 0) if times.untold_count == 0 => {
            format!("{} after the fault {event}", format::secs(*secs))
        }
        (_, not_reached_count) => format!(
            "{} on average after the fault {event}, reached in {} of {} windows",
            format::optional(times.mean_secs, format::secs),
            format::count(reached_count),
            format::count(reached_count + not_reached_count + times.untold_count)
        ),
    }
}

fn ring_text(ring: &RingChange, is_named: bool) -> String {
    let name = match is_named {
        true => format!("{}: ", ring.edge),
        false => String::new(),
    };
    let needless = match 0.0 < ring.needless_move_ratio {
        true => format!(", needless {}", format::ratio(ring.needless_move_ratio)),
        false => String::new(),
    };
    format!(
        "{name}{} of keys moved (ideal {}{needless}){}, load max/mean {} -> {}",
        format::ratio(ring.moved_key_ratio),
        format::ratio(ring.moved_key_ratio_ideal),
        inheritors_text(ring),
        format::optional(ring.ownership_max_over_mean_before, format::number),
        format::optional(ring.ownership_max_over_mean_after, format::number)
    )
}

/// ` to 9, most to web/a/3 (4.1 %)`, or nothing where nobody got keys of another.
fn inheritors_text(ring: &RingChange) -> String {
    match ring.inheritors.as_slice() {
        [] => String::new(),
        [only] if ring.inheritor_count == 1 => format!(", all to {}", only.name),
        [first, ..] => format!(
            ", to {}, most to {} ({})",
            format::counted(ring.inheritor_count, "instance"),
            first.name,
            format::ratio(first.inherited_ratio)
        ),
    }
}

fn selection_text(selection: &SelectionConvergence) -> String {
    let windows = format!("windows of {}", format::secs(selection.window_secs));
    let edge = &selection.edge;
    match selection.converged_after_secs {
        _ if !selection.has_enough_picks => {
            format!("{edge}: too few in {windows} to tell when they follow the weights")
        }
        Some(secs) => format!(
            "{edge}: as the weights say after {}, in {windows}",
            format::secs(secs)
        ),
        None => format!("{edge}: not as the weights say within the fault, in {windows}"),
    }
}

/// `client.shop.call.web: as before 2.00 s after the fault ended, in windows of 1.00 s`.
fn share_text(share: &ShareReturn) -> String {
    let windows = format!("windows of {}", format::secs(share.window_secs));
    let edge = &share.edge;
    match share.returned_after_secs {
        _ if !share.has_enough_attempts => {
            format!("{edge}: too few in {windows} to tell when it is as before")
        }
        Some(secs) => format!(
            "{edge}: as before {} after the fault ended, in {windows}",
            format::secs(secs)
        ),
        None => format!("{edge}: not as before within the run, in {windows}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::fault::{FaultSpan, Inheritor};

    #[test]
    fn a_share_is_as_before_or_not_or_not_to_be_told() {
        let mut share = ShareReturn {
            edge: "client.shop.call.web".to_string(),
            has_enough_attempts: true,
            share_before_ratio: Some(0.25),
            returned_after_secs: Some(3.0),
            window_secs: 1.0,
        };
        let told = |share: &ShareReturn| share_text(share).replace("client.shop.call.web: ", "");
        assert_eq!(
            told(&share),
            "as before 3.00 s after the fault ended, in windows of 1.00 s"
        );
        share.returned_after_secs = None;
        assert_eq!(
            told(&share),
            "not as before within the run, in windows of 1.00 s"
        );
        share.has_enough_attempts = false;
        assert_eq!(
            told(&share),
            "too few in windows of 1.00 s to tell when it is as before"
        );
    }

    fn rack_loss() -> FaultMetrics {
        let returned = |secs| ReturnTimes {
            reached_secs: vec![secs],
            mean_secs: Some(secs),
            max_secs: Some(secs),
            window_secs: 1.0,
            ..ReturnTimes::default()
        };
        FaultMetrics {
            fault: "rack-b".into(),
            kind: "host_loss",
            windows: vec![FaultSpan {
                start_secs: 60.0,
                end_secs: 120.0,
            }],
            window_count: 1,
            is_each: false,
            target_count: 4,
            target_count_max: 4,
            is_of_instances: true,
            down_count: 4,
            detection: vec![FaultDetection {
                detector: "registry".into(),
                detection_time: DurationStats {
                    sample_count: 4,
                    min_secs: Some(8.1),
                    max_secs: Some(13.4),
                    ..DurationStats::default()
                },
                undetected_count: 0,
            }],
            exclusion: Default::default(),
            wasted_attempt_count: 100,
            last_wasted_attempt_secs: Some(73.4),
            mitigation: returned(13.6),
            recovery: ReturnTimes {
                not_reached_count: 1,
                ..ReturnTimes::default()
            },
            overlaps: Vec::new(),
            overlap_count: 0,
            rings: Vec::new(),
            selection: Vec::new(),
            share_returns: Vec::new(),
            rollout: None,
        }
    }

    #[test]
    fn a_fault_is_told_from_detection_to_recovery() {
        let table = fault_table(&rack_loss(), Some(0.99));
        assert_eq!(table.note, "");
        let broken = fault_table(&rack_loss(), Some(0.7231)).note;
        let expected = "back to a steady state in which only 72.31 % succeed";
        assert_eq!(broken, expected);
        assert_eq!(
            table.heading,
            "FAULT rack-b  host_loss of 4 instances, 60 s to 120 s"
        );
        let line = |label: &str, text: &str| vec![label.to_string(), text.to_string()];
        let detection = "registry 8.10 s .. 13.4 s   last attempt to a dead server 73.4 s";
        assert_eq!(
            table.rows,
            [
                line("detection", detection),
                line("mitigation", "13.6 s after the fault began"),
                line("recovery", "not reached within the run"),
            ]
        );
    }

    #[test]
    fn faults_that_overlap_are_named() {
        let mut fault = rack_loss();
        (fault.overlaps, fault.overlap_count) = (vec!["slow".into()], 1);
        let note = fault_table(&fault, Some(0.99)).note;
        assert_eq!(note, "not told apart from slow, which overlaps with it");
        fault.overlaps = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
        fault.overlap_count = 5;
        let note = fault_table(&fault, Some(0.5)).note;
        let expected = "back to a steady state in which only 50.00 % succeed; not told apart from \
                        a, b, c and 2 other faults, which overlap with it";
        assert_eq!(note, expected);
    }

    #[test]
    fn targets_that_fail_on_their_own_are_told_together() {
        let mut fault = rack_loss();
        (fault.kind, fault.is_each, fault.target_count_max) = ("crash", true, 1);
        fault.windows.push(FaultSpan {
            start_secs: 200.0,
            end_secs: 230.0,
        });
        fault.window_count = 2;
        assert_eq!(
            heading(&fault),
            "FAULT rack-b  crash of 4 instances, each on its own, from 60 s to 230 s"
        );
        (fault.is_each, fault.is_of_instances) = (false, false);
        assert_eq!(
            heading(&fault),
            "FAULT rack-b  crash of 1 node, 2 windows, the first 60 s to 120 s"
        );
    }

    #[test]
    fn a_fault_of_one_instant_has_acted() {
        let mut fault = rack_loss();
        (fault.kind, fault.window_count) = ("rolling_restart", 0);
        fault.windows.clear();
        assert_eq!(
            heading(&fault),
            "FAULT rack-b  rolling_restart of 4 instances, over in one instant"
        );
        (fault.target_count, fault.target_count_max) = (0, 0);
        assert_eq!(
            heading(&fault),
            "FAULT rack-b  rolling_restart, never in this run"
        );
    }

    #[test]
    fn a_ring_tells_who_inherits() {
        let heir = |name: &str, inherited_ratio| Inheritor {
            name: name.to_string(),
            inherited_ratio,
        };
        let mut ring = RingChange {
            moved_key_ratio: 0.1,
            moved_key_ratio_ideal: 0.1,
            inheritor_count: 1,
            inheritors: vec![heir("web/a/3", 0.1)],
            ..RingChange::default()
        };
        let text = ring_text(&ring, false);
        let start = "10.00 % of keys moved (ideal 10.00 %), all to web/a/3, load";
        assert!(text.starts_with(start), "{text}");
        ring.inheritors = vec![heir("web/a/3", 0.08), heir("web/a/1", 0.02)];
        (ring.inheritor_count, ring.needless_move_ratio) = (2, 0.02);
        let text = ring_text(&ring, false);
        let start = "10.00 % of keys moved (ideal 10.00 %, needless 2.00 %), to 2 instances, most \
                     to web/a/3 (8.00 %), load";
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn what_was_never_detected_is_counted() {
        let mut fault = rack_loss();
        fault.detection[0].detection_time = DurationStats::default();
        fault.detection[0].undetected_count = 4;
        fault.last_wasted_attempt_secs = None;
        assert_eq!(detection_text(&fault), "registry never (4)");
        fault.detection[0] = rack_loss().detection[0].clone();
        fault.detection[0].undetected_count = 1;
        assert_eq!(
            detection_text(&fault),
            "registry 8.10 s .. 13.4 s (1 never)"
        );
    }
}
