//! Keys of balancers: one variant for each strategy.

mod feedback;
mod keyed;
mod load;
mod weighted;
mod wrappers;

pub use wrappers::{EJECTION, PRIORITY, SLOW_START, SUBSET, ZONE_AWARE};

use super::{Default, Kind, Shorthand, TableSpec, Tag, Variant, key};

/// How an instance is picked.
pub static BALANCER: TableSpec = TableSpec {
    what: "balancer",
    doc: "How a caller picks an instance for an attempt.",
    tag: Some(Tag {
        key: "policy",
        default: None,
        doc: "The strategy.",
    }),
    keys: wrappers::WRAPPERS,
    variants: &[
        Variant {
            name: "random",
            doc: "Uniform over the candidates.",
            keys: &[],
        },
        weighted::ROUND_ROBIN,
        weighted::WEIGHTED_RANDOM,
        Variant {
            name: "smooth_weighted_round_robin",
            doc: "In proportion to the weights, spread evenly.",
            keys: &[],
        },
        Variant {
            name: "least_in_flight",
            doc: "The candidate with the fewest attempts in flight from this caller.",
            keys: &[
                key(
                    "choice_count",
                    Kind::Count { min: 1, max: 16 },
                    Default::Computed("all candidates are looked at"),
                    "How many candidates are sampled.",
                ),
                key(
                    "replacement",
                    Kind::Bool,
                    Default::Toml("false"),
                    "Whether one candidate may be sampled twice.",
                ),
            ],
        },
        Variant {
            name: "ring",
            doc: "Consistent hashing of the request's key.",
            keys: &[
                keyed::VIRTUAL_NODE_COUNT_KEY,
                keyed::HASH_KEY,
                keyed::HASH_SEED_KEY,
            ],
        },
        keyed::MODULO,
        keyed::KETAMA,
        keyed::NGINX_HASH,
        keyed::NGINX_HASH_CONSISTENT,
        keyed::NGINX_IP_HASH,
        keyed::HAPROXY_CONSISTENT,
        keyed::HAPROXY_MAP_BASED,
        keyed::HAPROXY_BALANCE_FACTOR,
        keyed::ENVOY_RING_HASH,
        keyed::MAGLEV,
        keyed::RENDEZVOUS,
        keyed::JUMP,
        keyed::MULTI_PROBE,
        keyed::ANCHOR,
        keyed::BOUNDED_LOAD,
        keyed::DUBBO_CONSISTENT_HASH,
        keyed::NAIVE_RING,
        Variant {
            name: "sticky",
            doc: "A key stays with its server until that server is gone.",
            keys: &[
                key(
                    "fallback",
                    Kind::Table(&BALANCER),
                    Default::Toml("\"random\""),
                    "Picks the server of a new key.",
                ),
                key(
                    "session_count_max",
                    Kind::Count {
                        min: 1,
                        max: 16_777_216,
                    },
                    Default::Toml("100_000"),
                    "Keys that one caller remembers; the least recently used is forgotten.",
                ),
            ],
        },
        Variant {
            name: "pick_first",
            doc: "One instance until its connection, or without connections an attempt, fails.",
            keys: &[key(
                "shuffle",
                Kind::Bool,
                Default::Toml("false"),
                "Whether each caller draws its instance instead of beginning with the first.",
            )],
        },
        weighted::NGINX_ROUND_ROBIN,
        weighted::EDF,
        weighted::ENVOY_ROUND_ROBIN,
        weighted::HAPROXY_ROUND_ROBIN,
        weighted::HAPROXY_STATIC_RR,
        weighted::LVS_ROUND_ROBIN,
        weighted::DUBBO_ROUND_ROBIN,
        weighted::DUBBO_RANDOM,
        weighted::NAIVE_WEIGHTED_RANDOM,
        load::NGINX_LEAST_CONN,
        load::NGINX_RANDOM_TWO,
        load::HAPROXY_LEAST_CONN,
        load::HAPROXY_RANDOM,
        load::ENVOY_LEAST_REQUEST,
        load::ENVOY_RANDOM,
        load::PEAK_EWMA,
        load::LEAST_LOADED,
        load::DUBBO_LEAST_ACTIVE,
        load::DUBBO_SHORTEST_RESPONSE,
        load::DUBBO_ADAPTIVE,
        load::BRPC_LOCALITY_AWARE,
        feedback::GRPC_WEIGHTED_ROUND_ROBIN,
        feedback::PREQUAL,
        feedback::C3,
        feedback::JOIN_IDLE_QUEUE,
        feedback::SHORTEST_QUEUE_GLOBAL,
    ],
    shorthand: Some(Shorthand::Tag),
};
