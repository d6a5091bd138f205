//! Keys of `profile = "dns"`. There is no one system: defaults are those of the standards where
//! they have some, of Amazon Route 53 for health checks, and assumed where they are marked so.

use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key, only_if};
use super::system::{CAPACITY_KEY, ENTRY_SIZE, MESSAGE_SIZE};
use super::{MEMBERS, ZONES};

const fn length(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(name, POSITIVE, Default::Toml(default), doc)
}

const fn checked(key: Key) -> Key {
    only_if("health_check", "true", key)
}

pub(super) const KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    key(
        "shared_resolvers",
        Kind::Count { min: 0, max: 999 },
        Default::Toml("0"),
        "How many of the members, the last ones, are resolvers with a cache for all callers of \
         their zone; the others are name servers. 0: every process asks the name servers itself.",
    ),
    length("ttl", "\"60s\"", "Time to live of the records."),
    length(
        "negative_ttl",
        "\"60s\"",
        "Time to live of an answer without records, the MINIMUM of RFC 2308 (assumed).",
    ),
    key(
        "update_delay",
        LENGTH,
        Default::Toml("\"0s\""),
        "From a registration or a deregistration to the first answer with it (assumed: none; \
         Route 53 promises 60 s).",
    ),
    length(
        "refresh_interval",
        "\"1h\"",
        "REFRESH of the zone: how often name servers ask the first one, which tells them of \
         changes as well (assumed).",
    ),
    key(
        "health_check",
        Kind::Bool,
        Default::Toml("true"),
        "Whether the first name server checks the instances and answers only with healthy ones.",
    ),
    checked(length(
        "check_interval",
        "\"30s\"",
        "Request interval: from one check of an instance to the next.",
    )),
    checked(length(
        "check_timeout",
        "\"10s\"",
        "How long the answer to a check may take (as of TCP checks).",
    )),
    checked(key(
        "failure_threshold",
        Kind::Count { min: 1, max: 1_000 },
        Default::Toml("3"),
        "Checks in a row that must fail, or pass, to change what an instance is taken for.",
    )),
    checked(key(
        "check_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its check interval each instance starts.",
    )),
    key(
        "all_unhealthy",
        Kind::Choice(&["all", "none"]),
        Default::Toml("\"all\""),
        "What is answered where no instance is healthy: all of them, as by Route 53, or none.",
    ),
    key(
        "stale_max",
        LENGTH,
        Default::Toml("\"0s\""),
        "Serve-stale of RFC 8767: how long resolvers use expired answers while no name server \
         answers; 0s: not at all.",
    ),
    length(
        "stale_ttl",
        "\"30s\"",
        "Time to live of such an answer, as RFC 8767 recommends.",
    ),
    length(
        "resolver_timeout",
        "\"1s\"",
        "How long a resolver waits for a name server before it asks the next one (assumed).",
    ),
    key(
        "client_cache",
        Kind::Choice(&["record", "fixed", "forever"]),
        Default::Toml("\"record\""),
        "How long a process uses an answer: as long as its record lives, for `client_ttl` as a \
         JVM does, or until it ends.",
    ),
    only_if(
        "client_cache",
        "\"fixed\"",
        length(
            "client_ttl",
            "\"30s\"",
            "networkaddress.cache.ttl of a JVM: how long a process uses an answer.",
        ),
    ),
    key(
        "cache_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its life each cached answer is at the start.",
    ),
    length(
        "query_timeout",
        "\"5s\"",
        "timeout of resolv.conf: how long to wait for an answer before the next server is asked.",
    ),
    key(
        "query_tries",
        Kind::Count { min: 1, max: 100 },
        Default::Toml("2"),
        "attempts of resolv.conf: how many servers are asked before a lookup fails.",
    ),
    length(
        "retry_interval",
        "\"1s\"",
        "From a lookup that failed to the next one (assumed).",
    ),
    key(
        "lookup_failure",
        Kind::Choice(&["keep", "empty"]),
        Default::Toml("\"keep\""),
        "What a process has after a lookup that failed: its last list, or nobody to call.",
    ),
    key(
        "resolve_on_failure",
        Kind::Bool,
        Default::Toml("false"),
        "Whether a connection that fails sets off a lookup, as in gRPC.",
    ),
    only_if(
        "resolve_on_failure",
        "true",
        length(
            "min_resolution_interval",
            "\"30s\"",
            "The least time from one lookup to one that a failed connection sets off.",
        ),
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];
