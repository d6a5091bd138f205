//! Keys that all real systems have.

use super::super::{Default, Key, Kind, LENGTH, TableSpec, key};

pub(super) const CAPACITY_KEY: Key = key(
    "capacity",
    Kind::Table(&CAPACITY),
    Default::Nested,
    "What each member can do.",
);
pub(super) const MESSAGE_SIZE: Key = key(
    "message_size",
    Kind::Size,
    Default::Toml("\"64B\""),
    "Size of a message without a list, headers included (assumed).",
);
pub(super) const ENTRY_SIZE: Key = key(
    "entry_size",
    Kind::Size,
    Default::Toml("\"100B\""),
    "What every listed instance adds to the size of a list (assumed).",
);

/// `[registry.capacity]`.
pub static CAPACITY: TableSpec = TableSpec {
    what: "capacity",
    doc: "What a member of the registry can do; all defaults are assumed, none is recorded.",
    tag: None,
    keys: &[
        key(
            "cores",
            Kind::Count { min: 1, max: 1_024 },
            Default::Toml("2"),
            "Pieces of work that a member does at once (assumed).",
        ),
        key(
            "heartbeat_time",
            LENGTH,
            Default::Toml("\"10us\""),
            "Work for a heartbeat (assumed).",
        ),
        key(
            "read_time",
            LENGTH,
            Default::Toml("\"50us\""),
            "Work for a read (assumed).",
        ),
        key(
            "write_time",
            LENGTH,
            Default::Toml("\"50us\""),
            "Work for a write at the member that its client talks to (assumed).",
        ),
        key(
            "proposal_time",
            LENGTH,
            Default::Toml("\"50us\""),
            "Work for a proposal, at the leader and at every follower (assumed).",
        ),
        key(
            "notify_time",
            LENGTH,
            Default::Toml("\"10us\""),
            "Work to tell one client of one change (assumed).",
        ),
        key(
            "sync_time",
            LENGTH,
            Default::Toml("\"5ms\""),
            "One sync of the disk; proposals that come meanwhile share the next one (assumed).",
        ),
    ],
    variants: &[],
    shorthand: None,
};
