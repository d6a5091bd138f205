//! What is said about every registry: the text of `stormglass registries`. The parameters and
//! their defaults are those of the schema.

use super::strategy_catalog::{Evidence, StrategyInfo};

/// What is said about one registry.
#[derive(Clone, Copy, Debug)]
pub struct RegistryInfo {
    /// Its description; its name is the `profile` that selects it. The cost is that of one
    /// registered instance.
    pub info: StrategyInfo,
    /// The version of the real system, and of its client; None where it is none.
    pub version: Option<&'static str>,
    /// What a heartbeat sees of the instance that sends it.
    pub path: &'static str,
}

/// What holds for all registries that bear the name of a real system.
pub const CAPACITY_ADVICE: &str = "\
The members of a real system are machines: cores with a queue before them, and a disk. Clients \
attach to a member of their own, so partitions between the two matter. What a member can do is \
assumed, not recorded: set registry.capacity to what yours do, or to zero to leave it out.";

const THREAD: &str = "bypass: heartbeats come from a thread of their own, so an instance whose \
                      workers are all stuck looks well, and one that stands still does not";

/// All registries.
pub const REGISTRIES: &[RegistryInfo] = &[
    RegistryInfo {
        version: None,
        path: "none: nobody asks whether instances live",
        info: StrategyInfo {
            name: "static",
            summary: "a list in the configuration; every instance is always listed",
            source: "ours",
            evidence: Evidence::Assumed("there is nothing to show"),
            guarantee: "no failure is noticed; scaling and weights reach all callers at once",
            cost: "nothing",
            use_when: "callers notice failures by themselves, or the question is another one",
            avoid_when: "detection is part of the question",
        },
    },
    RegistryInfo {
        version: None,
        path: THREAD,
        info: StrategyInfo {
            name: "lease",
            summary: "leases that instances renew by heartbeats; callers watch or poll",
            source: "textbook (Gray and Cheriton, SOSP 1989)",
            evidence: Evidence::Published(
                "detection times and runs of lost heartbeats, closed forms (theory tests)",
            ),
            guarantee: "a crash is noticed between lease_duration - heartbeat_interval and \
                        lease_duration after it, plus the sweep; without any member nothing \
                        expires, and then every lease starts over",
            cost: "one message per heartbeat_interval",
            use_when: "you want the principle, without the corners of one system",
            avoid_when: "the members themselves matter: they share their state at no cost, have \
                         no queues, and everybody talks to the first one that works",
        },
    },
    RegistryInfo {
        version: Some("ZooKeeper 3.8 with the Java client, or kazoo 2.11"),
        path: THREAD,
        info: StrategyInfo {
            name: "zookeeper",
            summary: "sessions that expire in buckets, ephemeral nodes, one-shot watches",
            source: "Apache ZooKeeper: ExpiryQueue, SessionTrackerImpl, LearnerSessionTracker, \
                     Leader, LearnerHandler, FastLeaderElection, ClientCnxn, StaticHostProvider",
            evidence: Evidence::Recorded(
                "ZooKeeper 3.8.0: zookeeper-expiry, zookeeper-ensemble-expiry-tick2000, \
                 zookeeper-ensemble-tick2000 (theory tests, two-sample tests at 1 %); capacity \
                 and what a leader does first after a pause are assumed",
            ),
            guarantee: "a session ends in (T, T + tick_time] after its last touch at the leader, \
                        never earlier, half a tick later through a follower; sessions of one \
                        bucket end together, a quorum write each; nothing ends without a quorum, \
                        and a new leader gives every session, dead ones too, its full timeout",
            cost: "a ping and its answer every T / 3; a touch that a follower passes on every \
                   half tick",
            use_when: "you run it: for session timeouts, deploys, leader loss and storms",
            avoid_when: "T is not well above the longest pause, or not above sync_limit x \
                         tick_time: a follower that is cut off keeps its clients for that long \
                         while the leader hears nothing of them, and their sessions end",
        },
    },
    RegistryInfo {
        version: Some("Consul 1.8 (raft 1.1, memberlist LAN); agents on all hosts, HTTP clients"),
        path: "an HTTP check asks a worker (`path`), a TCP check the kernel alone; a report of a \
               TTL check comes from a thread of its own",
        info: StrategyInfo {
            name: "consul",
            summary: "agents that check their instances, blocking queries, gossip, a quorum",
            source: "HashiCorp Consul: agent/checks, agent/local/state.go, agent/ae, agent/router, \
                     agent/consul/{client,rpc,leader}.go, api/watch/plan.go, agent/cache; raft 1.1",
            evidence: Evidence::Recorded(
                "Consul 1.8.7: consul-ttl, consul-http-check, consul-gossip-kill-n3 and -stop-n3 \
                 (theory tests, two-sample tests at 1 %); elections follow from the rules of raft \
                 and are not recorded; rpc_client_timeout, what applications do and capacity are \
                 assumed; streaming, ACLs, sessions and DNS are left out",
            ),
            guarantee: "a TTL check is critical when its time is over, never earlier; an HTTP or \
                        TCP check within interval of a crash, and interval + timeout of a hang; \
                        the change is sent at once and is on every list after one quorum write; a \
                        lost host is noticed by gossip (suspicion of 4 s and more); a critical \
                        instance stays registered, unless deregister_critical_service_after says \
                        otherwise; without a quorum nothing changes, and stale reads go on",
            cost: "checks and reports stay on the host; a full sync per agent in 1 to 2 minutes, a \
                   query per caller in 5, gossip of every host",
            use_when: "you run it: for checks, host loss, leader loss, stale and consistent reads",
            avoid_when: "a change must reach the servers for sure: one that fails with its server \
                         waits for the next full sync, up to two minutes; an agent that dies \
                         takes its host with it (`agent:` in a fault)",
        },
    },
    RegistryInfo {
        version: Some("etcd 3.4 with its Go client"),
        path: THREAD,
        info: StrategyInfo {
            name: "etcd",
            summary: "keys with leases that the leader revokes, watches that last",
            source: "etcd: server/lease/lessor.go, etcdserver, client/v3/lease.go, raft",
            evidence: Evidence::Recorded(
                "etcd 3.4.23: etcd-lease (theory tests, two-sample tests at 1 %); raft's votes \
                 are not played out one by one, and request_timeout and capacity are assumed",
            ),
            guarantee: "a lease ends in [TTL, TTL + revoke_interval] after its last keepalive \
                        plus one quorum write, of which 16 are under way at once; TTLs are whole \
                        seconds, at least 1.5 election timeouts; a new leader gives every lease \
                        its full time (or what its checkpoint says) and an election timeout more",
            cost: "a keepalive and its answer per TTL / 3, rounded up to the client's next look; \
                   a hop more through a follower",
            use_when: "you run it: for TTLs, leader loss and mass expiry",
            avoid_when: "callers may be cut off from their member for long: the client library \
                         notices nothing without keepalives of its own, which are not modelled",
        },
    },
    RegistryInfo {
        version: Some("Netflix Eureka 2.x, its Java client, and Ribbon"),
        path: THREAD,
        info: StrategyInfo {
            name: "eureka",
            summary: "leases at every server for itself, caches everywhere, no quorum",
            source: "Netflix Eureka: Lease, AbstractInstanceRegistry, \
                     PeerAwareInstanceRegistryImpl, ResponseCacheImpl, PeerEurekaNode, \
                     DiscoveryClient, RetryableEurekaHttpClient; Ribbon: PollingServerListUpdater",
            evidence: Evidence::Published(
                "thresholds and tolerated crashes; the stale window against the law of its five \
                 stages (theory tests, level 1 %); a server counts the clients that it expects in \
                 its own registry instead of a peer's; capacity is assumed",
            ),
            guarantee: "a renewed lease ends 2 x lease_duration after its last renewal, at the \
                        next eviction: callers stop 150 to 330 s after a crash; of n <= 6 \
                        instances none is ever removed, of more at most the tolerated share; \
                        one that cancels is gone within 90 s; reads never wait",
            cost: "a renewal per 30 s, passed on to every peer in batches; a fetch per client and \
                   30 s",
            use_when: "you run it, or callers must have a list whatever happens to the registry",
            avoid_when: "callers neither retry nor notice failures themselves: stale entries stay \
                         for minutes",
        },
    },
    RegistryInfo {
        version: Some("Nacos 2.x with clients that beat (1.x protocol) or have connections (2.x)"),
        path: THREAD,
        info: StrategyInfo {
            name: "nacos",
            summary: "beats to a responsible server; unhealthy, then removed; lists are pushed",
            source: "Alibaba Nacos: ClientBeatCheckTask, BeatReactor, HostReactor, PushDelayTask, \
                     ServiceUtil; RpcClient, NacosRuntimeConnectionEjector, NamingGrpcRedoService",
            evidence: Evidence::Published(
                "times of unhealthiness and removal against the law of their stages (theory \
                 tests, level 1 %); how servers share and tell each other their work is assumed, \
                 as are push_timeout, request_timeout, capacity, and how soon clients with \
                 connections come back (redo_interval, synced_client_timeout)",
            ),
            guarantee: "an instance is no longer listed when it has been silent for beat_timeout, \
                        at the next look and push: 10 to 20 s after a crash, and half a second; \
                        with no larger share of healthy ones than protect_threshold all are \
                        listed; one with a connection is gone half a second after a reset, and \
                        20 to 28 s after its host or its process falls silent",
            cost: "a beat and its answer per 5 s, and one hop more unless it meets the responsible \
                   server",
            use_when: "you run it: for beats, pauses, protection, and connections that end",
            avoid_when: "persistent instances matter: they are left out",
        },
    },
    RegistryInfo {
        version: Some("RFC 1035 and those after it; health checks as of Amazon Route 53"),
        path: "bypass: instances send none; a check sees the process, not its workers",
        info: StrategyInfo {
            name: "dns",
            summary: "records with a time to live, in caches, and health checks at the zone",
            source: "RFC 1034, 1035, 1996, 2136, 2308, 8767; resolv.conf(5); Route 53 developer \
                     guide; gRPC DNS resolver",
            evidence: Evidence::Published(
                "the share of callers that still use an old address, and the times of checks, \
                 against closed forms (dns_ttl_drain, probe_detection, theory tests); there is \
                 no one system: delays, refreshes, retries and capacity are assumed",
            ),
            guarantee: "a dead instance leaves the zone between (threshold - 1) and threshold \
                        check intervals after it stops answering, plus the timeout where nobody \
                        refuses; after t of ttl a share of 1 - t / ttl still uses the old \
                        answer, and nobody longer than ttl, or client_ttl on top of that where \
                        a resolver is shared; a cache without an end never learns of it",
            cost: "a query and its answer per process, name and ttl; a check per instance and \
                   interval",
            use_when: "callers find servers by name: for TTLs, caches, JVMs and gRPC clients",
            avoid_when: "seconds matter: no cache is told of a change",
        },
    },
    RegistryInfo {
        version: Some("Kubernetes 1.31, its members with etcd 3.5 each"),
        path: "queued: a probe waits for a worker, as httpGet does; probe_path says otherwise",
        info: StrategyInfo {
            name: "kubernetes",
            summary: "kubelets probe instances and renew leases of nodes; endpoints are watched",
            source: "Kubernetes: kubelet prober, PLEG and status manager, node lifecycle and \
                     endpoint slice controllers, leader election, kube-proxy's bounded frequency \
                     runner, reflectors; etcd",
            evidence: Evidence::Published(
                "times of probes, of crashes and of lost hosts against the laws of their stages \
                 (probe_detection and closed forms, theory tests); request_timeout, capacity, and \
                 how a kubelet learns that it was marked not ready are assumed; syncPeriod, after \
                 which kube-proxy repeats a sync that failed, has no effect: none fails here",
            ),
            guarantee: "an instance that hangs is not ready (failure_threshold - 1) x period + \
                        timeout to failure_threshold x period + timeout later, one whose process \
                        died within relist_period; a lost host node_monitor_grace_period less a \
                        renewal to a node_monitor_period more; without a quorum nothing changes",
            cost: "a probe per period, which stays on its host; a lease that a quorum writes per \
                   10 s and host; a message per watcher and change",
            use_when: "you run it: for probes, lost hosts, deploys and the control plane's loss",
            avoid_when: "instances are found by DNS names of their own: take dns; or a host is \
                         away for more than tolerationSeconds (300 s) and comes back: its pods \
                         would be deleted and others take their place, which is left out; write \
                         `replace` into the fault. Endpoints are the same until then, since \
                         those pods are not ready already",
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::schema::REGISTRY;

    #[test]
    fn every_profile_is_described_once() {
        let described: Vec<&str> = REGISTRIES.iter().map(|r| r.info.name).collect();
        let known: Vec<&str> = REGISTRY.variants.iter().map(|v| v.name).collect();
        assert_eq!(described, known);
    }
}
