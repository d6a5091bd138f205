//! Keys of strategies that look at load.

use super::super::{Default, Kind, POSITIVE, Variant, key, optional};
use super::weighted::{NGINX_FAILURES, WARMUP, WEIGHT_UNIT};

/// nginx, all.
pub const NGINX_LEAST_CONN: Variant = Variant {
    name: "nginx_least_conn",
    doc: "`least_conn` of nginx: fewest in flight by weight; ties in smooth round robin.",
    keys: NGINX_FAILURES,
};

/// nginx, two.
pub const NGINX_RANDOM_TWO: Variant = Variant {
    name: "nginx_random_two",
    doc: "`random two least_conn` of nginx: the better of two weighted draws.",
    keys: NGINX_FAILURES,
};

/// HAProxy, all.
pub const HAPROXY_LEAST_CONN: Variant = Variant {
    name: "haproxy_least_conn",
    doc: "`balance leastconn` of HAProxy; idle ones in turn, whatever their weight.",
    keys: &[],
};

/// HAProxy, several.
pub const HAPROXY_RANDOM: Variant = Variant {
    name: "haproxy_random",
    doc: "`balance random` of HAProxy: the least loaded owner of some random points on its ring.",
    keys: &[key(
        "draw_count",
        Kind::Count { min: 1, max: 16 },
        Default::Toml("2"),
        "How many are drawn (`random(2)`).",
    )],
};

/// Envoy.
pub const ENVOY_LEAST_REQUEST: Variant = Variant {
    name: "envoy_least_request",
    doc: "LEAST_REQUEST of Envoy: of a few draws, or by deadline where weights differ.",
    keys: &[
        key(
            "choice_count",
            Kind::Count { min: 1, max: 16 },
            Default::Toml("2"),
            "How many are drawn, with replacement, where all weights are equal.",
        ),
        key(
            "active_request_bias",
            Kind::Number {
                min: 0.0,
                above: false,
                max: 100.0,
            },
            Default::Toml("1.0"),
            "Power of the requests in flight that divides a weight where weights differ.",
        ),
    ],
};

/// Envoy at random.
pub const ENVOY_RANDOM: Variant = Variant {
    name: "envoy_random",
    doc: "RANDOM of Envoy: uniform, whatever the weights.",
    keys: &[],
};

/// Finagle and tower.
pub const PEAK_EWMA: Variant = Variant {
    name: "peak_ewma",
    doc: "The lower of two by decayed peak latency times requests in flight plus one.",
    keys: &[
        key(
            "decay",
            POSITIVE,
            Default::Toml("\"10s\""),
            "Time constant by which a peak is forgotten.",
        ),
        optional(
            "default_rtt",
            POSITIVE,
            "Latency of an instance that was never measured (tower, 1 s); else it is cheap \
             until something is in flight to it (Finagle).",
        ),
        key(
            "full_scan",
            Kind::Bool,
            Default::Toml("false"),
            "Whether all are looked at instead of two.",
        ),
    ],
};

/// Finagle by requests in flight.
pub const LEAST_LOADED: Variant = Variant {
    name: "least_loaded",
    doc: "The one of two with fewer requests in flight (P2C of Finagle and tower).",
    keys: &[],
};

/// Dubbo by requests in flight.
pub const DUBBO_LEAST_ACTIVE: Variant = Variant {
    name: "dubbo_least_active",
    doc: "`leastactive` of Dubbo: fewest in flight; ties at random by weight.",
    keys: &[
        WEIGHT_UNIT,
        WARMUP,
        key(
            "actives",
            Kind::Bool,
            Default::Toml("true"),
            "Whether `actives` is set; else Dubbo counts nothing, and all tie.",
        ),
    ],
};

/// Dubbo by latency.
pub const DUBBO_SHORTEST_RESPONSE: Variant = Variant {
    name: "dubbo_shortest_response",
    doc: "`shortestresponse` of Dubbo: mean latency of successes times in flight plus one.",
    keys: &[
        WEIGHT_UNIT,
        WARMUP,
        key(
            "window",
            POSITIVE,
            Default::Toml("\"30s\""),
            "After how long the means begin anew.",
        ),
    ],
};

/// Dubbo, adaptive.
pub const DUBBO_ADAPTIVE: Variant = Variant {
    name: "dubbo_adaptive",
    doc: "`adaptive` of Dubbo: the lower of two by a load made of latency and successes.",
    keys: &[
        WEIGHT_UNIT,
        WARMUP,
        key(
            "timeout",
            POSITIVE,
            Default::Toml("\"1s\""),
            "Timeout by which the rule tells old measurements; at least 1 ms.",
        ),
        key(
            "cpu_load",
            Kind::Number {
                min: 0.0,
                above: false,
                max: 1e6,
            },
            Default::Computed("utilization of the workers, as it comes with replies"),
            "CPU load of all providers.",
        ),
    ],
};

/// brpc.
pub const BRPC_LOCALITY_AWARE: Variant = Variant {
    name: "brpc_locality_aware",
    doc: "`la` of brpc: at random by throughput over latency of the last 128 replies.",
    keys: &[
        key(
            "timeout",
            POSITIVE,
            Default::Toml("\"500ms\""),
            "Timeout of a request, with which late errors are punished.",
        ),
        key(
            "max_retry",
            Kind::Count { min: 0, max: 100 },
            Default::Toml("3"),
            "Retries of a request: errors with more of them left are punished less.",
        ),
    ],
};
