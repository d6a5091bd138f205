//! What is said about every flavour of a proxy: the text of `stormglass proxies`. The parameters
//! and their defaults are those of the schema.

use super::strategy_catalog::{Evidence, StrategyInfo};

/// What holds for all of them.
pub const PROXY_ADVICE: &str = "\
Clients call a proxy by its name in place of that of the service; faults name it `proxy:edge`, a \
replica `proxy:edge[1]`. Its workers are busy for processing_time (assumed, not recorded), not \
while a server works. What kills a replica kills all its workers. Class, key, bytes and, where the \
client's call has deadline_propagation, the deadline pass through; a full queue behind it is one \
for the client, every other failure is an error reply. Not modelled: buffers, reply bytes on the \
worker, several connections that share an idle limit.";

/// All flavours, by the `kind` that selects them. The cost is that of one request.
pub const PROXIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "nginx",
        summary: "worker processes, each with its own state; passive checks; next server",
        source: "nginx 1.22.1, ngx_http_upstream.c and ngx_http_upstream_round_robin.c",
        evidence: Evidence::Recorded(
            "nginx 1.22.1, nginx-fail-refused.json and nginx-fail-blackhole.json: every list of \
             tried backends; nginx-wrr.json",
        ),
        guarantee: "each worker turns a server off after max_fails failures for fail_timeout, in \
                    whole seconds, and probes it with one live request, so a dead server is tried \
                    by every worker for itself; with upstream_zone by one for all; servers are \
                    tried once each; what is not idempotent is not sent twice; a client that goes \
                    away ends the request behind it, if its call cancels; each worker keeps up to \
                    keepalive idle connections, to all servers together, and closes the one that \
                    was used longest ago for another one",
        cost: "processing_time, and a connection for every request without keepalive",
        use_when: "the question is what nginx does, or what many workers cost",
        avoid_when: "active checks are part of the question (nginx Plus): write a detector",
    },
    StrategyInfo {
        name: "haproxy",
        summary: "threads that share all state; active checks; a line before full servers",
        source: "HAProxy 2.6.12, backend.c, check.c, queue.c; defaults of Debian's haproxy.cfg",
        evidence: Evidence::Recorded(
            "HAProxy 2.6.12, haproxy-client-view.json, haproxy-check-timing.json, haproxy-rr.json; \
             the line: Erlang C",
        ),
        guarantee: "a server is down after fall failures; until then a request that cannot \
                    connect tries it again, whatever its checks say meanwhile, one \
                    timeout_connect, at most 1 s, after each that was refused, and fails with the \
                    last of the retries; with redispatch the last one goes elsewhere, with \
                    roundrobin all do, at once, while several are up; maxconn keeps others in \
                    line, first come first served, for timeout_queue; with http_reuse safe the \
                    first request of a client's connection opens one of its own",
        cost: "processing_time; a check of every server by every replica",
        use_when: "the question is what HAProxy does, or what a bound before servers is worth",
        avoid_when: "a server must be given up at its first failure: checks take seconds",
    },
    StrategyInfo {
        name: "envoy",
        summary: "threads that pick for themselves; shared hosts; circuit breakers",
        source: "Envoy 1.39.3, load_balancer_impl.cc, conn_pool_base.cc, retry_state_impl.cc",
        evidence: Evidence::Recorded(
            "Envoy 1.39.3, envoy-rr.json; checks and outlier detection: \
             envoy-active-health-check.json, envoy-outlier-health.json; max_requests: Erlang B",
        ),
        guarantee: "every request is taken by one of the threads, any with equal probability, and \
                    stays with it, retries too; each thread picks for itself and has connections \
                    of its own; requests at hosts, health, ejections and circuit breakers are \
                    those of the process; a cluster panics below half of its hosts; nothing is \
                    retried unless retry_on says so",
        cost: "processing_time, and up to concurrency times the connections",
        use_when: "the question is what Envoy does, or what outlier detection is worth",
        avoid_when: "a client's connection must stay with one thread: every request is drawn anew",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::schema::PROXY;

    #[test]
    fn every_flavour_is_described_and_nothing_is_left_unsaid() {
        let names: Vec<&str> = PROXIES.iter().map(|proxy| proxy.name).collect();
        let kinds: Vec<&str> = PROXY.variants.iter().map(|kind| kind.name).collect();
        assert_eq!(names, kinds);
        for info in PROXIES {
            assert!(info.summary.len() <= 80, "{}: {}", info.name, info.summary);
        }
    }
}
