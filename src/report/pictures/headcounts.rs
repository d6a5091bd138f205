//! The picture of how many instances services had.

use super::{RunView, worst};
use crate::chart::panels::{Panel, PanelLine, Panels};
use crate::chart::span::Span;
use crate::metrics::data::series::HeadcountSeries;
use crate::report::format;

/// Services with a panel.
const PANEL_COUNT_MAX: usize = 4;

/// Instances by service over time, of services that some joined or left; None where nobody did.
pub fn headcounts(run: RunView) -> Option<Panels> {
    let spread = |it: &&HeadcountSeries| {
        let (least, most) = it.present_range;
        f64::from(most - least) / f64::from(most.max(1))
    };
    let all = run.metrics.series.headcounts.iter();
    let changed: Vec<&HeadcountSeries> = all.filter(|it| 0.0 < spread(it)).collect();
    let count = changed.len();
    let by_spread = |a: &&HeadcountSeries, b: &&HeadcountSeries| spread(a).total_cmp(&spread(b));
    let shown = worst::shown(changed, PANEL_COUNT_MAX, |_| false, by_spread);
    let left_out = match count - shown.len() {
        0 => String::new(),
        _ => format!(
            " The {PANEL_COUNT_MAX} of {} services that changed most are shown.",
            format::count(count as u64)
        ),
    };
    let first = shown.first()?;
    // Services with equal windows: their widths depend on the scenario alone.
    let window_secs = first.window_secs;
    let windows = windows(run, window_secs, first.up_means.len());
    let most_changed = shown.iter().max_by(|a, b| by_spread(a, b))?;
    let subtitle = format!(
        "Instances that are part of a service, those that start or are down too, and those that \
         are up; means over windows of {}.{left_out}",
        format::instant(window_secs)
    );
    Some(Panels {
        caption: run.caption(title(most_changed), &subtitle),
        timeline: run.timeline(),
        panels: shown.iter().map(|it| panel(it, windows.len())).collect(),
        windows,
    })
}

/// Start and end of each window up to the end of the measured part.
pub(super) fn windows(run: RunView, window_secs: f64, count: usize) -> Vec<Span> {
    let end_secs = run.metrics.measured_end_secs;
    (0..count)
        .map(|window| window as f64 * window_secs)
        .take_while(|start| *start < end_secs)
        .map(|start| (start, (start + window_secs).min(end_secs)))
        .collect()
}

fn panel(series: &HeadcountSeries, window_count: usize) -> Panel {
    let line = |label: &str, means: &[f64]| PanelLine {
        label: label.to_string(),
        values: means.iter().take(window_count).copied().map(Some).collect(),
    };
    Panel {
        name: format!("instances of {}", series.service),
        is_ratio: false,
        lines: vec![
            line("in all", &series.present_means),
            line("up", &series.up_means),
        ],
        marks: Vec::new(),
    }
}

fn title(series: &HeadcountSeries) -> String {
    let (least, most) = series.present_range;
    format!(
        "{} had {} to {} instances, at least {} of them up at any time",
        series.service,
        format::count(least.into()),
        format::count(most.into()),
        format::count(series.up_count_min.into())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn series(service: &str, present_range: (u32, u32)) -> HeadcountSeries {
        HeadcountSeries {
            service: service.to_string(),
            window_secs: 30.0,
            present_range,
            up_count_min: 3,
            // The third window lies in the drain.
            present_means: vec![4.0, 6.5, 8.0],
            up_means: vec![4.0, 5.5, 8.0],
        }
    }

    #[test]
    fn services_that_some_join_or_leave_are_drawn() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        // The second one only crashed; six others changed by less than the last one.
        metrics.series.headcounts = vec![series("web", (4, 8)), series("db", (5, 5))];
        let others = ["a", "b", "c", "d"].map(|name| series(name, (9, 10)));
        metrics.series.headcounts.extend(others);
        metrics.series.headcounts.push(series("api", (2, 12)));
        let chart = headcounts(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        let chart = chart.expect("instances joined");
        assert_eq!(
            chart.caption.title,
            "api had 2 to 12 instances, at least 3 of them up at any time"
        );
        let names: Vec<&str> = chart.panels.iter().map(|it| it.name.as_str()).collect();
        let expected = ["web", "a", "b", "api"].map(|name| format!("instances of {name}"));
        assert_eq!(names, expected);
        assert_eq!(chart.windows, [(0.0, 30.0), (30.0, 60.0)]);
        assert_eq!(chart.panels[0].lines[1].values, [Some(4.0), Some(5.5)]);
        let subtitle = &chart.caption.subtitle;
        assert!(subtitle.contains("The 4 of 6 services that changed most"));
    }

    #[test]
    fn crashes_alone_change_no_number_of_instances() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        metrics.series.headcounts = vec![series("db", (5, 5))];
        let chart = headcounts(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        assert_eq!(chart, None);
    }
}
