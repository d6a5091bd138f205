//! The plain strategies.

use super::{Evidence, StrategyInfo};

/// The plain strategies.
pub const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "random",
        summary: "uniform over the candidates, each pick for itself",
        source: "textbook",
        evidence: Evidence::Published("M/M/1 per server under random splitting (theory tests)"),
        guarantee: "every candidate with the same probability; no state, no ties; weights are \
                    ignored but for 0, which drains",
        cost: "O(1)",
        use_when: "requests are idempotent and servers are equal; many callers without a view of \
                   each other",
        avoid_when: "servers are unequal (weighted_random), or waiting matters: each server \
                     is a queue of its own (M/M/1), while others may stand idle",
    },
    StrategyInfo {
        name: "round_robin",
        summary: "one after the other, in order of path",
        source: "textbook",
        evidence: Evidence::Published("Erlang arrivals at each server (theory tests)"),
        guarantee: "counts of two candidates differ by at most one while the view stands still \
                    and nothing is retried: a retry takes a turn too, passes over what was \
                    tried, and that turn is lost; each caller has its own turn, which survives \
                    changes of the view; random_start draws where it begins; random_restart \
                    draws again at every change of the view or of a connection, as gRPC, and the \
                    turn does not survive",
        cost: "O(1)",
        use_when: "requests are idempotent and alike, servers are equal, callers are few",
        avoid_when: "requests are of very different sizes, or there are so many callers that \
                     their turns add up to random",
    },
    StrategyInfo {
        name: "least_in_flight",
        summary: "the fewest attempts in flight from this caller, among all or a few sampled",
        source: "Mitzenmacher, IEEE TPDS 12 (2001) for choice_count = 2; ties after Finagle, tower",
        evidence: Evidence::Published("exact Markov chains, mean-field limits (theory tests)"),
        guarantee: "full scan: ties at random; sampled: ties go to the first sampled; weights are \
                    ignored but for 0, which drains",
        cost: "O(choice_count), or O(candidates with attempts in flight) for the full scan",
        use_when: "requests are of very different sizes, or servers differ in speed, and each \
                   caller sends much",
        avoid_when: "there are many callers that send little each: nobody sees the load, and it \
                     is almost random; or a server may fail fast: it always has the fewest in \
                     flight and draws the load to itself",
    },
    StrategyInfo {
        name: "ring",
        summary: "consistent hashing: a key's server is the next point on a circle of hashes",
        source: "Karger et al. 1997; ketama (several points per server)",
        evidence: Evidence::Published("closed forms of ownership and movement, golden rings"),
        guarantee: "a change of the servers moves no key but to or from those that changed; \
                    ownership spreads by about 1/sqrt(virtual_node_count)",
        cost: "O(log points); the ring is shared by callers with equal candidates",
        use_when: "servers keep what they know of a key: caches, shards, sessions",
        avoid_when: "keys are few or hot, or virtual_node_count is small: load is as uneven as \
                     the arcs and the keys are",
    },
    StrategyInfo {
        name: "sticky",
        summary: "a key stays with its server until that server is gone",
        source: "textbook: session affinity",
        evidence: Evidence::Assumed("follows from its definition"),
        guarantee: "a key's server stands until it is no candidate; another strategy picks the \
                    first one; a retry elsewhere leaves the key where it is",
        cost: "O(log keys)",
        use_when: "servers are stateful: what a session has done is known to its server only",
        avoid_when: "servers are stateless: old sessions stay where they are while new servers \
                     idle",
    },
    StrategyInfo {
        name: "pick_first",
        summary: "one instance until the connection to it, or an attempt, fails",
        source: "gRPC pick_first (gRFC A62 for the shuffle)",
        evidence: Evidence::Recorded("grpc 1.62: grpc-kill.json, grpc-stop_*.json"),
        guarantee: "every request of a caller goes to one instance while that works",
        cost: "O(1)",
        use_when: "there is one server, or something behind the address balances",
        avoid_when: "load must be spread: callers pile up on few servers after a rolling restart",
    },
];
