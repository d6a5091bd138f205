//! Draws in proportion to weights.

use super::alias::AliasTable;
use crate::model::balancer::Eligible;
use crate::rng::{Draw, UniformSource};

/// Draws from a table of all before one that leaves out some is made.
const REJECT_COUNT_MAX: u32 = 64;

/// Draws the place of an eligible member in proportion to the weights, of which `sums` are the
/// running sums. It takes one number.
#[inline]
pub(in crate::model::balancer) fn cumulative(
    eligible: &Eligible<'_>,
    sums: &[f64],
    draw: &mut Draw,
) -> usize {
    let members = eligible.members;
    let avoided = &eligible.avoided;
    let avoided_weight: f64 = avoided.iter().map(|place| members[*place].weight).sum();
    let total = sums[sums.len() - 1] - avoided_weight;
    let mut target = draw.uniform() * total;
    // Steps over the weight of each avoided member that lies before the target.
    for place in avoided {
        let before = sums[*place] - members[*place].weight;
        if before <= target {
            target += members[*place].weight;
        }
    }
    let mut place = sums
        .partition_point(|sum| *sum <= target)
        .min(members.len() - 1);
    // Rounding can end on an avoided member or past the last one: the nearest eligible counts.
    while eligible.avoids(place) {
        place = (place + 1) % members.len();
    }
    place
}

/// Draws the place of an eligible member in proportion to the weights by a table of all of them.
#[inline]
pub(in crate::model::balancer) fn alias(
    eligible: &Eligible<'_>,
    table: &AliasTable,
    draw: &mut Draw,
) -> usize {
    for _ in 0..REJECT_COUNT_MAX {
        let place = table.draw(draw);
        if !eligible.avoids(place) {
            return place;
        }
    }
    // Nearly all the weight is left out.
    by_weights(eligible, draw, |place| eligible.members[place].weight)
}

/// Draws the place of an eligible member in proportion to `weight_of`, in O(n). It takes one
/// number.
pub(in crate::model::balancer) fn by_weights(
    eligible: &Eligible<'_>,
    draw: &mut Draw,
    weight_of: impl Fn(usize) -> f64,
) -> usize {
    let places = || (0..eligible.count()).map(|rank| eligible.place(rank));
    let total: f64 = places().map(&weight_of).sum();
    let mut target = draw.uniform() * total;
    let mut last = 0;
    for place in places() {
        last = place;
        target -= weight_of(place);
        if target < 0.0 {
            break;
        }
    }
    last
}
