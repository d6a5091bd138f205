//! The facts and steps of which a run has most, written without the general machinery, byte for
//! byte as that would.

use super::json::JsonWriter;
use super::names::Names;
use super::words;
use crate::model::observation::Observation;
use crate::model::observation::step::StepKind;

/// Writes the fields of a fact behind its time; nothing and `false` of a fact that is rare.
#[inline]
pub fn fact(out: &mut JsonWriter, names: &Names, observation: &Observation<'_>) -> bool {
    match *observation {
        Observation::RequestArrived {
            client,
            caller,
            class,
        } => {
            out.raw(",\"fact\":\"request_arrived\",\"client\":");
            out.piece(names.client(client));
            out.raw(",\"caller\":");
            out.piece(names.node(caller));
            out.raw(",\"class\":");
            out.piece(names.class(class));
        }
        Observation::RequestEnded {
            client,
            caller,
            class,
            arrived_at,
            outcome,
            attempt_count,
        } => {
            out.raw(",\"fact\":\"request_ended\",\"client\":");
            out.piece(names.client(client));
            out.raw(",\"caller\":");
            out.piece(names.node(caller));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"arrived_at_ns\":");
            out.number(arrived_at.as_ns());
            out.raw(",\"outcome\":\"");
            out.raw(words::outcome(outcome));
            out.raw("\",\"attempt_count\":");
            out.number(u64::from(attempt_count));
        }
        Observation::CallEnded {
            caller,
            edge,
            class,
            started_at,
            outcome,
        } => {
            out.raw(",\"fact\":\"call_ended\",\"caller\":");
            out.piece(names.caller(caller));
            out.raw(",\"edge\":");
            out.piece(names.edge(edge));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"started_at_ns\":");
            out.number(started_at.as_ns());
            out.raw(",\"outcome\":\"");
            out.raw(words::outcome(outcome));
            out.raw("\"");
        }
        Observation::AttemptSent { .. } | Observation::AttemptEnded { .. } => {
            attempt_fact(out, names, observation);
        }
        Observation::WorkArrived { .. }
        | Observation::WorkStarted { .. }
        | Observation::WorkEnded { .. }
        | Observation::BusyChanged { .. } => work_fact(out, names, observation),
        _ => return false,
    }
    true
}

#[inline]
fn attempt_fact(out: &mut JsonWriter, names: &Names, observation: &Observation<'_>) {
    match *observation {
        Observation::AttemptSent {
            caller,
            edge,
            instance,
            class,
            attempt_index,
            key,
            is_wasted,
        } => {
            out.raw(",\"fact\":\"attempt_sent\",\"caller\":");
            out.piece(names.caller(caller));
            out.raw(",\"edge\":");
            out.piece(names.edge(edge));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"attempt_index\":");
            out.number(u64::from(attempt_index));
            out.raw(",\"key\":");
            out.number(key);
            truth(out, ",\"is_wasted\":", is_wasted);
        }
        Observation::AttemptEnded {
            caller,
            edge,
            instance,
            class,
            sent_at,
            outcome,
        } => {
            out.raw(",\"fact\":\"attempt_ended\",\"caller\":");
            out.piece(names.caller(caller));
            out.raw(",\"edge\":");
            out.piece(names.edge(edge));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"sent_at_ns\":");
            out.number(sent_at.as_ns());
            out.raw(",\"outcome\":\"");
            out.raw(words::attempt_outcome(outcome));
            out.raw("\"");
        }
        _ => unreachable!("no fact of an attempt"),
    }
}

#[inline]
fn work_fact(out: &mut JsonWriter, names: &Names, observation: &Observation<'_>) {
    match *observation {
        Observation::WorkArrived { instance, class } => {
            out.raw(",\"fact\":\"work_arrived\",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"class\":");
            out.piece(names.class(class));
        }
        Observation::WorkStarted {
            instance,
            class,
            waiting,
        } => {
            out.raw(",\"fact\":\"work_started\",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"waiting_ns\":");
            out.number(waiting.as_ns());
        }
        Observation::WorkEnded {
            instance,
            class,
            arrived_at,
            started_at,
            end,
            is_zombie,
        } => {
            out.raw(",\"fact\":\"work_ended\",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"arrived_at_ns\":");
            out.number(arrived_at.as_ns());
            match started_at {
                Some(at) => {
                    out.raw(",\"started_at_ns\":");
                    out.number(at.as_ns());
                }
                None => out.raw(",\"started_at\":null"),
            }
            out.raw(",\"end\":\"");
            out.raw(words::work_end(end));
            truth(out, "\",\"is_zombie\":", is_zombie);
        }
        Observation::BusyChanged {
            instance,
            busy_count,
        } => {
            out.raw(",\"fact\":\"busy_changed\",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"busy_count\":");
            out.number(u64::from(busy_count));
        }
        _ => unreachable!("no fact of work"),
    }
}

/// Writes the fields of a step behind its request; nothing and `false` of a step that is rare.
#[inline]
pub fn step(out: &mut JsonWriter, names: &Names, kind: &StepKind) -> bool {
    match *kind {
        StepKind::Arrived {
            client,
            node,
            class,
            key,
        } => {
            out.raw(",\"step\":\"arrived\",\"client\":");
            out.piece(names.client(client));
            out.raw(",\"node\":");
            out.piece(names.node(node));
            out.raw(",\"class\":");
            out.piece(names.class(class));
            out.raw(",\"key\":");
            out.number(u64::from(key));
        }
        StepKind::Began { caller, edge } => {
            out.raw(",\"step\":\"began\",\"caller\":");
            out.piece(names.caller(caller));
            out.raw(",\"edge\":");
            out.piece(names.edge(edge));
        }
        StepKind::CallEnded { edge, outcome } => {
            out.raw(",\"step\":\"call_ended\",\"edge\":");
            out.piece(names.edge(edge));
            out.raw(",\"outcome\":\"");
            out.raw(words::outcome(outcome));
            out.raw("\"");
        }
        StepKind::Ended { client, outcome } => {
            out.raw(",\"step\":\"ended\",\"client\":");
            out.piece(names.client(client));
            out.raw(",\"outcome\":\"");
            out.raw(words::outcome(outcome));
            out.raw("\"");
        }
        StepKind::Sent { .. }
        | StepKind::Reached { .. }
        | StepKind::TakenUp { .. }
        | StepKind::Left { .. }
        | StepKind::AttemptEnded { .. } => attempt_step(out, names, kind),
        StepKind::BelongsTo { .. } | StepKind::TurnedAway { .. } | StepKind::BackedOff { .. } => {
            return false;
        }
    }
    true
}

#[inline]
fn attempt_step(out: &mut JsonWriter, names: &Names, kind: &StepKind) {
    match *kind {
        StepKind::Sent {
            attempt,
            instance,
            is_wasted,
        } => {
            out.raw(",\"step\":\"sent\",\"attempt\":");
            out.number(u64::from(attempt));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
            truth(out, ",\"is_wasted\":", is_wasted);
        }
        StepKind::Reached { attempt, instance } => {
            out.raw(",\"step\":\"reached\",\"attempt\":");
            out.number(u64::from(attempt));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
        }
        StepKind::TakenUp {
            attempt,
            instance,
            waiting,
        } => {
            out.raw(",\"step\":\"taken_up\",\"attempt\":");
            out.number(u64::from(attempt));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"waiting_ns\":");
            out.number(waiting.as_ns());
        }
        StepKind::Left {
            attempt,
            instance,
            end,
            is_started,
        } => {
            out.raw(",\"step\":\"left\",\"attempt\":");
            out.number(u64::from(attempt));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"end\":\"");
            out.raw(words::work_end(end));
            truth(out, "\",\"is_started\":", is_started);
        }
        StepKind::AttemptEnded {
            attempt,
            instance,
            outcome,
        } => {
            out.raw(",\"step\":\"attempt_ended\",\"attempt\":");
            out.number(u64::from(attempt));
            out.raw(",\"instance\":");
            out.piece(names.instance(instance));
            out.raw(",\"outcome\":\"");
            out.raw(words::attempt_outcome(outcome));
            out.raw("\"");
        }
        _ => unreachable!("no step of an attempt under way"),
    }
}

#[inline]
fn truth(out: &mut JsonWriter, key: &str, holds: bool) {
    out.raw(key);
    out.raw(if holds { "true" } else { "false" });
}
