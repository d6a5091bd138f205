//! Whether lines hold all that observers get: they are read again, by what the first one says, and
//! compared with everything that happened.

use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use super::json::Bytes;
use super::lines::Lines;
use super::names::Names;
use super::{Follower, Following, lines_fields};
use crate::id::{ClassId, InstanceId};
use crate::model::observation::Observation;
use crate::model::observation::step::{Step, StepKind};
use crate::model::{SimOptions, simulate};
use crate::scenario::Scenario;
use crate::scenario::load::{LoadInput, load};
use crate::time::SimTime;

/// Something that happened: when, to which request, what, and all its fields.
type Event = (u64, Option<String>, String, Value);

/// A fact and a step, with their names and fields.
type Pair = [Option<(String, Value)>; 2];

/// Writes lines and keeps everything beside them.
struct Both<'a, 'w> {
    lines: Lines<'w>,
    names: &'a Names,
    events: Vec<Event>,
}

impl Both<'_, '_> {
    fn keep(&mut self, at: SimTime, request: Option<u64>, value: &impl serde::Serialize) {
        let mut bytes = Bytes::default();
        let name = lines_fields::write(&mut bytes, self.names, value);
        let fields = format!("{{{}}}", bytes.text().trim_start_matches(','));
        let fields: Value = serde_json::from_str(&fields).expect("JSON");
        // Nothing of a fact is left out here: it has the keys that serde gives it.
        let all = serde_json::to_value(value);
        if let Ok(Value::Object(all)) = all {
            assert_eq!(
                all.len(),
                fields.as_object().expect("an object").len() + 1,
                "{all:?}"
            );
        }
        let request = request.map(|it| format!("{it:016x}"));
        self.events.push((at.as_ns(), request, name, fields));
    }
}

impl Follower for Both<'_, '_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.keep(at, None, observation);
        self.lines.observe(at, observation);
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        self.keep(at, Some(step.request), &step.kind);
        self.lines.follow(at, step);
    }

    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        self.keep(at, None, observation);
        self.keep(at, Some(step.request), &step.kind);
        self.lines.observe_step(at, observation, step);
    }
}

/// The lines of a run, and what happened in it.
fn traced(scenario: &Scenario) -> (Vec<Value>, Vec<Event>) {
    let mut bytes = Vec::new();
    let names = Names::new(scenario);
    let mut both = Both {
        lines: Lines::new(scenario, scenario.seed, &mut bytes),
        names: &names,
        events: Vec::new(),
    };
    let options = SimOptions {
        seed: scenario.seed,
        event_count_max: u64::MAX,
    };
    let go_on = &mut |_| ControlFlow::Continue(());
    simulate(scenario, options, &mut Following(&mut both), go_on).expect("it comes to its end");
    let events = both.events;
    both.lines.finish().expect("memory takes everything");
    let text = String::from_utf8(bytes).expect("text");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    (lines.collect(), events)
}

/// A line with what is usual where it has no key.
struct Line<'a> {
    keys: &'a Map<String, Value>,
    usual: &'a Map<String, Value>,
    ns: u64,
}

impl Line<'_> {
    fn get(&self, key: &str) -> Value {
        let value = self.keys.get(key).or_else(|| self.usual.get(key));
        value
            .unwrap_or_else(|| panic!("no {key}: {:?}", self.keys))
            .clone()
    }

    /// These fields, those of the line.
    fn some(&self, keys: &[&str]) -> Value {
        let pairs = keys.iter().map(|key| (key.to_string(), self.get(key)));
        Value::Object(pairs.collect())
    }

    /// The instant that lies so long before the line's; null without the key.
    fn before(&self, key: &str) -> Option<u64> {
        let length = self.keys.get(key)?;
        Some(self.ns - length.as_u64().expect("a length"))
    }

    /// Every field that the line has, for what has a line of its own.
    fn all(&self) -> Value {
        let is_field = |key: &str| !matches!(key, "ns" | "what" | "request");
        let fields = self.keys.iter().filter(|(key, _)| is_field(key));
        Value::Object(
            fields
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// A fact, and the step that it is as well where the line has a request.
    fn both(&self, [name, step]: [&str; 2], fact: Value, kind: Value) -> Pair {
        let has_step = self.keys.contains_key("request");
        let step = has_step.then(|| (step.to_string(), kind));
        [Some((name.to_string(), fact)), step]
    }

    /// The fact and the step that a name stands for.
    fn facts(&self, name: &str) -> Pair {
        let step = |name: &str, kind: Value| [None, Some((name.to_string(), kind))];
        let fact = |fields: Value| [Some((name.to_string(), fields)), None];
        match name {
            "request_arrived" | "attempt_sent" | "attempt_ended" | "call_ended"
            | "request_ended" => self.of_call(name),
            "work_arrived" | "work_started" | "work_rejected" | "released_work_ended" => {
                self.of_work(name)
            }
            "work_ended" if self.keys.contains_key("request") => self.work_ended(),
            "busy_changed" => fact(self.some(&["instance", "busy_count"])),
            "began" => step("began", self.some(&["caller", "edge"])),
            "belongs_to" => step("belongs_to", self.some(&["of_request", "of_attempt"])),
            "backed_off" => step("backed_off", self.some(&["wait_ns"])),
            _ => match name.strip_prefix("step_") {
                Some(name) => step(name, self.all()),
                None => fact(self.all()),
            },
        }
    }

    fn of_call(&self, name: &str) -> Pair {
        let began = || json!(self.before("lasted_ns"));
        match name {
            "request_arrived" => self.both(
                [name, "arrived"],
                self.some(&["client", "caller", "class"]),
                with(
                    self.some(&["client", "class", "key"]),
                    ("node", self.get("caller")),
                ),
            ),
            "attempt_sent" => self.both(
                [name, "sent"],
                with(
                    self.some(&["caller", "edge", "instance", "class", "key", "is_wasted"]),
                    ("attempt_index", self.get("attempt")),
                ),
                self.some(&["attempt", "instance", "is_wasted"]),
            ),
            "attempt_ended" => self.both(
                [name, "attempt_ended"],
                with(
                    self.some(&["caller", "edge", "instance", "class", "outcome"]),
                    ("sent_at_ns", began()),
                ),
                self.some(&["attempt", "instance", "outcome"]),
            ),
            "call_ended" => self.both(
                [name, "call_ended"],
                with(
                    self.some(&["caller", "edge", "class", "outcome"]),
                    ("started_at_ns", began()),
                ),
                self.some(&["edge", "outcome"]),
            ),
            _ => self.both(
                [name, "ended"],
                with(
                    self.some(&["client", "caller", "class", "outcome", "attempt_count"]),
                    ("arrived_at_ns", began()),
                ),
                self.some(&["client", "outcome"]),
            ),
        }
    }

    fn of_work(&self, name: &str) -> Pair {
        let place = ["attempt", "instance"];
        match name {
            "work_arrived" => self.both(
                [name, "reached"],
                self.some(&["instance", "class"]),
                self.some(&place),
            ),
            "work_started" => self.both(
                [name, "taken_up"],
                self.some(&["instance", "class", "waiting_ns"]),
                self.some(&["attempt", "instance", "waiting_ns"]),
            ),
            "work_rejected" => self.both(
                [name, "turned_away"],
                self.some(&["instance", "class"]),
                self.some(&place),
            ),
            _ => {
                let instants = self.some(&["arrived_at_ns", "started_at_ns", "released_at_ns"]);
                let fields = self.some(&["instance", "class", "end", "is_zombie"]);
                let instants = instants.as_object().expect("an object").clone();
                let fact = instants.into_iter().fold(fields, with);
                let step = self.some(&["attempt", "instance", "end"]);
                self.both(
                    [name, "left"],
                    fact,
                    with(step, ("is_started", json!(true))),
                )
            }
        }
    }

    fn work_ended(&self) -> Pair {
        let started = self.before("worked_ns");
        let mut fact = self.some(&["instance", "class", "end", "is_zombie"]);
        fact["arrived_at_ns"] = json!(self.before("stayed_ns"));
        match started {
            Some(at) => fact["started_at_ns"] = json!(at),
            None => fact["started_at"] = Value::Null,
        }
        let mut step = self.some(&["attempt", "instance", "end"]);
        step["is_started"] = json!(started.is_some());
        [
            Some(("work_ended".into(), fact)),
            Some(("left".into(), step)),
        ]
    }
}

/// Fields, and one more.
fn with<K: AsRef<str>>(mut fields: Value, (key, value): (K, Value)) -> Value {
    fields[key.as_ref()] = value;
    fields
}

/// What lines say that happened.
fn read(lines: &[Value]) -> Vec<Event> {
    let usual = lines[0]["usual"]
        .as_object()
        .expect("the head says what is usual");
    let mut events = Vec::new();
    for line in &lines[1..] {
        let keys = line.as_object().expect("an object");
        let ns = line["ns"].as_u64().expect("an instant");
        let request = keys
            .get("request")
            .map(|it| it.as_str().expect("an identity").to_string());
        let line = Line { keys, usual, ns };
        for name in keys["what"].as_array().expect("names") {
            let [fact, step] = line.facts(name.as_str().expect("a name"));
            events.extend(fact.map(|(name, fields)| (ns, None, name, fields)));
            events.extend(step.map(|(name, fields)| (ns, request.clone(), name, fields)));
        }
    }
    events
}

fn loaded(name: &str, sets: &[&str]) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("it is there");
    let mut input = LoadInput::text(name, &text);
    input.sets = sets.iter().map(|set| set.to_string()).collect();
    let loaded = load(&input);
    loaded
        .scenario
        .unwrap_or_else(|| panic!("{name}: {:?}", loaded.diagnostics))
}

/// Scenarios, so long that what they are about happens: retries and timeouts, sub-calls, calls that
/// are parallel, hedged, forked, cached, rejected, cancelled or passed on, classes, zones, gossip,
/// faults.
const RUNS: [(&str, &[&str]); 10] = [
    (
        "limit",
        &[
            "duration=\"20ms\"",
            "network.loss=\"5%\"",
            "client.load.call.web.attempt_timeout=\"4ms\"",
        ],
    ),
    ("quickstart", &["duration=\"1s\""]),
    (
        "slow-server",
        &[
            "duration=\"10500ms\"",
            "client.turn.call.turn.cluster=\"forking\"",
            "client.turn.call.turn.fork_count=2",
        ],
    ),
    ("async-fanout", &["duration=\"50ms\""]),
    ("hedging", &["duration=\"50ms\""]),
    ("cache-resize", &["duration=\"1s\""]),
    ("memory-cascade", &["duration=\"1s\""]),
    ("proxy-or-client", &["duration=\"100ms\""]),
    ("zone-aware", &["duration=\"200ms\""]),
    ("gossip-tradeoff", &["duration=\"1s\""]),
];

#[test]
fn lines_hold_all_that_observers_get() {
    for (name, sets) in RUNS {
        let scenario = loaded(name, &[sets, &["warmup=\"0s\""]].concat());
        let (lines, events) = traced(&scenario);
        let told = read(&lines);
        for (told, event) in told.iter().zip(&events) {
            assert_eq!(told, event, "{name}");
        }
        assert_eq!(told.len(), events.len(), "{name}");
        assert!(
            200 < events.len(),
            "{name}: {} facts and steps",
            events.len()
        );
    }
}

#[test]
fn what_members_of_a_cluster_suspect_has_lines() {
    let sets = ["duration=\"20s\"", "warmup=\"0s\"", "fault.crash.at=\"1s\""];
    let (lines, events) = traced(&loaded("gossip-tradeoff", &sets));
    assert_eq!(read(&lines), events);
    let suspectors = events
        .iter()
        .filter(|(_, _, name, _)| name == "suspected")
        .map(|(.., fields)| &fields["suspector"]);
    let by_member = suspectors.filter(|it| it["cluster"].is_u64() && it["node"].is_string());
    assert!(0 < by_member.count());
}

#[test]
fn a_request_that_meets_no_trouble_takes_four_lines() {
    // A thousandth of the load: nobody waits.
    let sets = [
        "duration=\"200ms\"",
        "warmup=\"0s\"",
        "client.load.arrivals.rate=\"70/s\"",
    ];
    let (lines, _) = traced(&loaded("limit", &sets));
    let request = |line: &Value| line.get("request").map(|it| it.to_string());
    let first = lines[1..].iter().find_map(request).expect("there are some");
    let mut told: Vec<String> = Vec::new();
    for line in lines
        .iter()
        .filter(|line| request(line).as_ref() == Some(&first))
    {
        let names = line["what"].as_array().expect("names").iter();
        let names: Vec<&str> = names.map(|name| name.as_str().expect("a name")).collect();
        told.push(names.join(" "));
    }
    let expected = [
        "request_arrived began attempt_sent",
        "work_arrived work_started busy_changed",
        "work_ended busy_changed",
        "attempt_ended call_ended request_ended",
    ];
    assert_eq!(told, expected);
}

#[test]
fn control_messages_name_both_ends() {
    let (lines, _) = traced(&loaded("quickstart", &["duration=\"3s\"", "warmup=\"0s\""]));
    let sent = json!(["control_sent"]);
    let mut heartbeats = lines.iter().filter(|line| line["what"] == sent);
    let first = heartbeats.next().expect("a second has four heartbeats");
    assert_eq!(first["kind"], "heartbeat");
    assert!(
        first["from"]
            .as_str()
            .is_some_and(|it| it.starts_with("web/main/"))
    );
    assert_eq!(first["to"], "registry/0");
}

/// A fact and a step that do not agree are told apart, and nothing of either is lost.
#[test]
fn what_does_not_agree_is_told_apart() {
    let scenario = loaded("limit", &[]);
    let mut bytes = Vec::new();
    let mut lines = Lines::new(&scenario, 1, &mut bytes);
    let at = SimTime::from_ns(7);
    let fact = Observation::WorkArrived {
        instance: InstanceId(1),
        class: ClassId::NONE,
    };
    let kind = StepKind::Reached {
        attempt: 2,
        instance: InstanceId(0),
    };
    lines.observe_step(at, &fact, &Step { request: 255, kind });
    lines.finish().expect("memory takes everything");
    let text = String::from_utf8(bytes).expect("text");
    let told: Vec<&str> = text.lines().skip(1).collect();
    let expected = [
        "{\"ns\":7,\"what\":[\"work_arrived\"],\"instance\":\"web/a/1\",\"class\":null}",
        "{\"ns\":7,\"request\":\"00000000000000ff\",\"what\":[\"step_reached\"],\"attempt\":2,\
         \"instance\":\"web/a/0\"}",
    ];
    assert_eq!(told, expected);
}
