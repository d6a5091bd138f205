//! What `run` says.

use std::fs;

use super::support::{SMALL, Stormglass, names_in};

#[test]
fn an_override_is_checked_like_the_file() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--set", "client.shop.cuont=3"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("--set"), "{}", said.err);
    assert!(said.err.contains("`count`"), "{}", said.err);
    assert_eq!(names_in(command.dir.path()), ["small.toml"]);
}

#[test]
fn a_run_prints_its_summary_and_writes_a_complete_directory() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let first = said.out.lines().next();
    let title = "small \u{b7} seed 7 \u{b7} 20 s simulated \u{b7} 3 instances, 2 callers";
    assert_eq!(first, Some(title));
    assert!(
        said.out
            .contains("\n  EXPECT\n  \u{2713} users   success_ratio   "),
        "{}",
        said.out
    );
    assert!(
        said.out
            .contains("\n  FAULT loss  crash of 1 instance, 8 s to 12 s\n"),
        "{}",
        said.out
    );
    let run_dir = command.run_dir();
    let name = run_dir
        .file_name()
        .expect("a name")
        .to_str()
        .expect("UTF-8");
    let report = format!("\n  stormglass-out/{name}/report.html\n");
    assert!(said.out.contains(&report), "{}", said.out);
    let digest = name.strip_prefix("small-7-").expect("NAME-SEED-DIGEST8");
    assert_eq!(digest.len(), 8);
    assert!(
        said.out.contains(&format!("\n  digest {digest}")),
        "{}",
        said.out
    );
    assert!(
        said.out
            .ends_with("repeat with: stormglass run small.toml\n"),
        "{}",
        said.out
    );
    for file in [
        "manifest.json",
        "scenario.toml",
        "summary.json",
        "series.csv",
        "report.html",
    ] {
        assert!(run_dir.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_failed_expectation_gives_99() {
    let text = SMALL.replace("success_ratio >= 90%", "success_ratio <= 1%");
    let command = Stormglass::with("small.toml", &text);
    let said = command.say(&["run", "small.toml", "--no-charts"]);
    assert_eq!(said.code, Some(99), "{said:?}");
    assert!(said.out.contains("  \u{2717} users "), "{}", said.out);
    assert!(command.run_dir().join("report.html").is_file());
}

#[test]
fn a_run_without_expectations_says_so() {
    let text = SMALL.replace("[expect]\nusers = \"success_ratio >= 90%\"\n", "");
    let said = Stormglass::with("small.toml", &text).say(&["run", "small.toml", "--no-charts"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = "\n  EXPECT\n  nothing is expected; add [expect] to get a verdict\n";
    assert!(said.out.contains(line), "{}", said.out);
}

#[test]
fn standard_input_is_a_scenario_too() {
    let command = Stormglass::new();
    let said = command.say_with_input(&["run", "-", "--no-charts"], SMALL);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("small \u{b7} seed 7 "), "{}", said.out);
}

#[test]
fn without_a_file_the_quick_start_runs() {
    let command = Stormglass::new();
    let said = command.say(&["run", "--no-charts"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.starts_with("quickstart \u{b7} seed 1 "),
        "{}",
        said.out
    );
    assert!(
        said.out
            .ends_with("repeat with: stormglass run --no-charts\n"),
        "{}",
        said.out
    );
}

#[test]
fn json_on_standard_output_is_the_summary_file() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--no-charts", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let file = fs::read_to_string(command.run_dir().join("summary.json")).expect("a file");
    assert_eq!(said.out, file);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["schema"], 1);
    assert_eq!(value["replications"][0]["seed"], 7);
}

#[test]
fn csv_has_one_number_a_line() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--no-charts", "--format", "csv"]);
    let mut lines = said.out.lines();
    assert_eq!(
        lines.next(),
        Some("replication,seed,measure,phase,unit,value")
    );
    assert!(lines.all(|line| line.starts_with("0,7,")), "{}", said.out);
}

#[test]
fn csv_ends_each_replication_with_what_was_asked_for() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = ["run", "small.toml", "--no-charts", "--format", "csv"];
    let asked = ["--replications", "2", "--metric", "success_ratio steady"];
    let said = command.say(&[run.as_slice(), asked.as_slice()].concat());
    let lines = said.out.lines();
    let found: Vec<&str> = lines
        .filter(|line| line.contains("_ratio steady,,"))
        .collect();
    let starts = [
        "0,7,success_ratio steady,,ratio,",
        "1,8,success_ratio steady,,ratio,",
    ];
    assert_eq!(found.len(), 2, "{}", said.out);
    assert!(
        found
            .iter()
            .zip(starts)
            .all(|(line, start)| line.starts_with(start))
    );
}

#[test]
fn replications_report_means_with_intervals() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--no-charts", "--replications", "5"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let title = "small \u{b7} seeds 7 to 11 \u{b7} 5 replications \u{b7} 20 s simulated";
    assert!(said.out.starts_with(title), "{}", said.out);
    assert!(said.out.contains("held in 5 of 5"), "{}", said.out);
    assert!(
        said.out.contains("\n  MEANS over replications "),
        "{}",
        said.out
    );
}

#[test]
fn color_is_for_terminals_unless_asked_for() {
    let command = Stormglass::with("small.toml", SMALL);
    let plain = command.say(&["run", "small.toml", "--no-charts"]);
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
    let always = command.say(&["run", "small.toml", "--no-charts", "--color", "always"]);
    assert!(always.out.contains("\u{1b}[32m\u{2713}"), "{}", always.out);
}

#[test]
fn no_color_wins_over_a_wish_for_color() {
    let command = Stormglass::with("small.toml", SMALL);
    let run = |variables: &[(&str, &str)]| {
        let mut process = command.command(&["run", "small.toml", "--no-charts"]);
        process.envs(variables.iter().copied());
        let output = process.output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!run(&[("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn what_standard_input_said_is_repeated_from_the_run_directory() {
    let command = Stormglass::new();
    let args = ["run", "-", "--no-charts", "--seed", "0x10", "--out", "out"];
    let first = command.say_with_input(&args, SMALL);
    assert_eq!(first.code, Some(0), "{first:?}");
    let repeat = "repeat with: stormglass run - --seed 16 --no-charts < scenario.toml\n";
    assert!(first.out.ends_with(repeat), "{}", first.out);
    let text = fs::read_to_string(command.path("out/scenario.toml")).expect("a file");
    let again = command.say_with_input(&args, &text);
    let digest_of = |said: &str| {
        let line = said.lines().find(|line| line.starts_with("  digest "));
        line.expect("a digest").to_string()
    };
    assert_eq!(digest_of(&again.out), digest_of(&first.out));
}

#[test]
fn quiet_keeps_warnings_back() {
    let text = SMALL.replace("[expect]\nusers = \"success_ratio >= 90%\"\n", "");
    let command = Stormglass::with("small.toml", &text);
    let loud = command.say(&["run", "small.toml", "--no-charts"]);
    assert!(loud.err.starts_with("warning"), "{}", loud.err);
    let quiet = command.say(&["run", "small.toml", "--no-charts", "-q"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(0), ""));
    assert_eq!(quiet.out, loud.out.replace("--no-charts -q", "--no-charts"));
}

#[test]
fn verbose_names_seed_and_digest_of_every_run() {
    let command = Stormglass::with("small.toml", SMALL);
    let args = [
        "run",
        "small.toml",
        "--no-charts",
        "--replications",
        "3",
        "-v",
    ];
    let said = command.say(&args);
    let seeds: Vec<&str> = said
        .err
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(seeds, ["seed 7", "seed 8", "seed 9"], "{}", said.err);
}

#[test]
fn a_run_that_is_too_large_is_refused_before_it_starts() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["run", "small.toml", "--max-events", "1_000"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("--max-events"), "{}", said.err);
    assert_eq!(names_in(command.dir.path()), ["small.toml"]);
}
