//! `stormglass compare` of files, of saved runs, of a baseline, and until it is precise.

use std::fs;

use super::compare::{CONSTANT, json};
use super::support::{SMALL, Stormglass};

#[test]
fn replications_go_on_until_the_numbers_are_precise_for_any_number_of_jobs() {
    let mut seen = Vec::new();
    for jobs in ["1", "3"] {
        let command = Stormglass::with("small.toml", SMALL);
        let words = [
            "compare",
            "small.toml",
            "--vary",
            "client.shop.call.web.balancer=random,round_robin",
            "--metric",
            "latency.mean",
            "--precision",
            "2%",
            "--format",
            "json",
            "--jobs",
            jobs,
        ];
        let said = command.say(&words);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.err.contains("precision 2 % reached"), "{said:?}");
        let value = json(&said);
        let measure = &value["measures"][0];
        for variant in measure["variants"].as_array().expect("variants") {
            let number = |key: &str| variant[key].as_f64().expect("a number");
            assert!(
                number("interval_95_half_width") <= 0.02 * number("mean"),
                "{variant}"
            );
        }
        assert!(10 <= value["replication_count"].as_u64().expect("a number"));
        seen.push(said.out);
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn two_files_are_compared_on_the_seeds_of_the_first() {
    let command = Stormglass::with("old.toml", CONSTANT);
    let new = CONSTANT
        .replace("40ms", "50ms")
        .replace("seed = 11", "seed = 99");
    fs::write(command.path("new.toml"), new).expect("written");
    let words = [
        "compare",
        "old.toml",
        "new.toml",
        "--replications",
        "6",
        "-q",
    ];
    let said = command.say(&[&words[..], &["--format", "json"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let value = json(&said);
    assert_eq!(
        (&value["reference"], &value["seed"]),
        (&"old".into(), &11.into())
    );
    let median = &value["measures"][1]["variants"][1];
    let ratio = median["against_reference"]["value"]
        .as_f64()
        .expect("a ratio");
    assert!((1.2..1.25).contains(&ratio), "{ratio}");
    let other = CONSTANT.replace("duration", "warmup = \"1s\"\nduration");
    fs::write(command.path("other.toml"), other).expect("written");
    let said = command.say(&["compare", "old.toml", "other.toml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err
            .contains("one cut must hold for all: --set 'warmup=\"1s\"'"),
        "{said:?}"
    );
}

#[test]
fn saved_runs_are_compared_and_serve_as_a_baseline() {
    let command = Stormglass::with("c.toml", CONSTANT);
    let save = |out: &str, value: &str| {
        let set = format!("service.web.service_time.value={value}");
        let words = [
            "run",
            "c.toml",
            "--replications",
            "8",
            "--set",
            &set,
            "--out",
            out,
        ];
        let rest = ["--metric", "in_system", "--no-charts", "-q"];
        let said = command.say(&[&words[..], &rest].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    save("old", "40ms");
    save("new", "80ms");
    let words = [
        "compare",
        "old",
        "new",
        "--metric",
        "latency.p50",
        "--metric",
    ];
    let said = command.say(&[&words[..], &["in_system", "-q", "--out", "both"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let of_means = "A percentile is the mean of the";
    assert!(said.out.contains(of_means), "{}", said.out);
    assert_says_what_its_percentiles_are(&command, of_means);
    let sentence = said.out.lines().find(|line| line.starts_with("  new has "));
    let sentence = sentence.unwrap_or_else(|| panic!("{said:?}"));
    assert!(
        sentence.contains("times higher latency.p50 (worse)"),
        "{sentence}"
    );
    let watch = ["--fail-if-worse", "latency.p50", "-q"];
    let against = |dir: &str| {
        let words = ["compare", "c.toml", "--baseline", dir];
        command.say(&[&words[..], &watch].concat())
    };
    // What runs now is what was saved as old, and half of what was saved as new.
    let said = against("old");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("equal in success_ratio, latency.p50"),
        "{}",
        said.out
    );
    assert!(said.out.contains(of_means), "{}", said.out);
    let said = against("new");
    assert_eq!(said.code, Some(0), "{said:?}");
    let slow = ["--set", "service.web.service_time.value=80ms"];
    let words = ["compare", "c.toml", "--baseline", "old"];
    let said = command.say(&[&words[..], &watch, &slow].concat());
    assert_eq!(said.code, Some(99), "{said:?}");
    let said = command.say(&["compare", "old", "new", "--metric", "utilization"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("old did not save `utilization`"),
        "{said:?}"
    );
    let said = command.say(&["compare", "c.toml", "old"]);
    assert!(said.err.contains("--baseline RUN_DIR"), "{said:?}");
}

fn assert_says_what_its_percentiles_are(command: &Stormglass, of_means: &str) {
    let report = fs::read_to_string(command.path("both/report.md")).expect("written");
    assert_eq!(report.matches(of_means).count(), 2, "{report}");
    let answer = report.lines().find(|line| line.starts_with("**Answer.**"));
    assert!(answer.expect("an answer").ends_with('.'), "{answer:?}");
}

#[test]
fn too_few_replications_tell_nothing_of_what_must_not_be_worse() {
    let command = Stormglass::with("c.toml", CONSTANT);
    for count in ["1", "4"] {
        let words = ["run", "c.toml", "--replications", count, "--out", count];
        assert_eq!(command.say(&words).code, Some(0));
        let words = ["compare", "c.toml", "--baseline", count, "--fail-if-worse"];
        let said = command.say(&[&words[..], &["latency.p50"]].concat());
        assert_eq!(said.code, Some(99), "{said:?}");
        let expected = format!("it needs 5 replications of each, and `baseline` has {count};");
        assert!(said.err.contains(&expected), "{said:?}");
    }
}

#[test]
fn saved_runs_of_other_seeds_are_independent_samples() {
    let command = Stormglass::with("c.toml", CONSTANT);
    for (out, seed) in [("a", "1"), ("b", "100")] {
        let words = [
            "run",
            "c.toml",
            "--replications",
            "6",
            "--seed",
            seed,
            "--out",
            out,
        ];
        assert_eq!(
            command
                .say(&[&words[..], &["--no-charts", "-q"]].concat())
                .code,
            Some(0)
        );
    }
    let said = command.say(&["compare", "a", "b", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("compared as independent samples"),
        "{}",
        said.out
    );
}

#[test]
fn one_warm_up_is_found_for_all_variants() {
    let command = Stormglass::new();
    let text = CONSTANT
        .replace("40ms", "20ms")
        .replace("workers = 64", "workers = 3")
        .replace(
            "duration = \"20s\"",
            "duration = \"60s\"\nwarmup = \"auto\"",
        );
    fs::write(command.path("w.toml"), text).expect("written");
    let words = ["compare", "w.toml", "--vary", "service.web.workers=3,4"];
    let said = command.say(&[&words[..], &["--replications", "5"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("warm-up: "), "{said:?}");
    let run_dir = command.run_dir().join("variants");
    let warmup = |variant: &str| {
        let text = fs::read_to_string(run_dir.join(variant).join("scenario.toml"));
        let text = text.expect("written");
        let line = text.lines().find(|line| line.starts_with("warmup"));
        line.expect("a warm-up").to_string()
    };
    assert_eq!(warmup("0-3"), warmup("1-4"));
    assert!(!warmup("0-3").contains("auto"));
}

#[test]
fn mistakes_are_placed_at_the_option_that_was_given() {
    let command = Stormglass::with("constant.toml", CONSTANT);
    let vary = "client.shop.count=1,2";
    for (args, place) in [
        (&["--vary", "client.shop.cuont=1,2"][..], "--vary:1:13"),
        (
            &["--vary", vary, "--set", "client.shop.cuont=1"],
            "--set:1:13",
        ),
        (
            &["--vary", vary, "--fail-if-worse", "latncy.p99"],
            "--fail-if-worse:1:1",
        ),
        (
            &["--vary", vary, "--primary", "latncy.p99"],
            "--primary:1:1",
        ),
        (
            &["--vary", vary, "--margin", "latncy.p99 within 5%"],
            "--margin:1:1",
        ),
        (&["--vary", vary, "--metric", "latncy.p99"], "--metric:1:1"),
    ] {
        let said = command.say(&[&["compare", "constant.toml"], args].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        let place = format!("--> {place}\n");
        assert!(said.err.contains(&place), "{}", said.err);
    }
}

#[test]
fn the_command_that_repeats_a_comparison_draws_as_little() {
    let command = Stormglass::with("constant.toml", CONSTANT);
    let vary = "client.shop.count=1,2";
    let said = command.say(&["compare", "constant.toml", "--vary", vary, "--no-charts"]);
    let repeat = "repeat with: stormglass compare constant.toml --vary client.shop.count=1,2 \
                  --no-charts\n";
    assert!(said.out.ends_with(repeat), "{}", said.out);
    let report = fs::read_to_string(command.run_dir().join("report.md")).expect("written");
    let rule = "ten samples of five replications lie above it, or ten of each above its own";
    assert!(report.contains(rule), "{report}");
}
