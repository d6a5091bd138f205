//! What a scenario may say about proxies.
//!
//! A proxy is a service whose instances forward what they get: its work is what forwarding costs,
//! and its one call is asynchronous. Each flavour sets the calling side as the real system has it.

use super::connection::ConnectionConfig;
use crate::time::SimDuration;

/// `[proxy.edge]`: what the service of that name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyConfig {
    /// Which system.
    pub flavour: Flavour,
    /// Worker processes or threads of one replica.
    pub worker_count: u32,
}

/// The system that a proxy stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Worker processes, each with its own state of the upstream unless they share a `zone`.
    Nginx,
    /// Threads that share everything.
    Haproxy,
    /// Threads with balancers of their own that share what is known of the hosts.
    Envoy,
}

impl Flavour {
    /// The name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Flavour::Nginx => "nginx",
            Flavour::Haproxy => "haproxy",
            Flavour::Envoy => "envoy",
        }
    }

    /// The version whose defaults hold.
    pub fn version(self) -> &'static str {
        match self {
            Flavour::Nginx => "1.22.1",
            Flavour::Haproxy => "2.6.12",
            Flavour::Envoy => "1.39.3",
        }
    }
}

/// How a proxy forwards, beyond what every call says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForwardConfig {
    /// Calling sides of each replica, one for each worker that keeps its state to itself.
    pub side_count: u32,
    /// Which of them takes a request.
    pub spread: Spread,
    /// Where retries go.
    pub retry_at: RetryAt,
    /// The wait before a retry that would likely fail as the attempt did: one that could not
    /// connect goes to the same server, or there is no other.
    pub turn_around: Option<SimDuration>,
    /// Threads of each calling side that have connections of their own. A request, retries
    /// included, stays with the one that took it.
    pub thread_count: u32,
    /// Which requests may use a connection that others used before.
    pub reuse: Reuse,
    /// Whether a connection that cannot be opened fails all requests that wait for one, and not
    /// only the one that it was opened for.
    pub fails_all_waiting: bool,
    /// How many idle connections each thread keeps. None: as many as there are.
    pub cache: Option<IdleCache>,
}

/// The idle connections that a worker of nginx keeps: `keepalive`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleCache {
    /// To all servers together; the one that was used longest ago is closed for another one.
    pub count_max: u32,
    /// A connection that carried so many requests is closed.
    pub request_count_max: u32,
}

/// Which requests of a proxy may use a connection that others used before: `http-reuse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// All.
    Always,
    /// All but the first one of a connection of a client, which may use one that was used again
    /// before.
    Aggressive,
    /// All but the first one of a connection of a client.
    Safe,
    /// None.
    Never,
}

/// Which worker of a proxy takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Every request comes on a connection of its own, which the kernel gives to any worker.
    Request,
    /// All requests of a node come on one connection, which stays with its worker.
    Caller,
}

/// Where the retries of a proxy go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAt {
    /// Where the balancer says.
    Picked,
    /// To the server of the attempt before.
    Same,
    /// The last one where the balancer says, those before it to the server of the first attempt.
    SameButLast,
    /// Where the balancer says while several servers are up, else as [`RetryAt::SameButLast`].
    OtherIfUp,
}

/// The connections of a proxy to what stands behind it: one request at a time, or many.
pub fn connections(
    connect_timeout: SimDuration,
    idle_timeout: Option<SimDuration>,
    is_multiplexed: bool,
) -> ConnectionConfig {
    ConnectionConfig {
        connect_timeout,
        tls_round_trips: 0,
        handshake_cpu: SimDuration::ZERO,
        is_multiplexed,
        connection_count_max: if is_multiplexed { 1 } else { u32::MAX },
        streams_max: if is_multiplexed { u32::MAX } else { 1 },
        idle_timeout,
        unacked_timeout: UNACKED_TIMEOUT,
        keepalive: None,
        reconnect: None,
        pick_per: super::connection::PickPer::Attempt,
        is_timed_from_sent: true,
    }
}

/// Linux gives a connection up after 15 retransmissions: `tcp_retries2`.
const UNACKED_TIMEOUT: SimDuration = SimDuration::from_secs(924);
