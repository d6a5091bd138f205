//! The picture of what caches answered.

use super::headcounts::windows;
use super::{RunView, worst};
use crate::chart::panels::{Panel, PanelLine, Panels};
use crate::chart::span::Span;
use crate::metrics::data::cache::CacheSeries;
use crate::report::format;

/// Caches with a line of their own.
const LINE_COUNT_MAX: usize = 6;

/// Hits and loads over time; None where no cache was asked.
pub fn caches(run: RunView) -> Option<Panels> {
    let asked_count = |cache: &CacheSeries| cache.asked_counts.iter().sum::<u64>();
    let all = run.metrics.series.caches.iter();
    let asked: Vec<&CacheSeries> = all.filter(|cache| 0 < asked_count(cache)).collect();
    let count = asked.len();
    let by_use = |a: &&CacheSeries, b: &&CacheSeries| asked_count(a).cmp(&asked_count(b));
    let shown = worst::shown(asked, LINE_COUNT_MAX, |_| false, by_use);
    let left_out = match count - shown.len() {
        0 => String::new(),
        _ => format!(
            " The {LINE_COUNT_MAX} of {} caches that were asked most are shown.",
            format::count(count as u64)
        ),
    };
    let first = shown.first()?;
    // Caches have equal windows: their width depends on the scenario alone.
    let window_secs = first.window_secs;
    let windows = windows(run, window_secs, first.asked_counts.len());
    let subtitle = format!(
        "Share of the questions to each cache that an entry answered, stale ones included, and \
         keys that were loaded; in windows of {}.{left_out}",
        format::instant(window_secs)
    );
    let loads = |cache: &CacheSeries, window: usize| {
        let (start, end) = windows[window];
        Some(cache.load_counts[window] as f64 / (end - start))
    };
    let panel = |name: &str, is_ratio, value: &dyn Fn(&CacheSeries, usize) -> Option<f64>| {
        let line = |cache: &&CacheSeries| PanelLine {
            label: cache.cache.clone(),
            values: (0..windows.len())
                .map(|window| value(cache, window))
                .collect(),
        };
        Panel {
            name: name.to_string(),
            is_ratio,
            lines: shown.iter().map(line).collect(),
            marks: Vec::new(),
        }
    };
    Some(Panels {
        caption: run.caption(title(run, &shown, &windows)?, &subtitle),
        timeline: run.timeline(),
        panels: vec![
            panel("hits of questions", true, &hit_ratio),
            panel("loads per second", false, &loads),
        ],
        windows,
    })
}

fn hit_ratio(cache: &CacheSeries, window: usize) -> Option<f64> {
    let asked = cache.asked_counts[window];
    (0 < asked).then(|| cache.hit_counts[window] as f64 / asked as f64)
}

/// The cache that answered least of what it was asked while the run was measured, and its worst
/// window.
fn title(run: RunView, shown: &[&CacheSeries], windows: &[Span]) -> Option<String> {
    let from_secs = run.metrics.measured_start_secs;
    let measured = |window: &usize| from_secs <= windows[*window].0;
    let whole = |cache: &CacheSeries| {
        let mut sums = (0, 0);
        for window in (0..windows.len()).filter(measured) {
            sums.0 += cache.hit_counts[window];
            sums.1 += cache.asked_counts[window];
        }
        (0 < sums.1).then(|| sums.0 as f64 / sums.1 as f64)
    };
    let ratios = shown
        .iter()
        .filter_map(|cache| Some((*cache, whole(cache)?)));
    let Some((cache, ratio)) = ratios.min_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Some("No cache was asked while the run was measured".to_string());
    };
    let in_windows = (0..windows.len()).filter(measured);
    let worst = in_windows.filter_map(|window| hit_ratio(cache, window));
    let which = match shown.len() {
        1 => String::new(),
        _ => ", the least of all caches".to_string(),
    };
    Some(format!(
        "The cache of {} answered {} of what it was asked{which}; in the worst window {}",
        cache.cache,
        format::ratio(ratio),
        format::ratio(worst.fold(1.0, f64::min))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn what_caches_answer_is_drawn() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        // The run is measured from 5 s to 60 s; windows of 20 s, the last one in the drain.
        let series = |cache: &str, hit_counts: [u64; 4]| CacheSeries {
            cache: cache.to_string(),
            window_secs: 20.0,
            asked_counts: vec![100, 100, 300, 100],
            hit_counts: hit_counts.to_vec(),
            load_counts: vec![40, 20, 200, 0],
        };
        let mut unasked = series("service.db", [0; 4]);
        unasked.asked_counts = vec![0; 4];
        metrics.series.caches = vec![
            series("client.shop.call.web", [0, 80, 240, 0]),
            series("service.web", [0, 60, 120, 0]),
            unasked,
        ];
        let chart = caches(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        let chart = chart.expect("caches were asked");
        // 60 and 120 of 100 and 300.
        assert_eq!(
            chart.caption.title,
            "The cache of service.web answered 45.00 % of what it was asked, the least of all \
             caches; in the worst window 40.00 %"
        );
        let [hits, loads] = &chart.panels[..] else {
            panic!("two panels")
        };
        let labels: Vec<&str> = hits.lines.iter().map(|line| line.label.as_str()).collect();
        assert_eq!(labels, ["client.shop.call.web", "service.web"]);
        assert_eq!(hits.lines[0].values, [0.0, 0.8, 0.8].map(Some));
        assert_eq!(loads.lines[0].values, [2.0, 1.0, 10.0].map(Some));
    }

    #[test]
    fn runs_without_caches_have_no_picture_of_them() {
        let (scenario, metrics) = (fixture::scenario(), fixture::metrics());
        let chart = caches(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        });
        assert_eq!(chart, None);
    }
}
