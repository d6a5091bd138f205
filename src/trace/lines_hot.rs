//! The facts of which a run has most, written without the general machinery and without what is
//! usual or stands in their line already.

use super::json::Bytes;
use super::lines::{Lines, State};
use super::words;
use crate::id::{CallerId, ClassId, ClientId, EdgeId, InstanceId};
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{AttemptOutcome, Observation, Outcome};
use crate::time::{SimDuration, SimTime};

impl Lines<'_> {
    /// Writes a fact that is a step as well; `false` if it is rare, or if the two do not agree.
    #[inline]
    pub(super) fn often(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match step.kind {
            StepKind::Arrived { .. } => self.arrived(at, fact, step),
            StepKind::Sent { .. } => self.sent(at, fact, step),
            StepKind::Reached { .. } | StepKind::TakenUp { .. } => self.reached(at, fact, step),
            StepKind::Left { .. } => self.left(at, fact, step),
            StepKind::AttemptEnded { .. } => self.attempt_ended(at, fact, step),
            StepKind::CallEnded { .. } | StepKind::Ended { .. } => self.ended(at, fact, step),
            StepKind::BelongsTo { .. }
            | StepKind::Began { .. }
            | StepKind::TurnedAway { .. }
            | StepKind::BackedOff { .. } => false,
        }
    }

    #[inline]
    fn arrived(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match (fact, step.kind) {
            (
                &Observation::RequestArrived {
                    client,
                    caller,
                    class,
                },
                StepKind::Arrived {
                    client: same_client,
                    node,
                    class: same_class,
                    key,
                },
            ) if (client, caller, class) == (same_client, node, same_class) => {
                self.open(at, Some(step.request), |_| false);
                self.say("\"request_arrived\"");
                self.client(client);
                self.fields.raw(",\"caller\":");
                self.fields.piece(self.names.node(node));
                self.class(class);
                number(&mut self.fields, ",\"key\":", u64::from(key));
                let told = (class, key);
                self.state = State::Arrived { node, told };
                true
            }
            _ => false,
        }
    }

    /// A calling side begins a call.
    #[inline]
    pub(super) fn began(&mut self, at: SimTime, request: u64, caller: CallerId, edge: EdgeId) {
        let owner = self.names.caller_node(caller);
        let mut told = None;
        self.open(at, Some(request), |state| match state {
            State::Arrived { node, told: known } => {
                told = Some(known);
                node == owner
            }
            _ => state == State::Belongs,
        });
        if !matches!(self.state, State::Arrived { .. }) {
            told = None;
            self.caller(caller);
        }
        self.say("\"began\"");
        self.edge(edge);
        self.state = State::Began { caller, edge, told };
    }

    #[inline]
    fn sent(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match (fact, step.kind) {
            (
                &Observation::AttemptSent {
                    caller,
                    edge,
                    instance,
                    class,
                    attempt_index,
                    key,
                    is_wasted,
                },
                StepKind::Sent {
                    attempt,
                    instance: same_instance,
                    is_wasted: same_waste,
                },
            ) if attempt_index == u32::from(attempt)
                && (instance, is_wasted) == (same_instance, same_waste) =>
            {
                let mut is_told = false;
                let goes_on = self.open(at, Some(step.request), |state| match state {
                    State::Began {
                        caller: its_caller,
                        edge: its_edge,
                        told,
                    } => {
                        is_told = told.is_some();
                        let agrees = told.is_none_or(|(its_class, its_key)| {
                            (its_class, u64::from(its_key)) == (class, key)
                        });
                        (caller, edge) == (its_caller, its_edge) && agrees
                    }
                    _ => false,
                });
                self.say("\"attempt_sent\"");
                if !goes_on {
                    self.caller(caller);
                    self.edge(edge);
                }
                if !(goes_on && is_told) {
                    self.class(class);
                    number(&mut self.fields, ",\"key\":", key);
                }
                self.attempt(attempt);
                self.instance(instance);
                if is_wasted {
                    self.fields.raw(",\"is_wasted\":true");
                }
                self.state = State::Closed;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn reached(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        let (name, place, class, attempt, waiting) = match (fact, step.kind) {
            (
                &Observation::WorkArrived { instance, class },
                StepKind::Reached {
                    attempt,
                    instance: same,
                },
            ) if instance == same => ("\"work_arrived\"", instance, class, attempt, None),
            (
                &Observation::WorkStarted {
                    instance,
                    class,
                    waiting,
                },
                StepKind::TakenUp {
                    attempt,
                    instance: same,
                    waiting: same_wait,
                },
            ) if (instance, waiting) == (same, same_wait) => {
                ("\"work_started\"", instance, class, attempt, Some(waiting))
            }
            _ => return false,
        };
        let reached = State::Reached {
            attempt,
            instance: place,
            class,
        };
        let is_at_once = waiting == Some(SimDuration::ZERO);
        let request = Some(step.request);
        if !self.open(at, request, |state| is_at_once && state == reached) {
            self.instance(place);
            self.class(class);
            self.attempt(attempt);
            if let Some(waiting) = waiting.filter(|waiting| !waiting.is_zero()) {
                number(&mut self.fields, ",\"waiting_ns\":", waiting.as_ns());
            }
        }
        self.say(name);
        self.state = match waiting {
            None => reached,
            Some(_) => State::Worked { instance: place },
        };
        true
    }

    #[inline]
    fn left(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match (fact, step.kind) {
            (
                &Observation::WorkEnded {
                    instance,
                    class,
                    arrived_at,
                    started_at,
                    end,
                    is_zombie,
                },
                StepKind::Left {
                    attempt,
                    instance: same_instance,
                    end: same_end,
                    is_started,
                },
            ) if (instance, end) == (same_instance, same_end)
                && started_at.is_some() == is_started =>
            {
                self.open(at, Some(step.request), |_| false);
                self.say("\"work_ended\"");
                self.instance(instance);
                self.class(class);
                self.attempt(attempt);
                let stayed = at.since(arrived_at).as_ns();
                number(&mut self.fields, ",\"stayed_ns\":", stayed);
                if let Some(started_at) = started_at {
                    let worked = at.since(started_at).as_ns();
                    number(&mut self.fields, ",\"worked_ns\":", worked);
                }
                self.word(",\"end\":\"", words::work_end(end));
                if is_zombie {
                    self.fields.raw(",\"is_zombie\":true");
                }
                self.state = State::Worked { instance };
                true
            }
            _ => false,
        }
    }

    /// So many workers are busy, often because of what the line tells that is open.
    #[inline]
    pub(super) fn busy(&mut self, at: SimTime, instance: InstanceId, busy_count: u32) {
        let worked = State::Worked { instance };
        let request = self.request.filter(|_| self.state == worked);
        if !self.open(at, request, |state| state == worked) {
            self.request = None;
            self.instance(instance);
        }
        self.say("\"busy_changed\"");
        let busy_count = u64::from(busy_count);
        number(&mut self.fields, ",\"busy_count\":", busy_count);
        self.state = State::Closed;
    }

    #[inline]
    fn attempt_ended(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match (fact, step.kind) {
            (
                &Observation::AttemptEnded {
                    caller,
                    edge,
                    instance,
                    class,
                    sent_at: since,
                    outcome,
                },
                StepKind::AttemptEnded {
                    attempt,
                    instance: same_instance,
                    outcome: same_outcome,
                },
            ) if (instance, outcome) == (same_instance, same_outcome) => {
                self.open(at, Some(step.request), |_| false);
                self.say("\"attempt_ended\"");
                self.caller(caller);
                self.edge(edge);
                self.class(class);
                self.attempt(attempt);
                self.instance(instance);
                self.lasted(at, since, words::attempt_outcome(outcome));
                self.state = State::AttemptEnded {
                    caller,
                    edge,
                    class,
                    since,
                    is_success: outcome == AttemptOutcome::Success,
                };
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn ended(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match (fact, step.kind) {
            (
                &Observation::CallEnded {
                    caller,
                    edge,
                    class,
                    started_at: since,
                    outcome,
                },
                StepKind::CallEnded {
                    edge: same_edge,
                    outcome: same_outcome,
                },
            ) if (edge, outcome) == (same_edge, same_outcome) => {
                let attempt = State::AttemptEnded {
                    caller,
                    edge,
                    class,
                    since,
                    is_success: true,
                };
                let is_success = outcome == Outcome::Success;
                let request = Some(step.request);
                if !self.open(at, request, |state| is_success && state == attempt) {
                    self.caller(caller);
                    self.edge(edge);
                    self.class(class);
                    self.lasted(at, since, words::outcome(outcome));
                }
                self.say("\"call_ended\"");
                self.state = State::CallEnded {
                    caller,
                    class,
                    since,
                    outcome,
                };
                true
            }
            _ => self.request_ended(at, fact, step),
        }
    }

    #[inline]
    fn request_ended(&mut self, at: SimTime, fact: &Observation<'_>, step: &Step) -> bool {
        match (fact, step.kind) {
            (
                &Observation::RequestEnded {
                    client,
                    caller,
                    class,
                    arrived_at: since,
                    outcome,
                    attempt_count,
                },
                StepKind::Ended {
                    client: same_client,
                    outcome: same_outcome,
                },
            ) if (client, outcome) == (same_client, same_outcome) => {
                let node = match self.state {
                    State::CallEnded { caller, .. } => Some(self.names.caller_node(caller)),
                    _ => None,
                };
                let goes_on = self.open(at, Some(step.request), |state| match state {
                    State::CallEnded {
                        class: its_class,
                        since: its_start,
                        outcome: its_outcome,
                        ..
                    } => {
                        node == Some(caller)
                            && (its_class, its_start, its_outcome) == (class, since, outcome)
                    }
                    _ => false,
                });
                self.say("\"request_ended\"");
                self.client(client);
                if !goes_on {
                    self.fields.raw(",\"caller\":");
                    self.fields.piece(self.names.node(caller));
                    self.class(class);
                    self.lasted(at, since, words::outcome(outcome));
                }
                self.state = State::Closed;
                if attempt_count != 1 {
                    let count = u64::from(attempt_count);
                    number(&mut self.fields, ",\"attempt_count\":", count);
                }
                true
            }
            _ => false,
        }
    }
}

/// Single fields, none of which is written where it is usual.
impl Lines<'_> {
    #[inline]
    fn client(&mut self, client: ClientId) {
        if !self.has_one_client {
            self.fields.raw(",\"client\":");
            self.fields.piece(self.names.client(client));
        }
    }

    #[inline]
    fn caller(&mut self, caller: CallerId) {
        self.fields.raw(",\"caller\":");
        self.fields.piece(self.names.caller(caller));
    }

    #[inline]
    fn edge(&mut self, edge: EdgeId) {
        if !self.has_one_edge {
            self.fields.raw(",\"edge\":");
            self.fields.piece(self.names.edge(edge));
        }
    }

    #[inline]
    fn instance(&mut self, instance: InstanceId) {
        self.fields.raw(",\"instance\":");
        self.fields.piece(self.names.instance(instance));
    }

    #[inline]
    fn class(&mut self, class: ClassId) {
        if class != ClassId::NONE {
            self.fields.raw(",\"class\":");
            self.fields.piece(self.names.class(class));
        }
    }

    #[inline]
    pub(super) fn attempt(&mut self, attempt: u8) {
        if attempt != 0 {
            number(&mut self.fields, ",\"attempt\":", u64::from(attempt));
        }
    }

    #[inline]
    fn lasted(&mut self, at: SimTime, since: SimTime, outcome: &'static str) {
        let lasted = at.since(since).as_ns();
        number(&mut self.fields, ",\"lasted_ns\":", lasted);
        self.word(",\"outcome\":\"", outcome);
    }

    #[inline]
    fn word(&mut self, key: &str, word: &'static str) {
        self.fields.raw(key);
        self.fields.raw(word);
        self.fields.raw("\"");
    }
}

#[inline]
fn number(fields: &mut Bytes, key: &str, number: u64) {
    fields.raw(key);
    fields.number(number);
}
