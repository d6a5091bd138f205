//! `profile = "eureka"`.

use super::super::super::context::Context;
use super::super::super::section::Section;
use super::super::service::phase;
use super::system::length;
use crate::scenario::check::ProbePath;
use crate::scenario::registry::eureka::{
    CacheConfig, EurekaClientConfig, EurekaConfig, LeaseRules, ReplicationConfig, StartConfig,
};
use crate::scenario::registry::system::ProtocolConfig;
use crate::scenario::service::RegisteredConfig;

fn flag(ctx: &mut Context, section: &Section, key: &str) -> bool {
    section.bool(ctx, key).unwrap_or(true)
}

fn count(ctx: &mut Context, section: &Section, key: &str) -> u32 {
    section.count_u32(ctx, key).unwrap_or(1)
}

/// Reads the keys of Eureka.
pub fn eureka(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    ProtocolConfig::Eureka(EurekaConfig {
        lease: LeaseRules {
            is_doubled: flag(ctx, section, "doubled_lease"),
            eviction_interval: length(ctx, section, "eviction_interval"),
            has_self_preservation: flag(ctx, section, "self_preservation"),
            renewal_percent: section
                .number(ctx, "renewal_percent_threshold")
                .unwrap_or(0.0),
            update_interval: length(ctx, section, "threshold_update_interval"),
            expected_interval: length(ctx, section, "expected_renewal_interval"),
        },
        cache: CacheConfig {
            has_read_only: flag(ctx, section, "use_read_only_cache"),
            read_only_interval: length(ctx, section, "read_only_cache_interval"),
            expiry: length(ctx, section, "response_cache_expiry"),
            wall_clock: phase(ctx, section, "wall_clock_phase"),
            delta_retention: length(ctx, section, "delta_retention"),
            delta_clean_interval: length(ctx, section, "delta_clean_interval"),
        },
        start: StartConfig {
            sync_retries: count(ctx, section, "sync_retries"),
            sync_retry_wait: length(ctx, section, "sync_retry_wait"),
            empty_wait: length(ctx, section, "empty_wait"),
            open_count: count(ctx, section, "open_for_traffic_count"),
        },
        replication: replication(ctx, section),
        client: client(ctx, section),
        member_phase: phase(ctx, section, "member_phase"),
    })
}

fn replication(ctx: &mut Context, section: &Section) -> ReplicationConfig {
    ReplicationConfig {
        batch_max: count(ctx, section, "replication_batch"),
        linger: length(ctx, section, "replication_linger"),
        retry_wait: length(ctx, section, "replication_retry_wait"),
        congestion_wait: length(ctx, section, "replication_congestion_wait"),
        age_max: length(ctx, section, "replication_age_max"),
        connect_timeout: length(ctx, section, "replication_connect_timeout"),
        read_timeout: length(ctx, section, "replication_read_timeout"),
    }
}

fn client(ctx: &mut Context, section: &Section) -> EurekaClientConfig {
    EurekaClientConfig {
        fetch_interval: length(ctx, section, "fetch_interval"),
        fetch_phase: phase(ctx, section, "fetch_phase"),
        has_delta: flag(ctx, section, "delta"),
        backoff_bound: count(ctx, section, "backoff_bound"),
        connect_timeout: length(ctx, section, "connect_timeout"),
        read_timeout: length(ctx, section, "read_timeout"),
        try_count: count(ctx, section, "try_count"),
        quarantine_ratio: section.number(ctx, "quarantine_ratio").unwrap_or(0.0),
        session_interval: length(ctx, section, "session_interval"),
        prefers_own_zone: flag(ctx, section, "prefer_same_zone"),
        initial_registration: length(ctx, section, "initial_registration"),
        registers_on_start: flag(ctx, section, "register_on_start"),
        unregisters: flag(ctx, section, "unregister_on_shutdown"),
        ribbon_interval: length(ctx, section, "ribbon_interval"),
        ribbon_initial: length(ctx, section, "ribbon_initial"),
        ribbon_phase: phase(ctx, section, "ribbon_phase"),
    }
}

/// How the instances of a service register: duration and interval are independent of each other.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    let own_lease = section.duration(ctx, "lease_duration");
    let own_interval = section.duration(ctx, "heartbeat_interval");
    let has_phase = section.has("phase");
    RegisteredConfig {
        lease_duration: own_lease.unwrap_or_else(|| length(ctx, registry, "lease_duration")),
        heartbeat_interval: own_interval
            .unwrap_or_else(|| length(ctx, registry, "renewal_interval")),
        phase: phase(ctx, if has_phase { section } else { registry }, "phase"),
        path: ProbePath::Bypass,
    }
}
