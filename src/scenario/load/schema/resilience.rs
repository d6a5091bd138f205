//! Keys of what callers and instances do to protect themselves and others.

use super::{
    Default, Key, Kind, LENGTH, POSITIVE, POSITIVE_NUMBER, Shorthand, TableSpec, Tag, Variant, key,
};

const COUNT: Kind = Kind::Count {
    min: 1,
    max: 1_000_000,
};
const FROM_ZERO: Kind = Kind::Count {
    min: 0,
    max: 1_000_000,
};
const KIND: Tag = Tag {
    key: "kind",
    default: None,
    doc: "The form.",
};

/// `retry.budget`.
pub static BUDGET: TableSpec = TableSpec {
    what: "budget",
    doc: "How many retries a caller may make, over all requests of this call.",
    tag: Some(KIND),
    keys: &[],
    variants: &[
        Variant {
            name: "grpc",
            doc: "Retry throttling (gRFC A6): a failed attempt that may be retried costs a token, \
                  a success earns token_ratio; retries are made while more than half are there.",
            keys: &[
                key(
                    "tokens_max",
                    Kind::Number {
                        min: 0.0,
                        above: true,
                        max: 1e6,
                    },
                    Default::Toml("10"),
                    "Most tokens, and those at the start.",
                ),
                key(
                    "token_ratio",
                    Kind::Number {
                        min: 0.0,
                        above: true,
                        max: 1_000.0,
                    },
                    Default::Toml("0.1"),
                    "Tokens that a success earns, to three decimals.",
                ),
            ],
        },
        Variant {
            name: "finagle",
            doc: "Finagle, Tower and linkerd: a share of the requests of the last `ttl`, in tenths \
                  of it, and a reserve.",
            keys: &[
                key(
                    "ratio",
                    Kind::Multiple {
                        min: 0.001,
                        max: 1_000.0,
                    },
                    Default::Toml("0.2"),
                    "Retries for each request.",
                ),
                key(
                    "min_rate",
                    Kind::Rate { zero: true },
                    Default::Toml("\"10/s\""),
                    "Retries that are there without requests.",
                ),
                key(
                    "ttl",
                    POSITIVE,
                    Default::Toml("\"10s\""),
                    "How long a request, and a retry, counts.",
                ),
            ],
        },
        Variant {
            name: "envoy",
            doc: "Envoy: of what is under way at this moment.",
            keys: &[
                key(
                    "ratio",
                    Kind::Ratio,
                    Default::Toml("0.2"),
                    "Retries, waiting or under way, for each attempt under way.",
                ),
                key(
                    "concurrent_min",
                    FROM_ZERO,
                    Default::Toml("3"),
                    "Retries at once that are always possible.",
                ),
            ],
        },
        Variant {
            name: "sre",
            doc: "SRE book, chapter 21: retries are at most a share of the requests.",
            keys: &[
                key(
                    "ratio",
                    Kind::Ratio,
                    Default::Toml("0.1"),
                    "Retries for each request.",
                ),
                key(
                    "window",
                    POSITIVE,
                    Default::Toml("\"2m\""),
                    "How far back they are counted, in twelve slices.",
                ),
            ],
        },
    ],
    shorthand: Some(Shorthand::Tag),
};

const PER: Key = key(
    "per",
    Kind::Choice(&["call", "instance"]),
    Default::Toml("\"call\""),
    "What has a breaker of its own at every caller: the call, which fails at once while it is \
     open, or each instance, which is then not picked; with all of them open the call fails.",
);
const FAILURE_RATIO: Key = key(
    "failure_ratio",
    Kind::Ratio,
    Default::Toml("\"50%\""),
    "Share of failures from which it opens: everything but a good reply.",
);

/// `breaker`.
pub static BREAKER: TableSpec = TableSpec {
    what: "breaker",
    doc: "When attempts are not sent because others failed: Retry(CircuitBreaker(attempt)), so an \
          open breaker uses up attempts of the call.",
    tag: Some(KIND),
    keys: &[],
    variants: &[
        Variant {
            name: "hystrix",
            doc: "Netflix Hystrix 1.5.",
            keys: &[
                PER,
                key(
                    "window",
                    POSITIVE,
                    Default::Toml("\"10s\""),
                    "How far back it counts.",
                ),
                key(
                    "bucket_count",
                    Kind::Count { min: 1, max: 1_000 },
                    Default::Toml("10"),
                    "Slices of the window.",
                ),
                key(
                    "snapshot_interval",
                    POSITIVE,
                    Default::Toml("\"500ms\""),
                    "How often it looks at the counts; it opens only then.",
                ),
                key(
                    "call_count_min",
                    COUNT,
                    Default::Toml("20"),
                    "Ends in the window below which it stays closed.",
                ),
                FAILURE_RATIO,
                key(
                    "open_duration",
                    POSITIVE,
                    Default::Toml("\"5s\""),
                    "How long it is open before one attempt probes.",
                ),
            ],
        },
        Variant {
            name: "resilience4j",
            doc: "resilience4j 2.",
            keys: &[
                PER,
                key(
                    "window",
                    Kind::Choice(&["count", "time"]),
                    Default::Toml("\"count\""),
                    "Whether it counts the last calls or those of the last seconds.",
                ),
                key(
                    "window_size",
                    Kind::Count {
                        min: 1,
                        max: 100_000,
                    },
                    Default::Toml("100"),
                    "How many calls, or seconds.",
                ),
                key(
                    "call_count_min",
                    COUNT,
                    Default::Toml("100"),
                    "Ends in the window below which it stays closed; a full window is enough.",
                ),
                FAILURE_RATIO,
                key(
                    "slow_ratio",
                    Kind::Ratio,
                    Default::Toml("\"100%\""),
                    "Share of slow calls from which it opens.",
                ),
                key(
                    "slow_duration",
                    POSITIVE,
                    Default::Toml("\"60s\""),
                    "A call that takes longer is slow.",
                ),
                key(
                    "open_duration",
                    POSITIVE,
                    Default::Toml("\"60s\""),
                    "How long it is open; the first attempt after that makes it half-open.",
                ),
                key(
                    "probe_count",
                    COUNT,
                    Default::Toml("10"),
                    "Attempts that pass half-open; it is decided when all have ended.",
                ),
            ],
        },
        Variant {
            name: "envoy",
            doc: "Envoy: limits of what is under way at a caller; overflow fails at once, is not \
                  retried, and there is no half-open.",
            keys: &[
                key(
                    "connection_count_max",
                    COUNT,
                    Default::Toml("1024"),
                    "Connections with all instances together, opening and closing ones included. \
                     At the limit attempts wait, but an instance without any gets one.",
                ),
                key(
                    "request_count_max",
                    FROM_ZERO,
                    Default::Toml("1024"),
                    "Attempts under way; with connections, those that one carries.",
                ),
                key(
                    "pending_count_max",
                    FROM_ZERO,
                    Default::Toml("1024"),
                    "Attempts that wait at the caller, for a connection or in its bulkhead.",
                ),
                key(
                    "retry_count_max",
                    FROM_ZERO,
                    Default::Toml("3"),
                    "Retries that wait out a back-off or are under way; beyond, none is made.",
                ),
            ],
        },
    ],
    shorthand: Some(Shorthand::Tag),
};

/// `bulkhead`.
pub static BULKHEAD: TableSpec = TableSpec {
    what: "bulkhead",
    doc: "How many attempts of one caller may be under way (resilience4j).",
    tag: None,
    keys: &[
        key(
            "concurrent_max",
            COUNT,
            Default::Toml("25"),
            "Attempts under way.",
        ),
        key(
            "wait_max",
            LENGTH,
            Default::Toml("\"0s\""),
            "How long others wait for a place, first come first served.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `throttle`.
pub static THROTTLE: TableSpec = TableSpec {
    what: "throttle",
    doc: "When a caller turns attempts away because the service accepts too few.",
    tag: Some(Tag {
        default: Some("sre"),
        ..KIND
    }),
    keys: &[],
    variants: &[Variant {
        name: "sre",
        doc: "SRE book, chapter 21: with probability (requests - k accepts) / (requests + 1); good \
              and error replies are accepts.",
        keys: &[
            key(
                "k",
                Kind::Number {
                    min: 1.0,
                    above: false,
                    max: 1_000.0,
                },
                Default::Toml("2.0"),
                "Requests that may be tried for each that is accepted.",
            ),
            key(
                "window",
                POSITIVE,
                Default::Toml("\"2m\""),
                "How far back they are counted, in twelve slices.",
            ),
        ],
    }],
    shorthand: Some(Shorthand::Tag),
};

const INITIAL: Key = key(
    "initial",
    COUNT,
    Default::Toml("20"),
    "The limit at the start.",
);
const MIN: Key = key("min", COUNT, Default::Toml("20"), "Smallest limit.");
const MAX: Key = key("max", COUNT, Default::Toml("200"), "Largest limit.");
const WINDOW: Key = key(
    "window",
    LENGTH,
    Default::Toml("\"0s\""),
    "Samples of this long are put together to their mean; 0 takes them one by one.",
);
const WINDOW_SAMPLES: Key = key(
    "window_sample_count_min",
    COUNT,
    Default::Toml("10"),
    "Fewest samples of a window.",
);
const SMOOTHING_DOC: &str = "Weight of the new limit against the old.";

/// `concurrency_limit`.
pub static CONCURRENCY_LIMIT: TableSpec = TableSpec {
    what: "concurrency limit",
    doc: "How many attempts may be under way, adapted to latency and drops (Netflix \
          concurrency-limits); what is beyond is turned away.",
    tag: Some(KIND),
    keys: &[],
    variants: &[
        Variant {
            name: "aimd",
            doc: "One more for each success, times backoff_ratio for each drop.",
            keys: &[
                INITIAL,
                MIN,
                MAX,
                WINDOW,
                WINDOW_SAMPLES,
                key(
                    "backoff_ratio",
                    Kind::Ratio,
                    Default::Toml("0.9"),
                    "What is left of it after a drop.",
                ),
                key(
                    "timeout",
                    POSITIVE,
                    Default::Toml("\"5s\""),
                    "What takes longer counts as dropped.",
                ),
            ],
        },
        Variant {
            name: "vegas",
            doc: "By an estimate of the queue from the shortest latency.",
            keys: &[
                INITIAL,
                key("max", COUNT, Default::Toml("1000"), "Largest limit."),
                WINDOW,
                WINDOW_SAMPLES,
                key(
                    "smoothing",
                    Kind::Ratio,
                    Default::Toml("1.0"),
                    SMOOTHING_DOC,
                ),
                key(
                    "probe_multiplier",
                    COUNT,
                    Default::Toml("30"),
                    "Samples, as a multiple of the limit, after which the shortest latency is \
                     taken anew.",
                ),
            ],
        },
        Variant {
            name: "gradient2",
            doc: "By short against long latency; drops are ignored.",
            keys: &[
                INITIAL,
                MIN,
                MAX,
                WINDOW,
                WINDOW_SAMPLES,
                key(
                    "smoothing",
                    Kind::Ratio,
                    Default::Toml("0.2"),
                    SMOOTHING_DOC,
                ),
                key(
                    "tolerance",
                    POSITIVE_NUMBER,
                    Default::Toml("1.5"),
                    "Short over long latency that is not yet a sign of a queue.",
                ),
                key(
                    "queue",
                    FROM_ZERO,
                    Default::Toml("4"),
                    "Room that is always added.",
                ),
                key(
                    "long_window",
                    COUNT,
                    Default::Toml("600"),
                    "Samples of the long latency.",
                ),
            ],
        },
    ],
    shorthand: Some(Shorthand::Tag),
};
