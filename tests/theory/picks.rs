//! Which instances weighted strategies pick.

use serde_json::Value;
use stormglass::model::observation::{Observation, Observer};
use stormglass::time::SimTime;

use crate::support::cases::{Pass, Verdict, studies};
use crate::support::{run, scenario};
use crate::texts::{Length, call, client, unequal_instances};

/// Picked instances in order.
#[derive(Debug, Default)]
struct Picks(Vec<u32>);

impl Observer for Picks {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::AttemptSent { instance, .. } = observation {
            self.0.push(instance.0);
        }
    }
}

/// The first `count` picks of a strategy, one request at a time.
fn picks(weights: &[f64], count: usize, policy: &str) -> Vec<u32> {
    let groups: Vec<(f64, f64)> = weights.iter().map(|weight| (1.0, *weight)).collect();
    let length = Length {
        // Arrivals come at 1 s, 2 s and so on; the last of them is before the end.
        count: count as u64 + 1,
        rate: 1.0,
        warmup: 0.0,
        seed: 1,
    };
    let text = length.text(0.0)
        + &unequal_instances("\"1ms\"", &groups)
        + &client("{ process = \"renewal\", gap = \"1s\" }")
        + &call("s", &format!("\"{policy}\""));
    let mut picks = Picks::default();
    run(&scenario(&text), &mut picks);
    picks.0.truncate(count);
    assert_eq!(picks.0.len(), count);
    picks.0
}

/// Short runs and complete ones are the same.
pub fn weighted_random(_: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("weighted_random") {
        let (weights, count) = (study.numbers("weights"), study.count("picks"));
        let mut counts = vec![0.0; weights.len()];
        for pick in picks(&weights, count as usize, "weighted_random") {
            counts[pick as usize] += 1.0;
        }
        let weight_sum: f64 = weights.iter().sum();
        let expected = weights.iter().map(|w| w / weight_sum * count as f64);
        let terms = expected
            .zip(&counts)
            .map(|(e, got)| (got - e) * (got - e) / e);
        let chi_squared: f64 = terms.sum();
        for case in study.cases() {
            match &case.value {
                Value::Array(expected) => {
                    for (expected, got) in expected.iter().zip(&counts) {
                        let expected = expected.as_f64().expect("a number");
                        verdict.check(&case.id, expected, *got, case.tolerance, count);
                    }
                }
                critical => {
                    let critical = critical.as_f64().expect("a number");
                    verdict.holds(&case.id, chi_squared < critical, chi_squared);
                }
            }
        }
    }
    verdict.assert_all_met();
}

/// Short runs and complete ones are the same.
pub fn swrr_sequence(_: Pass) {
    let mut verdict = Verdict::default();
    for study in studies("swrr_sequence") {
        let count = study.count("picks") as usize;
        let picks = picks(
            &study.numbers("weights"),
            count,
            "smooth_weighted_round_robin",
        );
        let letters: String = picks
            .iter()
            .map(|pick| (b'a' + *pick as u8) as char)
            .collect();
        for case in study.cases() {
            verdict.holds(&case.id, case.value == letters.as_str(), &letters);
        }
    }
    verdict.assert_all_met();
}

/// The sequences of nginx 1.22.1, 200 requests one after the other from a fresh start.
pub fn nginx_sequences(_: Pass) {
    let recorded: Value =
        serde_json::from_str(include_str!("../data/recorded/nginx-wrr.json")).expect("valid JSON");
    let records = recorded["records"].as_array().expect("a list");
    assert_eq!(records.len(), 2);
    for record in records {
        let numbers = |key: &str| record[key].as_array().expect("a list").iter();
        let weights: Vec<f64> = numbers("weights").filter_map(Value::as_f64).collect();
        let sequence: Vec<u32> = numbers("sequence")
            .map(|pick| pick.as_u64().expect("a whole number") as u32)
            .collect();
        let picks = picks(&weights, sequence.len(), "smooth_weighted_round_robin");
        assert_eq!(picks, sequence, "{weights:?}");
    }
}
