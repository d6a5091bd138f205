//! Caches of instances: who finds its key there is spared the cost of a miss.

use super::{Answer, CacheSet, CacheTimer, Mark, Waiter};
use crate::engine::PendingSet;
use crate::id::{ClassId, EdgeId, InstanceId, ServiceId};
use crate::model::caller::fold_identity;
use crate::model::observation::{CachePlace, Observation, Observer, Outcome};
use crate::model::request::{Attempt, NIL, Parent, Reply, Request, RequestFlags, Stage};
use crate::model::world::World;
use crate::rng::{Purpose, UniformSource, mix};
use crate::time::SimDuration;

/// The step of the call that loads a key, which comes before all others.
pub(in crate::model) const LOAD_STEP: u8 = u8::MAX;

/// Tells the loads in the background from the attempts that found their entries stale.
const RELOAD_SALT: u64 = 0x6361_6368_655f_7273;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Whether the instances of a service have caches.
    #[inline]
    pub(in crate::model) fn has_cache(&self, service: ServiceId) -> bool {
        !O::IS_BARE && self.caches.services[service.index()].is_some()
    }

    /// Asks the cache of its instance, if it has one, about an attempt that a worker takes up.
    /// Returns what the answer adds to its work.
    #[inline]
    pub(in crate::model) fn ask_service_cache(&mut self, slot: u32) -> SimDuration {
        let service = self.instances[self.attempts[slot].instance.index()].service;
        match self.has_cache(service) && !self.is_probe(slot) {
            true => self.ask_cache_of_instance(slot),
            false => SimDuration::ZERO,
        }
    }

    fn ask_cache_of_instance(&mut self, slot: u32) -> SimDuration {
        let attempt = self.attempts[slot];
        let (instance, key, now) = (attempt.instance, attempt.key, self.now());
        let answer = self.service_caches(instance).ask(instance.0, key, now);
        let place = CachePlace::Instance(instance);
        self.observe_cache_asked(place, attempt.class, answer);
        let identity = fold_identity(&attempt);
        match answer {
            Answer::Fresh | Answer::Stale { .. } => {
                if answer == (Answer::Stale { loads: true }) {
                    self.observe_service_load(instance, attempt.class);
                    self.reload_at_instance(&attempt);
                }
                self.set_mark(slot, Mark::Holds);
                let mut draw = self.streams.draw(Purpose::CacheHit, identity, 0, 0);
                self.service_caches(instance).hit_time.sample(&mut draw)
            }
            Answer::Loading => {
                self.set_mark(slot, Mark::Waits);
                let waiter = Waiter { slot, identity };
                self.service_caches(instance).wait(instance.0, key, waiter);
                SimDuration::ZERO
            }
            Answer::Absent => {
                self.set_mark(slot, Mark::Loads);
                self.observe_service_load(instance, attempt.class);
                self.service_caches(instance).begin_load(instance.0, key);
                self.draw_miss_time(instance, identity)
            }
        }
    }

    fn observe_service_load(&mut self, instance: InstanceId, class: ClassId) {
        self.observe(Observation::CacheLoads {
            place: CachePlace::Instance(instance),
            class,
        });
    }

    /// The work that a miss adds; none where it makes a call.
    fn draw_miss_time(&self, instance: InstanceId, identity: u64) -> SimDuration {
        let service = self.instances[instance.index()].service;
        let Some(law) = &self.caches.miss_times[service.index()] else {
            return SimDuration::ZERO;
        };
        let mut draw = self.streams.draw(Purpose::CacheHit, identity, 0, 1);
        law.sample(&mut draw)
    }

    /// An attempt's own work is done. Returns whether it must wait for its key.
    pub(in crate::model) fn waits_for_key(&mut self, slot: u32) -> bool {
        let attempt = self.attempts[slot];
        let is_good = attempt.reply == Reply::Good;
        match self.mark(slot) {
            Mark::None | Mark::Holds => false,
            Mark::Fails => {
                self.attempts[slot].reply = Reply::Error;
                false
            }
            Mark::Loads | Mark::Inherits | Mark::LoadsLate if !is_good => {
                self.end_service_load(slot, Outcome::Failure);
                false
            }
            Mark::Loads | Mark::LoadsLate => match self.miss_call(attempt.instance) {
                Some(edge) => {
                    self.hold_worker(slot);
                    self.begin_load_call(slot, edge);
                    true
                }
                None => {
                    self.end_service_load(slot, Outcome::Success);
                    false
                }
            },
            Mark::Inherits => {
                self.load_late(slot);
                true
            }
            Mark::Waits => {
                if is_good {
                    self.hold_worker(slot);
                }
                is_good
            }
        }
    }

    /// An attempt whose own work is done loads its key, because who loaded it was given up.
    fn load_late(&mut self, slot: u32) {
        let attempt = self.attempts[slot];
        self.set_mark(slot, Mark::LoadsLate);
        self.observe_service_load(attempt.instance, attempt.class);
        if let Some(edge) = self.miss_call(attempt.instance) {
            self.hold_worker(slot);
            return self.begin_load_call(slot, edge);
        }
        let length = self.draw_miss_time(attempt.instance, fold_identity(&attempt));
        self.work_on(slot, length);
    }

    /// Whether nothing but the load of its key is left of the own work of an attempt.
    pub(in crate::model) fn loads_late(&self, slot: u32) -> bool {
        let service = self.instances[self.attempts[slot].instance.index()].service;
        self.has_cache(service) && self.mark(slot) == Mark::LoadsLate
    }

    fn begin_load_call(&mut self, slot: u32, edge: EdgeId) {
        let mut origin = self.service_origin(slot);
        origin.step = LOAD_STEP;
        let attempt_index = self.attempts[slot].index;
        self.begin_sub_call(&origin, Parent::Attempt(slot), edge, attempt_index, NIL);
    }

    /// The call that loaded an attempt's key has its outcome.
    pub(in crate::model) fn on_load_call_ended(&mut self, slot: u32, outcome: Outcome) {
        let waiters = self.settle_load(slot, outcome);
        self.go_on_with_key(slot, outcome);
        self.wake(waiters, outcome);
    }

    fn end_service_load(&mut self, slot: u32, outcome: Outcome) {
        let waiters = self.settle_load(slot, outcome);
        self.wake(waiters, outcome);
    }

    /// The load of an attempt is over. Returns who waited for it.
    fn settle_load(&mut self, slot: u32, outcome: Outcome) -> Vec<Waiter> {
        let attempt = self.attempts[slot];
        self.set_mark(slot, Mark::Holds);
        let identity = fold_identity(&attempt);
        self.end_load_at(attempt.instance, attempt.key, identity, outcome)
    }

    fn end_load_at(
        &mut self,
        instance: InstanceId,
        key: u32,
        identity: u64,
        outcome: Outcome,
    ) -> Vec<Waiter> {
        let mut draw = self.streams.draw(Purpose::CacheLife, identity, 0, 0);
        let (now, uniform) = (self.now(), draw.uniform());
        let set = self.service_caches(instance);
        let life = (outcome == Outcome::Success).then(|| set.life(now, uniform));
        set.end_load(instance.0, key, life)
    }

    /// Attempts that waited for a key go on, or will when their own work is done.
    fn wake(&mut self, waiters: Vec<Waiter>, outcome: Outcome) {
        for waiter in waiters {
            if !self.is_waiting(waiter) {
                continue;
            }
            let has_key = outcome == Outcome::Success;
            if self.attempts[waiter.slot].stage == Stage::Running {
                let mark = if has_key { Mark::Holds } else { Mark::Fails };
                self.set_mark(waiter.slot, mark);
            } else {
                self.set_mark(waiter.slot, Mark::Holds);
                self.go_on_with_key(waiter.slot, outcome);
            }
        }
    }

    /// Whether an attempt that waited for a key still does.
    fn is_waiting(&self, waiter: Waiter) -> bool {
        let is_it = |attempt: &Attempt| {
            matches!(attempt.stage, Stage::Running | Stage::Calling)
                && attempt.reply == Reply::Good
                && fold_identity(attempt) == waiter.identity
        };
        self.attempts.get(waiter.slot).is_some_and(is_it) && self.mark(waiter.slot) == Mark::Waits
    }

    /// An attempt whose worker waited for its key goes on, or fails with the load.
    fn go_on_with_key(&mut self, slot: u32, outcome: Outcome) {
        if outcome == Outcome::Success {
            return self.begin_own_calls(slot);
        }
        self.attempts[slot].reply = Reply::Error;
        self.complete_work(slot);
    }

    /// Whether an attempt loads its key, or is to.
    pub(in crate::model) fn loads_key(&self, slot: u32) -> bool {
        let service = self.instances[self.attempts[slot].instance.index()].service;
        // A service without caches leaves the mark of whoever had the slot before.
        self.has_cache(service)
            && !self.is_probe(slot)
            && matches!(
                self.mark(slot),
                Mark::Loads | Mark::Inherits | Mark::LoadsLate
            )
    }

    /// An attempt that loaded its key was given up: the first of those that wait loads it.
    pub(in crate::model) fn lose_service_load(&mut self, lost: &Attempt) {
        let (instance, key) = (lost.instance, lost.key);
        let mut waiters = self
            .service_caches(instance)
            .end_load(instance.0, key, None);
        let heir = waiters.iter().position(|waiter| self.is_waiting(*waiter));
        let Some(place) = heir else {
            return;
        };
        let others = waiters.split_off(place + 1);
        let set = self.service_caches(instance);
        set.begin_load(instance.0, key);
        for waiter in others {
            set.wait(instance.0, key, waiter);
        }
        let slot = waiters[place].slot;
        match self.attempts[slot].stage {
            Stage::Running => self.set_mark(slot, Mark::Inherits),
            _ => self.load_late(slot),
        }
    }

    /// Loads an entry again that still answers, without a worker.
    fn reload_at_instance(&mut self, origin: &Attempt) {
        let (instance, key) = (origin.instance, origin.key);
        self.service_caches(instance).begin_load(instance.0, key);
        let identity = mix(fold_identity(origin) ^ RELOAD_SALT);
        let Some(edge) = self.miss_call(instance) else {
            let length = self.draw_miss_time(instance, identity);
            let incarnation = self.nodes[instance.index()].incarnation;
            return self.set_cache_timer(
                length,
                CacheTimer::Reloaded {
                    instance,
                    key,
                    incarnation,
                },
            );
        };
        let node = self.instance_node(instance);
        let mut request = Request::new(identity, self.now(), node, Parent::Detached);
        request.key = key;
        request.class = origin.class;
        request.flags.set(RequestFlags::LOADS_AT_INSTANCE);
        let slot = self.insert_request(request);
        self.begin_call(slot, edge, node);
    }

    /// A call that loaded an entry in the background has its outcome.
    pub(in crate::model) fn end_reload(&mut self, request: &Request, outcome: Outcome) {
        let node = self.request_node(request);
        let instance = InstanceId(node.0);
        let waiters = self.end_load_at(instance, request.key, request.identity, outcome);
        self.wake(waiters, outcome);
    }

    /// An instance has loaded an entry in the background, if it is still the same process.
    pub(super) fn on_reloaded(&mut self, instance: InstanceId, key: u32, incarnation: u32) {
        let node = &self.nodes[instance.index()];
        if node.incarnation == incarnation && node.state.is_up() {
            let identity = mix(u64::from(instance.0) << 32 | u64::from(key));
            let waiters = self.end_load_at(instance, key, identity, Outcome::Success);
            self.wake(waiters, Outcome::Success);
        }
    }

    /// A process died, and with it what its instance held.
    pub(in crate::model) fn clear_service_cache(&mut self, instance: InstanceId) {
        let service = self.instances[instance.index()].service;
        if self.has_cache(service) {
            self.service_caches(instance).clear(instance.0);
        }
    }

    /// The call that a miss makes, if it makes one.
    fn miss_call(&self, instance: InstanceId) -> Option<EdgeId> {
        let service = self.instances[instance.index()].service;
        self.scenario.services[service.index()]
            .cache
            .as_ref()?
            .miss_call()
    }

    fn service_caches(&mut self, instance: InstanceId) -> &mut CacheSet {
        let service = self.instances[instance.index()].service;
        let set = self.caches.services[service.index()].as_mut();
        set.expect("the service has caches")
    }

    fn mark(&self, slot: u32) -> Mark {
        let marks = &self.caches.marks;
        marks.get(slot as usize).copied().unwrap_or_default()
    }

    fn set_mark(&mut self, slot: u32, mark: Mark) {
        let (place, marks) = (slot as usize, &mut self.caches.marks);
        if marks.len() <= place {
            marks.resize(place + 1, Mark::None);
        }
        marks[place] = mark;
    }
}
