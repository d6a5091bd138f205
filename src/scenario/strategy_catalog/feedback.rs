//! Strategies that instances tell about themselves.

use super::{Evidence, StrategyInfo};

/// Strategies that instances tell about themselves.
pub const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "grpc_weighted_round_robin",
        summary: "in proportion to requests per second over utilization, as instances report them",
        source: "gRPC: gRFC A58, grpc-go balancer/weightedroundrobin (weight formula, blackout, \
                 expiration, static stride scheduler), gRFC A51 (reports out of band)",
        evidence: Evidence::SourceReading(
            "weight formula and scheduler against values worked out by hand; nothing was recorded",
        ),
        guarantee: "picks follow the weights over 65,535 rounds exactly (static stride, weights \
                    scaled to 65,535 and rounded half away from zero); fewer than two usable \
                    weights, or equal ones, are round robin from a random start; instances without \
                    a usable weight count as the mean; no ties",
        cost: "O(1) on average, O(candidates) at worst; O(candidates) for each update",
        use_when: "servers are unequal in ways that nobody configures: machine generations, noisy \
                   neighbors, and every call costs about the same",
        avoid_when: "load changes faster than reports and updates (the delay makes it swing), the \
                     run is shorter than the blackout, or utilization does not say what is \
                     scarce. Without the error penalty an instance that fails fast attracts load; \
                     with it it gets none, reports none, and is tried again as unknown after the \
                     expiration",
    },
    StrategyInfo {
        name: "prequal",
        summary: "lowest latency among instances that are not hot, from probes sent ahead of time",
        source: "Wydrowski, Kleinberg, Rumble, Archer: Load is not what you should balance, NSDI \
                 2024; asynchronous reused probes with requests in flight and latency",
        evidence: Evidence::Assumed(
            "the rules of the pool are those of the paper; its numbers (16, 3, 1, 1 s, 0.84, \
             delta 1) are unconfirmed and can all be set",
        ),
        guarantee: "no attempt waits for a probe; with fewer answers than pool_size_min a pick is \
                    random; ties: fewer in flight, then lower latency, then the older answer",
        cost: "O(pool_size), and probe_rate probes with their answers in control traffic",
        use_when: "tail latency matters, servers share machines with others, and there are many \
                   callers of which none sees the load by itself",
        avoid_when: "callers send so rarely that answers are old before they are used, or an \
                     instance may fail fast: it looks cold and draws the load to itself (the \
                     paper's guard against that is left out)",
    },
    StrategyInfo {
        name: "c3",
        summary: "lowest rank from response time, service time and the cube of the queue",
        source: "Suresh, Canini, Schmid, Feldmann: C3, NSDI 2015 (Cassandra; Elasticsearch's \
                 adaptive replica selection); its rate control is left out",
        evidence: Evidence::Published("rank formula against values worked out by hand"),
        guarantee: "the lowest R - 1/mu + (1 + o n + Q)^3 / mu of all candidates; ties at random; \
                    a candidate of which nothing is known counts as the mean of the others",
        cost: "O(candidates); replies carry queue and service time",
        use_when: "requests go to one of a few replicas whose speed changes, such as a data store",
        avoid_when: "there are thousands of candidates (every pick looks at all), or an instance \
                     may reject at once: rejections tell nothing, so it keeps its good rank",
    },
    StrategyInfo {
        name: "join_idle_queue",
        summary: "the instance that was first to say it has nothing to do, or else a random one",
        source: "Lu, Xie, Kliot, Geller, Larus, Greenberg: Join-Idle-Queue, Performance Evaluation \
                 68 (2011), random choice at both ends",
        evidence: Evidence::Published("exact Markov chains for one dispatcher (theory tests)"),
        guarantee: "no message on the path of a request; each notice goes to one caller, drawn at \
                    random; first come first picked; a notice can be stale (work came from another \
                    caller, or the instance died) and is used up by one pick",
        cost: "O(log idle); one message for each time that an instance comes to idle",
        use_when: "few dispatchers serve many servers at moderate load, and requests are short",
        avoid_when: "load is so high that hardly anybody idles (it is random then), there are so \
                     many callers that notices go where nothing is sent, or an instance may fail \
                     fast: it idles at once again",
    },
    StrategyInfo {
        name: "shortest_queue_global",
        summary: "the truly shortest queue, which no caller knows: an ideal bound",
        source: "queueing theory: join the shortest queue (Winston 1977)",
        evidence: Evidence::Published("exact Markov chains (theory tests)"),
        guarantee: "the fewest attempts in service or waiting at this instant, whoever sent them; \
                    ties at random; what is on its way does not count",
        cost: "O(candidates)",
        use_when: "as a bound to compare real strategies with: how much is left to gain",
        avoid_when: "anything is to be deployed: it looks into the instances, with no delay",
    },
];
