//! Running scenarios in tests.

use std::ops::ControlFlow;

use stormglass::model::observation::{Observation, Observer, RunEnd};
use stormglass::model::{SimOptions, simulate_told, simulate_told_with_heap};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::Loaded;

/// No small scenario comes near it.
const EVENT_COUNT_MAX: u64 = 2_000_000_000;

/// The scenario, or a panic that shows every error.
pub fn valid(loaded: Loaded) -> Scenario {
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    loaded.scenario.unwrap_or_else(|| panic!("{messages}"))
}

/// Runs a scenario on the product's queue.
pub fn run<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) -> RunEnd {
    let go_on = &mut |_| ControlFlow::Continue(());
    let tell = &mut |at, fact: &Observation<'_>| observer.observe(at, fact);
    simulate_told(scenario, options(seed), tell, go_on)
        .expect("a bounded scenario comes to its end")
}

/// Runs a scenario on the plain binary heap.
pub fn run_with_heap<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) -> RunEnd {
    let tell = &mut |at, fact: &Observation<'_>| observer.observe(at, fact);
    simulate_told_with_heap(scenario, options(seed), tell)
        .expect("a bounded scenario comes to its end")
}

/// How tests run a scenario.
pub fn options(seed: u64) -> SimOptions {
    SimOptions {
        seed,
        event_count_max: EVENT_COUNT_MAX,
    }
}
