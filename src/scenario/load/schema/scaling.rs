//! Keys of what load does to the instances of a service.

use super::{Default, Key, Kind, LENGTH, MANY, POSITIVE, TableSpec, key, optional, required};

const BOUND: Kind = Kind::Count {
    min: 0,
    max: u32::MAX as u64,
};

pub(super) const CRASH_ABOVE_KEY: Key = optional(
    "crash_above",
    Kind::Table(&CRASH_ABOVE),
    "Crashes an instance whose work outgrows its memory; it restarts after `restart_time`.",
);
pub(super) const AUTOSCALE_KEY: Key = optional(
    "autoscale",
    Kind::Table(&AUTOSCALE),
    "Scales the one group of the service by its utilization.",
);

/// `[service.NAME.crash_above]`.
pub static CRASH_ABOVE: TableSpec = TableSpec {
    what: "crash bound",
    doc: "Crashes an instance whose work outgrows its memory.",
    tag: None,
    keys: &[
        optional("queue", BOUND, "Most attempts in its queue."),
        optional(
            "in_flight",
            BOUND,
            "Most attempts in its queue, at its workers or waiting for asynchronous calls.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.autoscale]`.
pub static AUTOSCALE: TableSpec = TableSpec {
    what: "autoscaler",
    doc: "Scales by utilization as the Kubernetes Horizontal Pod Autoscaler does: instances = \
          ceil(instances * utilization / target).",
    tag: None,
    keys: &[
        required(
            "target_utilization",
            Kind::Number {
                min: 0.0,
                above: true,
                max: 1.0,
            },
            "Busy worker time / worker time that it steers to.",
        ),
        key("min", MANY, Default::Toml("1"), "Fewest instances."),
        required("max", MANY, "Most instances."),
        key(
            "interval",
            POSITIVE,
            Default::Toml("\"15s\""),
            "Time between decisions, each by the utilization since the one before.",
        ),
        key(
            "phase",
            Kind::Phase,
            Default::Toml("\"random\""),
            "Where in its interval it starts.",
        ),
        key(
            "tolerance",
            Kind::Ratio,
            Default::Toml("\"10%\""),
            "Relative distance from the target that changes nothing.",
        ),
        key(
            "delay",
            LENGTH,
            Default::Toml("\"60s\""),
            "From a decision to the start of a new instance, before any `restart_time`.",
        ),
        key(
            "cooldown",
            LENGTH,
            Default::Toml("\"300s\""),
            "How long the largest number wanted holds before instances leave.",
        ),
        key(
            "grace",
            LENGTH,
            Default::Toml("\"5s\""),
            "Time from the deregistration of an instance that leaves to its exit.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
