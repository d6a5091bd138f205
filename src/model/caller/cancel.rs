//! Cancellation: who gives up an attempt says so, and the instance stops what it can.

use super::several::Cancel;
use crate::engine::PendingSet;
use crate::id::EdgeId;
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict};
use crate::model::observation::{
    AttemptOutcome, LifeState, Observation, Observer, Outcome, WorkEnd,
};
use crate::model::request::{Attempt, AttemptFlags, NIL, Parent, RequestFlags, Stage};
use crate::model::world::{Deferred, World};
use crate::scenario::attempts::DeadlinePropagation;
use crate::scenario::fault::Traffic;

/// The leg of a cancellation. Legs 0 to 3 are those of the attempt, its reply and their copies.
const LEG_CANCEL: u32 = 4;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Gives up the attempts of requests whose owner died. `requests` is ascending.
    pub(in crate::model) fn cancel_attempts_of(&mut self, requests: &[u32]) {
        let slots: Vec<u32> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| requests.binary_search(&attempt.request).is_ok())
            .map(|(slot, _)| slot)
            .collect();
        for slot in slots {
            self.forget_attempt(slot, AttemptOutcome::Cancelled);
        }
    }

    /// A calling side gave up an attempt that its instance may still have: it says so, if the
    /// call cancels. A process that died says nothing.
    pub(super) fn send_cancel(&mut self, slot: u32, edge: EdgeId, outcome: AttemptOutcome) {
        let propagation = self.attempts_config(edge).map(|config| config.propagation);
        if propagation != Some(DeadlinePropagation::Cancel) || !is_given_up(outcome) {
            return;
        }
        let Some(&Attempt {
            identity,
            index,
            stage,
            instance,
            caller,
            ..
        }) = self.attempts.get(slot)
        else {
            return;
        };
        let from = self.caller_node(caller);
        let is_there = stage == Stage::Sent || stage.is_at_instance();
        if !is_there || self.nodes[from.index()].state != LifeState::Up {
            return;
        }
        let key = MessageKey {
            identity,
            number: u32::from(index),
            leg: LEG_CANCEL,
            class: self.attempts[slot].class,
            traffic: Some(Traffic::Requests),
        };
        let link = (from, self.instance_node(instance));
        if let Verdict::Deliver { delay, .. } = self.send(link, key) {
            let cancel = self.several.cancels.insert(Cancel {
                attempt: slot,
                identity,
                index,
            });
            self.schedule(delay, Event::CancelArrives(cancel));
        }
    }

    /// A cancellation reaches the host of an instance. What is done, or died, takes no notice.
    pub(in crate::model) fn on_cancel_arrives(&mut self, cancel: u32, sequence: u64) {
        let Cancel {
            attempt: slot,
            identity,
            index,
        } = self.several.cancels[cancel];
        let is_meant = |attempt: &&Attempt| {
            (attempt.identity, attempt.index) == (identity, index)
                && attempt.request == NIL
                && !attempt.flags.has(AttemptFlags::DUPLICATE)
        };
        let Some(attempt) = self.attempts.get(slot).filter(is_meant) else {
            self.lose_cancel(cancel);
            return;
        };
        let identity = super::fold_identity(attempt);
        let node = self.instance_node(attempt.instance);
        let event = Event::CancelArrives(cancel);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.lose_cancel(cancel);
        self.fold(event, node, identity);
        self.take_back(slot);
    }

    /// A cancellation is gone, read or not.
    pub(in crate::model) fn lose_cancel(&mut self, cancel: u32) {
        self.several.cancels.remove(cancel);
    }

    /// An attempt that nobody waits for is dropped where it is, if it can be.
    fn take_back(&mut self, slot: u32) {
        let attempt = self.attempts[slot];
        let service = self.instances[attempt.instance.index()].service;
        let is_cancellable = self.scenario.services[service.index()].is_cancellable;
        match attempt.stage {
            // Connections keep the order of messages: it is dropped as it arrives.
            Stage::Sent => {
                self.remove_attempt(slot);
            }
            Stage::Waiting => {
                self.unlink_waiting(slot);
                self.end_cancelled(slot, &attempt);
            }
            Stage::Running | Stage::Calling if is_cancellable => {
                let loads_key = self.loads_key(slot);
                self.cancel_calls(slot);
                self.end_cancelled(slot, &attempt);
                self.stop_work(slot, &attempt);
                if loads_key {
                    self.lose_service_load(&attempt);
                }
            }
            Stage::CallingFree if is_cancellable => {
                self.cancel_calls(slot);
                self.observe_free_work_ended(slot, WorkEnd::Cancelled);
                self.remove_attempt(slot);
            }
            Stage::Running | Stage::Calling | Stage::CallingFree | Stage::Replied | Stage::Lost => {
            }
        }
    }

    /// A worker stops.
    fn stop_work(&mut self, slot: u32, attempt: &Attempt) {
        let id = attempt.instance;
        let is_on_cpu = attempt.flags.has(AttemptFlags::ON_CPU);
        let is_shared = self.instances[id.index()].sharing.is_some() || is_on_cpu;
        if is_shared && attempt.stage == Stage::Running {
            self.advance_sharing(id);
            self.with_sharing(id, |sharing| sharing.remove(slot));
            if is_on_cpu {
                self.observe(Observation::CoresShared {
                    instance: id,
                    class: attempt.class,
                    begins: false,
                });
            }
            self.schedule_shared(id);
        }
        self.free_worker(id, attempt.stage);
    }

    fn end_cancelled(&mut self, slot: u32, attempt: &Attempt) {
        let is_started = matches!(attempt.stage, Stage::Running | Stage::Calling);
        let left = Observation::WorkEnded {
            instance: attempt.instance,
            class: attempt.class,
            arrived_at: attempt.arrived_at,
            started_at: is_started.then_some(attempt.started_at),
            end: WorkEnd::Cancelled,
            is_zombie: true,
        };
        self.observe_left(slot, left, WorkEnd::Cancelled);
        self.observe_zombie(slot);
        self.remove_attempt(slot);
    }

    /// The calls that an attempt waits for end with it.
    fn cancel_calls(&mut self, attempt: u32) {
        let calls = self.several.calls.members(attempt);
        if self.attempts[attempt].stage != Stage::Running {
            self.disown_stage(attempt);
        }
        for slot in calls {
            self.give_up_call(slot);
        }
    }

    /// A call ends without an outcome that anybody waits for.
    pub(super) fn give_up_call(&mut self, slot: u32) {
        self.leave_gate(slot);
        self.leave_attempts(slot);
        let request = self.requests[slot];
        self.tried.release(request.tried);
        if request.flags.has(RequestFlags::BACKING_OFF) {
            self.requests[slot].flags.0 |= RequestFlags::ABANDONED.0;
            self.requests[slot].tried = NIL;
        } else {
            self.requests.remove(slot);
        }
        self.observe_call_ended(&request, Outcome::Failure);
        self.close_given_up(slot, &request);
        self.lose_load(&request);
        if let Parent::Join(join) = request.parent() {
            self.on_joined_call_ended(join, &request, Outcome::Failure);
        }
    }
}

/// Whether the calling side stopped waiting, and was not told.
fn is_given_up(outcome: AttemptOutcome) -> bool {
    match outcome {
        AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen
        | AttemptOutcome::Cancelled => true,
        AttemptOutcome::Success
        | AttemptOutcome::Error
        | AttemptOutcome::Rejected
        | AttemptOutcome::Refused
        | AttemptOutcome::Reset
        | AttemptOutcome::ResetUnsent
        | AttemptOutcome::ConnectTimeout => false,
    }
}
