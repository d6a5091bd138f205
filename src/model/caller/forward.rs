//! What proxies do beyond other services that call: which worker takes a request, where retries
//! go, and what of a failure their clients see.

use super::join::JoinOwner;
use super::stage::Origin;
use crate::engine::PendingSet;
use crate::id::{CallerId, EdgeId, InstanceId, NodeId};
use crate::model::observation::{AttemptOutcome, Observer, Outcome};
use crate::model::request::{AttemptFlags, NIL, NOBODY, Parent, Reply};
use crate::model::world::World;
use crate::rng::{Purpose, UniformSource, mix};
use crate::scenario::proxy::{ForwardConfig, RetryAt, Spread};
use crate::time::SimDuration;

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    pub(in crate::model) fn forward_config(&self, edge: EdgeId) -> Option<&'s ForwardConfig> {
        self.scenario.edges[edge.index()].forward.as_deref()
    }

    /// The calling side that makes a call for an attempt: that of one worker, where each has its
    /// own.
    pub(super) fn calling_side(&self, origin: &Origin, edge: EdgeId, node: NodeId) -> CallerId {
        let topology = &self.scenario.topology;
        let forward = self.forward_config(edge);
        let Some(forward) = forward.filter(|forward| 1 < forward.side_count) else {
            return topology.caller_of(edge, node);
        };
        let (identity, attempt) = match (forward.spread, origin.from) {
            (Spread::Caller, Some(from)) => {
                let from = self.nodes[self.caller_node(from).index()].path_hash;
                (mix(from ^ mix(self.nodes[node.index()].path_hash)), 0)
            }
            (Spread::Request, _) | (Spread::Caller, None) => {
                (origin.request.identity, u32::from(origin.attempt_index))
            }
        };
        let mut draw = self.streams.draw(Purpose::Worker, identity, attempt, 0);
        topology.side(edge, node, draw.below(forward.side_count))
    }

    /// The thread of its calling side that took a request, where each has connections of its own.
    #[inline(always)]
    pub(in crate::model) fn thread_of(&self, slot: u32) -> u32 {
        if O::IS_BARE {
            return 0;
        }
        let edge = self.callers[self.requests[slot].caller().index()].edge;
        match self.forward_config(edge) {
            Some(forward) if 1 < forward.thread_count => self.draw_thread(slot, forward),
            _ => 0,
        }
    }

    #[inline(never)]
    fn draw_thread(&self, slot: u32, forward: &ForwardConfig) -> u32 {
        let request = &self.requests[slot];
        let from = match forward.spread {
            Spread::Caller => self
                .attempt_behind(slot)
                .map(|slot| self.attempts[slot].caller)
                .filter(|caller| *caller != NOBODY),
            Spread::Request => None,
        };
        let identity = match from {
            Some(from) => mix(self.nodes[self.caller_node(from).index()].path_hash),
            None => request.identity,
        };
        let mut draw = self.streams.draw(Purpose::Worker, identity, 0, 1);
        draw.below(forward.thread_count)
    }

    /// The attempt that a proxy got and forwards with a request, if somebody still waits for it.
    pub(in crate::model) fn attempt_behind(&self, slot: u32) -> Option<u32> {
        let Parent::Join(join) = self.requests[slot].parent() else {
            return None;
        };
        match self.joins.slab[join].owner {
            JoinOwner::Attempt(attempt) => Some(attempt),
            JoinOwner::Request(_) | JoinOwner::Nobody => None,
        }
    }

    /// Picks the instance of the next attempt of a request, and counts the attempt.
    pub(super) fn pick_next(&mut self, slot: u32) -> Option<InstanceId> {
        let index = self.count_attempt(slot);
        match self.same_instance(slot, index) {
            Some(same) => Some(same),
            None => self.pick_guarded(slot, index),
        }
    }

    /// The instance of the attempt before, where a retry goes there again: whatever its checks say,
    /// as long as it is listed.
    fn same_instance(&self, slot: u32, index: u8) -> Option<InstanceId> {
        if index == 0 {
            return None;
        }
        let request = &self.requests[slot];
        let side = &self.callers[request.caller().index()];
        let forward = self.forward_config(side.edge)?;
        let stays = self.stays(slot, index, forward.retry_at);
        let before = stays.then(|| self.tried.get(request.tried).last().copied())?;
        before.filter(|instance| side.listed.position(*instance).is_some())
    }

    /// Whether attempt number `index`, which is a retry, goes to the server of the one before.
    fn stays(&self, slot: u32, index: u8, retry_at: RetryAt) -> bool {
        let side = &self.callers[self.requests[slot].caller().index()];
        let retry = &self.scenario.edges[side.edge.index()].retry;
        let is_last = u32::from(index) + 1 >= retry.attempt_count_max;
        match retry_at {
            RetryAt::Picked => false,
            RetryAt::Same => true,
            RetryAt::SameButLast => !is_last,
            RetryAt::OtherIfUp => !is_last && side.candidates.members.len() <= 1,
        }
    }

    /// How long HAProxy waits before it tries a request again; None for whom has another rule.
    pub(super) fn turn_around(&self, slot: u32, outcome: AttemptOutcome) -> Option<SimDuration> {
        if O::IS_BARE {
            return None;
        }
        let request = &self.requests[slot];
        let side = &self.callers[request.caller().index()];
        let forward = self.forward_config(side.edge)?;
        let wait = forward.turn_around?;
        let is_likely_to_fail = self.stays(slot, request.attempt_count, forward.retry_at)
            || side.candidates.members.len() <= 1;
        // A connection that was not even refused took its time, and any other failure came after
        // it had been there.
        match outcome == AttemptOutcome::Refused && is_likely_to_fail {
            true => Some(wait),
            false => Some(SimDuration::ZERO),
        }
    }

    /// What the attempt that waited for a call that failed ends with. A proxy passes on that the
    /// service was too busy; whatever else happened is an error.
    pub(super) fn passed_on(&self, slot: u32, outcome: Outcome) -> Reply {
        match outcome {
            Outcome::Rejected if self.is_proxy(self.attempts[slot].instance) => Reply::Rejected,
            _ => Reply::Error,
        }
    }

    /// Whether an instance is a replica of a proxy.
    pub(in crate::model) fn is_proxy(&self, instance: InstanceId) -> bool {
        let service = self.instances[instance.index()].service;
        self.scenario.services[service.index()].proxy.is_some()
    }

    /// The recorded row of the request that an attempt makes a proxy forward: its work is that of
    /// the service behind. Other services call for reasons of their own.
    pub(super) fn forwarded_row(&self, slot: u32) -> u32 {
        let attempt = &self.attempts[slot];
        let is_probe = attempt.flags.has(AttemptFlags::PROBE);
        match !is_probe && self.is_proxy(attempt.instance) {
            true => attempt.trace_row,
            false => NIL,
        }
    }
}
