//! What a scenario may say about Eureka.

use super::Phase;
use crate::time::SimDuration;

/// Netflix Eureka with Ribbon: leases at every server for itself, caches everywhere, no quorum.
#[derive(Clone, Debug, PartialEq)]
pub struct EurekaConfig {
    /// Leases and their end.
    pub lease: LeaseRules,
    /// What servers hand out.
    pub cache: CacheConfig,
    /// Servers that start.
    pub start: StartConfig,
    /// How servers tell each other.
    pub replication: ReplicationConfig,
    /// The client library.
    pub client: EurekaClientConfig,
    /// How long each server has been up at the start, modulo its intervals.
    pub member_phase: Phase,
}

/// Leases and their end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeaseRules {
    /// Whether a renewal adds the duration twice, as the real one does.
    pub is_doubled: bool,
    /// `eviction-interval-timer-in-ms`.
    pub eviction_interval: SimDuration,
    /// `enableSelfPreservation`.
    pub has_self_preservation: bool,
    /// `renewalPercentThreshold`, from 0 to 1.
    pub renewal_percent: f64,
    /// `renewalThresholdUpdateIntervalMs`.
    pub update_interval: SimDuration,
    /// `expectedClientRenewalIntervalSeconds`.
    pub expected_interval: SimDuration,
}

/// What servers hand out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheConfig {
    /// `shouldUseReadOnlyResponseCache`.
    pub has_read_only: bool,
    /// `responseCacheUpdateIntervalMs`.
    pub read_only_interval: SimDuration,
    /// `responseCacheAutoExpirationInSeconds`.
    pub expiry: SimDuration,
    /// What the wall clock of all servers shows at the start.
    pub wall_clock: Phase,
    /// `retentionTimeInMSInDeltaQueue`.
    pub delta_retention: SimDuration,
    /// `deltaRetentionTimerIntervalInMs`.
    pub delta_clean_interval: SimDuration,
}

/// Servers that start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartConfig {
    /// `numberRegistrySyncRetries`: rounds over the peers.
    pub sync_retries: u32,
    /// `registrySyncRetryWaitMs`.
    pub sync_retry_wait: SimDuration,
    /// `waitTimeInMsWhenSyncEmpty`.
    pub empty_wait: SimDuration,
    /// Clients that a server expects that found none at its peers: 0, or 1 with Spring Cloud.
    pub open_count: u32,
}

/// How servers tell each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplicationConfig {
    /// Most changes of one batch.
    pub batch_max: u32,
    /// How long the first change of a batch waits for others.
    pub linger: SimDuration,
    /// Until a batch is sent again that could not be delivered.
    pub retry_wait: SimDuration,
    /// Until a batch is sent again that the peer was too busy for.
    pub congestion_wait: SimDuration,
    /// `maxTimeForReplication`: older changes are dropped.
    pub age_max: SimDuration,
    /// `peerNodeConnectTimeoutMs`.
    pub connect_timeout: SimDuration,
    /// `peerNodeReadTimeoutMs`.
    pub read_timeout: SimDuration,
}

/// The client library, Ribbon included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EurekaClientConfig {
    /// `registryFetchIntervalSeconds`.
    pub fetch_interval: SimDuration,
    /// Where in its interval each client fetches first.
    pub fetch_phase: Phase,
    /// Whether clients ask for changes only.
    pub has_delta: bool,
    /// The longest interval of a task that keeps timing out, in intervals.
    pub backoff_bound: u32,
    /// `eurekaServerConnectTimeoutSeconds`.
    pub connect_timeout: SimDuration,
    /// `eurekaServerReadTimeoutSeconds`.
    pub read_timeout: SimDuration,
    /// Servers that one request tries.
    pub try_count: u32,
    /// Share of servers in quarantine at which it is lifted.
    pub quarantine_ratio: f64,
    /// How long a client keeps to one server, give or take one half.
    pub session_interval: SimDuration,
    /// Whether servers of the own zone come first.
    pub prefers_own_zone: bool,
    /// `initialInstanceInfoReplicationIntervalSeconds`.
    pub initial_registration: SimDuration,
    /// Whether a change of status registers a starting process at once.
    pub registers_on_start: bool,
    /// `shouldUnregisterOnShutdown`.
    pub unregisters: bool,
    /// `ServerListRefreshInterval`; zero: calling sides use the client's own copy.
    pub ribbon_interval: SimDuration,
    /// Until the first refresh of a process that starts.
    pub ribbon_initial: SimDuration,
    /// Where in its interval each process refreshes first.
    pub ribbon_phase: Phase,
}
