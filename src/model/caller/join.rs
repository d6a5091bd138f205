//! What waits for calls that run in parallel: one join for each stage under way.

use super::parts::Parts;
use crate::engine::Slab;
use crate::id::{EdgeId, NodeId};
use crate::model::observation::Outcome;
use crate::model::target::NodeSet;
use crate::time::SimTime;

/// Who goes on when a stage is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinOwner {
    /// A client's request.
    Request(u32),
    /// An attempt at an instance.
    Attempt(u32),
    /// Nobody any more: the stage is over, some of its requests are not.
    Nobody,
}

/// A stage under way.
#[derive(Clone, Copy, Debug)]
pub struct Join {
    /// Who waits.
    pub owner: JoinOwner,
    /// The node that calls.
    pub node: NodeId,
    /// When the stage began.
    pub started_at: SimTime,
    /// Requests and fallbacks that have not ended, and whoever decides about the stage: its slot
    /// is not used again before all of them are done.
    pub open_count: u32,
    /// Calls of which neither success nor failure is certain.
    pub undecided_count: u16,
    /// The number of the stage, from 0.
    pub stage: u8,
    /// Its requests are being made; nothing is decided before all of them are there.
    pub is_beginning: bool,
}

/// A call of a stage.
#[derive(Clone, Copy, Debug)]
pub struct JoinedCall {
    /// The edge.
    pub edge: EdgeId,
    /// Successes that it still needs.
    pub needed_count: u32,
    /// Its requests without an outcome.
    pub left_count: u32,
    /// How the last of them failed.
    pub failure: Outcome,
    /// Success or failure is certain.
    pub is_decided: bool,
}

/// An optional call that failed and takes its time to do without.
#[derive(Clone, Copy, Debug)]
pub struct Fallback {
    /// The stage.
    pub join: u32,
    /// The call.
    pub edge: EdgeId,
    /// The identity of the request that failed last.
    pub identity: u64,
    /// The event that ends it; another one is stale.
    pub sequence: u64,
    /// When the call failed.
    pub failed_at: SimTime,
    /// The parts of the time before that.
    pub parts: Parts,
}

/// All stages under way.
#[derive(Debug)]
pub struct Joins {
    /// The stages.
    pub slab: Slab<Join>,
    /// The calls of each stage, by slot.
    calls: Vec<Vec<JoinedCall>>,
    /// Slots of the requests of each stage that may not have ended, by slot of the stage.
    requests: Vec<Vec<u32>>,
    /// Fallbacks under way.
    pub fallbacks: Slab<Fallback>,
}

impl Joins {
    /// No stages.
    pub fn new() -> Self {
        Joins {
            slab: Slab::new(),
            calls: Vec::new(),
            requests: Vec::new(),
            fallbacks: Slab::new(),
        }
    }

    /// Adds a stage with these calls.
    pub fn insert(&mut self, mut join: Join, calls: impl Iterator<Item = JoinedCall>) -> u32 {
        let slot = self.slab.insert(join);
        let place = slot as usize;
        if self.calls.len() <= place {
            self.calls.resize_with(place + 1, Vec::new);
            self.requests.resize_with(place + 1, Vec::new);
        }
        self.requests[place].clear();
        let list = &mut self.calls[place];
        list.clear();
        list.extend(calls);
        join.undecided_count = u16::try_from(list.len()).expect("an owner has few calls");
        join.open_count = list.iter().map(|call| call.left_count).sum();
        self.slab[slot] = join;
        slot
    }

    /// The calls of a stage.
    pub fn calls(&self, join: u32) -> &[JoinedCall] {
        &self.calls[join as usize]
    }

    /// The call of a stage over an edge.
    pub fn call_mut(&mut self, join: u32, edge: EdgeId) -> &mut JoinedCall {
        let mut calls = self.calls[join as usize].iter_mut();
        calls
            .find(|call| call.edge == edge)
            .expect("a request of a stage belongs to one of its calls")
    }

    /// Notes a request of a stage.
    pub fn add_request(&mut self, join: u32, request: u32) {
        self.requests[join as usize].push(request);
    }

    /// The requests of a stage, some of which may have ended: then their slots may be those of
    /// others.
    pub fn requests(&self, join: u32) -> &[u32] {
        &self.requests[join as usize]
    }

    /// Something more of a stage is under way.
    pub fn open_one(&mut self, join: u32) {
        self.slab[join].open_count += 1;
    }

    /// Something of a stage has ended, and what follows from it is done. A stage that is over and
    /// of which nothing is under way is freed.
    pub fn close_one(&mut self, join: u32) {
        let state = &mut self.slab[join];
        assert!(0 < state.open_count, "more ended than began");
        state.open_count -= 1;
        if state.open_count == 0 && state.owner == JoinOwner::Nobody {
            self.slab.remove(join);
        }
    }

    /// These nodes died, with all their stages.
    pub fn forget(&mut self, nodes: &NodeSet) {
        let dead: Vec<u32> = self
            .slab
            .iter()
            .filter(|(_, join)| nodes.has(join.node))
            .map(|(slot, _)| slot)
            .collect();
        let is_dead = |fallback: &Fallback| dead.binary_search(&fallback.join).is_ok();
        let fallbacks = self.fallbacks.iter().filter(|(_, f)| is_dead(f));
        let ended: Vec<u32> = fallbacks.map(|(slot, _)| slot).collect();
        for slot in ended {
            self.fallbacks.remove(slot);
        }
        for slot in dead {
            self.slab.remove(slot);
        }
    }
}
