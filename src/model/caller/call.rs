//! The life of a request: from its arrival, through its calls, to its outcome.

use super::Caller;
use super::join::JoinOwner;
use super::retry::backoff;
use crate::engine::PendingSet;
use crate::id::{CallerId, ClientId, EdgeId, NodeId};
use crate::model::event::Event;
use crate::model::observation::step::StepKind;
use crate::model::observation::{AttemptOutcome, Observation, Observer, Outcome};
use crate::model::request::{NIL, Parent, Request, RequestFlags};
use crate::model::target::NodeSet;
use crate::model::world::{Deferred, World};
use crate::rng::{Purpose, mix};
use crate::scenario::topology::NodeKind;
use crate::time::SimDuration;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A request of a client arrives at one of its callers.
    #[inline(always)]
    pub(in crate::model) fn start_client_request(
        &mut self,
        client: ClientId,
        node: NodeId,
        source: u32,
    ) {
        let count = &mut self.request_counts[node.index() - self.instances.len()];
        *count += 1;
        let identity = mix(self.nodes[node.index()].path_hash.wrapping_add(*count));
        let mut request = Request::new(identity, self.now(), node, Parent::Client);
        request.source = source;
        request.class = self.draw_class(client, identity, source);
        request.key = self.draw_key(client, request.class, identity, source);
        if let Some(deadline) = self.draw_deadline(request.class, identity) {
            request.deadline = self.now() + self.nodes[node.index()].true_length(deadline);
        }
        let fact = Observation::RequestArrived {
            client,
            caller: node,
            class: request.class,
        };
        let kind = StepKind::Arrived {
            client,
            node,
            class: request.class,
            key: request.key,
        };
        self.observe_step(fact, identity, kind);
        self.in_flight_count += 1;
        let slot = self.insert_request(request);
        if !self.defers(node, Deferred::CallStart(slot)) {
            self.start_calls(slot, client, node);
        }
    }

    /// Begins the calls of a client's request that was set aside.
    pub(in crate::model) fn start_deferred_calls(&mut self, slot: u32) {
        let request = &self.requests[slot];
        self.start_calls(
            slot,
            self.request_client(request),
            self.request_node(request),
        );
    }

    /// Begins the only call of a client's request, or the first of several.
    #[inline(always)]
    fn start_calls(&mut self, slot: u32, client: ClientId, node: NodeId) {
        let plan = self.plans.of_client(client);
        match plan.only {
            Some(edge) => self.begin_call(slot, edge, node),
            None if plan.is_plain => self.begin_step(slot),
            None => self.begin_stage(JoinOwner::Request(slot), 0),
        }
    }

    #[inline(always)]
    pub(in crate::model) fn insert_request(&mut self, request: Request) -> u32 {
        let slot = self.requests.insert(request);
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.open(slot);
        }
        slot
    }

    /// The node that sends a request.
    #[inline(always)]
    pub(in crate::model) fn request_node(&self, request: &Request) -> NodeId {
        request
            .owner()
            .map_or_else(|node| node, |caller| self.caller_node(caller))
    }

    fn client_calls(&self, slot: u32) -> &[EdgeId] {
        let client = self.request_client(&self.requests[slot]);
        &self.scenario.clients[client.index()].calls
    }

    /// The client that sent a request which no other request or attempt waits for.
    pub(super) fn request_client(&self, request: &Request) -> ClientId {
        let client = match request.owner() {
            Ok(caller) => self.callers[caller.index()].client,
            Err(node) => match self.scenario.topology.node_kind(node) {
                NodeKind::Caller(client, _) => Some(client),
                NodeKind::Instance(_) | NodeKind::RegistryMember(_) | NodeKind::Agent(_) => None,
            },
        };
        client.expect("only clients send requests of their own")
    }

    /// Begins the next of several calls of a client's request, as a request of its own.
    fn begin_step(&mut self, root_slot: u32) {
        let root = self.requests[root_slot];
        let edge = self.client_calls(root_slot)[root.step as usize];
        let source = if root.step == 0 { root.source } else { NIL };
        self.begin_sub_call(&root, Parent::Request(root_slot), edge, 0, source);
    }

    /// Begins a call that `origin`, or an attempt of it, waits for.
    pub(in crate::model) fn begin_sub_call(
        &mut self,
        origin: &Request,
        parent: Parent,
        edge: EdgeId,
        attempt_index: u8,
        source: u32,
    ) {
        let mut request = self.sub_request(origin, parent, edge, attempt_index);
        request.source = source;
        self.follow_parent(&request, origin, attempt_index);
        let slot = self.insert_request(request);
        self.link_call(&request, slot);
        self.begin_call(slot, edge, self.request_node(origin));
    }

    /// Tells whose sub-call a request is.
    #[inline(always)]
    pub(super) fn follow_parent(&mut self, request: &Request, origin: &Request, attempt: u8) {
        let kind = StepKind::BelongsTo {
            request: origin.identity,
            attempt,
        };
        self.follow(request.identity, kind);
    }

    /// A request over `edge` that belongs to `origin`, or to an attempt of it.
    #[inline]
    pub(super) fn sub_request(
        &self,
        origin: &Request,
        parent: Parent,
        edge: EdgeId,
        attempt_index: u8,
    ) -> Request {
        let path = self.edge_hash(edge);
        let identity = mix(mix(origin.identity ^ path) ^ u64::from(attempt_index));
        let mut request = Request::new(identity, self.now(), self.request_node(origin), parent);
        request.key = origin.key;
        request.class = origin.class;
        request.deadline = origin.deadline;
        request.step = origin.step;
        request
    }

    /// Begins call number `step` of the work on an attempt; its worker waits.
    pub(in crate::model) fn begin_service_call(&mut self, attempt_slot: u32, step: u8) {
        let attempt = self.attempts[attempt_slot];
        let service = self.instances[attempt.instance.index()].service;
        let edge = self.scenario.services[service.index()].calls[step as usize];
        let mut origin = self.service_origin(attempt_slot);
        origin.step = step;
        let parent = Parent::Attempt(attempt_slot);
        self.begin_sub_call(&origin, parent, edge, attempt.index, NIL);
    }

    /// Stands for the request behind an attempt, which may be over, in the calls that its
    /// instance makes.
    #[inline]
    pub(in crate::model) fn service_origin(&self, attempt_slot: u32) -> Request {
        let attempt = &self.attempts[attempt_slot];
        let node = self.instance_node(attempt.instance);
        let mut origin = Request::new(attempt.identity, self.now(), node, Parent::Client);
        origin.key = attempt.key;
        origin.class = attempt.class;
        origin
    }

    /// Hash of the path of an edge: the call path of identities.
    #[inline]
    pub(in crate::model) fn edge_hash(&self, edge: EdgeId) -> u64 {
        self.edge_hashes[edge.index()]
    }

    /// Begins a call of a request that `node` sends.
    #[inline(always)]
    pub(in crate::model) fn begin_call(&mut self, slot: u32, edge: EdgeId, node: NodeId) {
        let caller = self.scenario.topology.caller_of(edge, node);
        self.begin_call_of(slot, edge, node, caller);
    }

    /// The same for one of several calling sides that the node has for the edge.
    #[inline(always)]
    pub(in crate::model) fn begin_call_of(
        &mut self,
        slot: u32,
        edge: EdgeId,
        node: NodeId,
        caller: CallerId,
    ) {
        let request = &mut self.requests[slot];
        request.set_caller(caller);
        let identity = request.identity;
        self.follow(identity, StepKind::Began { caller, edge });
        let request = &mut self.requests[slot];
        let config = &self.scenario.edges[edge.index()];
        if let Some(deadline) = config.deadline {
            let until = request.arrived_at + self.nodes[node.index()].true_length(deadline);
            request.deadline = request.deadline.min(until);
        }
        if !O::IS_BARE && config.cache.is_some() {
            return self.ask_call_cache(slot, edge);
        }
        self.begin_attempts(slot, edge);
    }

    /// Begins the attempts of a call.
    #[inline]
    pub(in crate::model) fn begin_attempts(&mut self, slot: u32, edge: EdgeId) {
        let config = &self.scenario.edges[edge.index()];
        if !O::IS_BARE && config.attempts.is_some() {
            return self.begin_several(slot, edge);
        }
        if self.requests[slot].deadline <= self.now() {
            return self.finish_request(slot, Outcome::Timeout);
        }
        self.send_attempt(slot);
    }

    /// An attempt ended badly, or there was no candidate: retries, waits, or gives up.
    pub(in crate::model) fn after_failed_attempt(&mut self, slot: u32, outcome: AttemptOutcome) {
        let request = self.requests[slot];
        let Caller { edge, node, .. } = self.callers[request.caller().index()];
        if self.has_several() && self.goes_on(slot) {
            return;
        }
        let retry = &self.scenario.edges[edge.index()].retry;
        let now = self.now();
        if now >= request.deadline {
            return self.conclude(slot, Outcome::Timeout);
        }
        let is_last = u32::from(request.attempt_count) >= retry.attempt_count_max;
        if is_last || !self.may_retry(slot, outcome) {
            return self.conclude(slot, outcome_of_last(outcome));
        }
        let retry_number = u32::from(request.attempt_count);
        let draw = |number| {
            self.streams
                .draw(Purpose::RetryJitter, request.identity, number, 0)
        };
        let wait = self.turn_around(slot, outcome);
        let wait = wait.unwrap_or_else(|| backoff(retry, retry_number, draw));
        let wait = self.nodes[node.index()].true_length(wait);
        if wait.is_zero() {
            return self.send_attempt(slot);
        }
        let request = &mut self.requests[slot];
        request.flags.0 |= RequestFlags::BACKING_OFF.0;
        let until_deadline = SimDuration::from_ns(request.deadline.as_ns() - now.as_ns());
        let (identity, wait) = (request.identity, wait.min(until_deadline));
        self.follow(identity, StepKind::BackedOff { wait });
        self.schedule(wait, Event::BackoffEnds(slot));
    }

    /// A request has waited for its retry, or until its deadline.
    #[inline(never)]
    pub(in crate::model) fn on_backoff_ends(&mut self, slot: u32, sequence: u64) {
        let request = self.requests[slot];
        if request.flags.has(RequestFlags::ABANDONED) {
            self.requests.remove(slot);
            return;
        }
        let node = self.request_node(&request);
        self.note_backoff_end(slot, node);
        if self.defers(node, Deferred::Event(Event::BackoffEnds(slot), sequence)) {
            return;
        }
        self.fold(Event::BackoffEnds(slot), node, request.identity);
        self.requests[slot].flags.0 &= !RequestFlags::BACKING_OFF.0;
        if self.now() >= request.deadline {
            self.conclude(slot, Outcome::Timeout);
        } else {
            self.send_attempt(slot);
        }
    }

    /// A request has its outcome: whoever waits for it goes on.
    pub(in crate::model) fn finish_request(&mut self, slot: u32, outcome: Outcome) {
        self.leave_gate(slot);
        if self.has_several() {
            self.leave_attempts(slot);
            if self.requests[slot].flags.has(RequestFlags::BACKGROUND) {
                return self.end_background(slot);
            }
        }
        let request = self.requests.remove(slot);
        self.tried.release(request.tried);
        self.observe_call_ended(&request, outcome);
        self.close_breakdown(slot, &request);
        match request.parent() {
            Parent::Client => self.on_client_request_ended(&request, outcome),
            Parent::Attempt(attempt) => {
                self.note_plain_wait(attempt, &request);
                self.on_service_call_ended(attempt, request.step, outcome);
            }
            Parent::Request(root) => {
                self.absorb_parts(root);
                self.on_step_ended(root, request.attempt_count, outcome);
            }
            Parent::Join(join) => self.on_joined_call_ended(join, &request, outcome),
            Parent::Detached => {}
        }
        if !O::IS_BARE && request.flags.loads() {
            self.end_load(&request, outcome);
        }
    }

    #[inline(always)]
    pub(super) fn observe_call_ended(&mut self, request: &Request, outcome: Outcome) {
        if let Ok(caller) = request.owner() {
            let edge = self.callers[caller.index()].edge;
            let started_at = request.arrived_at;
            let fact = Observation::CallEnded {
                caller,
                edge,
                class: request.class,
                started_at,
                outcome,
            };
            self.observe_step(
                fact,
                request.identity,
                StepKind::CallEnded { edge, outcome },
            );
        }
    }

    fn on_step_ended(&mut self, root_slot: u32, attempt_count: u8, outcome: Outcome) {
        let call_count = self.client_calls(root_slot).len();
        let root = &mut self.requests[root_slot];
        root.attempt_count = root.attempt_count.saturating_add(attempt_count);
        root.step += 1;
        if outcome == Outcome::Success && (root.step as usize) < call_count {
            self.begin_step(root_slot);
        } else {
            self.finish_request(root_slot, outcome);
        }
    }

    #[inline(always)]
    fn on_client_request_ended(&mut self, request: &Request, outcome: Outcome) {
        let (node, client) = match request.owner().map(|id| &self.callers[id.index()]) {
            Ok(&Caller {
                node,
                client: Some(client),
                ..
            }) => (node, client),
            _ => (self.request_node(request), self.request_client(request)),
        };
        self.in_flight_count -= 1;
        let fact = Observation::RequestEnded {
            client,
            caller: node,
            class: request.class,
            arrived_at: request.arrived_at,
            outcome,
            attempt_count: u32::from(request.attempt_count),
        };
        self.observe_step(fact, request.identity, StepKind::Ended { client, outcome });
        self.observe_request_breakdown((client, request.class), request.arrived_at);
        self.after_client_request(client, request.source, request.arrived_at);
    }

    /// These nodes died: their requests end without anybody waiting, those of clients as failures.
    pub(in crate::model) fn abandon_requests(&mut self, nodes: &NodeSet) {
        if nodes.is_empty() {
            return;
        }
        let slots: Vec<u32> = self
            .requests
            .iter()
            .filter(|(_, request)| nodes.has(self.request_node(request)))
            .filter(|(_, request)| !request.flags.has(RequestFlags::ABANDONED))
            .map(|(slot, _)| slot)
            .collect();
        self.cancel_attempts_of(&slots);
        if self.has_several() {
            self.forget_several(nodes);
        }
        for slot in slots {
            self.leave_gate(slot);
            if self.has_several() {
                self.leave_attempts(slot);
            }
            let request = self.requests[slot];
            self.tried.release(request.tried);
            if request.flags.has(RequestFlags::BACKING_OFF) {
                self.requests[slot].flags.0 |= RequestFlags::ABANDONED.0;
                self.requests[slot].tried = NIL;
            } else {
                self.requests.remove(slot);
            }
            if request.flags.has(RequestFlags::BACKGROUND) {
                continue;
            }
            self.observe_call_ended(&request, Outcome::Failure);
            self.close_breakdown(slot, &request);
            self.lose_load(&request);
            if request.parent() == Parent::Client {
                self.on_client_request_ended(&request, Outcome::Failure);
            }
        }
        self.joins.forget(nodes);
    }
}

/// What the end of the last attempt means for its request.
pub(super) fn outcome_of_last(outcome: AttemptOutcome) -> Outcome {
    match outcome {
        AttemptOutcome::Success => Outcome::Success,
        AttemptOutcome::Rejected => Outcome::Rejected,
        AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen => Outcome::Timeout,
        AttemptOutcome::Error
        | AttemptOutcome::Refused
        | AttemptOutcome::Reset
        | AttemptOutcome::ResetUnsent
        | AttemptOutcome::ConnectTimeout
        | AttemptOutcome::Cancelled => Outcome::Failure,
    }
}
