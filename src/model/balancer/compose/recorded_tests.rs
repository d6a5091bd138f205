//! What real nginx did while a backend was dead.

use std::fmt::Write;

use serde_json::Value;

use super::tests::Side;
use crate::id::InstanceId;
use crate::model::observation::AttemptOutcome;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::load::LoadConfig;
use crate::scenario::balancer::weighted::{NginxFailures, WeightedConfig};
use crate::scenario::balancer::wrappers::{EjectionConfig, MaxFailsConfig};
use crate::time::{SimDuration, SimTime};

/// An attempt so close to a kill or a restart may have met either; it takes the recorded outcome.
const UNSURE_MS: u64 = 40;

/// The seconds of the clock before the recording began.
const BEFORE_SECS: u64 = 1_000;

fn numbers(value: &Value) -> Vec<u64> {
    let all = value.as_array().expect("a list").iter();
    all.map(|number| number.as_f64().expect("a number") as u64)
        .collect()
}

/// A recorded run of one request at a time. Returns how many lists of tried backends it had.
fn check_run(record: &Value, strategy: &BalancerConfig) -> usize {
    let weights = numbers(&record["w"]);
    let (fail_count_max, fail_timeout_secs) = match record["fc"].as_str() {
        Some("mf1_ft10") => (1, 10),
        Some("mf3_ft5") => (3, 5),
        other => panic!("unknown configuration {other:?}"),
    };
    let max_fails = MaxFailsConfig {
        fail_count_max,
        fail_timeout_secs,
        counts_errors: false,
    };
    let mut config = super::tests::plain(strategy.clone());
    config.ejection = Some(EjectionConfig::NginxMaxFails(max_fails));
    let weights: Vec<f64> = weights.into_iter().map(|weight| weight as f64).collect();
    let mut side = Side::new(config, &weights);
    let events = record["events_ms"].as_array().expect("events");
    let event_ms = |place: usize| events[place][0].as_u64().expect("a time");
    let (kill_ms, restore_ms) = (event_ms(0), event_ms(1));
    let victim = events[0][2].as_u64().expect("a backend") as u32;
    let phase = record["wall_phase_at_t0"].as_f64().expect("a phase");
    let start = SimTime::START + SimDuration::from_secs(BEFORE_SECS);
    let start = start + SimDuration::from_secs_f64(phase);
    let sent = numbers(&record["rows"]["t_ms"]);
    let latencies = numbers(&record["rows"]["lat_ms"]);
    let text = record["rows"]["tried"].as_str().expect("a text");
    let recorded: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(recorded.len(), sent.len());
    let is_black_hole = record["mode"] == "blackhole";
    for ((sent_ms, latency_ms), recorded) in sent.iter().zip(&latencies).zip(&recorded) {
        let mut now_ms = *sent_ms;
        let mut tried: Vec<InstanceId> = Vec::new();
        let mut found = String::new();
        let recorded_count = recorded.split('>').count();
        loop {
            let now = start + SimDuration::from_ms(now_ms);
            tried.sort_unstable();
            let Some(instance) = side.pick(now, 0, &tried) else {
                found.push_str("NOLIVE");
                break;
            };
            write!(found, "{}", instance.0).expect("a text takes everything");
            let is_unsure = [kill_ms, restore_ms]
                .iter()
                .any(|event| now_ms.abs_diff(*event) <= UNSURE_MS);
            let is_dead = instance.0 == victim
                && match is_unsure {
                    true => found.split('>').count() < recorded_count,
                    false => (kill_ms..restore_ms).contains(&now_ms),
                };
            if !is_dead {
                side.end(now, instance, AttemptOutcome::Success);
                break;
            }
            if is_black_hole {
                now_ms += *latency_ms;
            }
            let failed_at = start + SimDuration::from_ms(now_ms);
            side.end(failed_at, instance, AttemptOutcome::TimeoutBlackHole);
            tried.push(instance);
            found.push('>');
        }
        let (w, fc) = (&record["w"], &record["fc"]);
        assert_eq!(found, **recorded, "{w} {fc} at {sent_ms} ms");
    }
    recorded.len()
}

fn check_file(text: &str) -> usize {
    let file: Value = serde_json::from_str(text).expect("valid JSON");
    let records = file["records"].as_array().expect("records").iter();
    let sequential = records.filter(|record| record["loop"] == "seq");
    // Where `max_fails` is said twice, what stands around the strategy holds.
    let other = NginxFailures {
        max_fails: 7,
        has_error_replies: true,
    };
    // While one request is under way at a time, `least_conn` has the turns of the default method.
    let strategies = [
        BalancerConfig::SmoothWeightedRoundRobin,
        BalancerConfig::Weighted(WeightedConfig::NginxRoundRobin(other)),
        BalancerConfig::Load(LoadConfig::NginxLeastConn(other)),
    ];
    let check = |record| {
        strategies
            .iter()
            .map(move |strategy| check_run(record, strategy))
    };
    sequential.flat_map(check).sum()
}

/// nginx 1.22.1, `nginx-fail-refused.json`: all lists of tried backends, one after the other.
#[test]
fn refused_backends_are_tried_as_recorded() {
    let text = include_str!("../../../../tests/data/recorded/nginx-fail-refused.json");
    assert!(30_000 < check_file(text));
}

/// nginx 1.22.1, `nginx-fail-blackhole.json`: a black hole costs the read timeout of 1 s.
#[test]
fn black_holes_are_tried_as_recorded() {
    let text = include_str!("../../../../tests/data/recorded/nginx-fail-blackhole.json");
    assert!(15_000 < check_file(text));
}
