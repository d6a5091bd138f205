use serde_json::Value;

use super::*;
use crate::oracle;
use crate::rng::{Purpose, Streams};
use crate::stats::kolmogorov::p_value;

/// The law that an oracle describes, in seconds.
fn law(dist: &Value) -> Distribution {
    let number = |name: &str| dist[name].as_f64().expect("a number");
    let secs = |name: &str| SimDuration::from_secs_f64(number(name));
    match dist["law"].as_str().expect("a law") {
        "exp" => Distribution::Exponential { mean: secs("mean") },
        "lognormal" => {
            let variance_log = libm::log1p(number("cv") * number("cv"));
            Distribution::LogNormal {
                mu_log_secs: libm::log(number("mean")) - variance_log / 2.0,
                sigma: variance_log.sqrt(),
            }
        }
        "bpareto" => Distribution::BoundedPareto {
            min: secs("lo"),
            max: secs("hi"),
            shape: number("alpha"),
        },
        "hyperexp" => hyperexponential(number("p"), secs("m1"), secs("m2")),
        other => panic!("unknown law {other}"),
    }
}

fn hyperexponential(probability: f64, first: SimDuration, second: SimDuration) -> Distribution {
    let branch = |probability, mean| Branch { probability, mean };
    Distribution::Hyperexponential {
        branches: vec![
            branch(probability, first),
            branch(1.0 - probability, second),
        ],
    }
}

#[test]
fn quantiles_are_the_published_inverses() {
    for case in oracle::cases("inverse_cdf") {
        let sampler = Sampler::new(&law(case.param("dist")));
        case.assert_met_by(sampler.quantile(case.number("u")).expect("one uniform"));
    }
}

#[test]
fn sampled_moments_are_those_of_the_law() {
    for case in oracle::cases("sample_moments") {
        let count = case.sample_count().expect("a number of samples");
        let sampler = Sampler::new(&law(case.param("dist")));
        let streams = Streams::new(1);
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        for i in 0..count {
            let mut draw = streams.draw(Purpose::ServiceDemand, i, 0, 0);
            let value = sampler.sample(&mut draw).as_secs_f64();
            sum += value;
            sum_of_squares += value * value;
        }
        let mean = sum / count as f64;
        case.assert_met_by(match case.metric() {
            "mean" => mean,
            "scv" => sum_of_squares / count as f64 / (mean * mean) - 1.0,
            other => panic!("unknown metric {other}"),
        });
    }
}

/// Largest distance between the sample's and the law's distribution function.
fn kolmogorov_distance(mut values: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let mut distance: f64 = 0.0;
    for (rank, &value) in values.iter().enumerate() {
        let share = cdf(value);
        distance = distance.max(share - rank as f64 / count);
        distance = distance.max((rank + 1) as f64 / count - share);
    }
    distance
}

#[test]
fn samples_follow_their_distribution_function() {
    let secs = SimDuration::from_secs;
    let exponential = |x: f64, mean: f64| -libm::expm1(-x / mean);
    type Cdf = Box<dyn Fn(f64) -> f64>;
    let cases: Vec<(Distribution, Cdf)> = vec![
        (
            Distribution::Uniform {
                min: secs(2),
                max: secs(5),
            },
            Box::new(|x| (x - 2.0) / 3.0),
        ),
        (
            Distribution::Exponential { mean: secs(3) },
            Box::new(move |x| exponential(x, 3.0)),
        ),
        (
            // Three stages of mean 1: 1 - e^-x (1 + x + x^2/2).
            Distribution::Erlang {
                stages: 3,
                mean: secs(3),
            },
            Box::new(|x| 1.0 - libm::exp(-x) * (1.0 + x + x * x / 2.0)),
        ),
        (
            hyperexponential(0.3, secs(1), secs(9)),
            Box::new(move |x| 0.3 * exponential(x, 1.0) + 0.7 * exponential(x, 9.0)),
        ),
        (
            Distribution::LogNormal {
                mu_log_secs: 0.5,
                sigma: 1.5,
            },
            Box::new(|x| 0.5 * libm::erfc((0.5 - libm::log(x)) / (1.5 * 2f64.sqrt()))),
        ),
        (
            Distribution::BoundedPareto {
                min: secs(1),
                max: secs(50),
                shape: 1.2,
            },
            Box::new(|x| (1.0 - libm::pow(x, -1.2)) / (1.0 - libm::pow(50.0, -1.2))),
        ),
        (
            Distribution::Weibull {
                scale: secs(2),
                shape: 0.7,
            },
            Box::new(|x| -libm::expm1(-libm::pow(x / 2.0, 0.7))),
        ),
    ];
    let streams = Streams::new(2);
    for (distribution, cdf) in cases {
        let sampler = Sampler::new(&distribution);
        let values = (0..100_000)
            .map(|i| {
                let mut draw = streams.draw(Purpose::ServiceDemand, i, 0, 0);
                sampler.sample(&mut draw).as_secs_f64()
            })
            .collect();
        let distance = kolmogorov_distance(values, cdf);
        let p = p_value(distance, 100_000);
        assert!(1e-4 < p, "{distribution:?}: {distance} has p {p}");
    }
}

#[test]
fn recorded_values_are_drawn_by_their_weights() {
    let recorded = Empirical {
        values: [1, 2, 7].map(SimDuration::from_ms).to_vec(),
        cumulative: vec![0.2, 0.5, 1.0],
    };
    let sampler = Sampler::new(&Distribution::Empirical(Arc::new(recorded)));
    let mut source = Streams::new(3).stream(Purpose::ServiceDemand, 0);
    let mut seen = [0.0f64; 8];
    for _ in 0..100_000 {
        seen[(sampler.sample(&mut source).as_ns() / 1_000_000) as usize] += 1.0;
    }
    for (value, share) in [(1, 0.2f64), (2, 0.3), (7, 0.5)] {
        let deviation = (100_000.0 * share * (1.0 - share)).sqrt();
        let error = seen[value] - 100_000.0 * share;
        assert!(error.abs() < 4.0 * deviation, "{value} ms: {error}");
    }
    assert_eq!(sampler.quantile(0.5), Some(0.002));
}

#[test]
fn laws_keep_their_bounds_and_know_their_uniforms() {
    let constant = Sampler::new(&Distribution::Constant {
        value: SimDuration::from_ns(7),
    });
    let mut source = Streams::new(4).stream(Purpose::LinkDelay, 0);
    let untouched = source.clone().next_u64();
    assert_eq!(constant.sample(&mut source), SimDuration::from_ns(7));
    assert_eq!(source.next_u64(), untouched);

    let one = SimDuration::from_secs(1);
    let pareto = Distribution::BoundedPareto {
        min: one,
        max: one,
        shape: 2.0,
    };
    assert_eq!(Sampler::new(&pareto).sample(&mut source), one);
    let stages = Distribution::Erlang {
        stages: 2,
        mean: one,
    };
    assert_eq!(Sampler::new(&stages).quantile(0.5), None);
    let branches = hyperexponential(0.5, one, one);
    assert_eq!(Sampler::new(&branches).quantile(0.5), None);
}
