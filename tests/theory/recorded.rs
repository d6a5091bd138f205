//! The queueing of nginx 1.22.1 in front of three backends, from the same arrivals and demands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stormglass::time::SimDuration;

use crate::support::cases::{Pass, Verdict};
use crate::support::meter::Meter;
use crate::support::python_random::PythonRandom;
use crate::support::{scenario_file, secs};

/// Requests of a recorded run.
const REQUEST_COUNT: usize = 3000;
/// Seconds of the mean service time.
const SERVICE_SECS: f64 = 0.02;
/// Seconds of the way through the proxy, of which the file's own simulation assumes 0.6 ms in all.
const ONE_WAY_SECS: f64 = 0.000_3;
/// Runs of the simulator for each recorded one where picks are random.
const SEED_COUNT: u64 = 16;

/// One recorded run.
struct Recording {
    policy: String,
    load: f64,
    seed: u32,
    mean_ms: f64,
    /// Mean of the file's own simulation.
    des_mean_ms: f64,
    busy_mean_secs: f64,
}

/// The recorded runs that were not disturbed.
fn recordings() -> Vec<Recording> {
    let file: Value = serde_json::from_str(include_str!("../data/recorded/nginx-queueing.json"))
        .expect("valid JSON");
    let number = |value: &Value| value.as_f64().expect("a number");
    let records = file["records"].as_array().expect("a list");
    records
        .iter()
        .filter(|record| record["clean"] == true)
        .map(|record| Recording {
            policy: record["policy"].as_str().expect("a text").to_string(),
            load: number(&record["rho"]),
            seed: record["seed"].as_u64().expect("a whole number") as u32,
            mean_ms: 1e3 * number(&record["latency_s"]["mean"]),
            des_mean_ms: number(&record["des_same_arrivals_ms"]["mean"]),
            busy_mean_secs: number(&record["true_busy_s"]["mean"]),
        })
        .collect()
}

impl Recording {
    /// The balancer that stands for the recorded policy, if the simulator has it.
    fn balancer(&self) -> Option<&'static str> {
        match self.policy.as_str() {
            "rr" => Some("\"round_robin\""),
            "random" => Some("\"random\""),
            "least_conn" => Some("\"least_in_flight\""),
            "random_two" => Some("{ policy = \"least_in_flight\", choice_count = 2 }"),
            _ => None,
        }
    }

    /// The arrivals and demands, and the length of the run in seconds. A demand is the nominal one
    /// and what a request kept its backend busy beyond that, on average over the recorded run.
    fn trace(&self) -> (String, f64) {
        let mut random = PythonRandom::new(self.seed);
        let mut arrives_at = 0.0;
        let mut rows = Vec::with_capacity(REQUEST_COUNT);
        for _ in 0..REQUEST_COUNT {
            arrives_at += random.exponential(3.0 * self.load / SERVICE_SECS);
            rows.push((arrives_at, random.exponential(1.0 / SERVICE_SECS)));
        }
        let nominal = rows.iter().map(|row| row.1).sum::<f64>() / REQUEST_COUNT as f64;
        let more = self.busy_mean_secs - nominal;
        let mut csv = String::from("arrives_at,service_demand\n");
        for (arrives_at, demand) in rows {
            csv += &format!("{arrives_at:.9},{:.9}\n", demand + more);
        }
        (csv, arrives_at)
    }

    /// Means in milliseconds of runs that differ in their random picks.
    fn simulated_means(&self, folder: &Path) -> Vec<f64> {
        let (csv, duration) = self.trace();
        std::fs::write(folder.join("trace.csv"), csv).expect("the folder is writable");
        (1..=SEED_COUNT)
            .map(|seed| {
                let path = self.scenario_path(folder, seed, duration);
                let scenario = scenario_file(path);
                let meter = Meter::of_scenario(&scenario, SimDuration::from_ms(20));
                assert_eq!(meter.arrived_count, REQUEST_COUNT as u64);
                1e3 * meter.sojourn.mean()
            })
            .collect()
    }

    fn scenario_path(&self, folder: &Path, seed: u64, duration: f64) -> PathBuf {
        let text = format!(
            "schema = 1\nname = \"nginx\"\nseed = {seed}\nduration = \"{}\"\ndrain = \"1000s\"\n\
             [network]\ntransport = \"stream\"\nsame_zone = \"{}\"\n\
             [service.s]\nservice_time = \"{}\"\n\
             queue = {{ discipline = \"fifo\", limit = \"unlimited\" }}\n\
             [service.s.group.a]\ncount = 3\n\
             [client.c]\narrivals = {{ process = \"trace\", file = \"trace.csv\" }}\n\
             [client.c.call.s]\nbalancer = {}\n",
            secs(duration + 1.0),
            secs(ONE_WAY_SECS),
            secs(SERVICE_SECS),
            self.balancer().expect("it has one"),
        );
        let path = folder.join("nginx.toml");
        std::fs::write(&path, text).expect("the folder is writable");
        path
    }
}

/// Means of a recorded run and of those that simulate it.
struct Comparison {
    recorded: f64,
    simulated: f64,
    /// Standard deviation over the random picks.
    deviation: f64,
}

impl Comparison {
    fn new(recorded: f64, simulated: &[f64]) -> Self {
        let count = simulated.len() as f64;
        let mean = simulated.iter().sum::<f64>() / count;
        let squares: f64 = simulated.iter().map(|m| (m - mean) * (m - mean)).sum();
        Comparison {
            recorded,
            simulated: mean,
            deviation: (squares / (count - 1.0)).sqrt(),
        }
    }
}

/// The recorded means agree with the file's own simulation within 3 % (its notes). Where picks are
/// random a recorded run is one draw of them, whose standard deviation the simulated runs show:
/// 4.8 standard errors come on top, for each run and for the average of a policy's runs.
fn compare(verdict: &mut Verdict, id: &str, runs: &[Comparison]) {
    let count = runs.len() as f64;
    let average = |of: fn(&Comparison) -> f64| runs.iter().map(of).sum::<f64>() / count;
    let (recorded, simulated) = (average(|run| run.recorded), average(|run| run.simulated));
    let error = (average(|run| run.deviation * run.deviation) / count).sqrt();
    let tolerance = 0.03 + 4.8 * error / recorded;
    let request_count = (runs.len() * REQUEST_COUNT) as u64;
    verdict.check(id, recorded, simulated, tolerance, request_count);
}

/// Round robin leaves nothing to chance: the file's own simulation must come out. Its inputs are
/// known to 5 us of 20 ms, which grows at most by 1 / (1 - rho)² = 4 to 0.1 % of the mean, and its
/// results are printed to 0.02 %.
const SAME_SIMULATION_TOLERANCE: f64 = 0.0012;

pub fn nginx_queueing(_: Pass) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut verdict = Verdict::default();
    let mut by_policy: BTreeMap<String, Vec<Comparison>> = BTreeMap::new();
    for recording in recordings() {
        let means = recording.simulated_means(folder.path());
        let run = Comparison::new(recording.mean_ms, &means);
        let id = format!("nginx {} seed {}", recording.policy, recording.seed);
        if recording.policy == "rr" {
            let (expected, tolerance) = (recording.des_mean_ms, SAME_SIMULATION_TOLERANCE);
            let count = REQUEST_COUNT as u64;
            verdict.check(&id, expected, run.simulated, tolerance, count);
        }
        compare(&mut verdict, &id, std::slice::from_ref(&run));
        by_policy.entry(recording.policy).or_default().push(run);
    }
    assert_eq!(by_policy.len(), 4);
    for (policy, runs) in by_policy {
        compare(&mut verdict, &format!("nginx {policy}"), &runs);
    }
    verdict.assert_all_met();
}

#[test]
fn the_generator_is_that_of_python() {
    let mut random = PythonRandom::new(50);
    let first: Vec<f64> = (0..3).map(|_| random.uniform()).collect();
    // Printed by CPython 3.11: random.Random(50), three times random().
    assert_eq!(
        first,
        [0.4975365687586023, 0.2661737230725406, 0.6374111614436909]
    );
    let mut random = PythonRandom::new(1050);
    let after_thousand = (0..1001).map(|_| random.uniform()).last();
    assert_eq!(after_thousand, Some(0.8337422542020689));
}
