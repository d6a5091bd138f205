//! What load does to the instances of a service.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{AUTOSCALE, CRASH_ABOVE};
use super::super::section::Section;
use super::PLACEHOLDER_TIME;
use super::service::phase;
use crate::id::GroupId;
use crate::scenario::scaling::{AutoscaleConfig, CrashAbove};
use crate::scenario::service::GroupConfig;

/// Most instances that an autoscaler of a service starts.
pub fn instance_count_max(ctx: &mut Context, service: &Section) -> Option<u32> {
    if !service.has("autoscale") {
        return None;
    }
    let section = super::open_table(ctx, service, "autoscale", &AUTOSCALE);
    section.count_u32(ctx, "max")
}

/// The load that crashes an instance.
pub fn crash_above(ctx: &mut Context, service: &Section) -> Option<CrashAbove> {
    if !service.has("crash_above") {
        return None;
    }
    let section = super::open_table(ctx, service, "crash_above", &CRASH_ABOVE);
    if !section.has("queue") && !section.has("in_flight") {
        ctx.error(
            Diagnostic::new("a crash bound without a bound")
                .at(
                    service.origin_of("crash_above"),
                    "no `queue`, no `in_flight`",
                )
                .help("write `crash_above = { queue = 1000 }`"),
        );
    }
    let queue = section.count_u32(ctx, "queue");
    let limit = super::open_table(ctx, service, "queue", &super::schema::QUEUE).limit(ctx, "limit");
    if let (Some(queue), Some(limit)) = (queue, limit)
        && limit <= u64::from(queue)
    {
        ctx.error(
            Diagnostic::new("a crash bound that no queue reaches")
                .at(
                    section.origin_of("queue"),
                    format!("a queue holds {limit} and turns away the rest"),
                )
                .help("raise `queue.limit`, or write \"unlimited\""),
        );
    }
    Some(CrashAbove {
        queue,
        in_flight: section.count_u32(ctx, "in_flight"),
    })
}

/// How a service is scaled.
pub fn autoscale(
    ctx: &mut Context,
    service: &Section,
    groups: &[GroupConfig],
    own_groups: &[GroupId],
) -> Option<AutoscaleConfig> {
    if !service.has("autoscale") {
        return None;
    }
    let section = super::open_table(ctx, service, "autoscale", &AUTOSCALE);
    if 1 < own_groups.len() {
        ctx.error(
            Diagnostic::new("an autoscaler of several groups")
                .at(
                    service.origin_of("autoscale"),
                    format!("{} has {} groups", service.title, own_groups.len()),
                )
                .help("scale services of one group; split the service"),
        );
    }
    let min = section.count_u32(ctx, "min").unwrap_or(1);
    let max = section.count_u32(ctx, "max");
    let count = own_groups.first().map(|group| groups[group.index()].count);
    if let (Some(max), Some(count)) = (max, count)
        && !(min <= count && count <= max)
    {
        let key = if count < min { "min" } else { "max" };
        ctx.error(
            Diagnostic::new("an autoscaler whose bounds leave out the start")
                .at(
                    section.origin_of(key),
                    format!("the service starts with {count}"),
                )
                .help("expected min <= count <= max"),
        );
    }
    Some(AutoscaleConfig {
        target_utilization: section.number(ctx, "target_utilization").unwrap_or(1.0),
        min,
        max: max.unwrap_or(min),
        interval: section
            .duration(ctx, "interval")
            .unwrap_or(PLACEHOLDER_TIME),
        phase: phase(ctx, &section, "phase"),
        tolerance_ratio: section.number(ctx, "tolerance").unwrap_or(0.1),
        delay: section.duration(ctx, "delay").unwrap_or_default(),
        cooldown: section.duration(ctx, "cooldown").unwrap_or_default(),
        grace: section.duration(ctx, "grace").unwrap_or_default(),
    })
}
