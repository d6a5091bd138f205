//! What a scenario may say about the data that instances keep.

use super::Scenario;
use crate::hash::copies::Copies;
use crate::hash::function::Function;
use crate::hash::ring::{Ring, RingEntry, hashed_points};
use crate::id::{InstanceId, ServiceId};
use crate::rng::path_hash;

/// Bytes that a copy sends at once over a link with a bandwidth, before others have their turn.
pub const PIECE_BYTES: f64 = 65_536.0;

/// `data` of a service: keys that its instances keep in memory, on the successors of the keys on a
/// hash ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataConfig {
    /// Keys.
    pub key_count: u64,
    /// Bytes of one of them.
    pub bytes_per_key: f64,
    /// Copies of a key, each at another instance.
    pub replica_count: u32,
    /// Bytes per second that all instances of the service together copy.
    pub rebuild_bandwidth: f64,
    /// Whether the copies of a key are in different zones.
    pub has_distinct_zones: bool,
    /// Points of each instance on the ring.
    pub virtual_node_count: u32,
}

impl DataConfig {
    /// Bytes of a share of the keys.
    pub fn bytes_of(&self, ratio: f64) -> f64 {
        ratio * self.key_count as f64 * self.bytes_per_key
    }
}

impl Scenario {
    /// Whether copies of data are sent over links: data is kept, and a link has a bandwidth.
    pub fn rebuilds_on_links(&self) -> bool {
        let network = &self.network;
        let of_zones = network.same_zone_bandwidth.or(network.cross_zone_bandwidth);
        let has_bandwidth =
            of_zones.is_some() || network.links.iter().any(|link| link.bandwidth.is_some());
        has_bandwidth && self.services.iter().any(|service| service.data.is_some())
    }

    /// The data of a service and its copies, all in their places; None where it keeps none. All of
    /// its instances are on the ring; those that are not there yet are down.
    pub fn copies(&self, service: ServiceId) -> Option<(DataConfig, Copies)> {
        let config = self.services[service.index()].data?;
        let topology = &self.topology;
        let instances = topology.service_instances(service);
        let group = |index| &self.groups[topology.group_of(InstanceId(index)).index()];
        let points = instances.clone().flat_map(|index| {
            let node = topology.instance_node(InstanceId(index));
            let entry = RingEntry {
                owner: index - instances.start,
                name: path_hash(&topology.node_path(node)),
                point_count: config.virtual_node_count,
            };
            hashed_points(entry, Function::Xxh64, 0)
        });
        let zones = instances.clone().map(|index| group(index).zone).collect();
        let is_up = |index| topology.index_in_group(InstanceId(index)) < group(index).count;
        let is_up = instances.clone().map(is_up).collect();
        let copies = Copies::new(
            Ring::build(points),
            (zones, is_up),
            config.replica_count,
            config.has_distinct_zones,
        );
        Some((config, copies))
    }
}
