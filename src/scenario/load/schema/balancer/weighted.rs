//! Keys of strategies that pick by weight.

use super::super::{Default, Key, Kind, LENGTH, Variant, key, only_if};

pub(super) const NGINX_FAILURES: &[Key] = &[
    key(
        "max_fails",
        Kind::Count { min: 0, max: 1_000 },
        Default::Toml("1"),
        "A failure takes the weight divided by this, rounded down; 0: nothing.",
    ),
    key(
        "error_replies_fail",
        Kind::Bool,
        Default::Toml("false"),
        "Whether an error reply or a rejection is a failure where the call may try again after it \
         (`proxy_next_upstream http_500 http_503`); the one that ends the call never is.",
    ),
];

pub(super) const WEIGHT_UNIT: Key = key(
    "weight_unit",
    Kind::Count {
        min: 1,
        max: 10_000,
    },
    Default::Toml("100"),
    "Weight in Dubbo of an instance of weight 1.",
);

pub(super) const WARMUP: Key = key(
    "warmup",
    LENGTH,
    Default::Toml("\"10m\""),
    "How long an instance that joins takes to its full weight.",
);

const DUBBO_WEIGHT: &[Key] = &[WEIGHT_UNIT, WARMUP];

/// Round robin.
pub const ROUND_ROBIN: Variant = Variant {
    name: "round_robin",
    doc: "One after the other.",
    keys: &[
        key(
            "random_start",
            Kind::Bool,
            Default::Toml("false"),
            "Whether each caller draws where it begins.",
        ),
        only_if(
            "random_start",
            "true",
            key(
                "random_restart",
                Kind::Bool,
                Default::Toml("false"),
                "Whether it draws again when its candidates change, and when a connection is lost, \
                 cannot be opened, or is open again (gRPC).",
            ),
        ),
    ],
};

/// Weighted random.
pub const WEIGHTED_RANDOM: Variant = Variant {
    name: "weighted_random",
    doc: "In proportion to the weights, independently.",
    keys: &[key(
        "method",
        Kind::Choice(&["cumulative", "alias"]),
        Default::Toml("\"cumulative\""),
        "How the instance of a draw is found; both give the same distribution.",
    )],
};

/// nginx.
pub const NGINX_ROUND_ROBIN: Variant = Variant {
    name: "nginx_round_robin",
    doc: "Smooth weighted round robin of nginx; weights fall on failure and recover.",
    keys: NGINX_FAILURES,
};

/// The schedule by itself.
pub const EDF: Variant = Variant {
    name: "edf",
    doc: "Weighted round robin by earliest deadline first, from the beginning.",
    keys: &[key(
        "arithmetic",
        Kind::Choice(&["double", "exact"]),
        Default::Toml("\"double\""),
        "Of deadlines: double precision, whose rounding breaks ties, or fractions.",
    )],
};

/// Envoy.
pub const ENVOY_ROUND_ROBIN: Variant = Variant {
    name: "envoy_round_robin",
    doc: "ROUND_ROBIN of Envoy: in turn, or by earliest deadline where weights differ.",
    keys: &[],
};

/// HAProxy.
pub const HAPROXY_ROUND_ROBIN: Variant = Variant {
    name: "haproxy_round_robin",
    doc: "`balance roundrobin` of HAProxy (FWRR).",
    keys: &[],
};

/// HAProxy by a map.
pub const HAPROXY_STATIC_RR: Variant = Variant {
    name: "haproxy_static_rr",
    doc: "`balance static-rr` of HAProxy: in turn through a map made from the weights.",
    keys: &[],
};

/// LVS.
pub const LVS_ROUND_ROBIN: Variant = Variant {
    name: "lvs_round_robin",
    doc: "`wrr` of the Linux Virtual Server: the heavier ones first, in bursts.",
    keys: &[],
};

/// Dubbo in turn.
pub const DUBBO_ROUND_ROBIN: Variant = Variant {
    name: "dubbo_round_robin",
    doc: "Smooth weighted round robin of Dubbo; a change of weight begins anew.",
    keys: DUBBO_WEIGHT,
};

/// Dubbo at random.
pub const DUBBO_RANDOM: Variant = Variant {
    name: "dubbo_random",
    doc: "Weighted random of Dubbo, with weights that warm up.",
    keys: DUBBO_WEIGHT,
};

/// A warning.
pub const NAIVE_WEIGHTED_RANDOM: Variant = Variant {
    name: "naive_weighted_random",
    doc: "A textbook mistake: weighted random that looks up the instance by its weight.",
    keys: &[],
};
