//! The calling side, which any node may own: one for each of its call edges.

mod attempt;
pub mod breakdown;
mod call;
mod cancel;
mod cluster;
mod deadline;
pub(super) mod family;
mod forward;
mod hedge;
pub mod join;
pub mod parts;
pub mod plan;
pub(super) mod resilience;
pub mod retry;
pub mod several;
mod stage;
mod timeout;

pub(super) use attempt::{LEG_THERE, fold_identity, message_key};
pub(super) use resilience::Gates;

use std::sync::Arc;

use super::balancer::Balancer;
use super::in_flight::InFlight;
use super::view::ViewSnapshot;
use crate::engine::Timer;
use crate::id::{ClientId, EdgeId, InstanceId, NodeId};

/// One calling side. Everything it knows is its own (decision D8). What every attempt needs stands
/// first, in two lines of the processor's cache.
#[repr(C, align(64))]
pub struct Caller {
    /// Its edge.
    pub edge: EdgeId,
    /// Its owner.
    pub node: NodeId,
    /// The client group of its owner; None for instances.
    pub client: Option<ClientId>,
    /// How it picks.
    pub balancer: Box<dyn Balancer>,
    /// Its attempts in flight.
    pub in_flight: InFlight,
    /// The list it has from the registry.
    pub listed: Arc<ViewSnapshot>,
    /// The version of that list; 0 while it has none.
    pub listed_version: u64,
    /// The list without what its own detector suspects.
    pub candidates: Arc<ViewSnapshot>,
    /// What its own detector suspects, ascending.
    pub suspects: Vec<InstanceId>,
    /// Slots of its pairs with the instances it pings, in order of instance.
    pub pairs: Vec<(InstanceId, u32)>,
    /// Its next question to the registry.
    pub poll: Timer,
    /// Questions it has asked.
    pub poll_count: u32,
    /// How it protects itself; None before the first use.
    pub resilience: Option<Box<resilience::Resilience>>,
}
