//! `stormglass compare`.

use std::fs;

use super::support::{SMALL, Said, Stormglass, contents_of};

/// One server without a queue to speak of, whose service time is a constant.
pub const CONSTANT: &str = r#"# How long does a call take?
schema = 1
name = "constant"
seed = 11
duration = "20s"

[expect]
users = "success_ratio >= 99%"

[service.web]
count = 1
workers = 64
service_time = { dist = "constant", value = "40ms" }

[client.shop]
count = 1
arrivals = { process = "poisson", rate = "100/s" }

[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "10s"
deadline = "10s"
"#;

const VARY_DEMAND: &str = "service.web.service_time.value=40ms,80ms";

fn small(args: &[&str]) -> Said {
    let words = [&["compare", "small.toml"], args].concat();
    Stormglass::with("small.toml", SMALL).say(&words)
}

pub fn constant(command: &Stormglass, args: &[&str]) -> Said {
    fs::write(command.path("constant.toml"), CONSTANT).expect("written");
    command.say(&[&["compare", "constant.toml"], args].concat())
}

pub fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn twice_the_service_time_is_twice_the_latency() {
    let command = Stormglass::new();
    let args = ["--vary", VARY_DEMAND, "--metric", "latency.p50"];
    let said = constant(&command, &[&args[..], &["--format", "json", "-q"]].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let value = json(&said);
    let slow = &value["measures"][0]["variants"][1];
    assert_eq!(slow["name"], "80ms");
    assert_eq!(slow["verdict"], "worse");
    // 80 ms over 40 ms, each with two ways through the network of well below 2 ms.
    let ratio = slow["against_reference"]["value"]
        .as_f64()
        .expect("a ratio");
    assert!((1.9..=2.0).contains(&ratio), "{ratio}");
    assert_eq!(value["reference"], "40ms");
    let values = slow["values"].as_array().expect("values");
    assert_eq!(values.len(), 10);
}

#[test]
fn a_variant_that_is_worse_fails_on_demand_and_one_that_is_better_does_not() {
    let command = Stormglass::new();
    let watched = [
        "--fail-if-worse",
        "latency.p50",
        "-q",
        "--replications",
        "8",
    ];
    let said = constant(&command, &[&["--vary", VARY_DEMAND], &watched[..]].concat());
    assert_eq!(said.code, Some(99), "{said:?}");
    let better = ["--vary", VARY_DEMAND, "--reference", "80ms"];
    let said = constant(&command, &[&better[..], &watched[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let sentence = said
        .out
        .lines()
        .find(|line| line.starts_with("  40ms has "));
    let sentence = sentence.unwrap_or_else(|| panic!("{said:?}"));
    let end = "times lower latency.p99 than 80ms (better); equal in success_ratio, amplification";
    assert!(sentence.ends_with(end), "{sentence}");
}

#[test]
fn what_cannot_be_compared_fails_on_demand() {
    let command = Stormglass::new();
    // 2,000 requests have two above the 99.9th percentile, and those of five runs have nine.
    let args = [
        "--vary",
        VARY_DEMAND,
        "--fail-if-worse",
        "latency.p99.9",
        "-q",
    ];
    let said = constant(&command, &[&args[..], &["--replications", "5"]].concat());
    assert_eq!(said.code, Some(99), "{said:?}");
    assert!(
        said.out.contains("; not comparable in latency.p99.9\n"),
        "{}",
        said.out
    );
    let note = "latency.p99.9 is known in 0 of 5 replications only: only ";
    assert!(said.out.contains(note), "{}", said.out);
}

#[test]
fn a_variant_like_the_reference_is_equal() {
    let command = Stormglass::new();
    let args = [
        "--vary",
        "service.web.workers=64,128",
        "--replications",
        "5",
    ];
    let said = constant(&command, &[&args[..], &["-q"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let sentence = "  128 against 64: equal in success_ratio, latency.p50, latency.p99, \
                    amplification\n";
    assert!(said.out.contains(sentence), "{}", said.out);
    assert_eq!(said.out.matches("equal in all").count(), 4, "{}", said.out);
}

#[test]
fn fewer_than_five_replications_have_no_verdict() {
    let command = Stormglass::new();
    let args = ["--vary", VARY_DEMAND, "--replications", "3", "-q"];
    let said = constant(&command, &args);
    assert!(!said.out.contains("worse"), "{}", said.out);
    let note = "  verdicts need at least 5 replications; these are 3\n";
    assert!(said.out.contains(note), "{}", said.out);
}

#[test]
fn the_bytes_are_the_same_for_any_number_of_jobs() {
    let mut seen = Vec::new();
    for jobs in ["1", "4"] {
        let command = Stormglass::with("small.toml", SMALL);
        let vary = "client.shop.call.web.balancer=random,round_robin,least_in_flight";
        let words = [
            "compare",
            "small.toml",
            "--vary",
            vary,
            "--replications",
            "5",
        ];
        let said = command.say(&[&words[..], &["--jobs", jobs, "-q"]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        seen.push((said.out, contents_of(&command.run_dir())));
    }
    assert_eq!(seen[0], seen[1]);
    let names: Vec<&str> = seen[0].1.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"comparison.json"), "{names:?}");
    assert!(
        names.contains(&"charts/differences-latency-p99.png"),
        "{names:?}"
    );
    assert!(names.contains(&"report.html"), "{names:?}");
    assert!(
        names.contains(&"variants/2-least_in_flight/summary.json"),
        "{names:?}"
    );
}

#[test]
fn variants_of_the_scenario_run_and_each_can_be_verified() {
    let variants = "\n[compare]\nreference = \"as-is\"\n[compare.variant]\nas-is = {}\n\
                    two = { \"client.shop.call.web.balancer\" = { policy = \"least_in_flight\", \
                    choice_count = 2 } }\n";
    let command = Stormglass::with("small.toml", &format!("{SMALL}{variants}"));
    let words = [
        "compare",
        "small.toml",
        "--replications",
        "5",
        "--format",
        "csv",
    ];
    let said = command.say(&words);
    assert_eq!(said.code, Some(0), "{said:?}");
    let rows: Vec<&str> = said.out.lines().collect();
    // Two variants in four measures, under a header.
    assert_eq!(rows.len(), 9);
    assert!(
        rows[1].starts_with("success_ratio,as-is,ratio,"),
        "{rows:?}"
    );
    assert!(rows[1].ends_with(",reference"), "{rows:?}");
    let run_dir = command.run_dir();
    let inner = run_dir.join("variants/1-two");
    let verified = command.say(&["verify", &inner.display().to_string()]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let outer = command.say(&["verify", &run_dir.display().to_string(), "-q"]);
    assert_eq!(outer.code, Some(0), "{outer:?}");
    assert!(outer.out.contains(": 10 runs and "), "{outer:?}");
    let part = command.say(&[
        "verify",
        &run_dir.display().to_string(),
        "--runs",
        "2",
        "-q",
    ]);
    assert!(part.out.contains(": 2 of 10 runs (evenly"), "{part:?}");
    // A variant whose manifest says something else of a run.
    let manifest = inner.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("written");
    let digest = text.find("\"digest\": \"").expect("a digest") + 11;
    let text = format!("{}{}{}", &text[..digest], "x", &text[digest + 1..]);
    std::fs::write(&manifest, &text).expect("written");
    let changed = command.say(&["verify", &inner.display().to_string(), "-q"]);
    assert_eq!(changed.code, Some(1), "{changed:?}");
    assert!(changed.out.contains("the manifest says x"), "{changed:?}");
}

#[test]
fn markdown_begins_with_the_sentences() {
    let command = Stormglass::new();
    let args = [
        "--vary",
        VARY_DEMAND,
        "--format",
        "md",
        "--replications",
        "8",
        "-q",
    ];
    let said = constant(&command, &args);
    let start =
        "# constant\n\n2 variants \u{b7} seeds 11 to 18 \u{b7} 8 replications each\n\n- 80ms has ";
    assert!(said.out.starts_with(start), "{}", said.out);
    // None of 16,000 failed: 0.025^(1/16,000).
    let row = "| 40ms | 100 % (99.977 % to 100 %) | - | - | - | reference |\n";
    assert!(said.out.contains(row), "{}", said.out);
}

#[test]
fn what_makes_no_comparison_is_refused_with_a_fix() {
    for (args, message) in [
        (
            &[][..],
            "error: small.toml has no [compare]; name the values of one path: --vary PATH=A,B\n",
        ),
        (
            &["--vary", "client.shop.count"],
            "error: --vary client.shop.count: a path without values; write PATH=A,B, like \
             client.shop.count=10,100\n",
        ),
        (
            &["--vary", "seed=1,2"],
            "error: variant `1` sets `seed`; variants are compared on the same seeds\n",
        ),
        (
            &["--vary", "client.shop.count=2"],
            "error: only the variant `2`; a comparison needs two\n",
        ),
        (
            &["--vary", "client.shop.count=2,3", "--reference", "4"],
            "error: unknown variant `4`; expected one of 2, 3\n",
        ),
        (
            &["--vary", "client.shop.count=2,0"],
            "error: a number out of range\n\
             \x20--> --vary:1:19\n\
             \x20 |\n\
             1 | client.shop.count=0\n\
             \x20 |                   ^ expected a whole number from 1 to 67108864\n\
             \n\
             small.toml: 1 error\n",
        ),
        (
            &[
                "--vary",
                "client.shop.count=2,3",
                "--metric",
                "latency.p99 of fault.los",
            ],
            "error: unknown fault `los`\n\
             \x20--> --metric:1:16\n\
             \x20 |\n\
             1 | latency.p99 of fault.los\n\
             \x20 |                ^^^^^^^^^ not defined in this scenario\n\
             \x20 |\n\
             help: did you mean `loss`?\n\
             \n\
             small.toml: 1 error\n",
        ),
        (
            &["--replications", "1"],
            "error: invalid value '1' for '--replications <N>': 1 is not in 2..=10000\n\
             \n\
             For more information, try '--help'.\n",
        ),
    ] {
        let said = small(args);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}");
        assert_eq!(said.err, message, "{args:?}");
    }
}

#[test]
fn a_queue_that_fills_from_empty_needs_a_warm_up() {
    let command = Stormglass::new();
    // One worker, 40 ms a request, 24 of the 25 that it could do arrive: it fills for minutes.
    let fills = [
        "--set",
        "service.web.workers=1",
        "--set",
        "client.shop.arrivals.rate=24/s",
    ];
    let longer = [
        "--set",
        "duration=60s",
        "--replications",
        "5",
        "--format",
        "csv",
    ];
    let vary = ["--vary", "client.shop.call.web.deadline=20s,21s"];
    let said = constant(&command, &[&fills[..], &longer, &vary].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let start = "warning: the mean latency settles ";
    let line = said.err.lines().find(|line| line.starts_with(start));
    let line = line.unwrap_or_else(|| panic!("{said:?}"));
    let end = "s\", the same for all variants";
    assert!(line.ends_with(end), "{line}");
    let calm = [
        "--vary",
        VARY_DEMAND,
        "--replications",
        "5",
        "--format",
        "csv",
    ];
    let said = constant(&command, &calm);
    assert!(!said.err.contains(start), "{said:?}");
}

#[test]
fn the_same_seeds_take_most_of_the_noise_out_of_close_policies() {
    let command = Stormglass::with("small.toml", SMALL);
    let vary = "client.shop.call.web.balancer={ policy = \"least_in_flight\", choice_count = 2 },\
                { policy = \"least_in_flight\", choice_count = 3 }";
    let words = [
        "compare",
        "small.toml",
        "--vary",
        vary,
        "--metric",
        "latency.mean",
    ];
    let calm = ["--set", "fault.loss.at=19s", "--set", "fault.loss.for=1s"];
    let said = command.say(&[&words[..], &calm, &["--format", "json", "-q"]].concat());
    let value = json(&said);
    let values = |variant: usize| -> Vec<f64> {
        let values = value["measures"][0]["variants"][variant]["values"].as_array();
        let values = values.expect("values").iter().map(|v| v.as_f64());
        values.collect::<Option<_>>().expect("numbers")
    };
    let variance = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>()
    };
    let (two, three) = (values(0), values(1));
    let differences: Vec<f64> = two.iter().zip(&three).map(|(x, y)| x - y).collect();
    let apart = variance(&two) + variance(&three);
    assert!(10.0 * variance(&differences) <= apart, "{two:?} {three:?}");
}

/// A scenario with variants of which one takes twice as long.
fn with_variants(more: &str) -> String {
    format!(
        "{CONSTANT}\n[compare]\nreference = \"fast\"\n{more}\n[compare.variant]\nfast = {{}}\n\
         slow = {{ \"service.web.service_time.value\" = \"80ms\" }}\n"
    )
}

#[test]
fn expectations_between_variants_decide_the_exit_code() {
    let expects = |text: &str| {
        let more = format!("expect = {{ e = \"{text}\" }}");
        let command = Stormglass::with("v.toml", &with_variants(&more));
        command.say(&["compare", "v.toml", "--replications", "6", "-q"])
    };
    let said = expects("fast.latency.p50 <= 0.6 * slow.latency.p50");
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = "  \u{2713} e   fast.latency.p50 <= 0.6 * slow.latency.p50   ratio 0.5";
    assert!(said.out.contains(line), "{}", said.out);
    let said = expects("fast.latency.p50 <= 0.4 * slow.latency.p50");
    assert_eq!(said.code, Some(99), "{said:?}");
}

#[test]
fn what_the_interval_does_not_decide_fails_unless_told_otherwise() {
    let more = "expect = { e = \"fast.success_ratio < slow.success_ratio\" }";
    let command = Stormglass::with("v.toml", &with_variants(more));
    // Nobody fails in either, so that the difference is zero, and zero is not below zero.
    let said = command.say(&["compare", "v.toml", "--replications", "6", "-q"]);
    assert_eq!(said.code, Some(99), "{said:?}");
    let few = ["compare", "v.toml", "--replications", "3", "-q"];
    let said = command.say(&few);
    assert_eq!(said.code, Some(99), "{said:?}");
    assert!(
        said.out.contains("fewer than 5 replications"),
        "{}",
        said.out
    );
    let said = command.say(&[&few[..], &["--undecided", "pass"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn no_difference_needs_a_margin_and_a_primary_measure_has_the_only_verdict() {
    let more = "primary = \"latency.p50\"\nmargin = { a = \"success_ratio within 1%\" }";
    let command = Stormglass::with("v.toml", &with_variants(more));
    let said = command.say(&["compare", "v.toml", "--replications", "6", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let sentence = said
        .out
        .lines()
        .find(|line| line.starts_with("  slow has "));
    let sentence = sentence.unwrap_or_else(|| panic!("{said:?}"));
    assert!(
        sentence.contains("latency.p50 than fast (worse)"),
        "{sentence}"
    );
    assert!(sentence.ends_with("not judged: latency.p99"), "{sentence}");
    let vary = [
        "--vary",
        "client.shop.call.web.deadline=10s,11s",
        "--margin",
    ];
    let within = "latency.p50 within 5%";
    let rest = ["--metric", "latency.p50", "--replications", "6", "-q"];
    let said = constant(&Stormglass::new(), &[&vary[..], &[within], &rest].concat());
    assert!(said.out.contains("equal in latency.p50"), "{}", said.out);
    let vary = [
        "--vary",
        "service.web.service_time.value=40ms,40100us",
        "--margin",
    ];
    let said = constant(&Stormglass::new(), &[&vary[..], &[within], &rest].concat());
    let end = "no difference in latency.p50 (within 5 %)\n";
    assert!(said.out.contains(end), "{}", said.out);
}

#[test]
fn mistakes_in_what_is_said_of_variants_are_shown_where_they_stand() {
    for (more, message) in [
        (
            "expect = { e = \"quick.latency.p50 < slow.latency.p50\" }",
            "error: unknown variant `quick`\n",
        ),
        (
            "expect = { e = \"fast.latency.p5x < slow.latency.p50\" }",
            "error: variant `fast`: `latency` has no `p5x`\n",
        ),
        (
            "primary = \"latncy.p50\"",
            "error: variant `fast`: unknown measure `latncy`\n",
        ),
        ("margin = { a = \"latency.p50\" }", "error: no margin\n"),
    ] {
        let command = Stormglass::with("v.toml", &with_variants(more));
        let said = command.say(&["check", "v.toml"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.err.starts_with(message) || said.out.starts_with(message),
            "{said:?}"
        );
    }
}
