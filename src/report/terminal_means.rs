//! What the summary says about numbers over all replications.

use super::format::{self, NOTHING};
use super::page::MeanLine;
use super::summary::unit_of;
use super::terminal::{Table, texts};
use crate::experiment::Results;
use crate::experiment::aggregate::Aggregate;
use crate::experiment::compare::sample::Level;
use crate::experiment::long_run::BatchMeans;
use crate::experiment::pool::PooledPercentile;
use crate::scenario::Scenario;
use crate::scenario::measure::Unit;

/// One number over all replications.
pub fn mean_line(aggregate: &Aggregate) -> MeanLine {
    let text = |value| by_unit_or_never(aggregate.unit, value);
    let (known_count, run_count) = (aggregate.known_count, aggregate.run_count);
    if let Some(pooled) = &aggregate.pooled {
        return pooled_line(aggregate, pooled);
    }
    let interval = match aggregate.share {
        Some(share) => format::interval(aggregate.unit, (share.low, share.high)),
        None => format::optional(aggregate.half_width, |half| {
            format!("\u{b1} {}", text(half))
        }),
    };
    MeanLine {
        measure: format!("{} {}", aggregate.measure, aggregate.phase)
            .trim_end()
            .to_string(),
        mean: format::optional(aggregate.mean, text),
        interval,
        remark: match (aggregate.never_count, known_count == run_count) {
            (0, true) => String::new(),
            (0, false) => format!("exists in {known_count} of {run_count}"),
            (count, true) => format!("never in {count} of {run_count}"),
            (count, false) => {
                format!("exists in {known_count} of {run_count}, never in {count} of these")
            }
        },
    }
}

fn pooled_line(aggregate: &Aggregate, pooled: &Result<PooledPercentile, String>) -> MeanLine {
    let text = |p: &PooledPercentile| format::by_unit(aggregate.unit, p.value);
    let interval = |p: &PooledPercentile| format::interval(aggregate.unit, (p.low, p.high));
    MeanLine {
        measure: format!("{} {}", aggregate.measure, aggregate.phase)
            .trim_end()
            .to_string(),
        mean: format::optional(pooled.as_ref().ok(), text),
        interval: format::optional(pooled.as_ref().ok(), interval),
        remark: match pooled {
            Ok(_) => "of all samples".to_string(),
            Err(reason) => reason.clone(),
        },
    }
}

/// The numbers over all replications.
pub fn means_table(means: &[MeanLine]) -> Table {
    let row = |line: &MeanLine| {
        [&line.measure, &line.mean, &line.interval, &line.remark]
            .map(String::clone)
            .to_vec()
    };
    Table {
        heading: "MEANS over replications".into(),
        columns: texts(["mean", "95 % interval", ""]),
        rows: means.iter().map(row).collect(),
        note: String::new(),
    }
}

/// The numbers that were asked for.
pub fn asked_lines(scenario: &Scenario, results: &Results) -> Vec<MeanLine> {
    let asked = scenario.asked.iter().zip(&results.asked_levels);
    asked
        .map(|(asked, level)| {
            let (mean, interval) = level_texts(level, unit_of(&asked.measure));
            MeanLine {
                measure: asked.text.clone(),
                mean,
                interval,
                remark: level_remark(level),
            }
        })
        .collect()
}

fn by_unit_or_never(unit: Unit, value: f64) -> String {
    match value.is_infinite() {
        true => "never".to_string(),
        false => format::by_unit(unit, value),
    }
}

/// A number over all replications, and its interval.
pub fn level_texts(level: &Level, unit: Unit) -> (String, String) {
    let text = |value: f64| by_unit_or_never(unit, value);
    match level {
        Level::Mean(mean) if mean.half_width.is_infinite() => (text(mean.mean), String::new()),
        // Three digits would hide what so narrow an interval tells.
        Level::Mean(mean) if unit == Unit::Number && (1e-8..0.005).contains(&mean.half_width) => {
            let both = format::plus_minus(mean.mean, mean.half_width);
            let (value, half) = both.split_once(' ').expect("a value and its half-width");
            (value.to_string(), half.to_string())
        }
        Level::Mean(mean) => {
            let half = match unit {
                Unit::Ratio => format!("{} points", format::points(mean.half_width)),
                _ => format::by_unit(unit, mean.half_width),
            };
            (text(mean.mean), format!("\u{b1} {half}"))
        }
        Level::Share(share) => {
            let interval = format::interval(unit, (share.low, share.high));
            (text(share.share), interval)
        }
        Level::Pooled(pooled) => {
            let interval = format::interval(unit, (pooled.low, pooled.high));
            (text(pooled.value), interval)
        }
        Level::Censored {
            median,
            median_interval,
            ..
        } => {
            let interval = median_interval.map(|ends| format::interval(unit, ends));
            let median = format!("median {}", text(*median));
            (median, interval.unwrap_or_default())
        }
        Level::Unknown { .. } => (NOTHING.to_string(), String::new()),
    }
}

fn level_remark(level: &Level) -> String {
    match level {
        Level::Mean(_) | Level::Share(_) => String::new(),
        Level::Pooled(_) => "of all samples".to_string(),
        Level::Censored { never_count, .. } => format!("never in {never_count}"),
        Level::Unknown { reason, .. } => reason.clone(),
    }
}

/// The mean latency of one long run.
pub fn batch_table(means: &BatchMeans) -> Table {
    let text = match &means.interval {
        Ok(interval) => format!(
            "{} \u{b1} {} (95 %, {} batches)",
            format::secs(interval.mean),
            format::secs(interval.half_width),
            means.batch_count
        ),
        Err(reason) => format!("no interval: {reason}"),
    };
    Table {
        heading: "BATCH MEANS of this run".into(),
        columns: Vec::new(),
        rows: vec![vec!["latency.mean".into(), text]],
        note: String::new(),
    }
}

/// The numbers that were asked for of one run.
pub fn asked_table(lines: &[MeanLine]) -> Option<Table> {
    let row = |line: &MeanLine| vec![line.measure.clone(), line.mean.clone(), line.remark.clone()];
    (!lines.is_empty()).then(|| Table {
        heading: "ASKED".into(),
        columns: texts(["value", ""]),
        rows: lines.iter().map(row).collect(),
        note: String::new(),
    })
}
