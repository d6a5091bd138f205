//! Pictures of shares: rings and picks.

use super::{RunView, file_name};
use crate::chart::picture::Picture;
use crate::chart::ring_circle::{CIRCLE_OWNER_COUNT_MAX, RingCircle};
use crate::chart::ring_ownership::{Ownership, RingInstance, RingOwnership};
use crate::chart::selection_share::{SelectedInstance, SelectionShare};
use crate::hash::placement::Circle;
use crate::id::InstanceId;
use crate::metrics::data::fault::{FaultMetrics, RingChange, RingShare};
use crate::metrics::data::selection::{EdgeMetrics, InstanceShare};
use crate::report::format;

/// Faults with pictures of their rings.
const FAULT_COUNT_MAX: usize = 4;

/// Below this p-value chance does not explain how far the picks are off their weights.
const CHANCE_P_MIN: f64 = 0.01;

/// One picture for every fault and edge whose ring it changed.
pub fn rings(run: RunView) -> impl Iterator<Item = Picture> {
    let changed = run
        .metrics
        .faults
        .iter()
        .filter(|fault| fault.moved_rings().next().is_some());
    changed.take(FAULT_COUNT_MAX).flat_map(move |fault| {
        fault.moved_rings().map(move |ring| {
            let name = file_name(&["ring", &fault.fault, &ring.edge]);
            Picture::new(&name, ring_ownership(run, fault, ring))
        })
    })
}

/// One picture for every edge that had a choice.
pub fn selections(run: RunView) -> impl Iterator<Item = Picture> {
    let edges = run.metrics.edges.iter();
    edges
        .filter(|edge| 2 <= edge.shares.len() && 0 < edge.selection.pick_count)
        .map(move |edge| {
            let name = file_name(&["selection", &edge.edge]);
            Picture::new(&name, selection_share(run, edge))
        })
}

fn ring_ownership(run: RunView, fault: &FaultMetrics, ring: &RingChange) -> RingOwnership {
    let total = |of: fn(&RingShare) -> f64| -> f64 {
        let owners = ring.instances.iter().filter(|share| 0.0 < of(share));
        owners.map(|share| weight(run, share)).sum()
    };
    let before_total = total(|share| share.before_ratio);
    let after_total = total(|share| share.after_ratio);
    // What a change of weights promises afterwards is not among the numbers of the run.
    let is_fair_after_known = fault.kind != "weight_change";
    let instances = ring.instances.iter().map(|share| {
        let own = weight(run, share);
        let before = Ownership {
            share: share.before_ratio,
            fair_share: Some(own / before_total),
        };
        let after = Ownership {
            share: share.after_ratio,
            fair_share: is_fair_after_known.then_some(own / after_total),
        };
        RingInstance {
            label: share.name.clone(),
            before: (0.0 < share.before_ratio).then_some(before),
            after: (0.0 < share.after_ratio).then_some(after),
        }
    });
    let subtitle = format!(
        "Arcs of the ring of {} before the fault and after the last change in its first window, \
         for the first caller. The mean is by weight.",
        ring.edge
    );
    RingOwnership {
        caption: run.caption(ring_title(fault, ring), &subtitle),
        instances: instances.collect(),
        change: format!("{} ({})", fault.fault, fault.kind),
        circles: circles(ring),
    }
}

/// The circles of a ring, their owners by their place among the instances.
pub fn circles(ring: &RingChange) -> Option<[RingCircle; 2]> {
    let place = |owner: &u32| {
        let found = ring.instances.iter().position(|it| it.instance == *owner);
        found.and_then(|place| u32::try_from(place).ok())
    };
    let circle = |circle: &Circle| {
        Some(RingCircle {
            sectors: circle.sectors.iter().map(place).collect::<Option<_>>()?,
            point_count: circle.point_count,
            points: circle.points.clone(),
        })
    };
    let is_small = ring.instances.len() <= CIRCLE_OWNER_COUNT_MAX;
    let [before, after] = ring.circles.as_ref().filter(|_| is_small)?;
    Some([circle(before)?, circle(after)?])
}

fn ring_title(fault: &FaultMetrics, ring: &RingChange) -> String {
    let moved = format!(
        "{} moved {} of the hash space (ideal {})",
        fault.fault,
        format::ratio(ring.moved_key_ratio),
        format::ratio(ring.moved_key_ratio_ideal)
    );
    match (
        ring.ownership_max_over_mean_before,
        ring.ownership_max_over_mean_after,
    ) {
        (Some(before), Some(after)) => format!(
            "{moved}; the largest share went from {} to {} times the mean",
            format::number(before),
            format::number(after)
        ),
        (None, _) => format!("{moved}; the ring was empty before"),
        (_, None) => format!("{moved}; nobody is left on the ring"),
    }
}

/// The configured weight of an instance.
fn weight(run: RunView, share: &RingShare) -> f64 {
    let group = run.scenario.topology.group_of(InstanceId(share.instance));
    run.scenario.groups[group.index()].weight
}

fn selection_share(run: RunView, edge: &EdgeMetrics) -> SelectionShare {
    let configured = run
        .scenario
        .edges
        .iter()
        .find(|config| config.path == edge.edge);
    let policy = configured.map_or("", |config| config.balancer.name());
    let subtitle = format!(
        "{} picks by {policy} for {}. What is expected follows the weights that each caller knew \
         at the pick.",
        format::count(edge.selection.pick_count),
        edge.edge
    );
    let instances = edge.shares.iter().map(|share| SelectedInstance {
        label: share.name.clone(),
        expected_share: share.expected_ratio,
        observed_share: share.share_ratio,
        interval: None,
    });
    SelectionShare {
        caption: run.caption(selection_title(edge), &subtitle),
        instances: instances.collect(),
        interval_name: String::new(),
    }
}

fn selection_title(edge: &EdgeMetrics) -> String {
    let deviation = |share: &InstanceShare| (share.share_ratio - share.expected_ratio).abs();
    let worst = edge
        .shares
        .iter()
        .max_by(|a, b| deviation(a).total_cmp(&deviation(b)));
    let Some(worst) = worst else {
        return format!("Picks of {}", edge.edge);
    };
    let evidence = match edge.selection.chi_squared_p {
        None => String::new(),
        Some(p) if p < 0.001 => " (chi-squared p < 0.001)".to_string(),
        Some(p) => format!(" (chi-squared p = {})", format::number(p)),
    };
    if edge
        .selection
        .chi_squared_p
        .is_some_and(|p| p < CHANCE_P_MIN)
    {
        return format!(
            "{} got {} of the picks where its weight promises {}{evidence}",
            worst.name,
            format::ratio(worst.share_ratio),
            format::ratio(worst.expected_ratio)
        );
    }
    let points = format::number(deviation(worst) * 100.0);
    format!("No share of the picks is more than {points} points off its weight{evidence}")
}
