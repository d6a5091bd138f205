//! What may stand around a strategy.

use super::{Evidence, StrategyInfo};

/// The wrappers: keys of every balancer.
pub const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "subset",
        summary: "each caller sees a part of a long list",
        source: "Finagle DeterministicAperture.scala and Ring.scala (2024); SRE book, chapter 20; \
                 gRPC A68 (random_subsetting)",
        evidence: Evidence::Published("binomial load of random subsets; every round covers all"),
        guarantee: "deterministic_aperture: all instances are seen alike by all callers together, \
                    with parts of weights at the ends of a slice; deterministic: each full round \
                    of callers covers each instance once; random: load is binomial. The order of \
                    instances follows hashes of their paths",
        cost: "O(n log n) for each new list, nothing for each pick",
        use_when: "there are so many instances that connections to all of them cost too much",
        avoid_when: "a subset is so small that one slow instance is a large part of it; and an \
                     aperture with a strategy that ignores weights (random, round_robin)",
    },
    StrategyInfo {
        name: "priority",
        summary: "levels of groups; a level takes over what the one before cannot",
        source: "Envoy load_balancer_impl.cc (1.39)",
        evidence: Evidence::Published("72 % healthy -> 100/0, 71 % -> 99/1, 50 % -> 70/30"),
        guarantee: "whole per cent, rounded down, the rest to the first healthy level; a level \
                    whose healthy share is below the panic threshold uses all its instances, but \
                    only while all levels together cannot take everything; suspected and ejected \
                    instances are unhealthy. Each level has a strategy of its own",
        cost: "O(levels)",
        use_when: "a second site stands by",
        avoid_when: "instances run above 1 / overprovisioning_factor of their capacity: a level \
                     that keeps its requests after losing instances is then overloaded",
    },
    StrategyInfo {
        name: "zone_aware",
        summary: "requests stay in the zone of their caller as far as it has its share",
        source: "Envoy load_balancer_impl.cc (1.39, regenerateLocalityRoutingStructures)",
        evidence: Evidence::SourceReading("Envoy 1.39; the example of its own comment"),
        guarantee: "only in the first level, with at least two zones and min_size healthy \
                    instances; parts of 10,000, rounded down; the callers of a zone are counted \
                    as configured, alive or not. Each zone has a strategy of its own",
        cost: "O(zones)",
        use_when: "crossing zones costs time or money",
        avoid_when: "callers are spread over zones otherwise than instances, or few: it evens out \
                     numbers of instances, not load",
    },
    StrategyInfo {
        name: "backup",
        summary: "groups that are used only while the others have no instance left",
        source: "nginx ngx_http_upstream_round_robin.c (backup)",
        evidence: Evidence::SourceReading("nginx 1.31; all backup servers share the requests"),
        guarantee: "the first group with an instance that is neither left out nor tried by the \
                    call serves; HAProxy without allbackups would use one backup server only",
        cost: "O(n) while instances are left out, otherwise O(1)",
        use_when: "something lesser can answer when nothing else can, such as a static page",
        avoid_when: "the backup must carry the load for long and is never tried before",
    },
    StrategyInfo {
        name: "slow_start",
        summary: "the weight of an instance that is new to a caller grows",
        source: "Envoy applySlowStartFactor; Dubbo AbstractLoadBalance; HAProxy \
                 server_recalc_eweight",
        evidence: Evidence::Published("window 60 s: 6 s .10, 30 s .5; Dubbo 60 s of 10 min -> 10"),
        guarantee: "envoy: from the moment it is a candidate, (t / window)^(1 / aggression), at \
                    least weight_min, in 256 steps; an ejection that ends starts nothing. dubbo: \
                    by the age of the process, whole weights. haproxy: sixteenths by whole \
                    seconds. Nobody is new at the start of a run",
        cost: "O(n) for each step while anything is new",
        use_when: "a cold instance is slow: caches, compilers, connection pools",
        avoid_when: "the strategy ignores weights (random, round_robin), or all instances start \
                     at once: weights are relative",
    },
    StrategyInfo {
        name: "ejection",
        summary: "instances at which attempts fail are left out for a while",
        source: "Envoy outlier_detection_impl.cc (1.39); gRPC A50 and grpc-go outlierdetection; \
                 nginx ngx_http_upstream_round_robin.c; Finagle FailureAccrualPolicy (2024)",
        evidence: Evidence::Recorded(
            "nginx 1.22.1 (nginx-fail-refused, nginx-fail-blackhole), Envoy 1.39.3 \
             (envoy-outlier-health); gRPC and Finagle by source reading",
        ),
        guarantee: "envoy_outlier: failures in a row at once, rates on sweeps; taken back only on \
                    sweeps; never more than ejected_ratio_max, which is nobody of fewer than ten \
                    at 10 %; changes within update_merge_window reach picks together. \
                    grpc_outlier: only sweeps, at least one, may pass the largest share. \
                    nginx_max_fails: whole seconds, one live probe; a single server is never off; \
                    nothing is picked while all are off; weights of smooth_weighted_round_robin \
                    fall by weight div fail_count_max. finagle_accrual: one probe; picks among \
                    all where all are dead",
        cost: "O(n) for each sweep or while instances are left out, otherwise O(log n)",
        use_when: "callers see failures that the registry does not: partitions, gray failures",
        avoid_when: "errors come from requests and not from instances, or there are few instances: \
                     capacity is lost where it is needed",
    },
];
