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
        let (end, numbers) = general_run(&scenario);
        let product = product_run(&scenario);
        assert_eq!(product.metrics.digest, end.digest, "{path:?}");
        assert_eq!(format!("{:?}", product.metrics), numbers, "{path:?}");
        bare_names.push(scenario.name);
    }
    for name in MEASURED {
        assert!(bare_names.iter().any(|bare| bare == name), "{name} is bare");
    }
}
