//! A run as a trace that Perfetto and Chrome show: JSON of the trace event format.
//!
//! Every request is an asynchronous track of its own, named by its identity, with its attempts and
//! their time at instances below it. Faults are tracks and instants, lives and suspicions of
//! instances are instants, and the load of instances are counters.
//!
//! Source: "Trace Event Format" of the Chromium project.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::Follower;
use super::json::{Digits, JsonWriter, Piece, micros, quoted};
use super::names::Names;
use super::words;
use crate::id::{FaultId, InstanceId, NodeId};
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{AttemptOutcome, Observation, Outcome, WorkEnd};
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// Tracks of faults.
const FAULTS: &str = "1";
/// Tracks of requests; it stands in [`REQUEST_EVENT`], too.
const REQUESTS: &str = "2";
/// Tracks and counters of instances.
const INSTANCES: &str = "3";

/// The opening of an event of a request, which is never the first of a trace.
const REQUEST_EVENT: &[u8; 42] = b",\n{\"ph\":\"b\",\"cat\":\"request\",\"pid\":2,\"id\":\"";
const PHASE_AT: usize = 9;
const _: () = assert!(REQUEST_EVENT[PHASE_AT] == b'b');

/// What every trace begins with.
pub const BEGINNING: &str = "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"scenario\":";

/// Times at which the load of instances is written, over a run.
const SAMPLE_COUNT: u64 = 1_000;

/// Writes the trace as things happen.
pub struct ChromeTrace<'w> {
    names: Names,
    out: JsonWriter<'w>,
    is_first: bool,
    /// By instance: attempts in it, and the number that was written last.
    loads: Vec<(u32, u32)>,
    sample_every: SimDuration,
    next_sample: SimTime,
    /// Faults under way, by fault: which of its windows came last.
    window_counts: Vec<u64>,
    /// Sub-calls under way. The only call of a client's request is the request itself.
    sub_calls: BTreeSet<u64>,
    /// The instant of the last event of a request, and its digits.
    last: (SimTime, Digits),
}

impl<'w> ChromeTrace<'w> {
    /// Writes the trace of a run of `scenario` with `seed` to `out`.
    pub fn new(scenario: &Scenario, seed: u64, out: &'w mut (dyn Write + Send)) -> Self {
        let every = (scenario.duration.as_ns() / SAMPLE_COUNT).max(1);
        let mut trace = ChromeTrace {
            names: Names::new(scenario),
            out: JsonWriter::new(out),
            is_first: true,
            loads: vec![(0, 0); scenario.topology.instance_count() as usize],
            sample_every: SimDuration::from_ns(every),
            next_sample: SimTime::START,
            window_counts: vec![0; scenario.faults.len()],
            sub_calls: BTreeSet::new(),
            last: (SimTime::START, micros(0)),
        };
        trace.open(scenario, seed);
        trace
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// The first one of writing.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.raw("\n]}\n");
        self.out.finish()
    }

    fn open(&mut self, scenario: &Scenario, seed: u64) {
        self.out.raw(BEGINNING);
        self.out.raw(&quoted(&scenario.name));
        self.out.raw(",\"seed\":\"");
        self.out.number(seed);
        self.out.raw("\",\"version\":\"stormglass ");
        self.out.raw(env!("CARGO_PKG_VERSION"));
        self.out.raw("\"},\"traceEvents\":[");
        for (process, name) in [
            (FAULTS, "faults"),
            (REQUESTS, "requests"),
            (INSTANCES, "instances"),
        ] {
            self.begin_event();
            self.out
                .raw("{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":");
            self.out.raw(process);
            self.out.raw(",\"args\":{\"name\":\"");
            self.out.raw(name);
            self.out.raw("\"}}");
        }
    }

    fn begin_event(&mut self) {
        self.out.raw(if self.is_first { "\n" } else { ",\n" });
        self.is_first = false;
        self.out.end_record();
    }

    /// Opens an event of a request up to its name: `b` begins, `e` ends, `n` is an instant.
    #[inline]
    fn request_event(&mut self, at: SimTime, phase: u8, request: u64) {
        let mut opening = *REQUEST_EVENT;
        opening[PHASE_AT] = phase;
        if self.last.0 != at {
            self.last = (at, micros(at.as_ns()));
        }
        self.out.end_record();
        self.out.padded(&opening, opening.len());
        self.out.identity(request);
        self.out.raw("\",\"ts\":");
        self.out.padded(&self.last.1.bytes, self.last.1.length);
        self.out.raw(",\"name\":");
    }

    /// Ends an event.
    #[inline]
    fn end_event(&mut self) {
        self.out.raw("}");
    }

    /// Ends an event and tells its result, unless that is the usual one.
    #[inline]
    fn end_with(&mut self, result: &str, is_usual: bool) {
        if is_usual {
            self.end_event();
        } else {
            self.argument("outcome");
            self.out.raw("\"");
            self.out.raw(result);
            self.out.raw("\"}}");
        }
    }

    /// Opens the arguments of an event with the first of them, whose value is to follow.
    #[inline]
    fn argument(&mut self, key: &str) {
        self.out.raw(",\"args\":{\"");
        self.out.raw(key);
        self.out.raw("\":");
    }

    /// An instant on the track of an instance.
    fn instance_event(
        &mut self,
        at: SimTime,
        instance: InstanceId,
        what: &str,
        whose: impl FnOnce(&Names) -> &Piece,
    ) {
        self.begin_event();
        self.out.raw("{\"ph\":\"i\",\"s\":\"t\",\"pid\":");
        self.out.raw(INSTANCES);
        self.out.raw(",\"tid\":");
        self.out.number(u64::from(instance.0));
        self.out.raw(",\"ts\":");
        self.out.micros(at.as_ns());
        self.out.raw(",\"name\":\"");
        self.out.raw(what);
        self.out.raw("\"");
        self.argument("instance");
        self.out.piece(self.names.instance(instance));
        self.out.raw(",\"by\":");
        self.out.piece(whose(&self.names));
        self.out.raw("}}");
    }

    fn fault_event(&mut self, at: SimTime, fault: FaultId, is_start: bool, targets: &[NodeId]) {
        if is_start {
            self.window_counts[fault.index()] += 1;
        }
        let window = self.window_counts[fault.index()];
        for (phase, place) in [
            (if is_start { "b" } else { "e" }, "\"cat\":\"fault\""),
            ("i", "\"s\":\"g\""),
        ] {
            self.begin_event();
            self.out.raw("{\"ph\":\"");
            self.out.raw(phase);
            self.out.raw("\",");
            self.out.raw(place);
            self.out.raw(",\"pid\":");
            self.out.raw(FAULTS);
            self.out.raw(",\"id\":\"");
            self.out.number(fault.index() as u64);
            self.out.raw("-");
            self.out.number(window);
            self.out.raw("\",\"ts\":");
            self.out.micros(at.as_ns());
            self.out.raw(",\"name\":");
            self.out.piece(self.names.fault(fault));
            self.argument("is_start");
            self.out.raw(if is_start { "true" } else { "false" });
            self.out.raw(",\"targets\":[");
            for (place, node) in targets.iter().enumerate() {
                self.out.raw(if place == 0 { "" } else { "," });
                self.out.piece(self.names.node(*node));
            }
            self.out.raw("]}}");
        }
    }

    /// Writes the load of instances where it changed, if it is time.
    fn sample(&mut self, at: SimTime) {
        if at < self.next_sample {
            return;
        }
        for place in 0..self.loads.len() {
            let (load, written) = self.loads[place];
            if load == written {
                continue;
            }
            self.loads[place].1 = load;
            self.begin_event();
            self.out.raw("{\"ph\":\"C\",\"pid\":");
            self.out.raw(INSTANCES);
            self.out.raw(",\"ts\":");
            self.out.micros(at.as_ns());
            self.out.raw(",\"name\":");
            let instance = InstanceId::from_index(place);
            self.out.piece(self.names.instance(instance));
            self.out.raw(",\"args\":{\"attempts\":");
            self.out.number(u64::from(load));
            self.out.raw("}}");
        }
        let every = self.sample_every.as_ns();
        self.next_sample = SimTime::from_ns((at.as_ns() / every + 1) * every);
    }
}

impl Follower for ChromeTrace<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.sample(at);
        match *observation {
            Observation::FaultStarted { fault, targets } => {
                self.fault_event(at, fault, true, targets);
            }
            Observation::FaultEnded { fault, targets } => {
                self.fault_event(at, fault, false, targets);
            }
            Observation::NodeChanged { node, state, fault } if node.index() < self.loads.len() => {
                let instance = InstanceId(node.0);
                self.instance_event(at, instance, words::life(state), |names| {
                    fault.map_or(names.none(), |fault| names.fault(fault))
                });
            }
            Observation::Suspected {
                suspector,
                instance,
            } => self.instance_event(at, instance, "suspected", |n| n.suspector(suspector)),
            Observation::Trusted {
                suspector,
                instance,
            } => self.instance_event(at, instance, "trusted", |n| n.suspector(suspector)),
            Observation::Forgotten {
                suspector,
                instance,
            } => self.instance_event(at, instance, "forgotten", |n| n.suspector(suspector)),
            Observation::Excluded {
                caller, instance, ..
            } => self.instance_event(at, instance, "excluded", |n| n.caller(caller)),
            Observation::Included { caller, instance } => {
                self.instance_event(at, instance, "included", |n| n.caller(caller));
            }
            // Everything else is told by the steps of requests, or is not shown.
            _ => {}
        }
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        let request = step.request;
        match step.kind {
            StepKind::Arrived { client, node, .. } => {
                self.request_event(at, b'b', request);
                self.out.piece(self.names.client(client));
                self.argument("caller");
                self.out.piece(self.names.node(node));
                self.out.raw("}}");
            }
            StepKind::BelongsTo {
                request: origin, ..
            } => {
                self.sub_calls.insert(request);
                self.request_event(at, b'n', request);
                self.out.raw("\"belongs to\"");
                self.argument("request");
                self.out.raw("\"");
                self.out.identity(origin);
                self.out.raw("\"}}");
            }
            StepKind::Began { edge, .. } if self.sub_calls.contains(&request) => {
                self.request_event(at, b'b', request);
                self.out.piece(self.names.edge(edge));
                self.end_event();
            }
            StepKind::Sent {
                instance,
                is_wasted,
                ..
            } => {
                self.request_event(at, b'b', request);
                self.out.piece(self.names.instance(instance));
                self.end_with("wasted", !is_wasted);
            }
            StepKind::Reached { .. }
            | StepKind::TurnedAway { .. }
            | StepKind::TakenUp { .. }
            | StepKind::Left { .. }
            | StepKind::AttemptEnded { .. } => self.attempt_step(at, step),
            StepKind::BackedOff { wait } => {
                self.request_event(at, b'n', request);
                self.out.raw("\"backs off\"");
                self.argument("us");
                self.out.micros(wait.as_ns());
                self.out.raw("}}");
            }
            StepKind::CallEnded { edge, outcome, .. } if self.sub_calls.remove(&request) => {
                self.request_event(at, b'e', request);
                self.out.piece(self.names.edge(edge));
                self.end_outcome(outcome);
            }
            StepKind::Began { .. } | StepKind::CallEnded { .. } => {}
            StepKind::Ended {
                client, outcome, ..
            } => {
                self.request_event(at, b'e', request);
                self.out.piece(self.names.client(client));
                self.end_outcome(outcome);
            }
        }
    }
}

impl ChromeTrace<'_> {
    /// A step of an attempt after it was sent.
    fn attempt_step(&mut self, at: SimTime, step: &Step) {
        let request = step.request;
        match step.kind {
            StepKind::Reached { instance, .. } => self.loads[instance.index()].0 += 1,
            StepKind::TurnedAway { .. } => {
                self.request_event(at, b'n', request);
                self.out.raw("\"turned away\"");
                self.end_event();
            }
            StepKind::TakenUp { waiting, .. } => {
                if !waiting.is_zero() {
                    let since = SimTime::from_ns(at.as_ns() - waiting.as_ns());
                    self.request_event(since, b'b', request);
                    self.out.raw("\"waits\"");
                    self.end_event();
                    self.request_event(at, b'e', request);
                    self.out.raw("\"waits\"");
                    self.end_event();
                }
                self.request_event(at, b'b', request);
                self.out.raw("\"is served\"");
                self.end_event();
            }
            StepKind::Left {
                instance,
                end,
                is_started,
                ..
            } => {
                let load = &mut self.loads[instance.index()].0;
                *load = load.saturating_sub(1);
                let (phase, name) = match is_started {
                    true => (b'e', "\"is served\""),
                    false => (b'n', "\"leaves the queue\""),
                };
                self.request_event(at, phase, request);
                self.out.raw(name);
                self.end_with(words::work_end(end), end == WorkEnd::Served);
            }
            StepKind::AttemptEnded {
                instance, outcome, ..
            } => {
                self.request_event(at, b'e', request);
                self.out.piece(self.names.instance(instance));
                let is_usual = outcome == AttemptOutcome::Success;
                self.end_with(words::attempt_outcome(outcome), is_usual);
            }
            StepKind::Arrived { .. }
            | StepKind::BelongsTo { .. }
            | StepKind::Began { .. }
            | StepKind::Sent { .. }
            | StepKind::BackedOff { .. }
            | StepKind::CallEnded { .. }
            | StepKind::Ended { .. } => unreachable!("no step of an attempt under way"),
        }
    }

    fn end_outcome(&mut self, outcome: Outcome) {
        self.end_with(words::outcome(outcome), outcome == Outcome::Success);
    }
}
