//! `profile = "zookeeper"`.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::section::Section;
use super::super::PLACEHOLDER_TIME;
use super::super::distribution::{distribution_at, distribution_if};
use super::super::service::phase;
use super::{refuse_heartbeat_interval, system};
use crate::scenario::check::ProbePath;
use crate::scenario::distribution::Distribution;
use crate::scenario::registry::system::{ProtocolConfig, QuorumConfig};
use crate::scenario::registry::zookeeper::{
    AfterPause, Identity, NodeExists, ZookeeperClient, ZookeeperConfig,
};
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// The first and the longest interval of `FastLeaderElection` between its notifications.
const NOTIFICATION_INTERVALS: (SimDuration, SimDuration) =
    (SimDuration::from_ms(200), SimDuration::from_secs(60));

/// Reads the keys of ZooKeeper.
pub fn zookeeper(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    let tick_time = section
        .duration(ctx, "tick_time")
        .unwrap_or(PLACEHOLDER_TIME);
    let client = match section.text(ctx, "client").as_deref() {
        Some("kazoo") => ZookeeperClient::Kazoo,
        _ => ZookeeperClient::Java,
    };
    let (session_timeout_min, session_timeout_max) = session_bounds(ctx, section, tick_time);
    let reconnect_delay = distribution_if(ctx, section, "reconnect_delay");
    let spin_delay = section.duration(ctx, "spin_delay");
    ProtocolConfig::Zookeeper(ZookeeperConfig {
        tick_time,
        session_timeout: section
            .duration(ctx, "session_timeout")
            .unwrap_or(PLACEHOLDER_TIME),
        session_timeout_min,
        session_timeout_max,
        tick_phase: phase(ctx, section, "tick_phase"),
        ping_phase: phase(ctx, section, "ping_phase"),
        client,
        reconnect_delay: reconnect_delay.unwrap_or(match client {
            ZookeeperClient::Java => Distribution::Uniform {
                min: SimDuration::ZERO,
                max: SimDuration::from_secs(1),
            },
            ZookeeperClient::Kazoo => Distribution::Constant {
                value: SimDuration::from_ms(100),
            },
        }),
        spin_delay: spin_delay.unwrap_or(match client {
            ZookeeperClient::Java => SimDuration::from_secs(1),
            ZookeeperClient::Kazoo => SimDuration::ZERO,
        }),
        identity: match section.text(ctx, "identity").as_deref() {
            Some("new") => Identity::New,
            _ => Identity::Keep,
        },
        node_exists: match section.text(ctx, "node_exists").as_deref() {
            Some("skip") => NodeExists::Skip,
            _ => NodeExists::Replace,
        },
        after_pause: match section.text(ctx, "after_pause").as_deref() {
            Some("touch") => AfterPause::Touch,
            _ => AfterPause::Expire,
        },
        quorum: quorum(ctx, section, tick_time),
    })
}

fn quorum(ctx: &mut Context, section: &Section, tick_time: SimDuration) -> QuorumConfig {
    let sync_limit = section.count(ctx, "sync_limit").unwrap_or(1);
    let patience = tick_time.saturating_mul(sync_limit);
    QuorumConfig {
        first_leader: system::first_leader(ctx, section),
        follower_patience: Distribution::Constant { value: patience },
        leader_patience: patience,
        notices_death: true,
        vote_patience: None,
        election_time: distribution_at(ctx, section, "election_time"),
        retry_min: NOTIFICATION_INTERVALS.0,
        retry_max: NOTIFICATION_INTERVALS.1,
    }
}

fn session_bounds(
    ctx: &mut Context,
    section: &Section,
    tick_time: SimDuration,
) -> (SimDuration, SimDuration) {
    let min = section.duration(ctx, "min_session_timeout");
    let min = min.unwrap_or(tick_time.saturating_mul(2));
    let max = section.duration(ctx, "max_session_timeout");
    let max = max.unwrap_or(tick_time.saturating_mul(20));
    if max < min {
        ctx.error(
            Diagnostic::new("no session timeout is possible")
                .at(
                    section.origin_of("max_session_timeout"),
                    format!("the least is {min}, the most {max}"),
                )
                .help("expected min_session_timeout <= max_session_timeout"),
        );
        return (min, min);
    }
    (min, max)
}

/// How the instances of a service register: with a session of a timeout of their own.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    let own = section.duration(ctx, "lease_duration");
    let of_registry = registry.duration(ctx, "session_timeout");
    let requested = own.or(of_registry).unwrap_or(PLACEHOLDER_TIME);
    refuse_heartbeat_interval(ctx, section, "ZooKeeper pings after a third of the timeout");
    if super::super::detector::path(ctx, section) != ProbePath::Bypass {
        ctx.error(
            Diagnostic::new("a session whose pings wait for a worker")
                .at(
                    section.origin_of("path"),
                    "ZooKeeper's client sends them from a thread of its own",
                )
                .help("leave `path` out"),
        );
    }
    RegisteredConfig {
        lease_duration: requested,
        heartbeat_interval: SimDuration::from_ns((requested.as_ns() / 3).max(1)),
        phase: phase(ctx, section, "phase"),
        path: ProbePath::Bypass,
    }
}
