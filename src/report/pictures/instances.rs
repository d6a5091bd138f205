//! Pictures of instances over time: what they were, what was believed, how loaded they were.

use super::{RunView, file_name};
use crate::chart::heartbeat_timeline::{HeartbeatTimeline, ObservedInstance, Observer};
use crate::chart::load_heatmap::{LoadHeatmap, LoadRow, LoadScale};
use crate::chart::picture::Picture;
use crate::chart::span::Span;
use crate::id::InstanceId;
use crate::metrics::data::detection::DetectorMetrics;
use crate::metrics::data::series::InstanceRow;
use crate::metrics::data::service::ServiceMetrics;
use crate::metrics::data::timeline::{BelievedState, TimelineRow};
use crate::report::format;

/// Attempts that a cell of a heat map holds on average at least: windows are put together until
/// it does, because fewer show noise.
const CELL_ATTEMPT_COUNT_MIN: f64 = 10.0;
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
                    suspecting it, callers by not sending to it. Instances that never changed are \
                    left out.";
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

/// One heat map for every service with several instances that were followed.
pub fn loads(run: RunView) -> impl Iterator<Item = Picture> {
    run.metrics.services.iter().filter_map(move |service| {
        let chart = load(run, service)?;
        Some(Picture::new(&file_name(&["load", &service.service]), chart))
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
    let observers = believers.map(|row| Observer {
        label: row.observer.clone(),
        suspected_spans: spans(row, end_secs, |state| state != BelievedState::Up),
    });
    ObservedInstance {
        label: rows[0].name.clone(),
        down_spans: of_truth(is_down),
        paused_spans: of_truth(|state| state == BelievedState::Paused),
        absent_spans: of_truth(|state| state == BelievedState::Absent),
        observers: observers.collect(),
    }
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

fn load(run: RunView, service: &ServiceMetrics) -> Option<LoadHeatmap> {
    let fair_shares = fair_shares(run, service);
    let followed = run.metrics.series.instances.rows.iter().filter_map(|row| {
        let instance = row.instance?;
        let place = fair_shares
            .binary_search_by_key(&instance, |pair| pair.0)
            .ok()?;
        Some((row, fair_shares[place].1))
    });
    let rows: Vec<(&InstanceRow, f64)> = followed
        .filter(|(row, _)| !is_always_absent(run, row))
        .collect();
    if rows.len() < 2 {
        return None;
    }
    let totals = window_totals(&rows);
    let pool = windows_per_column(&totals, rows.len());
    let column_secs = run.metrics.series.instances.window_secs * pool as f64;
    let end_secs = run.metrics.measured_end_secs;
    let columns: Vec<Span> = (0..totals.len().div_ceil(pool))
        .map(|column| column as f64 * column_secs)
        .take_while(|start| *start < end_secs)
        .map(|start| (start, (start + column_secs).min(end_secs)))
        .collect();
    let rows = rows.into_iter().map(|(row, fair_share)| {
        let mut values = column_values(row, fair_share, &totals, pool);
        let gone = true_spans(run, row, |state| {
            is_down(state) || state == BelievedState::Absent
        });
        blank_idle(&mut values, &columns, &gone);
        LoadRow {
            label: row.name.clone(),
            values,
            down_spans: true_spans(run, row, is_down),
        }
    });
    let rows: Vec<LoadRow> = rows.collect();
    let mut subtitle = format!(
        "Attempts sent to each instance of {} over its fair share by configured weight, in windows \
         of {}.",
        service.service,
        format::instant(column_secs)
    );
    if let Some(note) = &run.metrics.series.instances.note {
        subtitle = format!("{subtitle} {note}");
    }
    Some(LoadHeatmap {
        caption: run.caption(load_title(service, &fair_shares), &subtitle),
        timeline: run.timeline(),
        columns,
        rows,
        scale: LoadScale::FairShare,
        measure: "load ÷ fair share".to_string(),
    })
}

/// Weight over total weight of the instances that are there from the start; spare ones are
/// measured by the same total.
fn fair_shares(run: RunView, service: &ServiceMetrics) -> Vec<(u32, f64)> {
    let scenario = run.scenario;
    let groups = scenario
        .services
        .iter()
        .filter(|config| config.name == service.service);
    let groups: Vec<_> = groups.flat_map(|config| &config.groups).collect();
    let total: f64 = groups
        .iter()
        .map(|group| &scenario.groups[group.index()])
        .map(|group| group.weight * f64::from(group.count))
        .sum();
    groups
        .iter()
        .flat_map(|group| scenario.topology.group_instances(**group))
        .map(|instance| {
            let group = scenario.topology.group_of(InstanceId(instance));
            (instance, scenario.groups[group.index()].weight / total)
        })
        .collect()
}

/// Attempts to all followed instances, by window.
fn window_totals(rows: &[(&InstanceRow, f64)]) -> Vec<u64> {
    let window_count = rows
        .iter()
        .map(|(row, _)| row.attempt_counts.len())
        .max()
        .unwrap_or(0);
    let total = |window: usize| {
        let counts = rows
            .iter()
            .filter_map(|(row, _)| row.attempt_counts.get(window));
        counts.map(|count| u64::from(*count)).sum()
    };
    (0..window_count).map(total).collect()
}

/// How many windows make a column with enough attempts.
fn windows_per_column(totals: &[u64], row_count: usize) -> usize {
    let cell_count = (totals.len() * row_count).max(1) as f64;
    let per_cell = totals.iter().sum::<u64>() as f64 / cell_count;
    let wanted = (CELL_ATTEMPT_COUNT_MIN / per_cell.max(1e-9)).ceil();
    // At least 20 columns stay, so that time is still seen.
    wanted.clamp(1.0, (totals.len() as f64 / 20.0).max(1.0)) as usize
}

/// Load over fair load by column; none where nothing was sent to anyone or nothing is due.
fn column_values(
    row: &InstanceRow,
    fair_share: f64,
    totals: &[u64],
    pool: usize,
) -> Vec<Option<f64>> {
    let columns = totals.chunks(pool).enumerate();
    columns
        .map(|(column, totals)| {
            let counts = row.attempt_counts.iter().skip(column * pool).take(pool);
            let count: u64 = counts.map(|count| u64::from(*count)).sum();
            let fair_count = totals.iter().sum::<u64>() as f64 * fair_share;
            (0.0 < fair_count).then(|| count as f64 / fair_count)
        })
        .collect()
}

/// Nothing stands where nothing was sent to an instance that was not there.
fn blank_idle(values: &mut [Option<f64>], columns: &[Span], gone: &[Span]) {
    for (value, column) in values.iter_mut().zip(columns) {
        let is_gone = gone
            .iter()
            .any(|span| span.0 <= column.0 && column.1 <= span.1);
        if is_gone && *value == Some(0.0) {
            *value = None;
        }
    }
}

/// Whether an instance is spare and never joined its service.
fn is_always_absent(run: RunView, row: &InstanceRow) -> bool {
    let topology = &run.scenario.topology;
    let is_spare = row.instance.is_some_and(|instance| {
        let group = topology.group_of(InstanceId(instance));
        run.scenario.groups[group.index()].count <= topology.index_in_group(InstanceId(instance))
    });
    is_spare && row.attempt_counts.iter().all(|count| *count == 0) && truth_of(run, row).is_none()
}

fn truth_of<'a>(run: RunView<'a>, row: &InstanceRow) -> Option<&'a TimelineRow> {
    let mut rows = run.metrics.timelines.rows.iter();
    rows.find(|line| Some(line.instance) == row.instance && line.observer == TRUTH)
}

/// When an instance was in one of the states that are meant.
fn true_spans(run: RunView, row: &InstanceRow, is_meant: fn(BelievedState) -> bool) -> Vec<Span> {
    truth_of(run, row)
        .map(|line| spans(line, run.metrics.measured_end_secs, is_meant))
        .unwrap_or_default()
}

/// `fair_shares`: by instance, ascending.
fn load_title(service: &ServiceMetrics, fair_shares: &[(u32, f64)]) -> String {
    let ratios = service.instances.iter().filter_map(|instance| {
        let place = fair_shares.binary_search_by_key(&instance.instance, |pair| pair.0);
        let fair_share = fair_shares[place.ok()?].1;
        (0.0 < fair_share).then_some((instance.share_ratio? / fair_share, &instance.name))
    });
    match ratios.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => format!("How the load of {} was spread", service.service),
        Some((ratio, _)) if ratio < 1.05 => format!(
            "No instance of {} took more than {} times its fair share of the attempts",
            service.service,
            format::number(ratio)
        ),
        Some((ratio, name)) => format!(
            "{name} took {} times its fair share of the attempts, the most of {}",
            format::number(ratio),
            service.service
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::distribution::DurationStats;

    #[test]
    fn columns_of_the_dead_show_what_was_sent_to_them() {
        let columns = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)];
        let mut values = [Some(0.0), Some(0.5), Some(0.0), Some(0.0)];
        // Gone from the middle of the first column to the end of the third one.
        blank_idle(&mut values, &columns, &[(0.5, 3.0)]);
        assert_eq!(values, [Some(0.0), Some(0.5), None, Some(0.0)]);
    }

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
}
