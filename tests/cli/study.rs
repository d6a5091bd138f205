//! `stormglass optimize` and `stormglass sensitivity`.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::{SMALL, Said, Stormglass, contents_of};

fn heartbeats() -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    folder.join("heartbeat-sweep.toml").display().to_string()
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn optimize(goal: &str, args: &[&str]) -> Said {
    let scenario = heartbeats();
    let fixed = ["optimize", &scenario, goal, "-q", "--format", "json"];
    Stormglass::new().say(&[&fixed, args].concat())
}

#[test]
fn the_quickest_detector_that_is_rarely_wrong_is_found() {
    // Of those with fewer mistakes than 0.002/s (0.1^n x 0.9 / interval) the quickest is 250 ms
    // and 1.1 s: 0.95 s and 0.00036/s. 500 ms and 1.1 s is quicker and wrong at 0.018/s.
    let goal = "minimize detection_time.mean of fault.crash subject to mistake_rate <= 0.002/s";
    let said = optimize(goal, &["--budget", "100", "--confirm", "10"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let value = json(&said);
    let setting = &value["winner"]["setting"];
    assert_eq!(setting["client.shop.call.web.detector.interval"], "250ms");
    assert_eq!(setting["client.shop.call.web.detector.timeout"], "1100ms");
    let ends = &value["winner"]["interval_95"];
    let expected = 1.1 - 0.25 * (0.5 + 0.1 / 0.9);
    let (low, high) = (
        ends[0].as_f64().expect("an end"),
        ends[1].as_f64().expect("an end"),
    );
    assert!(low - 0.02 <= expected && expected <= high + 0.02, "{value}");
    assert_eq!(value["winner"]["constraints"][0]["state"], "held");
    assert_eq!(value["is_better_than_second"], true, "{value}");
    // The search ends before the fresh seeds begin.
    let rounds = value["rounds"].as_array().expect("rounds");
    let used = rounds.last().expect("a round")["replication_count"]
        .as_u64()
        .expect("a number");
    assert_eq!(value["fresh_seed"].as_u64(), Some(1 + used));
    assert_eq!(rounds[0]["points"].as_array().expect("points").len(), 11);
}

#[test]
fn a_constraint_that_no_point_holds_is_said_to_be_broken() {
    let goal = "minimize detection_time.mean of fault.crash subject to success_ratio >= 100%";
    let axis = "client.shop.call.web.detector.timeout=1100ms,1600ms";
    let said = optimize(goal, &["--budget", "1", "--confirm", "5", "--axis", axis]);
    assert_eq!(said.code, Some(99), "{said:?}");
    assert_eq!(json(&said)["winner"]["constraints"][0]["state"], "failed");
}

#[test]
fn the_same_search_gives_the_same_bytes_for_any_number_of_jobs() {
    let goal = "maximize goodput";
    let axis = "client.shop.call.web.detector.timeout=1100ms,1600ms";
    let args = |jobs| {
        [
            "--budget",
            "1",
            "--confirm",
            "5",
            "--axis",
            axis,
            "--jobs",
            jobs,
        ]
    };
    assert_eq!(
        optimize(goal, &args("1")).out,
        optimize(goal, &args("4")).out
    );
}

#[test]
fn what_is_no_goal_is_refused() {
    let command = Stormglass::with("small.toml", SMALL);
    let axis = ["--axis", "service.web.count=1,2", "-q"];
    for (goal, part) in [
        (
            "latency.p99",
            "error: `latency.p99`: not a goal; write minimize MEASURE",
        ),
        ("minimize latency.p9x", "did you mean `p90`?"),
        ("minimize latency.p99 subject to latency.p50", "expected"),
    ] {
        let said = command.say(&[&["optimize", "small.toml", goal], &axis[..]].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let said = command.say(&["optimize", "small.toml", "minimize latency.p99", "-q"]);
    assert!(
        said.err.starts_with("error: small has no [sweep]"),
        "{said:?}"
    );
}

const CONSTANT: &str = r#"# How long does a call take?
schema = 1
name = "constant"
seed = 11
duration = "20s"

[sensitivity]
measure = "latency.p50"
repeat = 3

[sensitivity.input.demand]
path = "service.web.service_time"
uncertain = ["30ms", "90ms"]

[sensitivity.input.workers]
path = "service.web.workers"

[expect]
quick = "latency.p50 <= 70ms"

[network]
same_zone = "1ms"

[service.web]
count = 1
workers = 60
service_time = "40ms"

[client.shop]
count = 1
arrivals = { process = "poisson", rate = "100/s" }

[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "10s"
deadline = "10s"
"#;

#[test]
fn the_input_that_matters_comes_first_with_the_value_at_which_the_verdict_flips() {
    let command = Stormglass::with("constant.toml", CONSTANT);
    let said = command.say(&["sensitivity", "constant.toml", "-q", "--format", "json"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let value = json(&said);
    let inputs = value["inputs"].as_array().expect("inputs");
    assert_eq!(inputs[0]["input"], "demand");
    // Two ways of 1 ms, and nobody waits.
    let near = |value: &serde_json::Value, expected: f64| {
        let value = value["number"]["value"].as_f64().expect("a number");
        assert!(
            (value - expected).abs() < 0.001 * expected,
            "{value} for {expected}"
        );
    };
    near(&inputs[0]["ends"][0], 0.032);
    near(&inputs[0]["ends"][1], 0.092);
    let flip = &inputs[0]["ends"][1]["flips_between"];
    let millis = |side: usize| -> f64 {
        let text = flip[side].as_str().expect("a value").trim_end_matches("ms");
        text.parse().expect("a number")
    };
    // 68 ms and two ways make 70 ms; 50 ms in eight steps leave 0.2 ms, a percentile 0.1 %.
    assert!(
        millis(0) <= 68.1 && 67.9 <= millis(1) && millis(1) - millis(0) < 0.21,
        "{flip}"
    );
    assert_eq!(
        inputs[0]["ends"][0]["flips_between"],
        serde_json::Value::Null
    );
    // 20 % of 60 workers, where four are busy: nothing changes.
    assert_eq!(inputs[1]["input"], "workers");
    assert_eq!(inputs[1]["ends"][0]["value"], "48");
    assert_eq!(inputs[1]["ends"][1]["value"], "72");
    near(&inputs[1]["ends"][0], 0.042);
    assert_eq!(inputs[1]["ends"][0]["p"], 1.0);
}

#[test]
fn the_tornado_is_written_on_demand() {
    let command = Stormglass::with("constant.toml", CONSTANT);
    let said = command.say(&["sensitivity", "constant.toml", "-q", "--chart", "tornado"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let sentence = "the verdict flips: expectations hold at demand = 40ms and fail at 90ms; the \
                    numbers cross a limit between 6";
    assert!(said.out.contains(sentence), "{}", said.out);
    let svg = fs::read_to_string(command.path("tornado.svg")).expect("written");
    assert!(svg.contains("demand moves latency.p50 most"), "{svg}");
    let csv = fs::read_to_string(command.path("tornado.csv")).expect("written");
    assert!(
        csv.starts_with("input,end,value,latency.p50,low,high\ndemand,lower,30ms,0.03"),
        "{csv}"
    );
    assert!(
        fs::read(command.path("tornado.png"))
            .expect("written")
            .starts_with(b"\x89PNG")
    );
}

#[test]
fn what_cannot_be_varied_is_refused() {
    let command = Stormglass::with("constant.toml", CONSTANT);
    for (input, part) in [
        (
            "service.web.speed",
            "the scenario does not set it; use --set first",
        ),
        (
            "client.shop.call.web.balancer",
            "its value is no quantity; write PATH=LOW,HIGH",
        ),
        (
            "service.web.workers=1",
            "expected two values, PATH=LOW,HIGH",
        ),
    ] {
        let said = command.say(&["sensitivity", "constant.toml", "-q", "--input", input]);
        let expected = format!("error: --input {input}: {part}\n");
        assert_eq!((said.code, said.err), (Some(2), expected));
    }
    let text = CONSTANT.replace("[\"30ms\", \"90ms\"]", "[\"30ms\", \"never\"]");
    fs::write(command.path("constant.toml"), text).expect("written");
    let said = command.say(&["check", "constant.toml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("point demand = \"never\": "),
        "{}",
        said.err
    );
}

/// The first digest in a manifest is changed.
fn change_a_digest(directory: &Path) {
    let path = directory.join("manifest.json");
    let text = fs::read_to_string(&path).expect("written");
    let at = text.find("\"digest\": \"").expect("a digest") + 11;
    fs::write(&path, format!("{}x{}", &text[..at], &text[at + 1..])).expect("written");
}

/// What every directory of a study is good for.
fn assert_told_and_verified(command: &Stormglass, runs: &str) {
    let html = fs::read_to_string(command.path("out/report.html")).expect("written");
    for part in [
        "<div class=\"question\">",
        "<strong>Answer.</strong>",
        "<h2>Method</h2>",
        "<h2>Repeat</h2>",
        "The scenario before anything is changed",
        "<svg",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.len() <= 2_000_000 && !html.contains("http:") && !html.contains("https:"));
    assert!(fs::read(command.path("out/report.md")).is_ok());
    let said = command.say(&["verify", "out", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(runs), "{said:?}");
    change_a_digest(&command.path("out"));
    let said = command.say(&["verify", "out", "-q"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("the manifest says x"), "{said:?}");
}

#[test]
fn a_search_leaves_a_directory_with_the_same_bytes_and_runs_that_can_be_verified() {
    let command = Stormglass::with("small.toml", SMALL);
    let search = |out: &str, jobs: &str| {
        let words = [
            "optimize",
            "small.toml",
            "minimize latency.p99 subject to success_ratio >= 50%",
            "--axis",
            "service.web.workers=1,2,4",
            "--budget",
            "9",
            "--confirm",
            "5",
            "-q",
            "--out",
            out,
            "--jobs",
            jobs,
        ];
        let said = command.say(&words);
        assert_eq!(said.code, Some(0), "{said:?}");
        contents_of(&command.path(out))
    };
    let first = search("out", "1");
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "charts/standings.csv",
            "charts/standings.json",
            "charts/standings.png",
            "charts/standings.svg",
            "optimize.json",
            "report.html",
            "report.md",
            "rounds.csv",
            "scenario.toml"
        ]
    );
    assert!(first == search("again", "4"), "the bytes differ");
    // Three replications of three points, of which two have two more, and twice five fresh seeds.
    assert_told_and_verified(&command, ": 23 runs and 9 files verified");
}

#[test]
fn a_sensitivity_study_leaves_a_directory_whose_runs_can_be_verified() {
    let command = Stormglass::with("constant.toml", CONSTANT);
    let said = command.say(&["sensitivity", "constant.toml", "-q", "--out", "out"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for name in ["sensitivity.json", "ends.csv", "charts/tornado.svg"] {
        assert!(command.path("out").join(name).exists(), "{name}");
    }
    assert!(
        said.out
            .contains("repeat with: stormglass sensitivity constant.toml\n")
    );
    assert_told_and_verified(&command, " runs and 9 files verified");
}
