//! Keys of `profile = "consul"`. Defaults are those of Consul 1.8 (raft 1.1, serf with its LAN
//! profile) where it has some.

use super::super::gossip::REGISTRY_GOSSIP;
use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key, only_if, optional, shared};
use super::system::{CAPACITY_KEY, ENTRY_SIZE, MESSAGE_SIZE};
use super::{MEMBERS, ZONES};

pub(super) const KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    key(
        "leader",
        Kind::Count { min: 0, max: 999 },
        Default::Toml("0"),
        "The server that leads at the start.",
    ),
    key(
        "check",
        Kind::Choice(&["http", "ttl", "tcp"]),
        Default::Toml("\"http\""),
        "What tells the agent of a host how its instances are: it asks them, they report to it in \
         time, or it connects to them.",
    ),
    only_if(
        "check",
        "\"ttl\"",
        key(
            "ttl",
            POSITIVE,
            Default::Toml("\"10s\""),
            "How long a report counts (Consul has no default).",
        ),
    ),
    only_if(
        "check",
        "\"ttl\"",
        key(
            "pass_interval",
            POSITIVE,
            Default::Computed("ttl / 3; what reports is the application, so this is assumed"),
            "Time between the reports of an instance, on its clock.",
        ),
    ),
    key(
        "interval",
        POSITIVE,
        Default::Toml("\"10s\""),
        "Of an HTTP or TCP check: from its end to the next one; at least 1s (Consul has no \
         default).",
    ),
    key(
        "timeout",
        POSITIVE,
        Default::Toml("\"10s\""),
        "An HTTP or TCP check without answer for this long has failed.",
    ),
    key(
        "path",
        Kind::Choice(&["bypass", "queued", "deep"]),
        Default::Toml("\"queued\""),
        "What an HTTP check sees: a thread of its own, a worker like a request, or a worker that \
         makes the calls of a request. A TCP check sees the kernel alone.",
    ),
    optional(
        "check_service_time",
        Kind::Table(&shared::DISTRIBUTION),
        "With path queued or deep: time that a worker of speed 1 spends on an HTTP check, 0s if \
         not set.",
    ),
    key(
        "phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in their intervals checks and reports start; Consul staggers checks at random.",
    ),
    key(
        "success_before_passing",
        THRESHOLD,
        Default::Toml("0"),
        "So many checks in a row pass before the status does.",
    ),
    key(
        "failures_before_warning",
        THRESHOLD,
        Default::Computed("failures_before_critical"),
        "So many failures in a row make the status a warning.",
    ),
    key(
        "failures_before_critical",
        THRESHOLD,
        Default::Toml("0"),
        "So many failures in a row make the status critical.",
    ),
    key(
        "status",
        Kind::Choice(&["critical", "passing"]),
        Default::Toml("\"critical\""),
        "The status of a new registration until its first check.",
    ),
    key(
        "changing_output",
        Kind::Bool,
        Default::Toml("false"),
        "Whether every check brings another text, a time for instance; it is sent to the servers \
         as well.",
    ),
    key(
        "check_update_interval",
        LENGTH,
        Default::Toml("\"5m\""),
        "Changes of the text alone are put off by half to one and a half of this; 0s: they are \
         not.",
    ),
    optional(
        "deregister_critical_service_after",
        POSITIVE,
        "An instance whose check was critical for longer is deregistered; at least 1m.",
    ),
    key(
        "check_reap_interval",
        POSITIVE,
        Default::Toml("\"30s\""),
        "How often an agent looks for those.",
    ),
    key(
        "unknown_check",
        Kind::Choice(&["register", "ignore"]),
        Default::Toml("\"register\""),
        "What an instance does whose agent no longer knows the check that it reports to (the \
         application decides; assumed).",
    ),
    key(
        "sync_interval",
        POSITIVE,
        Default::Toml("\"1m\""),
        "Anti-entropy: from one full sync of an agent to the next, and as much jitter, more with \
         over 128 nodes.",
    ),
    key(
        "sync_retry_interval",
        POSITIVE,
        Default::Toml("\"15s\""),
        "A full sync that failed is made again after this, and as much jitter.",
    ),
    key(
        "consistency",
        Kind::Choice(&["default", "stale", "consistent"]),
        Default::Toml("\"default\""),
        "Who answers queries: the leader by its lease, any server, or the leader after a majority \
         has confirmed it.",
    ),
    key(
        "filter",
        Kind::Choice(&["passing", "not_critical", "any"]),
        Default::Toml("\"passing\""),
        "Which instances are on a list: `?passing`, what DNS answers, or all.",
    ),
    key(
        "wait",
        POSITIVE,
        Default::Toml("\"5m\""),
        "How long a blocking query waits for a change, at most 10m; up to a sixteenth is added \
         to it.",
    ),
    key(
        "use_cache",
        Kind::Bool,
        Default::Toml("false"),
        "Whether an agent answers the processes on its host from one query of its own (`?cached`).",
    ),
    key(
        "rpc_hold_timeout",
        POSITIVE,
        Default::Toml("\"7s\""),
        "How long a request waits for a leader.",
    ),
    key(
        "rpc_client_timeout",
        POSITIVE,
        Default::Toml("\"60s\""),
        "How long an agent waits for an answer; to a blocking query it adds the wait (a key since \
         1.12; assumed before).",
    ),
    key(
        "raft_multiplier",
        Kind::Count { min: 1, max: 10 },
        Default::Toml("5"),
        "Times of raft, each times this: a heartbeat timeout of 1s, elections of 1s, a leader's \
         lease of 500ms.",
    ),
    optional(
        "election_time",
        Kind::Table(&shared::DISTRIBUTION),
        "From the moment that a majority looks for a leader until one serves; without it, from \
         200ms to 1.7s times raft_multiplier, as the rules of raft 1.1 give with three servers, \
         and 10ms with one (assumed, none is recorded).",
    ),
    key(
        "reconcile_interval",
        POSITIVE,
        Default::Toml("\"1m\""),
        "How often a leader compares the nodes that are registered with what gossip says.",
    ),
    key(
        "gossip",
        Kind::Table(&REGISTRY_GOSSIP),
        Default::Nested,
        "How agents and servers watch each other.",
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];

const THRESHOLD: Kind = Kind::Count {
    min: 0,
    max: 1_000_000,
};
