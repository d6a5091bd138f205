//! Strategies by key. Keys of requests are numbers. Where a real system hashes a text, the text of
//! a key is its decimal digits and that of an instance its name as in reports, `web/a/3`.

use super::super::{Default, Key, Kind, Variant, key};

const HASH: Kind = Kind::Choice(&["xxh64", "murmur3", "siphash", "md5", "fnv1a", "crc32"]);

/// The hash function of a ring of our own.
pub const HASH_KEY: Key = key(
    "hash",
    HASH,
    Default::Toml("\"xxh64\""),
    "Hash function of points and keys.",
);

/// Its seed.
pub const HASH_SEED_KEY: Key = key(
    "hash_seed",
    Kind::Count {
        min: 0,
        max: u64::MAX >> 1,
    },
    Default::Toml("0"),
    "Seed of the hash function.",
);

/// The points of a ring of our own.
pub const VIRTUAL_NODE_COUNT_KEY: Key = key(
    "virtual_node_count",
    Kind::Count {
        min: 1,
        max: 65_536,
    },
    Default::Toml("160"),
    "Entries on the ring for an instance of weight 1.",
);

const HOST_SELECTION_KEY: Key = key(
    "host_selection_retry_max_attempts",
    Kind::Count { min: 0, max: 100 },
    Default::Toml("1"),
    "How often a retry looks again for an instance that was not tried.",
);

const BALANCE_FACTOR: Kind = Kind::Count {
    min: 101,
    max: 100_000,
};

const ENVOY_BALANCE_FACTOR_KEY: Key = key(
    "hash_balance_factor",
    BALANCE_FACTOR,
    Default::Computed("no bound"),
    "Most attempts in flight to one instance, in per cent of the mean of this caller.",
);

/// `key modulo n`.
pub const MODULO: Variant = Variant {
    name: "modulo",
    doc: "The hash of the key modulo the number of candidates.",
    keys: &[],
};

/// Ketama.
pub const KETAMA: Variant = Variant {
    name: "ketama",
    doc: "A ketama ring: MD5, 160 points for each unit of weight; key and name are texts.",
    keys: &[key(
        "rescaled",
        Kind::Bool,
        Default::Toml("false"),
        "Whether points are counted as in libketama, by the weights of all candidates.",
    )],
};

/// nginx `hash`.
pub const NGINX_HASH: Variant = Variant {
    name: "nginx_hash",
    doc: "nginx `hash` without `consistent`: CRC-32 of the key's text modulo the weights.",
    keys: &[],
};

/// nginx `hash ... consistent`.
pub const NGINX_HASH_CONSISTENT: Variant = Variant {
    name: "nginx_hash_consistent",
    doc: "nginx `hash` with `consistent`: a ring by CRC-32 of the texts of keys and names.",
    keys: &[],
};

/// nginx `ip_hash`.
pub const NGINX_IP_HASH: Variant = Variant {
    name: "nginx_ip_hash",
    doc: "nginx `ip_hash`: the lower 32 bits of the key are an IPv4 address, by its /24 network.",
    keys: &[],
};

/// HAProxy `hash-type consistent`.
pub const HAPROXY_CONSISTENT: Variant = Variant {
    name: "haproxy_consistent",
    doc: "HAProxy `hash-type consistent`: the closest point to the key's text; ids from 1.",
    keys: &[],
};

/// HAProxy `hash-type map-based`.
pub const HAPROXY_MAP_BASED: Variant = Variant {
    name: "haproxy_map_based",
    doc: "HAProxy `hash-type map-based`: a table by weight and sdbm of the key's text.",
    keys: &[],
};

/// HAProxy `hash-balance-factor`.
pub const HAPROXY_BALANCE_FACTOR: Variant = Variant {
    name: "haproxy_balance_factor",
    doc: "HAProxy `hash-type consistent` with `hash-balance-factor`: full instances are passed.",
    keys: &[key(
        "factor",
        BALANCE_FACTOR,
        Default::Toml("150"),
        "Most attempts in flight to one instance, in per cent of the mean of this caller.",
    )],
};

/// Envoy `ring_hash`.
pub const ENVOY_RING_HASH: Variant = Variant {
    name: "envoy_ring_hash",
    doc: "Envoy `ring_hash`: a ring of a stated size by xxHash64 of the texts of keys and names.",
    keys: &[
        key(
            "minimum_ring_size",
            Kind::Count {
                min: 1,
                max: 8_388_608,
            },
            Default::Toml("1024"),
            "Least points of a ring.",
        ),
        key(
            "maximum_ring_size",
            Kind::Count {
                min: 1,
                max: 8_388_608,
            },
            Default::Toml("8_388_608"),
            "Most points of a ring, but for one for each instance.",
        ),
        HOST_SELECTION_KEY,
        ENVOY_BALANCE_FACTOR_KEY,
    ],
};

/// Maglev.
pub const MAGLEV: Variant = Variant {
    name: "maglev",
    doc: "Maglev as in Envoy: a table filled by the permutations of the candidates' names.",
    keys: &[
        key(
            "table_size",
            Kind::Count {
                min: 3,
                max: 5_000_011,
            },
            Default::Toml("65_537"),
            "Slots of the table; a prime.",
        ),
        HOST_SELECTION_KEY,
        ENVOY_BALANCE_FACTOR_KEY,
    ],
};

/// Rendezvous hashing.
pub const RENDEZVOUS: Variant = Variant {
    name: "rendezvous",
    doc: "The candidate with the highest score for the key, by weight.",
    keys: &[],
};

/// Jump consistent hash.
pub const JUMP: Variant = Variant {
    name: "jump",
    doc: "Jump consistent hash over the candidates in order of path.",
    keys: &[],
};

/// Multi-probe consistent hashing.
pub const MULTI_PROBE: Variant = Variant {
    name: "multi_probe",
    doc: "One point for each candidate, several probes of the key's text, the closest counts.",
    keys: &[key(
        "probe_count",
        Kind::Count { min: 1, max: 1_024 },
        Default::Toml("21"),
        "Probes of a key.",
    )],
};

/// AnchorHash.
pub const ANCHOR: Variant = Variant {
    name: "anchor",
    doc: "AnchorHash: candidates take and leave buckets; no key moves needlessly.",
    keys: &[key(
        "capacity",
        Kind::Count {
            min: 1,
            max: 67_108_864,
        },
        Default::Computed("twice the first candidates, at least 16"),
        "Most candidates; when there are more, all begins anew with twice their number.",
    )],
};

/// A ring with bounded loads.
pub const BOUNDED_LOAD: Variant = Variant {
    name: "bounded_load",
    doc: "A ring with virtual nodes whose full instances are passed (bounded loads).",
    keys: &[
        VIRTUAL_NODE_COUNT_KEY,
        HASH_KEY,
        HASH_SEED_KEY,
        key(
            "load_factor",
            Kind::Number {
                min: 1.0,
                above: false,
                max: 1e6,
            },
            Default::Toml("1.25"),
            "Most attempts in flight to one instance, as a multiple of the mean of this caller.",
        ),
    ],
};

/// Dubbo `consistenthash`.
pub const DUBBO_CONSISTENT_HASH: Variant = Variant {
    name: "dubbo_consistent_hash",
    doc: "Dubbo `consistenthash`: 160 points for each candidate by MD5 of its name.",
    keys: &[key(
        "reselect_count",
        Kind::Count { min: 1, max: 1_024 },
        Default::Toml("10"),
        "Candidates that a retry draws when there are more.",
    )],
};

/// A ring with one point for each candidate.
pub const NAIVE_RING: Variant = Variant {
    name: "naive_ring",
    doc: "A ring with one point for each candidate, as a warning.",
    keys: &[HASH_KEY, HASH_SEED_KEY],
};
