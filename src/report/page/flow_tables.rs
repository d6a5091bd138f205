//! The tables of parts of latencies and of optional calls.

use crate::metrics::data::RunMetrics;
use crate::report::flow::{PART_TITLES, mean_row};
use crate::report::format;
use crate::report::html::{Mark, Table};

/// All tables that have rows.
pub fn flow(metrics: &RunMetrics) -> Vec<Table> {
    let tables = [parts(metrics), waits(metrics), fallbacks(metrics)];
    tables.into_iter().flatten().collect()
}

fn parts(metrics: &RunMetrics) -> Option<Table> {
    let titles: Vec<String> = PART_TITLES.map(|title| format!("#{title}")).into();
    let mut columns = vec![""];
    columns.extend(titles.iter().map(String::as_str));
    let mut table = Table::new("Where the time went, on average", columns);
    for breakdown in &metrics.breakdowns {
        table.push(Mark::None, mean_row(breakdown));
    }
    (!metrics.breakdowns.is_empty()).then_some(table)
}

fn waits(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "What instances waited for, on average",
        ["", "call", "#wait"],
    );
    let mut is_empty = true;
    for breakdown in &metrics.breakdowns {
        for wait in &breakdown.waits {
            let mean = format::secs(wait.mean_secs);
            let row = vec![breakdown.path.clone(), wait.call.clone(), mean];
            table.push(Mark::None, row);
            is_empty = false;
        }
    }
    (!is_empty).then_some(table)
}

fn fallbacks(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new("Optional calls", ["call", "#ended", "#failed", "#share"]);
    for fallback in &metrics.fallbacks {
        table.push(
            Mark::None,
            vec![
                fallback.call.clone(),
                format::count(fallback.ended_count),
                format::count(fallback.failed_count),
                format::optional(fallback.fallback_ratio, format::ratio),
            ],
        );
    }
    (!metrics.fallbacks.is_empty()).then_some(table)
}
