//! Keys of the registry: what it is, and the plain leases. Each real system has a file of its own.

mod consul;
mod dns;
mod etcd;
mod eureka;
mod kubernetes;
mod nacos;
mod system;
mod zookeeper;

use super::{Default, Key, Kind, LENGTH, POSITIVE, TableSpec, Tag, Variant, key, only_if};

pub use system::CAPACITY;

const MEMBERS: Key = key(
    "members",
    Kind::Count { min: 1, max: 1_000 },
    Default::Toml("3"),
    "Members of the registry.",
);
const ZONES: Key = key(
    "zones",
    Kind::List(&Kind::Name),
    Default::Computed("the zones of the instances"),
    "Zones of the members, in turn.",
);

const LEASE_KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    key(
        "lease_duration",
        POSITIVE,
        Default::Toml("\"10s\""),
        "How long a registration lives without a heartbeat.",
    ),
    key(
        "heartbeat_interval",
        POSITIVE,
        Default::Computed("lease_duration / 3"),
        "Time between the heartbeats of an instance, on its clock.",
    ),
    key(
        "phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its heartbeat interval each instance starts.",
    ),
    key(
        "propagation",
        Kind::Choice(&["watch", "poll"]),
        Default::Toml("\"watch\""),
        "Whether the registry sends changes to the callers or they ask.",
    ),
    only_if(
        "propagation",
        "\"poll\"",
        key(
            "poll_interval",
            POSITIVE,
            Default::Toml("\"5s\""),
            "Time between the polls of a caller.",
        ),
    ),
    only_if(
        "propagation",
        "\"poll\"",
        key(
            "poll_phase",
            Kind::Phase,
            Default::Toml("\"random\""),
            "Where in its poll interval each caller starts.",
        ),
    ),
    key(
        "publish_interval",
        LENGTH,
        Default::Toml("\"0s\""),
        "Changes are published together at most this often; zero publishes each at once.",
    ),
    key(
        "sweep_interval",
        LENGTH,
        Default::Toml("\"0s\""),
        "Expired leases are noticed this often; zero notices each at its expiry.",
    ),
    key(
        "sweep_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its interval the sweep starts.",
    ),
];

/// `[registry]`.
pub static REGISTRY: TableSpec = TableSpec {
    what: "registry",
    doc: "How callers learn which instances there are.",
    tag: Some(Tag {
        key: "profile",
        default: Some("static"),
        doc: "The kind of registry.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "static",
            doc: "A list in the configuration: every instance is always listed.",
            keys: &[],
        },
        Variant {
            name: "lease",
            doc: "Leases that instances renew by heartbeats; callers watch or poll.",
            keys: LEASE_KEYS,
        },
        Variant {
            name: "zookeeper",
            doc: "Apache ZooKeeper: sessions, ephemeral nodes and one-shot watches.",
            keys: zookeeper::KEYS,
        },
        Variant {
            name: "consul",
            doc: "Consul: an agent on every host that checks instances, gossip, and a quorum.",
            keys: consul::KEYS,
        },
        Variant {
            name: "etcd",
            doc: "etcd: keys with leases, and watches.",
            keys: etcd::KEYS,
        },
        Variant {
            name: "eureka",
            doc: "Netflix Eureka with Ribbon: leases at each server, caches, no quorum.",
            keys: eureka::KEYS,
        },
        Variant {
            name: "nacos",
            doc: "Nacos with instances that beat: unhealthy, then removed; lists are pushed.",
            keys: nacos::KEYS,
        },
        Variant {
            name: "dns",
            doc: "DNS: records with a time to live, in caches, and health checks.",
            keys: dns::KEYS,
        },
        Variant {
            name: "kubernetes",
            doc: "Kubernetes: readiness probes, node leases, endpoint slices and watches.",
            keys: kubernetes::KEYS,
        },
    ],
    shorthand: None,
};
