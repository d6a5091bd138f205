//! What the summary says about classes of requests.

use super::format;
use super::terminal::Table;
use crate::metrics::data::class::ClassMetrics;

/// One line for each class; None where no client has classes.
pub fn classes_table(classes: &[ClassMetrics]) -> Option<Table> {
    let has_bytes = classes.iter().any(|c| c.byte_rate_per_sec.is_some());
    let mut columns = ["arrived", "success", "p50", "p99", "max"]
        .map(String::from)
        .to_vec();
    columns.extend(has_bytes.then(|| "bytes".to_string()));
    let row = |class: &ClassMetrics| {
        let (stats, latency) = (&class.stats, &class.stats.latency);
        let mut row = vec![
            class.class.clone(),
            format::count(stats.arrived_count),
            format::optional(stats.success_ratio, format::ratio),
            format::optional(latency.p50.value_secs, format::secs),
            format::optional(latency.p99.value_secs, format::secs),
            format::optional(latency.max_secs, format::secs),
        ];
        if has_bytes {
            row.push(format::optional(class.byte_rate_per_sec, format::rate));
        }
        row
    };
    (!classes.is_empty()).then(|| Table {
        heading: "CLASSES".into(),
        columns,
        rows: classes.iter().map(row).collect(),
        note: String::new(),
    })
}
