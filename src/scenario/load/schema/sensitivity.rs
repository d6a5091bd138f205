//! Keys of sensitivity studies.

use super::{Default, Kind, TableSpec, key, optional, required};
use crate::scenario::sweep::REPEAT_MAX;

/// `[sensitivity]`.
pub static SENSITIVITY: TableSpec = TableSpec {
    what: "sensitivity",
    doc: "Inputs that are not known exactly, and the number that they may move.",
    tag: None,
    keys: &[
        key(
            "measure",
            Kind::Text,
            Default::Toml("\"latency.p99\""),
            "The number that is looked at, in the language of `expect`.",
        ),
        key(
            "repeat",
            Kind::Count {
                min: 2,
                max: REPEAT_MAX,
            },
            Default::Toml("10"),
            "Replications at each end of each input, on the same seeds.",
        ),
        required(
            "input",
            Kind::Named(&INPUT),
            "The inputs that are not known exactly.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[sensitivity.input.NAME]`.
pub static INPUT: TableSpec = TableSpec {
    what: "input",
    doc: "A key of the scenario whose value is not known exactly.",
    tag: None,
    keys: &[
        required(
            "path",
            Kind::Text,
            "The path of the key, which must be set: service.web.service_time.mean.",
        ),
        optional(
            "uncertain",
            Kind::Values,
            "The two ends of what it may be; without them, 20 % below and above, whole numbers \
             rounded to whole numbers.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
