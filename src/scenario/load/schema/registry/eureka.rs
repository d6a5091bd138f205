//! Keys of `profile = "eureka"`. Defaults are those of Netflix Eureka and Ribbon (2.x).

use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key};
use super::system::{CAPACITY_KEY, ENTRY_SIZE, MESSAGE_SIZE};
use super::{MEMBERS, ZONES};

const fn length(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(name, POSITIVE, Default::Toml(default), doc)
}

const fn phase(name: &'static str, doc: &'static str) -> Key {
    key(name, Kind::Phase, Default::Toml("\"random\""), doc)
}

const fn flag(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(name, Kind::Bool, Default::Toml(default), doc)
}

const fn count(name: &'static str, min: u64, default: &'static str, doc: &'static str) -> Key {
    let kind = Kind::Count {
        min,
        max: 1_000_000,
    };
    key(name, kind, Default::Toml(default), doc)
}

pub(super) const KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    length(
        "lease_duration",
        "\"90s\"",
        "leaseExpirationDurationInSeconds, which the instance declares.",
    ),
    length(
        "renewal_interval",
        "\"30s\"",
        "leaseRenewalIntervalInSeconds: time between heartbeats, on the instance's clock.",
    ),
    phase(
        "phase",
        "Where in its renewal interval each instance starts.",
    ),
    flag(
        "doubled_lease",
        "true",
        "Whether a renewal adds the duration twice, as Eureka does: 180 s for 90 s.",
    ),
    length(
        "eviction_interval",
        "\"60s\"",
        "evictionIntervalTimerInMs: time between the ends of leases.",
    ),
    flag(
        "self_preservation",
        "true",
        "enableSelfPreservation: nothing ends while renewals are too few.",
    ),
    key(
        "renewal_percent_threshold",
        Kind::Ratio,
        Default::Toml("0.85"),
        "Share of the expected renewals that must be exceeded, and of the leases that stay.",
    ),
    length(
        "threshold_update_interval",
        "\"15m\"",
        "renewalThresholdUpdateIntervalMs: how often the expected renewals are counted anew.",
    ),
    length(
        "expected_renewal_interval",
        "\"30s\"",
        "expectedClientRenewalIntervalSeconds, from which the expected renewals follow.",
    ),
    flag(
        "use_read_only_cache",
        "true",
        "shouldUseReadOnlyResponseCache: a second cache, which follows on a timer.",
    ),
    length(
        "read_only_cache_interval",
        "\"30s\"",
        "responseCacheUpdateIntervalMs: at multiples of it on the wall clock.",
    ),
    length(
        "response_cache_expiry",
        "\"180s\"",
        "responseCacheAutoExpirationInSeconds; every change empties the first cache as well.",
    ),
    phase(
        "wall_clock_phase",
        "What the wall clock of all servers shows at the start; aligned: midnight.",
    ),
    length(
        "delta_retention",
        "\"3m\"",
        "retentionTimeInMSInDeltaQueue: how long changes can be fetched.",
    ),
    length(
        "delta_clean_interval",
        "\"30s\"",
        "deltaRetentionTimerIntervalInMs: how often older changes are dropped.",
    ),
    count(
        "sync_retries",
        0,
        "5",
        "numberRegistrySyncRetries: rounds over its peers of a server that starts.",
    ),
    length(
        "sync_retry_wait",
        "\"30s\"",
        "registrySyncRetryWaitMs: time between two rounds.",
    ),
    key(
        "empty_wait",
        LENGTH,
        Default::Toml("\"5m\""),
        "waitTimeInMsWhenSyncEmpty: how long a server that found nothing hands out nothing.",
    ),
    count(
        "open_for_traffic_count",
        0,
        "0",
        "Clients that a server expects that found none at its peers; Spring Cloud: 1.",
    ),
    count(
        "replication_batch",
        1,
        "250",
        "Most changes that one message to a peer carries.",
    ),
    key(
        "replication_linger",
        LENGTH,
        Default::Toml("\"500ms\""),
        "How long the first change of a batch waits for others.",
    ),
    length(
        "replication_retry_wait",
        "\"100ms\"",
        "Until a batch is sent again that could not be delivered.",
    ),
    length(
        "replication_congestion_wait",
        "\"1s\"",
        "Until a batch is sent again that was not answered.",
    ),
    length(
        "replication_age_max",
        "\"30s\"",
        "maxTimeForReplication: older changes are dropped.",
    ),
    length(
        "replication_connect_timeout",
        "\"1s\"",
        "peerNodeConnectTimeoutMs.",
    ),
    length(
        "replication_read_timeout",
        "\"5s\"",
        "peerNodeReadTimeoutMs.",
    ),
    length(
        "fetch_interval",
        "\"30s\"",
        "registryFetchIntervalSeconds: time between the fetches of a client.",
    ),
    phase(
        "fetch_phase",
        "Where in its fetch interval each client starts.",
    ),
    flag(
        "delta",
        "true",
        "Whether clients fetch changes only, and all if their number of instances is wrong.",
    ),
    count(
        "backoff_bound",
        1,
        "10",
        "cacheRefreshExecutorExponentialBackOffBound: a task that keeps timing out doubles its \
         interval up to this many times the interval.",
    ),
    length(
        "connect_timeout",
        "\"5s\"",
        "eurekaServerConnectTimeoutSeconds.",
    ),
    length("read_timeout", "\"8s\"", "eurekaServerReadTimeoutSeconds."),
    count("try_count", 1, "3", "Servers that one request tries."),
    key(
        "quarantine_ratio",
        Kind::Ratio,
        Default::Toml("0.66"),
        "retryableClientQuarantineRefreshPercentage: share of servers in quarantine at which a \
         client tries all of them again.",
    ),
    length(
        "session_interval",
        "\"20m\"",
        "sessionedClientReconnectIntervalSeconds: how long a client keeps to one server, give or \
         take one half.",
    ),
    flag(
        "prefer_same_zone",
        "true",
        "preferSameZoneEureka: clients try the servers of their own zone first.",
    ),
    key(
        "initial_registration",
        LENGTH,
        Default::Toml("\"40s\""),
        "initialInstanceInfoReplicationIntervalSeconds: until a process that starts registers, \
         unless its first heartbeat does so.",
    ),
    flag(
        "register_on_start",
        "false",
        "Whether a change of its status registers a process at once.",
    ),
    flag(
        "unregister_on_shutdown",
        "true",
        "shouldUnregisterOnShutdown: whether instances that leave cancel their lease.",
    ),
    key(
        "ribbon_interval",
        LENGTH,
        Default::Toml("\"30s\""),
        "ServerListRefreshInterval of Ribbon's own copy; zero: there is none.",
    ),
    key(
        "ribbon_initial",
        LENGTH,
        Default::Toml("\"1s\""),
        "Until the first refresh of that copy in a process that starts.",
    ),
    phase(
        "ribbon_phase",
        "Where in its refresh interval each process starts.",
    ),
    phase(
        "member_phase",
        "How long each server has been up at the start, from which its timers follow.",
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];
