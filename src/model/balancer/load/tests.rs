use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde_json::Value;

use crate::hash::haproxy_consistent;
use crate::id::InstanceId;
use crate::model::balancer::build;
use crate::model::balancer::fixture::Side;
use crate::model::observation::AttemptOutcome;
use crate::oracle;
use crate::rng::{Purpose, Streams, UniformSource, math};
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::load::LoadConfig;
use crate::scenario::balancer::weighted::{DubboWeight, NginxFailures, WeightedConfig};
use crate::time::SimDuration;

const NGINX: NginxFailures = NginxFailures {
    max_fails: 0,
    has_error_replies: false,
};
const COLD: DubboWeight = DubboWeight {
    unit: 100,
    warmup: SimDuration::ZERO,
};
const LEAST_REQUEST: LoadConfig = LoadConfig::EnvoyLeastRequest {
    choice_count: 2,
    active_request_bias: 1.0,
};

fn side(config: LoadConfig, weights: &[f64], seed: u64) -> Side {
    Side::with_weights(super::build(&config), weights, seed)
}

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
fn least_conn_of_nginx_picks_idle_ones_as_recorded() {
    let text = include_str!("../../../../tests/data/recorded/nginx-least_conn_sequential.json");
    let records = records(text);
    assert_eq!(records.len(), 2);
    for record in records {
        let expected = picks(&record["sequence"]);
        let mut side = side(
            LoadConfig::NginxLeastConn(NGINX),
            &numbers(&record["weights"]),
            1,
        );
        assert_eq!(side.sequence(expected.len()), expected);
    }
}

#[test]
fn leastconn_of_haproxy_picks_idle_ones_as_recorded() {
    let records = records(include_str!(
        "../../../../tests/data/recorded/haproxy-rr.json"
    ));
    let of_least = records.iter().filter(|r| r["algorithm"] == "leastconn");
    let mut seen = 0;
    for record in of_least {
        let expected = picks(&record["sequence"]);
        let mut side = side(
            LoadConfig::HaproxyLeastConn,
            &numbers(&record["weights"]),
            1,
        );
        assert_eq!(side.sequence(expected.len()), expected);
        seen += 1;
    }
    assert_eq!(seen, 2);
}

/// The three starts of each list of weights, 140 picks each.
#[test]
fn envoy_picks_as_recorded() {
    let records = records(include_str!(
        "../../../../tests/data/recorded/envoy-rr.json"
    ));
    let mut seen = 0;
    for record in &records {
        let weights = numbers(&record["weights"]);
        let starts = record["sequences"].as_array().expect("a list").iter();
        for expected in starts.map(picks) {
            match record["lb"].as_str().expect("a text") {
                // On idle hosts the weights are as they are: one of the starts of the schedule.
                "LEAST_REQUEST" => assert!(
                    (0..1_000).any(|seed| {
                        side(LEAST_REQUEST, &weights, seed).sequence(expected.len()) == expected
                    }),
                    "{weights:?}"
                ),
                // Whatever the weights: uniform, by the 0.001 quantile at 2 degrees of freedom.
                "RANDOM" => {
                    let long = side(LoadConfig::EnvoyRandom, &weights, 1).sequence(6_000);
                    for sequence in [expected, long] {
                        let mean = sequence.len() as f64 / 3.0;
                        let count = |i| sequence.iter().filter(|pick| **pick == i).count() as f64;
                        let terms = (0..3).map(|i| (count(i) - mean) * (count(i) - mean) / mean);
                        assert!(terms.sum::<f64>() < 13.8156, "{weights:?}");
                    }
                }
                _ => continue,
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 12);
}

/// Shares of servers that answer after a fixed time, however many requests they have.
fn shares_of(config: &BalancerConfig, delays_ms: &[f64], rate: f64, count: u32) -> Vec<f64> {
    let weights = vec![1.0; delays_ms.len()];
    let mut side = Side::with_weights(build(config), &weights, 7);
    let mut gaps = Streams::new(11).stream(Purpose::Arrival, 1);
    let mut ends: BinaryHeap<Reverse<(u64, InstanceId)>> = BinaryHeap::new();
    let mut shares = vec![0.0; delays_ms.len()];
    let mut arrives_ns = 0.0;
    for _ in 0..count {
        arrives_ns += math::neg_ln_1m(gaps.uniform()) / rate * 1e9;
        while let Some(Reverse((end_ns, instance))) = ends.peek().copied()
            && end_ns <= arrives_ns as u64
        {
            ends.pop();
            side.now = crate::time::SimTime::START + SimDuration::from_ns(end_ns);
            let at = side.sent.iter().position(|sent| sent.0 == instance);
            side.end(at.expect("it is in flight"), AttemptOutcome::Success);
        }
        side.now = crate::time::SimTime::START + SimDuration::from_ns(arrives_ns as u64);
        let instance = side.pick(&[]).expect("there are candidates");
        let end_ns = arrives_ns + delays_ms[instance.index()] * 1e6;
        ends.push(Reverse((end_ns as u64, instance)));
        shares[instance.index()] += 1.0 / f64::from(count);
    }
    shares
}

/// Recorded counts against the shares of long runs. The recorded ones are one draw each; counts of
/// policies that look at load vary less than independent ones, so the chi-squared bound holds.
#[test]
fn nginx_shares_load_as_recorded() {
    let text = include_str!("../../../../tests/data/recorded/nginx-policies-concurrent.json");
    let records = records(text);
    let mut seen = 0;
    for record in records
        .iter()
        .filter(|record| record["mode"] == "poisson150")
    {
        let policy = record["policy"].as_str().expect("a text");
        let config = match policy {
            "rr" => BalancerConfig::Weighted(WeightedConfig::NginxRoundRobin(NGINX)),
            "least_conn" => BalancerConfig::Load(LoadConfig::NginxLeastConn(NGINX)),
            "random" => BalancerConfig::Random,
            // The default method of `random two` is `least_conn`.
            "random_two" | "random_two_least_conn" => {
                BalancerConfig::Load(LoadConfig::NginxRandomTwo(NGINX))
            }
            other => panic!("unknown policy {other}"),
        };
        // What the proxy adds to the delay of a server.
        let median_ms = record["latency_ms"]["p50"].as_f64().expect("a number");
        let delays: Vec<f64> = numbers(&record["delays_ms"]);
        let delays: Vec<f64> = delays
            .iter()
            .map(|delay| delay + median_ms - 20.0)
            .collect();
        let shares = shares_of(&config, &delays, 150.0, 36_000);
        let counts = numbers(&record["counts"]);
        let count: f64 = counts.iter().sum();
        let terms = counts.iter().zip(&shares).map(|(got, share)| {
            let expected = share * count;
            (got - expected) * (got - expected) / expected
        });
        // Quantiles of 0.999 at two and at three degrees of freedom.
        let bound = [0.0, 0.0, 13.8156, 16.2662][counts.len() - 1];
        let statistic: f64 = terms.sum();
        assert!(statistic < bound, "{policy}: {counts:?} against {shares:?}");
        if policy == "rr" {
            assert!(statistic < 1e-6);
        }
        seen += 1;
    }
    assert_eq!(seen, 10);
}

/// The notes of the recordings: idle servers of weights 3, 2, 1 are picked 210, 240, 150 of 600.
#[test]
fn random_two_does_not_follow_the_weights() {
    let mut side = side(LoadConfig::NginxRandomTwo(NGINX), &[3.0, 2.0, 1.0], 1);
    let mut counts = [0.0f64; 3];
    side.sequence(60_000)
        .iter()
        .for_each(|pick| counts[*pick as usize] += 1.0);
    for (count, share) in counts.iter().zip([0.35, 0.40, 0.25]) {
        // Four standard errors.
        assert!((count / 6e4 - share).abs() < 0.008, "{counts:?}");
    }
}

/// Fills the instances of a side so that `loads` are in flight; picks by hand do not count.
fn loaded(config: LoadConfig, weights: &[f64], loads: &[u32], seed: u64) -> Side {
    let mut side = side(config, weights, seed);
    for (index, load) in (0..).zip(loads) {
        (0..*load).for_each(|_| side.in_flight.add(InstanceId(index)));
    }
    side
}

#[test]
fn fewest_in_flight_by_weight_wins() {
    // Loads over weights: 3/2, 4/3, 2/1. HAProxy takes (in flight + 1) over the weight: 2, 5/3, 3.
    for config in [
        LoadConfig::NginxLeastConn(NGINX),
        LoadConfig::HaproxyLeastConn,
    ] {
        let mut side = loaded(config, &[2.0, 3.0, 1.0], &[3, 4, 2], 1);
        assert_eq!(side.pick(&[]), Some(InstanceId(1)), "{config:?}");
    }
    let tied = LoadConfig::DubboLeastActive {
        weight: COLD,
        has_actives: true,
    };
    let mut counts = [0; 3];
    for seed in 0..3_000 {
        let mut side = loaded(tied, &[1.0, 3.0, 9.0], &[1, 1, 2], seed);
        counts[side.pick(&[]).expect("there are candidates").index()] += 1;
    }
    // Weights count among ties: 750 with a standard deviation of 24.
    assert_eq!(counts[2], 0);
    assert!((counts[0] - 750i32).abs() < 96, "{counts:?}");
}

#[test]
fn the_later_draw_of_haproxy_wins_ties() {
    let config = LoadConfig::HaproxyRandom { draw_count: 2 };
    let mut counts = [0; 2];
    for seed in 0..4_000 {
        let mut side = loaded(config, &[3.0, 1.0], &[1, 0], seed);
        counts[side.pick(&[]).expect("there are candidates").index()] += 1;
    }
    // The busy one is picked where both draws hit its arcs; the deviation is below 32.
    let arc = arcs_of(&[3, 1])[0];
    let expected = 4_000.0 * arc * arc;
    assert!(
        (f64::from(counts[0]) - expected).abs() < 128.0,
        "{counts:?} for {expected}"
    );
}

/// The share of all 32-bit numbers that is closest to the points of each server, by looking at
/// every point for each of 2^16 numbers spread evenly.
fn arcs_of(weights: &[u32]) -> Vec<f64> {
    let points: Vec<(u32, usize)> = (1u32..)
        .zip(weights)
        .flat_map(|(number, weight)| {
            let points = haproxy_consistent::points(number, 16 * weight);
            points.map(move |point| (point, number as usize - 1))
        })
        .collect();
    let mut counts = vec![0.0; weights.len()];
    for sample in 0..=u16::MAX {
        let number = u32::from(sample) << 16 | 0x8000;
        let distance = |(point, _): &&(u32, usize)| {
            let ahead = point.wrapping_sub(number);
            ahead.min(ahead.wrapping_neg())
        };
        let (_, owner) = points
            .iter()
            .min_by_key(distance)
            .expect("there are points");
        counts[*owner] += 1.0 / 65_536.0;
    }
    counts
}

#[test]
fn one_draw_of_haproxy_shares_by_arcs_and_not_by_weight() {
    for weights in [vec![1u32; 3], vec![1; 10], vec![4, 1, 1]] {
        let arcs = arcs_of(&weights);
        let list: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        let mut side = side(LoadConfig::HaproxyRandom { draw_count: 1 }, &list, 5);
        let count = 60_000;
        let mut counts = vec![0u32; arcs.len()];
        for pick in side.sequence(count) {
            counts[pick as usize] += 1;
        }
        for (picked, arc) in counts.iter().zip(&arcs) {
            // Four standard errors, and what 2^16 samples leave open of the arcs.
            let share = f64::from(*picked) / count as f64;
            let error = 4.0 * (arc * (1.0 - arc) / count as f64).sqrt() + 1e-3;
            assert!(
                (share - arc).abs() < error,
                "{weights:?}: {share} for {arc}"
            );
        }
    }
    // Equal weights are not equal arcs: 16 points each leave the largest far above the mean.
    let largest = arcs_of(&[1; 10]).into_iter().fold(0.0, f64::max);
    assert!(1.15 < 10.0 * largest, "{largest}");
}

#[test]
fn a_provider_without_a_success_is_a_black_hole_in_dubbo() {
    let config = LoadConfig::DubboShortestResponse {
        weight: COLD,
        window: SimDuration::from_secs(30),
    };
    let mut side = side(config, &[1.0; 3], 1);
    let mut last = Vec::new();
    for _ in 0..200 {
        let instance = side.pick(&[]).expect("there are candidates");
        side.wait(10);
        let outcome = match instance.0 {
            2 => AttemptOutcome::Error,
            _ => AttemptOutcome::Success,
        };
        side.end(0, outcome);
        last.push(instance.0);
    }
    // Once the others have succeeded, the one that never did takes all.
    assert!(last[100..].iter().all(|pick| *pick == 2));
}

#[test]
fn peak_ewma_avoids_the_slow_one_and_probes_the_unknown_one_by_one() {
    let config = LoadConfig::PeakEwma {
        decay: SimDuration::from_secs(10),
        default_rtt: None,
        full_scan: false,
    };
    let mut side = side(config, &[1.0; 2], 1);
    let first = side.pick(&[]).expect("there are candidates");
    // The other was never measured and has nothing in flight, so it costs nothing.
    let second = side.pick(&[]).expect("there are candidates");
    assert_ne!(first, second);
    side.wait(5);
    side.end(1, AttemptOutcome::Success);
    side.wait(95);
    side.end(0, AttemptOutcome::Success);
    // 5 ms against 100 ms.
    assert!(side.sequence(50).iter().all(|pick| *pick == second.0));
}

#[test]
fn brpc_shares_by_throughput_over_latency() {
    let config = LoadConfig::BrpcLocalityAware {
        timeout: SimDuration::from_ms(500),
        max_retry: 3,
    };
    let mut fast = 0;
    let mut side = side(config, &[1.0; 2], 1);
    for _ in 0..2_000 {
        let instance = side.pick(&[]).expect("there are candidates");
        side.wait(if instance.0 == 0 { 1 } else { 20 });
        side.end(0, AttemptOutcome::Success);
        fast += u32::from(instance.0 == 0);
    }
    // Twenty times the latency, and what throughput makes of it.
    assert!(1_800 < fast, "{fast}");
}

#[test]
fn a_busy_host_keeps_its_place_in_the_schedule_of_envoy() {
    // Weight 3 with 5 in flight counts as 1/2, so its turns come twice as late as those of 1.
    let mut side = loaded(LEAST_REQUEST, &[3.0, 1.0], &[5, 0], 1);
    let count = 3_000;
    let picks = side.sequence(count);
    let share = picks.iter().filter(|pick| **pick == 0).count() as f64 / count as f64;
    assert!((share - 1.0 / 3.0).abs() < 0.01, "{share}");
}

/// The mean of the fullest bin when balls are thrown and stay.
fn fullest_bin(config: &BalancerConfig, balls: u64, bins: usize, trials: u64) -> f64 {
    let weights = vec![1.0; bins];
    let fullest = |trial: u64| {
        let mut side = Side::with_weights(build(config), &weights, trial);
        let mut counts = vec![0u32; bins];
        for _ in 0..balls {
            let bin = side.pick(&[]).expect("there are bins").index();
            counts[bin] += 1;
        }
        counts.into_iter().max().unwrap_or(0)
    };
    (0..trials)
        .map(|trial| f64::from(fullest(trial)))
        .sum::<f64>()
        / trials as f64
}

#[test]
fn the_fullest_bin_is_as_full_as_it_should_be() {
    for (kind, trials) in [("balls_in_bins", 1_000), ("balls_in_bins_d", 1_000)] {
        for case in oracle::cases(kind) {
            let config = match case.count("d") {
                1 => BalancerConfig::Random,
                d => BalancerConfig::LeastInFlight {
                    choice_count: Some(d as u32),
                    replacement: true,
                },
            };
            let bins = case.count("bins") as usize;
            let got = fullest_bin(&config, case.count("balls"), bins, trials);
            let error = (got - case.value()).abs() / case.value();
            // Stated for 10,000 trials of one choice and for 1,000 of several.
            let stated = case.tolerance();
            let tolerance = match case.count("d") {
                1 => stated * 10f64.sqrt(),
                _ => stated,
            };
            println!("{error:.4} of {tolerance:.4}");
            assert!(error < tolerance, "{got} for {}", case.value());
        }
    }
}
