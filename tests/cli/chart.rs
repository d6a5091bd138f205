//! Charts that are drawn again.

use std::fs;

use super::support::{SMALL, Stormglass, names_in, said, spawn};

fn run() -> (Stormglass, String) {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--out", "run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    (command, "run".to_string())
}

#[test]
fn every_chart_is_drawn_again_with_the_same_bytes() {
    let (command, run_dir) = run();
    let files = names_in(&command.path("run/charts"));
    let names: Vec<&str> = files
        .iter()
        .filter_map(|file| file.strip_suffix(".json"))
        .collect();
    assert!(3 <= names.len(), "{names:?}");
    for name in names {
        for format in ["svg", "csv", "png"] {
            let file = format!("{name}.{format}");
            let args = ["chart", &run_dir, name, "-o", &file];
            let said = command.say(&args);
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
            let first = fs::read(command.path(&format!("run/charts/{file}")));
            let again = fs::read(command.path(&file));
            assert_eq!(first.expect("written"), again.expect("written"), "{name}");
        }
    }
}

#[test]
fn a_chart_has_the_width_and_the_theme_that_are_asked_for() {
    let (command, run_dir) = run();
    let said = command.say(&[
        "chart", &run_dir, "latency", "--width", "400", "--theme", "dark",
    ]);
    assert!(said.out.contains("width=\"400\""), "{}", said.out);
    assert!(said.out.contains("fill=\"#161A20\""), "{}", said.out);
    let said = command.say(&["chart", &run_dir, "latency", "--width", "100"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("320..=4000"), "{}", said.err);
}

#[test]
fn without_a_name_the_charts_are_listed() {
    let (command, run_dir) = run();
    let said = command.say(&["chart", &run_dir]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("latency"), "{}", said.out);
    let said = command.say(&["chart", &run_dir, "latensy"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err
            .contains("has no chart `latensy`; it has: latency, requests"),
        "{}",
        said.err
    );
}

#[test]
fn a_chart_that_was_changed_is_refused() {
    let (command, run_dir) = run();
    let path = command.path("run/charts/latency.json");
    let text = fs::read_to_string(&path).expect("written");
    fs::write(&path, text.replace("p99", "p98")).expect("written");
    let said = command.say(&["chart", &run_dir, "latency"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(
        said.err.contains("its contents are not those of the run"),
        "{}",
        said.err
    );
}

#[test]
fn the_messages_of_a_window_are_those_of_the_run() {
    let (command, run_dir) = run();
    let said = command.say(&[
        "chart", &run_dir, "messages", "--from", "1s", "--for", "200ms", "--format", "csv",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut lines = said.out.lines();
    assert_eq!(lines.next(), Some("message,from,to,sent (ms),arrived (ms)"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    // 100 requests per second for 200 ms, each with a request and a reply.
    assert!((20..80).contains(&rows.len()), "{} rows", rows.len());
    for row in &rows {
        assert!(["request", "reply", "failure"].contains(&row[0]), "{row:?}");
        let sent: f64 = row[3].parse().expect("ms");
        let arrived: Option<f64> = row[4].parse().ok();
        assert!(sent < 200.0, "sent after the window: {row:?}");
        assert!(
            arrived.is_none_or(|arrived| sent <= arrived),
            "arrived before it was sent: {row:?}"
        );
        let is_request = row[0] == "request";
        assert_eq!(
            is_request,
            row[1].starts_with("shop/") && row[2].starts_with("web/")
        );
    }
    let svg = command.say(&[
        "chart", &run_dir, "messages", "--from", "1s", "--for", "200ms",
    ]);
    assert!(
        svg.out.contains("under way in 200 ms from 1 s on"),
        "{}",
        svg.out
    );
    let again = command.say(&[
        "chart", &run_dir, "messages", "--from", "1s", "--for", "200ms",
    ]);
    assert_eq!(svg.out, again.out);
}

#[test]
fn the_messages_of_one_request_are_told_alone() {
    let (command, run_dir) = run();
    let said = command.say(&["why", &run_dir, "--slowest", "1"]);
    let id = said.out.lines().nth(1).expect("one").trim()[..16].to_string();
    let args = [
        "chart",
        &run_dir,
        "messages",
        "--request",
        &id,
        "--format",
        "csv",
    ];
    let said = command.say(&args);
    assert_eq!(said.code, Some(0), "{said:?}");
    let request_count = said
        .out
        .lines()
        .filter(|line| line.starts_with("request,"))
        .count();
    assert!((1..=3).contains(&request_count), "{}", said.out);
}

#[test]
fn messages_of_no_window_and_of_another_run_are_refused() {
    let (command, run_dir) = run();
    let fails = |args: &[&str], code: i32, words: &str| {
        let said = command.say(&[&["chart", &run_dir], args].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
        assert!(said.err.contains(words), "{}", said.err);
    };
    fails(
        &["messages"],
        2,
        "needs a window, like --from 12s --for 50ms",
    );
    fails(
        &["messages", "--from", "9h"],
        2,
        "--from 32400 s: the run ends at 20 s",
    );
    fails(
        &["messages", "--from", "1"],
        2,
        "write a time like 12s or 250ms",
    );
    fails(
        &["messages", "--from", "1s", "--for", "0s"],
        2,
        "longer than zero",
    );
    fails(
        &["latency", "--from", "1s"],
        2,
        "`latency` shows the whole run",
    );
    fails(
        &["messages", "--request", "0000000000000001"],
        2,
        "no attempt of request",
    );
    let path = command.path("run/scenario.toml");
    let text = fs::read_to_string(&path).expect("written");
    fs::write(&path, text.replace("100/s", "101/s")).expect("written");
    fails(&["messages", "--from", "1s"], 1, "the manifest says");
}

#[cfg(unix)]
#[test]
fn a_reader_that_went_away_is_no_error() {
    let (command, run_dir) = run();
    let mut child = spawn(&mut command.command(&["chart", &run_dir, "latency"]));
    drop(child.stdout.take());
    let said = said(child);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}
