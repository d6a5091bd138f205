use std::collections::BTreeSet;
use std::ops::Range;

use super::super::key_hash;
use super::*;
use crate::oracle::{self, Case};
use crate::rng::{Draw, UniformSource, path_hash};

fn entry(owner: u32, point_count: u32) -> RingEntry {
    let name = path_hash(&format!("service.web.group.a/{owner}"));
    RingEntry {
        owner,
        name,
        point_count,
    }
}

fn ring(owner_count: u32, virtual_node_count: u32, seed: u64) -> Ring {
    Ring::build(points(
        (0..owner_count).map(|owner| entry(owner, virtual_node_count)),
        seed,
    ))
}

fn points(
    entries: impl IntoIterator<Item = RingEntry>,
    seed: u64,
) -> impl Iterator<Item = (u64, u32)> {
    let of = move |entry| hashed_points(entry, Function::Xxh64, seed);
    entries.into_iter().flat_map(of)
}

/// A ring with the given points.
fn ring_of(placed: &[(u64, u32)]) -> Ring {
    let mut placed = placed.to_vec();
    placed.sort_unstable();
    let (points, owners) = placed.into_iter().unzip();
    Ring::indexed(points, owners)
}

#[test]
fn a_hash_belongs_to_the_first_point_at_or_after_it() {
    let ring = ring_of(&[(100, 7), (1 << 62, 8), (u64::MAX - 5, 9)]);
    for (hash, owner) in [
        (0, 7),
        (100, 7),
        (101, 8),
        (1 << 62, 8),
        ((1 << 62) + 1, 9),
        (u64::MAX - 5, 9),
        (u64::MAX - 4, 7),
        (u64::MAX, 7),
    ] {
        assert_eq!(ring.owner(hash), owner, "hash {hash}");
    }
    assert_eq!(ring.walk(101).collect::<Vec<_>>(), [8, 9, 7]);
    assert_eq!(ring.walk(u64::MAX).collect::<Vec<_>>(), [7, 8, 9]);
}

#[test]
fn the_index_finds_what_a_search_finds() {
    for ring in [
        ring(1, 1, 3),
        ring(3, 1, 3),
        ring(10, 100, 3),
        ring_of(&[(5, 0), (6, 1), (7, 2)]),
    ] {
        let mut draw = Draw::new(1);
        let at_points = ring
            .points
            .clone()
            .into_iter()
            .flat_map(|p| [p - 1, p, p + 1]);
        for hash in (0..10_000).map(|_| draw.next_u64()).chain(at_points) {
            let place = ring.points.partition_point(|&point| point < hash) % ring.points.len();
            assert_eq!(ring.place(hash), place);
        }
    }
}

#[test]
fn arcs_are_exact() {
    let quarter = 1 << 62;
    let before = ring_of(&[(quarter, 0), (2 * quarter, 1), (3 * quarter, 0)]);
    assert_eq!(before.ownership(), [(0, 0.75), (1, 0.25)]);
    let after = before.without(&[1]);
    assert_eq!(after.ownership(), [(0, 1.0)]);
    assert_eq!(moved_ratio(&before, &after), 0.25);
    assert_eq!(moved_ratio(&after, &before), 0.25);
    assert_eq!(moved_ratio(&before, &before), 0.0);
    let other = ring_of(&[(2 * quarter, 5)]);
    assert_eq!(other.ownership(), [(5, 1.0)]);
    assert_eq!(moved_ratio(&before, &other), 1.0);
    let empty = before.without(&[0, 1]);
    assert!(empty.is_empty());
    assert_eq!(empty.ownership(), []);
    assert_eq!(empty.walk(5).count(), 0);
    assert_eq!(moved_ratio(&before, &empty), 1.0);
    assert_eq!(moved_ratio(&empty, &empty), 0.0);
}

#[test]
fn equal_points_belong_to_the_lower_owner_whatever_the_order() {
    let first = RingEntry {
        owner: 4,
        name: 1,
        point_count: 10,
    };
    let second = RingEntry { owner: 2, ..first };
    let together = Ring::build(points([first, second], 0));
    assert_eq!(together, Ring::build(points([second, first], 0)));
    assert_eq!(
        together,
        Ring::build(points([first], 0)).with(points([second], 0))
    );
    assert_eq!(together.ownership(), [(2, 1.0), (4, 0.0)]);
    assert_eq!(moved_ratio(&together, &together.without(&[4])), 0.0);
    assert_eq!(moved_ratio(&together, &together.without(&[2])), 1.0);
}

#[test]
fn removing_and_adding_gives_the_ring_built_at_once() {
    let all = ring(20, 50, 9);
    let some = Ring::build(points(
        (0..20)
            .filter(|o| ![3, 7, 19].contains(o))
            .map(|o| entry(o, 50)),
        9,
    ));
    assert_eq!(all.without(&[3, 7, 19]), some);
    let come = |owners: &[u32]| points(owners.iter().map(|o| entry(*o, 50)).collect::<Vec<_>>(), 9);
    assert_eq!(some.with(come(&[19, 3, 7])), all);
    let everyone: Vec<u32> = (0..20).collect();
    assert_eq!(Ring::build([]).with(come(&everyone)), all);
    assert_ne!(all, ring(20, 50, 10));
}

#[test]
fn weights_scale_the_number_of_points() {
    assert_eq!(point_count(100, 1.0), 100);
    assert_eq!(point_count(100, 0.255), 26);
    assert_eq!(point_count(100, 0.001), 1);
    assert_eq!(point_count(1, 3.0), 3);
}

#[test]
fn keys_fall_on_owners_in_proportion_to_their_arcs() {
    let ring = ring(10, 100, 4);
    let mut seen = [0.0; 10];
    for key in 0..100_000 {
        seen[ring.owner(key_hash(key, 4)) as usize] += 1.0;
    }
    for (owner, share) in ring.ownership() {
        let deviation = (100_000.0 * share * (1.0 - share)).sqrt();
        let error: f64 = seen[owner as usize] - 100_000.0 * share;
        assert!(error.abs() < 4.5 * deviation, "owner {owner}: {error}");
    }
}

/// Points of the rings that the normal tests build, and of those that take longer.
const SMALL: Range<u32> = 0..2_000;
const LARGE: Range<u32> = 2_000..u32::MAX;

/// Cases of `kind` with `n v` in `points`, each with its numbers of owners and virtual nodes and
/// of the independent rings for which its tolerance was derived.
fn oracle_cases(kind: &str, points: Range<u32>) -> Vec<(Case, u32, u32, u64)> {
    let chosen: Vec<_> = oracle::cases(kind)
        .into_iter()
        .map(|case| {
            let (n, v) = (case.count("n") as u32, case.count("v") as u32);
            let ring_count = case.sample_count().unwrap_or(1000);
            (case, n, v, ring_count)
        })
        .filter(|(_, n, v, _)| points.contains(&(n * v)))
        .collect();
    assert!(!chosen.is_empty(), "no case of kind {kind}");
    chosen
}

/// Shares over their mean, in each of `ring_count` independent rings.
fn shares_over_mean(n: u32, v: u32, ring_count: u64) -> Vec<Vec<f64>> {
    (0..ring_count)
        .map(|seed| {
            let ownership = ring(n, v, seed).ownership();
            ownership
                .iter()
                .map(|(_, share)| share * f64::from(n))
                .collect()
        })
        .collect()
}

fn check_ownership(points: Range<u32>) {
    for (case, n, v, ring_count) in oracle_cases("ring_vnodes", points) {
        let rings = shares_over_mean(n, v, ring_count);
        let mean_of = |extreme: fn(f64, f64) -> f64| {
            let extremes = rings
                .iter()
                .map(|shares| shares.iter().copied().reduce(extreme));
            extremes.map(|e| e.expect("owners")).sum::<f64>() / ring_count as f64
        };
        let mut pooled: Vec<f64> = rings.concat();
        pooled.sort_by(f64::total_cmp);
        let value = match case.metric() {
            "share_cv" => {
                let squares: f64 = pooled.iter().map(|x| (x - 1.0) * (x - 1.0)).sum();
                (squares / pooled.len() as f64).sqrt()
            }
            "peak_to_average" => mean_of(f64::max),
            "min_to_average" => mean_of(f64::min),
            "share_q995_over_mean" => pooled[(0.995 * pooled.len() as f64) as usize],
            "share_q005_over_mean" => pooled[(0.005 * pooled.len() as f64) as usize],
            other => panic!("unknown metric {other}"),
        };
        case.assert_met_by(value);
    }
}

#[test]
fn shares_spread_as_the_theory_of_spacings_says() {
    check_ownership(SMALL);
}

/// What one owner's coming or going moves.
struct Move {
    ratio: f64,
    /// The part of it that is neither to nor from that owner.
    strayed: u128,
    /// How many others gave or took.
    affected_count: usize,
}

fn move_between(before: &Ring, after: &Ring, owner: u32) -> Move {
    let mut strayed = 0;
    let mut affected = BTreeSet::new();
    visit_arcs(before, after, |from, to, length| {
        if from != to {
            strayed += if from == owner || to == owner {
                0
            } else {
                length
            };
            affected.insert(if from == owner { to } else { from });
        }
    });
    Move {
        ratio: moved_ratio(before, after),
        strayed,
        affected_count: affected.len(),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn check_moves(kind: &str, points: Range<u32>, change: fn(u32, u32, u64) -> Move) {
    for (case, n, v, ring_count) in oracle_cases(kind, points) {
        let moves: Vec<Move> = (0..ring_count).map(|seed| change(n, v, seed)).collect();
        let ratios: Vec<f64> = moves.iter().map(|m| m.ratio).collect();
        let value = match case.metric() {
            "mean_fraction_moved" => mean(&ratios),
            "sd_fraction_moved" => {
                let center = mean(&ratios);
                let squares: Vec<f64> =
                    ratios.iter().map(|r| (r - center) * (r - center)).collect();
                mean(&squares).sqrt()
            }
            "fraction_moved_between_old_nodes" | "fraction_moved_not_on_removed_node" => {
                moves.iter().map(|m| share(m.strayed)).sum()
            }
            "mean_affected_old_nodes" => mean(
                &moves
                    .iter()
                    .map(|m| m.affected_count as f64)
                    .collect::<Vec<_>>(),
            ),
            other => panic!("unknown metric {other}"),
        };
        case.assert_met_by(value);
    }
}

fn add_last(n: u32, v: u32, seed: u64) -> Move {
    let before = ring(n, v, seed);
    move_between(&before, &before.with(points([entry(n, v)], seed)), n)
}

fn remove_last(n: u32, v: u32, seed: u64) -> Move {
    let before = ring(n, v, seed);
    move_between(&before, &before.without(&[n - 1]), n - 1)
}

#[test]
fn an_added_owner_takes_only_its_share() {
    check_moves("ring_add_node", SMALL, add_last);
}

#[test]
fn a_removed_owner_gives_only_its_share() {
    check_moves("ring_remove_node", SMALL, remove_last);
}

#[test]
#[ignore = "sorts a thousand million points"]
fn large_rings_follow_the_theory_too() {
    check_ownership(LARGE);
    check_moves("ring_add_node", LARGE, add_last);
    check_moves("ring_remove_node", LARGE, remove_last);
}

#[test]
fn a_point_takes_at_most_sixteen_bytes() {
    for count in [
        2, 3, 4, 5, 7, 8, 9, 100, 1_000, 1_023, 1_024, 1_025, 65_535, 100_000,
    ] {
        let ring = ring(1, count, 0);
        assert!(
            ring.byte_count() <= 16 * count as usize,
            "{count}: {}",
            ring.byte_count()
        );
        let more = ring.with(points([entry(1, 100)], 0)).without(&[0]);
        assert!(more.byte_count() <= 16 * 100, "{}", more.byte_count());
    }
}
