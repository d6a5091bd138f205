//! `profile = "etcd"`.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::section::Section;
use super::super::PLACEHOLDER_TIME;
use super::super::distribution::distribution_at;
use super::super::service::phase;
use super::{refuse_heartbeat_interval, system};
use crate::scenario::check::ProbePath;
use crate::scenario::distribution::Distribution;
use crate::scenario::registry::etcd::EtcdConfig;
use crate::scenario::registry::system::{ProtocolConfig, QuorumConfig};
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// etcd takes no election timeout below this many heartbeat intervals.
const ELECTION_HEARTBEATS_MIN: u64 = 5;

/// The interval of its heartbeats and its election timeout.
pub(super) fn election_times(ctx: &mut Context, section: &Section) -> (SimDuration, SimDuration) {
    let time = |ctx: &mut Context, key| section.duration(ctx, key).unwrap_or(PLACEHOLDER_TIME);
    let heartbeat_interval = time(ctx, "heartbeat_interval");
    let election_timeout = time(ctx, "election_timeout");
    let least = heartbeat_interval.saturating_mul(ELECTION_HEARTBEATS_MIN);
    if election_timeout < least {
        ctx.error(
            Diagnostic::new("an election timeout that etcd refuses")
                .at(
                    section.origin_of("election_timeout"),
                    format!("`heartbeat_interval` is {heartbeat_interval}"),
                )
                .help(format!(
                    "expected at least five heartbeat intervals: {least}"
                )),
        );
    }
    (heartbeat_interval, election_timeout)
}

/// Reads the keys of etcd.
pub fn etcd(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    let time = |ctx: &mut Context, key| section.duration(ctx, key).unwrap_or(PLACEHOLDER_TIME);
    let count = |ctx: &mut Context, key| section.count_u32(ctx, key).unwrap_or(2);
    let (heartbeat_interval, election_timeout) = election_times(ctx, section);
    ProtocolConfig::Etcd(EtcdConfig {
        heartbeat_interval,
        election_timeout,
        revoke_interval: time(ctx, "revoke_interval"),
        revoke_phase: phase(ctx, section, "revoke_phase"),
        revoke_count_per_sec: count(ctx, "revoke_count_per_sec"),
        pending_revoke_count_max: count(ctx, "pending_revoke_count_max"),
        revoke_retry: time(ctx, "revoke_retry"),
        keepalive_loop_interval: section
            .duration(ctx, "keepalive_loop_interval")
            .unwrap_or_default(),
        checkpoint_interval: section.duration(ctx, "checkpoint_interval"),
        reconnect_delay: section.duration(ctx, "reconnect_delay").unwrap_or_default(),
        request_timeout: time(ctx, "request_timeout"),
        quorum: QuorumConfig {
            first_leader: system::first_leader(ctx, section),
            follower_patience: Distribution::Uniform {
                min: election_timeout,
                max: election_timeout.saturating_mul(2),
            },
            leader_patience: election_timeout,
            notices_death: false,
            election_time: distribution_at(ctx, section, "election_time"),
            vote_patience: Some(election_timeout),
            retry_min: election_timeout,
            retry_max: election_timeout.saturating_mul(2),
        },
    })
}

/// How the instances of a service register: with a lease of a time to live of their own.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    let own = section.duration(ctx, "lease_duration");
    let of_registry = registry.duration(ctx, "lease_ttl");
    let requested = own.or(of_registry).unwrap_or(PLACEHOLDER_TIME);
    refuse_heartbeat_interval(
        ctx,
        section,
        "etcd's client keeps alive after a third of the TTL",
    );
    RegisteredConfig {
        lease_duration: requested,
        heartbeat_interval: SimDuration::from_ns((requested.as_ns() / 3).max(1)),
        phase: phase(ctx, section, "phase"),
        path: ProbePath::Bypass,
    }
}
