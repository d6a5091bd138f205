//! Proxies between callers and services: against recordings of nginx, HAProxy and Envoy, and
//! against closed forms.

#[path = "proxy/demands.rs"]
mod demands;
#[path = "proxy/envoy.rs"]
mod envoy;
#[path = "proxy/haproxy.rs"]
mod haproxy;
#[path = "proxy/nginx.rs"]
mod nginx;
#[path = "proxy/passing.rs"]
mod passing;
#[path = "proxy/queues.rs"]
mod queues;
#[path = "proxy/reuse.rs"]
mod reuse;
#[path = "support/run.rs"]
mod run;
#[path = "proxy/selectors.rs"]
mod selectors;
#[path = "support/text.rs"]
mod text;
#[path = "proxy/workers.rs"]
mod workers;

use std::collections::BTreeMap;

use serde_json::Value;
use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::scenario::Scenario;
use stormglass::time::SimTime;

/// What clients of a proxy saw, and what the proxy did.
#[derive(Debug, Default)]
struct Seen {
    /// Calls of the clients, in order of their end: begin and end in seconds, and the outcome.
    calls: Vec<(f64, f64, Outcome)>,
    /// Attempts of proxies, in order: when in seconds, at which instance, the how-many-th of its
    /// call.
    attempts: Vec<(f64, u32, u32)>,
    /// Connections to servers that were begun.
    opened_count: usize,
    /// Instances of the service behind the proxy.
    behind: std::ops::Range<u32>,
    /// Nodes that take part.
    suspected: Vec<f64>,
    trusted: Vec<f64>,
}

impl Seen {
    fn of(scenario: &Scenario, seed: u64) -> Seen {
        let service = scenario.services.iter().position(|s| s.name == "s");
        let service = service.expect("the service is called s");
        let id = stormglass::id::ServiceId::from_index(service);
        let mut seen = Seen {
            behind: scenario.topology.service_instances(id),
            ..Seen::default()
        };
        run::run(scenario, seed, &mut seen);
        seen
    }

    fn of_text(text: &str, seed: u64) -> Seen {
        Seen::of(&text::scenario(text, &[]), seed)
    }

    /// The places of the instances that were tried, in order of time.
    fn order(&self) -> Vec<u32> {
        self.attempts.iter().map(|attempt| attempt.1).collect()
    }

    fn failed(&self) -> Vec<(f64, f64)> {
        let failed = self.calls.iter().filter(|call| call.2 != Outcome::Success);
        failed.map(|call| (call.0, call.1)).collect()
    }
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let at = at.as_secs_f64();
        match *observation {
            Observation::RequestEnded {
                arrived_at,
                outcome,
                ..
            } => self.calls.push((arrived_at.as_secs_f64(), at, outcome)),
            Observation::AttemptSent {
                instance,
                attempt_index,
                ..
            } if self.behind.contains(&instance.0) => {
                let place = instance.0 - self.behind.start;
                self.attempts.push((at, place, attempt_index));
            }
            Observation::HandshakeStarted { instance, .. } if self.behind.contains(&instance.0) => {
                self.opened_count += 1;
            }
            Observation::Suspected { .. } => self.suspected.push(at),
            Observation::Trusted { .. } => self.trusted.push(at),
            _ => {}
        }
    }
}

fn file(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

fn records(file: &Value) -> impl Iterator<Item = &Value> {
    file["records"].as_array().expect("records").iter()
}

fn numbers(value: &Value) -> Vec<f64> {
    let all = value.as_array().expect("a list").iter();
    all.map(|number| number.as_f64().expect("a number"))
        .collect()
}

/// `group.a`, `group.b` and so on of one server each, with these weights.
fn servers(weights: &[f64]) -> String {
    let mut text = String::new();
    for (name, weight) in ('a'..).zip(weights) {
        text += &format!("group.{name} = {{ count = 1, weight = {weight} }}\n");
    }
    text
}

/// A scenario whose requests arrive at these milliseconds, given by a trace beside it.
fn traced(text: &str, arrivals_ms: &[f64], set: &[(&str, f64)]) -> Scenario {
    let mut csv = String::from("arrives_at\n");
    for at in arrivals_ms {
        csv += &format!("{:.6}\n", at / 1e3);
    }
    let mut text = text.to_string();
    for (name, value) in set {
        text = text.replace(name, &format!("{value:.6}s"));
    }
    beside(&text, &csv)
}

/// A scenario with `trace.csv` beside it.
fn beside(text: &str, csv: &str) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder for a trace");
    std::fs::write(folder.path().join("trace.csv"), csv).expect("the folder is writable");
    let path = folder.path().join("world.toml");
    std::fs::write(&path, text).expect("the folder is writable");
    run::valid(stormglass::scenario::load::load(
        &stormglass::scenario::load::LoadInput {
            text: stormglass::scenario::load::LoadText::File(path),
            sets: Vec::new(),
            limits: stormglass::scenario::load::limits::Limits::STANDARD,
        },
    ))
}

/// How often each of the numbers occurs.
fn counted(list: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for number in list {
        *counts.entry(*number).or_default() += 1;
    }
    counts
}
