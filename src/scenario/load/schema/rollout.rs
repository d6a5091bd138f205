//! Keys of rolling restarts.

use super::fault::TARGET;
use super::{COUNT_MAX, Default, Kind, LENGTH, TableSpec, Variant, key, optional};

const AMOUNT: Kind = Kind::Amount { max: COUNT_MAX };

/// `kind = "rolling_restart"`.
pub(super) const ROLLING_RESTART: Variant = Variant {
    name: "rolling_restart",
    doc: "Instances are replaced a few at a time; new ones by the rule of a Kubernetes Deployment.",
    keys: &[
        TARGET,
        optional(
            "batch",
            AMOUNT,
            "Instances, or a share of all, that are replaced before the next ones begin.",
        ),
        key(
            "max_surge",
            AMOUNT,
            Default::Computed("25% with identity new, 0 with keep"),
            "Instances above their number, or a share of all, rounded up; those that drain are not \
             counted.",
        ),
        key(
            "max_unavailable",
            AMOUNT,
            Default::Computed("25% with identity new, 1 with keep"),
            "Instances that may be missing or not ready, or a share of all, rounded down.",
        ),
        key(
            "identity",
            Kind::Choice(&["new", "keep"]),
            Default::Toml("\"new\""),
            "New instances as of a Deployment, or the same ones restarted in place.",
        ),
        key(
            "order",
            Kind::Choice(&["random", "ascending", "descending"]),
            Default::Computed("random with identity new, descending with keep"),
            "Who goes first, by number; instances that are not ready always do.",
        ),
        key(
            "ready_after",
            LENGTH,
            Default::Toml("\"0s\""),
            "From the start of a process, after any `restart_time`, to its readiness: only then it \
             registers and counts as available.",
        ),
        key(
            "drain",
            Kind::Table(&DRAIN),
            Default::Nested,
            "How an instance goes.",
        ),
        optional(
            "abort_when",
            Kind::Text,
            "The condition that stops it, like \"queue_depth of service:web > 500 for 5s\": \
             nothing more is begun, what was begun is finished.",
        ),
    ],
};

/// `[fault.NAME.drain]`.
pub static DRAIN: TableSpec = TableSpec {
    what: "drain",
    doc: "How an instance goes: it deregisters, waits, finishes what it has, exits.",
    tag: None,
    keys: &[
        key(
            "deregister",
            Kind::Bool,
            Default::Toml("true"),
            "Whether it leaves the list at once; otherwise others must find out.",
        ),
        key(
            "wait",
            LENGTH,
            Default::Toml("\"0s\""),
            "How long it then serves as before (preStop).",
        ),
        key(
            "grace",
            LENGTH,
            Default::Toml("\"30s\""),
            "After that it takes no new connections, nor attempts of calls without `connection`, \
             and exits when its work is done, at the latest after this time \
             (terminationGracePeriod less preStop).",
        ),
        key(
            "then",
            Kind::Choice(&["goaway", "reset"]),
            Default::Toml("\"goaway\""),
            "Whether it tells its connections to go away when the wait is over, or they are reset \
             at its exit.",
        ),
    ],
    variants: &[],
    shorthand: None,
};
