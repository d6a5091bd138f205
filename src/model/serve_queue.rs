//! How attempts wait for a worker of their instance, in lists through their slots.

use super::observation::Observer;
use super::request::{Attempt, NIL, Stage};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::InstanceId;
use crate::scenario::service::Discipline;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// An attempt waits for a worker.
    #[inline(always)]
    pub(super) fn enqueue(&mut self, slot: u32, discipline: Discipline) {
        let instance = self.attempts[slot].instance;
        if !O::IS_BARE && self.instances[instance.index()].waiting.is_some() {
            return self.enqueue_by_rules(slot);
        }
        let attempt = &mut self.attempts[slot];
        attempt.stage = Stage::Waiting;
        attempt.next = NIL;
        let instance = &mut self.instances[attempt.instance.index()];
        instance.waiting_count += 1;
        match discipline {
            _ if instance.waiting_first == NIL => {
                instance.waiting_first = slot;
                instance.waiting_last = slot;
            }
            Discipline::Fifo => {
                let last = std::mem::replace(&mut instance.waiting_last, slot);
                self.attempts[last].next = slot;
            }
            Discipline::Lifo => {
                attempt.next = std::mem::replace(&mut instance.waiting_first, slot);
            }
            Discipline::ProcessorSharing => unreachable!("shared work does not wait"),
        }
    }

    #[inline(always)]
    fn dequeue(&mut self, id: InstanceId) -> Option<u32> {
        let instance = &mut self.instances[id.index()];
        if !O::IS_BARE && instance.waiting.is_some() {
            return self.dequeue_by_rules(id);
        }
        let slot = instance.waiting_first;
        if slot == NIL {
            assert!(
                instance.waiting_count == 0,
                "{id:?} counts what is not in its queue"
            );
            return None;
        }
        instance.waiting_count -= 1;
        instance.waiting_first = self.attempts[slot].next;
        if instance.waiting_first == NIL {
            instance.waiting_last = NIL;
        }
        Some(slot)
    }

    /// The next attempt that a worker takes up.
    #[inline(always)]
    pub(super) fn next_work(&mut self, id: InstanceId) -> Option<u32> {
        loop {
            let slot = self.dequeue(id)?;
            if O::IS_BARE || self.instances[id.index()].is_plain || !self.drops_late(slot) {
                return Some(slot);
            }
        }
    }

    /// Takes an attempt out of its queue, wherever it stands.
    pub(super) fn unlink_waiting(&mut self, slot: u32) {
        let Attempt {
            instance: id, next, ..
        } = self.attempts[slot];
        if self.instances[id.index()].waiting.is_some() {
            return self.withdraw_by_rules(slot);
        }
        let instance = &mut self.instances[id.index()];
        instance.waiting_count -= 1;
        if instance.waiting_first == slot {
            instance.waiting_first = next;
            if next == NIL {
                instance.waiting_last = NIL;
            }
            return;
        }
        let mut before = instance.waiting_first;
        while self.attempts[before].next != slot {
            before = self.attempts[before].next;
        }
        self.attempts[before].next = next;
        if instance.waiting_last == slot {
            instance.waiting_last = before;
        }
    }
}
