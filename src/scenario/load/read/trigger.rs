//! What begins faults in place of `at`, what follows their targets, and what replaces them.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema;
use super::super::section::Section;
use super::super::source::Origin;
use super::distribution::distribution_at;
use super::selector::{parse, selector};
use super::{Names, Opened};
use crate::id::GroupId;
use crate::quantity;
use crate::scenario::distribution::Distribution;
use crate::scenario::fault::{FaultConfig, FaultScope};
use crate::scenario::selector::{Selector, Target};
use crate::scenario::trigger::{
    After, Condition, Identity, Quantity, ReplaceConfig, SpreadAmong, SpreadConfig, Trigger,
};
use crate::time::SimDuration;

/// The start of the first window: `at`, or nothing where something else begins the windows.
pub fn start(ctx: &mut Context, section: &Section) -> Distribution {
    let keys: Vec<&str> = ["at", "after", "when"]
        .into_iter()
        .filter(|key| section.has(key))
        .collect();
    match keys[..] {
        ["at"] => return distribution_at(ctx, section, "at"),
        [] => ctx.error(
            Diagnostic::new(format!("missing key `at` in {}", section.title))
                .at(section.origin, "")
                .help("write when it begins: `at = \"60s\"`, or `after` or `when`"),
        ),
        [_] => refuse_with_trigger(ctx, section),
        [first, second, ..] => ctx.error(
            Diagnostic::new(format!("{} begins in two ways", section.title))
                .at(section.origin_of(second), format!("`{first}` is set, too"))
                .help("keep one of `at`, `after` and `when`"),
        ),
    }
    Distribution::Constant {
        value: SimDuration::ZERO,
    }
}

/// A trigger says when every window begins.
fn refuse_with_trigger(ctx: &mut Context, section: &Section) {
    for key in ["every", "each"] {
        if is_on(section, key) {
            ctx.error(
                Diagnostic::new(format!("`{key}` needs `at`"))
                    .at(section.origin_of(key), "the trigger begins all windows")
                    .help(format!("leave `{key}` out; `again = true` repeats `when`")),
            );
        }
    }
}

/// Whether a key is set to anything but `false`.
pub fn is_on(section: &Section, key: &str) -> bool {
    let value = || section.set_tree(key);
    section.has_key(key) && value().is_some_and(|tree| tree.to_inline_toml() != "false")
}

/// What begins the windows of a fault in place of `at`.
pub fn trigger(
    ctx: &mut Context,
    section: &Section,
    names: &Names,
    scope: &FaultScope,
) -> Option<Trigger> {
    if section.has("again") && !section.has("when") {
        ctx.error(
            Diagnostic::new("`again` repeats a condition")
                .at(section.origin_of("again"), "`when` is not set"),
        );
    }
    if section.has("after") {
        let text = section.text(ctx, "after")?;
        return after(ctx, &text, section.origin_of("after"), names).map(Trigger::After);
    }
    if !section.has("when") {
        return None;
    }
    let text = section.text(ctx, "when")?;
    let origin = section.origin_of("when");
    let mut condition = condition(ctx, &text, origin, names)?;
    condition.is_again = section.bool(ctx, "again").unwrap_or(false);
    if condition.is_again && !section.has("for") {
        ctx.error(
            Diagnostic::new(format!("{} repeats and never ends", section.title))
                .at(section.origin_of("again"), "`for` is not set")
                .help("write how long a window lasts, like `for = \"10s\"`"),
        );
    }
    check_over(ctx, &condition, scope, origin);
    Some(Trigger::When(condition))
}

/// The condition at a key, which may be left out.
pub fn condition_at(
    ctx: &mut Context,
    section: &Section,
    key: &str,
    names: &Names,
    scope: &FaultScope,
) -> Option<Condition> {
    if !section.has(key) {
        return None;
    }
    let text = section.text(ctx, key)?;
    let origin = section.origin_of(key);
    let condition = condition(ctx, &text, origin, names)?;
    check_over(ctx, &condition, scope, origin);
    Some(condition)
}

/// `fault.x + 2s`, `fault.x.end + 2s`, `fault.x`.
fn after(ctx: &mut Context, text: &str, origin: Origin, names: &Names) -> Option<After> {
    let (path, delay) = match text.split_once('+') {
        Some((path, delay)) => (path.trim(), delay.trim().parse::<SimDuration>().ok()),
        None => (text.trim(), Some(SimDuration::ZERO)),
    };
    let (Some(name), Some(delay)) = (path.strip_prefix("fault."), delay) else {
        ctx.error(
            Diagnostic::new(format!("`{text}` names no window of a fault")).at(
                origin,
                "expected something like \"fault.x + 2s\" or \"fault.x.end + 2s\"",
            ),
        );
        return None;
    };
    let (name, is_from_end) = match name.strip_suffix(".end") {
        Some(name) => (name, true),
        None => (name, false),
    };
    match names.fault(name) {
        Ok(fault) => Some(After {
            fault,
            is_from_end,
            delay,
        }),
        Err(unknown) => {
            unknown.report(ctx, origin);
            None
        }
    }
}

/// `queue_depth of service:web > 500 for 5s`.
fn condition(ctx: &mut Context, text: &str, origin: Origin, names: &Names) -> Option<Condition> {
    let mut refuse = |title: String| {
        ctx.error(
            Diagnostic::new(title)
                .at(
                    origin,
                    "expected something like \"queue_depth > 500 for 5s\"",
                )
                .help("the quantities are queue_depth, in_flight and utilization"),
        );
    };
    let (comparison, hold) = match text.rsplit_once(" for ") {
        None => (text, Some(SimDuration::ZERO)),
        Some((comparison, hold)) => (comparison, hold.trim().parse::<SimDuration>().ok()),
    };
    let Some(hold) = hold else {
        refuse(format!("`{text}` does not say for how long"));
        return None;
    };
    let Some(place) = comparison.find(['>', '<']) else {
        refuse(format!("`{text}` compares nothing"));
        return None;
    };
    let (left, right) = (comparison[..place].trim(), comparison[place + 1..].trim());
    let (word, over) = match left.split_once(" of ") {
        Some((word, over)) => (word.trim(), Some(over.trim())),
        None => (left, None),
    };
    let quantity = match word {
        "queue_depth" => Quantity::QueueDepth,
        "in_flight" => Quantity::InFlight,
        "utilization" => Quantity::Utilization,
        _ => {
            refuse(format!("unknown quantity `{word}`"));
            return None;
        }
    };
    let limit = match (quantity, right.ends_with('%')) {
        (Quantity::Utilization, true) => quantity::parse_ratio(right).ok(),
        _ => right.parse::<f64>().ok().filter(|limit| limit.is_finite()),
    };
    let Some(limit) = limit.filter(|limit| 0.0 <= *limit) else {
        refuse(format!("`{right}` is no limit"));
        return None;
    };
    let over = match over {
        Some(over) => Some(selector(ctx, over, origin, names)?),
        None => None,
    };
    Some(Condition {
        text: text.to_string(),
        quantity,
        over,
        is_above: comparison[place..].starts_with('>'),
        limit,
        hold,
        is_again: false,
    })
}

/// A condition is one of instances.
fn check_over(ctx: &mut Context, condition: &Condition, scope: &FaultScope, origin: Origin) {
    let over = match (&condition.over, scope) {
        (Some(over), _) => Some(over),
        (None, FaultScope::Nodes { target, .. }) => Some(target),
        (None, FaultScope::Group { .. }) => return,
        (None, FaultScope::Links { .. }) => None,
    };
    if over.is_none_or(|over| !over.any_of.iter().all(is_of_instances)) {
        ctx.error(
            Diagnostic::new("the condition is not one of instances")
                .at(origin, "callers and the registry have no queues")
                .help("say which instances: `queue_depth of service:web > 500 for 5s`"),
        );
    }
}

fn is_of_instances(target: &Target) -> bool {
    match target {
        Target::Service(_)
        | Target::Group(_)
        | Target::Instance(_)
        | Target::Zone(_)
        | Target::Host(_) => true,
        Target::Client(_)
        | Target::Caller(..)
        | Target::RegistryMember(_)
        | Target::Registry
        | Target::RegistryLeader
        | Target::Agents(_) => false,
    }
}

/// Reports every fault that waits for itself.
pub fn refuse_cycles(ctx: &mut Context, opened: &[Opened], faults: &[FaultConfig]) {
    let next = |fault: usize| match faults[fault].trigger {
        Some(Trigger::After(After { fault, .. })) => Some(fault.index()),
        Some(Trigger::When(_)) | None => None,
    };
    for place in 0..faults.len() {
        let mut chain = vec![place];
        while let Some(before) = next(chain[chain.len() - 1]) {
            if before == place {
                let names: Vec<&str> = chain.iter().map(|f| faults[*f].name.as_str()).collect();
                ctx.error(
                    Diagnostic::new(format!("fault `{}` waits for itself", faults[place].name))
                        .at(
                            opened[place].section.origin_of("after"),
                            format!("{} <- {}", names.join(" <- "), names[0]),
                        )
                        .help("let one of them begin by `at` or `when`"),
                );
                break;
            }
            // A cycle that does not come back here is reported at one of its own faults.
            if chain.contains(&before) {
                break;
            }
            chain.push(before);
        }
    }
}

/// What follows the targets.
pub fn spread(ctx: &mut Context, section: &Section, scope: &FaultScope) -> Option<SpreadConfig> {
    if !section.has_key("spread") || !section.has("spread") {
        return None;
    }
    let table = super::open_table(ctx, section, "spread", &schema::SPREAD);
    let among = match table.text(ctx, "among").as_deref() {
        Some("group") => SpreadAmong::Group,
        Some("zone") => SpreadAmong::Zone,
        _ => SpreadAmong::Host,
    };
    refuse_others(
        ctx,
        section,
        scope,
        "spread",
        "only instances spread a fault",
    );
    Some(SpreadConfig {
        ratio: table.number(ctx, "ratio").unwrap_or(0.0),
        delay: distribution_at(ctx, &table, "delay"),
        among,
    })
}

/// Reports targets that are no instances.
fn refuse_others(ctx: &mut Context, section: &Section, scope: &FaultScope, key: &str, label: &str) {
    let FaultScope::Nodes {
        target,
        include_callers,
        include_registry,
    } = scope
    else {
        return;
    };
    let are_instances = target.any_of.iter().all(is_of_instances);
    if !are_instances || *include_callers || *include_registry {
        ctx.error(
            Diagnostic::new(format!("`{key}` of what is no instance"))
                .at(section.origin_of(key), label.to_string())
                .help("write a second fault for callers or registry members"),
        );
    }
}

/// What comes in place of the targets.
pub fn replace(
    ctx: &mut Context,
    section: &Section,
    names: &Names,
    scope: &FaultScope,
) -> Option<ReplaceConfig> {
    if !section.has_key("replace") || !section.has("replace") {
        return None;
    }
    let table = super::open_table(ctx, section, "replace", &schema::REPLACE);
    let zone_text = table.text(ctx, "zone");
    let is_new = table.text(ctx, "identity").as_deref() == Some("new");
    refuse_others(
        ctx,
        section,
        scope,
        "replace",
        "only instances are replaced",
    );
    if zone_text.is_some() && !is_new {
        ctx.error(
            Diagnostic::new("an instance in another zone is another instance")
                .at(table.origin_of("zone"), "`identity` is keep")
                .help("write `identity = \"new\"`"),
        );
    }
    let zone = zone_text.and_then(|zone| match names.zone(&zone) {
        Ok(id) => Some(id),
        Err(unknown) => {
            unknown.report(ctx, table.origin_of("zone"));
            None
        }
    });
    if is_new {
        refuse_endless_replacement(ctx, section);
    }
    if let (Some(zone), FaultScope::Nodes { target, .. }) = (zone, scope) {
        refuse_homeless(ctx, &table, names, target, zone);
    }
    let identity = match is_new {
        true => Identity::New { zone },
        false => Identity::Keep,
    };
    Some(ReplaceConfig {
        after: table.duration(ctx, "after").unwrap_or_default(),
        identity,
    })
}

/// New instances need slots, which are counted before the run.
fn refuse_endless_replacement(ctx: &mut Context, section: &Section) {
    for key in ["every", "after", "again", "spread", "each"] {
        if is_on(section, key) {
            ctx.error(
                Diagnostic::new("new instances without number")
                    .at(
                        section.origin_of("replace"),
                        format!("`{key}` may hit any number of instances"),
                    )
                    .help(format!("leave `{key}` out, or write `identity = \"keep\"`")),
            );
        }
    }
}

/// A new instance belongs to a group.
fn refuse_homeless(
    ctx: &mut Context,
    table: &Section,
    names: &Names,
    target: &Selector,
    zone: crate::id::ZoneId,
) {
    for (victim, _) in victim_counts(names, target) {
        if names.group_in(victim, zone).is_none() {
            let path = &names.groups[victim.index()].path;
            ctx.error(
                Diagnostic::new(format!("no group for what replaces `{path}`"))
                    .at(
                        table.origin_of("zone"),
                        "its service has no group in that zone",
                    )
                    .help("add a group with that zone to the service, or leave `zone` out"),
            );
            return;
        }
    }
}

/// The groups of which a selector may mean instances, and how many of each at most.
pub fn victim_counts(names: &Names, target: &Selector) -> Vec<(GroupId, u32)> {
    let mut counts = vec![0_u32; names.groups.len()];
    for target in &target.any_of {
        for (count, (group, place)) in counts.iter_mut().zip(names.groups.iter().zip(0_u32..)) {
            let is_its = match *target {
                Target::Service(service) => group.service == service.index(),
                Target::Group(GroupId(id)) => id == place,
                Target::Zone(zone) => group.zone == zone,
                Target::Instance(instance) => {
                    let end = group.first_instance + u64::from(group.count);
                    (group.first_instance..end).contains(&u64::from(instance.0))
                }
                Target::Host(host) => {
                    let hosts = u64::from(group.count.div_ceil(group.instances_per_host));
                    let end = group.first_host + hosts;
                    (group.first_host..end).contains(&u64::from(host.0))
                }
                _ => false,
            };
            let of_target = match *target {
                _ if !is_its => 0,
                Target::Instance(_) => 1,
                Target::Host(_) => group.instances_per_host.min(group.count),
                _ => group.count,
            };
            *count = count.saturating_add(of_target).min(group.count);
        }
    }
    let all: usize = counts.iter().map(|count| *count as usize).sum();
    let most = target.random.map_or(all, |lot| lot.count_of(all));
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let groups = (0..counts.len()).map(GroupId::from_index);
    let counted = groups
        .zip(counts)
        .map(|(group, count)| (group, count.min(most)));
    counted.filter(|(_, count)| 0 < *count).collect()
}

/// The slots that a fault needs for new instances, by group. What is wrong is reported later.
pub fn replacement_slots(
    ctx: &mut Context,
    section: &Section,
    names: &Names,
) -> Vec<(GroupId, u32)> {
    if !section.has_key("replace") || !section.has("replace") {
        return Vec::new();
    }
    let table = super::open_table(ctx, section, "replace", &schema::REPLACE);
    if table.text(ctx, "identity").as_deref() != Some("new") {
        return Vec::new();
    }
    let Some(target) = section
        .text(ctx, "target")
        .and_then(|text| parse(&text, names))
    else {
        return Vec::new();
    };
    let zone = table
        .text(ctx, "zone")
        .and_then(|zone| names.zone(&zone).ok());
    victim_counts(names, &target)
        .into_iter()
        .map(|(group, count)| {
            let home = zone.and_then(|zone| names.group_in(group, zone));
            (home.unwrap_or(group), count)
        })
        .collect()
}
