//! Runs that use little have code of their own: it must give what the general code gives.

use std::ops::ControlFlow;
use std::path::Path;

use stormglass::experiment::Run;
use stormglass::experiment::plan::{Monitor, Plan};
use stormglass::experiment::replicate::{replicate, windows};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::observation::{Observation, Observer, RunEnd};
use stormglass::model::{SimOptions, is_bare, simulate_told};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};
use stormglass::time::SimTime;

/// Scenarios whose speed is measured: they must be bare.
const MEASURED: [&str; 2] = ["limit", "peer-rpc"];

struct Calm;

impl Monitor for Calm {
    fn on_progress(&self, _: u32, _: SimTime, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn on_done(&self, _: u32) {}
}

/// The run that users get.
fn product_run(scenario: &Scenario) -> Run {
    let plan = Plan {
        seed: scenario.seed,
        replication_count: 1,
        jobs: 1,
    };
    let results = replicate(scenario, &plan, u64::MAX, &Calm).expect("it comes to its end");
    results.runs.into_iter().next().expect("there is one run")
}

/// The numbers of the same run by the general code, as text.
fn general_run(scenario: &Scenario) -> (RunEnd, String) {
    let options = SimOptions {
        seed: scenario.seed,
        event_count_max: u64::MAX,
    };
    let go_on = &mut |_| ControlFlow::Continue(());
    let windows = windows(scenario, options, go_on).expect("it comes to its end");
    let mut recorder = Recorder::new(scenario, &windows);
    let tell = &mut |at, fact: &Observation<'_>| recorder.observe(at, fact);
    let end = simulate_told(scenario, options, tell, go_on).expect("it comes to its end");
    let mut metrics = recorder.finish(end);
    // The product keeps no counters once they are read.
    metrics.tables = Default::default();
    (end, format!("{metrics:?}"))
}

fn assert_equal(scenario: &Scenario, name: &str) {
    let (end, numbers) = general_run(scenario);
    let product = product_run(scenario);
    assert_eq!(product.metrics.digest, end.digest, "{name}");
    assert_eq!(format!("{:?}", product.metrics), numbers, "{name}");
}

/// What few lines say: no scenario of the folder is so plain.
#[test]
fn plain_scenarios_of_every_registry_and_detector_are_run_as_the_general_code_would() {
    let registries = [
        "profile = \"static\"",
        "profile = \"lease\"",
        "profile = \"zookeeper\"",
        "profile = \"consul\"",
        "profile = \"consul\"\npath = \"bypass\"",
        "profile = \"consul\"\ncheck = \"tcp\"",
        "profile = \"consul\"\ncheck = \"ttl\"",
        "profile = \"etcd\"",
        "profile = \"eureka\"",
        "profile = \"nacos\"",
        "profile = \"nacos\"\nclient = \"grpc\"",
        "profile = \"dns\"",
        "profile = \"kubernetes\"",
        "profile = \"kubernetes\"\nprobe_path = \"bypass\"",
    ];
    let worlds = registries.map(|registry| (registry, "")).into_iter();
    let checks = ["ping", "timeout"].into_iter().flat_map(|kind| {
        let paths = ["bypass", "queued", "accept", "deep"].into_iter();
        let paths = paths.filter(move |path| kind == "ping" || ["bypass", "queued"].contains(path));
        paths.map(move |path| {
            format!("detector = {{ kind = \"{kind}\", timeout = \"1s\", path = \"{path}\" }}")
        })
    });
    let checks = checks.map(|detector| (registries[0], detector));
    let worlds = worlds.map(|(registry, call)| (registry, call.to_string()));
    for (registry, call) in worlds.chain(checks) {
        let text = format!(
            "schema = 1\nduration = \"2m\"\n[service.s]\ncount = 4\nservice_time = \"1ms\"\n\
             [client.c]\narrivals = {{ process = \"poisson\", rate = \"20/s\" }}\n\
             [client.c.call.s]\n{call}\n[registry]\n{registry}\n\
             [fault.x]\nkind = \"crash\"\ntarget = \"instance:s/main/1\"\nat = \"20s\"\n"
        );
        let loaded = load(&LoadInput::text("plain.toml", &text));
        let messages = loaded.diagnostics.render(&loaded.sources, false);
        let scenario = loaded.scenario.unwrap_or_else(|| panic!("{messages}"));
        assert_equal(&scenario, &text);
    }
}

#[test]
fn bare_runs_give_the_numbers_of_the_general_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut bare_names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let input = LoadInput {
            text: LoadText::File(path.clone()),
            sets: Vec::new(),
            limits: Limits::STANDARD,
        };
        let mut scenario = load(&input).scenario.expect("it is valid");
        if !is_bare(&scenario) {
            continue;
        }
        // Long enough for the faults of the first seconds; nothing depends on the length.
        scenario.duration = scenario.duration.scaled(0.1) + scenario.warmup;
        assert_equal(&scenario, &scenario.name);
        bare_names.push(scenario.name);
    }
    for name in MEASURED {
        assert!(bare_names.iter().any(|bare| bare == name), "{name} is bare");
    }
}
