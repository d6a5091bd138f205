//! Work that shares the workers or the cores of its instance.

use super::caller::fold_identity;
use super::event::Event;
use super::observation::{LifeState, Observation, Observer};
use super::request::AttemptFlags;
use super::world::World;
use crate::engine::PendingSet;
use crate::id::InstanceId;
use crate::time::SimDuration;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// An attempt shares its instance from now on.
    pub(super) fn start_shared_work(&mut self, slot: u32, demand: SimDuration) {
        let id = self.attempts[slot].instance;
        self.advance_sharing(id);
        self.with_sharing(id, |sharing| sharing.start(slot, demand));
        self.schedule_shared(id);
        self.observe_shared(id);
    }

    /// The first of the attempts that share an instance is done.
    #[inline(never)]
    pub(super) fn on_shared_work_done(&mut self, instance: u32, sequence: u64) {
        let id = InstanceId(instance);
        if !self.with_sharing(id, |sharing| sharing.completion.fire(sequence)) {
            return;
        }
        self.advance_sharing(id);
        let slot = self.with_sharing(id, super::sharing::Sharing::finish);
        let attempt = self.attempts[slot];
        let node = self.instance_node(id);
        self.fold(
            Event::SharedWorkDone(instance),
            node,
            fold_identity(&attempt),
        );
        self.schedule_shared(id);
        if attempt.flags.has(AttemptFlags::ON_CPU) {
            self.end_on_cpu(slot);
        } else {
            self.after_own_work(slot);
        }
    }

    pub(super) fn with_sharing<T>(
        &mut self,
        id: InstanceId,
        f: impl FnOnce(&mut super::sharing::Sharing) -> T,
    ) -> T {
        let sharing = self.instances[id.index()].shared_mut();
        f(sharing.expect("only instances that share workers or cores share"))
    }

    /// How fast each of the attempts that share an instance is served.
    fn sharing_rate(&self, id: InstanceId) -> f64 {
        let instance = &self.instances[id.index()];
        if self.nodes[id.index()].state == LifeState::Paused {
            return 0.0;
        }
        if let Some(cpu) = &instance.cpu {
            return instance.rate() * cpu.rate();
        }
        let count = instance
            .sharing
            .as_ref()
            .map_or(0, |sharing| sharing.count());
        let part = f64::from(instance.worker_count) / f64::from(count.max(1));
        instance.rate() * part.min(1.0)
    }

    /// Brings the progress of shared work up to date. Must be called before the rate changes.
    pub(super) fn advance_sharing(&mut self, id: InstanceId) {
        let (now, rate) = (self.now(), self.sharing_rate(id));
        self.with_sharing(id, |sharing| sharing.advance(now, rate));
        self.advance_quota(id);
    }

    /// Schedules the next completion of shared work. Must be called after the rate changed.
    pub(super) fn schedule_shared(&mut self, id: InstanceId) {
        let rate = self.sharing_rate(id);
        let until_first = self.with_sharing(id, |sharing| {
            sharing.completion.cancel();
            sharing.until_first(rate)
        });
        let until_first = until_first.or_else(|| self.until_first_throttled(id));
        if let Some(length) = until_first {
            let sequence = self.schedule(length, Event::SharedWorkDone(id.0));
            self.with_sharing(id, |sharing| sharing.completion.set(sequence));
        }
        self.follow_cpu(id);
    }

    pub(super) fn observe_shared(&mut self, id: InstanceId) {
        let instance = &mut self.instances[id.index()];
        let count = instance
            .sharing
            .as_ref()
            .map_or(0, |sharing| sharing.count() + sharing.calling_count);
        let busy_count = count.min(instance.worker_count);
        instance.busy_count = busy_count;
        instance.waiting_count = count - busy_count;
        self.observe(Observation::BusyChanged {
            instance: id,
            busy_count,
        });
    }
}
