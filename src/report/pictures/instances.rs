//! Pictures of instances over time: what they were, and what was believed.

use super::RunView;
use crate::chart::heartbeat_timeline::{HeartbeatTimeline, ObservedInstance, Observer};
use crate::chart::span::{self, Span};
use crate::metrics::data::detection::DetectorMetrics;
use crate::metrics::data::timeline::{BelievedState, TimelineRow};
use crate::report::format;

/// The observer that is right.
pub const TRUTH: &str = "truth";

/// What instances were against what their observers believed; None where nothing ever changed.
pub fn heartbeats(run: RunView) -> Option<HeartbeatTimeline> {
    let rows = &run.metrics.timelines.rows;
    let instances: Vec<ObservedInstance> = rows
        .chunk_by(|a, b| a.instance == b.instance)
        .map(|rows| observed(run, rows))
        .collect();
    let subtitle = "What each instance was, above what its observers took it for: detectors by \
                    suspecting it, callers (view) by not listing it. Instances that never changed \
                    are left out.";
    let is_blank = instances.iter().any(|it| !it.absent_spans.is_empty());
    let subtitle = match is_blank {
        true => format!("{subtitle} Blank: no part of its service."),
        false => subtitle.to_string(),
    };
    let subtitle = match run.metrics.timelines.dropped_count {
        0 => subtitle,
        count => format!(
            "{subtitle} {} changes were too many to keep.",
            format::count(count)
        ),
    };
    (!instances.is_empty()).then(|| HeartbeatTimeline {
        caption: run.caption(heartbeat_title(&run.metrics.detectors), &subtitle),
        timeline: run.timeline(),
        instances,
    })
}

fn observed(run: RunView, rows: &[TimelineRow]) -> ObservedInstance {
    let end_secs = run.metrics.measured_end_secs;
    let truth = rows.iter().find(|row| row.observer == TRUTH);
    let of_truth = |is_meant: fn(BelievedState) -> bool| {
        truth
            .map(|row| spans(row, end_secs, is_meant))
            .unwrap_or_default()
    };
    let believers = rows.iter().filter(|row| row.observer != TRUTH);
    let absent = of_truth(|state| state == BelievedState::Absent);
    let observers = believers.map(|row| Observer {
        label: row.observer.clone(),
        suspected_spans: spans(row, end_secs, |state| state != BelievedState::Up),
        stale_spans: stale_spans(row, &absent, end_secs),
    });
    ObservedInstance {
        label: rows[0].name.clone(),
        down_spans: of_truth(is_down),
        paused_spans: of_truth(|state| state == BelievedState::Paused),
        observers: observers.collect(),
        absent_spans: absent,
    }
}

/// When a caller listed an instance that was no part of its service. Detectors suspect nobody who
/// left on purpose, and so are not wrong about them.
fn stale_spans(row: &TimelineRow, absent: &[Span], end_secs: f64) -> Vec<Span> {
    if !row.observer.starts_with("view ") {
        return Vec::new();
    }
    let unlisted = spans(row, end_secs, |state| state != BelievedState::Up);
    let [absent, unlisted] =
        [absent, &unlisted].map(|spans| span::tidy(spans.iter().copied(), (0.0, end_secs)));
    span::difference(&absent, &unlisted)
}

/// Whether an instance in this state serves nobody until something happens.
pub fn is_down(state: BelievedState) -> bool {
    match state {
        BelievedState::Crashed | BelievedState::HostLost | BelievedState::Restarting => true,
        BelievedState::Up
        | BelievedState::Absent
        | BelievedState::Paused
        | BelievedState::Suspected
        | BelievedState::Excluded => false,
    }
}

/// When a row was in one of the states that are meant.
pub fn spans(row: &TimelineRow, end_secs: f64, is_meant: fn(BelievedState) -> bool) -> Vec<Span> {
    let ends = row
        .changes
        .iter()
        .skip(1)
        .map(|change| change.at_secs)
        .chain([end_secs]);
    row.changes
        .iter()
        .zip(ends)
        .filter(|(change, _)| is_meant(change.state))
        .map(|(change, end_secs)| (change.at_secs, end_secs))
        .collect()
}

/// What the first detector with anything to tell did, over all services that it watches.
fn heartbeat_title(detectors: &[DetectorMetrics]) -> String {
    let seen = |d: &&DetectorMetrics| {
        0 < d.detection_time.sample_count + d.undetected_count + d.mistake_count
    };
    let Some(first) = detectors.iter().find(seen) else {
        return match detectors.is_empty() {
            true => "No detector watched the instances",
            false => "No detector noticed a failure or was mistaken",
        }
        .to_string();
    };
    let is_same = |detector: &&DetectorMetrics| detector.detector == first.detector;
    let rows: Vec<&DetectorMetrics> = detectors.iter().filter(seen).filter(is_same).collect();
    let name = match first.detector.as_str() {
        "registry" => "The registry".to_string(),
        path => format!("The detector of {path}"),
    };
    let mut parts: Vec<String> = noticed(&rows).into_iter().chain(missed(&rows)).collect();
    let mistakes = mistakes(&rows);
    if parts.is_empty() {
        return format!("{name} {mistakes}");
    }
    parts[0] = format!("{name} {}", parts[0]);
    format!("{} and {mistakes}", parts.join(", "))
}

/// How soon failures were noticed; None where none was.
fn noticed(rows: &[&DetectorMetrics]) -> Option<String> {
    let times = rows.iter().map(|row| &row.detection_time);
    let noticing_count = times.clone().filter(|time| time.min_secs.is_some()).count();
    let min_secs = times.clone().filter_map(|time| time.min_secs);
    let min_secs = min_secs.min_by(f64::total_cmp)?;
    let max_secs = times.filter_map(|time| time.max_secs);
    let max_secs = max_secs.max_by(f64::total_cmp).unwrap_or(min_secs);
    let of = of_services(rows, |row| row.detection_time.sample_count);
    let min = format::secs(min_secs);
    Some(match min_secs < max_secs {
        true => format!(
            "noticed failures{of} after {min} to {}",
            format::secs(max_secs)
        ),
        false if 1 < noticing_count => {
            format!("noticed failures{of} after {min}")
        }
        false => format!("noticed a failure{of} after {min}"),
    })
}

/// How many failures nobody noticed; None where there was no such failure.
fn missed(rows: &[&DetectorMetrics]) -> Option<String> {
    let count: u64 = rows.iter().map(|row| row.undetected_count).sum();
    let of = of_services(rows, |row| row.undetected_count);
    match count {
        0 => None,
        1 => Some(format!("missed one{of}")),
        count => Some(format!("missed {}{of}", format::count(count))),
    }
}

fn mistakes(rows: &[&DetectorMetrics]) -> String {
    let count: u64 = rows.iter().map(|row| row.mistake_count).sum();
    let of = of_services(rows, |row| row.mistake_count);
    match count {
        0 => "made no mistake".to_string(),
        1 => format!("suspected one instance{of} that was up"),
        count => format!(
            "suspected instances{of} that were up {} times",
            format::count(count)
        ),
    }
}

/// ` of web and db`: the services with such events; empty where only one has anything to tell.
fn of_services(rows: &[&DetectorMetrics], event_count: fn(&DetectorMetrics) -> u64) -> String {
    let services = rows.iter().filter(|row| 0 < event_count(row));
    let services: Vec<&str> = services.map(|row| row.service.as_str()).collect();
    match services.as_slice() {
        _ if rows.len() < 2 => String::new(),
        [] => String::new(),
        [only] => format!(" of {only}"),
        [one, other] => format!(" of {one} and {other}"),
        several => format!(" of {} services", format::count(several.len() as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::distribution::DurationStats;
    use crate::metrics::data::timeline::StateChange;

    #[test]
    fn the_title_tells_of_every_service_that_the_registry_watches() {
        let row = |service: &str, range_secs: Option<(f64, f64)>, counts: [u64; 3]| {
            let [sample_count, undetected_count, mistake_count] = counts;
            DetectorMetrics {
                detector: "registry".into(),
                service: service.into(),
                detection_time: DurationStats {
                    sample_count,
                    min_secs: range_secs.map(|range| range.0),
                    max_secs: range_secs.map(|range| range.1),
                    ..DurationStats::default()
                },
                undetected_count,
                mistake_count,
                ..DetectorMetrics::default()
            }
        };
        let quiet = || row("idle", None, [0, 0, 0]);
        let one = row("a", Some((4.3, 4.3)), [1, 0, 0]);
        let wrong = row("b", None, [0, 0, 5]);
        let both = row("c", Some((2.5, 6.0)), [2, 1, 1]);
        assert_eq!(
            heartbeat_title(&[quiet(), one.clone()]),
            "The registry noticed a failure after 4.30 s and made no mistake"
        );
        assert_eq!(
            heartbeat_title(&[one.clone(), wrong.clone(), quiet()]),
            "The registry noticed a failure of a after 4.30 s and suspected instances of b that \
             were up 5 times"
        );
        assert_eq!(
            heartbeat_title(&[one, wrong, both]),
            "The registry noticed failures of a and c after 2.50 s to 6.00 s, missed one of c and \
             suspected instances of b and c that were up 6 times"
        );
    }

    #[test]
    fn only_callers_can_list_who_left() {
        use BelievedState::{Excluded, Suspected, Up};
        let row = |observer: &str, changes: &[(f64, BelievedState)]| TimelineRow {
            instance: 0,
            name: "web/a/0".into(),
            observer: observer.into(),
            changes: changes
                .iter()
                .map(|&(at_secs, state)| StateChange { at_secs, state })
                .collect(),
        };
        let absent = [(0.0, 10.0), (50.0, 100.0)];
        let view = row(
            "view shop/0",
            &[(0.0, Excluded), (20.0, Up), (60.0, Excluded)],
        );
        assert_eq!(stale_spans(&view, &absent, 100.0), [(50.0, 60.0)]);
        let registry = row("registry", &[(20.0, Suspected), (30.0, Up)]);
        assert_eq!(stale_spans(&registry, &absent, 100.0), []);
    }
}
