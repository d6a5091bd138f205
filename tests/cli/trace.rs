//! Traces of runs, and the stories of single requests.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::support::{SMALL, Stormglass};

fn digest_of(command: &Stormglass, run_dir: &str) -> String {
    let text = fs::read_to_string(command.path(run_dir).join("manifest.json")).expect("written");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    let digest = &manifest["replications"][0]["digest"];
    digest.as_str().expect("a digest").to_string()
}

/// A request of a client that makes two calls, one of which makes another.
fn with_sub_calls() -> String {
    SMALL
        .replace(
            "[client.shop]",
            "[service.web.call.store]\nbalancer = \"round_robin\"\nattempt_timeout = \"300ms\"\n\
             [service.store]\ncount = 2\nworkers = 4\n\
             service_time = { dist = \"exponential\", mean = \"2ms\" }\n[client.shop]",
        )
        .replace("name = \"small\"", "name = \"sub\"")
}

#[test]
fn a_trace_does_not_change_the_digest() {
    let command = Stormglass::with("small.toml", SMALL);
    command.say(&["run", "small.toml", "--no-charts", "--out", "plain"]);
    let said = command.say(&[
        "run",
        "small.toml",
        "--no-charts",
        "--out",
        "traced",
        "--trace",
        "t.json",
        "--trace",
        "t.jsonl",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(digest_of(&command, "plain"), digest_of(&command, "traced"));
}

#[cfg(unix)]
#[test]
fn a_trace_to_a_link_replaces_the_file_and_not_the_link() {
    let command = Stormglass::with("small.toml", SMALL);
    fs::create_dir(command.path("far")).expect("made");
    let old = "{\"stormglass\":\"0.0.1\"}\n";
    fs::write(command.path("far/t.jsonl"), old).expect("written");
    std::os::unix::fs::symlink("far/t.jsonl", command.path("t.jsonl")).expect("linked");
    let said = command.say(&["run", "small.toml", "--no-charts", "--trace", "t.jsonl"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let link = fs::symlink_metadata(command.path("t.jsonl")).expect("there");
    assert!(link.is_symlink());
    let trace = fs::read_to_string(command.path("far/t.jsonl")).expect("there");
    assert!(
        trace.starts_with("{\"stormglass\"") && trace != old,
        "{trace}"
    );
}

#[test]
fn everything_that_begins_in_a_trace_ends() {
    for (name, text) in [("small", SMALL.to_string()), ("sub", with_sub_calls())] {
        let command = Stormglass::with("s.toml", &text);
        let said = command.say(&[
            "run",
            "s.toml",
            "--no-charts",
            "--out",
            "r",
            "--trace",
            "t.json",
        ]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let text = fs::read_to_string(command.path("t.json")).expect("written");
        let trace: Value = serde_json::from_str(&text).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("events");
        let mut open: BTreeMap<(String, String), i64> = BTreeMap::new();
        for event in events {
            let change = match event["ph"].as_str().expect("a phase") {
                "b" => 1,
                "e" => -1,
                _ => continue,
            };
            let key = (event["id"].to_string(), event["name"].to_string());
            *open.entry(key).or_default() += change;
        }
        assert!(1_000 < open.len(), "{name}");
        let left: Vec<_> = open.iter().filter(|(_, count)| **count != 0).collect();
        assert!(left.is_empty(), "{name}: {left:?}");
        let faults = events.iter().filter(|event| event["cat"] == "fault");
        assert_eq!(faults.count(), 2, "{name}");
        assert!(events.iter().any(|event| event["ph"] == "C"), "{name}");
    }
}

#[test]
fn lines_tell_of_every_request_and_every_fact() {
    let command = Stormglass::with("s.toml", &with_sub_calls());
    let said = command.say(&[
        "run",
        "s.toml",
        "--no-charts",
        "--out",
        "r",
        "--trace",
        "t.jsonl",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = fs::read_to_string(command.path("t.jsonl")).expect("written");
    let lines = text.lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    let lines: Vec<Value> = lines.collect();
    let (head, lines) = lines.split_first().expect("a head");
    assert_eq!(head["scenario"], "sub");
    assert_eq!(head["usual"]["client"], "shop");
    assert_eq!(head["usual"]["edge"], Value::Null, "there are two");
    assert!(lines.is_sorted_by_key(|line| line["ns"].as_u64().expect("a time")));
    let has = |line: &Value, name: &str| {
        let what = line["what"].as_array().expect("what happened");
        what.iter().any(|it| it == name)
    };
    let count = |name: &str| lines.iter().filter(|line| has(line, name)).count() as u64;
    let summary = fs::read_to_string(command.path("r/summary.json")).expect("written");
    let summary: Value = serde_json::from_str(&summary).expect("JSON");
    let counts = &summary["replications"][0]["conservation"];
    let arrived = counts["arrived_count"].as_u64().expect("a count");
    assert_eq!(count("request_arrived"), arrived);
    assert!(count("began") <= count("attempt_sent"));
    assert!(count("work_started") <= count("work_arrived"));
    let fault = lines.iter().find(|line| has(line, "fault_started"));
    assert_eq!(
        fault.expect("a fault").to_string(),
        "{\"ns\":8000000000,\"what\":[\"fault_started\"],\"fault\":\"loss\",\
         \"targets\":[\"web/main/0\"]}"
    );
}

#[test]
fn the_slowest_requests_are_told_with_what_was_true_and_believed() {
    let command = Stormglass::with("s.toml", &with_sub_calls());
    command.say(&["run", "s.toml", "--no-charts", "--out", "r"]);
    let said = command.say(&["why", "r", "--slowest", "2"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("SLOWEST\n  "), "{}", said.out);
    assert_eq!(said.out.matches("\nREQUEST ").count(), 2, "{}", said.out);
    assert!(said.out.contains("where the time went"), "{}", said.out);
    assert!(
        said.out.contains("begins service.web.call.store"),
        "{}",
        said.out
    );
    let identity = &said.out[10..26];
    let one = command.say(&["why", "r", identity]);
    assert_eq!(one.code, Some(0), "{one:?}");
    let story = said.out.find(&format!("REQUEST {identity}")).expect("told");
    assert!(
        said.out[story..].starts_with(one.out.trim_end()),
        "{}",
        one.out
    );
    let unknown = command.say(&["why", "r", "0000000000000001"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

/// 1 ms of its own, then 20 ms at the store and, beside it, a log that nobody waits for.
const CALLS: &str = "schema = 1\nname = \"calls\"\nduration = \"2s\"\n\
     [network]\nsame_zone = \"0s\"\n[expect]\nusers = \"success_ratio >= 10%\"\n\
     [service.web]\ncount = 1\nservice_time = \"1ms\"\n\
     [service.web.call.store]\nbalancer = \"random\"\n\
     [service.web.call.log]\nbalancer = \"random\"\ndetached = true\n\
     [service.store]\ncount = 1\nservice_time = \"20ms\"\n\
     [service.log]\ncount = 1\nservice_time = \"50ms\"\n\
     [client.shop]\narrivals = { process = \"constant\", rate = \"1/s\" }\n\
     [client.shop.call.web]\nbalancer = \"random\"\n";

#[test]
fn waiting_for_calls_is_told_apart_from_service() {
    let command = Stormglass::with("calls.toml", CALLS);
    let run = command.say(&["run", "calls.toml", "--no-charts", "--out", "r"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said = command.say(&["why", "r", "--slowest", "1"]);
    for line in [
        "1.00 ms  attempt 1 at web/main/0: in service\n",
        "20.0 ms  attempt 1 at web/main/0: waiting for its calls\n",
        "begins service.web.call.log, which nobody waits for\n",
        "web/main/0 is up; not suspected by the caller\n",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
}

#[test]
fn another_run_than_the_one_that_was_written_is_not_told() {
    let command = Stormglass::with("small.toml", SMALL);
    command.say(&["run", "small.toml", "--no-charts", "--out", "r"]);
    let path = command.path("r/scenario.toml");
    let text = fs::read_to_string(&path).expect("written");
    fs::write(&path, text.replace("100/s", "101/s")).expect("written");
    let said = command.say(&["why", "r", "--slowest"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.err.contains("the manifest says"), "{}", said.err);
}

/// Heartbeats at whole seconds, leases of 3 s, messages that take no time: a crash at 10.5 s is
/// suspected, committed and known to all at 13 s, and callers that send every 100 ms do so last
/// just before. It is back at 20.5 s, and its heartbeats at 21 s.
const CHANGE: &str = "schema = 1\nname = \"change\"\nduration = \"30s\"\ndrain = \"5s\"\n\
     [network]\nsame_zone = \"0s\"\n[expect]\nusers = \"success_ratio >= 10%\"\n\
     [registry]\nprofile = \"lease\"\nlease_duration = \"3s\"\nheartbeat_interval = \"1s\"\n\
     phase = \"aligned\"\nsweep_interval = \"0s\"\n\
     [service.web]\ncount = 2\nservice_time = \"1ms\"\n\
     [client.shop]\ncount = 3\narrivals = { process = \"constant\", rate = \"10/s\" }\n\
     [client.shop.call.web]\nbalancer = \"round_robin\"\nattempt_timeout = \"1s\"\n\
     [fault.gone]\nkind = \"crash\"\ntarget = \"instance:web/main/0\"\nat = \"10500ms\"\n\
     for = \"10s\"\n";

#[test]
fn a_change_is_told_from_the_fault_to_the_last_attempt() {
    let command = Stormglass::with("change.toml", CHANGE);
    let said = command.say(&["run", "change.toml", "--no-charts", "--out", "r"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = command.say(&["why", "r", "--change", "fault.gone"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in [
        "CHANGE fault.gone, window 0: 10.5 s to 20.5 s",
        "web/main/0 · crashed at 10.5 s",
        "+2.50 s  the registry suspects it",
        "+2.50 s  the list that holds is without it",
        "callers leave it out for good (3 of 3): the first; the middle one 2.50 s, the last one",
        "last attempt sent to it, by shop/",
        "back at 20.5 s",
        "callers take it back (3 of 3)",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let json = command.say(&["why", "r", "--change", "gone", "--format", "json"]);
    let change: Value = serde_json::from_str(&json.out).expect("JSON");
    let gone = &change["instances"][0]["gone"];
    assert_eq!(gone["registry_secs"], 13.0);
    assert_eq!(gone["callers"]["count"], 3);
    let last = gone["attempt"][0].as_f64().expect("some were sent");
    assert!((12.6..=13.0).contains(&last), "{last}");
}

#[test]
fn a_change_that_was_not_is_refused() {
    let command = Stormglass::with("change.toml", CHANGE);
    command.say(&["run", "change.toml", "--no-charts", "--out", "r"]);
    for (arguments, problem) in [
        (
            ["--change", "other", "--window", "0"],
            "no fault is called `other`; there are gone",
        ),
        (
            ["--change", "gone", "--window", "1"],
            "fault `gone` has 1 window in this run",
        ),
    ] {
        let said = command.say(&[["why", "r"].as_slice(), &arguments].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(problem), "{}", said.err);
    }
}

#[test]
fn options_of_a_change_are_refused_without_one() {
    let command = Stormglass::with("change.toml", CHANGE);
    command.say(&["run", "change.toml", "--no-charts", "--out", "r"]);
    for (option, value) in [("--format", "json"), ("--window", "1")] {
        let said = command.say(&["why", "r", "--slowest", "1", option, value]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains("--change FAULT"), "{}", said.err);
        assert!(said.err.contains(option), "{}", said.err);
    }
}

#[test]
fn a_directory_of_many_runs_is_refused_with_what_is_needed() {
    let command = Stormglass::with("small.toml", SMALL);
    let count = "client.shop.count=1,2";
    let out = ["--no-charts", "-q", "--out"];
    command.say(&[&["sweep", "small.toml", "--axis", count], &out[..], &["s"]].concat());
    let compare = ["compare", "small.toml", "--vary", count];
    command.say(&[&compare, &out[..], &["c"]].concat());
    for (place, problem) in [
        (
            "s",
            "error: s: is the directory of a sweep, and one run is looked at; name a directory \
             that `run` wrote\n",
        ),
        (
            "c",
            "error: c: is the directory of a comparison, and one run is looked at; name that of \
             a variant, like c/variants/0-1\n",
        ),
    ] {
        let said = command.say(&["why", place, "--slowest", "1"]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert_eq!(said.err, problem);
    }
    let said = command.say(&["why", "c/variants/0-1", "--slowest", "1", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}
