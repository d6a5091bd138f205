//! Keys of `profile = "etcd"`. Defaults are those of etcd 3.4 and of its Go client.

use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key, optional, shared};
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
        "lease_ttl",
        POSITIVE,
        Default::Toml("\"10s\""),
        "The time to live that instances ask for (etcd has no default); granted in whole \
         seconds, and not less than one and a half election timeouts.",
    ),
    key(
        "heartbeat_interval",
        POSITIVE,
        Default::Toml("\"100ms\""),
        "--heartbeat-interval: between the heartbeats of the leader.",
    ),
    key(
        "election_timeout",
        POSITIVE,
        Default::Toml("\"1s\""),
        "--election-timeout: a follower that hears nothing for one to two of these looks for \
         another leader.",
    ),
    key(
        "election_time",
        Kind::Table(&shared::DISTRIBUTION),
        Default::Toml("\"20ms\""),
        "From the moment that a candidate asks for votes until a leader serves (assumed).",
    ),
    key(
        "revoke_interval",
        POSITIVE,
        Default::Toml("\"500ms\""),
        "How often the leader looks for expired leases.",
    ),
    key(
        "revoke_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in that interval the looks of the first leader lie.",
    ),
    key(
        "revoke_count_per_sec",
        Kind::Count {
            min: 2,
            max: 1_000_000,
        },
        Default::Toml("1000"),
        "Leases that the leader finds expired per second, at most.",
    ),
    key(
        "pending_revoke_count_max",
        Kind::Count {
            min: 1,
            max: 1_000_000,
        },
        Default::Toml("16"),
        "Revocations that are under way at once, at most.",
    ),
    key(
        "revoke_retry",
        POSITIVE,
        Default::Toml("\"3s\""),
        "A lease whose revocation failed is found again after this.",
    ),
    key(
        "keepalive_loop_interval",
        LENGTH,
        Default::Toml("\"500ms\""),
        "How often a client looks whether a third of the time to live is over; zero sends the \
         keepalive just then.",
    ),
    optional(
        "checkpoint_interval",
        POSITIVE,
        "How often the remaining time of a lease is replicated, where that is enabled; etcd \
         takes 5 minutes.",
    ),
    key(
        "reconnect_delay",
        LENGTH,
        Default::Toml("\"500ms\""),
        "How long a client waits before it opens its streams again.",
    ),
    key(
        "request_timeout",
        POSITIVE,
        Default::Toml("\"5s\""),
        "How long a client waits for a connection or an answer before it tries another member \
         (assumed: the client library leaves it to the application).",
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];
