//! Keys of checks: what a caller asks, how often, and what it makes of the answers.

use super::{Default, Key, Kind, LENGTH, POSITIVE, Variant, key, optional, required, shared};

const COUNT: Kind = Kind::Count { min: 1, max: 1_000 };

const PATHS: Kind = Kind::Choice(&["bypass", "queued", "accept", "deep"]);

const PATH_DOC: &str = "What a check sees: `bypass`, the process answers by a thread of its own; \
     `queued`, it waits for a worker; `accept`, the kernel accepts a connection, also for a \
     process that stands still; `deep`, queued, and the worker makes the calls of a request.";

const fn path(default: &'static str) -> Key {
    key("path", PATHS, Default::Toml(default), PATH_DOC)
}

const SERVICE_TIME: Key = optional(
    "service_time",
    Kind::Table(&shared::DISTRIBUTION),
    "With path queued or deep: time that a worker of speed 1 spends on it, 0s if not set.",
);

/// `path` of heartbeats.
pub(super) const PUSH_PATH: Key = key(
    "path",
    Kind::Choice(&["bypass", "queued"]),
    Default::Toml("\"bypass\""),
    "Whether a heartbeat leaves from a thread of its own, or waits for a worker that sends it.",
);

/// `service_time` of heartbeats to callers.
pub(super) const PUSH_SERVICE_TIME: Key = SERVICE_TIME;

const PHASE: Key = key(
    "phase",
    Kind::Phase,
    Default::Toml("\"random\""),
    "Where in its interval each pair starts.",
);

const CALLER_PHASE: Key = key(
    "phase",
    Kind::Phase,
    Default::Toml("\"random\""),
    "Where in its interval a caller starts; instances follow in the order of the list.",
);

/// The textbook form.
pub(super) const PING: Variant = Variant {
    name: "ping",
    doc: "The caller pings every instance of its view, which answers.",
    keys: &[
        key(
            "interval",
            POSITIVE,
            Default::Toml("\"1s\""),
            "From the start of a ping to the next.",
        ),
        key(
            "timeout",
            POSITIVE,
            Default::Computed("interval / 2"),
            "A ping without answer for this long is missed.",
        ),
        key(
            "misses_max",
            COUNT,
            Default::Toml("3"),
            "Missed pings in a row that make a suspicion.",
        ),
        key(
            "rises_min",
            COUNT,
            Default::Toml("2"),
            "Answered pings in a row that end a suspicion.",
        ),
        PHASE,
        path("\"bypass\""),
        SERVICE_TIME,
    ],
};

/// HAProxy's.
pub(super) const HAPROXY_CHECK: Variant = Variant {
    name: "haproxy_check",
    doc: "Health checks of HAProxy: one at a time, the next after the end of the last, spread over \
          the interval by the order of the list.",
    keys: &[
        key(
            "inter",
            POSITIVE,
            Default::Toml("\"2s\""),
            "From the end of a check to the next one.",
        ),
        key(
            "fastinter",
            POSITIVE,
            Default::Computed("inter"),
            "The same while the state is about to change.",
        ),
        key(
            "downinter",
            POSITIVE,
            Default::Computed("inter"),
            "The same while it is down.",
        ),
        key(
            "fall",
            COUNT,
            Default::Toml("3"),
            "Failures in a row that take it down; the first check of a new one alone decides.",
        ),
        key(
            "rise",
            COUNT,
            Default::Toml("2"),
            "Passes in a row that bring it back.",
        ),
        key(
            "timeout",
            POSITIVE,
            Default::Computed("inter"),
            "`timeout check`: a check without answer for this long has failed.",
        ),
        CALLER_PHASE,
        path("\"accept\""),
        SERVICE_TIME,
    ],
};

/// Envoy's.
pub(super) const ENVOY_HEALTH_CHECK: Variant = Variant {
    name: "envoy_health_check",
    doc: "Active health checks of Envoy: a new host is left out until its first check passes.",
    keys: &[
        required(
            "interval",
            POSITIVE,
            "From the end of a check to the next one.",
        ),
        required(
            "timeout",
            POSITIVE,
            "A check without answer for this long has failed.",
        ),
        required(
            "unhealthy_threshold",
            COUNT,
            "Timeouts or refusals in a row that make it unhealthy; a bad answer does so at once.",
        ),
        required(
            "healthy_threshold",
            COUNT,
            "Passes in a row that make it healthy; the first check of a new one alone decides.",
        ),
        key(
            "unhealthy_interval",
            POSITIVE,
            Default::Computed("interval"),
            "In place of interval after a check that failed.",
        ),
        key(
            "unhealthy_edge_interval",
            POSITIVE,
            Default::Computed("unhealthy_interval"),
            "The same while it is still healthy.",
        ),
        key(
            "healthy_edge_interval",
            POSITIVE,
            Default::Computed("interval"),
            "In place of interval after a check that passed while it is still unhealthy.",
        ),
        key(
            "no_traffic_interval",
            POSITIVE,
            Default::Toml("\"60s\""),
            "In place of all of them before the caller has sent its first request.",
        ),
        key(
            "initial_jitter",
            LENGTH,
            Default::Toml("\"0s\""),
            "Most that the first check of an instance is put off.",
        ),
        key(
            "interval_jitter",
            LENGTH,
            Default::Toml("\"0s\""),
            "Most that every other one is put off.",
        ),
        CALLER_PHASE,
        path("\"queued\""),
        SERVICE_TIME,
    ],
};
