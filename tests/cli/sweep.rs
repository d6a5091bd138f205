//! `stormglass sweep`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::support::{SMALL, Said, Stormglass, contents_of, names_in, said, spawn};

/// Four points, of which three replications each take a few milliseconds.
pub const TABLE: &str = r#"
[sweep]
repeat = 3
measures = ["success_ratio", "latency.p50", "recovery_time of fault.loss"]
where = ["calls <= 150/s"]

[sweep.axis.servers]
path = "service.web.count"
values = [1, 3]

[sweep.axis.calls]
path = "client.shop.arrivals.rate"
range = "50/s..200/s/3 log"
"#;

/// Attempts that are refused at once are repeated as often as they may.
const RETRIES: &str = r#"# How often is a call tried?
schema = 1
name = "retries"
seed = 7
duration = "20s"

[service.web]
count = 2
workers = 2
service_time = "5ms"

[client.shop]
count = 2
arrivals = { process = "poisson", rate = "20/s" }

[client.shop.call.web]
attempt_timeout = "500ms"
deadline = "1s"
retry = { attempt_count_max = 50, backoff = { min = "1ms", max = "1ms" } }

[fault.loss]
kind = "crash"
target = "service:web"
at = "8s"
for = "4s"
"#;

/// The command with the small scenario and its sweep.
pub fn swept() -> Stormglass {
    Stormglass::with("small.toml", &format!("{SMALL}{TABLE}"))
}

fn sweep(command: &Stormglass, args: &[&str]) -> Said {
    command.say(&[&["sweep", "small.toml"], args].concat())
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of a CSV file by column.
pub fn column(path: &Path, name: &str) -> Vec<String> {
    let text = text(path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().expect("a head").clone();
    let place = head.iter().position(|column| column == name);
    let place = place.unwrap_or_else(|| panic!("no {name} in {head:?}"));
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row[place].to_string()).collect()
}

#[test]
fn a_row_tells_point_replication_seed_axes_measure_and_value() {
    let command = swept();
    let said = sweep(&command, &["--out", "out", "-q"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let path = command.path("out/results.csv");
    // 50/s to 200/s by equal ratios is 100/s in the middle, and 200/s is excluded.
    assert_eq!(column(&path, "servers")[..13], ["1"; 13]);
    let calls = column(&path, "calls_per_sec");
    assert_eq!(
        (calls.len(), &calls[8], &calls[9]),
        (36, &"50".into(), &"100".into())
    );
    assert_eq!(
        column(&path, "seed")[..9],
        ["7", "7", "7", "8", "8", "8", "9", "9", "9"]
    );
    assert_eq!(column(&path, "replication")[9..13], ["0", "0", "0", "1"]);
    assert_eq!(column(&path, "unit")[..3], ["ratio", "secs", "secs"]);
    let lines = text(&command.path("out/results.jsonl"));
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let values = column(&path, "value");
    for (line, value) in lines.iter().zip(&values) {
        // The parser of the test is off by a bit at times.
        let (read, value) = (
            line["value"].as_f64(),
            value.parse::<f64>().expect("a number"),
        );
        let is_same = read.map_or(value.is_infinite(), |read| (read - value).abs() < 1e-12);
        assert!(is_same, "{value}: {line}");
    }
    assert_eq!(lines.len(), values.len());
}

#[test]
fn a_run_of_a_sweep_is_the_run_of_its_scenario_with_its_values() {
    let command = swept();
    sweep(&command, &["--out", "out", "-q"]);
    let records = text(&command.path("out/records.jsonl"));
    let record: serde_json::Value =
        serde_json::from_str(records.lines().nth(5).expect("a run")).expect("JSON");
    // Run 5: the second point, 1 server and 100/s, and its third seed.
    let alone = command.say(&[
        "run",
        "small.toml",
        "--seed",
        "9",
        "--set",
        "service.web.count=1",
        "--set",
        "client.shop.arrivals.rate=100/s",
        "--format",
        "json",
        "-q",
        "--no-charts",
    ]);
    let alone: serde_json::Value = serde_json::from_str(&alone.out).expect("JSON");
    assert_eq!(record["digest"], alone["digest"], "{record}");
}

#[test]
fn the_bytes_are_the_same_for_any_number_of_jobs() {
    let command = swept();
    for jobs in ["1", "4"] {
        sweep(&command, &["--out", jobs, "--jobs", jobs, "-q"]);
    }
    assert_eq!(
        contents_of(&command.path("1")),
        contents_of(&command.path("4"))
    );
}

/// Waits until a journal has some lines.
fn wait_for_lines(path: &Path, count: usize) {
    let started = Instant::now();
    while fs::read_to_string(path).map_or(0, |text| text.lines().count()) < count {
        assert!(started.elapsed() < Duration::from_secs(60), "no runs end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_sweep_that_was_killed_goes_on_and_gives_the_same_bytes() {
    let command = swept();
    // Enough runs that it cannot end before it is killed.
    let args = [
        "sweep",
        "small.toml",
        "--out",
        "out",
        "--repeat",
        "100",
        "--jobs",
        "2",
    ];
    let mut child = spawn(command.command(&args).stdin(Stdio::null()));
    let journal = command.path("out.partial/journal.jsonl");
    wait_for_lines(&journal, 5);
    child.kill().expect("it runs");
    said(child);
    assert!(
        !command.path("out").exists(),
        "a sweep directory is complete or absent"
    );
    let done_count = text(&journal).matches('\n').count();
    let resumed = command.say(&args);
    let note = format!("going on: {done_count} of 400 runs are done");
    assert!(resumed.err.contains(&note), "{note}: {resumed:?}");
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(!command.path("out.partial").exists());
    let whole = [
        "sweep",
        "small.toml",
        "--out",
        "whole",
        "--repeat",
        "100",
        "-q",
    ];
    command.say(&whole);
    assert_eq!(
        contents_of(&command.path("out")),
        contents_of(&command.path("whole"))
    );
}

#[test]
fn an_unfinished_sweep_of_another_plan_is_refused() {
    let command = swept();
    let args = ["--out", "out", "--repeat", "200", "--jobs", "1"];
    let words = [&["sweep", "small.toml"], &args[..]].concat();
    let mut child = spawn(command.command(&words).stdin(Stdio::null()));
    wait_for_lines(&command.path("out.partial/journal.jsonl"), 1);
    child.kill().expect("it runs");
    said(child);
    let changed = SMALL.replace("5ms", "6ms") + TABLE;
    fs::write(command.path("small.toml"), changed).expect("written");
    let said = sweep(&command, &args);
    assert_eq!(said.code, Some(2), "{said:?}");
    let start = "error: out.partial holds an unfinished sweep of another plan: the scenario,";
    assert!(said.err.starts_with(start), "{}", said.err);
}

#[test]
fn a_sweep_that_is_done_is_shown_again() {
    let command = swept();
    let first = sweep(&command, &["--out", "out"]);
    let manifest = text(&command.path("out/manifest.json"));
    let again = sweep(&command, &["--out", "out"]);
    assert_eq!(first.out, again.out);
    assert_eq!(manifest, text(&command.path("out/manifest.json")));
    assert_eq!(
        again.err,
        "this sweep is done; its numbers are shown again\n"
    );
}

fn retries(args: &[&str]) -> (Stormglass, Said) {
    let command = Stormglass::with("retries.toml", RETRIES);
    let axis = "client.shop.call.web.retry.attempt_count_max=2,50";
    let fixed = [
        "sweep",
        "retries.toml",
        "--axis",
        axis,
        "--repeat",
        "2",
        "--max-events",
        "8000",
        "--out",
        "out",
        "-q",
        "--jobs",
        "1",
    ];
    let said = command.say(&[&fixed, args].concat());
    (command, said)
}

#[test]
fn a_failed_run_is_recorded_with_its_reason_and_does_not_stop_the_others() {
    let (command, said) = retries(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.starts_with("error: 2 runs failed; why, and how"),
        "{}",
        said.err
    );
    let states = column(&command.path("out/runs.csv"), "state");
    assert_eq!(states, ["done", "done", "failed", "failed"]);
    let failures = text(&command.path("out/failures.jsonl"));
    let failure: serde_json::Value =
        serde_json::from_str(failures.lines().next().expect("a failure")).expect("JSON");
    let reason = failure["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("it was stopped: more than 8000 events"),
        "{reason}"
    );
    // The command fails in the same way, in the directory of the sweep.
    let repeat = failure["repeat_here_with"].as_str().expect("a command");
    let words = repeat.replace('\'', "");
    let words: Vec<&str> = words.split(' ').skip(1).collect();
    let alone = command
        .command(&words)
        .current_dir(command.path("out"))
        .output()
        .expect("runs");
    let err = String::from_utf8(alone.stderr).expect("UTF-8");
    assert!(
        err.contains(reason.split_once(": ").expect("a reason").1),
        "{err}"
    );
}

#[test]
fn the_first_failure_stops_a_sweep_on_demand() {
    let (command, said) = retries(&["--fail-fast"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.starts_with("error: a run failed: it was stopped"),
        "{}",
        said.err
    );
    assert!(!command.path("out").exists());
    assert_eq!(
        text(&command.path("out.partial/journal.jsonl"))
            .lines()
            .count(),
        3
    );
}

#[test]
fn a_dry_run_prints_the_points_and_writes_nothing() {
    let command = swept();
    let said = sweep(&command, &["--dry-run"]);
    let expected = "servers = 1, calls = 50/s\nservers = 1, calls = 100/s\n\
                    servers = 3, calls = 50/s\nservers = 3, calls = 100/s\n\
                    4 points x 3 replications = 12 runs\n";
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), expected),
        "{said:?}"
    );
    assert_eq!(names_in(command.dir.path()), ["small.toml"]);
}

#[test]
fn what_makes_no_sweep_is_refused_with_what_to_write() {
    let command = Stormglass::with("small.toml", SMALL);
    let axis = "service.web.count=1..9/3";
    for (args, start) in [
        (
            &[][..],
            "error: small has no [sweep]; name what is varied: --axis PATH=A,B",
        ),
        (
            &["--axis", "service.web.count"],
            "error: --axis service.web.count: a path without",
        ),
        (
            &["--axis", "service.web.count=1,,2"],
            "error: --axis service.web.count=1,,2: a value is",
        ),
        (
            &["--axis", "service.web.count=1..9"],
            "error: --axis service.web.count=1..9: not a ran",
        ),
        (
            &["--axis", "seed=1,2"],
            "error: an axis on `seed`; points are run on the same seeds",
        ),
        (
            &["--axis", axis, "--axis", axis],
            "error: two axes on `service.web.count`",
        ),
        (
            &["--axis", axis, "--where", "n > 1"],
            "error: --where n > 1: `n` is no axis and no",
        ),
        (
            &["--axis", axis, "--where", "service.web.count > 9"],
            "error: no point fulfills every",
        ),
        (
            &["--axis", axis, "--pareto", "latency.p50", "throughput"],
            "error: throughput is neither",
        ),
        (
            &["--axis", axis, "--shard", "0/2"],
            "error: parts are those of a plan: write one",
        ),
    ] {
        let said = sweep(&command, &[args, &["-q"]].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.starts_with(start), "{start}: {}", said.err);
    }
}

#[test]
fn a_value_that_cannot_be_is_shown_with_its_point() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = sweep(&command, &["--axis", "service.web.count=1,none", "-q"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("--> axis:1:19") && said.err.contains("\"none\""),
        "{}",
        said.err
    );
    let hint = "hint: this was the point count = none; leave it out with --where";
    assert!(said.err.contains(hint), "{}", said.err);
    let said = sweep(&command, &["--axis", "service.web.cuont=1,2", "-q"]);
    assert!(said.err.contains("did you mean `count`?"), "{}", said.err);
    assert!(!said.err.contains("hint"), "{}", said.err);
    let table = TABLE.replace("[1, 3]", "[1, 0]");
    fs::write(command.path("small.toml"), format!("{SMALL}{table}")).expect("written");
    let said = command.say(&["check", "small.toml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("point servers = 0, calls = \"50/s\": "),
        "{}",
        said.err
    );
}

/// A measure at a point of the swept heartbeats, and the upper half of its interval.
fn mean(rows: &[csv::StringRecord], point: (&str, &str), measure: &str) -> (f64, f64) {
    let row = rows
        .iter()
        .find(|row| (&row[1], &row[2], &row[3]) == (point.0, point.1, measure));
    let row = row.unwrap_or_else(|| panic!("{point:?} {measure}"));
    let number = |place: usize| -> f64 { row[place].parse().expect("a number") };
    (number(9), number(11) - number(9))
}

#[test]
fn swept_heartbeats_meet_their_closed_forms() {
    let scenario = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/heartbeat-sweep.toml");
    let command = Stormglass::new();
    let said = command.say(&[
        "sweep",
        &scenario.display().to_string(),
        "--out",
        "out",
        "-q",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = text(&command.path("out/points.csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    for (interval, timeout) in [
        (1.0, 1.6),
        (1.0, 2.1),
        (0.5, 1.1),
        (0.5, 1.6),
        (0.25, 1.1),
        (0.25, 3.1),
    ] {
        let point = (interval.to_string(), timeout.to_string());
        let point = (point.0.as_str(), point.1.as_str());
        // Half an interval to the crash, and those heartbeats before it that got lost.
        let expected = timeout - interval * (0.5 + 0.1 / 0.9);
        let (value, half_width) = mean(&rows, point, "detection_time.mean of fault.crash");
        // Of 99.9 %, Student's t of nine degrees is 4.78 instead of 2.26.
        let error = (value - expected).abs();
        assert!(
            error <= 2.2 * half_width,
            "{point:?}: {value} for {expected}"
        );
        let losses = (timeout / interval) as i32;
        let expected = (0..losses).map(|_| 0.1).product::<f64>() * 0.9 / interval;
        let (value, half_width) = mean(&rows, point, "mistake_rate");
        // None seen where less than one is expected.
        let error = (value - expected).abs();
        let is_rare = expected * 12_000.0 < 1.0;
        let allowed = if is_rare { 3e-4 } else { 2.2 * half_width };
        assert!(error <= allowed, "{point:?}: {value} for {expected}");
    }
    let sweep: serde_json::Value =
        serde_json::from_slice(&fs::read(command.path("out/sweep.json")).expect("read"))
            .expect("JSON");
    // Point 0: 250 ms and 1.1 s, within 0.15 s of the quickest and 50 times less often wrong.
    assert_eq!(sweep["front"]["chosen"], 0, "{sweep}");
}
