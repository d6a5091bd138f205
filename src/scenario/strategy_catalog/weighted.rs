//! Strategies that pick by weight and know nothing of load.

use super::{Evidence, StrategyInfo};

/// Strategies that pick by weight.
pub const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "weighted_random",
        summary: "in proportion to the weights, each pick for itself",
        source: "textbook; alias method: Walker 1977, Vose 1991",
        evidence: Evidence::Published("multinomial shares, chi-squared (theory tests)"),
        guarantee: "each candidate with a probability in proportion to its weight, by both \
                    methods, from other random numbers; no state, no ties; a retry draws from \
                    the weights of the rest",
        cost: "O(log n); O(1) with `method = \"alias\"`",
        use_when: "requests are idempotent and servers are unequal; many callers, who need not \
                   agree",
        avoid_when: "bursts hurt: the same server may be picked several times in a row \
                     (smooth_weighted_round_robin)",
    },
    StrategyInfo {
        name: "smooth_weighted_round_robin",
        summary: "in proportion to the weights, spread evenly",
        source: "nginx 1.22.1, ngx_http_upstream_round_robin.c, weights that do not fall",
        evidence: Evidence::Recorded("nginx 1.22.1, nginx-wrr.json"),
        guarantee: "with whole weights of sum W, any W picks in a row hold each candidate exactly \
                    by its weight; ties go to the first in order of path; tried candidates gain \
                    nothing; newcomers begin at 0; weights are rounded to 2^-24",
        cost: "O(distinct weights); O(log n) more after a retry or a change",
        use_when: "servers are unequal and requests alike; few callers",
        avoid_when: "there are many callers: each begins with the heaviest, so they gang up on \
                     it until their turns drift apart",
    },
    StrategyInfo {
        name: "nginx_round_robin",
        summary: "smooth weighted round robin whose weights fall on failure",
        source: "nginx 1.22.1, ngx_http_upstream_round_robin.c",
        evidence: Evidence::Recorded("nginx 1.22.1, nginx-wrr.json"),
        guarantee: "as smooth_weighted_round_robin; a failure takes weight / max_fails, rounded \
                    down, and each pick gives 1 back; whole weights only; the state is that of \
                    one worker process",
        cost: "O(distinct weights + servers whose weight has fallen + log n)",
        use_when: "the question is what nginx does",
        avoid_when: "weights are below max_fails and failures should count: the division gives 0, \
                     and nothing is taken. With max_fails 1 a single failure takes all of the \
                     weight",
    },
    StrategyInfo {
        name: "edf",
        summary: "each candidate is due 1 / weight after its last pick; the earliest first",
        source: "Envoy 1.39, edf_scheduler.h; exact: draft of gRPC A31",
        evidence: Evidence::Published("sequences in exact and in double arithmetic (unit tests)"),
        guarantee: "shares by weight, in bursts; ties in order of insertion, or, exact, to the one \
                    with fewer picks and then in order of path; rounding of doubles breaks ties \
                    otherwise than fractions; a change begins the schedule anew",
        cost: "O(log n)",
        use_when: "to see the schedule of Envoy or gRPC without their random start",
        avoid_when: "there are several callers: all begin alike (envoy_round_robin)",
    },
    StrategyInfo {
        name: "envoy_round_robin",
        summary: "in turn from a random start; by earliest deadline where weights differ",
        source: "Envoy 1.39.3, ROUND_ROBIN, load_balancer_impl.cc and edf_scheduler.h",
        evidence: Evidence::Recorded("Envoy 1.39.3, envoy-rr.json"),
        guarantee: "equal weights: one after the other; else the schedule of edf after a random \
                    number of picks, anew at each change; 5, 1, 1 gives 0 0 0 0 0 1 2",
        cost: "O(1), O(log n) where weights differ",
        use_when: "the question is what Envoy does; each worker thread is a caller",
        avoid_when: "bursts hurt: five picks in a row are five requests at one server",
    },
    StrategyInfo {
        name: "haproxy_round_robin",
        summary: "positions in a window as long as the sum of the weights (FWRR)",
        source: "HAProxy 2.6.12, balance roundrobin, lb_fwrr.c",
        evidence: Evidence::Recorded("HAProxy 2.6.12, haproxy-rr.json"),
        guarantee: "shares by weight; the heavier first, then the one queued first; 5, 1, 1 gives \
                    0 0 0 1 0 0 2; a change of weight takes hold at once; a newcomer begins late \
                    in the window; weights are whole, at most 256",
        cost: "O(log n)",
        use_when: "the question is what HAProxy does",
        avoid_when: "there are more than 4095 servers: HAProxy does not take them, this does",
    },
    StrategyInfo {
        name: "haproxy_static_rr",
        summary: "in turn through a map with as many places for a server as its weight",
        source: "HAProxy 2.6.12, balance static-rr, lb_map.c",
        evidence: Evidence::Recorded("HAProxy 2.6.12, haproxy-rr.json"),
        guarantee: "one round holds each server exactly by its weight over the greatest common \
                    divisor; equal weights keep the order of path; a change makes a new map and \
                    keeps the index",
        cost: "O(1); O(sum of weights x log n) to make the map, once for equal views",
        use_when: "weights never change",
        avoid_when: "servers come and go: the order jumps with each new map, and there is no slow \
                     start",
    },
    StrategyInfo {
        name: "lvs_round_robin",
        summary: "rounds over the servers with a threshold that falls from the largest weight",
        source: "kb.linuxvirtualserver.org, Weighted Round-Robin Scheduling",
        evidence: Evidence::Published("4, 3, 2 gives AABABCABC (unit tests)"),
        guarantee: "one cycle holds each server exactly by its weight, heavy ones first; whole \
                    weights only",
        cost: "O(1) where weights are equal, O(n) where few servers are heavy",
        use_when: "the question is what LVS does",
        avoid_when: "weights are very unequal: the heavy server takes its whole surplus in a row",
    },
    StrategyInfo {
        name: "dubbo_round_robin",
        summary: "smooth weighted round robin in which a change of weight begins anew",
        source: "Apache Dubbo 3.x, RoundRobinLoadBalance",
        evidence: Evidence::SourceReading("real-systems reference, Dubbo 3.x; warm-up vectors"),
        guarantee: "as smooth_weighted_round_robin while weights stand still; each step of a \
                    warm-up takes the turn away; one that left keeps its turn for 60 s of picks; \
                    providers that a caller begins with are warm, others start when it first picks \
                    with them",
        cost: "O(n)",
        use_when: "the question is what Dubbo does",
        avoid_when: "there are many providers: each pick walks over all",
    },
    StrategyInfo {
        name: "dubbo_random",
        summary: "in proportion to weights that warm up",
        source: "Apache Dubbo 3.x, RandomLoadBalance (its default)",
        evidence: Evidence::SourceReading("real-systems reference, Dubbo 3.x; warm-up vectors"),
        guarantee: "weighted random; in the first 10 minutes the weight grows in whole steps from \
                    1; in the very millisecond of its start a provider has its full weight",
        cost: "O(log n); O(n) while a provider warms up or on a retry",
        use_when: "servers need time to get fast (just-in-time compilers, caches)",
        avoid_when: "weights are small: weight_unit 1 leaves no steps to warm up in",
    },
    StrategyInfo {
        name: "naive_weighted_random",
        summary: "a textbook mistake: draws a weight, then looks up the server by it",
        source: "textbooks and posts; kept as a warning",
        evidence: Evidence::Published(
            "closed form: the first of equal weight takes the share of \
                                       all (unit tests)",
        ),
        guarantee: "of several candidates of equal weight the first in order of path takes the \
                    share of all, the others starve",
        cost: "O(log n)",
        use_when: "never; to show the damage",
        avoid_when: "always: with equal weights one server takes everything. Take weighted_random",
    },
];
