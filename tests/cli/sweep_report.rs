//! What a sweep directory says: pooled numbers, its page, and that its runs can be run again.

use std::fs;

use super::support::{SMALL, Said, Stormglass};
use super::sweep::{column, swept};

fn sweep(command: &Stormglass, args: &[&str]) -> Said {
    command.say(&[&["sweep", "small.toml", "--out", "out", "-q"], args].concat())
}

#[test]
fn short_runs_have_a_percentile_together() {
    // 2 callers x 25/s x 10 s: some 500 requests, of which 5 lie above p99.
    let command = Stormglass::with("small.toml", SMALL);
    let short = [
        "--set",
        "duration=10s",
        "--set",
        "fault.loss.at=9s",
        "--set",
        "fault.loss.for=500ms",
        "--axis",
        "client.shop.arrivals.rate=25/s,30/s",
        "--metric",
        "latency.p99",
        "--no-charts",
    ];
    let said = sweep(&command, &[&short[..], &["--repeat", "8"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let points = command.path("out/points.csv");
    assert_eq!(column(&points, "estimate"), ["pooled", "pooled"]);
    assert_eq!(column(&points, "known_count"), ["0", "0"]);
    for (value, high) in column(&points, "value")
        .iter()
        .zip(column(&points, "interval_95_high"))
    {
        let value: f64 = value.parse().expect("a number");
        let high: f64 = high.parse().expect("a number");
        // Of the exponential service times alone it is 5 ms x ln 100 = 23 ms.
        assert!(
            0.02 < value && value <= high && high < 0.05,
            "{value} {high}"
        );
    }
    // Four replications are too few to say how far they differ.
    fs::remove_dir_all(command.path("out")).expect("removed");
    let said = sweep(&command, &[&short[..], &["--repeat", "4"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(column(&points, "estimate"), ["none", "none"]);
}

#[test]
fn the_page_of_a_sweep_answers_with_numbers_and_works_alone() {
    let command = swept();
    let limit = ["--objective", "latency.p50 <= 5ms"];
    let said = sweep(&command, &limit);
    assert_eq!(said.code, Some(0), "{said:?}");
    let html = fs::read_to_string(command.path("out/report.html")).expect("written");
    for part in [
        "Does a small thing work?",
        "<strong>Answer.</strong>",
        "of 4 points hold latency.p50 &lt;= 5ms",
        "success_ratio is best",
        "<figure id=\"lines-0-success-ratio\"",
        "<figure id=\"map-1-latency-p50\"",
        "<h2>Method</h2>",
        "range = &quot;50/s..200/s/3 log&quot;",
        "stormglass sweep --run-plan plan.json",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.len() <= 2_000_000);
    for address in ["http:", "https:", "src=\"", "<link", "url("] {
        assert!(!html.contains(address), "{address}");
    }
    let markdown = fs::read_to_string(command.path("out/report.md")).expect("written");
    assert!(
        markdown.contains("**Answer.**") && markdown.contains("](charts/map-1-latency-p50.svg)")
    );
    let words = column(&command.path("out/points.csv"), "objectives");
    assert!(
        words
            .iter()
            .all(|word| ["hold", "broken", "open"].contains(&word.as_str()))
    );
}

#[test]
fn an_objective_that_cannot_be_judged_is_refused() {
    let command = swept();
    for (limit, part) in [
        (
            "latency.p99 <= 5ms",
            "error: objective `latency.p99 <= 5ms`: its measure is not read; name it in",
        ),
        ("latency.p50 <= 5", "a time needs a unit"),
        (
            "latency.p50 <= 2 * latency.mean",
            "error: objective `latency.p50 <= 2 * latency.mean`: its limit must be a number",
        ),
    ] {
        let said = sweep(&command, &["--objective", limit]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let text = fs::read_to_string(command.path("small.toml")).expect("read");
    let text = text.replace(
        "repeat = 3\n",
        "repeat = 3\nobjectives = [\"latency.p5x < 1ms\"]\n",
    );
    fs::write(command.path("small.toml"), text).expect("written");
    let said = command.say(&["check", "small.toml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("small.toml:"), "{}", said.err);
    assert!(said.err.contains("did you mean `p50`?"), "{}", said.err);
}

#[test]
fn a_third_axis_has_a_map_for_each_of_its_values() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = sweep(
        &command,
        &[
            "--axis",
            "service.web.count=1,2,3",
            "--axis",
            "service.web.workers=1,2",
            "--axis",
            "client.shop.count=1,2",
            "--repeat",
            "1",
            "--metric",
            "success_ratio",
        ],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let map = command.path("out/charts/map-0-success-ratio.csv");
    let panels = column(&map, "panel");
    assert_eq!(panels.len(), 12);
    assert_eq!(
        (panels[0].as_str(), panels[11].as_str()),
        ("client.shop.count = 1", "client.shop.count = 2")
    );
}

#[test]
fn runs_of_a_sweep_are_run_again() {
    let command = swept();
    assert_eq!(sweep(&command, &["--no-charts"]).code, Some(0));
    let said = command.say(&["verify", "out", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("out: 12 runs and "), "{said:?}");
    let said = command.say(&["verify", "out", "-q", "--runs", "3"]);
    let part = "out: 3 of 12 runs (evenly spread; --runs 0 takes all) and ";
    assert!(said.out.starts_with(part), "{said:?}");
    // Another scenario in the place of this one, with all hashes as they should be, is a plan of
    // its own; a file that is not what it was is named.
    let records = command.path("out/records.jsonl");
    let text = fs::read_to_string(&records).expect("read");
    fs::write(&records, text.replacen("\"run\":0", "\"run\":1", 1)).expect("written");
    let said = command.say(&["verify", "out", "-q"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out
            .contains("records.jsonl: its contents are not those"),
        "{said:?}"
    );
}
