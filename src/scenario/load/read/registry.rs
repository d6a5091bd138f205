//! The registry.

use super::super::context::Context;
use super::super::section::Section;
use super::service::phase;
use super::{Names, PLACEHOLDER_TIME};
use crate::id::ZoneId;
use crate::scenario::registry::{LeaseConfig, Propagation, RegistryConfig, RegistryProfile};

/// Reads `[registry]`.
pub fn registry(ctx: &mut Context, section: &Section, names: &Names) -> RegistryConfig {
    if section.variant_name() != "lease" {
        return RegistryConfig {
            profile: RegistryProfile::Static,
            member_zones: Vec::new(),
        };
    }
    let propagation = match section.text(ctx, "propagation").as_deref() {
        Some("poll") => Propagation::Poll {
            interval: section
                .duration(ctx, "poll_interval")
                .unwrap_or(PLACEHOLDER_TIME),
            phase: phase(ctx, section, "poll_phase"),
        },
        _ => Propagation::Watch,
    };
    RegistryConfig {
        profile: RegistryProfile::Lease(LeaseConfig {
            propagation,
            publish_interval: section
                .duration(ctx, "publish_interval")
                .unwrap_or_default(),
            sweep_interval: section.duration(ctx, "sweep_interval").unwrap_or_default(),
            sweep_phase: phase(ctx, section, "sweep_phase"),
        }),
        member_zones: member_zones(ctx, section, names),
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
