//! Pictures of keys that moved between instances.

use std::collections::BTreeMap;

use super::{RunView, file_name};
use crate::chart::key_moves::{KeyMoves, KeyOwner, OwnerMove};
use crate::chart::picture::Picture;
use crate::metrics::data::fault::{FaultMetrics, RingChange};
use crate::report::format;

/// Faults with pictures of the keys that they moved.
const FAULT_COUNT_MAX: usize = 4;
/// Instances with a row of their own.
const OWNER_COUNT_MAX: usize = 24;

/// One picture for every fault and edge that balances by key and whose keys it moved.
pub fn moves(run: RunView) -> impl Iterator<Item = Picture> {
    let changed = run
        .metrics
        .faults
        .iter()
        .filter(|fault| fault.moved_rings().any(|ring| !ring.moves.is_empty()));
    changed.take(FAULT_COUNT_MAX).flat_map(move |fault| {
        let rings = fault.moved_rings().filter(|ring| !ring.moves.is_empty());
        rings.map(move |ring| {
            let name = file_name(&["moves", &fault.fault, &ring.edge]);
            Picture::new(&name, key_moves(run, fault, ring))
        })
    })
}

fn key_moves(run: RunView, fault: &FaultMetrics, ring: &RingChange) -> KeyMoves {
    let places = places(ring);
    let own_count = places.values().max().map_or(0, |place| place + 1);
    let mut owners = vec![KeyOwner::default(); own_count];
    let other_count = ring.instances.len() + 1 - own_count.min(OWNER_COUNT_MAX);
    for share in &ring.instances {
        let owner = &mut owners[places[&share.instance]];
        owner.before += share.before_ratio;
        owner.after += share.after_ratio;
        owner.label = match owner.label.is_empty() {
            true => share.name.clone(),
            false => format!("{} others", format::count(other_count as u64)),
        };
    }
    let mut pairs: BTreeMap<(usize, usize), OwnerMove> = BTreeMap::new();
    for one in &ring.moves {
        let (from, to) = (places[&one.from], places[&one.to]);
        let pair = pairs.entry((from, to)).or_insert(OwnerMove {
            from,
            to,
            ..OwnerMove::default()
        });
        pair.share += one.ratio;
        pair.needless += if one.is_needless { one.ratio } else { 0.0 };
    }
    KeyMoves {
        caption: run.caption(title(fault, ring), &subtitle(ring)),
        owners,
        moves: pairs.into_values().collect(),
    }
}

/// The row of every instance: its own, or the last one for those that gave and got least.
fn places(ring: &RingChange) -> BTreeMap<u32, usize> {
    let instances = ring.instances.iter().map(|it| it.instance);
    if ring.instances.len() <= OWNER_COUNT_MAX {
        return instances.zip(0..).collect();
    }
    let mut amounts: BTreeMap<u32, f64> = instances.map(|instance| (instance, 0.0)).collect();
    for one in &ring.moves {
        for side in [one.from, one.to] {
            *amounts.entry(side).or_default() += one.ratio;
        }
    }
    let mut order: Vec<(u32, f64)> = amounts.into_iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.truncate(OWNER_COUNT_MAX - 1);
    let mut kept: Vec<u32> = order.into_iter().map(|(instance, _)| instance).collect();
    kept.sort_unstable();
    let place = |instance: u32| kept.binary_search(&instance).unwrap_or(OWNER_COUNT_MAX - 1);
    let all = ring.instances.iter().map(|it| it.instance);
    all.map(|instance| (instance, place(instance))).collect()
}

fn title(fault: &FaultMetrics, ring: &RingChange) -> String {
    let needless = match ring.needless_move_ratio {
        0.0 => "no key moved needlessly".to_string(),
        ratio => format!("{} needlessly", format::ratio(ratio)),
    };
    format!(
        "{} moved {} of the keys (ideal {}) to {}; {needless}",
        fault.fault,
        format::ratio(ring.moved_key_ratio),
        format::ratio(ring.moved_key_ratio_ideal),
        format::counted(ring.inheritor_count, "instance"),
    )
}

fn subtitle(ring: &RingChange) -> String {
    let told: f64 = ring.moves.iter().map(|one| one.ratio).sum();
    let rest = match ring.moved_key_ratio - told {
        rest if 1e-6 < rest => format!(
            " Of the smallest moves {} of the keys are left out.",
            format::ratio(rest)
        ),
        _ => String::new(),
    };
    format!(
        "Keys of {} by who had them before the fault and who has them after the last change in \
         its first window, for the first caller; every key counts the same.{rest}",
        ring.edge
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::fault::{KeyMove, RingShare};

    /// The instance `count - 1` leaves, and every other one gets the same.
    fn ring(count: u32) -> RingChange {
        let fair = 1.0 / f64::from(count);
        let share = |instance: u32| RingShare {
            instance,
            name: format!("web/a/{instance}"),
            before_ratio: fair,
            after_ratio: match instance + 1 == count {
                true => 0.0,
                false => 1.0 / f64::from(count - 1),
            },
        };
        let one = |to: u32| KeyMove {
            from: count - 1,
            to,
            ratio: fair / f64::from(count - 1),
            is_needless: false,
        };
        RingChange {
            instances: (0..count).map(share).collect(),
            moves: (0..count - 1).map(one).collect(),
            ..RingChange::default()
        }
    }

    #[test]
    fn every_instance_has_a_row_as_long_as_there_are_rows() {
        let places = places(&ring(24));
        assert_eq!(places.len(), 24);
        assert!(
            places
                .iter()
                .all(|(instance, place)| *instance as usize == *place)
        );
    }

    #[test]
    fn of_many_instances_those_that_gave_and_got_most_have_rows() {
        let ring = ring(500);
        let places = places(&ring);
        // The one that left gave everything; it stands last of those with a row of their own.
        assert_eq!(places[&499], 22);
        assert_eq!(places.values().filter(|place| **place == 23).count(), 477);
    }
}
