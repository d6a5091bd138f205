//! Keys of proxies. Those of a flavour have the names of the real system; its defaults are those
//! of nginx 1.22.1, HAProxy 2.6.12 and Envoy 1.39.3.

use super::service::{AS_SERVICE, REGISTERED, WEIGHT, WORKERS};
use super::{
    Default, Key, Kind, LENGTH, MANY, POSITIVE, POSITIVE_NUMBER, TableSpec, Tag, Variant, key,
    optional, required, scaling, server, service, shared,
};

/// `[proxy.NAME]`.
pub static PROXY: TableSpec = TableSpec {
    what: "proxy",
    doc: "Replicas of a proxy, which clients call in place of the service behind it.",
    tag: Some(Tag {
        key: "kind",
        default: None,
        doc: "The system that it is.",
    }),
    keys: KEYS,
    variants: &[
        Variant {
            name: "nginx",
            doc: "nginx 1.22.1: worker processes, each with its own state, passive checks, the \
                  next server after a failure.",
            keys: NGINX,
        },
        Variant {
            name: "haproxy",
            doc: "HAProxy 2.6.12: threads that share all state, active checks, retries at the same \
                  server, a queue where servers are full.",
            keys: HAPROXY,
        },
        Variant {
            name: "envoy",
            doc: "Envoy 1.39.3: threads that pick for themselves and share what is known of the \
                  hosts, limits of what is under way.",
            keys: ENVOY,
        },
    ],
    shorthand: None,
};

const KEYS: &[Key] = &[
    required(
        "upstream",
        Kind::Name,
        "The service, or the proxy, that it forwards to.",
    ),
    optional(
        "count",
        MANY,
        "Replicas of a proxy without groups; they form the group `main`.",
    ),
    key(
        "zone",
        Kind::Name,
        Default::Toml("\"a\""),
        "Zone of the replicas.",
    ),
    key(
        "weight",
        WEIGHT,
        Default::Toml("1.0"),
        "Weight of a replica for its clients.",
    ),
    key(
        "speed",
        POSITIVE_NUMBER,
        Default::Toml("1.0"),
        "Work per second, as a multiple of the nominal speed.",
    ),
    key(
        "instances_per_host",
        MANY,
        Default::Toml("1"),
        "Replicas that share a host.",
    ),
    key(
        "clock_drift",
        Kind::Drift,
        Default::Toml("0.0"),
        "How much faster than true time the local clock runs.",
    ),
    key(
        "processing_time",
        Kind::Table(&shared::DISTRIBUTION),
        Default::Toml("\"50us\""),
        "Time that a worker needs for a request before it forwards it (assumed); waiting for the \
         reply takes no worker.",
    ),
    key(
        "queue",
        Kind::Table(&service::QUEUE),
        Default::Nested,
        "How requests wait for a worker.",
    ),
    key(
        "restart_time",
        Kind::Table(&shared::DISTRIBUTION),
        Default::Computed("up at once"),
        "Time that a process takes to start again after a crash or a host loss.",
    ),
    key(
        "registered",
        Kind::Table(&REGISTERED),
        Default::Inherited("as the registry says"),
        "How replicas renew their lease; false: clients have them in a list.",
    ),
    server::SERVICE_PAUSES,
    scaling::CRASH_ABOVE_KEY,
    scaling::AUTOSCALE_KEY,
    optional(
        "listen",
        Kind::Table(&super::ACCEPT),
        "How replicas treat the connections of calls that have a `connection` table.",
    ),
    key(
        "balancer",
        Kind::Table(&super::BALANCER),
        Default::Computed(
            "nginx_round_robin with nginx_max_fails, haproxy_round_robin or envoy_round_robin",
        ),
        "How a server is picked.",
    ),
    key(
        "detector",
        Kind::Table(&super::DETECTOR),
        Default::Computed("`haproxy_check` of haproxy, none of nginx and envoy"),
        "Active checks of the servers.",
    ),
    optional("group", Kind::Named(&GROUP), "Groups of equal replicas."),
];

/// `[proxy.NAME.group.NAME]`.
pub static GROUP: TableSpec = TableSpec {
    what: "group",
    doc: "Equal replicas of a proxy.",
    tag: None,
    keys: &[
        required("count", MANY, "Replicas."),
        key("zone", Kind::Name, AS_SERVICE, "Zone of the replicas."),
        key(
            "weight",
            WEIGHT,
            AS_SERVICE,
            "Weight of a replica for its clients.",
        ),
        key(
            "speed",
            POSITIVE_NUMBER,
            AS_SERVICE,
            "Work per second, as a multiple of the nominal speed.",
        ),
        key(
            "instances_per_host",
            MANY,
            AS_SERVICE,
            "Replicas that share a host.",
        ),
        key(
            "clock_drift",
            Kind::Drift,
            AS_SERVICE,
            "How much faster than true time the local clock runs.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// Most workers of one replica.
const WORKERS_OF_ONE: Kind = match WORKERS {
    Kind::Count { min, .. } => Kind::Count { min, max: 1_024 },
    _ => WORKERS,
};
/// Threads with connections of their own are told by one byte.
const THREADS: Kind = match WORKERS {
    Kind::Count { min, .. } => Kind::Count { min, max: 256 },
    _ => WORKERS,
};
const FROM_ZERO: Kind = Kind::Count {
    min: 0,
    max: 1_000_000,
};
const RETRIES: Kind = Kind::Count { min: 0, max: 99 };

const NGINX: &[Key] = &[
    key(
        "worker_processes",
        THREADS,
        Default::Toml("1"),
        "Worker processes of one replica.",
    ),
    key(
        "upstream_zone",
        Kind::Bool,
        Default::Toml("false"),
        "`zone` in the upstream: the workers share its state; without it each has its own.",
    ),
    key(
        "spread",
        Kind::Choice(&["request", "caller"]),
        Default::Toml("\"request\""),
        "Which worker takes a request: any, as with a connection for every request, or always the \
         same for all requests of a node, as on one long connection.",
    ),
    key(
        "max_fails",
        FROM_ZERO,
        Default::Toml("1"),
        "Failures that turn a server off; 0: none do. What gets no reply is one; a bad reply is \
         one only if the next server is tried after it.",
    ),
    key(
        "fail_timeout",
        LENGTH,
        Default::Toml("\"10s\""),
        "For so long it is off, in whole seconds; then one live request probes it.",
    ),
    key(
        "max_conns",
        FROM_ZERO,
        Default::Toml("0"),
        "Requests of one worker at one server; more go elsewhere or fail. 0: no bound.",
    ),
    key(
        "proxy_next_upstream",
        Kind::List(&Kind::Choice(&["error", "timeout", "http_500", "http_503"])),
        Default::Toml("[\"error\", \"timeout\"]"),
        "After what the next server is tried; what is not idempotent is not sent twice. \
         `http_500` is an error reply, `http_503` that of a full queue: the last one goes to the \
         client and does not count for `max_fails`.",
    ),
    key(
        "proxy_next_upstream_tries",
        RETRIES,
        Default::Toml("0"),
        "Servers that are tried; 0: each one once.",
    ),
    key(
        "proxy_next_upstream_timeout",
        LENGTH,
        Default::Toml("\"0s\""),
        "Time after which no other server is tried; 0: no bound.",
    ),
    key(
        "proxy_connect_timeout",
        POSITIVE,
        Default::Toml("\"60s\""),
        "How long a connection may take to open.",
    ),
    key(
        "proxy_read_timeout",
        POSITIVE,
        Default::Toml("\"60s\""),
        "How long a server may take to answer.",
    ),
    key(
        "keepalive",
        FROM_ZERO,
        Default::Toml("0"),
        "Idle connections to all servers together that each worker keeps; the one that was used \
         longest ago is closed for another one. 0: each request opens its own.",
    ),
    key(
        "keepalive_timeout",
        POSITIVE,
        Default::Toml("\"60s\""),
        "How long an idle connection is kept, with `keepalive`.",
    ),
    key(
        "keepalive_requests",
        Kind::Count {
            min: 1,
            max: 1_000_000,
        },
        Default::Toml("1000"),
        "A connection that carried so many requests is closed, with `keepalive`.",
    ),
];

const HAPROXY: &[Key] = &[
    key(
        "nbthread",
        WORKERS_OF_ONE,
        Default::Toml("1"),
        "Threads of one replica.",
    ),
    key(
        "check",
        Kind::Bool,
        Default::Toml("true"),
        "Whether servers are checked; how, says `detector`.",
    ),
    key(
        "retries",
        RETRIES,
        Default::Toml("3"),
        "Tries after the first, after failures to connect one `timeout_connect`, at most 1 s, \
         apart.",
    ),
    key(
        "redispatch",
        Kind::Bool,
        Default::Toml("false"),
        "`option redispatch`: the last retry goes to another server; with roundrobin all do, at \
         once.",
    ),
    key(
        "retry_on",
        Kind::List(&Kind::Choice(&[
            "conn-failure",
            "empty-response",
            "response-timeout",
            "500",
            "503",
        ])),
        Default::Toml("[\"conn-failure\"]"),
        "After what a request is tried again; `500` is an error reply, `503` that of a full queue.",
    ),
    key(
        "maxconn",
        FROM_ZERO,
        Default::Toml("0"),
        "Requests at one server; more wait in line. 0: no bound.",
    ),
    key(
        "timeout_queue",
        POSITIVE,
        Default::Computed("timeout_connect"),
        "How long a request waits in line before it fails.",
    ),
    key(
        "timeout_connect",
        POSITIVE,
        Default::Toml("\"5s\""),
        "How long a connection may take to open (Debian's haproxy.cfg; HAProxy has no default).",
    ),
    key(
        "timeout_server",
        POSITIVE,
        Default::Toml("\"50s\""),
        "How long a server may take to answer (Debian's haproxy.cfg; HAProxy has no default).",
    ),
    key(
        "http_reuse",
        Kind::Choice(&["never", "safe", "aggressive", "always"]),
        Default::Toml("\"safe\""),
        "Which requests may use a connection that others used: none, each has one of its own, \
         which closes after it; not the first one of a client's connection (a call without \
         `connection` opens one for every request); that one, too, on one that was used again \
         before; all.",
    ),
    key(
        "pool_purge_delay",
        POSITIVE,
        Default::Toml("\"5s\""),
        "How long a connection to a server is kept idle.",
    ),
];

const ENVOY: &[Key] = &[
    key(
        "concurrency",
        THREADS,
        Default::Toml("1"),
        "Worker threads of one replica.",
    ),
    key(
        "connect_timeout",
        POSITIVE,
        Default::Toml("\"5s\""),
        "How long a connection may take to open.",
    ),
    key(
        "timeout",
        LENGTH,
        Default::Toml("\"15s\""),
        "Of the route: how long a request may take, retries included; 0: for ever.",
    ),
    optional(
        "per_try_timeout",
        POSITIVE,
        "How long one try may take, as long as the request if not set.",
    ),
    key(
        "retry_on",
        Kind::List(&Kind::Choice(&[
            "connect-failure",
            "reset",
            "gateway-error",
            "5xx",
        ])),
        Default::Toml("[]"),
        "After what a request is tried again. `gateway-error` is no answer, or that of a full \
         queue; `5xx` an error reply, too.",
    ),
    key(
        "num_retries",
        RETRIES,
        Default::Toml("1"),
        "Tries after the first, where `retry_on` says something.",
    ),
    key(
        "retry_base_interval",
        POSITIVE,
        Default::Toml("\"25ms\""),
        "Base of the random back-off, which grows to ten times this.",
    ),
    key(
        "previous_hosts",
        Kind::Bool,
        Default::Toml("false"),
        "The retry host predicate of that name: retries avoid hosts that were tried.",
    ),
    key(
        "http2",
        Kind::Bool,
        Default::Toml("false"),
        "Whether one connection to a host carries many requests.",
    ),
    key(
        "idle_timeout",
        POSITIVE,
        Default::Toml("\"1h\""),
        "How long a connection to a host is kept idle.",
    ),
    key(
        "max_connections",
        FROM_ZERO,
        Default::Toml("1024"),
        "Circuit breaker: connections to all hosts.",
    ),
    key(
        "max_pending_requests",
        FROM_ZERO,
        Default::Toml("1024"),
        "Circuit breaker: requests that wait for a connection.",
    ),
    key(
        "max_requests",
        FROM_ZERO,
        Default::Toml("1024"),
        "Circuit breaker: requests under way.",
    ),
    key(
        "max_retries",
        FROM_ZERO,
        Default::Toml("3"),
        "Circuit breaker: retries that wait or are under way.",
    ),
];
