use super::super::build;
use super::super::fixture::Side;
use crate::id::InstanceId;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::weighted::{DrawMethod, DubboWeight, WeightedConfig};
use crate::time::SimDuration;

fn shares(config: &BalancerConfig, weights: &[f64], count: usize) -> Vec<f64> {
    let picks = Side::with_weights(build(config), weights, 3).sequence(count);
    let mut shares = vec![0.0; weights.len()];
    picks
        .iter()
        .for_each(|pick| shares[*pick as usize] += 1.0 / count as f64);
    shares
}

/// Chi-squared of shares against probabilities.
fn chi_squared(shares: &[f64], probabilities: &[f64], count: usize) -> f64 {
    let terms = shares.iter().zip(probabilities);
    count as f64 * terms.map(|(s, p)| (s - p) * (s - p) / p).sum::<f64>()
}

#[test]
fn all_ways_to_draw_by_weight_give_the_same_distribution() {
    let dubbo = WeightedConfig::DubboRandom(DubboWeight {
        unit: 1,
        warmup: SimDuration::ZERO,
    });
    for config in [
        BalancerConfig::WeightedRandom {
            method: DrawMethod::Cumulative,
        },
        BalancerConfig::WeightedRandom {
            method: DrawMethod::Alias,
        },
        BalancerConfig::Weighted(dubbo),
    ] {
        let shares = shares(&config, &[5.0, 1.0, 1.0], 70_000);
        let statistic = chi_squared(&shares, &[5.0 / 7.0, 1.0 / 7.0, 1.0 / 7.0], 70_000);
        // The critical value of the case `weighted_random`, 0.001 at two degrees of freedom.
        assert!(statistic < 13.815_510_557_964_274, "{config:?}: {shares:?}");
    }
}

#[test]
fn a_retry_by_alias_draws_from_the_rest() {
    let config = BalancerConfig::WeightedRandom {
        method: DrawMethod::Alias,
    };
    // Nearly all the weight is on what was tried.
    let mut side = Side::with_weights(build(&config), &[1e6, 1.0, 3.0], 5);
    let mut counts = [0; 3];
    for _ in 0..10_000 {
        let pick = side.pick(&[InstanceId(0)]).expect("there are candidates");
        counts[pick.index()] += 1;
    }
    assert_eq!(counts[0], 0);
    // 7500 with a standard deviation of 43.
    assert!((counts[2] - 7_500i32).abs() < 210, "{counts:?}");
}

#[test]
fn the_naive_way_starves_those_behind_an_equal_weight() {
    let config = BalancerConfig::Weighted(WeightedConfig::NaiveWeightedRandom);
    let shares = shares(&config, &[1.0, 2.0, 1.0, 2.0], 60_000);
    assert_eq!((shares[2], shares[3]), (0.0, 0.0));
    // A third, with a standard error of 0.0019.
    assert!((shares[0] - 1.0 / 3.0).abs() < 0.01, "{shares:?}");
}

#[test]
fn round_robin_begins_where_the_caller_draws() {
    let mut counts = [0i32; 4];
    for seed in 0..400 {
        let config = BalancerConfig::RoundRobin {
            random_start: true,
            random_restart: false,
        };
        let picks = Side::with_weights(build(&config), &[1.0; 4], seed).sequence(8);
        assert!(picks.windows(2).all(|pair| (pair[0] + 1) % 4 == pair[1]));
        counts[picks[0] as usize] += 1;
    }
    // 100 with a standard deviation of 8.7.
    assert!(
        counts.iter().all(|count| (count - 100).abs() < 44),
        "{counts:?}"
    );
}

/// What may happen to instance 2 of four.
const CHANGES: [fn(&mut Side); 3] = [
    |side| drop(side.view(&[(0, 1.0), (1, 1.0), (3, 1.0)])),
    |side| side.balancer.on_disconnected(InstanceId(2), false),
    |side| side.balancer.on_reconnected(InstanceId(2)),
];

/// grpc-core, `round_robin.cc`: every picker begins where it draws among the connected candidates,
/// and goes on in turn.
#[test]
fn round_robin_of_grpc_begins_anew_at_every_change() {
    let config = BalancerConfig::RoundRobin {
        random_start: true,
        random_restart: true,
    };
    let left = [0, 1, 3];
    for change in CHANGES {
        let mut shares = [0.0; 3];
        for seed in 0..900 {
            let mut side = Side::with_weights(build(&config), &[1.0; 4], seed);
            side.sequence(3);
            change(&mut side);
            let mut pick = || side.pick(&[InstanceId(2)]).expect("three are left").0;
            let place = |instance| left.iter().position(|other| *other == instance);
            let picks = [(); 6].map(|()| place(pick()).expect("2 is avoided"));
            assert!(picks.windows(2).all(|pair| (pair[0] + 1) % 3 == pair[1]));
            shares[picks[0]] += 1.0 / 900.0;
        }
        let squares = chi_squared(&shares, &[1.0 / 3.0; 3], 900);
        // Above x with probability exp(-x / 2), as there are two degrees of freedom.
        assert!(squares < 2.0 * libm::log(1e6), "{shares:?}");
    }
}
