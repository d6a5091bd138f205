//! What the replay of a report shows: the fleet over time, as JSON that the page holds.

use serde_json::{Value, json};

use super::pictures::RunView;
use super::pictures::instances::{TRUTH, is_down, spans};
use super::pictures::shares::circles;
use crate::id::{CallerId, NodeId};
use crate::metrics::data::series::InstanceRow;
use crate::metrics::data::timeline::BelievedState;
use crate::scenario::topology::NodeKind;

/// Instances that fit into the picture.
const INSTANCE_COUNT_MAX: usize = 90;
/// Callers that fit into it.
const CALLER_COUNT_MAX: usize = 60;
/// Points in time with loads of their own.
const WINDOW_COUNT_MAX: usize = 240;

type IsMeant = fn(BelievedState) -> bool;

/// The data of the replay; None where no instance was followed.
pub fn replay_data(run: RunView) -> Option<String> {
    let metrics = run.metrics;
    let series = &metrics.series.instances;
    let is_instance = |row: &&InstanceRow| row.instance.is_some();
    let rows: Vec<&InstanceRow> = series.rows.iter().filter(is_instance).collect();
    let rows = shown(run, rows);
    if rows.is_empty() {
        return None;
    }
    let window_count = rows.iter().map(|row| row.in_flight_means.len()).max()?;
    let pool = window_count.div_ceil(WINDOW_COUNT_MAX).max(1);
    let callers = callers(run);
    let (rings, ring_names) = rings(run);
    let names = callers
        .iter()
        .map(|node| run.scenario.topology.node_name(*node));
    let mut data = json!({
        "start": 0.0,
        "end": metrics.measured_end_secs,
        "window": series.window_secs * pool as f64,
        "callers": names.collect::<Vec<_>>(),
        "attempts": attempts(run, &rows, &callers),
        "faults": faults(run),
        "requestWindow": metrics.series.window_secs,
        "requests": requests(run),
        "rings": rings,
        "ringNames": ring_names,
        "observer": observer(run),
    });
    for (key, values) in instances(run, &rows, pool) {
        data[key] = values;
    }
    // Nothing in it may end the element that holds it.
    Some(data.to_string().replace('<', "\\u003c"))
}

/// What each instance was and was taken for, and how loaded it was, by window.
fn instances(run: RunView, rows: &[&InstanceRow], pool: usize) -> Vec<(&'static str, Value)> {
    let each = |of: &dyn Fn(&InstanceRow) -> Value| rows.iter().map(|row| of(row)).collect();
    let believed = |row: &InstanceRow, is_truth: bool, is_meant: IsMeant| {
        let mut lines = run.metrics.timelines.rows.iter();
        let line = lines.find(|line| {
            Some(line.instance) == row.instance && (line.observer == TRUTH) == is_truth
        });
        let spans = line.map(|line| spans(line, run.metrics.measured_end_secs, is_meant));
        json!(spans.unwrap_or_default())
    };
    vec![
        ("instances", each(&|row| json!(row.name))),
        (
            "load",
            each(&|row| json!(pooled(&row.in_flight_means, pool))),
        ),
        (
            "queue",
            each(&|row| json!(pooled(&row.queue_depth_means, pool))),
        ),
        ("down", each(&|row| believed(row, true, is_down))),
        (
            "suspected",
            each(&|row| believed(row, false, |state| state != BelievedState::Up)),
        ),
    ]
}

/// Who suspects: the first observer of the first instance to which anything happened.
fn observer<'a>(run: RunView<'a>) -> Option<&'a str> {
    let mut lines = run.metrics.timelines.rows.iter();
    let line = lines.find(|line| line.observer != TRUTH)?;
    Some(line.observer.as_str())
}

/// The sample of attempts: when they were sent and ended, the places of their caller and instance
/// in the picture or -1, and whether they succeeded.
fn attempts(run: RunView, rows: &[&InstanceRow], callers: &[NodeId]) -> Vec<Value> {
    let place = |place: Option<usize>| place.map_or(-1, |place| place as i64);
    let attempts = run.metrics.sample.attempts.iter().map(|attempt| {
        let node = run.scenario.topology.caller_node(CallerId(attempt.caller));
        let mut instances = rows.iter();
        json!([
            rounded(attempt.sent_secs, 1e4),
            rounded(attempt.ended_secs, 1e4),
            place(callers.iter().position(|known| *known == node)),
            place(instances.position(|row| row.instance == Some(attempt.instance))),
            u8::from(attempt.is_success),
        ])
    });
    attempts.collect()
}

fn faults(run: RunView) -> Vec<Value> {
    let faults = run.metrics.faults.iter().map(|fault| {
        let windows = fault.windows.iter();
        let spans = windows.map(|it| json!([it.start_secs, it.end_secs]));
        json!({
            "name": format!("{}: {}", fault.fault, fault.kind),
            "spans": spans.collect::<Vec<_>>(),
        })
    });
    faults.collect()
}

/// As many instances as fit, in their order: those to which something happened come before others.
fn shown<'a>(run: RunView, rows: Vec<&'a InstanceRow>) -> Vec<&'a InstanceRow> {
    let has_changed = |row: &&InstanceRow| {
        let mut lines = run.metrics.timelines.rows.iter();
        lines.any(|line| Some(line.instance) == row.instance)
    };
    let (changed, quiet): (Vec<_>, Vec<_>) = rows.into_iter().partition(has_changed);
    let mut shown: Vec<&InstanceRow> = changed
        .into_iter()
        .chain(quiet)
        .take(INSTANCE_COUNT_MAX)
        .collect();
    shown.sort_by_key(|row| row.instance);
    shown
}

/// The nodes of clients that sent something of the sample, in order.
fn callers(run: RunView) -> Vec<NodeId> {
    let topology = &run.scenario.topology;
    let sent = run.metrics.sample.attempts.iter();
    let mut nodes: Vec<NodeId> = sent
        .map(|attempt| topology.caller_node(CallerId(attempt.caller)))
        .filter(|node| matches!(topology.node_kind(*node), NodeKind::Caller(..)))
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.truncate(CALLER_COUNT_MAX);
    nodes
}

/// Requests per second and the share of them that succeeded, in per cent, by window.
fn requests(run: RunView) -> Vec<Value> {
    let windows = run.windows().map(|(window, end_secs)| {
        let arrived = f64::from(window.arrived_count);
        let rate = arrived / (end_secs - window.start_secs);
        let ratio = f64::from(window.succeeded_count) / arrived.max(1.0);
        json!([rounded(rate, 1.0), rounded(ratio * 100.0, 1e2)])
    });
    windows.collect()
}

/// Shares of the ring of the first call whose ring a fault changed, before and in each such fault,
/// and whose they are.
fn rings(run: RunView) -> (Vec<Value>, Vec<String>) {
    let mut names: Vec<String> = Vec::new();
    let mut rings = Vec::new();
    let mut edge = None;
    for fault in &run.metrics.faults {
        let Some(window) = fault.windows.first() else {
            continue;
        };
        let ring = fault.moved_rings().next();
        let Some(ring) = ring.filter(|ring| edge.is_none_or(|known| known == &ring.edge)) else {
            continue;
        };
        let owners: Vec<String> = ring.instances.iter().map(|it| it.name.clone()).collect();
        if edge.is_some() && owners != names {
            continue;
        }
        edge = Some(&ring.edge);
        names = owners;
        let shares = |of: fn(&crate::metrics::data::fault::RingShare) -> f64| {
            let shares = ring.instances.iter().map(|it| rounded(of(it), 1e5));
            shares.collect::<Vec<_>>()
        };
        rings.push(json!({
            "fault": fault.fault,
            "start": seen_secs(run, window.start_secs, window.end_secs),
            "end": window.end_secs,
            "before": shares(|share| share.before_ratio),
            "after": shares(|share| share.after_ratio),
            "circles": circles(ring).map(|both| both.map(|circle| runs(&circle.sectors))),
        }));
    }
    (rings, names)
}

/// When a calling side first left an instance out in a window of a fault, which is when its ring
/// changes; the start of the window where that is not known.
fn seen_secs(run: RunView, start_secs: f64, end_secs: f64) -> f64 {
    let rows = run.metrics.timelines.rows.iter();
    let views = rows.filter(|row| row.observer.starts_with("view "));
    let changes = views.flat_map(|row| row.changes.iter().map(|change| change.at_secs));
    let within = changes.filter(|at| start_secs <= *at && *at < end_secs);
    within.reduce(f64::min).unwrap_or(start_secs)
}

/// Runs of equal owners with their lengths.
fn runs(sectors: &[u32]) -> Vec<(u32, usize)> {
    let runs = sectors.chunk_by(|a, b| a == b);
    runs.map(|run| (run[0], run.len())).collect()
}

/// Means over groups of windows, with one decimal.
fn pooled(values: &[f32], pool: usize) -> Vec<f64> {
    let groups = values.chunks(pool).map(|group| {
        let sum: f64 = group.iter().map(|value| f64::from(*value)).sum();
        rounded(sum / group.len() as f64, 10.0)
    });
    groups.collect()
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_data_is_json_that_no_name_can_break_out_of() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        metrics.series.instances.rows[0].name = "</script><b>".into();
        let data = replay_data(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        let data = data.expect("instances were followed");
        assert!(!data.contains('<'));
        let value: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(value["instances"][0], "</script><b>");
        let loads = value["load"].as_array().expect("a list");
        assert_eq!(
            loads.len(),
            value["instances"].as_array().expect("a list").len()
        );
    }

    #[test]
    fn nothing_followed_is_no_replay() {
        let (scenario, metrics) = (fixture::scenario(), fixture::empty_metrics());
        let run = RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        };
        assert_eq!(replay_data(run), None);
    }
}
