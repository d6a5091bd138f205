//! Keys of services and groups.

use super::{
    Default, Key, Kind, MANY, POSITIVE, POSITIVE_NUMBER, Shorthand, TableSpec, client, data, key,
    optional, required, resilience, scaling, server, shared,
};

pub(super) const WEIGHT: Kind = Kind::Number {
    min: 0.0,
    above: false,
    max: 1e6,
};
pub(super) const WORKERS: Kind = Kind::Count {
    min: 1,
    max: 1 << 20,
};
pub(super) const AS_SERVICE: Default = Default::Inherited("as the service says");

/// `[service.NAME]`.
pub static SERVICE: TableSpec = TableSpec {
    what: "service",
    doc: "A named pool of server instances.",
    tag: None,
    keys: &[
        optional(
            "count",
            MANY,
            "Instances of a service without groups; they form the group `main`.",
        ),
        key(
            "zone",
            Kind::Name,
            Default::Toml("\"a\""),
            "Zone of the instances.",
        ),
        key(
            "weight",
            WEIGHT,
            Default::Toml("1.0"),
            "Weight for weighted strategies; 0 drains.",
        ),
        key(
            "workers",
            WORKERS,
            Default::Toml("1"),
            "Requests that one instance serves at once.",
        ),
        key(
            "speed",
            POSITIVE_NUMBER,
            Default::Toml("1.0"),
            "Work per second, as a multiple of the nominal speed.",
        ),
        key(
            "instances_per_host",
            MANY,
            Default::Toml("1"),
            "Instances that share a host.",
        ),
        key(
            "clock_drift",
            Kind::Drift,
            Default::Toml("0.0"),
            "How much faster than true time the local clock runs.",
        ),
        key(
            "queue",
            Kind::Table(&QUEUE),
            Default::Nested,
            "How requests wait for a worker.",
        ),
        required(
            "service_time",
            Kind::Table(&server::SERVICE_TIME),
            "Time that a worker of speed 1 needs for a request.",
        ),
        key(
            "restart_time",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Computed("up at once"),
            "Time that a process takes to start again after a crash or a host loss.",
        ),
        key(
            "demand_per",
            Kind::Choice(&["attempt", "request"]),
            Default::Toml("\"attempt\""),
            "Whether every attempt draws its service time or all of a request share one.",
        ),
        optional(
            "cancellable",
            Kind::Bool,
            "Whether a cancellation stops running work, too; it does not where this is not set.",
        ),
        key(
            "registered",
            Kind::Table(&REGISTERED),
            Default::Inherited("as the registry says"),
            "How instances renew their lease; false: they are listed without one.",
        ),
        optional(
            "concurrency_limit",
            Kind::Table(&resilience::CONCURRENCY_LIMIT),
            "How many attempts one instance takes, adapted to their latency.",
        ),
        server::SERVICE_CORES,
        server::SERVICE_CPU_QUOTA,
        server::SERVICE_WARMUP,
        server::SERVICE_PAUSES,
        optional(
            "connection",
            Kind::Table(&super::ACCEPT),
            "How instances treat the connections of calls that have a `connection` table.",
        ),
        optional(
            "cache",
            Kind::Table(&super::SERVICE_CACHE),
            "What every instance keeps in its memory, by key.",
        ),
        data::DATA_KEY,
        scaling::CRASH_ABOVE_KEY,
        scaling::AUTOSCALE_KEY,
        optional(
            "gossip",
            Kind::Table(&super::GOSSIP),
            "How the instances watch each other.",
        ),
        optional("group", Kind::Named(&GROUP), "Groups of equal instances."),
        optional(
            "call",
            Kind::Named(&client::CALL),
            "Services that every request calls after its own service, in this order.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.queue]`.
pub static QUEUE: TableSpec = TableSpec {
    what: "queue",
    doc: "How requests wait for a worker.",
    tag: None,
    keys: &[
        key(
            "discipline",
            Kind::Choice(&["fifo", "lifo", "ps", "adaptive_lifo"]),
            Default::Toml("\"fifo\""),
            "First come first served, last come first served, processor sharing, or first come \
             first served that turns around when many wait.",
        ),
        server::QUEUE_LIFO_ABOVE,
        key(
            "limit",
            Kind::Limit {
                max: u32::MAX as u64,
            },
            Default::Toml("1000"),
            "Requests that may wait, besides those in service; or \"unlimited\".",
        ),
        server::QUEUE_CODEL,
        server::QUEUE_PRIORITY,
        server::QUEUE_SHED,
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.registered]`.
pub static REGISTERED: TableSpec = TableSpec {
    what: "registered",
    doc: "How the instances of a service renew their leases.",
    tag: None,
    keys: &[
        key(
            "enabled",
            Kind::Bool,
            Default::Toml("true"),
            "Whether they register at all.",
        ),
        key(
            "lease_duration",
            POSITIVE,
            Default::Inherited("as the registry says"),
            "How long the registration lives without a heartbeat; under zookeeper the session \
             timeout that the instance asks for, under etcd the time to live; under eureka it \
             counts twice once it was renewed, under nacos it is the beat timeout.",
        ),
        key(
            "heartbeat_interval",
            POSITIVE,
            Default::Inherited(
                "as the registry says, or lease_duration / 3 where that is set here",
            ),
            "Time between heartbeats, on the instance's clock.",
        ),
        key(
            "phase",
            Kind::Phase,
            Default::Inherited("as the registry says"),
            "Where in its heartbeat interval each instance starts.",
        ),
        super::check::PUSH_PATH,
    ],
    variants: &[],
    shorthand: Some(Shorthand::Key {
        variant: "",
        key: "enabled",
    }),
};

/// `[service.NAME.group.NAME]`.
pub static GROUP: TableSpec = TableSpec {
    what: "group",
    doc: "Equal instances of a service.",
    tag: None,
    keys: GROUP_KEYS,
    variants: &[],
    shorthand: None,
};

const GROUP_KEYS: &[Key] = &[
    required("count", MANY, "Instances."),
    key("zone", Kind::Name, AS_SERVICE, "Zone of the instances."),
    key(
        "weight",
        WEIGHT,
        AS_SERVICE,
        "Weight for weighted strategies; 0 drains.",
    ),
    key(
        "workers",
        WORKERS,
        AS_SERVICE,
        "Requests that one instance serves at once.",
    ),
    key(
        "speed",
        POSITIVE_NUMBER,
        AS_SERVICE,
        "Work per second, as a multiple of the nominal speed.",
    ),
    key(
        "instances_per_host",
        MANY,
        AS_SERVICE,
        "Instances that share a host.",
    ),
    key(
        "clock_drift",
        Kind::Drift,
        AS_SERVICE,
        "How much faster than true time the local clock runs.",
    ),
    server::GROUP_CORES,
    server::GROUP_CPU_QUOTA,
];
