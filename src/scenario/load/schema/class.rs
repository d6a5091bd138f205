//! Keys of classes of requests, and of sizes.

use super::server::SERVICE_TIME;
use super::{
    Default, KEYS, Kind, POSITIVE_NUMBER, Shorthand, TableSpec, Tag, Variant, key, optional,
    required, shared,
};

/// `[client.NAME.class.NAME]`.
pub static CLASS: TableSpec = TableSpec {
    what: "class",
    doc: "Requests of a client that are alike; services that are called for them know the class.",
    tag: None,
    keys: &[
        required(
            "share",
            Kind::Ratio,
            "Share of the client's requests; the shares of its classes sum to 1.",
        ),
        key(
            "service_time",
            Kind::Table(&SERVICE_TIME),
            Default::Computed("that of the service"),
            "Time that a worker of speed 1 needs, at the one service that the client calls, itself \
             or through proxies; both parts of the service's own time are replaced.",
        ),
        key(
            "keys",
            Kind::Table(&KEYS),
            Default::Computed("those of the client"),
            "Which keys the requests carry.",
        ),
        key(
            "deadline",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Computed("for ever"),
            "Time from the arrival of a request that it may take, all its calls included.",
        ),
        key(
            "priority",
            Kind::Count { min: 0, max: 255 },
            Default::Toml("0"),
            "Where priorities count, 0 comes first.",
        ),
        key(
            "idempotent",
            Kind::Bool,
            Default::Toml("true"),
            "Whether a request may be done twice.",
        ),
        key(
            "request_size",
            Kind::Table(&SIZE),
            Default::Computed("none"),
            "Bytes of a request, also of those that services send for it.",
        ),
        key(
            "reply_size",
            Kind::Table(&SIZE),
            Default::Computed("none"),
            "Bytes of a good reply.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// A law of sizes.
pub static SIZE: TableSpec = TableSpec {
    what: "size",
    doc: "A law of random sizes; a plain size is a constant.",
    tag: Some(Tag {
        key: "dist",
        default: None,
        doc: "The kind of law.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "constant",
            doc: "Always the same size.",
            keys: &[required("value", Kind::Size, "The size.")],
        },
        Variant {
            name: "uniform",
            doc: "Uniform between two sizes.",
            keys: &[
                required("min", Kind::Size, "Smallest size."),
                required("max", Kind::Size, "Largest size."),
            ],
        },
        Variant {
            name: "exponential",
            doc: "Exponential.",
            keys: &[required("mean", Kind::Size, "Mean.")],
        },
        Variant {
            name: "lognormal",
            doc: "Lognormal, by two percentiles or by mean and coefficient of variation.",
            keys: &[
                optional("p50", Kind::Size, "Median; goes with `p99`."),
                optional("p99", Kind::Size, "99th percentile; goes with `p50`."),
                optional("mean", Kind::Size, "Mean; goes with `cv`."),
                optional(
                    "cv",
                    POSITIVE_NUMBER,
                    "Standard deviation over mean; goes with `mean`.",
                ),
            ],
        },
        Variant {
            name: "bounded_pareto",
            doc: "Pareto between two sizes.",
            keys: &[
                required("min", Kind::Size, "Smallest size."),
                required("max", Kind::Size, "Largest size."),
                required(
                    "shape",
                    Kind::Number {
                        min: 0.01,
                        above: false,
                        max: 1_000.0,
                    },
                    "Tail index; smaller is heavier.",
                ),
            ],
        },
    ],
    shorthand: Some(Shorthand::Key {
        variant: "constant",
        key: "value",
    }),
};
