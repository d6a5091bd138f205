//! How the calls of one owner follow one another: stages, fan-out, and calls that may fail or that
//! nobody waits for.

use super::client::EdgeConfig;
use crate::id::{ClientId, EdgeId};
use crate::time::SimDuration;

/// How a call takes part in the work of its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFlow {
    /// Calls of equal stage run in parallel; stages follow one another in ascending order.
    pub stage: u32,
    /// Parallel requests that the call is made of; None for one.
    pub fanout: Option<Fanout>,
    /// Whether its failure leaves the owner's request alone.
    pub is_optional: bool,
    /// Time that an optional call takes longer after its failure.
    pub fallback_time: SimDuration,
    /// Whether the worker is free while the call is under way.
    pub is_async: bool,
    /// Whether nobody waits for it.
    pub is_detached: bool,
}

/// `fanout = { count = 100, required_count = 99 }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fanout {
    /// Parallel requests.
    pub count: u32,
    /// Successes that make the call a success.
    pub required_count: u32,
    /// Whose law every request draws a key of its own from; None: all carry the key of the
    /// request that they belong to.
    pub key_client: Option<ClientId>,
}

impl CallFlow {
    /// Parallel requests that the call is made of.
    pub fn request_count(&self) -> u32 {
        self.fanout.as_ref().map_or(1, |fanout| fanout.count)
    }

    /// Successes that make the call a success.
    pub fn required_count(&self) -> u32 {
        self.fanout
            .as_ref()
            .map_or(1, |fanout| fanout.required_count)
    }

    /// Whether it is one request that the owner waits for, holding its worker.
    pub fn is_single(&self) -> bool {
        self.fanout.is_none() && !self.is_optional && !self.is_async && !self.is_detached
    }
}

/// The calls of an owner by stage, each stage in order of the file.
pub fn stages(calls: &[EdgeId], edges: &[EdgeConfig]) -> Vec<Vec<EdgeId>> {
    let stage_of = |edge: &EdgeId| edges[edge.index()].flow.stage;
    let mut numbers: Vec<u32> = calls.iter().map(stage_of).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let of_stage = |number: u32| {
        let calls = calls.iter().copied();
        calls.filter(|edge| stage_of(edge) == number).collect()
    };
    numbers.into_iter().map(of_stage).collect()
}

/// Whether the calls of an owner are single requests, one after the other in order of the file.
pub fn is_plain(calls: &[EdgeId], edges: &[EdgeConfig]) -> bool {
    let flow = |edge: &EdgeId| &edges[edge.index()].flow;
    let follow = |pair: &[EdgeId]| flow(&pair[0]).stage < flow(&pair[1]).stage;
    calls.iter().all(|edge| flow(edge).is_single()) && calls.windows(2).all(follow)
}
