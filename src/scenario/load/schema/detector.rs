//! `detector`: how a calling side notices failures by itself.

use super::{
    Default, Key, Kind, LENGTH, POSITIVE, TOWARDS_INFINITY, TableSpec, Tag, Variant, check, key,
    only_if, required,
};

/// `detector`.
pub static DETECTOR: TableSpec = TableSpec {
    what: "detector",
    doc: "The caller's own failure detector.",
    tag: Some(Tag {
        key: "kind",
        default: Some("ping"),
        doc: "The kind of detector: the caller checks, or instances send it heartbeats.",
    }),
    keys: &[],
    variants: &[
        check::PING,
        check::HAPROXY_CHECK,
        check::ENVOY_HEALTH_CHECK,
        TIMEOUT,
        CHEN_NFD_S,
        CHEN_NFD_E,
        BERTIER,
        PHI_ACCRUAL,
        GOSSIP,
    ],
    shorthand: None,
};

const TIMEOUT: Variant = Variant {
    name: "timeout",
    doc: "Heartbeats; suspicion a fixed time after the last one.",
    keys: &[
        INTERVAL,
        required(
            "timeout",
            POSITIVE,
            "From the last heartbeat to the suspicion.",
        ),
        PHASE,
        check::PUSH_PATH,
        check::PUSH_SERVICE_TIME,
        CHECK_AT_ONCE,
    ],
};

const CHEN_NFD_S: Variant = Variant {
    name: "chen_nfd_s",
    doc: "Heartbeats; freshness points on a clock that both sides share (Chen et al. 2002).",
    keys: &[
        INTERVAL,
        required(
            "delta",
            LENGTH,
            "From the sending of a heartbeat to its freshness point.",
        ),
        PHASE,
        check::PUSH_PATH,
        check::PUSH_SERVICE_TIME,
        CHECK_AT_ONCE,
    ],
};

const CHEN_NFD_E: Variant = Variant {
    name: "chen_nfd_e",
    doc: "Heartbeats; a constant margin after the estimated arrival (Chen et al. 2002).",
    keys: &[
        INTERVAL,
        required(
            "alpha",
            LENGTH,
            "From the estimated arrival to the freshness point.",
        ),
        WINDOW,
        PHASE,
        check::PUSH_PATH,
        check::PUSH_SERVICE_TIME,
        CHECK_AT_ONCE,
    ],
};

const BERTIER: Variant = Variant {
    name: "bertier",
    doc: "Heartbeats; the estimate of chen_nfd_e with a margin that adapts (Bertier et al. 2002).",
    keys: &[
        INTERVAL,
        WINDOW,
        key(
            "beta",
            WEIGHT,
            Default::Toml("1.0"),
            "Weight of the delay in the margin.",
        ),
        key(
            "phi",
            ABOVE_ZERO,
            Default::Toml("4.0"),
            "Weight of the variation in the margin.",
        ),
        key(
            "gamma",
            Kind::Number {
                min: 0.0,
                above: true,
                max: 1.0,
            },
            Default::Toml("0.1"),
            "Weight of a new error against the old ones.",
        ),
        key(
            "margin_first",
            LENGTH,
            Default::Computed("interval"),
            "The margin before anything is known; ours, the paper's was not available.",
        ),
        PHASE,
        check::PUSH_PATH,
        check::PUSH_SERVICE_TIME,
        CHECK_AT_ONCE,
    ],
};

const PHI_ACCRUAL: Variant = Variant {
    name: "phi_accrual",
    doc: "Heartbeats; a level of suspicion by the law of their intervals (Hayashibara et al.).",
    keys: &[
        required(
            "form",
            Kind::Choice(&["paper", "akka", "cassandra"]),
            "Whose form: exactly normal, Akka's logistic one or Cassandra's exponential one.",
        ),
        INTERVAL,
        key(
            "threshold",
            Kind::Number {
                min: 0.0,
                above: true,
                max: 300.0,
            },
            Default::Toml("8.0"),
            "Level that makes a suspicion: Akka's threshold, Cassandra's phi_convict_threshold; \
             the paper names no default.",
        ),
        WINDOW,
        key(
            "min_std_deviation",
            LENGTH,
            Default::Computed("100ms with akka, 1ms with paper; cassandra has none"),
            "Smallest standard deviation, whatever the intervals say; that of paper is ours.",
        ),
        only_if(
            "form",
            "\"akka\"",
            key(
                "acceptable_heartbeat_pause",
                LENGTH,
                Default::Toml("\"3s\""),
                "What is added to the mean.",
            ),
        ),
        only_if(
            "form",
            "\"akka\"",
            key(
                "expected_response_after",
                LENGTH,
                Default::Toml("\"1s\""),
                "Without a heartbeat for this long the first one is made up.",
            ),
        ),
        only_if(
            "form",
            "\"cassandra\"",
            key(
                "initial_interval",
                POSITIVE,
                Default::Computed("2 * interval"),
                "The interval with which the window begins.",
            ),
        ),
        only_if(
            "form",
            "\"cassandra\"",
            key(
                "max_interval",
                POSITIVE,
                Default::Computed("initial_interval"),
                "Longer intervals are not recorded.",
            ),
        ),
        only_if(
            "form",
            "\"cassandra\"",
            key(
                "max_local_pause",
                LENGTH,
                Default::Toml("\"5s\""),
                "A caller that stood still for longer suspects nobody for as long.",
            ),
        ),
        PHASE,
        check::PUSH_PATH,
        check::PUSH_SERVICE_TIME,
        key(
            "check_interval",
            LENGTH,
            Default::Computed("1s with akka and cassandra, 0s with paper"),
            "How often the caller looks at its detector; 0s: it notices everything at once.",
        ),
    ],
};

const GOSSIP: Variant = Variant {
    name: "gossip",
    doc: "The caller is an instance of a service with `gossip`, and believes what that member \
          believes.",
    keys: &[],
};

const INTERVAL: Key = key(
    "interval",
    POSITIVE,
    Default::Toml("\"1s\""),
    "From one heartbeat to the next, by the clock of the instance.",
);

const PHASE: Key = key(
    "phase",
    Kind::Phase,
    Default::Toml("\"random\""),
    "Where in its interval each pair starts.",
);

const WINDOW: Key = key(
    "window",
    Kind::Count {
        min: 1,
        max: 100_000,
    },
    Default::Toml("1000"),
    "Heartbeats, or intervals between them, that are remembered.",
);

const CHECK_AT_ONCE: Key = key(
    "check_interval",
    LENGTH,
    Default::Toml("\"0s\""),
    "How often the caller looks at its detector; 0s: it notices everything at once.",
);

const WEIGHT: Kind = Kind::Number {
    min: 0.0,
    above: false,
    max: TOWARDS_INFINITY,
};

const ABOVE_ZERO: Kind = Kind::Number {
    min: 0.0,
    above: true,
    max: TOWARDS_INFINITY,
};
