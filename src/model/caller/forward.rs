//! What proxies do beyond other services that call: which worker takes a request, where retries
//! go, and what of a failure their clients see.

use super::stage::Origin;
use crate::engine::PendingSet;
use crate::id::{CallerId, EdgeId, InstanceId, NodeId};
use crate::model::observation::{Observer, Outcome};
use crate::model::request::Reply;
use crate::model::world::World;
use crate::rng::{Purpose, UniformSource, mix};
use crate::scenario::proxy::{ForwardConfig, RetryAt, Spread};

impl<'s, O: Observer, S: PendingSet> World<'s, O, S> {
    fn forward_config(&self, edge: EdgeId) -> Option<&'s ForwardConfig> {
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
        let edge = side.edge;
        let retry = &self.scenario.edges[edge.index()].retry;
        let is_last = u32::from(index) + 1 >= retry.attempt_count_max;
        let stays = match self.forward_config(edge)?.retry_at {
            RetryAt::Picked => false,
            RetryAt::Same => true,
            RetryAt::SameButLast => !is_last,
        };
        let before = stays.then(|| self.tried.get(request.tried).last().copied())?;
        before.filter(|instance| side.listed.position(*instance).is_some())
    }

    /// What the attempt that waited for a call that failed ends with. A proxy passes on that the
    /// service was too busy; whatever else happened is an error.
    pub(super) fn passed_on(&self, slot: u32, outcome: Outcome) -> Reply {
        let instance = self.attempts[slot].instance;
        let service = self.instances[instance.index()].service;
        let is_proxy = self.scenario.services[service.index()].proxy.is_some();
        match outcome {
            Outcome::Rejected if is_proxy => Reply::Rejected,
            _ => Reply::Error,
        }
    }
}
