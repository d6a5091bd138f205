//! What the proofs share: runs, what they measure, and the results that they must meet.

pub mod beliefs;
pub mod cases;
pub mod gossip;
pub mod level;
pub mod meter;
pub mod python_random;
pub mod sample;

use std::ops::ControlFlow;
use std::path::PathBuf;

use meter::Meter;
use stormglass::model::observation::{Observation, Observer, RunEnd};
use stormglass::model::{SimOptions, simulate_told};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};
use stormglass::time::{SimDuration, SimTime};

/// Loads the text of a scenario.
///
/// # Panics
///
/// If it has errors.
pub fn scenario(text: &str) -> Scenario {
    scenario_from(LoadText::Text {
        name: "theory.toml".to_string(),
        text: text.to_string(),
    })
}

/// Loads the file of a scenario.
///
/// # Panics
///
/// If it has errors.
pub fn scenario_file(path: PathBuf) -> Scenario {
    scenario_from(LoadText::File(path))
}

fn scenario_from(text: LoadText) -> Scenario {
    // The estimate of memory counts every request of a drain as in flight; no run here comes near.
    let limits = Limits {
        memory_bytes_max: u64::MAX,
        event_count_max: u64::MAX,
        ..Limits::STANDARD
    };
    let loaded = load(&LoadInput {
        text,
        sets: Vec::new(),
        limits,
    });
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    loaded.scenario.unwrap_or_else(|| panic!("{messages}"))
}

/// Runs a scenario to its end. Little's law is asserted.
pub fn run(scenario: &Scenario, observer: &mut impl Observer) {
    let meter = Meter::new(scenario, SimDuration::from_secs(1));
    let mut both = Both { meter, observer };
    let end = run_alone(scenario, &mut both);
    both.meter.assert_little(&end);
}

/// Runs a scenario to its end, with nobody else to look at it.
pub fn run_alone(scenario: &Scenario, observer: &mut impl Observer) -> RunEnd {
    let options = SimOptions {
        seed: scenario.seed,
        event_count_max: u64::MAX,
    };
    let tell = &mut |at, fact: &Observation<'_>| observer.observe(at, fact);
    simulate_told(scenario, options, tell, &mut |_| ControlFlow::Continue(()))
        .expect("nothing stops it")
}

/// An observer and a meter of the same run.
struct Both<'a, O> {
    meter: Meter,
    observer: &'a mut O,
}

impl<O: Observer> Observer for Both<'_, O> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.meter.observe(at, observation);
        self.observer.observe(at, observation);
    }
}

/// A length of time as a scenario states it.
pub fn secs(value: f64) -> String {
    format!("{value:.9}s")
}
