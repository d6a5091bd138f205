//! Several attempts of one request at once: what is known of them beyond the plain case, by slot,
//! and filled only where a call needs it.

use std::collections::BTreeMap;

use super::family::Family;
use super::hedge::Hedging;
use super::join::JoinOwner;
use crate::engine::{PendingSet, Slab, Timer};
use crate::id::{CallerId, EdgeId, InstanceId};
use crate::model::event::Event;
use crate::model::observation::{AttemptOutcome, Observer};
use crate::model::request::{Parent, Request};
use crate::model::sampler::Sampler;
use crate::model::target::NodeSet;
use crate::model::world::{Deferred, World};
use crate::scenario::Scenario;
use crate::scenario::attempts::{AttemptsConfig, DeadlinePropagation};
use crate::time::{SimDuration, SimTime};

/// What calls with several attempts, propagated deadlines and cancellations need.
#[derive(Debug, Default)]
pub struct Several {
    /// Whether any call is more than plain.
    pub is_used: bool,
    /// Whether attempts and calls are linked: a call has several attempts at once, or cancels.
    pub has_links: bool,
    /// Whether attempts carry deadlines.
    pub has_deadlines: bool,
    /// Attempts in flight of each request.
    pub attempts: Family,
    /// Calls that each attempt waits for, as requests.
    pub calls: Family,
    /// The next hedge of each request.
    pub hedge_timers: Vec<Timer>,
    /// Failed attempts of each broadcast, by slot of the request.
    pub failed_counts: BTreeMap<u32, u32>,
    /// The deadline that each attempt carries.
    pub deadlines: Vec<SimTime>,
    /// Cancellations on their way.
    pub cancels: Slab<Cancel>,
    /// Hedging state of calling sides.
    pub hedging: BTreeMap<CallerId, Hedging>,
    /// Calls in the background of calling sides.
    pub background_counts: BTreeMap<CallerId, u32>,
    /// Laws of drawn deadlines, by edge.
    pub deadline_laws: Vec<Option<Sampler>>,
}

/// A cancellation on its way. The attempt is named, because its slot may be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The slot of the attempt.
    pub attempt: u32,
    /// The identity of the request.
    pub identity: u64,
    /// The number of the attempt.
    pub index: u8,
}

impl Several {
    /// Empty tables for the calls of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let used = || scenario.edges.iter().filter_map(|e| e.attempts.as_deref());
        let cancels = |c: &AttemptsConfig| c.propagation == DeadlinePropagation::Cancel;
        let law =
            |edge: &crate::scenario::client::EdgeConfig| edge.deadline_law().map(Sampler::new);
        Several {
            is_used: used().next().is_some(),
            has_links: used().any(|c| c.has_several_in_flight() || cancels(c)),
            has_deadlines: used().any(|c| c.propagation != DeadlinePropagation::None),
            deadline_laws: scenario.edges.iter().map(law).collect(),
            ..Several::default()
        }
    }
}

/// The entry of a slot in a table that grows.
pub fn entry<T: Copy>(table: &mut Vec<T>, slot: u32, empty: T) -> &mut T {
    if table.len() <= slot as usize {
        table.resize(slot as usize + 1, empty);
    }
    &mut table[slot as usize]
}

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    /// What an edge does beyond the plain case.
    pub(in crate::model) fn attempts_config(&self, edge: EdgeId) -> Option<&'s AttemptsConfig> {
        self.scenario.edges[edge.index()].attempts.as_deref()
    }

    /// What the call of a request does beyond the plain case.
    pub(super) fn attempts_config_of(&self, slot: u32) -> Option<&'s AttemptsConfig> {
        let caller = self.requests[slot].owner().ok()?;
        self.attempts_config(self.callers[caller.index()].edge)
    }

    /// Takes note of an attempt that is about to be sent. Returns whether others of its request
    /// are in flight.
    pub(super) fn join_attempts(&mut self, request: u32, attempt: u32, edge: EdgeId) -> bool {
        let is_hedge = self.several.has_links && !self.several.attempts.is_empty(request);
        if self.several.has_links {
            self.several.attempts.add(request, attempt);
        }
        self.carry_deadline(request, attempt, edge);
        let Some(config) = self.attempts_config(edge) else {
            return is_hedge;
        };
        if config.has_several_in_flight() {
            let instance = self.attempts[attempt].instance;
            self.avoid(request, instance);
        }
        if let Some(hedge) = &config.hedge {
            self.arm_hedge(request, hedge);
        }
        is_hedge
    }

    /// An attempt of a request has ended for its calling side.
    pub(super) fn part_attempt(
        &mut self,
        request: u32,
        attempt: u32,
        (caller, edge): (CallerId, EdgeId),
        (index, latency, outcome): (u8, SimDuration, AttemptOutcome),
    ) {
        if self.several.has_links {
            self.several.attempts.remove(request, attempt);
        }
        if index == 0
            && let Some(hedge) = self.attempts_config(edge).and_then(|c| c.hedge.as_ref())
            && let Some(hedging) = self.several.hedging.get_mut(&caller)
        {
            hedging.record(hedge, latency);
        }
        self.send_cancel(attempt, edge, outcome);
    }

    /// The attempts of a request go elsewhere from now on.
    fn avoid(&mut self, request: u32, instance: InstanceId) {
        let tried = self.requests[request].tried;
        self.requests[request].tried = self.tried.push(tried, instance);
    }

    /// The attempts in flight of a request are given up, and nothing more is sent for it.
    pub(super) fn leave_attempts(&mut self, slot: u32) {
        if let Some(timer) = self.several.hedge_timers.get_mut(slot as usize) {
            timer.cancel();
        }
        self.several.failed_counts.remove(&slot);
        if !self.several.has_links {
            return;
        }
        if let Some(attempt) = self.attempt_waiting_for(&self.requests[slot]) {
            self.several.calls.remove(attempt, slot);
        }
        for attempt in self.several.attempts.members(slot) {
            self.forget_attempt(attempt, AttemptOutcome::Cancelled);
        }
    }

    /// A call that an attempt waits for began.
    pub(super) fn link_call(&mut self, request: &Request, slot: u32) {
        if self.several.has_links
            && let Some(attempt) = self.attempt_waiting_for(request)
        {
            self.several.calls.add(attempt, slot);
        }
    }

    /// The attempt whose work waits for a call.
    fn attempt_waiting_for(&self, request: &Request) -> Option<u32> {
        match request.parent() {
            Parent::Attempt(attempt) => Some(attempt),
            Parent::Join(join) => match self.joins.slab[join].owner {
                JoinOwner::Attempt(attempt) => Some(attempt),
                JoinOwner::Request(_) | JoinOwner::Nobody => None,
            },
            Parent::Client | Parent::Request(_) | Parent::Detached => None,
        }
    }

    /// These nodes died: their calling sides start from nothing.
    pub(super) fn forget_several(&mut self, nodes: &NodeSet) {
        let callers = &self.callers;
        let lives = |caller: &CallerId| !nodes.has(callers[caller.index()].node);
        self.several.hedging.retain(|caller, _| lives(caller));
        self.several
            .background_counts
            .retain(|caller, _| lives(caller));
    }

    /// Sets the timer of the next hedge of a request.
    fn arm_hedge(&mut self, slot: u32, hedge: &crate::scenario::attempts::HedgeConfig) {
        let request = self.requests[slot];
        let now = self.now();
        if hedge.attempt_count_max <= u32::from(request.attempt_count) {
            return;
        }
        let caller = request.caller();
        let hedging = self.several.hedging.entry(caller).or_default();
        let Some(delay) = hedging.delay(hedge, now) else {
            return;
        };
        let delay = self.nodes[self.caller_node(caller).index()].true_length(delay);
        if now + delay < request.deadline {
            let sequence = self.queue.push_late(now + delay, Event::HedgeDue(slot));
            entry(&mut self.several.hedge_timers, slot, Timer::UNSET).set(sequence);
        }
    }

    /// A request has waited for its attempts long enough to send another one.
    pub(in crate::model) fn on_hedge_due(&mut self, slot: u32, sequence: u64) {
        if !self.several.hedge_timers[slot as usize].is_live(sequence) {
            return;
        }
        let request = self.requests[slot];
        let node = self.request_node(&request);
        let event = Event::HedgeDue(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.fold(event, node, request.identity);
        self.several.hedge_timers[slot as usize].cancel();
        if self.now() < request.deadline {
            self.sends_hedge(slot, false);
        }
    }

    /// Sends another attempt of a request if its call hedges, may have one more and can pay for
    /// it, after a failure from the budget of retries as well (gRFC A6). Returns whether it did.
    pub(super) fn sends_hedge(&mut self, slot: u32, has_failed: bool) -> bool {
        let Some(hedge) = self.attempts_config_of(slot).and_then(|c| c.hedge.as_ref()) else {
            return false;
        };
        let request = self.requests[slot];
        if hedge.attempt_count_max <= u32::from(request.attempt_count) {
            return false;
        }
        if has_failed && self.has_gates() {
            self.end_retry(slot);
        }
        let hedging = self.several.hedging.entry(request.caller()).or_default();
        let is_possible = hedging.can_pay(hedge) && self.permits_hedge(slot);
        if !is_possible || has_failed && self.has_gates() && !self.take_retry(slot) {
            return false;
        }
        let hedging = self.several.hedging.entry(request.caller()).or_default();
        hedging.withdraw(hedge);
        self.forget_turned_away(slot);
        self.send_attempt(slot);
        true
    }
}
