//! Keys of strategies that instances tell about themselves.

use super::super::{Default, Kind, POSITIVE, Variant, key, only_if};

/// `grpc_weighted_round_robin`.
pub const GRPC_WEIGHTED_ROUND_ROBIN: Variant = Variant {
    name: "grpc_weighted_round_robin",
    doc: "Weights from the utilization that instances report, after gRPC.",
    keys: &[
        key(
            "blackout",
            Kind::Duration { zero: true },
            Default::Toml("\"10s\""),
            "How long reports of an instance must have come before its weight is used.",
        ),
        key(
            "expiration",
            POSITIVE,
            Default::Toml("\"180s\""),
            "Age at which the weight of the last report is dropped.",
        ),
        key(
            "update_interval",
            POSITIVE,
            Default::Toml("\"1s\""),
            "How often new weights take effect; less than 100ms counts as 100ms.",
        ),
        key(
            "phase",
            Kind::Phase,
            Default::Toml("\"random\""),
            "Where in that interval each caller starts.",
        ),
        key(
            "error_penalty",
            Kind::Number {
                min: 0.0,
                above: false,
                max: 1e6,
            },
            Default::Toml("1.0"),
            "What an error ratio of one adds to the utilization.",
        ),
        key(
            "reports",
            Kind::Choice(&["reply", "out_of_band"]),
            Default::Toml("\"reply\""),
            "Whether reports come with replies or on a period.",
        ),
        only_if(
            "reports",
            "\"out_of_band\"",
            key(
                "report_interval",
                POSITIVE,
                Default::Toml("\"10s\""),
                "From one report to the next.",
            ),
        ),
        key(
            "report_window",
            POSITIVE,
            Default::Toml("\"1s\""),
            "Length of the windows over which instances measure their load. An assumption: with \
             gRPC the application decides.",
        ),
    ],
};

/// `prequal`.
pub const PREQUAL: Variant = Variant {
    name: "prequal",
    doc: "The lowest latency among instances that are not hot, from probes sent ahead of time.",
    keys: &[
        key(
            "pool_size",
            Kind::Count {
                min: 1,
                max: 65_536,
            },
            Default::Toml("16"),
            "Answers to probes that a caller keeps. Unconfirmed.",
        ),
        key(
            "pool_size_min",
            Kind::Count {
                min: 1,
                max: 65_536,
            },
            Default::Toml("2"),
            "With fewer answers a pick is random. Unconfirmed.",
        ),
        key(
            "probe_rate",
            Kind::Number {
                min: 0.0,
                above: true,
                max: 100.0,
            },
            Default::Toml("3.0"),
            "Probes sent with each pick, to different instances. Unconfirmed.",
        ),
        key(
            "removal_rate",
            Kind::Number {
                min: 0.0,
                above: false,
                max: 100.0,
            },
            Default::Toml("1.0"),
            "Answers removed with each pick, the oldest and the worst in turn. Unconfirmed.",
        ),
        key(
            "probe_age_max",
            POSITIVE,
            Default::Toml("\"1s\""),
            "Age at which an answer is dropped. Unconfirmed.",
        ),
        key(
            "hot_quantile",
            Kind::Ratio,
            Default::Toml("0.84"),
            "An instance is hot if it has more in flight than this quantile of what was seen. \
             Unconfirmed.",
        ),
        key(
            "reuse_slack",
            Kind::Number {
                min: 0.0,
                above: false,
                max: 1e6,
            },
            Default::Toml("1.0"),
            "The delta in the rule for how often an answer may be used. Unconfirmed.",
        ),
        key(
            "seen_count",
            Kind::Count {
                min: 1,
                max: 65_536,
            },
            Default::Toml("128"),
            "Answers from which the quantile is taken. An assumption.",
        ),
        key(
            "latency_sample_count",
            Kind::Count {
                min: 1,
                max: 65_536,
            },
            Default::Toml("64"),
            "Latencies that an instance remembers for its answers. An assumption.",
        ),
    ],
};

/// `c3`.
pub const C3: Variant = Variant {
    name: "c3",
    doc: "The lowest rank from response time, service time and the cube of the queue.",
    keys: &[
        key(
            "ewma_weight",
            Kind::Number {
                min: 0.0,
                above: true,
                max: 1.0,
            },
            Default::Toml("0.3"),
            "Weight of the newest value in moving averages. An assumption.",
        ),
        key(
            "client_count",
            Kind::Count {
                min: 1,
                max: u32::MAX as u64,
            },
            Default::Computed("the calling sides of this call"),
            "Calling sides that share the instances.",
        ),
        key(
            "queue_exponent",
            Kind::Count { min: 1, max: 8 },
            Default::Toml("3"),
            "Exponent of the queue.",
        ),
    ],
};

/// `join_idle_queue`.
pub const JOIN_IDLE_QUEUE: Variant = Variant {
    name: "join_idle_queue",
    doc: "The instance that said first that it has nothing to do, or else a random one.",
    keys: &[],
};

/// `shortest_queue_global`.
pub const SHORTEST_QUEUE_GLOBAL: Variant = Variant {
    name: "shortest_queue_global",
    doc: "The truly shortest queue, which no caller knows: an ideal bound to compare with.",
    keys: &[],
};
