//! Keys of clients and calls.

use super::shared::UNIT_KEY;
use super::{
    CLASS, Default, Key, Kind, LENGTH, MANY, POSITIVE, RATE, TableSpec, Tag, Variant, attempts,
    flow, key, only_with, optional, required, resilience, shared,
};

/// `[client.NAME]`.
pub static CLIENT: TableSpec = TableSpec {
    what: "client",
    doc: "A named group of callers.",
    tag: None,
    keys: &[
        key(
            "count",
            MANY,
            Default::Toml("1"),
            "Callers, each with its own balancer and view.",
        ),
        key(
            "zones",
            Kind::List(&Kind::Name),
            Default::Toml("[\"a\"]"),
            "Zones of the callers, in turn.",
        ),
        required(
            "arrivals",
            Kind::Table(&ARRIVALS),
            "When requests arrive, of the whole group.",
        ),
        key(
            "keys",
            Kind::Table(&KEYS),
            Default::Nested,
            "Which keys the requests carry.",
        ),
        key(
            "when_caller_down",
            Kind::Choice(&["redistribute", "lose", "fail"]),
            Default::Toml("\"redistribute\""),
            "What happens to the arrivals of a caller that is down.",
        ),
        key(
            "clock_drift",
            Kind::Drift,
            Default::Toml("0.0"),
            "How much faster than true time the local clock runs.",
        ),
        optional(
            "call",
            Kind::Named(&CALL),
            "Services that every request calls, in this order.",
        ),
        optional(
            "class",
            Kind::Named(&CLASS),
            "Classes of requests, drawn by share.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

const RATE_KEYS: &[Key] = &[
    optional("rate", RATE, "Requests per second of the whole group."),
    optional(
        "offered_load",
        Kind::Number {
            min: 0.0,
            above: true,
            max: 1_000.0,
        },
        "Instead of `rate`: work offered to a service as a multiple of its capacity.",
    ),
    only_with(
        "offered_load",
        key(
            "of",
            Kind::Text,
            Default::Computed("the service that is called, if it is one"),
            "The service whose capacity `offered_load` refers to.",
        ),
    ),
];

/// `[client.NAME.arrivals]`.
pub static ARRIVALS: TableSpec = TableSpec {
    what: "arrivals",
    doc: "When requests arrive, of the whole group.",
    tag: Some(Tag {
        key: "process",
        default: None,
        doc: "The law of the arrivals.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "constant",
            doc: "Open loop: evenly spaced.",
            keys: RATE_KEYS,
        },
        Variant {
            name: "poisson",
            doc: "Open loop: Poisson.",
            keys: RATE_KEYS,
        },
        Variant {
            name: "renewal",
            doc: "Open loop: independent gaps of any law.",
            keys: &[required(
                "gap",
                Kind::Table(&shared::DISTRIBUTION),
                "Time between two arrivals of the group.",
            )],
        },
        Variant {
            name: "bursts",
            doc: "Open loop: Poisson that is faster at the start of every period.",
            keys: &[
                required("rate", RATE, "Rate outside the bursts."),
                required("burst_rate", RATE, "Rate in a burst."),
                required("period", POSITIVE, "From the start of a burst to the next."),
                required("burst_duration", POSITIVE, "Length of a burst."),
            ],
        },
        Variant {
            name: "ramp",
            doc: "Open loop: Poisson whose rate moves linearly.",
            keys: &[
                required("rate_from", RATE, "Rate up to `start`."),
                required("rate_to", RATE, "Rate from `end` on."),
                key(
                    "start",
                    LENGTH,
                    Default::Toml("\"0s\""),
                    "Start of the change.",
                ),
                key(
                    "end",
                    POSITIVE,
                    Default::Computed("the end of the run"),
                    "End of the change.",
                ),
            ],
        },
        Variant {
            name: "closed",
            doc: "Closed loop: every user waits for the outcome, thinks, and sends again.",
            keys: &[
                required("user_count", MANY, "Users of the whole group."),
                key(
                    "think_time",
                    Kind::Table(&shared::DISTRIBUTION),
                    Default::Toml("\"0s\""),
                    "Time from an outcome to the next request. Where it is 0 and a request ended \
                     in the instant of its arrival (nobody to send it to, turned away), 1 ms.",
                ),
            ],
        },
        Variant {
            name: "trace",
            doc: "Recorded arrivals: a CSV with a column `arrives_at` and, if wanted, \
                  `service_demand`, `key` and `class`. The demand is the work at the service of \
                  the first call, behind proxies at the service that they lead to; proxies, and \
                  what that service calls, take their own time.",
            keys: &[required("file", Kind::File, "The CSV file."), UNIT_KEY],
        },
    ],
    shorthand: None,
};

const KEY_COUNT: Kind = Kind::Count {
    min: 1,
    max: 1 << 26,
};

/// `[client.NAME.keys]`.
pub static KEYS: TableSpec = TableSpec {
    what: "keys",
    doc: "Which keys the requests carry.",
    tag: Some(Tag {
        key: "distribution",
        default: Some("uniform"),
        doc: "The law of the keys.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "uniform",
            doc: "All keys alike.",
            keys: &[key(
                "count",
                KEY_COUNT,
                Default::Toml("1_000_000"),
                "How many keys there are.",
            )],
        },
        Variant {
            name: "zipf",
            doc: "Key i in proportion to 1 / (i + 1)^exponent.",
            keys: &[
                required("count", KEY_COUNT, "How many keys there are."),
                required(
                    "exponent",
                    Kind::Number {
                        min: 0.0,
                        above: false,
                        max: 20.0,
                    },
                    "0 is uniform, larger is more skewed.",
                ),
            ],
        },
        Variant {
            name: "hot_set",
            doc: "A share of the requests goes to a few keys.",
            keys: &[
                required("count", KEY_COUNT, "How many keys there are."),
                required("hot_count", KEY_COUNT, "How many of them are hot."),
                required("hot_ratio", Kind::Ratio, "Share of requests for hot keys."),
            ],
        },
    ],
    shorthand: None,
};

/// `[client.NAME.call.SERVICE]` and `[service.NAME.call.SERVICE]`.
pub static CALL: TableSpec = TableSpec {
    what: "call",
    doc: "A client or service uses a service.",
    tag: None,
    keys: &[
        key(
            "balancer",
            Kind::Table(&super::BALANCER),
            Default::Toml("\"random\""),
            "How an instance is picked for an attempt.",
        ),
        key(
            "attempt_timeout",
            POSITIVE,
            Default::Computed("as long as the deadline"),
            "How long one attempt may take.",
        ),
        key(
            "deadline",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Computed("for ever"),
            "How long the call may take, all attempts included; a law is drawn for every request.",
        ),
        key(
            "retry",
            Kind::Table(&RETRY),
            Default::Nested,
            "What follows a failed attempt.",
        ),
        optional(
            "detector",
            Kind::Table(&super::DETECTOR),
            "The caller's own failure detector.",
        ),
        flow::STAGE,
        flow::FANOUT_KEY,
        flow::OPTIONAL,
        flow::FALLBACK_TIME,
        flow::ASYNC,
        flow::DETACHED,
        attempts::HEDGE_KEY,
        attempts::CLUSTER_KEY,
        attempts::FAILBACK_KEY,
        attempts::FORK_COUNT_KEY,
        attempts::FAILED_RATIO_KEY,
        attempts::PROPAGATION_KEY,
        attempts::MARGIN_KEY,
        optional(
            "breaker",
            Kind::Table(&resilience::BREAKER),
            "When attempts are not sent because others failed.",
        ),
        optional(
            "bulkhead",
            Kind::Table(&resilience::BULKHEAD),
            "How many attempts of a caller may be under way.",
        ),
        optional(
            "throttle",
            Kind::Table(&resilience::THROTTLE),
            "When a caller turns attempts away because the service accepts too few.",
        ),
        optional(
            "concurrency_limit",
            Kind::Table(&resilience::CONCURRENCY_LIMIT),
            "How many attempts of a caller may be under way, adapted to latency and drops.",
        ),
        optional(
            "connection",
            Kind::Table(&super::CONNECTION),
            "Attempts travel on connections; without it every attempt travels on its own.",
        ),
        optional(
            "cache",
            Kind::Table(&super::CALL_CACHE),
            "Good replies that are kept, by key.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

const RETRY_ENDS: Kind = Kind::Choice(&[
    "refused",
    "connect_timeout",
    "reset_unsent",
    "reset_sent",
    "timeout",
    "rejected",
    "error",
]);

/// `retry`.
pub static RETRY: TableSpec = TableSpec {
    what: "retry",
    doc: "What follows a failed attempt.",
    tag: None,
    keys: &[
        key(
            "attempt_count_max",
            Kind::Count { min: 1, max: 100 },
            Default::Toml("1"),
            "Attempts per call, the first one included.",
        ),
        key(
            "backoff",
            Kind::Table(&BACKOFF),
            Default::Nested,
            "Wait before a retry.",
        ),
        key(
            "failover",
            Kind::Bool,
            Default::Toml("true"),
            "Whether a retry avoids instances that were tried already.",
        ),
        optional(
            "on",
            Kind::List(&RETRY_ENDS),
            "Ends of an attempt that are retried, all by default; finding no instance always is.",
        ),
        optional(
            "budget",
            Kind::Table(&resilience::BUDGET),
            "How many retries a caller may make, over all requests of this call.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `backoff`.
pub static BACKOFF: TableSpec = TableSpec {
    what: "backoff",
    doc: "Wait before a retry.",
    tag: None,
    keys: &[
        key(
            "min",
            LENGTH,
            Default::Toml("\"10ms\""),
            "Wait before the first retry, before jitter.",
        ),
        key("max", LENGTH, Default::Toml("\"1s\""), "Longest wait."),
        key(
            "factor",
            Kind::Number {
                min: 1.0,
                above: false,
                max: 1_000.0,
            },
            Default::Toml("2.0"),
            "Growth of the wait from retry to retry.",
        ),
        key(
            "jitter",
            Kind::Choice(&[
                "none",
                "full",
                "equal",
                "decorrelated",
                "grpc",
                "envoy",
                "finagle_equal",
            ]),
            Default::Toml("\"full\""),
            "The random part of the wait; envoy and finagle_equal double whatever `factor` says.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
