//! `gossip`: how the instances of a service watch each other.

use super::{
    Default, Key, Kind, LENGTH, POSITIVE, Shorthand, TableSpec, Tag, Variant, key, optional,
};

/// `[service.NAME.gossip]`.
pub static GOSSIP: TableSpec = TableSpec {
    what: "gossip",
    doc: "The instances watch each other, as members of a cluster.",
    tag: Some(Tag {
        key: "profile",
        default: Some("memberlist_lan"),
        doc: "The protocol with its defaults: SWIM of the paper, or hashicorp/memberlist \
              (Lifeguard) as Consul uses it within and between data centers.",
    }),
    keys: &[
        optional(
            "with",
            Kind::List(&Kind::Name),
            "Other services whose instances are members of the same cluster.",
        ),
        PHASE,
        RETRY,
        BUFFER,
        ORDER,
    ],
    variants: &[SWIM, MEMBERLIST_LAN, MEMBERLIST_WAN],
    shorthand: Some(Shorthand::Tag),
};

/// `[registry.gossip]`.
pub static REGISTRY_GOSSIP: TableSpec = TableSpec {
    what: "gossip",
    doc: "How the agents and the servers of a registry watch each other.",
    tag: Some(Tag {
        key: "profile",
        default: Some("memberlist_lan"),
        doc: "The profile of hashicorp/memberlist (Lifeguard) from which the defaults are.",
    }),
    keys: &[PHASE, RETRY, BUFFER, ORDER],
    variants: &[MEMBERLIST_LAN, MEMBERLIST_WAN],
    shorthand: Some(Shorthand::Tag),
};

const SWIM: Variant = Variant {
    name: "swim",
    doc: "SWIM as in the paper: updates ride on probes and answers (Das, Gupta, Motivala 2002).",
    keys: &[
        key(
            "probe_interval",
            POSITIVE,
            Default::Toml("\"2s\""),
            "The protocol period; that of the paper's measurements.",
        ),
        key(
            "probe_timeout",
            POSITIVE,
            Default::Computed("probe_interval / 4; the paper goes by round-trip times"),
            "Without an ACK for this long others are asked to probe.",
        ),
        checks("1"),
        key(
            "suspicion_mult",
            MULT,
            Default::Toml("3"),
            "Suspicions last this many periods times log(n + 1), rounded up; 0: no suspicion, who \
             does not answer is taken for dead.",
        ),
        key(
            "retransmit_mult",
            RETRANSMIT,
            Default::Toml("3"),
            "Each member passes an update on this many times, times log(n + 1), rounded up.",
        ),
        key(
            "log_base",
            Kind::Number {
                min: 1.0,
                above: true,
                max: 1_000.0,
            },
            Default::Toml("2.718281828459045"),
            "Base of these logarithms, which the paper does not name; ours.",
        ),
        tcp_timeout("\"10s\""),
    ],
};

const MEMBERLIST_LAN: Variant = Variant {
    name: "memberlist_lan",
    doc: "hashicorp/memberlist with its LAN profile, as Serf and Consul use it.",
    keys: &[
        interval("\"1s\""),
        timeout("\"500ms\""),
        checks("3"),
        suspicion("4"),
        SUSPICION_MAX,
        MEMBERLIST_RETRANSMIT,
        nodes("3"),
        gossip_interval("\"200ms\""),
        dead_time("\"30s\""),
        push_pull("\"30s\""),
        RECONNECT,
        AWARENESS,
        NO_TCP_PINGS,
        tcp_timeout("\"10s\""),
    ],
};

const MEMBERLIST_WAN: Variant = Variant {
    name: "memberlist_wan",
    doc: "hashicorp/memberlist with its WAN profile.",
    keys: &[
        interval("\"5s\""),
        timeout("\"3s\""),
        checks("3"),
        suspicion("6"),
        SUSPICION_MAX,
        MEMBERLIST_RETRANSMIT,
        nodes("4"),
        gossip_interval("\"500ms\""),
        dead_time("\"60s\""),
        push_pull("\"60s\""),
        RECONNECT,
        AWARENESS,
        NO_TCP_PINGS,
        tcp_timeout("\"30s\""),
    ],
};

const PHASE: Key = key(
    "phase",
    Kind::Phase,
    Default::Toml("\"random\""),
    "Where in its intervals each member starts.",
);

const RETRY: Key = key(
    "retry_interval",
    POSITIVE,
    Default::Toml("\"30s\""),
    "A process that started and found nobody to join tries again after this long.",
);

const BUFFER: Key = key(
    "udp_buffer_size",
    Kind::Count {
        min: 256,
        max: 65_507,
    },
    Default::Toml("1400"),
    "Bytes of the largest packet: updates ride on what has room.",
);

const ORDER: Key = key(
    "probe_order",
    Kind::Choice(&["round_robin", "random"]),
    Default::Toml("\"round_robin\""),
    "Whether each member is probed once in every pass, in a new random order, or any at any time.",
);

/// The first accuser and 11 that confirm are told apart.
const MULT: Kind = Kind::Count { min: 0, max: 13 };
const RETRANSMIT: Kind = Kind::Count {
    min: 1,
    max: 1_000_000,
};

const SUSPICION_MAX: Key = key(
    "suspicion_max_timeout_mult",
    Kind::Count { min: 1, max: 1_000 },
    Default::Toml("6"),
    "A suspicion that nobody confirms lasts this many times longer than the shortest.",
);

const MEMBERLIST_RETRANSMIT: Key = key(
    "retransmit_mult",
    RETRANSMIT,
    Default::Toml("4"),
    "Each member passes an update on this many times, times log10(n + 1), rounded up.",
);

const RECONNECT: Key = key(
    "reconnect_interval",
    LENGTH,
    Default::Toml("\"30s\""),
    "Serf's: this often a member tries to join one that it takes for dead, with a probability of \
     those dead over those alive; 0s: never, as memberlist alone.",
);

const AWARENESS: Key = key(
    "awareness_max_multiplier",
    Kind::Count { min: 1, max: 1_000 },
    Default::Toml("8"),
    "A member that doubts itself waits up to this many times longer for answers to a probe.",
);

const NO_TCP_PINGS: Key = key(
    "disable_tcp_pings",
    Kind::Bool,
    Default::Toml("false"),
    "Whether a member that does not answer is not asked over a connection as well.",
);

const fn interval(default: &'static str) -> Key {
    key(
        "probe_interval",
        POSITIVE,
        Default::Toml(default),
        "From one probe of a member to its next.",
    )
}

const fn timeout(default: &'static str) -> Key {
    key(
        "probe_timeout",
        POSITIVE,
        Default::Toml(default),
        "Without an ACK for this long others are asked to probe.",
    )
}

const fn checks(default: &'static str) -> Key {
    key(
        "indirect_checks",
        Kind::Count { min: 0, max: 100 },
        Default::Toml(default),
        "Members that are asked to probe one that does not answer.",
    )
}

const fn suspicion(default: &'static str) -> Key {
    key(
        "suspicion_mult",
        MULT,
        Default::Toml(default),
        "Suspicions last at least this many intervals times log10(n), at least 1; 0: who does not \
         answer is taken for dead.",
    )
}

const fn nodes(default: &'static str) -> Key {
    key(
        "gossip_nodes",
        Kind::Count { min: 0, max: 100 },
        Default::Toml(default),
        "Members that are sent updates at once; 0: updates only ride on other messages.",
    )
}

const fn gossip_interval(default: &'static str) -> Key {
    key(
        "gossip_interval",
        POSITIVE,
        Default::Toml(default),
        "From one sending of updates to the next, while there are any.",
    )
}

const fn dead_time(default: &'static str) -> Key {
    key(
        "gossip_to_the_dead_time",
        LENGTH,
        Default::Toml(default),
        "Who is taken for dead is still sent updates, and keeps its place, for this long.",
    )
}

const fn push_pull(default: &'static str) -> Key {
    key(
        "push_pull_interval",
        LENGTH,
        Default::Toml(default),
        "From one exchange of whole lists to the next, longer with more than 32 members; 0s: none.",
    )
}

const fn tcp_timeout(default: &'static str) -> Key {
    key(
        "tcp_timeout",
        POSITIVE,
        Default::Toml(default),
        "A connection that has not brought a list across within this time is given up.",
    )
}
