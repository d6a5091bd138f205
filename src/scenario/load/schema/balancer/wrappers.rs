//! Keys of what may stand around a strategy.

use super::super::{
    Default, Key, Kind, LENGTH, POSITIVE, POSITIVE_NUMBER, TableSpec, Tag, Variant, key, optional,
};

/// The wrappers, which every strategy takes.
pub const WRAPPERS: &[Key] = &[
    optional(
        "subset",
        Kind::Table(&SUBSET),
        "Which instances of the list a caller sees.",
    ),
    optional(
        "priority",
        Kind::Table(&PRIORITY),
        "Levels of groups, after Envoy: a level takes over what the one before cannot.",
    ),
    optional(
        "zone_aware",
        Kind::Table(&ZONE_AWARE),
        "Requests stay in the zone of their caller as far as it has its share, after Envoy.",
    ),
    optional(
        "backup",
        Kind::List(&Kind::Selector),
        "Groups or zones that are used only while the others have no instance left.",
    ),
    optional(
        "slow_start",
        Kind::Table(&SLOW_START),
        "The weight of an instance that is new to a caller grows.",
    ),
    optional(
        "ejection",
        Kind::Table(&EJECTION),
        "Instances at which attempts fail are left out for a while.",
    ),
];

const SIZE: Key = key(
    "size",
    Kind::Count {
        min: 1,
        max: 1_000_000,
    },
    Default::Toml("12"),
    "Instances that a caller sees; an aperture may hold more.",
);

/// Which instances a caller sees.
pub static SUBSET: TableSpec = TableSpec {
    what: "subset",
    doc: "Which instances of the list a caller sees.",
    tag: Some(Tag {
        key: "kind",
        default: None,
        doc: "How they are chosen.",
    }),
    keys: &[SIZE],
    variants: &[
        Variant {
            name: "deterministic_aperture",
            doc: "Finagle: a slice of a ring, with parts of weights at its ends.",
            keys: &[],
        },
        Variant {
            name: "deterministic",
            doc: "SRE book: rounds of callers share out a shuffled list.",
            keys: &[],
        },
        Variant {
            name: "random",
            doc: "gRPC A68: the lowest hashes of address and caller.",
            keys: &[],
        },
    ],
    shorthand: Some(super::super::Shorthand::Tag),
};

/// Priority levels.
pub static PRIORITY: TableSpec = TableSpec {
    what: "priority",
    doc: "Levels of groups, after Envoy.",
    tag: None,
    keys: &[
        key(
            "levels",
            Kind::List(&Kind::Selector),
            Default::Computed("one level of all groups"),
            "Groups or zones of each level, the first one first; a glob may name several.",
        ),
        key(
            "overprovisioning_factor",
            Kind::Number {
                min: 1.0,
                above: false,
                max: 100.0,
            },
            Default::Toml("1.4"),
            "A level takes all its requests while its healthy share times this is 1 or more.",
        ),
        key(
            "panic_threshold",
            Kind::Ratio,
            Default::Toml("\"50%\""),
            "A level with a smaller healthy share uses all its instances, healthy or not.",
        ),
        key(
            "fails_on_panic",
            Kind::Bool,
            Default::Toml("false"),
            "In panic attempts fail at once instead.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// Zone-aware routing.
pub static ZONE_AWARE: TableSpec = TableSpec {
    what: "zone_aware",
    doc: "Requests stay in the zone of their caller, after Envoy.",
    tag: None,
    keys: &[
        key(
            "min_size",
            Kind::Count {
                min: 0,
                max: 1_000_000,
            },
            Default::Toml("6"),
            "Healthy instances below which zones are ignored.",
        ),
        key(
            "routing_enabled",
            Kind::Ratio,
            Default::Toml("\"100%\""),
            "Share of the picks that consider zones.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

const WINDOW: Key = key(
    "window",
    POSITIVE,
    Default::Toml("\"60s\""),
    "How long it takes to the full weight.",
);

/// Slow start.
pub static SLOW_START: TableSpec = TableSpec {
    what: "slow_start",
    doc: "The weight of an instance that is new to a caller grows.",
    tag: Some(Tag {
        key: "kind",
        default: None,
        doc: "The formula.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "envoy",
            doc: "A power of the share of the window that has passed.",
            keys: &[
                WINDOW,
                key(
                    "aggression",
                    POSITIVE_NUMBER,
                    Default::Toml("1.0"),
                    "1 is linear; larger ones grow faster at first.",
                ),
                key(
                    "weight_min",
                    Kind::Ratio,
                    Default::Toml("\"10%\""),
                    "The smallest share of the weight.",
                ),
            ],
        },
        Variant {
            name: "dubbo",
            doc: "Whole weights in proportion to the age of the process.",
            keys: &[
                key(
                    "warmup",
                    POSITIVE,
                    Default::Toml("\"10m\""),
                    "How long it takes to the full weight.",
                ),
                key(
                    "nominal_weight",
                    Kind::Count {
                        min: 1,
                        max: 1_000_000,
                    },
                    Default::Toml("100"),
                    "Dubbo's weight of an instance of weight 1.",
                ),
            ],
        },
        Variant {
            name: "haproxy",
            doc: "Steps of a sixteenth, by whole seconds.",
            keys: &[WINDOW],
        },
    ],
    shorthand: Some(super::super::Shorthand::Tag),
};

const COUNT: Kind = Kind::Count {
    min: 1,
    max: 1_000_000,
};

const INTERVAL: Key = key(
    "interval",
    POSITIVE,
    Default::Toml("\"10s\""),
    "From one sweep to the next.",
);
const PHASE: Key = key(
    "phase",
    Kind::Choice(&["random", "aligned"]),
    Default::Toml("\"random\""),
    "Whether each caller's sweeps begin after a random part of the interval.",
);
const DURATION_BASE: Key = key(
    "duration_base",
    POSITIVE,
    Default::Toml("\"30s\""),
    "The first ejection of an instance; the second lasts twice as long, and so on.",
);
const DURATION_MAX: Key = key(
    "duration_max",
    POSITIVE,
    Default::Computed("300 s, or the base where that is longer"),
    "The longest ejection.",
);
const EJECTED_RATIO_MAX: Key = key(
    "ejected_ratio_max",
    Kind::Ratio,
    Default::Toml("\"10%\""),
    "Largest share of the instances that may be ejected at a time.",
);
const STDEV_FACTOR: Key = key(
    "success_rate_stdev_factor",
    Kind::Number {
        min: 0.0,
        above: false,
        max: 1_000.0,
    },
    Default::Toml("1.9"),
    "Standard deviations below the mean success rate that eject.",
);
const SUCCESS_INSTANCES: Key = key(
    "success_rate_instance_count_min",
    COUNT,
    Default::Toml("5"),
    "Instances that must have had enough requests for success rates to say anything.",
);
const SUCCESS_REQUESTS: Key = key(
    "success_rate_request_count_min",
    COUNT,
    Default::Toml("100"),
    "Requests in the interval that an instance must have had.",
);
const FAILURE_THRESHOLD: Key = key(
    "failure_ratio_threshold",
    Kind::Ratio,
    Default::Toml("\"85%\""),
    "Share of failed requests that ejects.",
);
const FAILURE_INSTANCES: Key = key(
    "failure_ratio_instance_count_min",
    COUNT,
    Default::Toml("5"),
    "Instances that must have had enough requests for failed shares to say anything.",
);
const FAILURE_REQUESTS: Key = key(
    "failure_ratio_request_count_min",
    COUNT,
    Default::Toml("50"),
    "Requests in the interval that an instance must have had.",
);
const FAILURE_ENFORCED: Key = enforced("failure_ratio_enforced_ratio", "\"0%\"");

const fn enforced(name: &'static str, default: &'static str) -> Key {
    key(
        name,
        Kind::Ratio,
        Default::Toml(default),
        "Share of these ejections that are carried out; 0 turns the criterion off.",
    )
}

/// Ejection.
pub static EJECTION: TableSpec = TableSpec {
    what: "ejection",
    doc: "Instances at which attempts fail are left out for a while.",
    tag: Some(Tag {
        key: "kind",
        default: None,
        doc: "Whose rules.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "envoy_outlier",
            doc: "Envoy's outlier detection: failures in a row, and sweeps by rates.",
            keys: ENVOY,
        },
        Variant {
            name: "grpc_outlier",
            doc: "gRPC's outlier detection (A50): sweeps by rates.",
            keys: &[
                INTERVAL,
                PHASE,
                DURATION_BASE,
                DURATION_MAX,
                EJECTED_RATIO_MAX,
                STDEV_FACTOR,
                SUCCESS_INSTANCES,
                SUCCESS_REQUESTS,
                enforced("success_rate_enforced_ratio", "\"0%\""),
                FAILURE_THRESHOLD,
                FAILURE_INSTANCES,
                FAILURE_REQUESTS,
                FAILURE_ENFORCED,
            ],
        },
        Variant {
            name: "nginx_max_fails",
            doc: "nginx's `max_fails` and `fail_timeout`, in whole seconds.",
            keys: &[
                key(
                    "fail_count_max",
                    Kind::Count {
                        min: 0,
                        max: 1_000_000,
                    },
                    Default::Toml("1"),
                    "`max_fails`: failures that turn an instance off; 0: none do.",
                ),
                key(
                    "fail_timeout",
                    LENGTH,
                    Default::Toml("\"10s\""),
                    "For so long it is off, in whole seconds; then one live request probes it.",
                ),
                key(
                    "counts_errors",
                    Kind::Bool,
                    Default::Toml("false"),
                    "Whether an error reply or a rejection counts where the call may try again \
                     after it; the one that ends the call never does.",
                ),
            ],
        },
        Variant {
            name: "finagle_accrual",
            doc: "Finagle's failure accrual: failures in a row, or a low success rate.",
            keys: FINAGLE,
        },
    ],
    shorthand: Some(super::super::Shorthand::Tag),
};

const ENVOY: &[Key] = &[
    key(
        "consecutive_errors",
        Kind::Limit { max: 1_000_000 },
        Default::Toml("5"),
        "Failures in a row that eject at once; `\"unlimited\"`: they do not.",
    ),
    INTERVAL,
    PHASE,
    DURATION_BASE,
    DURATION_MAX,
    key(
        "duration_jitter",
        LENGTH,
        Default::Toml("\"0s\""),
        "Up to so much is added to each ejection.",
    ),
    key(
        "update_merge_window",
        LENGTH,
        Default::Toml("\"1s\""),
        "Changes that follow one another more closely reach the picks together, so much later.",
    ),
    EJECTED_RATIO_MAX,
    key(
        "always_ejects_one",
        Kind::Bool,
        Default::Toml("false"),
        "Whether one instance may be ejected whatever the largest share.",
    ),
    STDEV_FACTOR,
    SUCCESS_INSTANCES,
    SUCCESS_REQUESTS,
    enforced("success_rate_enforced_ratio", "\"100%\""),
    FAILURE_THRESHOLD,
    FAILURE_INSTANCES,
    FAILURE_REQUESTS,
    FAILURE_ENFORCED,
];

const FINAGLE: &[Key] = &[
    key(
        "consecutive_failures",
        COUNT,
        Default::Toml("5"),
        "Failures in a row that mark an instance dead.",
    ),
    key(
        "success_ratio_min",
        Kind::Ratio,
        Default::Toml("\"80%\""),
        "A lower average success rate marks it dead.",
    ),
    key(
        "window",
        POSITIVE,
        Default::Toml("\"30s\""),
        "Over which the success rate is averaged.",
    ),
    key(
        "request_count_min",
        COUNT,
        Default::Toml("5"),
        "Requests in the window without which the rate says nothing.",
    ),
    key(
        "duration_base",
        POSITIVE,
        Default::Toml("\"5s\""),
        "The first time that it is dead; then one request probes it.",
    ),
    key(
        "duration_max",
        POSITIVE,
        Default::Toml("\"300s\""),
        "The longest time that it is dead.",
    ),
    key(
        "counts_errors",
        Kind::Bool,
        Default::Toml("true"),
        "Whether error replies and rejections count as failures.",
    ),
];
