//! What a scenario may say about the data that instances keep.

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
