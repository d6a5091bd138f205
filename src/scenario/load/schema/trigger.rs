//! Keys of what begins faults, spreads them and replaces their victims.

use super::{Default, Key, Kind, LENGTH, TableSpec, key, optional, required, shared};

/// What may stand in place of `at`.
pub(super) const AFTER: Key = optional(
    "after",
    Kind::Text,
    "In place of `at`: one window for every window of another fault, like \"fault.x + 2s\" or \
     \"fault.x.end + 2s\".",
);
pub(super) const WHEN: Key = optional(
    "when",
    Kind::Text,
    "In place of `at`: the condition that begins a window, like \"queue_depth > 500 for 5s\" or \
     \"utilization of service:web > 0.9 for 10s\".",
);
pub(super) const AGAIN: Key = optional(
    "again",
    Kind::Bool,
    "With `when`: begins again when the condition has held anew after the end of a window.",
);
pub(super) const SPREAD_KEY: Key = optional(
    "spread",
    Kind::Table(&SPREAD),
    "Other instances that follow the targets in a window.",
);
pub(super) const REPLACE_KEY: Key = optional(
    "replace",
    Kind::Table(&REPLACE),
    "What comes in place of the targets before the window ends.",
);

/// `[fault.NAME.spread]`.
pub static SPREAD: TableSpec = TableSpec {
    what: "spread",
    doc: "Other instances that follow the targets in a window.",
    tag: None,
    keys: &[
        required(
            "ratio",
            Kind::Ratio,
            "Probability with which each of the others follows.",
        ),
        key(
            "delay",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Toml("\"0s\""),
            "From the start of a window until another one follows; it ends with the window.",
        ),
        key(
            "among",
            Kind::Choice(&["host", "group", "zone"]),
            Default::Toml("\"host\""),
            "Who the others are: instances on the host, of the group or in the zone of a target.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[fault.NAME.replace]`.
pub static REPLACE: TableSpec = TableSpec {
    what: "replace",
    doc: "What comes in place of the targets before the window ends.",
    tag: None,
    keys: &[
        required(
            "after",
            LENGTH,
            "From the start of a window to the replacement, before any `restart_time`.",
        ),
        key(
            "identity",
            Kind::Choice(&["keep", "new"]),
            Default::Toml("\"keep\""),
            "The same instances started again, or new ones while the old never come back.",
        ),
        optional(
            "zone",
            Kind::Name,
            "With identity new: the zone of the new instances, in a group of their service there.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
