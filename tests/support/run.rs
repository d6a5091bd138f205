//! Loading and running scenarios in tests.

use std::fmt::Write;
use std::ops::ControlFlow;

use stormglass::model::observation::{Observation, Observer, RunEnd};
use stormglass::model::{SimOptions, simulate, simulate_with_heap};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};
use stormglass::time::SimTime;

/// No small scenario comes near it.
const EVENT_COUNT_MAX: u64 = 2_000_000_000;

/// Loads a text with overrides.
pub fn load_text(text: &str, sets: &[&str]) -> Loaded {
    load(&LoadInput {
        text: LoadText::Text {
            name: "generated.toml".to_string(),
            text: text.to_string(),
        },
        sets: sets.iter().map(|set| set.to_string()).collect(),
        limits: Limits::STANDARD,
    })
}

/// The scenario of a text that has no errors.
pub fn scenario(text: &str, sets: &[&str]) -> Scenario {
    valid(load_text(text, sets))
}

/// The scenario, or a panic that shows every error.
pub fn valid(loaded: Loaded) -> Scenario {
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    loaded.scenario.unwrap_or_else(|| panic!("{messages}"))
}

/// Runs a scenario on the product's queue.
pub fn run<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) -> RunEnd {
    let go_on = &mut |_| ControlFlow::Continue(());
    simulate(scenario, options(seed), observer, go_on).expect("a bounded scenario comes to its end")
}

/// Runs a scenario on the plain binary heap.
pub fn run_with_heap<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) -> RunEnd {
    simulate_with_heap(scenario, options(seed), observer)
        .expect("a bounded scenario comes to its end")
}

fn options(seed: u64) -> SimOptions {
    SimOptions {
        seed,
        event_count_max: EVENT_COUNT_MAX,
    }
}

/// A hash over everything that was observed, as it prints (FNV-1a).
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of nothing.
    pub fn new() -> Self {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

impl Observer for Fingerprint {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        write!(self, "{} {observation:?}", at.as_ns()).expect("a hash takes what is written");
    }
}
