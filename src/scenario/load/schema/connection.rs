//! Keys of connections, at the caller and at the server.

use super::{Default, Kind, LENGTH, POSITIVE, TableSpec, key, optional};

const SHARE: Kind = Kind::Number {
    min: 0.0,
    above: false,
    max: 1.0,
};

const MANY_AT_ONCE: Kind = Kind::Count {
    min: 1,
    max: 1_000_000,
};

/// `[client.NAME.call.SERVICE.connection]` and the same of services.
pub static CONNECTION: TableSpec = TableSpec {
    what: "connection",
    doc: "Attempts travel on connections, which the caller opens when it first needs them.",
    tag: None,
    keys: &[
        key(
            "connect_timeout",
            POSITIVE,
            Default::Toml("\"1s\""),
            "How long a connection may take to open, apart from the timeout of an attempt.",
        ),
        key(
            "tls_round_trips",
            Kind::Count { min: 0, max: 2 },
            Default::Toml("0"),
            "Round trips of the handshake after the one of TCP. For gRPC the last one is the \
             settings of HTTP/2.",
        ),
        key(
            "handshake_cpu",
            LENGTH,
            Default::Toml("\"0s\""),
            "Worker time of a handshake, spent before the first attempt of the connection.",
        ),
        key(
            "multiplex",
            Kind::Bool,
            Default::Toml("true"),
            "Whether one connection carries many attempts at once (HTTP/2).",
        ),
        super::only_if(
            "multiplex",
            "true",
            key(
                "streams_max",
                MANY_AT_ONCE,
                Default::Toml("100"),
                "Attempts that one connection carries at once; more wait.",
            ),
        ),
        super::only_if(
            "multiplex",
            "false",
            key(
                "pool_max",
                MANY_AT_ONCE,
                Default::Toml("10"),
                "Connections to one instance, one attempt each; more attempts wait.",
            ),
        ),
        key(
            "idle_timeout",
            POSITIVE,
            Default::Computed("never"),
            "The caller closes a connection that was idle for this long.",
        ),
        key(
            "unacked_timeout",
            POSITIVE,
            Default::Toml("\"924s\""),
            "The caller gives up a connection whose peer acknowledged nothing for this long. The \
             host of a peer that came back resets it before, with the first retransmission or \
             ping that reaches it.",
        ),
        optional(
            "keepalive",
            Kind::Table(&KEEPALIVE),
            "Pings on the connection, which the process of the instance answers.",
        ),
        optional(
            "reconnect",
            Kind::Table(&RECONNECT),
            "A lost connection is opened again at once, with back-off after failures.",
        ),
        key(
            "per",
            Kind::Choice(&["attempt", "connection"]),
            Default::Toml("\"attempt\""),
            "Whether the balancer picks for every attempt, or only where a connection is opened.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `keepalive`.
pub static KEEPALIVE: TableSpec = TableSpec {
    what: "keepalive",
    doc: "Pings on a connection.",
    tag: None,
    keys: &[
        key(
            "interval",
            POSITIVE,
            Default::Toml("\"10s\""),
            "A ping follows when nothing was read for this long.",
        ),
        key(
            "timeout",
            POSITIVE,
            Default::Toml("\"20s\""),
            "The connection is given up when the answer takes longer.",
        ),
        key(
            "without_streams",
            Kind::Bool,
            Default::Toml("false"),
            "Whether a connection without attempts in flight is pinged too, also in the last \
             round trip of its handshake after the one of TCP.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `reconnect`.
pub static RECONNECT: TableSpec = TableSpec {
    what: "reconnect",
    doc: "Back-off between attempts to connect, after the formula of gRPC.",
    tag: None,
    keys: &[
        key(
            "initial",
            POSITIVE,
            Default::Toml("\"1s\""),
            "The first wait, before jitter.",
        ),
        key(
            "factor",
            Kind::Number {
                min: 1.0,
                above: false,
                max: 1_000.0,
            },
            Default::Toml("1.6"),
            "Growth of the wait from failure to failure.",
        ),
        key(
            "max",
            POSITIVE,
            Default::Toml("\"120s\""),
            "Longest wait, before jitter.",
        ),
        key(
            "jitter",
            SHARE,
            Default::Toml("0.2"),
            "Half-width of the random part, as a share of the wait.",
        ),
        key(
            "connect_timeout_min",
            POSITIVE,
            Default::Toml("\"20s\""),
            "An attempt to connect lasts at least this long, if it is not refused.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.connection]`.
pub static ACCEPT: TableSpec = TableSpec {
    what: "connection",
    doc: "How instances treat the connections that they accept.",
    tag: None,
    keys: &[
        key(
            "idle_timeout",
            POSITIVE,
            Default::Computed("never"),
            "The instance closes a connection that was idle for this long.",
        ),
        key(
            "age_max",
            POSITIVE,
            Default::Computed("never"),
            "The instance closes a connection gracefully at this age.",
        ),
        key(
            "age_jitter",
            SHARE,
            Default::Toml("0.1"),
            "Half-width of the random part of that age, as a share of it.",
        ),
        key(
            "accept_backlog",
            Kind::Count {
                min: 0,
                max: 1_000_000,
            },
            Default::Toml("128"),
            "Connections that may wait while the process stands still; more are not answered.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
