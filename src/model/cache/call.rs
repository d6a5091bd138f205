//! Calls that are answered from a cache.

use super::{Answer, CacheSet, CacheTimer, Waiter};
use crate::engine::{PendingSet, TimerId};
use crate::id::{CallerId, ClassId, EdgeId, NodeId};
use crate::model::event::Event;
use crate::model::observation::{
    CacheAnswer, CachePlace, LifeState, Observation, Observer, Outcome,
};
use crate::model::request::{Parent, Request, RequestFlags};
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, UniformSource, mix};
use crate::scenario::cache::CachePer;
use crate::time::{SimDuration, SimTime};

/// Tells the request that loads an entry in the background from the one that found it stale.
const RELOAD_SALT: u64 = 0x6361_6368_655f_7377;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Asks the cache of its call about a request: it is answered, waits, or goes on.
    pub(in crate::model) fn ask_call_cache(&mut self, slot: u32, edge: EdgeId) {
        if self.scenario.edges[edge.index()].attempts.is_some() {
            self.limit_deadline(slot, edge);
        }
        if self.is_late(slot) {
            return self.finish_request(slot, Outcome::Timeout);
        }
        let request = self.requests[slot];
        let place = self.call_cache_place(edge, request.caller());
        let now = self.now();
        let answer = self.call_caches(edge).ask(place, request.key, now);
        let at = CachePlace::Call(edge);
        self.observe_cache_asked(at, request.class, answer);
        self.follow_answer(slot, edge, place, answer);
        if answer == Answer::Loading && request.deadline < SimTime::NEVER {
            let left = request.deadline.max(now).since(now);
            self.set_cache_timer(left, CacheTimer::Deadline(waiter(slot, &request)));
        }
    }

    fn follow_answer(&mut self, slot: u32, edge: EdgeId, place: u32, answer: Answer) {
        let request = self.requests[slot];
        match answer {
            Answer::Fresh => self.answer_from_cache(slot, edge),
            Answer::Stale { loads } => {
                if loads {
                    self.reload(&request, edge, place);
                }
                self.answer_from_cache(slot, edge);
            }
            Answer::Loading => {
                let waiter = waiter(slot, &request);
                self.call_caches(edge).wait(place, request.key, waiter);
            }
            Answer::Absent => self.load_key(slot, edge, place, request.class),
        }
    }

    /// A request loads its key, which one of `class` asked for: it goes on to the service.
    fn load_key(&mut self, slot: u32, edge: EdgeId, place: u32, class: ClassId) {
        let request = &mut self.requests[slot];
        request.flags.set(RequestFlags::LOADS_CACHE);
        let request = *request;
        self.call_caches(edge).begin_load(place, request.key);
        self.observe(Observation::CacheLoads {
            place: CachePlace::Call(edge),
            class,
        });
        let travel = self.cache_travel(edge, &request);
        if travel.is_zero() {
            return self.begin_attempts(slot, edge);
        }
        let left = request.deadline.max(self.now()).since(self.now());
        let timer = CacheTimer::Misses(waiter(slot, &request));
        self.set_cache_timer(travel.min(left), timer);
    }

    /// Loads an entry again that still answers.
    fn reload(&mut self, origin: &Request, edge: EdgeId, place: u32) {
        let node = self.request_node(origin);
        let identity = mix(origin.identity ^ RELOAD_SALT);
        let mut request = Request::new(identity, self.now(), node, Parent::Detached);
        request.key = origin.key;
        request.class = origin.class;
        request.source = origin.source;
        request.set_caller(origin.caller());
        if let Some(deadline) = self.scenario.edges[edge.index()].deadline {
            request.deadline = self.now() + self.nodes[node.index()].true_length(deadline);
        }
        let slot = self.insert_request(request);
        self.load_key(slot, edge, place, origin.class);
    }

    /// The cache answers a request, after the time that this takes.
    fn answer_from_cache(&mut self, slot: u32, edge: EdgeId) {
        let request = self.requests[slot];
        let mut draw = self.streams.draw(Purpose::CacheHit, request.identity, 0, 0);
        let hit_time = self.call_caches(edge).hit_time.sample(&mut draw);
        let length = hit_time.saturating_add(self.cache_travel(edge, &request));
        if length.is_zero() {
            return self.end_from_cache(slot, Outcome::Success);
        }
        // A process that stood still may learn of the answer after its deadline.
        let left = request.deadline.max(self.now()).since(self.now());
        let timer = CacheTimer::Answers(waiter(slot, &request));
        self.set_cache_timer(length.min(left), timer);
    }

    /// The way to the cache and back.
    fn cache_travel(&self, edge: EdgeId, request: &Request) -> SimDuration {
        let config = self.scenario.edges[edge.index()].cache.as_ref();
        match config.expect("the call has a cache").per {
            CachePer::Caller => SimDuration::ZERO,
            CachePer::Zone => {
                let leg = |number| {
                    let mut draw =
                        self.streams
                            .draw(Purpose::CacheTravel, request.identity, number, 0);
                    self.network.same_zone_delay(&mut draw)
                };
                leg(0).saturating_add(leg(1))
            }
        }
    }

    /// Something is due at a cache.
    pub(in crate::model) fn on_cache_due(&mut self, index: u32, sequence: u64) {
        let Some(timer) = self.caches.timers.peek(TimerId(index), sequence) else {
            return;
        };
        let node = match timer {
            CacheTimer::Answers(waiter)
            | CacheTimer::Misses(waiter)
            | CacheTimer::Deadline(waiter)
            | CacheTimer::Fails { waiter, .. } => match self.live_waiter(waiter) {
                Some(request) if timer.concerns(&request) => self.request_node(&request),
                _ => {
                    self.caches.timers.fire(TimerId(index), sequence);
                    return;
                }
            },
            CacheTimer::Reloaded { instance, .. } => self.instance_node(instance),
        };
        let event = Event::CacheDue(index);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.caches.timers.fire(TimerId(index), sequence);
        self.fold(event, node, timer.identity());
        match timer {
            CacheTimer::Answers(waiter) => self.end_from_cache(waiter.slot, Outcome::Success),
            CacheTimer::Deadline(waiter) => self.finish_request(waiter.slot, Outcome::Timeout),
            CacheTimer::Fails { waiter, outcome } => self.end_from_cache(waiter.slot, outcome),
            CacheTimer::Misses(waiter) if self.is_late(waiter.slot) => {
                self.finish_request(waiter.slot, Outcome::Timeout);
            }
            CacheTimer::Misses(waiter) => self.on_miss_known(waiter),
            CacheTimer::Reloaded {
                instance,
                key,
                incarnation,
            } => self.on_reloaded(instance, key, incarnation),
        }
    }

    /// A miss reaches its request, or one that stood still when the load it waited for was lost: it
    /// looks again, since others may have loaded the key meanwhile.
    fn on_miss_known(&mut self, waiter: Waiter) {
        let request = self.requests[waiter.slot];
        let caller = request.caller();
        let edge = self.callers[caller.index()].edge;
        if request.flags.has(RequestFlags::LOADS_CACHE) {
            return self.begin_attempts(waiter.slot, edge);
        }
        let (place, now) = (self.call_cache_place(edge, caller), self.now());
        let answer = self.call_caches(edge).ask(place, request.key, now);
        self.follow_answer(waiter.slot, edge, place, answer);
    }

    /// A request whose key nobody loads for it any more loads it, unless another one does by now.
    fn load_or_wait(&mut self, waiter: Waiter, request: &Request, edge: EdgeId, place: u32) {
        let set = self.call_caches(edge);
        if set.is_loading(place, request.key) {
            set.wait(place, request.key, waiter);
        } else {
            self.load_key(waiter.slot, edge, place, request.class);
        }
    }

    fn end_from_cache(&mut self, slot: u32, outcome: Outcome) {
        let outcome = match self.is_late(slot) {
            true => Outcome::Timeout,
            false => outcome,
        };
        self.finish_request(slot, outcome);
    }

    fn is_late(&self, slot: u32) -> bool {
        self.requests[slot].deadline <= self.now()
    }

    /// A request that loaded its key has its outcome.
    #[cold]
    pub(in crate::model) fn end_load(&mut self, request: &Request, outcome: Outcome) {
        if request.flags.has(RequestFlags::LOADS_CACHE) {
            self.end_call_load(request, outcome);
        }
        if request.flags.has(RequestFlags::LOADS_AT_INSTANCE) {
            self.end_reload(request, outcome);
        }
    }

    /// A request was given up. If it loaded its key, somebody else must.
    pub(in crate::model) fn lose_load(&mut self, request: &Request) {
        if request.flags.has(RequestFlags::LOADS_CACHE) {
            self.lose_call_load(request);
        }
        if request.flags.has(RequestFlags::LOADS_AT_INSTANCE) {
            self.end_reload(request, Outcome::Failure);
        }
    }

    /// The entry is filled, and who waited shares the outcome.
    fn end_call_load(&mut self, request: &Request, outcome: Outcome) {
        let caller = request.caller();
        let edge = self.callers[caller.index()].edge;
        let place = self.call_cache_place(edge, caller);
        let mut draw = self
            .streams
            .draw(Purpose::CacheLife, request.identity, 0, 0);
        let (now, uniform) = (self.now(), draw.uniform());
        let set = self.call_caches(edge);
        let life = (outcome == Outcome::Success).then(|| set.life(now, uniform));
        for waiter in set.end_load(place, request.key, life) {
            let Some(live) = self.live_waiter(waiter) else {
                continue;
            };
            match outcome {
                Outcome::Success => self.answer_from_cache(waiter.slot, edge),
                _ if self.is_running(&live) => self.finish_request(waiter.slot, outcome),
                // It learns that when its process runs again.
                _ => self.set_cache_timer(SimDuration::ZERO, CacheTimer::Fails { waiter, outcome }),
            }
        }
    }

    /// The caller of a request that loaded its key died: another one that waits loads it.
    fn lose_call_load(&mut self, request: &Request) {
        let caller = request.caller();
        let edge = self.callers[caller.index()].edge;
        let place = self.call_cache_place(edge, caller);
        let waiters = self.call_caches(edge).end_load(place, request.key, None);
        for waiter in waiters {
            let Some(live) = self.live_waiter(waiter) else {
                continue;
            };
            // One that died with it is given up in its turn.
            if !self.nodes[self.request_node(&live).index()].state.is_up() {
                continue;
            }
            // A load may end at once, where something stands before its attempts.
            let is_loading = self.call_caches(edge).is_loading(place, request.key);
            if is_loading || self.is_running(&live) {
                self.load_or_wait(waiter, &live, edge, place);
            } else {
                self.set_cache_timer(SimDuration::ZERO, CacheTimer::Misses(waiter));
            }
        }
    }

    /// Whether the process that makes a request runs.
    fn is_running(&self, request: &Request) -> bool {
        self.nodes[self.request_node(request).index()].state == LifeState::Up
    }

    /// The request that waits, if it still does.
    fn live_waiter(&self, waiter: Waiter) -> Option<Request> {
        let request = self.requests.get(waiter.slot)?;
        let is_it = request.identity == waiter.identity;
        (is_it && !request.flags.has(RequestFlags::ABANDONED)).then_some(*request)
    }

    pub(super) fn set_cache_timer(&mut self, length: SimDuration, timer: CacheTimer) {
        let sequence = self.queue.take_sequence();
        let id = self.caches.timers.set(timer, sequence);
        let at = self.now() + length;
        self.queue
            .push_with_sequence(at, sequence, Event::CacheDue(id.0));
    }

    fn call_caches(&mut self, edge: EdgeId) -> &mut CacheSet {
        let set = self.caches.calls[edge.index()].as_mut();
        set.expect("the call has a cache")
    }

    /// Which of the caches of a call a calling side uses.
    fn call_cache_place(&self, edge: EdgeId, caller: CallerId) -> u32 {
        let config = self.scenario.edges[edge.index()].cache.as_ref();
        match config.expect("the call has a cache").per {
            CachePer::Caller => caller.0,
            CachePer::Zone => self.nodes[self.caller_node(caller).index()].zone.0,
        }
    }

    pub(super) fn observe_cache_asked(
        &mut self,
        place: CachePlace,
        class: ClassId,
        answer: Answer,
    ) {
        let answer = match answer {
            Answer::Fresh => CacheAnswer::Fresh,
            Answer::Stale { .. } => CacheAnswer::Stale,
            Answer::Loading => CacheAnswer::Loading,
            Answer::Absent => CacheAnswer::Absent,
        };
        self.observe(Observation::CacheAsked {
            place,
            class,
            answer,
        });
    }

    /// A process died, and with it what its calling sides kept.
    pub(in crate::model) fn clear_call_caches(&mut self, node: NodeId) {
        for edge in self.scenario.topology.edges_of(node) {
            let config = self.scenario.edges[edge.index()].cache.as_ref();
            if config.is_some_and(|config| config.per == CachePer::Caller) {
                let caller = self.scenario.topology.caller_of(edge, node);
                self.call_caches(edge).clear(caller.0);
            }
        }
    }
}

fn waiter(slot: u32, request: &Request) -> Waiter {
    Waiter {
        slot,
        identity: request.identity,
    }
}
