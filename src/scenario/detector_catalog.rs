//! What is said about every failure detector of a call: the text of `stormglass detectors`. The
//! parameters and their defaults are those of the schema.

use super::strategy_catalog::{Evidence, StrategyInfo};

/// What is said about one detector.
#[derive(Clone, Copy, Debug)]
pub struct DetectorInfo {
    /// Its description; the cost is that of one pair of a caller and an instance.
    pub info: StrategyInfo,
    /// The `kind` that selects it.
    pub kind: &'static str,
    /// The `form` that selects it, where its kind has several.
    pub form: Option<&'static str>,
}

/// What holds for all detectors.
pub const PATH_ADVICE: &str = "\
Checks are asked for by the caller and notice a loss of either direction; heartbeats are pushed by \
the instances and notice only that from the instance to the caller. What either sees is its path: \
bypass, a thread of its own, sees that the process runs and not that its workers are stuck; queued \
waits for a worker like a request; accept, a connection, sees only that the process is there; deep \
makes the calls of a request, too. Outlier ejection adds what the path leaves out. Without a word \
it is bypass for ping and heartbeats, accept for haproxy_check, queued for envoy_health_check. \
A call without a detector has what is left: its ejections, which are detectors with all their \
measures (`balancer.ejection`: nginx_max_fails, envoy_outlier, grpc_outlier, finagle_accrual and \
others, see `stormglass strategies ejection`), or else the states of channels that reconnect by \
themselves (`connection = { reconnect, keepalive }`, as gRPC): a reset tells at once, a silent \
host only keepalive does, after interval and timeout.";

/// All detectors.
pub const DETECTORS: &[DetectorInfo] = &[
    DetectorInfo {
        kind: "ping",
        form: None,
        info: StrategyInfo {
            name: "ping",
            summary: "asks; misses in a row make a suspicion, answers in a row end it",
            source: "textbook",
            evidence: Evidence::Published(
                "uniform detection time and runs of misses, closed forms (theory tests)",
            ),
            guarantee: "a crash is noticed between interval x (misses_max - 1) + timeout and \
                        interval x misses_max + timeout after it",
            cost: "two messages per interval; 48 bytes",
            use_when: "both directions matter, or the answer shall come from a worker",
            avoid_when: "pauses are longer than interval x misses_max, or there are very many \
                         pairs",
        },
    },
    DetectorInfo {
        kind: "haproxy_check",
        form: None,
        info: StrategyInfo {
            name: "haproxy_check",
            summary: "HAProxy's health checks: a counter between fall and rise",
            source: "HAProxy 2.6: src/check.c, srv_getinter in src/server.c",
            evidence: Evidence::Recorded(
                "HAProxy 2.6.12: time to down and up, kill and stop, tcp and http; refusals seen \
                 by clients (haproxy-check-timing, haproxy-client-view)",
            ),
            guarantee: "a refused port is down after (fall - 1) x inter to fall x inter, a server \
                        that does not answer after fall timeouts more; the first check of a new \
                        server alone decides",
            cost: "two messages per inter; 64 bytes",
            use_when: "a proxy or sidecar of HAProxy stands for the caller",
            avoid_when: "a connection says nothing about the workers: take path queued, as httpchk \
                         does",
        },
    },
    DetectorInfo {
        kind: "envoy_health_check",
        form: None,
        info: StrategyInfo {
            name: "envoy_health_check",
            summary: "Envoy's active health checks: thresholds, edge intervals, no traffic",
            source: "Envoy 1.39: health_checker_impl, HealthCheckerImplBase",
            evidence: Evidence::Recorded(
                "Envoy 1.39.3: time to unhealthy and healthy, kill and stop \
                 (envoy-active-health-check)",
            ),
            guarantee: "a refused port is unhealthy after (unhealthy_threshold - 1) to \
                        unhealthy_threshold intervals, a host that does not answer as many \
                        timeouts later, a bad answer at once; nothing is noticed within \
                        no_traffic_interval where nobody has called",
            cost: "two messages per interval; 64 bytes",
            use_when: "a proxy or sidecar of Envoy stands for the caller",
            avoid_when: "many callers check many hosts: take outlier ejection, which asks nobody",
        },
    },
    DetectorInfo {
        kind: "timeout",
        form: None,
        info: StrategyInfo {
            name: "timeout",
            summary: "suspects a fixed time after the last heartbeat",
            source: "textbook; the rule of leases",
            evidence: Evidence::Published(
                "uniform detection time and runs of lost heartbeats, closed forms (theory tests)",
            ),
            guarantee: "a crash is noticed between timeout - interval and timeout after it, plus \
                        the delay of the last heartbeat; a live instance is suspected only after \
                        floor(timeout / interval) losses in a row, a late heartbeat or a pause \
                        longer than timeout - interval",
            cost: "one message per interval; constant memory",
            use_when: "the time that a pause may take is known",
            avoid_when: "delays differ much between networks or over the day",
        },
    },
    DetectorInfo {
        kind: "chen_nfd_s",
        form: None,
        info: StrategyInfo {
            name: "chen_nfd_s",
            summary: "freshness points on a clock that both sides share",
            source: "Chen, Toueg, Aguilera, IEEE TC 51(5), 2002: NFD-S",
            evidence: Evidence::Published(
                "mistake recurrence, duration and query accuracy by the paper's theorem, \
                 recomputed (theory tests)",
            ),
            guarantee: "a crash is noticed within interval + delta, whatever the delays",
            cost: "one message per interval; constant memory",
            use_when: "clocks are synchronised well below delta, and the bound must be firm",
            avoid_when: "clocks drift: the difference eats the margin and in the end everything \
                         is suspected",
        },
    },
    DetectorInfo {
        kind: "chen_nfd_e",
        form: None,
        info: StrategyInfo {
            name: "chen_nfd_e",
            summary: "a constant margin after the estimated arrival",
            source: "Chen, Toueg, Aguilera, IEEE TC 51(5), 2002: NFD-E; the estimate as restated \
                     in IS-RR-2004-010",
            evidence: Evidence::Published(
                "its estimate by hand, and the closed form for constant delays (theory tests)",
            ),
            guarantee: "a crash is noticed within interval + alpha plus the mean delay, as far as \
                        the estimate is right; heartbeats that come out of order tell nothing",
            cost: "one message per interval; 8 bytes per heartbeat of the window",
            use_when: "clocks are not synchronised and delays change slowly",
            avoid_when: "delays jump: the mean of a long window follows late",
        },
    },
    DetectorInfo {
        kind: "bertier",
        form: None,
        info: StrategyInfo {
            name: "bertier",
            summary: "the estimate of chen_nfd_e with a margin that adapts",
            source: "Bertier, Marin, Sens, DSN 2002, from a secondary description",
            evidence: Evidence::Assumed(
                "the formula and beta, phi, gamma were not confirmed against the paper; the \
                 first margin is ours",
            ),
            guarantee: "none: on a quiet network the margin shrinks towards zero, and the first \
                        loss or late heartbeat is a mistake",
            cost: "one message per interval; 8 bytes per heartbeat of the window",
            use_when: "on a local network where seconds matter and a mistake is cheap",
            avoid_when: "heartbeats get lost, or a mistake moves data",
        },
    },
    DetectorInfo {
        kind: "phi_accrual",
        form: Some("paper"),
        info: StrategyInfo {
            name: "phi_paper",
            summary: "phi accrual with the exact normal law of the intervals",
            source: "Hayashibara, Defago, Yared, Katayama, IS-RR-2004-010",
            evidence: Evidence::Published(
                "phi and its inverse by the exact normal tail (unit and theory tests); start and \
                 smallest deviation are ours",
            ),
            guarantee: "with normal intervals a suspicion is wrong with probability 10^-threshold; \
                        it comes at mean + z x deviation, 5.61 deviations for a threshold of 8",
            cost: "one message per interval; 8 bytes per interval of the window",
            use_when: "one threshold shall do for networks with different jitter",
            avoid_when: "heartbeats get lost in bursts or processes pause: no normal law knows \
                         them",
        },
    },
    DetectorInfo {
        kind: "phi_accrual",
        form: Some("akka"),
        info: StrategyInfo {
            name: "phi_akka",
            summary: "phi accrual as Akka does it: a logistic law and an acceptable pause",
            source: "Akka 2.x, PhiAccrualFailureDetector.scala; defaults of akka-cluster, where \
                     unreachable-nodes-reaper-interval is check_interval; remote watch has \
                     threshold 10, window 200, a pause of 10s",
            evidence: Evidence::Published(
                "Akka's own test values for phi and its window (unit tests)",
            ),
            guarantee: "with its smallest deviation suspicion comes 4.52 s after the last \
                        heartbeat, of which 3 s are the pause; times are whole milliseconds; \
                        trust, too, comes back only when the caller looks",
            cost: "one message per interval (Akka: two, it asks); 8 bytes per interval of the \
                   window",
            use_when: "processes pause for seconds and a mistake is expensive",
            avoid_when: "failures must be noticed within a second; tuning threshold hardly moves \
                         the time, the pause does",
        },
    },
    DetectorInfo {
        kind: "phi_accrual",
        form: Some("cassandra"),
        info: StrategyInfo {
            name: "phi_cassandra",
            summary: "phi accrual as Cassandra does it: an exponential law of the intervals",
            source: "Apache Cassandra 4.x, FailureDetector.java",
            evidence: Evidence::SourceReading(
                "FailureDetector.java; phi and its inverse by closed form (unit and theory tests)",
            ),
            guarantee: "convicts after more than 2.303 x threshold mean intervals without news: \
                        18.42 of them with 8; intervals beyond max_interval are not recorded; \
                        after a pause of its own beyond max_local_pause nobody is convicted for \
                        that long",
            cost: "one message per interval (Cassandra: gossip, which is not modelled here); 8 \
                   bytes per interval of the window",
            use_when: "losses and pauses of many intervals are common and slow detection is fine",
            avoid_when: "clients wait for the dead meanwhile",
        },
    },
    DetectorInfo {
        kind: "gossip",
        form: Some("swim"),
        info: StrategyInfo {
            name: "swim",
            summary: "servers probe each other in turn and spread what they find out",
            source: "Das, Gupta, Motivala, SWIM, DSN 2002, with suspicion (section 4.2) and round \
                     robin (4.3); base of logarithms and the wait for an ACK are ours",
            evidence: Evidence::Published(
                "time to the first detection and false detections by the paper's formulas, \
                 epidemic rounds by an exact chain (theory tests)",
            ),
            guarantee: "the first probe of a dead member comes after 1.58 periods on average, at \
                        one given prober within 2 n - 1; about two messages per member and \
                        period, however many there are; a member that is wrongly declared dead \
                        and never hears of it stays out (the paper lets it join anew)",
            cost: "two messages per member and period; 24 bytes for every difference of a view \
                   from that of all",
            use_when: "the cluster is large and nobody should watch all",
            avoid_when: "members pause for longer than a suspicion lasts, or clients outside of \
                         the cluster must know",
        },
    },
    DetectorInfo {
        kind: "gossip",
        form: Some("memberlist_lan"),
        info: StrategyInfo {
            name: "lifeguard",
            summary: "SWIM of hashicorp/memberlist: doubts itself, and waits for confirmations",
            source: "hashicorp/memberlist: config.go, state.go, suspicion.go, awareness.go, \
                     queue.go; Dadgar, Phillips, Currey, Lifeguard, DSN-W 2018; profile \
                     memberlist_wan has the defaults between data centers",
            evidence: Evidence::Recorded(
                "Consul 1.8.7, consul-gossip-kill-n3 and consul-gossip-stop-n3 (theory tests); \
                 timeouts by memberlist's own test values (unit tests); bytes of messages are \
                 assumed",
            ),
            guarantee: "a dead member is suspected after about 1.6 + 1 intervals and dead 4 to 24 \
                        intervals later with 4 to 10 members, 8 to 48 with 100: the sooner the \
                        more confirm it; only failing probes of a member that doubts itself take \
                        longer; everybody wrongly taken for dead comes back when it hears of it",
            cost: "two messages per member and interval; for every update up to \
                   4 * ceil(log10(n + 1)) more from each member, to three members at a time; \
                   whole lists; 24 bytes for every difference of a view from that of \
                   all",
            use_when: "members are slow at times, and it matters more not to be wrong than to be \
                       quick",
            avoid_when: "a failure must be noticed within seconds",
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::schema::DETECTOR;

    #[test]
    fn every_kind_is_described_and_nothing_is_left_unsaid() {
        for variant in DETECTOR.variants {
            assert!(
                DETECTORS
                    .iter()
                    .any(|detector| detector.kind == variant.name)
            );
        }
        for DetectorInfo { info, kind, .. } in DETECTORS {
            assert!(DETECTOR.variant(kind).is_some(), "{kind} is no kind");
            let texts = [
                info.source,
                info.evidence.text(),
                info.guarantee,
                info.cost,
                info.use_when,
                info.avoid_when,
            ];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", info.name);
            assert!(info.summary.len() <= 80, "{}: {}", info.name, info.summary);
        }
    }
}
