//! What all real systems have in common.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::schema::CAPACITY;
use super::super::super::section::Section;
use super::super::{PLACEHOLDER_TIME, open_table};
use crate::scenario::registry::system::{CapacityConfig, SizesConfig};
use crate::time::SimDuration;

/// A length of time that has a default.
pub fn length(ctx: &mut Context, section: &Section, key: &str) -> SimDuration {
    section.duration(ctx, key).unwrap_or(PLACEHOLDER_TIME)
}

/// Refuses two keys whose lengths are in the wrong order, at the one that was written.
pub fn in_order(
    ctx: &mut Context,
    section: &Section,
    (less, less_length): (&str, SimDuration),
    (more, more_length): (&str, SimDuration),
) {
    if less_length <= more_length {
        return;
    }
    let is_less_alone = section.has(less) && !section.has(more);
    let written = if is_less_alone { less } else { more };
    ctx.error(
        Diagnostic::new(format!("`{less}` above `{more}`"))
            .at(
                section.origin_of(written),
                format!("{less_length} is more than {more_length}"),
            )
            .help(format!("expected {less} <= {more}")),
    );
}

/// Reads `[registry.capacity]`.
pub fn capacity(ctx: &mut Context, registry: &Section) -> CapacityConfig {
    let section = open_table(ctx, registry, "capacity", &CAPACITY);
    let time = |ctx: &mut Context, key| section.duration(ctx, key).unwrap_or_default();
    CapacityConfig {
        cores: section.count_u32(ctx, "cores").unwrap_or(1),
        heartbeat_time: time(ctx, "heartbeat_time"),
        read_time: time(ctx, "read_time"),
        write_time: time(ctx, "write_time"),
        proposal_time: time(ctx, "proposal_time"),
        notify_time: time(ctx, "notify_time"),
        sync_time: time(ctx, "sync_time"),
    }
}

/// Reads the sizes of messages.
pub fn sizes(ctx: &mut Context, registry: &Section) -> SizesConfig {
    let size = |ctx: &mut Context, key| registry.number(ctx, key).unwrap_or(0.0) as u64;
    SizesConfig {
        message_bytes: size(ctx, "message_size"),
        entry_bytes: size(ctx, "entry_size"),
    }
}

/// The member that leads at the start, which must be one of the members.
pub fn first_leader(ctx: &mut Context, registry: &Section) -> u32 {
    let leader = registry.count_u32(ctx, "leader").unwrap_or(0);
    let count = registry.count_u32(ctx, "members").unwrap_or(1);
    if count <= leader {
        ctx.error(
            Diagnostic::new(format!("there is no member {leader}"))
                .at(
                    registry.origin_of("leader"),
                    format!("the registry has {count} members"),
                )
                .help(format!("members are numbered from 0 to {}", count - 1)),
        );
    }
    leader
}
