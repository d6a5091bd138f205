//! Keys of caches.

use super::{Default, Key, Kind, LENGTH, POSITIVE, TableSpec, key, optional, required, shared};

/// Most keys of one cache.
const CAPACITY: Kind = Kind::Count {
    min: 1,
    max: 1 << 26,
};

const CAPACITY_KEY: Key = required(
    "capacity",
    CAPACITY,
    "Keys that one cache holds; the one used longest ago makes room.",
);
const TTL_KEY: Key = key(
    "ttl",
    POSITIVE,
    Default::Computed("for ever"),
    "How long an entry is fresh, counted from its fill.",
);
const TTL_JITTER_KEY: Key = key(
    "ttl_jitter",
    Kind::Ratio,
    Default::Toml("0.0"),
    "Share of `ttl` by which the life of an entry is shortened at random.",
);
const HIT_TIME_KEY: Key = key(
    "hit_time",
    Kind::Table(&shared::DISTRIBUTION),
    Default::Toml("\"0s\""),
    "Time that an answer from the cache takes.",
);
const COALESCE_KEY: Key = key(
    "coalesce",
    Kind::Bool,
    Default::Toml("false"),
    "Whether misses of a key that is being loaded wait for it instead of loading it again.",
);
const STALE_KEY: Key = key(
    "stale_while_revalidate",
    LENGTH,
    Default::Toml("\"0s\""),
    "How long after its life an entry still answers while it is loaded again in the background.",
);

/// `[client.NAME.call.SERVICE.cache]` and `[service.NAME.call.SERVICE.cache]`.
pub static CALL_CACHE: TableSpec = TableSpec {
    what: "cache",
    doc: "Replies that a caller keeps, by key; only good ones.",
    tag: None,
    keys: &[
        CAPACITY_KEY,
        TTL_KEY,
        TTL_JITTER_KEY,
        HIT_TIME_KEY,
        COALESCE_KEY,
        STALE_KEY,
        key(
            "per",
            Kind::Choice(&["caller", "zone"]),
            Default::Toml("\"caller\""),
            "Whether every caller has its own, or the callers of a zone share one that stands in \
             their zone, a round trip away, and does not fail.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.cache]`.
pub static SERVICE_CACHE: TableSpec = TableSpec {
    what: "cache",
    doc: "What every instance keeps in its memory, by key.",
    tag: None,
    keys: &[
        CAPACITY_KEY,
        TTL_KEY,
        TTL_JITTER_KEY,
        HIT_TIME_KEY,
        COALESCE_KEY,
        STALE_KEY,
        required(
            "miss",
            Kind::Table(&CACHE_MISS),
            "What a key that is not in the cache costs, besides the service time.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.cache.miss]`.
pub static CACHE_MISS: TableSpec = TableSpec {
    what: "miss",
    doc: "What a miss costs: work of its own, or one of the service's calls.",
    tag: None,
    keys: &[
        optional(
            "time",
            Kind::Table(&shared::DISTRIBUTION),
            "Work that a miss adds to the service time.",
        ),
        optional(
            "call",
            Kind::Name,
            "The service that is called on a miss only, before all others.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
