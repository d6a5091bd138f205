//! Keys of the top level, the network and comparisons.

use super::{
    Default, Kind, LENGTH, POSITIVE, TableSpec, client, fault, key, only_if, optional, required,
    sensitivity, service, shared, sweep,
};

/// The top level.
pub static ROOT: TableSpec = TableSpec {
    what: "the scenario",
    doc: "A scenario: a world, its faults and what is expected of it.",
    tag: None,
    keys: &[
        required(
            "schema",
            Kind::Count { min: 1, max: 1 },
            "Version of the format; 1.",
        ),
        key(
            "name",
            Kind::Name,
            Default::Computed("the file's name without its ending"),
            "Name of the scenario; file names are derived from it.",
        ),
        optional(
            "extends",
            Kind::File,
            "A scenario file, relative to this one, that this one changes.",
        ),
        key(
            "seed",
            Kind::Count {
                min: 0,
                max: u64::MAX >> 1,
            },
            Default::Toml("1"),
            "Seed of the first replication; replication i runs with seed + i.",
        ),
        required(
            "duration",
            POSITIVE,
            "Length of the run; arrivals stop there.",
        ),
        key(
            "warmup",
            Kind::Warmup,
            Default::Toml("\"0s\""),
            "Time from the start that is not measured; `auto` finds it by MSER-5 before the run.",
        ),
        key(
            "drain",
            LENGTH,
            Default::Computed("the longest time that a request can take, at most 1h"),
            "Time after the end, unmeasured, in which what arrived gets its outcome.",
        ),
        key(
            "window",
            POSITIVE,
            Default::Toml("\"1s\""),
            "Width of a window of the time series; doubled until at most 2,000 cover the run.",
        ),
        key(
            "availability_objective",
            Kind::Ratio,
            Default::Toml("\"99.9%\""),
            "Success ratio that a window needs to count as available.",
        ),
        optional(
            "breakdown",
            Kind::Bool,
            "Whether the latency of every request is split into its parts; `true` where `expect` \
             names one.",
        ),
        optional("expect", Kind::Assertions, "Assertions about the run."),
        key(
            "network",
            Kind::Table(&NETWORK),
            Default::Nested,
            "The network between all nodes.",
        ),
        key(
            "registry",
            Kind::Table(&super::REGISTRY),
            Default::Nested,
            "How callers learn which instances there are.",
        ),
        optional(
            "service",
            Kind::Named(&service::SERVICE),
            "Named pools of server instances.",
        ),
        optional(
            "proxy",
            Kind::Named(&super::PROXY),
            "Replicas of proxies between callers and services.",
        ),
        optional(
            "client",
            Kind::Named(&client::CLIENT),
            "Named groups of callers.",
        ),
        optional(
            "fault",
            Kind::Named(&fault::FAULT),
            "Causes that are injected on the timeline.",
        ),
        optional(
            "compare",
            Kind::Table(&COMPARE),
            "Variants of this scenario to compare.",
        ),
        optional(
            "sweep",
            Kind::Table(&sweep::SWEEP),
            "Points of this scenario to run, each with other values.",
        ),
        optional(
            "sensitivity",
            Kind::Table(&sensitivity::SENSITIVITY),
            "Inputs that are not known exactly.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[network]`.
pub static NETWORK: TableSpec = TableSpec {
    what: "network",
    doc: "The network between all nodes.",
    tag: None,
    keys: &[
        key(
            "transport",
            Kind::Choice(&["stream", "datagram"]),
            Default::Toml("\"stream\""),
            "How messages travel: retransmitted and with resets, or not.",
        ),
        key(
            "same_zone",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Toml("\"250us\""),
            "One-way delay between nodes of one zone.",
        ),
        key(
            "cross_zone",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Toml("\"500us\""),
            "One-way delay between nodes of different zones.",
        ),
        optional(
            "same_zone_bandwidth",
            Kind::Bandwidth,
            "What a host sends per second within its zone; without it, no limit.",
        ),
        optional(
            "cross_zone_bandwidth",
            Kind::Bandwidth,
            "What a host sends per second to other zones; without it, no limit.",
        ),
        key(
            "loss",
            Kind::Table(&shared::LOSS),
            Default::Toml("0.0"),
            "Share of messages that are lost, or a table of two states.",
        ),
        key(
            "duplication",
            Kind::Ratio,
            Default::Toml("0.0"),
            "Share of messages that are delivered twice; above 0 only with `datagram`.",
        ),
        only_if(
            "transport",
            "\"stream\"",
            key(
                "retransmission_timeout",
                POSITIVE,
                Default::Toml("\"200ms\""),
                "First retransmission timeout of `stream`; doubles with every further loss.",
            ),
        ),
        optional(
            "link",
            Kind::Named(&LINK),
            "Overrides for links; the last one in the file that matches wins.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[network.link.NAME]`.
pub static LINK: TableSpec = TableSpec {
    what: "link",
    doc: "Other delay, loss or bandwidth from one set of nodes to another.",
    tag: None,
    keys: &[
        required("from", Kind::Selector, "The sending side."),
        required("to", Kind::Selector, "The receiving side."),
        key(
            "symmetric",
            Kind::Bool,
            Default::Toml("true"),
            "Whether it holds in both directions.",
        ),
        optional(
            "delay",
            Kind::Table(&shared::DISTRIBUTION),
            "One-way delay instead of the network's.",
        ),
        optional(
            "loss",
            Kind::Table(&shared::LOSS),
            "Loss instead of the network's.",
        ),
        optional(
            "bandwidth",
            Kind::Bandwidth,
            "What each sending host has for these links, instead of the network's.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[compare]`.
pub static COMPARE: TableSpec = TableSpec {
    what: "compare",
    doc: "Variants of this scenario that are compared on the same seeds.",
    tag: None,
    keys: &[
        required(
            "reference",
            Kind::Text,
            "The variant that the others are compared with.",
        ),
        required(
            "variant",
            Kind::Variants,
            "Variants: a name and the values that it sets, by path.",
        ),
        optional(
            "primary",
            Kind::Text,
            "The only measure that has verdicts, like `latency.p99`; without it all have, and \
             Holm's correction is over all of them.",
        ),
        optional(
            "margin",
            Kind::Assertions,
            "How small a difference means nothing: `latency.p99 within 5%`. Without it, no \
             difference is ever claimed to be none.",
        ),
        optional(
            "expect",
            Kind::Assertions,
            "Assertions between variants: `two_choices.latency.p99 <= 0.8 * ring.latency.p99`.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
