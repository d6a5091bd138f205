//! The picture of what retries cost.

use super::{RunView, worst};
use crate::chart::panels::{Panel, PanelLine, Panels};
use crate::chart::span::Span;
use crate::metrics::data::series::{EdgeColumn, EdgeSeries, RequestWindow};
use crate::report::format;

/// Calls between services with a line of their own, beside that of clients.
const INNER_CALL_COUNT_MAX: usize = 5;

/// Attempts for each call and waiting work over time; None where nothing was tried twice and
/// nothing waited.
pub fn pressure(run: RunView) -> Option<Panels> {
    let windows: Vec<(&RequestWindow, f64)> = run.windows().collect();
    let amplification = windows.iter().map(|(window, _)| {
        let calls = window.call_count;
        (0 < calls).then(|| f64::from(window.attempt_count) / f64::from(calls))
    });
    let of_clients = PanelLine {
        label: "clients".to_string(),
        values: amplification.collect(),
    };
    let windows: Vec<Span> = windows
        .iter()
        .map(|(window, end_secs)| (window.start_secs, *end_secs))
        .collect();
    let depths = queue_depths(run, &windows);
    let measured = run.measured(&windows);
    let deepest = peak(&depths, &measured);
    let (inner, left_out) = inner_calls(run, &windows, &measured);
    let most = peak(&of_clients.values, &measured).max(1.0);
    if most <= 1.0 && deepest < 0.05 && inner.is_empty() {
        return None;
    }
    let behind = inner
        .iter()
        .max_by(|a, b| peak(&a.values, &measured).total_cmp(&peak(&b.values, &measured)))
        .map_or(String::new(), |line| {
            let most = format::number(peak(&line.values, &measured));
            format!(", those of {} up to {most},", line.label)
        });
    let title = format!(
        "On average over a window, calls of clients took up to {} attempts{behind} and up to {} \
         attempts waited",
        format::number(most),
        format::number(deepest)
    );
    let subtitle = format!(
        "Attempts that were sent in a window over calls that began in it, and attempts that no \
         worker serves, on average over a window, over all followed instances.{left_out}"
    );
    let panel = |name: &str, lines| Panel {
        name: name.to_string(),
        is_ratio: false,
        lines,
        marks: Vec::new(),
    };
    let name = match inner.is_empty() {
        true => "attempts per call of clients",
        false => "attempts per call",
    };
    let waiting = PanelLine {
        label: "waiting".to_string(),
        values: depths,
    };
    Some(Panels {
        caption: run.caption(title, &subtitle),
        timeline: run.timeline(),
        windows,
        panels: vec![
            panel(name, [of_clients].into_iter().chain(inner).collect()),
            panel("attempts that wait (mean)", vec![waiting]),
        ],
    })
}

/// The largest value of the measured windows, or 0.
fn peak(values: &[Option<f64>], measured: &[bool]) -> f64 {
    let measured = values.iter().zip(measured).filter(|(_, is_in)| **is_in);
    measured.filter_map(|(value, _)| *value).fold(0.0, f64::max)
}

/// Calls between services that took more than one attempt in some window, those that took most;
/// and how many others there are, in words.
fn inner_calls(run: RunView, windows: &[Span], measured: &[bool]) -> (Vec<PanelLine>, String) {
    let lines = run.metrics.series.edges.iter().filter_map(|edge| {
        let values = attempts_per_call(edge, windows)?;
        let label = edge.path.clone();
        Some(PanelLine { label, values })
    });
    let tried: Vec<PanelLine> = lines
        .filter(|line| 1.0 < peak(&line.values, measured))
        .collect();
    let count = tried.len();
    let by_peak = |a: &PanelLine, b: &PanelLine| {
        peak(&a.values, measured).total_cmp(&peak(&b.values, measured))
    };
    let shown = worst::shown(tried, INNER_CALL_COUNT_MAX, |_| false, by_peak);
    let left_out = match count - shown.len() {
        0 => String::new(),
        count => format!(
            " Of calls between services, {} that took fewer attempts are left out.",
            format::count(count as u64)
        ),
    };
    (shown, left_out)
}

/// Attempts over first attempts by window; none of calls whose attempts are not followed.
fn attempts_per_call(edge: &EdgeSeries, windows: &[Span]) -> Option<Vec<Option<f64>>> {
    let column = |metric| {
        let mut columns = edge.columns.iter();
        columns.find(|column| column.metric == metric)
    };
    let (attempts, retries) = (column("attempt_count")?, column("retry_count")?);
    let ratio = |(start_secs, end_secs): &Span| {
        // The widths are multiples of each other, but for rounding.
        let first = (start_secs / edge.window_secs + 1e-6) as usize;
        let end = ((end_secs / edge.window_secs - 1e-6).ceil() as usize).max(first + 1);
        let sum = |column: &EdgeColumn| -> f64 {
            let values = column.values.iter().skip(first).take(end - first);
            values.sum()
        };
        let call_count = sum(attempts) - sum(retries);
        (0.0 < call_count).then(|| sum(attempts) / call_count)
    };
    Some(windows.iter().map(ratio).collect())
}

/// Waiting attempts of all followed instances, by window of requests.
fn queue_depths(run: RunView, windows: &[Span]) -> Vec<Option<f64>> {
    let series = &run.metrics.series.instances;
    let of_window = windows.iter().map(|(start_secs, end_secs)| {
        let middle = (start_secs + end_secs) / 2.0;
        let place = (middle / series.window_secs) as usize;
        let depths = series
            .rows
            .iter()
            .filter_map(|row| row.queue_depth_means.get(place));
        let depths: Vec<f64> = depths.map(|depth| f64::from(*depth)).collect();
        (!depths.is_empty()).then(|| depths.iter().sum())
    });
    of_window.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::RunMetrics;
    use crate::report::fixture;
    use crate::time::SimDuration;

    #[test]
    fn retries_behind_the_clients_are_drawn() {
        let mut scenario = fixture::scenario();
        scenario.warmup = SimDuration::ZERO;
        let mut metrics = fixture::metrics();
        let calls = metrics.series.total.iter_mut();
        calls.for_each(|window| window.call_count = window.attempt_count);
        let chart = |metrics: &RunMetrics| {
            pressure(RunView {
                scenario: &scenario,
                metrics,
                seed: 7,
            })
        };
        assert_eq!(chart(&metrics), None);
        // Windows of 2 s: 20 attempts for 20 calls, then 45 for 15, then none.
        let column = |metric, values: [f64; 3]| EdgeColumn {
            metric,
            values: values.to_vec(),
        };
        metrics.series.edges = vec![EdgeSeries {
            path: "service.web.call.db".to_string(),
            window_secs: 2.0,
            columns: vec![
                column("attempt_count", [20.0, 45.0, 0.0]),
                column("retry_count", [0.0, 30.0, 0.0]),
            ],
        }];
        let chart = chart(&metrics).expect("calls of a service took several attempts");
        assert_eq!(
            chart.caption.title,
            "On average over a window, calls of clients took up to 1.00 attempts, those of \
             service.web.call.db up to 3.00, and up to 0 attempts waited"
        );
        let lines = &chart.panels[0].lines;
        let labels: Vec<&str> = lines.iter().map(|line| line.label.as_str()).collect();
        assert_eq!(labels, ["clients", "service.web.call.db"]);
        let expected = [Some(1.0), Some(1.0), Some(3.0), Some(3.0), None];
        assert_eq!(lines[1].values[..5], expected);
        // What happens in the warm-up, of 5 s, is not measured.
        let scenario = fixture::scenario();
        let view = RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        };
        assert_eq!(pressure(view), None);
    }

    #[test]
    fn wide_windows_hold_all_attempts_of_their_narrow_ones() {
        let column = |metric, values: [f64; 4]| EdgeColumn {
            metric,
            values: values.to_vec(),
        };
        let edge = EdgeSeries {
            path: "service.web.call.db".to_string(),
            window_secs: 1.0,
            columns: vec![
                column("attempt_count", [6.0, 4.0, 2.0, 2.0]),
                column("retry_count", [4.0, 1.0, 0.0, 0.0]),
            ],
        };
        // 10 attempts for 2 + 3 calls; 4 for 4.
        let ratios = attempts_per_call(&edge, &[(0.0, 2.0), (2.0, 4.0)]);
        assert_eq!(ratios, Some(vec![Some(2.0), Some(1.0)]));
    }
}
