//! nginx 1.22.1 while a backend was dead: `nginx-fail-refused.json`, `nginx-fail-blackhole.json`;
//! and how its methods share load: `nginx-policies-concurrent.json`.

use serde_json::Value;

use super::{Seen, counted, file, numbers, records, servers, traced};
use stormglass::model::observation::Outcome;

/// Seconds of the run before the recording begins; the clock of nginx has whole ones.
const BEFORE_SECS: f64 = 3.0;

/// A kill, or a restart, took so long to work: an attempt this close may have met either.
const UNSURE_MS: f64 = 40.0;

/// How often the victim was tried first or after others in each request.
fn tried_lists(record: &Value) -> Vec<Vec<u32>> {
    let text = record["rows"]["tried"].as_str().expect("a text");
    let list = |word: &str| {
        let places = word.split('>');
        places
            .map(|place| place.parse().expect("a backend"))
            .collect()
    };
    text.split_whitespace().map(list).collect()
}

/// The event's instant in the recorded milliseconds, moved by what nginx met next to it.
fn instants(record: &Value, lists: &[Vec<u32>], sent: &[f64]) -> (f64, f64) {
    let event = |place: usize| record["events_ms"][place][0].as_f64().expect("a time");
    let victim = record["events_ms"][0][2].as_u64().expect("a backend") as u32;
    let (mut kill, mut restore) = (event(0), event(1));
    for (sent_ms, list) in sent.iter().zip(lists) {
        let is_failure = list.contains(&victim) && list.last() != Some(&victim);
        let is_success = list.last() == Some(&victim);
        if is_success && kill <= *sent_ms && *sent_ms < kill + UNSURE_MS {
            kill = *sent_ms + 5.0;
        }
        if is_failure && kill - UNSURE_MS < *sent_ms && *sent_ms < kill {
            kill = *sent_ms - 5.0;
        }
        if is_failure && restore <= *sent_ms && *sent_ms < restore + UNSURE_MS {
            restore = *sent_ms + 5.0;
        }
    }
    (kill, restore)
}

fn world(record: &Value) -> String {
    let weights = numbers(&record["w"]);
    let (max_fails, fail_timeout) = match record["fc"].as_str() {
        Some("mf1_ft10") => (1, "10s"),
        Some("mf3_ft5") => (3, "5s"),
        other => panic!("unknown configuration {other:?}"),
    };
    let victim = record["events_ms"][0][2].as_u64().expect("a backend") as u8;
    let victim = char::from(b'a' + victim);
    // Nobody listens where a process was killed; one that stands still accepts and never answers.
    let kind = match record["mode"].as_str() {
        Some("refused") => "crash",
        Some("blackhole") => "pause",
        other => panic!("unknown mode {other:?}"),
    };
    format!(
        "schema = 1\nduration = \"60s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"50us\"\n\
         [service.s]\nservice_time = \"100us\"\nworkers = 10\n{servers}\
         [proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
         max_fails = {max_fails}\nfail_timeout = \"{fail_timeout}\"\n\
         proxy_connect_timeout = \"1s\"\nproxy_read_timeout = \"1s\"\n\
         [client.c]\narrivals = {{ process = \"trace\", file = \"trace.csv\" }}\n\
         [client.c.call.p]\n\
         [fault.x]\nkind = \"{kind}\"\ntarget = \"group:s/{victim}\"\nat = \"KILL\"\n\
         for = \"LENGTH\"\n",
        servers = servers(&weights),
    )
}

/// Runs a recorded experiment through the proxy tier. Returns when in its milliseconds the
/// recording began.
fn replay(record: &Value, lists: &[Vec<u32>], sent: &[f64]) -> (Seen, f64) {
    let phase = record["wall_phase_at_t0"].as_f64().expect("a phase");
    let start_ms = 1e3 * (BEFORE_SECS + phase);
    let (kill, restore) = instants(record, lists, sent);
    let arrivals: Vec<f64> = sent.iter().map(|at| at + start_ms).collect();
    let set = [
        ("KILL", (kill + start_ms) / 1e3),
        ("LENGTH", (restore - kill) / 1e3),
    ];
    let seen = Seen::of(&traced(&world(record), &arrivals, &set), 1);
    (seen, start_ms)
}

/// Returns how many requests of a recorded experiment had the recorded list of tried backends, all
/// of which must.
fn check(record: &Value) -> usize {
    let lists = tried_lists(record);
    let sent = numbers(&record["rows"]["t_ms"]);
    let (seen, _) = replay(record, &lists, &sent);
    assert!(seen.calls.iter().all(|call| call.2 == Outcome::Success));
    // Requests follow one another, so attempts in order of time are lists one after the other.
    let mut found: Vec<Vec<u32>> = Vec::new();
    for (_, place, index) in &seen.attempts {
        match index {
            0 => found.push(vec![*place]),
            _ => found.last_mut().expect("a first one").push(*place),
        }
    }
    let name = (&record["w"], &record["fc"], &record["seed"]);
    for (number, (found, recorded)) in found.iter().zip(&lists).enumerate() {
        assert_eq!(found, recorded, "{name:?}: request {number}");
    }
    assert_eq!(found.len(), lists.len(), "{name:?}");
    lists.len()
}

fn check_file(text: &str) -> usize {
    let file = file(text);
    let is_meant = |r: &&Value| r["loop"] == "seq" && r["kind"] == "victim";
    records(&file).filter(is_meant).map(check).sum()
}

#[test]
fn refused_backends_are_tried_as_recorded() {
    let text = include_str!("../data/recorded/nginx-fail-refused.json");
    assert!(10_000 < check_file(text));
}

#[test]
fn black_holes_are_tried_as_recorded() {
    let text = include_str!("../data/recorded/nginx-fail-blackhole.json");
    assert!(5_000 < check_file(text));
}

/// Requests that overlap. The time-out is as long as 20 of their gaps, so each retry falls within a
/// few milliseconds of an arrival, and which of the two came first is not recorded: one request
/// more may meet the black hole before the first time-out, and a probe may come a turn of the
/// weights (7 requests of 50 ms) earlier or later.
#[test]
fn requests_that_overlap_meet_a_black_hole_as_recorded() {
    let file = file(include_str!("../data/recorded/nginx-fail-blackhole.json"));
    let mut record_count = 0;
    for record in records(&file).filter(|r| r["loop"] == "open") {
        let lists = tried_lists(record);
        let sent = numbers(&record["rows"]["t_ms"]);
        let (seen, start_ms) = replay(record, &lists, &sent);
        assert!(seen.calls.iter().all(|call| call.2 == Outcome::Success));
        let (kill, restore) = instants(record, &lists, &sent);
        let hole = (kill + start_ms) / 1e3..(restore + start_ms) / 1e3;
        let met: Vec<f64> = (lists.iter().zip(&sent))
            .filter(|(list, _)| 1 < list.len())
            .map(|(_, at)| (at + start_ms) / 1e3)
            .collect();
        let victim = lists
            .iter()
            .find(|list| 1 < list.len())
            .expect("one met it")[0];
        let tries = seen.attempts.iter().filter(|attempt| attempt.1 == victim);
        let found: Vec<f64> = tries.map(|t| t.0).filter(|at| hole.contains(at)).collect();
        assert!(
            (met.len()..=met.len() + 1).contains(&found.len()),
            "{found:?}"
        );
        let probes = found.iter().rev().zip(met.iter().rev()).take(2);
        for (found, met) in probes {
            assert!((found - met).abs() < 0.36, "{found} s, not {met} s");
        }
        record_count += 1;
    }
    assert_eq!(record_count, 2);
}

/// Recorded counts of 900 requests at 150/s against the shares of a long run. The recorded ones are
/// one draw each; counts of methods that look at load vary less than independent ones, so the
/// chi-squared bound holds.
#[test]
fn load_is_shared_as_recorded() {
    let file = file(include_str!(
        "../data/recorded/nginx-policies-concurrent.json"
    ));
    let mut seen_count = 0;
    for record in records(&file).filter(|record| record["mode"] == "poisson150") {
        let policy = match record["policy"].as_str() {
            Some("rr") => "nginx_round_robin",
            Some("least_conn") => "nginx_least_conn",
            Some("random") => "random",
            // The default method of `random two` is `least_conn`.
            Some("random_two" | "random_two_least_conn") => "nginx_random_two",
            other => panic!("unknown policy {other:?}"),
        };
        // A server takes its delay and what the proxy adds to it.
        let median_ms = record["latency_ms"]["p50"].as_f64().expect("a number");
        let delays = numbers(&record["delays_ms"]);
        let mut groups = String::new();
        for (name, delay) in ('a'..).zip(&delays) {
            let speed = median_ms / (delay + median_ms - 20.0);
            groups += &format!("group.{name} = {{ count = 1, speed = {speed}, workers = 1000 }}\n");
        }
        let text = format!(
            "schema = 1\nduration = \"240s\"\n[network]\nsame_zone = \"1us\"\n\
             [service.s]\nservice_time = \"{median_ms}ms\"\n{groups}\
             [proxy.p]\nkind = \"nginx\"\nupstream = \"s\"\ncount = 1\n\
             processing_time = \"1us\"\nbalancer = \"{policy}\"\n\
             [client.c]\narrivals = {{ process = \"poisson\", rate = \"150/s\" }}\n\
             [client.c.call.p]\n"
        );
        let order = Seen::of_text(&text, 7).order();
        let shares: Vec<f64> = counted(&order)
            .values()
            .map(|count| *count as f64 / order.len() as f64)
            .collect();
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
        seen_count += 1;
    }
    assert_eq!(seen_count, 10);
}
