//! One caller in front of several instances with one worker each.

use stormglass::time::SimDuration;

use crate::queues::check;
use crate::support::cases::{Pass, Study, Verdict, studies};
use crate::support::level::Level;
use crate::support::meter::Meter;
use crate::texts::{
    Length, call, client, exponential, poisson, service, unequal_instances, warmup,
};

/// Poisson arrivals at `load` per instance, behind `balancer`.
fn equal_instances(length: Length, count: u64, load: f64, balancer: &str) -> String {
    let length = Length {
        rate: load * count as f64,
        ..length
    };
    length.drained_text(0.0)
        + &service("s", count, 1, &exponential(1.0))
        + &client(&poisson(length.rate))
        + &call("s", balancer)
}

/// The same, from the parameters `n` and `lam` of a study.
fn farm(study: &Study, length: Length, balancer: &str) -> String {
    let load = study.number("lam");
    let length = Length {
        warmup: warmup(load, 2.0),
        ..length
    };
    equal_instances(length, study.count("n"), load, balancer)
}

fn choices(count: u64, replacement: bool) -> String {
    format!(
        "{{ policy = \"least_in_flight\", choice_count = {count}, replacement = {replacement} }}"
    )
}

pub fn random_split(pass: Pass) {
    check("random_split", pass, |study, length| {
        farm(study, length, "\"random\"")
    });
}

pub fn round_robin(pass: Pass) {
    check("round_robin", pass, |study, length| {
        farm(study, length, "\"round_robin\"")
    });
}

pub fn jsq(pass: Pass) {
    check("jsq", pass, |study, length| {
        farm(study, length, "\"least_in_flight\"")
    });
}

/// The same results for the bound that looks at the queues themselves.
pub fn jsq_global(pass: Pass) {
    check("jsq", pass, |study, length| {
        farm(study, length, "\"shortest_queue_global\"")
    });
}

/// One dispatcher, to which notices of idle instances travel in no time.
pub fn jiq(pass: Pass) {
    check("jiq", pass, |study, length| {
        farm(study, length, "\"join_idle_queue\"")
    });
}

pub fn jsq2_repl(pass: Pass) {
    check("jsq2_repl", pass, |study, length| {
        farm(study, length, &choices(2, true))
    });
}

pub fn jsq2_norepl(pass: Pass) {
    check("jsq2_norepl", pass, |study, length| {
        farm(study, length, &choices(2, false))
    });
}

fn sampled(study: &Study, length: Length) -> String {
    let replacement = study.param("replacement").as_bool().expect("a flag");
    farm(study, length, &choices(study.count("d"), replacement))
}

pub fn jsq_d_published_sim(pass: Pass) {
    check("jsq_d_published_sim", pass, sampled);
}

pub fn jsq_d_refined(pass: Pass) {
    check("jsq_d_refined", pass, sampled);
}

pub fn jsq_d_n100_sim(pass: Pass) {
    check("jsq_d_n100_sim", pass, sampled);
}

/// Independent runs, from which standard errors are estimated.
const RUN_COUNT: u64 = 16;

/// The limit of many instances, from 1000 of them. The stated tolerances bound what the limit
/// leaves out; to them come 4.8 standard errors, from independent runs.
pub fn jsq_d_meanfield(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("jsq_d_meanfield") {
        let (load, choice_count) = (study.number("lam"), study.count("d"));
        // Without a choice it is M/M/1, whose results come with tolerances for formulas only.
        let is_formula = choice_count == 1;
        // The highest load relaxes too slowly for a short run.
        let is_long = load > 0.95 && pass != Pass::Complete;
        if is_formula || is_long {
            continue;
        }
        let count = match pass {
            Pass::Subset(count) => count,
            Pass::Complete => 20_000_000,
        };
        let runs = runs(count, load, choice_count);
        for case in study.cases() {
            let values = runs
                .iter()
                .map(|meter| mean_field_value(meter, &case.metric));
            let (mean, error) = mean_and_error(&values.collect::<Vec<f64>>());
            let expected = case.value.as_f64().expect("a number");
            let tolerance = case.tolerance + 4.8 * error / expected;
            verdict.check(&case.id, expected, mean, tolerance, count);
        }
    }
    verdict.assert_all_met();
}

/// Independent runs that have `count` arrivals together.
fn runs(count: u64, load: f64, choice_count: u64) -> Vec<Meter> {
    (1..=RUN_COUNT)
        .map(|seed| {
            let length = Length {
                count: count / RUN_COUNT,
                rate: load * 1000.0,
                warmup: mean_field_warmup(load, choice_count),
                seed,
            };
            let balancer = choices(choice_count, false);
            let text = equal_instances(length, 1000, load, &balancer);
            Meter::of(&text, SimDuration::from_secs(1))
        })
        .collect()
}

/// Ten relaxation times. One is the growth of the mean number per instance with the load, which
/// is the sum of load^((d^k - 1) / (d - 1)) over k: 1 / (1 - load)² for d = 1.
fn mean_field_warmup(load: f64, choice_count: u64) -> f64 {
    let mut exponent = 1.0;
    let mut sum = 0.0;
    while exponent < 1e6 {
        sum += exponent * libm::pow(load, exponent - 1.0);
        exponent = exponent * choice_count as f64 + 1.0;
    }
    10.0 * sum
}

fn mean_field_value(meter: &Meter, metric: &str) -> f64 {
    let at_least = |count: usize| {
        let ratio = |level: &Level| level.ratio_above(count - 1);
        meter.at_instance.iter().map(ratio).sum::<f64>() / meter.at_instance.len() as f64
    };
    match metric {
        "s1" => at_least(1),
        "s2" => at_least(2),
        "s3" => at_least(3),
        other => meter.value(other).expect("a known metric"),
    }
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

/// Two instances of different speeds.
fn two_instances(study: &Study, length: Length, p: f64, balancer: &str) -> String {
    let (lam, mu1, mu2) = (
        study.number("lam"),
        study.number("mu1"),
        study.number("mu2"),
    );
    // The slower relaxation is that of the branch with the higher load.
    let load = (lam * p / mu1).max(lam * (1.0 - p) / mu2);
    let length = Length {
        rate: lam,
        warmup: warmup(load, 2.0),
        ..length
    };
    length.drained_text(0.0)
        + &unequal_instances(&exponential(1.0), &[(mu1, p), (mu2, 1.0 - p)])
        + &client(&poisson(lam))
        + &call("s", balancer)
}

pub fn split2(pass: Pass) {
    check("split2", pass, |study, length| {
        two_instances(study, length, study.number("p"), "\"weighted_random\"")
    });
}

pub fn least_conn_hetero2(pass: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("least_conn_hetero2") {
        let count = study.sample_count(pass);
        let length = Length {
            count,
            rate: 1.0,
            warmup: 0.0,
            seed: 1,
        };
        // Both are about as busy as the pair, which has a load of lam / (mu1 + mu2).
        let p = study.number("mu1") / (study.number("mu1") + study.number("mu2"));
        let text = two_instances(&study, length, p, "\"least_in_flight\"");
        let meter = Meter::of(&text, SimDuration::from_secs(1));
        study.check(&mut verdict, count, |metric| match metric {
            "share1" => meter.pick_counts[0] as f64 / meter.pick_counts.iter().sum::<u64>() as f64,
            other => meter.value(other).expect("a known metric"),
        });
    }
    verdict.assert_all_met();
}
