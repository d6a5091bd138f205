//! The registry. Each real system has a file of its own.

mod consul;
mod dns;
mod etcd;
mod eureka;
mod kubernetes;
mod nacos;
mod system;
mod zookeeper;

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::REGISTERED;
use super::super::section::Section;
use super::service::phase;
use super::{Names, PLACEHOLDER_TIME};
use crate::id::ZoneId;
use crate::scenario::registry::system::{ProtocolConfig, SystemConfig};
use crate::scenario::registry::{LeaseConfig, Propagation, RegistryConfig, RegistryProfile};
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// What is wrong where instances register with a static registry.
pub const NO_LEASES: &str = "a lease without a lease registry";

/// Reads `[registry]`.
pub fn registry(ctx: &mut Context, section: &Section, names: &Names) -> RegistryConfig {
    let profile = match section.variant_name() {
        "lease" => RegistryProfile::Lease(lease(ctx, section)),
        "zookeeper" => system(ctx, section, zookeeper::zookeeper),
        "consul" => system(ctx, section, consul::consul),
        "etcd" => system(ctx, section, etcd::etcd),
        "eureka" => system(ctx, section, eureka::eureka),
        "nacos" => system(ctx, section, nacos::nacos),
        "dns" => system(ctx, section, dns::dns),
        "kubernetes" => system(ctx, section, kubernetes::kubernetes),
        _ => RegistryProfile::Static,
    };
    let member_zones = match section.has_key("members") {
        true => member_zones(ctx, section, names),
        false => Vec::new(),
    };
    RegistryConfig {
        profile,
        member_zones,
    }
}

/// A real system: what all have in common, and its protocol.
fn system(
    ctx: &mut Context,
    section: &Section,
    protocol: fn(&mut Context, &Section) -> ProtocolConfig,
) -> RegistryProfile {
    RegistryProfile::System(Box::new(SystemConfig {
        capacity: system::capacity(ctx, section),
        sizes: system::sizes(ctx, section),
        protocol: protocol(ctx, section),
    }))
}

fn lease(ctx: &mut Context, section: &Section) -> LeaseConfig {
    let propagation = match section.text(ctx, "propagation").as_deref() {
        Some("poll") => Propagation::Poll {
            interval: section
                .duration(ctx, "poll_interval")
                .unwrap_or(PLACEHOLDER_TIME),
            phase: phase(ctx, section, "poll_phase"),
        },
        _ => Propagation::Watch,
    };
    LeaseConfig {
        propagation,
        publish_interval: section
            .duration(ctx, "publish_interval")
            .unwrap_or_default(),
        sweep_interval: section.duration(ctx, "sweep_interval").unwrap_or_default(),
        sweep_phase: phase(ctx, section, "sweep_phase"),
    }
}

/// How the instances of a service register: as their service says, or else the registry.
pub fn registered(
    ctx: &mut Context,
    service: &Section,
    registry: &Section,
) -> Option<RegisteredConfig> {
    let section = super::open_table(ctx, service, "registered", &REGISTERED);
    let is_enabled = section.bool(ctx, "enabled").unwrap_or(true);
    let registered = match registry.variant_name() {
        "lease" => leased(ctx, &section, registry),
        "zookeeper" => zookeeper::registered(ctx, &section, registry),
        "consul" => consul::registered(ctx, &section, registry),
        "etcd" => etcd::registered(ctx, &section, registry),
        "eureka" => eureka::registered(ctx, &section, registry),
        "nacos" => nacos::registered(ctx, &section, registry),
        "dns" => dns::registered(ctx, &section, registry),
        "kubernetes" => kubernetes::registered(ctx, &section, registry),
        _ => {
            if is_enabled && service.has("registered") {
                ctx.error(
                    Diagnostic::new(NO_LEASES)
                        .at(service.origin_of("registered"), "the registry is static")
                        .help("write `profile = \"lease\"` in [registry]"),
                );
            }
            return None;
        }
    };
    if registry.variant_name() != "lease" && section.has("path") {
        ctx.error(
            Diagnostic::new("heartbeats that no worker sends")
                .at(
                    section.origin_of("path"),
                    "the client library has a thread of its own",
                )
                .help("leave `path` out"),
        );
    }
    is_enabled.then_some(registered)
}

fn leased(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    let of_registry = (
        registry
            .duration(ctx, "lease_duration")
            .unwrap_or(PLACEHOLDER_TIME),
        registry.duration(ctx, "heartbeat_interval"),
        phase(ctx, registry, "phase"),
    );
    let own_lease = section.duration(ctx, "lease_duration");
    let lease_duration = own_lease.unwrap_or(of_registry.0);
    let heartbeat_interval = section
        .duration(ctx, "heartbeat_interval")
        .or(of_registry.1.filter(|_| own_lease.is_none()))
        .unwrap_or(SimDuration::from_ns((lease_duration.as_ns() / 3).max(1)));
    let phase = match section.has("phase") {
        true => phase(ctx, section, "phase"),
        false => of_registry.2,
    };
    RegisteredConfig {
        lease_duration,
        heartbeat_interval,
        phase,
        path: super::detector::path(ctx, section),
    }
}

/// The key of a service's registration that a real system gives no meaning to.
fn refuse_heartbeat_interval(ctx: &mut Context, section: &Section, rule: &str) {
    if section.has("heartbeat_interval") {
        ctx.error(
            Diagnostic::new("heartbeats that the protocol decides")
                .at(section.origin_of("heartbeat_interval"), rule.to_string())
                .help("leave `heartbeat_interval` out, and set `lease_duration`"),
        );
    }
}

/// The keys of heartbeats, under a registry to which no instance sends any.
fn refuse_heartbeats(ctx: &mut Context, section: &Section, rule: &str) {
    for key in ["lease_duration", "heartbeat_interval"] {
        if section.has(key) {
            ctx.error(
                Diagnostic::new("no instance sends heartbeats")
                    .at(section.origin_of(key), rule.to_string())
                    .help(format!("leave `{key}` out")),
            );
        }
    }
}

/// The zones of the members: those that are listed, or else all zones, in turn.
fn member_zones(ctx: &mut Context, section: &Section, names: &Names) -> Vec<ZoneId> {
    let listed = section.texts(ctx, "zones").unwrap_or_default();
    let zones: Vec<ZoneId> = match listed.is_empty() {
        true => (0..names.zones.len()).map(ZoneId::from_index).collect(),
        false => listed.iter().map(|(zone, _)| names.zone_of(zone)).collect(),
    };
    let count = names.registry_member_count as usize;
    zones.into_iter().cycle().take(count).collect()
}
