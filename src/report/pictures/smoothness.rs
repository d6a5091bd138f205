//! Pictures of how evenly the picks of a call are interleaved.
//!
//! The deviation of an instance is the largest difference between its picks and its share of all
//! picks, by weight, over all beginnings of the sequence of one caller in one view. Some sequence
//! keeps every deviation at `1 - 1 / (2 n - 2)` for `n` instances, and no smaller bound holds for
//! all weights: R. Tijdeman, "The chairman assignment problem", Discrete Mathematics 32 (1980).

use super::{RunView, file_name};
use crate::chart::axis::Quantity;
use crate::chart::intervals::{IntervalRow, Intervals};
use crate::chart::picture::Picture;
use crate::metrics::data::selection::{EdgeMetrics, InstanceShare};
use crate::report::format;

/// Instances with a row.
const ROW_COUNT_MAX: usize = 24;

/// One picture for every edge that had a choice and whose sequences were followed.
pub fn smoothness(run: RunView) -> impl Iterator<Item = Picture> {
    let edges = run.metrics.edges.iter();
    edges
        .filter(|edge| 2 <= edge.shares.len() && edge.selection.prefix_deviation_max.is_some())
        .map(move |edge| {
            let name = file_name(&["smoothness", &edge.edge]);
            Picture::new(&name, chart(run, edge))
        })
}

fn chart(run: RunView, edge: &EdgeMetrics) -> Intervals {
    let mut shares: Vec<&InstanceShare> = edge.shares.iter().collect();
    let is_cut = ROW_COUNT_MAX < shares.len();
    if is_cut {
        let by_deviation = |a: &&InstanceShare, b: &&InstanceShare| {
            b.prefix_deviation_max.total_cmp(&a.prefix_deviation_max)
        };
        shares.sort_by(by_deviation);
        shares.truncate(ROW_COUNT_MAX);
    }
    let row = |share: &&InstanceShare| IntervalRow {
        label: share.name.clone(),
        value: Some(share.prefix_deviation_max),
        low: None,
        high: None,
        values: Vec::new(),
        words: format!("at most {} in a row", format::count(share.burst_max)),
        is_reference: false,
    };
    let which = match is_cut {
        true => format!(
            "The {ROW_COUNT_MAX} of {} instances that deviate most.",
            format::count(edge.shares.len() as u64)
        ),
        false => "Every instance.".to_string(),
    };
    let subtitle = format!(
        "Picks of {} against the share of the weight, the largest difference over all beginnings \
         of the sequence of one caller in one view ({}). {which}",
        edge.edge,
        format::counted(edge.selection.prefix_caller_count, "caller"),
    );
    Intervals {
        caption: run.caption(title(edge), &subtitle),
        rows: shares.iter().map(row).collect(),
        quantity: Quantity::Number,
        axis: "picks more or less than its share, at most".to_string(),
        mark: Some(even(edge.shares.len())),
        mark_name: "what some sequence never exceeds (Tijdeman 1980)".to_string(),
    }
}

/// The deviation that some sequence of picks of `count` instances never exceeds.
fn even(count: usize) -> f64 {
    1.0 - 1.0 / (2.0 * count.max(2) as f64 - 2.0)
}

fn title(edge: &EdgeMetrics) -> String {
    let most = edge.selection.prefix_deviation_max.unwrap_or(0.0);
    let burst = edge.selection.burst_max;
    let best = even(edge.shares.len());
    let verdict = match most {
        most if most <= best + 1e-9 => "as even as a sequence can always be",
        most if most <= 2.0 => "nearly even",
        _ => "uneven",
    };
    format!(
        "Picks were {verdict}: a caller was up to {} picks off the weights, and picked one \
         instance up to {} times in a row",
        format::number(most),
        format::count(burst)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_instances_can_always_be_half_a_pick_off() {
        // Alternating between two of equal weight: off by 1/2 after the first pick, by 0 after the
        // second one.
        assert_eq!(even(2), 0.5);
        assert_eq!(even(11), 0.95);
    }
}
