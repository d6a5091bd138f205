//! Strategies that look at the load that a caller knows of.

use super::{Evidence, StrategyInfo};

/// Strategies that look at load.
pub const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "least_loaded",
        summary: "of two distinct ones the one with fewer attempts in flight",
        source: "Finagle, p2c.scala with LeastLoaded; tower, balance/p2c with PendingRequests",
        evidence: Evidence::Published("JSQ(2) without replacement (theory tests)"),
        guarantee: "two distinct uniform draws, ties to the first; the same as least_in_flight \
                    with choice_count 2; weights play no part",
        cost: "O(1)",
        use_when: "a safe default for equal servers: half the gain of the shortest queue for two \
                   looks, and a bound on what a bad server draws",
        avoid_when: "servers are unequal, or there are many callers with few requests each",
    },
    StrategyInfo {
        name: "nginx_least_conn",
        summary: "the fewest attempts in flight in proportion to the weight",
        source: "nginx 1.22.1, ngx_http_upstream_least_conn_module.c",
        evidence: Evidence::Recorded(
            "nginx 1.22.1, nginx-least_conn_sequential.json and \
                                      nginx-policies-concurrent.json",
        ),
        guarantee: "ties by smooth weighted round robin among the tied alone, so idle servers \
                    are picked by weight; whole weights only; the state is that of one worker \
                    process",
        cost: "O(n)",
        use_when: "requests differ in length and servers in size",
        avoid_when: "a server may fail fast: it looks idle and draws up to all traffic; many \
                     workers, who each count for themselves",
    },
    StrategyInfo {
        name: "nginx_random_two",
        summary: "of two distinct draws by weight the one with fewer in flight for its weight",
        source: "nginx 1.22.1, random two least_conn, ngx_http_upstream_random_module.c",
        evidence: Evidence::Recorded("nginx 1.22.1, nginx-policies-concurrent.json"),
        guarantee: "ties go to the second: idle servers of weights 3, 2, 1 get 35, 40, 25 %; \
                    after 20 draws in vain round robin picks; whole weights only",
        cost: "O(log n)",
        use_when: "many proxies in front of the same servers",
        avoid_when: "load is low and the weights matter: ties do not follow them",
    },
    StrategyInfo {
        name: "haproxy_least_conn",
        summary: "the fewest attempts in flight in proportion to the weight",
        source: "HAProxy 2.6.12, balance leastconn, lb_fwlc.c",
        evidence: Evidence::Recorded("HAProxy 2.6.12, haproxy-rr.json"),
        guarantee: "key (in flight + 1) x 4096 / (16 x weight), rounded down, and 0 when idle; \
                    ties to the one whose key changed first, so idle servers take turns whatever \
                    their weight; weights are whole, at most 256",
        cost: "O(log n)",
        use_when: "requests are long, such as sessions",
        avoid_when: "requests are short and servers unequal: an idle server is an idle server, \
                     and weights count for nothing",
    },
    StrategyInfo {
        name: "haproxy_random",
        summary: "of several points of the ring the owner with the fewest in flight for its weight",
        source: "HAProxy 2.6, balance random, backend.c and lb_chash.c",
        evidence: Evidence::SourceReading(
            "HAProxy 2.6, get_server_rnd; the ring is that of haproxy-hash.json",
        ),
        guarantee: "independent draws, ties to the later one (newer versions take the lower \
                    request rate); shares follow the arcs of the ring, 16 points for each unit of \
                    weight, and so the weights only roughly",
        cost: "O(draw_count); 16 bytes for each of 16 points per unit of weight, shared",
        use_when: "many proxies in front of the same servers; it is the default of HAProxy 3.5",
        avoid_when: "shares must follow the weights closely at low load",
    },
    StrategyInfo {
        name: "envoy_least_request",
        summary: "of a few draws the fewest in flight; by deadline where weights differ",
        source: "Envoy 1.39.3, LEAST_REQUEST, least_request_lb.cc",
        evidence: Evidence::Recorded("Envoy 1.39.3, envoy-rr.json (idle hosts)"),
        guarantee: "equal weights: choice_count draws with replacement, ties to the first; else \
                    the schedule of envoy_round_robin by weight over (in flight + 1) to the \
                    power of active_request_bias, taken at each pick: a busy host never drains, \
                    it comes later",
        cost: "O(choice_count); O(log n) where weights differ",
        use_when: "the question is what Envoy does",
        avoid_when: "one host gets another weight for a while: the rule changes for all of them",
    },
    StrategyInfo {
        name: "envoy_random",
        summary: "uniform, whatever the weights",
        source: "Envoy 1.39.3, RANDOM",
        evidence: Evidence::Recorded("Envoy 1.39.3, envoy-rr.json"),
        guarantee: "every host with the same probability: RANDOM ignores weights",
        cost: "O(1)",
        use_when: "as random",
        avoid_when: "hosts have weights and you expect them to count",
    },
    StrategyInfo {
        name: "peak_ewma",
        summary: "of two the lower by decayed peak latency times in flight plus one",
        source: "Finagle, PeakEwma.scala; tower, load/peak_ewma.rs",
        evidence: Evidence::SourceReading("Finagle and tower; the tests of tower hold"),
        guarantee: "two distinct uniform draws, ties to the first; a latency above the cost \
                    becomes the cost at once, a lower one moves it slowly; an unknown server \
                    gets one probe (Finagle) or a default latency (tower); weights play no part",
        cost: "O(log n); O(n log n) with full_scan",
        use_when: "servers differ in speed, or one may get slow: it is left at once and taken \
                   back with care",
        avoid_when: "errors are fast: their latency counts like any, so a server that fails in 1 \
                     ms is the best one. Two choices bound that to 1 - (1 - 1/n)^2, full_scan \
                     does not",
    },
    StrategyInfo {
        name: "dubbo_least_active",
        summary: "the fewest requests in flight; ties at random by weight",
        source: "Apache Dubbo 3.x, LeastActiveLoadBalance",
        evidence: Evidence::SourceReading("real-systems reference, Dubbo 3.x"),
        guarantee: "weights count among ties only; without `actives` Dubbo counts nothing, so \
                    all tie and this is weighted random",
        cost: "O(n)",
        use_when: "the question is what Dubbo does",
        avoid_when: "`actives` is not set; a provider may fail fast",
    },
    StrategyInfo {
        name: "dubbo_shortest_response",
        summary: "the shortest mean latency of successes times in flight plus one",
        source: "Apache Dubbo 3.x, ShortestResponseLoadBalance",
        evidence: Evidence::SourceReading("Dubbo 3.x source; nothing was recorded"),
        guarantee: "whole milliseconds; means begin anew for all every 30 s; a provider without \
                    a success counts as 0 and wins; ties at random by weight",
        cost: "O(n)",
        use_when: "the question is what Dubbo does",
        avoid_when: "a provider may fail: one that never succeeds is the best of all, a black \
                     hole. A new one is flooded until its first reply",
    },
    StrategyInfo {
        name: "dubbo_adaptive",
        summary: "of two the lower load, made of CPU, latency, in flight and successes",
        source: "Apache Dubbo 3.x, AdaptiveLoadBalance and AdaptiveMetrics",
        evidence: Evidence::SourceReading("Dubbo 3.x source; nothing was recorded"),
        guarantee: "two distinct uniform draws; a provider that was not picked for two timeouts \
                    wins; each look changes the mean; ties at random by weight. the CPU \
                    load is the utilization that comes with replies, or cpu_load for all",
        cost: "O(log n)",
        use_when: "the question is what Dubbo does",
        avoid_when: "timeouts are short against the time between picks: forced picks then take \
                     over; or providers die silently: until one leaves the list it gets up to \
                     twice its share, as in Dubbo, where every look at a provider that does not \
                     reply halves its latency and only those that reply are penalized",
    },
    StrategyInfo {
        name: "brpc_locality_aware",
        summary: "at random by throughput over mean latency of the last 128 replies",
        source: "Apache brpc, locality_aware_load_balancer.{h,cpp}",
        evidence: Evidence::SourceReading("brpc source; nothing was recorded"),
        guarantee: "weights of at least 1000; errors count 1.2 times their latency, mixed with \
                    the timeout by the retries left; what is in flight for 1.5 times the mean \
                    lowers the weight; a newcomer has the mean weight; a tried server may be \
                    picked again",
        cost: "O(log n)",
        use_when: "servers differ in distance or speed",
        avoid_when: "requests are few: 128 replies for each server and caller take long to come",
    },
];
