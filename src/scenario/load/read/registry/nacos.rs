//! `profile = "nacos"`.

use super::super::super::context::Context;
use super::super::super::section::Section;
use super::super::service::phase;
use super::system::{in_order, length};
use crate::scenario::check::ProbePath;
use crate::scenario::registry::nacos::{GrpcConfig, NacosConfig};
use crate::scenario::registry::system::ProtocolConfig;
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// Reads the keys of Nacos.
pub fn nacos(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    let pull_max = length(ctx, section, "pull_max");
    let push_timeout = section.duration(ctx, "push_timeout");
    let config = NacosConfig {
        beat_timeout: length(ctx, section, "beat_timeout"),
        delete_timeout: length(ctx, section, "delete_timeout"),
        check_interval: length(ctx, section, "check_interval"),
        check_phase: phase(ctx, section, "check_phase"),
        protect_threshold: section.number(ctx, "protect_threshold").unwrap_or(0.0),
        push_delay: section.duration(ctx, "push_delay").unwrap_or_default(),
        push_timeout: push_timeout.unwrap_or(pull_max + SimDuration::from_secs(10)),
        pull_base: length(ctx, section, "pull_base"),
        pull_max,
        request_timeout: length(ctx, section, "request_timeout"),
        sync_delay: section.duration(ctx, "sync_delay").unwrap_or_default(),
        verify_interval: length(ctx, section, "verify_interval"),
        member_timeout: length(ctx, section, "member_timeout"),
        report_interval: length(ctx, section, "report_interval"),
        grpc: grpc(ctx, section),
    };
    in_order(
        ctx,
        section,
        ("beat_timeout", config.beat_timeout),
        ("delete_timeout", config.delete_timeout),
    );
    in_order(
        ctx,
        section,
        ("pull_base", config.pull_base),
        ("pull_max", config.pull_max),
    );
    ProtocolConfig::Nacos(config)
}

fn grpc(ctx: &mut Context, section: &Section) -> Option<GrpcConfig> {
    let is_used = section.text(ctx, "client").as_deref() == Some("grpc");
    // What is not used is checked all the same.
    let config = GrpcConfig {
        keep_alive_interval: length(ctx, section, "keep_alive_interval"),
        keep_alive_timeout: length(ctx, section, "keep_alive_timeout"),
        check_interval: length(ctx, section, "connection_check_interval"),
        idle_timeout: length(ctx, section, "connection_idle_timeout"),
        detection_timeout: length(ctx, section, "detection_timeout"),
        redo_interval: length(ctx, section, "redo_interval"),
        synced_client_timeout: length(ctx, section, "synced_client_timeout"),
    };
    is_used.then_some(config)
}

/// How the instances of a service register; `lease_duration` is when they are unhealthy.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    let own_lease = section.duration(ctx, "lease_duration");
    let own_interval = section.duration(ctx, "heartbeat_interval");
    let has_phase = section.has("phase");
    RegisteredConfig {
        lease_duration: own_lease.unwrap_or_else(|| length(ctx, registry, "beat_timeout")),
        heartbeat_interval: own_interval.unwrap_or_else(|| length(ctx, registry, "beat_interval")),
        phase: phase(ctx, if has_phase { section } else { registry }, "phase"),
        path: ProbePath::Bypass,
    }
}
