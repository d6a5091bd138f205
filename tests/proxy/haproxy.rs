//! HAProxy 2.6.12: what clients saw when a server died (`haproxy-client-view.json`), the order of
//! its picks (`haproxy-rr.json`), and its queue against theory.

use serde_json::Value;
use stormglass::model::observation::Outcome;

use super::{Seen, file, numbers, records, servers, traced};

/// Runs of an experiment with checks; each has a phase of its own.
const SEED_COUNT: u64 = 100;

/// A retry waits `timeout connect`, which is 1 s.
const TURN_AROUND_SECS: f64 = 1.0;

fn world(record: &Value) -> String {
    let options = record["options"].as_str().expect("a text");
    let has = |words: &str| options.split('\n').any(|line| line.trim() == words);
    let redispatches = has("option redispatch") || has("option redispatch 1");
    let retries = if has("retries 0") { 0 } else { 3 };
    let retry_on = match has("retry-on all-retryable-errors") {
        true => "[\"conn-failure\", \"empty-response\", \"response-timeout\", \"500\", \"503\"]",
        false => "[\"conn-failure\"]",
    };
    let detector = match record["check"].as_str() {
        Some("") => "check = false",
        _ => "detector = { kind = \"haproxy_check\", inter = \"500ms\", fall = 3, rise = 2 }",
    };
    format!(
        "schema = 1\nduration = \"40s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"50us\"\n\
         [service.s]\nservice_time = \"100us\"\nworkers = 10\ncount = 3\n\
         [proxy.p]\nkind = \"haproxy\"\nupstream = \"s\"\ncount = 1\n\
         timeout_connect = \"1s\"\ntimeout_server = \"5s\"\nretries = {retries}\n\
         redispatch = {redispatches}\nretry_on = {retry_on}\n{detector}\n\
         [client.c]\narrivals = {{ process = \"trace\", file = \"trace.csv\" }}\n\
         [client.c.call.p]\n\
         [fault.x]\nkind = \"crash\"\ntarget = \"instance:s/main/1\"\nat = \"KILL\"\n\
         for = \"LENGTH\"\n"
    )
}

struct Recorded {
    name: String,
    kill_secs: f64,
    restore_secs: f64,
    /// Requests with another status than 200.
    failed_count: usize,
    /// Good ones that took more than 0.5 s.
    slow_count: usize,
    sent_ms: Vec<f64>,
}

impl Recorded {
    fn new(record: &Value) -> Self {
        let status = numbers(&record["rows"][2]);
        let latency = numbers(&record["rows"][1]);
        let is_slow = |(status, latency): (&f64, &f64)| *status == 200.0 && 500.0 < *latency;
        Recorded {
            name: record["name"].as_str().expect("a text").to_string(),
            kill_secs: record["kill_ms"].as_f64().expect("a time") / 1e3,
            restore_secs: record["restore_ms"].as_f64().expect("a time") / 1e3,
            failed_count: status.iter().filter(|status| **status != 200.0).count(),
            slow_count: status
                .iter()
                .zip(&latency)
                .filter(|both| is_slow(*both))
                .count(),
            sent_ms: numbers(&record["rows"][0]),
        }
    }

    fn simulate(&self, record: &Value, seeds: std::ops::RangeInclusive<u64>) -> Vec<Seen> {
        let set = [
            ("KILL", self.kill_secs),
            ("LENGTH", self.restore_secs - self.kill_secs),
        ];
        let scenario = traced(&world(record), &self.sent_ms, &set);
        seeds.map(|seed| Seen::of(&scenario, seed)).collect()
    }
}

/// How many good requests took more than half a second.
fn slow_count(seen: &Seen) -> usize {
    let is_slow = |call: &&(f64, f64, Outcome)| call.2 == Outcome::Success && 0.5 < call.1 - call.0;
    seen.calls.iter().filter(is_slow).count()
}

/// Without checks nothing depends on a phase: every third request meets the dead server.
#[test]
fn clients_see_what_they_saw_without_checks() {
    let file = file(include_str!("../data/recorded/haproxy-client-view.json"));
    let mut count = 0;
    for record in records(&file).filter(|record| record["check"] == "") {
        let recorded = Recorded::new(record);
        let seen = recorded.simulate(record, 1..=1).remove(0);
        let name = &recorded.name;
        // An attempt within the time that a kill takes may have met either; so may one retry.
        let found = (seen.failed().len(), slow_count(&seen));
        assert!(
            found.0.abs_diff(recorded.failed_count) <= 1,
            "{name}: {found:?}"
        );
        assert!(
            found.1.abs_diff(recorded.slow_count) <= 1,
            "{name}: {found:?}"
        );
        for (began, ended) in seen.failed() {
            let latency = ended - began;
            assert!(
                (latency - 3.0 * TURN_AROUND_SECS).abs() < 0.01,
                "{name}: {latency}"
            );
        }
        count += 1;
    }
    assert_eq!(count, 4);
}

/// With checks the number of requests that meet the dead server before it is down depends on their
/// phase: what was recorded lies among what many phases give, and latencies are the same.
#[test]
fn clients_see_what_they_saw_until_checks_fail() {
    let file = file(include_str!("../data/recorded/haproxy-client-view.json"));
    let mut count = 0;
    for record in records(&file).filter(|record| record["check"] != "") {
        let recorded = Recorded::new(record);
        let runs = recorded.simulate(record, 1..=SEED_COUNT);
        let name = &recorded.name;
        let failed = |seen: &Seen| seen.failed().len();
        let least = runs.iter().map(failed).min().expect("there are runs");
        let most = runs.iter().map(failed).max().expect("there are runs");
        let found = recorded.failed_count;
        assert!(
            least <= found && found <= most,
            "{name}: {least} to {most}, not {found}"
        );
        assert_eq!(recorded.slow_count, 0);
        let turns = if name.contains("retries0") { 0.0 } else { 3.0 };
        for seen in &runs {
            assert_eq!(slow_count(seen), 0, "{name}");
            // fall = 3 checks 500 ms apart: down within [2, 3] intervals of the kill.
            let down = seen.suspected[0] - recorded.kill_secs;
            assert!((1.0..=1.501).contains(&down), "{name}: {down}");
            for (began, ended) in seen.failed() {
                let latency = ended - began;
                assert!(
                    (latency - turns * TURN_AROUND_SECS).abs() < 0.01,
                    "{name}: {latency}"
                );
                assert!(began - recorded.kill_secs < down, "{name}");
            }
        }
        count += 1;
    }
    assert_eq!(count, 12);
}

/// The order of the picks, one request at a time from a fresh start.
#[test]
fn servers_take_their_turns_as_recorded() {
    let file = file(include_str!("../data/recorded/haproxy-rr.json"));
    for record in records(&file) {
        let policy = match record["algorithm"].as_str() {
            Some("roundrobin") => "haproxy_round_robin",
            Some("static-rr") => "haproxy_static_rr",
            Some("leastconn") => "haproxy_least_conn",
            other => panic!("unknown algorithm {other:?}"),
        };
        let recorded: Vec<u32> = numbers(&record["sequence"])
            .iter()
            .map(|n| *n as u32)
            .collect();
        let text = format!(
            "schema = 1\nduration = \"60s\"\n\
             [service.s]\nservice_time = \"100us\"\n{}\
             [proxy.p]\nkind = \"haproxy\"\nupstream = \"s\"\ncount = 1\nnbthread = 4\n\
             check = false\nbalancer = \"{policy}\"\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
             [client.c.call.p]\n",
            servers(&numbers(&record["weights"])),
        );
        let order = Seen::of_text(&text, 1).order();
        assert_eq!(
            order[..recorded.len()],
            recorded[..],
            "{}",
            record["algorithm"]
        );
    }
}

/// `maxconn 1` at two servers and a line before them is M/M/2: Erlang's C.
#[test]
fn the_queue_before_full_servers_is_that_of_erlang() {
    // a = 1.4 erlang over c = 2: C = (a^2/2) (2/(2-a)) / (1 + a + (a^2/2) (2/(2-a))) = 0.57647;
    // W = C / (2/s - lambda) + s with s = 10 ms, lambda = 140/s: 9.6078 ms + 10 ms. The way takes
    // 4 us, 2 us of which a server counts as busy: 2/10,000 more of load, about 0.01 ms more.
    let text = "schema = 1\nduration = \"200s\"\ndrain = \"60s\"\n\
         [network]\nsame_zone = \"1us\"\n\
         [service.s]\nservice_time = { dist = \"exponential\", mean = \"10ms\" }\ncount = 2\n\
         [proxy.p]\nkind = \"haproxy\"\nupstream = \"s\"\ncount = 1\ncheck = false\n\
         processing_time = \"1us\"\nmaxconn = 1\ntimeout_queue = \"60s\"\n\
         balancer = \"haproxy_least_conn\"\n\
         [client.c]\narrivals = { process = \"poisson\", rate = \"140/s\" }\n\
         [client.c.call.p]\n";
    let means: Vec<f64> = (1..=10)
        .map(|seed| mean_ms(&Seen::of_text(text, seed)))
        .collect();
    super::queues::assert_mean(&means, 19.608, 0.016);
}

fn mean_ms(seen: &Seen) -> f64 {
    let good = seen.calls.iter().filter(|call| call.2 == Outcome::Success);
    assert_eq!(good.clone().count(), seen.calls.len());
    1e3 * good.map(|call| call.1 - call.0).sum::<f64>() / seen.calls.len() as f64
}
