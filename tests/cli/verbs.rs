//! Help, and the verbs that run nothing.

use std::fs;

use super::support::{SMALL, Stormglass};

#[test]
fn help_starts_with_three_examples_and_ends_with_the_exit_codes() {
    let said = Stormglass::new().say(&["--help"]);
    assert_eq!(said.code, Some(0));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "Examples:");
    assert!(
        lines[1..4]
            .iter()
            .all(|line| line.starts_with("  stormglass ")),
        "{lines:?}"
    );
    assert!(
        said.out
            .ends_with("  130  interrupted; no run directory was written\n")
    );
    assert_eq!(said.err, "");
}

#[test]
fn a_mistyped_verb_is_refused_with_the_nearest_one() {
    let said = Stormglass::new().say(&["explan"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: unrecognized subcommand 'explan'\n\
         \n\
         \x20 tip: a similar subcommand exists: 'explain'\n\
         \n\
         Usage: stormglass [OPTIONS] <COMMAND>\n\
         \n\
         For more information, try '--help'.\n"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_clean_error() {
    let said = Stormglass::new().say(&["run", "absent.toml"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.starts_with("error: "), "{}", said.err);
    assert!(said.err.contains("absent.toml"), "{}", said.err);
}

#[test]
fn check_shows_every_mistake_at_once() {
    let text = SMALL
        .replace("mean = \"5ms\"", "mean = 5")
        .replace("count = 2\n", "cuont = 2\n");
    let command = Stormglass::with("bad.toml", &text);
    let said = command.say(&["check", "bad.toml"]);
    assert_eq!(said.code, Some(2));
    assert_eq!(said.out, "bad.toml: 2 errors\n");
    assert!(said.err.contains("--> bad.toml:13:"), "{}", said.err);
    assert!(said.err.contains("--> bad.toml:16:"), "{}", said.err);
    assert!(said.err.contains("`count`"), "{}", said.err);
}

#[test]
fn a_target_that_is_only_a_kind_is_told_how_to_go_on() {
    for (target, help) in [
        (
            "registry",
            "write which members, like `registry:member/0` or `registry:member/*`",
        ),
        ("zone", "it is a kind; write which ones, like `zone:b`"),
        ("web", "write the kind before it: `service:web`"),
    ] {
        let text = SMALL.replace("instance:web/main/0", target);
        let command = Stormglass::with("bad.toml", &text);
        let said = command.say(&["check", "bad.toml"]);
        assert_eq!(said.code, Some(2));
        let help = format!("help: {help}\n");
        assert!(said.err.contains(&help), "{}", said.err);
    }
}

#[test]
fn the_help_of_formats_says_what_each_verb_prints() {
    let command = Stormglass::new();
    for (verb, json, csv) in [
        ("run", "summary.json", "measure, phase, unit, value"),
        ("compare", "comparison.json", "each variant and measure"),
        ("sweep", "results.jsonl", "replication and measure"),
        ("merge", "results.jsonl", "replication and measure"),
        ("optimize", "optimize.json", "each point of each round"),
        ("sensitivity", "sensitivity.json", "each end of each input"),
    ] {
        let said = command.say(&[verb, "--help"]);
        let words: Vec<&str> = said.out.split_whitespace().collect();
        let text = words.join(" ");
        assert!(text.contains(json) && text.contains(csv), "{}", said.out);
        let is_of_run = verb == "run";
        assert_eq!(text.contains("summary.json"), is_of_run, "{}", said.out);
    }
}

#[test]
fn check_of_good_files_says_so() {
    let command = Stormglass::with("good.toml", SMALL);
    let said = command.say(&["check", "good.toml", "good.toml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "good.toml: ok\ngood.toml: ok\n");
}

/// Zone b has two of four instances, one of three callers and one of three members.
#[test]
fn check_and_explain_say_whom_a_fault_of_a_zone_leaves_alone() {
    let text = "schema = 1\nduration = \"60s\"\n[expect]\nx = \"success_ratio >= 0%\"\n\
                [registry]\nprofile = \"lease\"\nmembers = 3\nzones = [\"a\", \"b\", \"c\"]\n\
                [service.web]\nservice_time = \"1ms\"\n\
                group = { a = { count = 2, zone = \"a\" }, b = { count = 2, zone = \"b\" } }\n\
                [client.shop]\ncount = 3\nzones = [\"a\", \"b\", \"c\"]\n\
                arrivals = { process = \"constant\", rate = \"10/s\" }\n[client.shop.call.web]\n\
                [fault.dark]\nkind = \"host_loss\"\ntarget = \"zone:b\"\nat = \"20s\"\n\
                for = \"9s\"\n";
    let command = Stormglass::with("zone.toml", text);
    let said = |include: &str| {
        let set = format!("fault.dark.include={include}");
        let checked = command.say(&["check", "zone.toml", "--set", &set]);
        let explained = command.say(&["explain", "zone.toml", "--set", &set]);
        assert_eq!(
            (checked.code, explained.code),
            (Some(0), Some(0)),
            "{checked:?}"
        );
        (checked.out, explained.out)
    };
    let (checked, explained) = said("[]");
    let note = "zone:b means 2 instances, not 1 caller and 1 registry member there; \
                `include = [\"callers\", \"registry\"]` adds them\n";
    assert!(
        checked.ends_with(&format!("\n  fault.dark: {note}")),
        "{checked}"
    );
    assert!(explained.contains(note), "{explained}");
    let (checked, explained) = said("[\"callers\", \"registry\"]");
    assert!(!checked.contains("fault.dark"), "{checked}");
    let all = "zone:b means 2 instances and 1 caller and 1 registry member\n";
    assert!(explained.contains(all), "{explained}");
}

#[test]
fn init_writes_a_scenario_and_never_overwrites_one() {
    let command = Stormglass::new();
    let first = command.say(&["init", "ring"]);
    assert_eq!((first.code, first.out.as_str()), (Some(0), "ring.toml\n"));
    assert_eq!(first.err, "run it with: stormglass run ring.toml\n");
    fs::write(command.path("ring.toml"), "mine").expect("written");
    let second = command.say(&["init", "ring"]);
    assert_eq!((second.code, second.out.as_str()), (Some(2), ""));
    assert_eq!(
        second.err,
        "error: ring.toml: exists already and is left as it is\n"
    );
    assert_eq!(
        fs::read_to_string(command.path("ring.toml")).expect("a file"),
        "mine"
    );
}

#[test]
fn every_template_is_a_scenario_that_holds_what_it_expects() {
    let command = Stormglass::new();
    for name in ["quickstart", "heartbeat", "balancing", "ring"] {
        assert_eq!(command.say(&["init", name]).code, Some(0));
        let file = format!("{name}.toml");
        let checked = command.say(&["check", &file]);
        assert_eq!(
            (checked.code, checked.err.as_str()),
            (Some(0), ""),
            "{name}"
        );
        let ran = command.say(&["run", &file, "--no-charts", "-q"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.out);
    }
}

#[test]
fn explain_shows_the_effective_scenario() {
    let command = Stormglass::with("small.toml", SMALL);
    let said = command.say(&["explain", "small.toml", "--set", "client.shop.count=5"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("--set client.shop.count=5"),
        "{}",
        said.out
    );
    assert!(said.out.contains("loss"), "{}", said.out);
}

#[test]
fn explain_tells_the_load_of_the_busiest_time() {
    // Six workers of 5 ms serve 1,200/s.
    let ramp = "{ process = \"ramp\", rate_from = \"100/s\", rate_to = \"2400/s\", \
                start = \"10s\", end = \"11s\" }";
    let text = SMALL.replace("{ process = \"poisson\", rate = \"100/s\" }", ramp);
    let said = Stormglass::with("small.toml", &text).say(&["explain", "small.toml"]);
    assert!(
        said.out.contains(" on average, up to 2.00\n"),
        "{}",
        said.out
    );
}

#[test]
fn explain_draws_every_window_of_the_seed() {
    // 20 s on 60 columns: windows of 3 columns, the next one 9 columns after the end of one.
    let text = SMALL.replace("for = \"4s\"", "for = \"1s\"\nevery = \"3s\"");
    let said = Stormglass::with("small.toml", &text).say(&["explain", "small.toml"]);
    let bar = format!("{}{}", ".".repeat(24), "###.........".repeat(3));
    let what = "crash of instance:web/main/0, 8 s to 9 s, every 3 s after it ended";
    let line = format!("\n  loss  |{bar}|  {what}\n");
    assert!(said.out.contains(&line), "{}", said.out);
}

#[test]
fn no_verb_runs_the_quick_start() {
    let said = Stormglass::new().say(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("quickstart "), "{}", said.out);
}

#[test]
fn the_measures_and_the_schema_can_be_printed() {
    let command = Stormglass::new();
    let metrics = command.say(&["metrics"]);
    assert_eq!(metrics.code, Some(0));
    for measure in [
        "success_ratio",
        "latency",
        "detection_time",
        "moved_key_ratio",
    ] {
        assert!(metrics.out.contains(measure), "{measure}");
    }
    let schema = command.say(&["schema"]);
    let value: serde_json::Value = serde_json::from_str(&schema.out).expect("JSON");
    assert_eq!(value["$schema"], "http://json-schema.org/draft-07/schema#");
}

#[test]
fn one_measure_can_be_looked_up() {
    let command = Stormglass::new();
    let goodput = command.say(&["metrics", "goodput"]);
    assert_eq!(goodput.code, Some(0));
    assert_eq!(
        goodput.out,
        "goodput  per second\n\
         \x20 Requests that succeeded within their deadline, per second; a request belongs to \
         the\n\
         \x20 window of its arrival.\n\
         \x20 scopes: client, zone, call, class\n"
    );
    // As it stands in an expectation.
    let scoped = command.say(&["metrics", "latency.p99{client=shop}"]);
    assert!(scoped.out.starts_with("latency  time\n"), "{scoped:?}");
    let unknown = command.say(&["metrics", "goodputt"]);
    assert_eq!(unknown.code, Some(2));
    let expected = "error: no measure is called `goodputt`; did you mean `goodput`?\n";
    assert_eq!(unknown.err, expected);
}

#[test]
fn completions_and_manual_pages_can_be_printed() {
    let command = Stormglass::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let said = command.say(&["completions", shell]);
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("replications"), "{shell}");
    }
    assert!(command.say(&["man"]).out.contains(".TH stormglass 1"));
    assert!(command.say(&["man", "run"]).out.contains("replications"));
    let unknown = command.say(&["man", "rnu"]);
    assert_eq!(unknown.code, Some(2));
    assert_eq!(unknown.err, "error: there is no verb `rnu`\n");
}
