//! Work that goes on without a worker while asynchronous calls are under way.

use super::observation::{Observation, Observer, WorkEnd};
use super::request::{Attempt, NIL, Reply, Stage};
use super::world::World;
use crate::engine::PendingSet;
use crate::time::SimTime;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The worker of an attempt is free while its calls are under way; what follows them takes no
    /// worker.
    pub(super) fn release_worker(&mut self, slot: u32) {
        let now = self.now();
        let attempt = &mut self.attempts[slot];
        if attempt.stage == Stage::CallingFree {
            return;
        }
        attempt.stage = Stage::CallingFree;
        attempt.due_ns = now.as_ns();
        let (instance, started_at) = (attempt.instance, attempt.started_at);
        let class = attempt.class;
        if !self.is_probe(slot) {
            self.observe(Observation::WorkReleased {
                instance,
                class,
                started_at,
            });
            self.observe_zombie(slot);
        }
        self.instances[instance.index()].free_count += 1;
        self.free_worker(instance, Stage::Calling);
    }

    /// The reply of an attempt goes out that no worker holds.
    pub(super) fn complete_free_work(&mut self, slot: u32) {
        let end = match self.attempts[slot].reply {
            Reply::Good => WorkEnd::Served,
            _ => WorkEnd::Errored,
        };
        self.observe_free_work_ended(slot, end);
        let reply = self.attempts[slot].reply;
        self.send_reply(slot, reply);
    }

    /// An instance is done with an attempt that no worker held at last.
    pub(super) fn observe_free_work_ended(&mut self, slot: u32, end: WorkEnd) {
        let Attempt {
            instance,
            class,
            arrived_at,
            started_at,
            due_ns,
            request,
            ..
        } = self.attempts[slot];
        self.instances[instance.index()].free_count -= 1;
        if self.is_probe(slot) {
            return;
        }
        let left = Observation::ReleasedWorkEnded {
            instance,
            class,
            arrived_at,
            started_at,
            released_at: SimTime::from_ns(due_ns),
            end,
            is_zombie: request == NIL,
        };
        self.observe_left(slot, left, end);
    }
}
