//! Every fact of a run and every step of its requests as JSON, in lines.
//!
//! The first line says what the keys mean and which values are usual: a key that is not there has
//! its usual value. Every other line says in `ns` when it is, in `what` what happened, and in the
//! other keys the fields of that, as [`Observation`] and [`StepKind`] have them. Most steps of a
//! request are facts as well, and one name stands for both; the line then has the identity of the
//! request in `request`. What happens to one request in one instant shares a line as long as all
//! that the fields say is the same. Nodes, calls, clients and faults have the names that they have
//! everywhere.

use std::io::{self, Write};

use super::Follower;
use super::json::{Bytes, Digits, JsonWriter, quoted};
use super::lines_fields;
use super::names::Names;
use crate::id::{CallerId, ClassId, EdgeId, InstanceId, NodeId};
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{Observation, Outcome};
use crate::scenario::Scenario;
use crate::time::SimTime;

/// What the keys of the other lines mean, besides the fields of facts.
const KEYS: [(&str, &str); 7] = [
    ("ns", "when: nanoseconds since the start of the run"),
    (
        "request",
        "whose steps these are, as `stormglass why` takes it; other lines are about no single one",
    ),
    (
        "what",
        "what happened, in this order; the other keys are fields of that",
    ),
    (
        "lasted_ns",
        "how long the attempt that ended, the call or the request took",
    ),
    (
        "stayed_ns",
        "how long the work that ended was at its instance",
    ),
    (
        "worked_ns",
        "how long a worker had it; not there if none took it up",
    ),
    ("*_ns", "a length; *_at_ns is an instant"),
];

/// Values that are usual in every scenario, as JSON.
const USUAL: &str = "\"class\":null,\"attempt\":0,\"is_wasted\":false,\"waiting_ns\":0,\
                     \"is_zombie\":false,\"attempt_count\":1";

/// What every file of lines begins with.
pub const BEGINNING: &str = "{\"stormglass\":\"";

/// Writes lines as things happen.
pub struct Lines<'w> {
    pub(super) names: Names,
    out: JsonWriter<'w>,
    /// The instant of the last line, and its digits.
    last: (SimTime, Digits),
    /// The request of the line that is open.
    pub(super) request: Option<u64>,
    /// What happened last in the line that is open; what it is called, and all fields.
    pub(super) state: State,
    pub(super) what: Bytes,
    pub(super) fields: Bytes,
    /// The client and the call, where there is only one.
    pub(super) has_one_client: bool,
    pub(super) has_one_edge: bool,
}

/// What may go on in the line that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Closed,
    /// A request arrived: its call may begin.
    Arrived { node: NodeId, told: (ClassId, u32) },
    /// It is known whose sub-call a request is: the call may begin.
    Belongs,
    /// A call began: its first attempt may be sent. `told`: class and key, where the line has them.
    Began {
        caller: CallerId,
        edge: EdgeId,
        told: Option<(ClassId, u32)>,
    },
    /// Work arrived: a worker may take it up at once.
    Reached {
        attempt: u8,
        instance: InstanceId,
        class: ClassId,
    },
    /// A worker took work up, or an instance is done with some: it may say how many are busy.
    Worked { instance: InstanceId },
    /// An attempt ended: its call may end with it.
    AttemptEnded {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        since: SimTime,
        is_success: bool,
    },
    /// A call ended: the request of a client may end with it.
    CallEnded {
        caller: CallerId,
        class: ClassId,
        since: SimTime,
        outcome: Outcome,
    },
}

impl<'w> Lines<'w> {
    /// Writes the facts of the run of `scenario` with `seed` to `out`.
    pub fn new(scenario: &Scenario, seed: u64, out: &'w mut (dyn Write + Send)) -> Self {
        let mut lines = Lines {
            names: Names::new(scenario),
            out: JsonWriter::new(out),
            last: (SimTime::START, Digits::of(0)),
            request: None,
            state: State::Closed,
            what: Bytes::default(),
            fields: Bytes::default(),
            has_one_client: scenario.clients.len() == 1,
            has_one_edge: scenario.edges.len() == 1,
        };
        lines.head(scenario, seed);
        lines
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// The first one of writing.
    pub fn finish(mut self) -> io::Result<()> {
        self.close();
        self.out.finish()
    }

    /// The line that explains the others.
    fn head(&mut self, scenario: &Scenario, seed: u64) {
        let out = &mut self.out;
        let version = env!("CARGO_PKG_VERSION");
        let name = quoted(&scenario.name);
        out.raw(&format!(
            "{BEGINNING}{version}\",\"scenario\":{name},\"seed\":{seed},\"keys\":{{"
        ));
        for (index, (key, words)) in KEYS.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            out.raw(&format!("{comma}\"{key}\":{}", quoted(words)));
        }
        out.raw("},\"usual\":{");
        out.raw(USUAL);
        if self.has_one_client {
            out.raw(&format!(
                ",\"client\":{}",
                quoted(&scenario.clients[0].name)
            ));
        }
        if self.has_one_edge {
            out.raw(&format!(",\"edge\":{}", quoted(&scenario.edges[0].path)));
        }
        out.raw("}}\n");
    }

    /// Goes on with the line that is open, if it is about this request in this instant and `joins`
    /// says that its last fact allows it; otherwise begins another one.
    #[inline]
    pub(super) fn open(
        &mut self,
        at: SimTime,
        request: Option<u64>,
        joins: impl FnOnce(State) -> bool,
    ) -> bool {
        let goes_on = self.last.0 == at && self.request == request && joins(self.state);
        if !goes_on {
            self.close();
            if self.last.0 != at {
                self.last = (at, Digits::of(at.as_ns()));
            }
            self.request = request;
        }
        goes_on
    }

    /// Names what the fields are about that come next.
    #[inline]
    pub(super) fn say(&mut self, quoted_name: &str) {
        if !self.what.is_empty() {
            self.what.raw(",");
        }
        self.what.raw(quoted_name);
    }

    /// Writes the line that is open.
    #[inline]
    fn close(&mut self) {
        self.state = State::Closed;
        if self.what.is_empty() {
            return;
        }
        self.out.raw("{\"ns\":");
        self.out.padded(&self.last.1.bytes, self.last.1.length);
        if let Some(request) = self.request {
            self.out.raw(",\"request\":\"");
            self.out.identity(request);
            self.out.raw("\"");
        }
        self.out.raw(",\"what\":[");
        self.out.take(&mut self.what);
        self.out.raw("]");
        self.out.take(&mut self.fields);
        self.out.raw("}\n");
        self.out.end_record();
    }

    /// A fact of which there are not so many, in a line of its own. `step`: it is one of a request
    /// and an attempt as well.
    fn rare(&mut self, at: SimTime, observation: &Observation<'_>, step: Option<(u64, u8)>) {
        self.open(at, step.map(|(request, _)| request), |_| false);
        let name = lines_fields::write(&mut self.fields, &self.names, observation);
        self.say(&format!("\"{name}\""));
        if let Some((_, attempt)) = step {
            self.attempt(attempt);
        }
    }

    /// A step that is no fact, in a line of its own, or one that is told apart from its fact.
    fn lone(&mut self, at: SimTime, step: &Step) {
        self.open(at, Some(step.request), |_| false);
        let name = lines_fields::write(&mut self.fields, &self.names, &step.kind);
        match step.kind {
            StepKind::BelongsTo { .. } => {
                self.say("\"belongs_to\"");
                self.state = State::Belongs;
            }
            StepKind::BackedOff { .. } => self.say("\"backed_off\""),
            _ => self.say(&format!("\"step_{name}\"")),
        }
    }
}

impl Follower for Lines<'_> {
    #[inline]
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::BusyChanged {
                instance,
                busy_count,
            } => self.busy(at, instance, busy_count),
            _ => self.rare(at, observation, None),
        }
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        match step.kind {
            StepKind::Began { caller, edge } => self.began(at, step.request, caller, edge),
            _ => self.lone(at, step),
        }
    }

    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        if self.often(at, observation, step) {
            return;
        }
        match (observation, step.kind) {
            (
                Observation::WorkRejected { instance, .. },
                StepKind::TurnedAway {
                    attempt,
                    instance: place,
                },
            ) if *instance == place => self.rare(at, observation, Some((step.request, attempt))),
            (
                Observation::ReleasedWorkEnded { instance, end, .. },
                StepKind::Left {
                    attempt,
                    instance: place,
                    end: how,
                    is_started: true,
                },
            ) if (*instance, *end) == (place, how) => {
                self.rare(at, observation, Some((step.request, attempt)));
            }
            _ => {
                self.rare(at, observation, None);
                self.lone(at, step);
            }
        }
    }
}
