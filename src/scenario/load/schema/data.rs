//! Keys of the data that instances keep.

use super::{Default, Key, Kind, TableSpec, key, optional, required};

pub(super) const DATA_KEY: Key = optional(
    "data",
    Kind::Table(&DATA),
    "Keys that the instances keep in memory, copied to the successors of each on a ring.",
);

/// `[service.NAME.data]`.
pub static DATA: TableSpec = TableSpec {
    what: "data",
    doc: "Keys that the instances keep in memory. Each has copies at the first instances that are \
          up, clockwise from it on a ring. Who dies, or leaves, loses its copies; the service \
          makes them again elsewhere, one arc of the ring after the other, those with the fewest \
          copies first. Where links have a bandwidth, copies are sent over them in pieces of \
          64 KiB, by an instance that has the keys, and take turns with messages that have a size. \
          Elsewhere copying changes nothing in the run, only what is measured.",
    tag: None,
    keys: &[
        required(
            "keys",
            Kind::Count {
                min: 1,
                max: 1 << 48,
            },
            "Keys of the service.",
        ),
        required("bytes_per_key", Kind::Size, "Size of a key and its value."),
        required(
            "replicas",
            Kind::Count { min: 1, max: 64 },
            "Copies of a key, each at another instance.",
        ),
        required(
            "rebuild_bandwidth",
            Kind::Bandwidth,
            "What all instances of the service together copy, at most.",
        ),
        key(
            "distinct_zones",
            Kind::Bool,
            Default::Toml("false"),
            "Whether the copies of a key are in different zones.",
        ),
        key(
            "virtual_node_count",
            Kind::Count {
                min: 1,
                max: 65_536,
            },
            Default::Toml("160"),
            "Points of each instance on the ring.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
