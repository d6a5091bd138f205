use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::classes::{Rounding, WeightClasses};
use super::edf::Schedule;
use super::effective::EffectiveWeight;
use super::haproxy_static_rr::{greatest_common_divisor, static_map};
use super::smooth::Smooth;
use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::model::balancer::build as build_any;
use crate::model::balancer::fixture::Side;
use crate::model::observation::AttemptOutcome;
use crate::model::view::{Member, ViewSnapshot};
use crate::oracle;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::weighted::{DubboWeight, NginxFailures, WeightedConfig};
use crate::time::SimDuration;

const NGINX: WeightedConfig = WeightedConfig::NginxRoundRobin(NginxFailures {
    max_fails: 1,
    has_error_replies: false,
});
const COLD: DubboWeight = DubboWeight {
    unit: 1,
    warmup: SimDuration::ZERO,
};

fn side(config: WeightedConfig, weights: &[f64], seed: u64) -> Side {
    Side::with_weights(super::build(&config), weights, seed)
}

fn sequence(config: WeightedConfig, weights: &[f64], count: usize) -> Vec<u32> {
    side(config, weights, 1).sequence(count)
}

fn letters(picks: &[u32]) -> String {
    let letter = |pick: &u32| (b'a' + *pick as u8) as char;
    picks.iter().map(letter).collect()
}

fn view(weights: &[f64]) -> ViewSnapshot {
    let member = |(index, weight): (u32, &f64)| Member {
        instance: InstanceId(index),
        zone: ZoneId(0),
        weight: *weight,
    };
    ViewSnapshot {
        service: ServiceId(0),
        content_id: 1,
        members: (0..).zip(weights).map(member).collect(),
    }
}

/// The records of a recording.
fn records(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("valid JSON");
    file["records"].as_array().expect("a list").clone()
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().expect("a list").iter();
    list.map(|x| x.as_f64().expect("a number")).collect()
}

fn picks(list: &Value) -> Vec<u32> {
    numbers(list).into_iter().map(|x| x as u32).collect()
}

#[test]
fn nginx_picks_as_recorded() {
    let records = records(include_str!(
        "../../../../tests/data/recorded/nginx-wrr.json"
    ));
    assert_eq!(records.len(), 2);
    for record in records {
        let (weights, expected) = (numbers(&record["weights"]), picks(&record["sequence"]));
        assert_eq!(sequence(NGINX, &weights, expected.len()), expected);
    }
}

#[test]
fn haproxy_picks_as_recorded() {
    let records = records(include_str!(
        "../../../../tests/data/recorded/haproxy-rr.json"
    ));
    let mut seen = 0;
    for record in records {
        let config = match record["algorithm"].as_str().expect("a text") {
            "roundrobin" => WeightedConfig::HaproxyRoundRobin,
            "static-rr" => WeightedConfig::HaproxyStaticRr,
            _ => continue,
        };
        let (weights, expected) = (numbers(&record["weights"]), picks(&record["sequence"]));
        assert_eq!(
            sequence(config, &weights, expected.len()),
            expected,
            "{config:?} {weights:?}"
        );
        seen += 1;
    }
    assert_eq!(seen, 4);
}

/// Each recorded start is one of those that the strategy may have: 140 picks of it.
#[test]
fn envoy_picks_as_recorded_from_some_start() {
    let records = records(include_str!(
        "../../../../tests/data/recorded/envoy-rr.json"
    ));
    let mut seen = 0;
    for record in records
        .iter()
        .filter(|record| record["lb"] == "ROUND_ROBIN")
    {
        let weights = numbers(&record["weights"]);
        for start in record["sequences"].as_array().expect("a list") {
            let expected = picks(start);
            let starts = |seed: u32| {
                let mut schedule = Schedule::with_picks(&weights, seed);
                let pick = |_: &u32| schedule.pick(&[], |place| weights[place]) as u32;
                expected.iter().map(pick).collect::<Vec<_>>()
            };
            assert!(
                (0..1_000).any(|seed| starts(seed) == expected),
                "{weights:?}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
}

#[test]
fn envoy_begins_anywhere_and_goes_on_from_there() {
    let firsts = |weights: &[f64]| {
        let mut counts = vec![0; weights.len()];
        for seed in 0..600 {
            let first = side(WeightedConfig::EnvoyRoundRobin, weights, seed).sequence(1)[0];
            counts[first as usize] += 1;
        }
        counts
    };
    // 600 uniform draws of 3: 200 with a standard deviation of 11.5.
    assert!(
        firsts(&[1.0; 3])
            .iter()
            .all(|count: &i32| (count - 200).abs() < 58)
    );
    // A random number of picks into a schedule: each first by its weight.
    assert!((firsts(&[4.0, 1.0, 1.0])[0] - 400).abs() < 58);
    let picks = side(WeightedConfig::EnvoyRoundRobin, &[1.0; 3], 9).sequence(9);
    assert!(picks.windows(2).all(|pair| (pair[0] + 1) % 3 == pair[1]));
}

/// Picks made in advance leave what picks one by one leave.
#[test]
fn picks_in_advance_are_those_one_by_one() {
    let weights = [5.0, 3.0, 2.0, 0.5];
    for pick_count in 0..300 {
        let mut advanced = Schedule::with_picks(&weights, pick_count);
        let mut stepped = Schedule::new(weights.iter().copied(), false);
        let mut counts = [[0u32; 4]; 2];
        for _ in 0..pick_count {
            stepped.pick(&[], |place| weights[place]);
        }
        for _ in 0..21 {
            counts[0][advanced.pick(&[], |place| weights[place])] += 1;
            counts[1][stepped.pick(&[], |place| weights[place])] += 1;
        }
        for (a, b) in counts[0].iter().zip(counts[1]) {
            assert!(a.abs_diff(b) <= 1, "{pick_count}: {counts:?}");
        }
    }
}

/// A retry that picks again takes the first turn of a host that was not tried; all before it are
/// over. So picks are the plain sequence of turns without those that were passed.
#[test]
fn the_turns_of_tried_hosts_are_used_up_in_the_schedule_of_envoy() {
    for weights in [vec![5.0, 3.0, 2.0, 0.5], vec![1.0, 7.0, 1.0]] {
        let mut plain = Schedule::with_picks(&weights, 17);
        let mut again = Schedule::with_picks(&weights, 17);
        for round in 0..2_000usize {
            let avoided: Vec<usize> = match round % 5 {
                0 => vec![round % weights.len()],
                1 => (1..weights.len()).collect(),
                _ => Vec::new(),
            };
            let picked = again.pick_again(&avoided, |place| weights[place]);
            let expected = loop {
                let turn = plain.pick(&[], |place| weights[place]);
                if !avoided.contains(&turn) {
                    break turn;
                }
            };
            assert_eq!(picked, expected, "{weights:?} in round {round}");
        }
    }
    // A host so heavy that its turns do not end keeps what is left of them.
    let mut heavy = Schedule::new([1e6, 1.0].into_iter(), false);
    assert_eq!(heavy.pick_again(&[0], |place| [1e6, 1.0][place]), 1);
}

#[test]
fn schedules_are_those_of_the_published_sequences() {
    let mut seen = 0;
    for case in oracle::cases("edf_sequence") {
        let is_exact = *case.param("arithmetic") == "exact rational";
        let config = WeightedConfig::Edf { is_exact };
        let picks = sequence(
            config,
            &numbers(case.param("weights")),
            case.count("picks") as usize,
        );
        assert_eq!(letters(&picks), case.text());
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn lvs_picks_as_published() {
    for case in oracle::cases("wrr_lvs_sequence") {
        let weights = numbers(case.param("weights"));
        let picks = sequence(
            WeightedConfig::LvsRoundRobin,
            &weights,
            case.count("picks") as usize,
        );
        assert_eq!(letters(&picks), case.text());
    }
}

#[test]
fn smooth_picks_are_the_published_vectors() {
    for (weights, expected) in [
        (&[5.0, 1.0, 1.0][..], "aabacaa"),
        (&[4.0, 2.0, 1.0], "abacaba"),
        (&[3.0, 2.0], "ababa"),
        (&[10.0, 2.0, 2.0], "aabacaaaabacaa"),
        (&[3.0, 1.0], "aaba"),
        (&[7.0, 3.0], "abaaabaaba"),
    ] {
        for config in [NGINX, WeightedConfig::DubboRoundRobin(COLD)] {
            let picks = sequence(config, weights, expected.len());
            assert_eq!(letters(&picks), expected, "{config:?}");
        }
    }
}

#[test]
fn a_weight_that_failed_comes_back_by_one_for_each_pick() {
    let mut side = side(NGINX, &[10.0, 1.0], 1);
    let mut picked = Vec::new();
    // The heavy one fails once; what follows are the plain rules, step by step.
    for step in 0..30 {
        let instance = side.pick(&[]).expect("there are candidates");
        picked.push(instance.0);
        let outcome = match step {
            0 => AttemptOutcome::Refused,
            _ => AttemptOutcome::Success,
        };
        side.end(0, outcome);
    }
    let mut peers = [
        (EffectiveWeight::full(10), 0),
        (EffectiveWeight::full(1), 0),
    ];
    let mut expected = Vec::new();
    for step in 0..30 {
        let best = plain_pick(&mut peers, &[]);
        expected.push(best as u32);
        if step == 0 {
            peers[best].0.fall(1);
        }
    }
    assert_eq!(picked, expected);
}

/// The rule of nginx as it stands in its source: a step for every peer.
fn plain_pick(peers: &mut [(EffectiveWeight, i64)], avoided: &[usize]) -> usize {
    let mut total = 0;
    let mut best: Option<usize> = None;
    for place in (0..peers.len()).filter(|place| !avoided.contains(place)) {
        let (effective, current) = &mut peers[place];
        *current += i64::from(effective.left);
        total += i64::from(effective.left);
        effective.recover();
        let current = *current;
        if best.is_none_or(|best| peers[best].1 < current) {
            best = Some(place);
        }
    }
    let best = best.expect("not all are avoided");
    peers[best].1 -= total;
    best
}

/// What happens to smooth round robin.
#[derive(Clone, Debug)]
enum Step {
    Pick,
    Retry(Vec<usize>),
    Fail(usize, u32),
    View(Vec<(bool, u32)>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Pick),
        3 => prop::collection::vec(0usize..12, 1..3).prop_map(Step::Retry),
        3 => (0usize..12, 0u32..4).prop_map(|(at, max_fails)| Step::Fail(at, max_fails)),
        1 => prop::collection::vec((any::<bool>(), 1u32..6), 12..13).prop_map(Step::View),
    ]
}

#[test]
fn a_score_of_twice_the_total_comes_before_one_that_has_reached_it() {
    // By hand: before the seventh entry the scores are -25, -19, -14, 9, 35 and 67 of 33.
    let map = static_map(&view(&[1.0, 1.0, 1.0, 6.0, 5.0, 19.0]));
    assert_eq!(map[..8], [0, 5, 1, 5, 2, 3, 5, 4]);
}

proptest! {
    /// In every case the picks are those of the form that takes a step for every member.
    #[test]
    fn picks_of_classes_are_those_of_single_steps(
        weights in prop::collection::vec(1u32..6, 12..13),
        steps in prop::collection::vec(step(), 0..400),
    ) {
        // Members by index of 12, with their weights.
        let mut list: Vec<(usize, u32)> = weights.into_iter().enumerate().collect();
        let weights_of = |list: &[(usize, u32)]| -> Vec<f64> {
            list.iter().map(|(_, weight)| f64::from(*weight)).collect()
        };
        let classes = |list: &[(usize, u32)]| {
            Arc::new(WeightClasses::new(&view(&weights_of(list)), Rounding::Whole))
        };
        let full = |weight: u32| (EffectiveWeight::full(weight), 0i64);
        let mut smooth = Smooth::new(classes(&list));
        let mut plain: Vec<_> = list.iter().map(|(_, weight)| full(*weight)).collect();
        for step in steps {
            match step {
                Step::Pick => prop_assert_eq!(smooth.pick(&[]), plain_pick(&mut plain, &[])),
                Step::Retry(mut avoided) => {
                    avoided.iter_mut().for_each(|place| *place %= list.len());
                    avoided.sort_unstable();
                    avoided.dedup();
                    if avoided.len() < list.len() {
                        let expected = plain_pick(&mut plain, &avoided);
                        prop_assert_eq!(smooth.pick(&avoided), expected);
                    }
                }
                Step::Fail(place, max_fails) => {
                    let place = place % list.len();
                    smooth.fall(place, list[place].1, max_fails);
                    plain[place].0.fall(max_fails);
                }
                Step::View(next) => {
                    let next = next.into_iter().enumerate().filter(|(_, (is_in, _))| *is_in);
                    let next: Vec<(usize, u32)> = next.map(|(i, (_, w))| (i, w)).collect();
                    if next.is_empty() {
                        continue;
                    }
                    let place_of = |index| list.iter().position(|(other, _)| *other == index);
                    let carried = next.iter().map(|(index, weight)| {
                        place_of(*index).map(|at| smooth.carried(at).with_weight(*weight))
                    });
                    let carried: Vec<_> = carried.collect();
                    plain = next.iter().map(|(index, weight)| {
                        place_of(*index).map_or(full(*weight), |at| {
                            let (effective, current) = plain[at];
                            match effective.weight == *weight {
                                true => (effective, current),
                                false => (EffectiveWeight::full(*weight), current),
                            }
                        })
                    }).collect();
                    smooth = Smooth::with_currents(classes(&next), |place| carried[place]);
                    list = next;
                }
            }
        }
    }

    /// The map of `static-rr` is the one that HAProxy makes step by step.
    #[test]
    fn static_maps_are_those_of_single_steps(
        weights in prop::collection::vec(1u32..=256, 1..12),
    ) {
        let divisor = weights.iter().copied().fold(0, greatest_common_divisor);
        let parts: Vec<i64> = weights.iter().map(|w| i64::from(w / divisor)).collect();
        let total: i64 = parts.iter().sum();
        let mut scores = vec![0; parts.len()];
        let mut expected = Vec::new();
        for _ in 0..total {
            let mut best: Option<(usize, i64)> = None;
            for place in 0..parts.len() {
                scores[place] += parts[place];
                let level = (scores[place] + total) / total;
                if best.is_none_or(|(_, largest)| largest < level) {
                    // A server without a level is taken only as the first.
                    best = Some((place, level.max(0)));
                }
            }
            let (place, _) = best.expect("there is one");
            scores[place] -= total;
            expected.push(place as u32);
        }
        let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        prop_assert_eq!(static_map(&view(&weights)), expected);
    }

    /// HAProxy's round robin gives shares by weight, whatever the weights.
    #[test]
    fn haproxy_gives_shares_by_weight(weights in prop::collection::vec(1u32..20, 1..8)) {
        let total: u32 = weights.iter().sum();
        let list: Vec<f64> = weights.iter().copied().map(f64::from).collect();
        let count = 20 * total as usize;
        let picks = sequence(WeightedConfig::HaproxyRoundRobin, &list, count);
        for (place, weight) in (0u32..).zip(weights) {
            let got = picks.iter().filter(|pick| **pick == place).count() as i64;
            prop_assert!((got - 20 * i64::from(weight)).abs() <= 2, "{got} of 20 x {weight}");
        }
    }
}

/// The largest deviation from shares by weight over prefixes.
#[test]
fn fractional_weights_give_their_shares() {
    let picks = build_any(&BalancerConfig::SmoothWeightedRoundRobin);
    let mut side = Side::with_weights(picks, &[0.1, 0.2, 0.7], 1);
    let mut counts = [0f64; 3];
    for (index, pick) in (1..).zip(side.sequence(10_000)) {
        counts[pick as usize] += 1.0;
        for (count, weight) in counts.iter().zip([0.1, 0.2, 0.7]) {
            assert!((count - weight * f64::from(index)).abs() < 1.0);
        }
    }
}

/// Dubbo: each step of a warm-up sets the current weight to 0.
#[test]
fn a_change_of_weight_begins_anew_in_dubbo() {
    let config = WeightedConfig::DubboRoundRobin(COLD);
    let mut side = side(config, &[3.0, 1.0], 1);
    assert_eq!(letters(&side.sequence(2)), "aa");
    // Currents are -2 and 2; the second's weight changes, so it is at 0 again.
    side.view(&[(0, 3.0), (1, 2.0)]);
    // 1, 2 -> b: 1, -3; 4, -1 -> a.
    assert_eq!(letters(&side.sequence(2)), "ba");
}

#[test]
fn newcomers_warm_up_in_dubbo() {
    let weight = DubboWeight {
        unit: 100,
        warmup: SimDuration::from_secs(600),
    };
    let mut side = side(WeightedConfig::DubboRandom(weight), &[1.0; 2], 1);
    side.sequence(10);
    side.view(&[(0, 1.0), (1, 1.0), (2, 1.0)]);
    side.pick(&[]);
    side.end(0, AttemptOutcome::Success);
    // A tenth of the weight after 60 s, which ends before 66 s: 10 of 210.
    side.wait(60_000);
    let picks = side.sequence(5_000);
    let share = picks.iter().filter(|pick| **pick == 2).count() as f64 / 5_000.0;
    assert!((share - 10.0 / 210.0).abs() < 0.013, "{share}");
}
