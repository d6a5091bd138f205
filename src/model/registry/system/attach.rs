//! Which member a client talks to: an order of its own, and its place in it.

use super::Port;
use crate::id::NodeId;
use crate::model::observation::LifeState;
use crate::rng::{UniformSource, mix};

/// Whether the host of a node closes its connections when its process dies.
pub fn closes_connections(port: &dyn Port, node: NodeId) -> bool {
    port.has_resets() && port.node(node).state != LifeState::HostLost
}

/// The members in the order in which a client tries them.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    order: Vec<u32>,
    /// The place of the member that it tries or talks to.
    current: Option<usize>,
    /// The place at which a full pass ends.
    last: Option<usize>,
}

impl Roster {
    /// An order that is drawn for the `number`-th connection string of a node.
    pub fn shuffled(port: &dyn Port, node: NodeId, number: u32, member_count: u32) -> Self {
        let identity = mix(port.node(node).path_hash) ^ crate::rng::path_hash("registry.roster");
        let mut order: Vec<u32> = (0..member_count).collect();
        order.sort_by_cached_key(|member| {
            (port.draw(identity, number, *member).next_u64(), *member)
        });
        Roster {
            order,
            current: None,
            last: None,
        }
    }

    /// The next member, and whether a full pass is over without a connection.
    pub fn advance(&mut self) -> (u32, bool) {
        let place = self
            .current
            .map_or(0, |place| (place + 1) % self.order.len());
        let is_full_pass = self.last == Some(place);
        self.last.get_or_insert(place);
        self.current = Some(place);
        (self.order[place], is_full_pass)
    }

    /// The client is connected to the member that it tried last.
    pub fn settle(&mut self) {
        self.last = self.current;
    }
}
