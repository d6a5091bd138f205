//! Keys that say how the calls of one owner follow one another.

use super::{Default, Key, Kind, LENGTH, TableSpec, key, only_if, optional, required};

/// Most parallel requests of one call.
const FANOUT_COUNT_MAX: u64 = 10_000;

/// `stage`.
pub const STAGE: Key = optional(
    "stage",
    Kind::Count { min: 1, max: 255 },
    "Calls of equal stage run in parallel, stages follow one another; all calls of an owner set \
     it, or none: then each follows the one before it in the file.",
);

/// `fanout`.
pub const FANOUT_KEY: Key = optional(
    "fanout",
    Kind::Table(&FANOUT),
    "The call is made of parallel requests, each with random numbers of its own.",
);

/// `optional`.
pub const OPTIONAL: Key = optional(
    "optional",
    Kind::Bool,
    "`true`: the request goes on when the call fails.",
);

/// `fallback_time`.
pub const FALLBACK_TIME: Key = only_if(
    "optional",
    "true",
    key(
        "fallback_time",
        LENGTH,
        Default::Toml("\"0s\""),
        "How much longer an optional call takes after it failed.",
    ),
);

/// `async`.
pub const ASYNC: Key = optional(
    "async",
    Kind::Bool,
    "`true`: the worker is free while the call is under way; what follows takes no worker.",
);

/// `detached`.
pub const DETACHED: Key = optional(
    "detached",
    Kind::Bool,
    "`true`: the call is begun and not waited for, whatever becomes of it.",
);

/// `fanout`.
pub static FANOUT: TableSpec = TableSpec {
    what: "fanout",
    doc: "Parallel requests that a call is made of.",
    tag: None,
    keys: &[
        required(
            "count",
            Kind::Count {
                min: 1,
                max: FANOUT_COUNT_MAX,
            },
            "How many requests.",
        ),
        key(
            "required_count",
            Kind::Count {
                min: 1,
                max: FANOUT_COUNT_MAX,
            },
            Default::Computed("count"),
            "Successes that make the call a success; it fails as soon as they are impossible. \
             Requests that nobody waits for any more go on.",
        ),
        key(
            "keys",
            Kind::Choice(&["each", "same"]),
            Default::Toml("\"each\""),
            "Whether each request draws a key from the law of the client, or all carry the same.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
