//! Servers under load: service time in two parts, overload rules of queues, CPU, warm-up, pauses.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{CODEL, CPU_QUOTA, PAUSES, SERVICE_TIME, SHED, SPLIT, WARMUP};
use super::super::section::Section;
use super::super::tree::Tree;
use super::super::warning::WarningCode;
use super::distribution::{distribution_at, distribution_if};
use super::service::OpenedGroup;
use super::{Opened, open_table};
use crate::scenario::distribution::Distribution;
use crate::scenario::server::{
    CodelConfig, CpuConfig, PauseConfig, QueueRules, QuotaConfig, WarmupConfig, WarmupShape,
};

/// The law of a service time; of one in two parts, that of the CPU and that of waiting.
pub fn service_time(ctx: &mut Context, service: &Section) -> (Distribution, Option<Distribution>) {
    let set = service.set_tree("service_time");
    let Some(tree) = set.filter(|tree| is_split(tree)) else {
        return (distribution_at(ctx, service, "service_time"), None);
    };
    let title = "`service_time`".to_string();
    match Section::open(ctx, tree, &SERVICE_TIME, title) {
        Some(section) => (
            distribution_at(ctx, &section, "cpu"),
            distribution_if(ctx, &section, "wait"),
        ),
        None => (distribution_at(ctx, service, "service_time"), None),
    }
}

/// Whether a service time is meant to have two parts.
fn is_split(tree: &Tree) -> bool {
    let kind = tree.as_table().map(|table| {
        let has_part = table.get("cpu").is_some() || table.get("wait").is_some();
        (table.get("dist").and_then(Tree::as_str), has_part)
    });
    matches!(kind, Some((Some(SPLIT), _) | (None, true)))
}

/// What a queue does beyond its discipline and its limit; None if nothing.
pub fn queue_rules(
    ctx: &mut Context,
    queue: &Section,
    queue_limit: Option<u32>,
) -> Option<QueueRules> {
    let discipline = queue.text(ctx, "discipline").unwrap_or_default();
    let rules = QueueRules {
        is_lifo: discipline == "lifo",
        is_adaptive: discipline == "adaptive_lifo",
        lifo_above: queue.count_u32(ctx, "lifo_above"),
        codel: queue.has("codel").then(|| codel(ctx, queue)),
        has_priorities: queue.bool(ctx, "priority").unwrap_or(false),
        shed_above_ratio: shed(ctx, queue, queue_limit),
    };
    let wanted = [
        ("codel", queue.has("codel")),
        ("priority", rules.has_priorities),
        ("shed", queue.has("shed")),
    ];
    let first = wanted.iter().find(|(_, is_wanted)| *is_wanted);
    if let (Some((key, _)), "ps") = (first, discipline.as_str()) {
        ctx.error(
            Diagnostic::new(format!("`{key}` where nothing waits"))
                .at(
                    queue.origin_of(key),
                    "under processor sharing all requests run at once",
                )
                .help("write `discipline = \"fifo\"`, with `workers` and `cores`"),
        );
    }
    let is_plain = !rules.is_adaptive
        && rules.codel.is_none()
        && !rules.has_priorities
        && rules.shed_above_ratio.is_none();
    (!is_plain).then_some(rules)
}

fn codel(ctx: &mut Context, queue: &Section) -> CodelConfig {
    let section = open_table(ctx, queue, "codel", &CODEL);
    let (target, interval) = (
        section.duration(ctx, "target"),
        section.duration(ctx, "interval"),
    );
    if let (Some(target), Some(interval)) = (target, interval)
        && interval < target
    {
        ctx.error(
            Diagnostic::new("a target delay longer than its interval")
                .at(
                    section.origin_of("target"),
                    format!("`interval` is {interval}"),
                )
                .help("expected target <= interval, like 5ms and 100ms"),
        );
    }
    CodelConfig {
        target: target.unwrap_or_default(),
        interval: interval.unwrap_or_default(),
    }
}

fn shed(ctx: &mut Context, queue: &Section, queue_limit: Option<u32>) -> Option<f64> {
    if !queue.has("shed") {
        return None;
    }
    let section = open_table(ctx, queue, "shed", &SHED);
    if queue_limit.is_none() {
        ctx.error(
            Diagnostic::new("`shed` without a limit")
                .at(
                    queue.origin_of("shed"),
                    "an unlimited queue is never fuller than a share",
                )
                .help("write a `limit` in the queue, like `limit = 100`"),
        );
    }
    if !queue.bool(ctx, "priority").unwrap_or(false) {
        ctx.error(
            Diagnostic::new("`shed` without priorities")
                .at(queue.origin_of("shed"), "it refuses the lowest priority")
                .help("write `priority = true` in the queue, or a smaller `limit`"),
        );
    }
    section.number(ctx, "above")
}

/// How processes are slower after their start.
pub fn warmup(ctx: &mut Context, service: &Section) -> Option<WarmupConfig> {
    service.set_tree("warmup")?;
    let section = open_table(ctx, service, "warmup", &WARMUP);
    Some(WarmupConfig {
        factor: section.number(ctx, "factor")?,
        duration: section.duration(ctx, "for")?,
        shape: match section.text(ctx, "shape").as_deref() {
            Some("step") => WarmupShape::Step,
            _ => WarmupShape::Linear,
        },
        at_start: section.bool(ctx, "at_start")?,
    })
}

/// The pauses of every instance by itself.
pub fn pauses(ctx: &mut Context, service: &Section) -> Option<PauseConfig> {
    service.set_tree("pauses")?;
    let section = open_table(ctx, service, "pauses", &PAUSES);
    let every = distribution_if(ctx, &section, "every");
    let duration = distribution_if(ctx, &section, "for");
    let (every, duration) = (every?, duration?);
    if every.as_constant().is_some_and(|every| every.is_zero()) {
        ctx.error(
            Diagnostic::new("pauses without time between them")
                .at(section.origin_of("every"), "the instance would never work")
                .help("expected a time above zero, from the end of a pause to the next"),
        );
    }
    Some(PauseConfig { every, duration })
}

/// The CPU of a group; None where every worker has a core of its own.
pub fn cpu(ctx: &mut Context, group: &OpenedGroup, services: &[Opened]) -> Option<CpuConfig> {
    let cores_in = group.section_with(services, "cores");
    let quota_in = group.section_with(services, "cpu_quota");
    let cores = cores_in.and_then(|section| section.number(ctx, "cores"));
    let quota = quota_in.and_then(|section| quota(ctx, section));
    let (key, speaker) = match (cores_in, quota_in) {
        (Some(section), _) => ("cores", section),
        (None, Some(section)) => ("cpu_quota", section),
        (None, None) => return None,
    };
    if is_processor_sharing(&services[group.service].section) {
        ctx.error(
            Diagnostic::new("cores under processor sharing")
                .at(
                    speaker.origin_of(key),
                    "with `discipline = \"ps\"` the workers are the cores",
                )
                .help("write `discipline = \"fifo\"`: running work shares the cores by itself"),
        );
    }
    let cpu = CpuConfig {
        cores: cores.unwrap_or(f64::INFINITY),
        quota,
    };
    if let (Some(quota), Some(section)) = (quota, quota_in)
        && cpu.cores <= quota.cores
    {
        ctx.warn(
            WarningCode::NoEffect,
            Diagnostic::new("`cpu_quota` has no effect")
                .at(
                    section.origin_of("cpu_quota"),
                    format!("`cores` is {}", cpu.cores),
                )
                .help("a quota below the number of cores is one that can be used up"),
        );
    }
    Some(cpu)
}

fn is_processor_sharing(service: &Section) -> bool {
    let queue = service.set_tree("queue").and_then(Tree::as_table);
    let discipline = queue.and_then(|table| table.get("discipline"));
    discipline.and_then(Tree::as_str) == Some("ps")
}

fn quota(ctx: &mut Context, section: &Section) -> Option<QuotaConfig> {
    let quota = open_table(ctx, section, "cpu_quota", &CPU_QUOTA);
    Some(QuotaConfig {
        cores: quota.number(ctx, "cores")?,
        period: quota.duration(ctx, "period")?,
    })
}
