//! Stages of calls: how parallel calls begin, and when their owner goes on.

use super::join::{Fallback, Join, JoinOwner, JoinedCall};
use crate::engine::PendingSet;
use crate::id::{CallerId, EdgeId};
use crate::model::event::Event;
use crate::model::observation::{Observation, Observer, Outcome};
use crate::model::request::{NIL, Parent, Request, RequestFlags};
use crate::model::world::{Deferred, World};
use crate::rng::mix;
use crate::scenario::attempts::DeadlinePropagation;

/// What the requests of a stage have in common.
pub(super) struct Origin {
    pub request: Request,
    /// The calling side that waits for the attempt that makes them, where one does.
    pub from: Option<CallerId>,
    /// The number of the attempt that makes them.
    pub attempt_index: u8,
    /// The recorded row, for the first call of a client's request, and what proxies make of it.
    source: u32,
    /// A client makes them.
    is_client: bool,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Begins the calls of stage `number` of an owner, or ends its work if there is none.
    pub(in crate::model) fn begin_stage(&mut self, owner: JoinOwner, number: u8) {
        let mut number = number;
        while let Some(stage) = self.plan_stage(owner, number) {
            let calls: Vec<EdgeId> = stage.calls.clone();
            let is_async = stage.is_async;
            if self.begin_calls(owner, number, &calls, is_async) {
                return;
            }
            number += 1;
        }
        self.end_owner(owner, Outcome::Success);
    }

    fn plan_stage(&self, owner: JoinOwner, number: u8) -> Option<&super::plan::PlannedStage> {
        let plan = match owner {
            JoinOwner::Request(root) => {
                let client = self.request_client(&self.requests[root]);
                self.plans.of_client(client)
            }
            JoinOwner::Attempt(slot) => {
                let instance = self.attempts[slot].instance;
                self.plans
                    .of_service(self.instances[instance.index()].service)
            }
            JoinOwner::Nobody => unreachable!("nobody begins no stage"),
        };
        plan.stage(number)
    }

    fn origin(&self, owner: JoinOwner, number: u8) -> Origin {
        match owner {
            JoinOwner::Request(root) => {
                let request = self.requests[root];
                Origin {
                    request,
                    attempt_index: 0,
                    source: if number == 0 { request.source } else { NIL },
                    is_client: true,
                    from: None,
                }
            }
            JoinOwner::Attempt(slot) => Origin {
                request: self.service_origin(slot),
                attempt_index: self.attempts[slot].index,
                source: self.forwarded_row(slot),
                is_client: false,
                from: Some(self.attempts[slot].caller),
            },
            JoinOwner::Nobody => unreachable!("nobody begins no stage"),
        }
    }

    /// Begins the calls of one stage. Returns whether the owner waits for any of them.
    fn begin_calls(
        &mut self,
        owner: JoinOwner,
        number: u8,
        calls: &[EdgeId],
        is_async: bool,
    ) -> bool {
        let scenario = self.scenario;
        let flow = |edge: EdgeId| &scenario.edges[edge.index()].flow;
        let origin = self.origin(owner, number);
        let node = self.request_node(&origin.request);
        let joined = calls.iter().filter(|edge| !flow(**edge).is_detached);
        let joined = joined.map(|edge| JoinedCall {
            edge: *edge,
            needed_count: flow(*edge).required_count(),
            left_count: flow(*edge).request_count(),
            failure: Outcome::Failure,
            is_decided: false,
        });
        let join = Join {
            owner,
            node,
            started_at: self.now(),
            open_count: 0,
            undecided_count: 0,
            stage: number,
            is_beginning: true,
        };
        let join = self.joins.insert(join, joined);
        self.joins.open_one(join);
        if let JoinOwner::Attempt(slot) = owner {
            self.attempts[slot].next = join;
        }
        for (place, edge) in calls.iter().enumerate() {
            let parent = match flow(*edge).is_detached {
                true => Parent::Detached,
                false => Parent::Join(join),
            };
            let source = if place == 0 { origin.source } else { NIL };
            for index in 0..flow(*edge).request_count() {
                let is_first = origin.is_client && number == 0 && place == 0 && index == 0;
                self.begin_parallel_call(&origin, parent, (*edge, index), source, is_first);
            }
        }
        if let JoinOwner::Attempt(slot) = owner
            && is_async
        {
            self.release_worker(slot);
        }
        self.joins.slab[join].is_beginning = false;
        if self.joins.calls(join).is_empty() {
            self.joins.slab.remove(join);
            return false;
        }
        self.clear_ended_parts();
        for place in 0..self.joins.calls(join).len() {
            let call = self.joins.calls(join)[place];
            self.decide_call(join, call.edge, &origin.request);
        }
        self.joins.close_one(join);
        true
    }

    /// Begins request number `index` of a call.
    fn begin_parallel_call(
        &mut self,
        origin: &Origin,
        parent: Parent,
        (edge, index): (EdgeId, u32),
        source: u32,
        is_first: bool,
    ) {
        let mut request = self.sub_request(&origin.request, parent, edge, origin.attempt_index);
        if 0 < index {
            request.identity = mix(request.identity ^ mix(u64::from(index)));
        }
        let fanout = self.scenario.edges[edge.index()].flow.fanout.as_ref();
        if let Some(client) = fanout.and_then(|fanout| fanout.key_client) {
            request.key = self.draw_key(client, request.class, request.identity, NIL);
        }
        request.source = source;
        self.follow_parent(&request, &origin.request, origin.attempt_index);
        let node = self.request_node(&origin.request);
        let caller = self.calling_side(origin, edge, node);
        self.observe(Observation::CallBegan {
            caller,
            edge,
            class: request.class,
            is_first,
        });
        let slot = self.insert_request(request);
        if let Parent::Join(join) = parent {
            self.joins.add_request(join, slot);
        }
        self.link_call(&request, slot);
        self.begin_call_of(slot, edge, node, caller);
    }

    /// A request of a stage has its outcome.
    pub(super) fn on_joined_call_ended(&mut self, join: u32, request: &Request, outcome: Outcome) {
        let edge = self.callers[request.caller().index()].edge;
        let call = self.joins.call_mut(join, edge);
        call.left_count -= 1;
        match outcome {
            Outcome::Success => call.needed_count = call.needed_count.saturating_sub(1),
            failure => call.failure = failure,
        }
        let state = self.joins.slab[join];
        if let JoinOwner::Request(root) = state.owner {
            let root = &mut self.requests[root];
            root.attempt_count = root.attempt_count.saturating_add(request.attempt_count);
        }
        if !state.is_beginning {
            self.decide_call(join, edge, request);
        }
        self.joins.close_one(join);
    }

    /// Ends a call of a stage as soon as its outcome is certain. `request`: one of it, or the one
    /// that makes it.
    fn decide_call(&mut self, join: u32, edge: EdgeId, request: &Request) {
        let state = self.joins.slab[join];
        let call = self.joins.call_mut(join, edge);
        let is_success = call.needed_count == 0;
        let is_failure = call.left_count < call.needed_count;
        if state.owner == JoinOwner::Nobody || call.is_decided || !(is_success || is_failure) {
            return;
        }
        call.is_decided = true;
        let failure = call.failure;
        self.abandon_rest(join, Some(edge));
        let flow = &self.scenario.edges[edge.index()].flow;
        let (is_optional, fallback_time) = (flow.is_optional, flow.fallback_time);
        if is_optional {
            let caller = self.scenario.topology.caller_of(edge, state.node);
            self.observe(Observation::OptionalCallEnded {
                caller,
                edge,
                class: request.class,
                started_at: state.started_at,
                has_failed: !is_success,
            });
        }
        match (is_success, is_optional) {
            (false, false) => self.end_stage(join, edge, failure),
            (false, true) if !fallback_time.is_zero() => {
                self.begin_fallback(join, edge, request.identity);
            }
            _ => self.on_call_decided(join, edge),
        }
    }

    /// A call of a stage has succeeded, or its owner goes on without it.
    fn on_call_decided(&mut self, join: u32, edge: EdgeId) {
        let state = &mut self.joins.slab[join];
        state.undecided_count -= 1;
        if state.undecided_count == 0 {
            self.end_stage(join, edge, Outcome::Success);
        }
    }

    fn begin_fallback(&mut self, join: u32, edge: EdgeId, identity: u64) {
        let node = self.joins.slab[join].node;
        let length = self.scenario.edges[edge.index()].flow.fallback_time;
        let length = self.nodes[node.index()].true_length(length);
        self.joins.open_one(join);
        let fallback = Fallback {
            join,
            edge,
            identity,
            sequence: 0,
            failed_at: self.now(),
            parts: self.ended_parts(),
        };
        let slot = self.joins.fallbacks.insert(fallback);
        self.keep_fallback_waits(slot);
        let sequence = self.schedule(length, Event::FallbackEnds(slot));
        self.joins.fallbacks[slot].sequence = sequence;
    }

    /// An owner has done without an optional call.
    pub(in crate::model) fn on_fallback_ends(&mut self, slot: u32, sequence: u64) {
        let fallback = self.joins.fallbacks.get(slot).copied();
        let Some(fallback) = fallback.filter(|fallback| fallback.sequence == sequence) else {
            return;
        };
        let node = self.joins.slab[fallback.join].node;
        let event = Event::FallbackEnds(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.fold(event, node, fallback.identity);
        self.joins.fallbacks.remove(slot);
        self.set_fallback_parts(slot, &fallback);
        if self.joins.slab[fallback.join].owner != JoinOwner::Nobody {
            self.on_call_decided(fallback.join, fallback.edge);
        }
        self.joins.close_one(fallback.join);
    }

    /// The owner of a stage goes on; `edge` is the call whose end it waited for.
    fn end_stage(&mut self, join: u32, edge: EdgeId, outcome: Outcome) {
        let state = self.joins.slab[join];
        if let JoinOwner::Attempt(slot) = state.owner {
            self.unlink_calls(slot);
        }
        self.joins.slab[join].owner = JoinOwner::Nobody;
        self.abandon_rest(join, None);
        match state.owner {
            JoinOwner::Request(root) => self.absorb_parts(root),
            JoinOwner::Attempt(slot) => {
                self.attempts[slot].next = NIL;
                self.add_wait(slot, edge, state.started_at);
            }
            JoinOwner::Nobody => unreachable!("a stage ends once"),
        }
        match outcome {
            Outcome::Success => self.begin_stage(state.owner, state.stage + 1),
            _ => self.end_owner(state.owner, outcome),
        }
    }

    fn end_owner(&mut self, owner: JoinOwner, outcome: Outcome) {
        match owner {
            JoinOwner::Request(root) => self.finish_request(root, outcome),
            JoinOwner::Attempt(slot) => {
                if outcome != Outcome::Success {
                    self.attempts[slot].reply = self.passed_on(slot, outcome);
                }
                self.complete_work(slot);
            }
            JoinOwner::Nobody => unreachable!("a stage ends once"),
        }
    }

    /// Nobody waits any more for what is under way of a stage, or of one call of it.
    fn abandon_rest(&mut self, join: u32, edge: Option<EdgeId>) {
        for place in 0..self.joins.requests(join).len() {
            let slot = self.joins.requests(join)[place];
            let is_meant = self.is_under_way(join, slot)
                && edge.is_none_or(|edge| {
                    let caller = self.requests[slot].caller();
                    self.callers[caller.index()].edge == edge
                });
            if is_meant {
                self.abandon_call(slot);
            }
        }
    }

    /// Whether the request in a slot is one of a stage. The slot of a request that ended may be
    /// that of another one, even of the same stage, which then is noted twice.
    fn is_under_way(&self, join: u32, slot: u32) -> bool {
        self.requests.get(slot).is_some_and(|request| {
            request.parent() == Parent::Join(join) && !request.flags.has(RequestFlags::ABANDONED)
        })
    }

    /// Nobody waits for this call any more. It is cancelled if its edge says so, and otherwise
    /// goes on until it ends by itself.
    fn abandon_call(&mut self, slot: u32) {
        self.requests[slot].flags.0 |= RequestFlags::UNAWAITED.0;
        let config = self.attempts_config_of(slot);
        if config.is_some_and(|config| config.propagation == DeadlinePropagation::Cancel) {
            self.give_up_call(slot);
        }
    }

    /// The work that waited for the calls of a stage is given up.
    pub(super) fn disown_stage(&mut self, attempt: u32) {
        let join = std::mem::replace(&mut self.attempts[attempt].next, NIL);
        if join != NIL {
            self.unlink_calls(attempt);
            self.joins.slab[join].owner = JoinOwner::Nobody;
        }
    }

    /// The calls of the stage that an attempt waits for no longer end with it.
    fn unlink_calls(&mut self, attempt: u32) {
        for slot in self.several.calls.members(attempt) {
            self.several.calls.remove(attempt, slot);
        }
    }
}
