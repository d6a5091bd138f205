//! Which part of a run is the worst, and which parts a chart without room for all of them shows.

use std::cmp::Ordering;

use crate::metrics::data::request::{PhaseKind, RequestStats};

/// Orders two parts of a run by the harm done, the lesser one first: by how far success is below
/// the objective, then by p99, then by what was lost.
///
/// Parts that reach the objective are alike in success, so that one failure in a million does not
/// hide that requests became slow. A p99 that is not known stands below all others: where the
/// objective is reached, it means that few requests arrived.
pub fn by_harm(objective_ratio: f64, a: &RequestStats, b: &RequestStats) -> Ordering {
    let missing = |stats: &RequestStats| missing_ratio(objective_ratio, stats);
    let p99 = |stats: &RequestStats| stats.latency.p99.value_secs.unwrap_or(0.0);
    let lost = |stats: &RequestStats| 1.0 - stats.success_ratio.unwrap_or(1.0);
    let by_success = missing(a).total_cmp(&missing(b));
    let by_p99 = by_success.then(p99(a).total_cmp(&p99(b)));
    by_p99.then(lost(a).total_cmp(&lost(b)))
}

/// By how much success is below the objective.
pub fn missing_ratio(objective_ratio: f64, stats: &RequestStats) -> f64 {
    let success_ratio = stats.success_ratio.unwrap_or(1.0);
    (objective_ratio - success_ratio).max(0.0)
}

/// Whether a part is what the others are compared with: a chart always shows it.
pub fn is_reference(kind: PhaseKind) -> bool {
    matches!(kind, PhaseKind::Whole | PhaseKind::Steady)
}

/// At most `count_max` items in their order: those that are always shown, then the worst ones, of
/// equal ones the first.
pub fn shown<T>(
    items: Vec<T>,
    count_max: usize,
    is_always_shown: impl Fn(&T) -> bool,
    by_harm: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut ranked: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| {
        let by_need = is_always_shown(b).cmp(&is_always_shown(a));
        by_need.then_with(|| by_harm(b, a))
    });
    ranked.truncate(count_max);
    ranked.sort_by_key(|(place, _)| *place);
    ranked.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::distribution::{DurationStats, Percentile};

    fn stats(success_ratio: f64, p99_secs: Option<f64>) -> RequestStats {
        let p99 = Percentile {
            value_secs: p99_secs,
            ..Percentile::default()
        };
        RequestStats {
            arrived_count: 10_000,
            success_ratio: Some(success_ratio),
            latency: DurationStats {
                p99,
                ..DurationStats::default()
            },
            ..RequestStats::default()
        }
    }

    #[test]
    fn harm_is_success_below_the_objective_and_then_time() {
        let rising = [
            stats(1.0, None),
            stats(1.0, Some(0.02)),
            stats(0.995, Some(0.02)),
            stats(1.0, Some(3.0)),
            stats(0.98, Some(0.01)),
            stats(0.001, None),
            stats(0.0, None),
        ];
        for (place, pair) in rising.windows(2).enumerate() {
            let order = by_harm(0.99, &pair[0], &pair[1]);
            assert_eq!(order, Ordering::Less, "{place}");
        }
    }

    #[test]
    fn a_chart_keeps_the_worst_in_their_order() {
        let items = vec![0, 3, 9, 1, 7, 9, 2];
        let kept = shown(items, 4, |item| *item == 0, Ord::cmp);
        assert_eq!(kept, [0, 9, 7, 9]);
    }
}
