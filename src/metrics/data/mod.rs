//! The numbers of one run: plain data, units in the names.
//!
//! `Option` means that the number does not exist for this run (nothing was observed, or too little
//! for an honest value); it is never replaced by zero. Indices of entities are their place in the
//! tables of the scenario.

pub mod attempts;
pub mod cache;
pub mod class;
pub mod connection;
pub mod detection;
pub mod distribution;
pub mod fault;
pub mod flow;
pub mod member;
pub mod membership;
pub mod replication;
pub mod request;
pub mod resilience;
pub mod sample;
pub mod selection;
pub mod series;
pub mod server;
pub mod service;
pub mod timeline;

use attempts::SeveralMetrics;
use cache::CacheMetrics;
use connection::ConnectionMetrics;
use detection::DetectorMetrics;
use fault::FaultMetrics;
use flow::{BreakdownMetrics, FallbackMetrics};
use member::{GossipMetrics, MemberMetrics};
use membership::MembershipHistory;
use request::RequestMetrics;
use resilience::ResilienceMetrics;
use sample::Sample;
use selection::EdgeMetrics;
use serde::Serialize;
use series::Series;
use service::ServiceMetrics;
use timeline::Timelines;

/// The numbers of one run.
#[derive(Clone, Debug, Serialize)]
pub struct RunMetrics {
    /// Fingerprint of the sequence of handled events.
    pub digest: u64,
    /// Handled events.
    pub event_count: u64,
    /// When the run ended, the drain included.
    pub ended_at_secs: f64,
    /// Start of the measured window: the end of warm-up.
    pub measured_start_secs: f64,
    /// End of the measured window: the duration of the scenario.
    pub measured_end_secs: f64,
    /// Every request of the whole run, warm-up and drain included, is in exactly one place.
    pub conservation: Conservation,
    /// Requests of clients.
    pub requests: RequestMetrics,
    /// By service.
    pub services: Vec<ServiceMetrics>,
    /// By call edge: which instances were picked.
    pub edges: Vec<EdgeMetrics>,
    /// Failure detectors: the registry for each service with leases, then every call edge that
    /// pings.
    pub detectors: Vec<DetectorMetrics>,
    /// By fault.
    pub faults: Vec<FaultMetrics>,
    /// What changes of candidates moved, by edge that balances by key and had some.
    pub memberships: Vec<MembershipHistory>,
    /// Calls and services that protect themselves.
    pub resilience: Vec<ResilienceMetrics>,
    /// Messages that are not requests, by kind, in the order of the kinds; kinds that were never
    /// sent are left out.
    pub control: Vec<ControlMetrics>,
    /// Messages of each member of the registry; empty where it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registry_members: Vec<MemberMetrics>,
    /// Messages of the members of each cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gossip_members: Vec<GossipMetrics>,
    /// Parts of the latency of every client and call; empty where latencies are not split.
    pub breakdowns: Vec<BreakdownMetrics>,
    /// Optional calls.
    pub fallbacks: Vec<FallbackMetrics>,
    /// Hedging, cluster modes, deadlines and cancellations; None where calls are plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub several: Option<SeveralMetrics>,
    /// By call edge with connections.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionMetrics>,
    /// Caches, those of calls first; empty where nothing has one.
    pub caches: Vec<CacheMetrics>,
    /// What happened when.
    pub series: Series,
    /// True and believed states of instances.
    pub timelines: Timelines,
    /// Some single requests and attempts; not written to files of numbers.
    #[serde(skip)]
    pub sample: Sample,
    /// Everything that [`crate::metrics::evaluate`] needs for scopes and phases that are not
    /// spelled out above; not written to files.
    #[serde(skip)]
    pub tables: crate::metrics::table::Tables,
}

/// Where the requests of the whole run went:
/// `arrived = succeeded + failed + timed_out + rejected + in_flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conservation {
    /// Requests that arrived.
    pub arrived_count: u64,
    /// Requests that succeeded.
    pub succeeded_count: u64,
    /// Requests that failed.
    pub failed_count: u64,
    /// Requests whose time ran out.
    pub timed_out_count: u64,
    /// Requests that were turned away: by a full queue or a limit, or by the caller itself.
    pub rejected_count: u64,
    /// Requests without an outcome at the end of the run.
    pub in_flight_count: u64,
}

/// Messages of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlMetrics {
    /// `heartbeat`, `ping`, `ack`, `notification`, `poll`, `poll_reply`.
    pub kind: &'static str,
    /// Messages sent in the measured window.
    pub message_count: u64,
    /// Messages per second of the measured window.
    pub message_rate_per_sec: f64,
    /// Bytes of one message: an assumption, see [`crate::metrics::control::byte_count`].
    pub message_byte_count: u64,
    /// Bytes per second of the measured window.
    pub byte_rate_per_sec: f64,
}
