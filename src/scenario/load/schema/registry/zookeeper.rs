//! Keys of `profile = "zookeeper"`. Defaults are those of ZooKeeper 3.8 and of its sample
//! configuration.

use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key, shared};
use super::system::{CAPACITY_KEY, ENTRY_SIZE, MESSAGE_SIZE};
use super::{MEMBERS, ZONES};

pub(super) const KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    key(
        "leader",
        Kind::Count { min: 0, max: 999 },
        Default::Toml("0"),
        "The member that leads at the start.",
    ),
    key(
        "tick_time",
        POSITIVE,
        Default::Toml("\"2s\""),
        "tickTime: sessions expire at multiples of it on the leader's clock.",
    ),
    key(
        "sync_limit",
        Kind::Count {
            min: 1,
            max: 10_000,
        },
        Default::Toml("5"),
        "syncLimit: ticks of silence after which leader and followers part.",
    ),
    key(
        "session_timeout",
        POSITIVE,
        Default::Toml("\"10s\""),
        "The session timeout that clients ask for (ZooKeeper has no default).",
    ),
    key(
        "min_session_timeout",
        POSITIVE,
        Default::Computed("2 x tick_time"),
        "minSessionTimeout: the servers grant no less.",
    ),
    key(
        "max_session_timeout",
        POSITIVE,
        Default::Computed("20 x tick_time"),
        "maxSessionTimeout: the servers grant no more.",
    ),
    key(
        "tick_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where the boundaries of ticks lie on each member's clock.",
    ),
    key(
        "ping_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where the first leader's pings of its followers lie in its half tick.",
    ),
    key(
        "client",
        Kind::Choice(&["java", "kazoo"]),
        Default::Toml("\"java\""),
        "The client library: kazoo pings up to 0.4 s earlier and gives up at the next ping.",
    ),
    key(
        "reconnect_delay",
        Kind::Table(&shared::DISTRIBUTION),
        Default::Computed("uniform up to 1 s with java, 100 ms with kazoo"),
        "How long a client waits before it connects again.",
    ),
    key(
        "spin_delay",
        LENGTH,
        Default::Computed("1 s with java, none with kazoo"),
        "How much longer a client waits after a full pass over the members.",
    ),
    key(
        "identity",
        Kind::Choice(&["keep", "new"]),
        Default::Toml("\"keep\""),
        "Whether a restarted instance has the node name that it had before.",
    ),
    key(
        "node_exists",
        Kind::Choice(&["replace", "skip"]),
        Default::Toml("\"replace\""),
        "What an instance does whose node is there already: delete and create it, or take it for \
         its own, although it goes with the old session.",
    ),
    key(
        "after_pause",
        Kind::Choice(&["expire", "touch"]),
        Default::Toml("\"expire\""),
        "What a leader that stood still does first: expire sessions whose time has come, or \
         handle the pings that waited (assumed: its threads race).",
    ),
    key(
        "election_time",
        Kind::Table(&shared::DISTRIBUTION),
        Default::Toml("{ dist = \"uniform\", min = \"400ms\", max = \"770ms\" }"),
        "From the moment that a majority looks for a leader until one serves; recorded: 0.40 to \
         0.77 s, whatever the tick.",
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];
