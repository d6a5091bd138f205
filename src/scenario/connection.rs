//! What a scenario may say about connections.

use crate::time::SimDuration;

/// `[client.shop.call.web.connection]`: how a calling side connects to instances.
///
/// Without this table a call has no connections: every attempt travels on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionConfig {
    /// How long a connection may take to open, apart from the timeout of an attempt.
    pub connect_timeout: SimDuration,
    /// Round trips after the one of TCP until data may be sent. The process of the instance answers
    /// them; for gRPC the last one is the settings of HTTP/2.
    pub tls_round_trips: u8,
    /// Worker time of a handshake. The worker that takes up the first attempt of a connection
    /// spends it before that attempt's own work.
    pub handshake_cpu: SimDuration,
    /// Whether one connection carries many attempts at once.
    pub is_multiplexed: bool,
    /// Connections that a calling side holds to one instance.
    pub connection_count_max: u32,
    /// Attempts that one connection carries at once: 1 unless it is multiplexed.
    pub streams_max: u32,
    /// The caller closes a connection that was idle for this long. None: never.
    pub idle_timeout: Option<SimDuration>,
    /// The caller gives up a connection whose peer acknowledged nothing for this long.
    pub unacked_timeout: SimDuration,
    /// Pings on the connection.
    pub keepalive: Option<KeepaliveConfig>,
    /// What follows the loss of a connection. None: the next attempt that needs one opens it.
    pub reconnect: Option<ReconnectConfig>,
    /// What the balancer picks for.
    pub pick_per: PickPer,
    /// Whether the timeout of an attempt begins when its bytes leave, and not with the pick.
    pub is_timed_from_sent: bool,
}

/// Pings on a connection that the peer's process answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepaliveConfig {
    /// A ping follows when nothing was read for this long.
    pub interval: SimDuration,
    /// The connection is given up when the answer takes longer.
    pub timeout: SimDuration,
    /// Whether a connection without attempts in flight is pinged too, also in the last round trip
    /// of its handshake after the one of TCP.
    pub without_streams: bool,
}

/// Back-off between attempts to connect (gRPC, connection-backoff.md): the n-th wait is
/// `min(initial factor^(n-1), max)` times `1 +- jitter`, from the start of the attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReconnectConfig {
    /// The first wait, before jitter.
    pub initial: SimDuration,
    /// Growth of the wait.
    pub factor: f64,
    /// Longest wait, before jitter.
    pub max: SimDuration,
    /// Half-width of the jitter as a share of the wait.
    pub jitter_ratio: f64,
    /// An attempt to connect lasts at least this long, if it is not refused.
    pub connect_timeout_min: SimDuration,
}

/// What a balancer picks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickPer {
    /// For every attempt; each instance has connections of its own.
    Attempt,
    /// For every connection that is opened, as a layer-4 balancer does; attempts take any open
    /// one.
    Connection,
}

/// `[service.web.connection]`: how instances treat the connections that they accept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AcceptConfig {
    /// An instance closes a connection that was idle for this long. None: never.
    pub idle_timeout: Option<SimDuration>,
    /// An instance closes a connection gracefully at this age. None: never.
    pub age_max: Option<SimDuration>,
    /// Half-width of the jitter of that age, as a share of it.
    pub age_jitter_ratio: f64,
    /// Connections that may wait while the process stands still; more are not answered.
    pub backlog_max: u32,
}

impl Default for AcceptConfig {
    fn default() -> Self {
        AcceptConfig {
            idle_timeout: None,
            age_max: None,
            age_jitter_ratio: 0.1,
            backlog_max: 128,
        }
    }
}
