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
        guarantee: "counts of two candidates differ by at most one while the view stands still; \
                    each caller has its own turn, which survives changes of the view; \
                    random_start draws where it begins",
        cost: "O(1)",
        use_when: "requests are idempotent and alike, servers are equal, callers are few",
        avoid_when: "requests are of very different sizes, or there are so many callers that \
                     their turns add up to random",
    },
];
