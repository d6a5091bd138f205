//! Who suspects, who has a cache, a breaker or a limit, and what these say; windows of faults.

use serde::Serialize;

use crate::id::{CallerId, EdgeId, FaultId, InstanceId, NodeId};
use crate::time::SimTime;

/// Whose cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CachePlace {
    /// That of a call, at a caller or in its zone.
    Call(EdgeId),
    /// That of an instance.
    Instance(InstanceId),
}

/// What a cache said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheAnswer {
    /// It holds the key.
    Fresh,
    /// It holds the key, past its life.
    Stale,
    /// The key is being loaded; who asked waits for it.
    Loading,
    /// It does not hold the key.
    Absent,
}

/// Why a caller turns an attempt of its own away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalCause {
    /// A breaker is open, or one of Envoy's limits is reached.
    Breaker,
    /// No place in the bulkhead within the time to wait.
    Bulkhead,
    /// Adaptive throttling.
    Throttle,
    /// The concurrency limit is reached.
    Limit,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything passes.
    Closed,
    /// Nothing passes.
    Open,
    /// Probes pass.
    HalfOpen,
}

/// What has a concurrency limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitOwner {
    /// A calling side.
    Caller(CallerId),
    /// An instance.
    Instance(InstanceId),
}

/// One window of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultWindow {
    /// The fault.
    pub fault: FaultId,
    /// When it begins to act.
    pub start: SimTime,
    /// When it ends; [`SimTime::NEVER`] where it stays.
    pub end: SimTime,
}

/// Who suspects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspector {
    /// The registry, by an expired lease.
    Registry,
    /// A calling side, by pings without ACK.
    Caller(CallerId),
    /// A member of a cluster, by gossip.
    Member {
        /// The cluster: the how-many-th of the scenario.
        cluster: u32,
        /// The member.
        node: NodeId,
    },
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LifeState {
    /// Working.
    Up,
    /// The process is dead, its host answers.
    Crashed,
    /// The host is silent.
    HostLost,
    /// The process starts again; its host answers for it.
    Restarting,
    /// The process stands still, its kernel answers.
    Paused,
    /// Not part of the scenario now (scaled in, or not yet scaled out).
    Absent,
}

impl LifeState {
    /// Whether requests sent now can be answered without another change.
    pub fn is_up(self) -> bool {
        matches!(self, LifeState::Up | LifeState::Paused)
    }
}
