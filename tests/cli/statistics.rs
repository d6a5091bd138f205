//! What several replications, or one long run, say: percentiles, verdicts, precision, warm-up.

use std::fs;

use super::support::{SMALL, Stormglass};

/// A queue at half load, without faults.
const QUEUE: &str = r#"# How long does a call take?
schema = 1
name = "queue"
seed = 3
duration = "60s"

[expect]
EXPECT

[service.web]
count = 1
workers = 1
service_time = { dist = "exponential", mean = "10ms" }

[client.shop]
count = 1
arrivals = { process = "poisson", rate = "50/s" }

[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "5s"
deadline = "5s"
"#;

fn queue(expect: &str) -> Stormglass {
    Stormglass::with("queue.toml", &QUEUE.replace("EXPECT", expect))
}

#[test]
fn percentiles_are_those_of_all_samples_and_withheld_alone() {
    let command = queue("e = \"success_ratio >= 90%\"");
    // 3,000 requests have three above the 99.9th percentile; 60,000 have sixty.
    let words = ["run", "queue.toml", "--no-charts", "-q", "--replications"];
    let said = command.say(&[&words[..], &["20", "--format", "json"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let aggregates = value["aggregates"].as_array().expect("aggregates");
    let of = |measure: &str| {
        let is_it = |a: &&serde_json::Value| a["measure"] == measure && a["phase"] == "";
        aggregates.iter().find(is_it).expect("a headline").clone()
    };
    let rare = of("latency.p99.9");
    assert_eq!(rare["known_count"], 0);
    let low = rare["interval_95_secs"][0].as_f64().expect("a lower end");
    let value = rare["pooled_secs"].as_f64().expect("a percentile");
    assert!(low < value, "{rare}");
    // M/M/1 at half load: the sojourn time is exponential with a mean of 20 ms, so that the 99th
    // percentile is 20 ms ln 100 = 92 ms; messages take two times 0.25 ms besides.
    let p99 = of("latency.p99");
    let ends = [0, 1].map(|end| p99["interval_95_secs"][end].as_f64().expect("an end"));
    assert!(ends[0] <= 0.0926 && 0.0926 <= ends[1], "{p99}");
}

#[test]
fn an_interval_that_holds_the_limit_decides_nothing() {
    // The mean is 20.5 ms.
    let command = queue("e = \"latency.mean <= 20500us\"");
    let words = [
        "run",
        "queue.toml",
        "--no-charts",
        "-q",
        "--replications",
        "6",
    ];
    let said = command.say(&words);
    assert_eq!(said.code, Some(99), "{said:?}");
    assert!(said.out.contains("\n  ? e   latency.mean"), "{}", said.out);
    assert!(
        said.out.contains("the 95 % interval holds the limit"),
        "{}",
        said.out
    );
    let said = command.say(&[&words[..], &["--undecided", "pass"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let sure = queue("e = \"latency.mean <= 40ms\"\nf = \"95% of runs: latency.mean <= 40ms\"");
    let said = sure.say(&words);
    assert!(
        said.out.contains("\n  \u{2713} e   latency.mean"),
        "{}",
        said.out
    );
    // Six of six are a share of 61 % at least (Wilson).
    assert!(
        said.out.contains("61.0 % to 100.0 % of all seeds"),
        "{}",
        said.out
    );
}

#[test]
fn no_mistake_in_a_minute_says_little_about_a_day() {
    let detector = "detector = { kind = \"timeout\", interval = \"1s\", timeout = \"3s\" }";
    let text = QUEUE.replace("EXPECT", "e = \"mistake_rate <= 1/h\"");
    let command = Stormglass::with("queue.toml", &format!("{text}{detector}\n"));
    let words = ["run", "queue.toml", "--no-charts", "-q"];
    let said = command.say(&words);
    assert_eq!(said.code, Some(99), "{said:?}");
    // Three hours less a minute.
    let reason = "undecided: not decidable, needs 3.0 more hours";
    assert!(said.out.contains(reason), "{}", said.out);
    let text = text.replace("1/h", "0.06/s");
    fs::write(command.path("queue.toml"), format!("{text}{detector}\n")).expect("written");
    // 3.0 in 60 s is 0.05 per second.
    assert_eq!(command.say(&words).code, Some(0));
}

/// Three servers that one caller each hears from every second; two of them stand still.
const PAUSES: &str = r#"
[registry]
profile = "static"

[service.web]
count = 3
workers = 1
service_time = "1ms"

[client.shop]
count = CALLERS
arrivals = { process = "poisson", rate = "1/s" }

[client.shop.call.web]
attempt_timeout = "1s"
detector = { kind = "timeout", interval = "1s", timeout = "3s" }

[fault.first]
kind = "pause"
target = "instance:web/main/0"
at = "10s"
for = "6s"
"#;

#[test]
fn few_mistakes_of_one_run_are_bounded_by_poisson() {
    let second = PAUSES[PAUSES.find("[fault.first]").expect("a fault")..]
        .replace("first", "second")
        .replace("main/0", "main/1")
        .replace("10s", "40s");
    // Up to 5.5716 for one event in 3 x 60 s, to 7.2247 for two (Garwood 1936): 0.03095 and
    // 0.04014 per second. How many callers see a pause does not make more of it.
    for (callers, more, below, above) in [
        ("1", "", "0.0309/s", "0.0310/s"),
        ("1", &second[..], "0.0401/s", "0.0402/s"),
        ("9", "", "0.0309/s", "0.0310/s"),
        ("9", &second[..], "0.0401/s", "0.0402/s"),
    ] {
        let head = QUEUE.split("[service.web]").next().expect("a head");
        let say = |limit: &str| {
            let head = head.replace("EXPECT", &format!("e = \"mistake_rate <= {limit}\""));
            let pauses = PAUSES.replace("CALLERS", callers);
            let command = Stormglass::with("pauses.toml", &format!("{head}{pauses}{more}"));
            command.say(&["run", "pauses.toml", "--no-charts", "-q"])
        };
        let said = say(above);
        assert_eq!(said.code, Some(0), "{said:?}");
        let said = say(below);
        assert_eq!(said.code, Some(99), "{said:?}");
        let reason = "undecided: not decidable, needs 0.0 more hours";
        assert!(said.out.contains(reason), "{}", said.out);
    }
}

#[test]
fn what_was_never_noticed_has_no_maximum() {
    // The registry suspects 2 to 3 s after a crash, the caller's own detector after 7 s at the
    // earliest. So one of both never notices five seconds, and none of them one.
    let faults = "detector = { kind = \"timeout\", interval = \"1s\", timeout = \"8s\" }\n\
                  [registry]\nprofile = \"lease\"\nlease_duration = \"3s\"\n\
                  heartbeat_interval = \"1s\"\n\
                  [fault.long]\nkind = \"crash\"\ntarget = \"service:web\"\n\
                  at = \"10s\"\nfor = \"5s\"\n\
                  [fault.brief]\nkind = \"crash\"\ntarget = \"service:web\"\n\
                  at = \"30s\"\nfor = \"1s\"\n";
    let text = QUEUE.replace("EXPECT", "e = \"success_ratio >= 10%\"");
    let command = Stormglass::with("queue.toml", &format!("{text}{faults}"));
    let say = |format: &str| {
        let words = ["run", "queue.toml", "--no-charts", "-q"];
        command.say(&[&words[..], &["--replications", "3", "--format", format]].concat())
    };
    let said = say("csv");
    assert_eq!(said.code, Some(0), "{said:?}");
    let values = |measure: &str, fault: &str| -> Vec<f64> {
        let start = format!(",{measure},of {fault},secs,");
        let found = said.out.lines().filter_map(|line| line.split_once(&start));
        found.map(|(_, x)| x.parse().expect("a number")).collect()
    };
    for (measure, fault) in [
        ("detection_time.max", "long"),
        ("detection_time.max", "brief"),
        ("exclusion_time.mean", "brief"),
        ("exclusion_time.max", "brief"),
    ] {
        assert_eq!(
            values(measure, fault),
            [f64::INFINITY; 3],
            "{measure} of {fault}"
        );
    }
    let told = values("exclusion_time.max", "long");
    assert!(
        told.len() == 3 && told.iter().all(|secs| (2.0..3.1).contains(secs)),
        "{told:?}"
    );
    let value: serde_json::Value = serde_json::from_str(&say("json").out).expect("JSON");
    let aggregates = value["aggregates"].as_array().expect("aggregates");
    let is_it =
        |a: &&serde_json::Value| a["measure"] == "detection_time.max" && a["phase"] == "of long";
    let never = aggregates.iter().find(is_it).expect("a headline");
    assert_eq!(never["mean_secs"], "never");
    assert_eq!(
        (&never["known_count"], &never["never_count"]),
        (&3.into(), &3.into())
    );
    assert!(say("text").out.contains("never in 3 of 3"));
}

#[test]
fn replications_go_on_until_what_is_asked_is_precise() {
    let mut seen = Vec::new();
    for jobs in ["1", "4"] {
        let command = queue("e = \"success_ratio >= 90%\"");
        let words = [
            "run",
            "queue.toml",
            "--no-charts",
            "--precision",
            "3%",
            "--jobs",
            jobs,
        ];
        let said = command.say(&[&words[..], &["--metric", "latency.mean"]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.err.contains("precision 3 % reached"), "{said:?}");
        let repeat = "--metric latency.mean --precision 0.03 --no-charts\n";
        assert!(said.out.ends_with(repeat), "{}", said.out);
        seen.push(said.out);
    }
    assert_eq!(seen[0], seen[1]);
    let command = queue("e = \"success_ratio >= 90%\"");
    let words = ["run", "queue.toml", "--no-charts", "--precision", "0.01%"];
    let said = command.say(&[&words[..], &["--max-replications", "12"]].concat());
    assert!(said.err.contains("not reached"), "{said:?}");
    assert!(said.out.contains("12 replications"), "{}", said.out);
}

#[test]
fn one_long_run_without_faults_has_batch_means() {
    let command = queue("e = \"success_ratio >= 90%\"");
    let said = command.say(&["run", "queue.toml", "--no-charts", "-q"]);
    assert!(said.out.contains("BATCH MEANS of this run"), "{}", said.out);
    assert!(said.out.contains("(95 %, 20 batches)"), "{}", said.out);
    // At 99 % load batches of 3 s are far shorter than what the queue remembers.
    let busy = ["--set", "client.shop.arrivals.rate=99/s"];
    let words = ["run", "queue.toml", "--no-charts", "-q"];
    let said = command.say(&[&words[..], &busy].concat());
    assert!(
        said.out.contains("no interval: the batches correlate by"),
        "{}",
        said.out
    );
    let faulty = Stormglass::with("small.toml", SMALL);
    let said = faulty.say(&["run", "small.toml", "--no-charts", "-q"]);
    assert!(!said.out.contains("BATCH MEANS"), "{}", said.out);
}

#[test]
fn a_warm_up_is_found_or_refused() {
    let command = queue("e = \"success_ratio >= 90%\"");
    let auto = ["run", "queue.toml", "--no-charts", "--set", "warmup=auto"];
    let said = command.say(&auto);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err.contains("where MSER-5 finds the mean latency"),
        "{said:?}"
    );
    let saved = fs::read_to_string(command.run_dir().join("scenario.toml")).expect("written");
    assert!(!saved.contains("auto"), "{saved}");
    // More arrivals than the server can do: the queue grows to the end.
    let over = ["--set", "client.shop.arrivals.rate=105/s"];
    let said = command.say(&[&auto[..], &over].concat());
    assert_eq!(said.code, Some(2), "{said:?}");
    let start = "the mean latency does not settle in the first half of the 60 windows";
    assert!(said.err.contains(start), "{said:?}");
    let said = command.say(&["check", "queue.toml", "--set", "warmup=soon"]);
    assert!(
        said.err
            .contains("expected \"auto\" or a time like \"10s\""),
        "{said:?}"
    );
}

#[test]
fn a_warm_up_ends_before_a_fault_that_the_run_sets_off() {
    // The queue fills, and a fault that waits for it begins soon after the start.
    let command = queue("e = \"success_ratio >= 10%\"");
    let fault = "\n[fault.late]\nkind = \"slow\"\ntarget = \"service:web\"\nfactor = 2\n\
                 for = \"5s\"\n";
    let text = fs::read_to_string(command.path("queue.toml")).expect("read");
    let with = |when: &str| {
        fs::write(command.path("queue.toml"), format!("{text}{fault}{when}\n")).expect("written");
        command.say(&["run", "queue.toml", "--no-charts", "--set", "warmup=auto"])
    };
    let said = with("when = \"in_flight of service:web > 0 for 1ms\"");
    assert_eq!(said.code, Some(2), "{said:?}");
    let part = "windows lie before the first fault; at least 20 are needed";
    assert!(said.err.contains(part), "{said:?}");
    // One that never begins is in nobody's way.
    let said = with("when = \"in_flight of service:web > 1000000 for 1ms\"");
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn the_samples_of_many_replications_need_memory_too() {
    let command = queue("e = \"success_ratio >= 90%\"");
    let words = [
        "run",
        "queue.toml",
        "--no-charts",
        "-q",
        "--max-memory",
        "12MiB",
    ];
    let said = command.say(&[&words[..], &["--replications", "200"]].concat());
    assert_eq!(said.code, Some(2), "{said:?}");
    // Whole run and steady: two times a hundred sections of 32 KiB.
    let part = "the samples of 200 replications would need about 7 MiB besides the ";
    assert!(said.err.contains(part), "{said:?}");
    let said = command.say(&[&words[..], &["--replications", "3"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// A crash under leases whose heartbeats are aligned.
const LEASES: &str = r#"# When does a lease end?
schema = 1
name = "leases"
seed = 1
duration = "40s"

[registry]
profile = "lease"
lease_duration = "3s"
heartbeat_interval = "1s"
phase = "aligned"
sweep_phase = "aligned"

[service.web]
count = 2
workers = 1
service_time = "10ms"

[client.shop]
arrivals = { process = "poisson", rate = "20/s" }

[client.shop.call.web]
attempt_timeout = "500ms"

[fault.crash]
kind = "crash"
target = "instance:web/main/0"
at = "20s"
for = "15s"
"#;

#[test]
fn numbers_that_are_equal_in_all_replications_are_judged_by_their_signs() {
    // A lease ends as late in every replication, and the mean of five equal numbers is rounded.
    // Five of five are no evidence: 2 / 2^5.
    for (measure, leases) in [
        ("detection_time.max", "1500ms,3600ms"),
        ("detection_time.max", "3s,6s"),
        ("exclusion_time.max", "2500ms,3600ms"),
    ] {
        let command = Stormglass::with("leases.toml", LEASES);
        let vary = format!("registry.lease_duration={leases}");
        let measure = format!("{measure} of fault.crash");
        let words = [
            "compare",
            "leases.toml",
            "--no-charts",
            "-q",
            "--vary",
            &vary,
        ];
        let asked = [
            "--primary",
            &measure,
            "--replications",
            "5",
            "--format",
            "json",
        ];
        let said = command.say(&[&words[..], &["--metric", &measure], &asked].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let is_it = |m: &&serde_json::Value| m["measure"] == measure;
        let measures = value["measures"].as_array().expect("measures");
        let row = &measures.iter().find(is_it).expect("asked")["variants"][1];
        assert_eq!(row["verdict"], "no evidence", "{row}");
        let p_value = row["against_reference"]["p"].as_f64().expect("a p-value");
        assert!((p_value - 0.0625).abs() < 1e-12, "{row}");
    }
}
