//! Pictures of how evenly the instances of a service were loaded.

use super::{RunView, file_name};
use crate::chart::balance_timeline::{BalanceLine, BalanceTimeline};
use crate::chart::picture::Picture;
use crate::metrics::data::series::BalanceSeries;
use crate::report::format;

/// What is drawn: the name in the series, and what it is called. Queues are left out: of few that
/// wait one instance has them all.
const DRAWN: [(&str, &str); 2] = [
    ("utilization_max_over_mean", "utilization"),
    ("in_flight_max_over_mean", "in flight"),
];

/// One picture for every service with several instances that were followed.
pub fn timelines(run: RunView) -> impl Iterator<Item = Picture> {
    run.metrics.series.balance.iter().filter_map(move |series| {
        let name = series.path.trim_start_matches("service.");
        let chart = timeline(run, name, series)?;
        Some(Picture::new(&file_name(&["balance", name]), chart))
    })
}

/// None where no instance ever did anything.
fn timeline(run: RunView, name: &str, series: &BalanceSeries) -> Option<BalanceTimeline> {
    let end_secs = run.metrics.measured_end_secs;
    let count = series.columns.first()?.values.len();
    let windows: Vec<(f64, f64)> = (0..count)
        .map(|window| window as f64 * series.window_secs)
        .take_while(|start_secs| *start_secs < end_secs)
        .map(|start_secs| (start_secs, (start_secs + series.window_secs).min(end_secs)))
        .collect();
    let line = |(metric, label): (&str, &str)| {
        let column = series
            .columns
            .iter()
            .find(|column| column.metric == metric)?;
        let values = column.values.iter().take(windows.len());
        Some(BalanceLine {
            label: label.to_string(),
            ratios: values.map(|value| value.map(f64::from)).collect(),
        })
    };
    let lines: Vec<BalanceLine> = DRAWN.into_iter().filter_map(line).collect();
    let subtitle = format!(
        "Largest over mean of the instances of {name} that were up, in windows of {}. How much is \
         in flight, and for how long workers are busy.",
        format::span(series.window_secs)
    );
    Some(BalanceTimeline {
        caption: run.caption(title(run, name, &windows, &lines)?, &subtitle),
        timeline: run.timeline(),
        windows,
        lines,
    })
}

/// The mean over the measured windows, and the largest.
fn title(
    run: RunView,
    name: &str,
    windows: &[(f64, f64)],
    lines: &[BalanceLine],
) -> Option<String> {
    let from_secs = run.metrics.measured_start_secs;
    let line = lines.first()?;
    let measured = windows.iter().zip(&line.ratios);
    let measured = measured.filter(|(window, _)| from_secs <= window.0);
    let ratios: Vec<f64> = measured.filter_map(|(_, ratio)| *ratio).collect();
    let most = ratios.iter().copied().reduce(f64::max)?;
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    Some(format!(
        "The busiest instance of {name} had {mean:.2} times the mean {} on average, {most:.2} at \
         most",
        line.label
    ))
}

/// Four windows, for tests.
#[cfg(test)]
pub fn sample() -> BalanceSeries {
    let values = [1.0, 2.0, 3.0, 1.0].map(Some).to_vec();
    BalanceSeries {
        path: "service.web".to_string(),
        window_secs: 15.0,
        columns: vec![crate::metrics::data::series::BalanceColumn {
            metric: "utilization_max_over_mean",
            values,
        }],
    }
}
