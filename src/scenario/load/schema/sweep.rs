//! Keys of sweeps.

use super::{Default, Key, Kind, TableSpec, key, optional, required};
use crate::scenario::sweep::REPEAT_MAX;

const KEYS: &[Key] = &[
    required(
        "axis",
        Kind::Named(&AXIS),
        "Axes: the keys that are varied and their values; the last one varies fastest.",
    ),
    key(
        "repeat",
        Kind::Count {
            min: 1,
            max: REPEAT_MAX,
        },
        Default::Toml("5"),
        "Replications of each point; the i-th of every point has the same seed.",
    ),
    key(
        "measures",
        Kind::List(&Kind::Text),
        Default::Computed("those of `pareto`, or success_ratio, latency.p50, latency.p99"),
        "Measures to read, in the language of `expect`.",
    ),
    optional(
        "where",
        Kind::List(&Kind::Text),
        "What every point must fulfill: `timeout >= 3 * interval`, by the names of axes.",
    ),
    optional(
        "pareto",
        Kind::List(&Kind::Text),
        "Two measures of which the best compromises are looked for.",
    ),
    optional(
        "objectives",
        Kind::List(&Kind::Text),
        "Limits for the measures, like `latency.p99 <= 50ms`: which points hold all of them is \
         told, and maps draw the line.",
    ),
];

/// `[sweep]`.
pub static SWEEP: TableSpec = TableSpec {
    what: "sweep",
    doc: "Points of this scenario, each with other values, that are run on the same seeds.",
    tag: None,
    keys: KEYS,
    variants: &[],
    shorthand: None,
};

/// `[sweep.axis.NAME]`.
pub static AXIS: TableSpec = TableSpec {
    what: "axis",
    doc: "A key of the scenario and the values that it takes.",
    tag: None,
    keys: &[
        required(
            "path",
            Kind::Text,
            "The path of the key: client.shop.call.web.detector.interval.",
        ),
        optional("values", Kind::Values, "The values, in order."),
        optional(
            "range",
            Kind::Text,
            "A range instead of `values`: START..END/STEPS, evenly, or with ` log` by ratio.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
