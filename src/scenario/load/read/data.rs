//! The data that the instances of a service keep.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::DATA;
use super::super::section::Section;
use crate::id::GroupId;
use crate::scenario::data::DataConfig;
use crate::scenario::service::GroupConfig;

/// What the instances of a service keep, if they keep data.
pub fn data(
    ctx: &mut Context,
    service: &Section,
    groups: &[GroupConfig],
    own_groups: &[GroupId],
) -> Option<DataConfig> {
    if !service.has("data") {
        return None;
    }
    let section = super::open_table(ctx, service, "data", &DATA);
    let replica_count = section.count_u32(ctx, "replicas")?;
    let has_distinct_zones = section.bool(ctx, "distinct_zones").unwrap_or(false);
    let own = || own_groups.iter().map(|id| &groups[id.index()]);
    let mut zones: Vec<_> = own().map(|group| group.zone).collect();
    zones.sort_unstable();
    zones.dedup();
    let instance_count: u64 = own().map(|group| u64::from(group.count)).sum();
    let (count_max, place) = match has_distinct_zones {
        true => (zones.len() as u64, "zone"),
        false => (instance_count, "instance"),
    };
    if count_max < u64::from(replica_count) {
        let noun = if count_max == 1 { "" } else { "s" };
        ctx.error(
            Diagnostic::new("more copies than places for them")
                .at(
                    section.origin_of("replicas"),
                    format!("the service has {count_max} {place}{noun}"),
                )
                .help(format!("write `replicas = {count_max}` or less")),
        );
    }
    Some(DataConfig {
        key_count: section.count(ctx, "keys")?,
        bytes_per_key: section.number(ctx, "bytes_per_key")?,
        replica_count,
        rebuild_bandwidth: section.number(ctx, "rebuild_bandwidth")?,
        has_distinct_zones,
        virtual_node_count: section.count_u32(ctx, "virtual_node_count")?,
    })
}
