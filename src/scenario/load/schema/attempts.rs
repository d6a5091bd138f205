//! Keys of calls with several attempts at once.

use super::{Default, Key, Kind, LENGTH, POSITIVE, TableSpec, key, optional};

const ATTEMPTS: Kind = Kind::Count { min: 1, max: 100 };

/// `hedge`.
pub static HEDGE: TableSpec = TableSpec {
    what: "hedge",
    doc: "Further attempts, at other instances, while earlier ones are in flight; the first good \
          reply wins. After a failure the next one is sent at once, if the budget of `retry` \
          allows it (gRFC A6); where `retry` has attempts of its own, its rules say what follows.",
    tag: None,
    keys: &[
        optional(
            "delay",
            LENGTH,
            "Time from one attempt to the next; with `percentile` until that is known.",
        ),
        optional(
            "percentile",
            Kind::Number {
                min: 0.0,
                above: true,
                max: 99.999,
            },
            "The delay is this percentile of the caller's last first attempts, in per cent: 95.",
        ),
        key(
            "refresh",
            LENGTH,
            Default::Toml("\"3s\""),
            "How long a percentile is used before it is taken again.",
        ),
        key(
            "window",
            Kind::Count {
                min: 10,
                max: 100_000,
            },
            Default::Toml("1_000"),
            "Attempts that the percentile is taken over.",
        ),
        key(
            "delay_min",
            LENGTH,
            Default::Toml("\"1ms\""),
            "The shortest delay that a percentile gives.",
        ),
        key(
            "attempt_count_max",
            Kind::Count { min: 2, max: 100 },
            Default::Toml("2"),
            "Attempts per call up to which hedges are sent, the first one included.",
        ),
        optional(
            "budget_ratio",
            Kind::Ratio,
            "Hedges per request: each request of a caller deposits this share of a hedge, at most \
             10 are kept, and a hedge without one is not sent.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `failback`.
pub static FAILBACK: TableSpec = TableSpec {
    what: "failback",
    doc: "How a call that failed is tried again in the background.",
    tag: None,
    keys: &[
        key(
            "retry_count_max",
            ATTEMPTS,
            Default::Toml("3"),
            "Attempts in the background.",
        ),
        key(
            "interval",
            POSITIVE,
            Default::Toml("\"5s\""),
            "Wait before each of them.",
        ),
        key(
            "task_count_max",
            Kind::Count {
                min: 1,
                max: 1 << 20,
            },
            Default::Toml("100"),
            "Calls of one caller in the background; more are forgotten.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// Keys of a call: `hedge`.
pub const HEDGE_KEY: Key = optional(
    "hedge",
    Kind::Table(&HEDGE),
    "Further attempts while earlier ones are in flight.",
);

/// Keys of a call: `cluster`.
pub const CLUSTER_KEY: Key = optional(
    "cluster",
    Kind::Choice(&[
        "failover",
        "failfast",
        "failsafe",
        "failback",
        "forking",
        "broadcast",
    ]),
    "How many attempts a call begins with, and what a failure means (names of Apache Dubbo); \
     `failover` where it is not set.",
);

/// Keys of a call: `failback`.
pub const FAILBACK_KEY: Key = super::only_if(
    "cluster",
    "\"failback\"",
    key(
        "failback",
        Kind::Table(&FAILBACK),
        Default::Nested,
        "How a call that failed is tried again in the background.",
    ),
);

/// Keys of a call: `fork_count`.
pub const FORK_COUNT_KEY: Key = super::only_if(
    "cluster",
    "\"forking\"",
    key(
        "fork_count",
        ATTEMPTS,
        Default::Toml("2"),
        "Attempts at once, each at another instance.",
    ),
);

/// Keys of a call: `failed_ratio_max`.
pub const FAILED_RATIO_KEY: Key = super::only_if(
    "cluster",
    "\"broadcast\"",
    key(
        "failed_ratio_max",
        Kind::Ratio,
        Default::Toml("1.0"),
        "The call fails when this share of all candidates has failed.",
    ),
);

/// Keys of a call: `deadline_propagation`.
pub const PROPAGATION_KEY: Key = optional(
    "deadline_propagation",
    Kind::Choice(&["none", "drop_at_dequeue", "cancel"]),
    "Who knows the deadline: the caller, as where it is not set; the worker too, which drops what \
     it takes up too late; or the same, and a message takes back what the caller gives up.",
);

/// Keys of a call: `deadline_margin`.
pub const MARGIN_KEY: Key = optional(
    "deadline_margin",
    LENGTH,
    "How much earlier than the attempt that it is made for the call must end; not at all where it \
     is not set.",
);
