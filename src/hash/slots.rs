//! Tables whose slots have owners.

use super::{Server, haproxy_map, maglev};

/// How such a table is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotRule {
    /// `hash-type map-based` of HAProxy.
    HaproxyMap,
    /// Maglev with the permutations of Envoy.
    Maglev {
        /// The number of slots, a prime.
        table_size: u32,
    },
}

impl SlotRule {
    /// The owner of each slot.
    pub fn build(self, servers: &[Server]) -> Vec<u32> {
        match self {
            SlotRule::HaproxyMap => haproxy_map::entries(servers),
            SlotRule::Maglev { table_size } => maglev::table(servers, table_size),
        }
    }
}
