//! Pictures of how evenly the picks of a call are interleaved.
//!
//! The deviation of an instance is the largest difference between its picks and its share of all
//! picks, by weight, over all beginnings of the sequence of one caller in one view.
//!
//! The line: whatever the weights of `n` instances are, some sequence keeps every deviation at
//! `1 - 1 / (2 n - 2)` or below, and no smaller number can be said of all weights. The sequence is
//! that of R. Tijdeman, "The chairman assignment problem", Discrete Mathematics 32 (1980); one
//! weight next to `n - 1` equal larger ones comes as near to the bound as one likes. For given
//! weights, or a short sequence, less may be possible.

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
        mark_name: "enough for the best sequence, whatever the weights (Tijdeman 1980)".to_string(),
    }
}

/// The deviation that the best sequence of picks of `count` instances never exceeds, whatever their
/// weights.
fn even(count: usize) -> f64 {
    1.0 - 1.0 / (2.0 * count.max(2) as f64 - 2.0)
}

fn title(edge: &EdgeMetrics) -> String {
    let most = edge.selection.prefix_deviation_max.unwrap_or(0.0);
    let burst = edge.selection.burst_max;
    let best = even(edge.shares.len());
    let verdict = match most {
        most if most <= best + 1e-9 => "as even as can be promised for any weights",
        most if most <= 2.0 => "nearly even",
        _ => "uneven",
    };
    let row = match burst {
        0 | 1 => "and never picked one instance twice in a row".to_string(),
        count => format!(
            "and picked one instance up to {} times in a row",
            format::count(count)
        ),
    };
    format!(
        "Picks were {verdict}: a caller was up to {} picks off the weights, {row}",
        format::number(most),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::even;

    /// The largest deviation after `length` picks in all, in parts of the sum of the weights.
    fn deviation(weights: &[i64], counts: &[i64], length: i64) -> i64 {
        let sum: i64 = weights.iter().sum();
        let off = |(weight, count): (&i64, &i64)| (weight * length - count * sum).abs();
        weights.iter().zip(counts).map(off).max().expect("weights")
    }

    /// The smallest largest deviation of all sequences, by trying every one up to equal counts.
    /// After as many picks as the weights add up to, a sequence below 1 is where it began.
    fn best(weights: &[i64]) -> i64 {
        let sum: i64 = weights.iter().sum();
        let mut reached = BTreeMap::from([(vec![0; weights.len()], 0)]);
        for length in 1..=sum {
            let mut next: BTreeMap<Vec<i64>, i64> = BTreeMap::new();
            for (counts, most) in reached {
                for place in (0..weights.len()).filter(|place| counts[*place] < weights[*place]) {
                    let mut counts = counts.clone();
                    counts[place] += 1;
                    let most = most.max(deviation(weights, &counts, length));
                    let kept = next.entry(counts).or_insert(most);
                    *kept = most.min(*kept);
                }
            }
            reached = next;
        }
        reached.into_values().min().expect("there is a sequence")
    }

    /// The largest deviation of Tijdeman's sequence: of those whose share is ahead of their picks
    /// by `1 / (2 n - 2)`, it picks whom the bound forces first.
    fn tijdeman(weights: &[i64]) -> i64 {
        let sum: i64 = weights.iter().sum();
        let scale = 2 * weights.len() as i64 - 2;
        let mut counts = vec![0; weights.len()];
        let mut most = 0;
        for length in 1..=sum {
            let ahead = |place: usize| scale * (weights[place] * length - counts[place] * sum);
            let due = |place: &usize| {
                let (slack, weight) = (sum * (scale - 1) - ahead(*place), weights[*place]);
                // In sums, so that quotients are compared exactly.
                (slack * weights.iter().product::<i64>() / weight, *place)
            };
            let ready = (0..weights.len()).filter(|place| sum <= ahead(*place));
            let next = ready.min_by_key(due).expect("somebody is ahead");
            counts[next] += 1;
            most = most.max(deviation(weights, &counts, length));
        }
        most
    }

    fn share(deviation: i64, weights: &[i64]) -> f64 {
        deviation as f64 / weights.iter().sum::<i64>() as f64
    }

    #[test]
    fn two_instances_can_always_be_half_a_pick_off() {
        // Alternating between two of equal weight: off by 1/2 after the first pick, by 0 after the
        // second one.
        assert_eq!(even(2), 0.5);
        assert_eq!(even(11), 0.95);
        assert_eq!(best(&[1, 1]), 1);
    }

    #[test]
    fn some_sequence_keeps_to_the_bound_whatever_the_weights() {
        for a in 1..=9 {
            for b in a..=9 {
                for weights in [vec![a, b], vec![1, a, b], vec![a, b, 9], vec![a, a, b, b]] {
                    let bound = even(weights.len()) + 1e-12;
                    let (best, given) = (best(&weights), tijdeman(&weights));
                    assert!(best <= given, "{weights:?}: better than the best of all");
                    assert!(share(given, &weights) <= bound, "{weights:?}: {given}");
                }
            }
        }
    }

    #[test]
    fn no_smaller_bound_holds_for_all_weights() {
        // One weight of 1 next to equal ones of k: short of the bound by 1 / (4 (2 k + 1)) for
        // three instances, as the search of all sequences finds.
        for k in [3, 9, 33] {
            let weights = [1, k, k];
            let short = even(3) - share(best(&weights), &weights);
            assert!(
                (short - 0.25 / (2 * k + 1) as f64).abs() < 1e-12,
                "{k}: {short}"
            );
        }
        let weights = [1, 7, 7, 7];
        assert_eq!(best(&weights), 18, "of 22, where the bound is 18.33");
    }
}
