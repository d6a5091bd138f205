//! Faults.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::section::Section;
use super::super::source::Origin;
use super::class::class_at;
use super::distribution::{distribution_at, distribution_if};
use super::network::loss_at;
use super::selector::selector_at;
use super::{Names, Opened, rollout, trigger};
use crate::id::{ClassId, GroupId};
use crate::scenario::distribution::Distribution;
use crate::scenario::fault::{
    FaultConfig, FaultKind, FaultScope, FlapState, FlappingConfig, Traffic,
};
use crate::scenario::network::LossConfig;
use crate::scenario::selector::{Selector, Target};
use crate::time::SimDuration;

/// What a fault may happen to.
#[derive(Clone, Copy, PartialEq)]
enum Victims {
    /// Any node.
    Nodes,
    /// Instances only.
    Instances,
    /// Instances and registry members: who does work.
    Workers,
    /// Instances and callers: nothing of a registry member depends on its clock.
    Clocks,
    /// Registry members only.
    RegistryMembers,
}

/// Reads the faults.
pub fn faults(ctx: &mut Context, faults: &[Opened], names: &Names) -> Vec<FaultConfig> {
    let list: Vec<FaultConfig> = faults
        .iter()
        .map(|fault| {
            let section = &fault.section;
            check_windows(ctx, section);
            let is_node_fault = section.has_key("each");
            let is_gc = section.variant_name() == "gc_pause";
            let is_each = is_gc || is_node_fault && section.bool(ctx, "each").unwrap_or(false);
            let scope = scope(ctx, section, names);
            FaultConfig {
                name: fault.name.clone(),
                kind: kind(ctx, section, names, &scope),
                at: match is_gc && !section.has("at") {
                    true => gc_start(ctx, section),
                    false => trigger::start(ctx, section),
                },
                trigger: trigger::trigger(ctx, section, names, &scope),
                duration: distribution_if(ctx, section, "for"),
                every: distribution_if(ctx, section, "every"),
                is_each,
                crew_count: match is_each && is_node_fault {
                    true => section.count_u32(ctx, "crews"),
                    false => None,
                },
                class: class(ctx, section, names),
                only: only(ctx, section),
                spread: trigger::spread(ctx, section, &scope),
                replace: trigger::replace(ctx, section, names, &scope),
                scope,
            }
        })
        .collect();
    trigger::refuse_cycles(ctx, faults, &list);
    refuse_overlapping_scale_in(ctx, faults, &list);
    list
}

/// Where a fault says when it begins.
pub fn start_origin(fault: &Opened) -> Origin {
    let keys = ["at", "after", "when"];
    let key = keys.into_iter().find(|key| fault.section.has(key));
    fault.section.origin_of(key.unwrap_or("at"))
}

/// Reports every `scale_in` that may begin while another one of its group lasts: both would take
/// the last instances of the group.
fn refuse_overlapping_scale_in(ctx: &mut Context, opened: &[Opened], faults: &[FaultConfig]) {
    // A group or a time that could not be read stands for nothing.
    if 0 < ctx.error_count() {
        return;
    }
    let scaled_in: Vec<(usize, GroupId)> = faults
        .iter()
        .enumerate()
        .filter_map(|(place, fault)| match (&fault.kind, &fault.scope) {
            (FaultKind::ScaleIn { .. }, FaultScope::Group { group, .. }) => Some((place, *group)),
            _ => None,
        })
        .collect();
    for (number, (place, group)) in scaled_in.iter().enumerate() {
        let (start, end) = longest_span(&faults[*place]);
        let other = scaled_in[..number].iter().find(|(other, other_group)| {
            let (other_start, other_end) = longest_span(&faults[*other]);
            group == other_group && start < other_end && other_start < end
        });
        if let Some((other, _)) = other {
            ctx.error(
                Diagnostic::new("two faults that may shrink one group at once")
                    .at(
                        start_origin(&opened[*place]),
                        format!("fault `{}` may not have ended", faults[*other].name),
                    )
                    .help("both take the last instances: let one end before the other begins"),
            );
        }
    }
}

/// The time outside of which a fault has no window: all times where its laws are random.
fn longest_span(fault: &FaultConfig) -> (SimDuration, SimDuration) {
    let start = fault.at.as_constant().filter(|_| fault.trigger.is_none());
    let Some(start) = start else {
        return (SimDuration::ZERO, SimDuration::MAX);
    };
    let length = fault.duration.as_ref().and_then(Distribution::as_constant);
    let end = match (&fault.every, length) {
        (None, Some(length)) => start.saturating_add(length),
        _ => SimDuration::MAX,
    };
    (start, end)
}

fn check_windows(ctx: &mut Context, section: &Section) {
    if section.has("every") && !section.has("for") {
        ctx.error(
            Diagnostic::new(format!("{} repeats and never ends", section.title))
                .at(section.origin_of("every"), "`for` is not set")
                .help("write how long a window lasts, like `for = \"10s\"`"),
        );
    }
    if let Some(Distribution::Constant { value }) = distribution_if(ctx, section, "for")
        && value.is_zero()
    {
        ctx.error(
            Diagnostic::new(format!("{} lasts no time", section.title))
                .at(section.origin_of("for"), "expected a time above zero"),
        );
    }
}

/// Pauses of a process come again and again, the first like the others.
fn gc_start(ctx: &mut Context, section: &Section) -> Distribution {
    for key in ["every", "for"] {
        if !section.has(key) {
            ctx.error(
                Diagnostic::new(format!("missing key `{key}` in {}", section.title))
                    .at(section.origin, "a pause of how long, how often?")
                    .help(
                        "write both laws: `every = { dist = \"exponential\", mean = \"60s\" }`, \
                         `for = { dist = \"bounded_pareto\", ... }`",
                    ),
            );
        }
    }
    for key in ["after", "when", "again"] {
        if section.has(key) {
            ctx.error(
                Diagnostic::new(format!("`{key}` of pauses of each process"))
                    .at(section.origin_of(key), "each has windows of its own")
                    .help("leave it out, or write `kind = \"pause\"`"),
            );
        }
    }
    distribution_if(ctx, section, "every").unwrap_or(Distribution::Constant {
        value: SimDuration::ZERO,
    })
}

/// The class that a fault hits, which only some faults can.
fn class(ctx: &mut Context, section: &Section, names: &Names) -> Option<ClassId> {
    let class = class_at(ctx, section, "class", names);
    let kind = section.variant_name();
    if section.has("class") && !matches!(kind, "error" | "slow" | "loss" | "delay") {
        ctx.error(
            Diagnostic::new(format!("the fault `{kind}` hits all requests"))
                .at(section.origin_of("class"), "it cannot hit one class")
                .help("only error, slow, loss and delay can: leave `class` out"),
        );
    }
    class
}

/// The messages that a fault of links hits alone.
fn only(ctx: &mut Context, section: &Section) -> Option<Traffic> {
    if !section.has_key("only") || !section.has("only") {
        return None;
    }
    let only = match section.text(ctx, "only")?.as_str() {
        "heartbeats" => Traffic::Heartbeats,
        _ => Traffic::Requests,
    };
    if only == Traffic::Heartbeats && section.has("class") {
        ctx.error(
            Diagnostic::new("no heartbeat has a class")
                .at(section.origin_of("only"), "with `class` it hits nothing")
                .help("leave `class` out, or write `only = \"requests\"`"),
        );
    }
    Some(only)
}

fn kind(ctx: &mut Context, section: &Section, names: &Names, scope: &FaultScope) -> FaultKind {
    const NO_LOSS: LossConfig = LossConfig::Bernoulli { probability: 0.0 };
    match section.variant_name() {
        "crash" => FaultKind::Crash,
        "host_loss" => FaultKind::HostLoss,
        "pause" => FaultKind::Pause,
        "gc_pause" => FaultKind::GcPause,
        "flapping" => FaultKind::Flapping(Box::new(flapping(ctx, section))),
        "clock_drift" => FaultKind::ClockDrift {
            drift_ratio: section.number(ctx, "drift").unwrap_or(0.0),
        },
        "slow" => FaultKind::Slow {
            factor: section.number(ctx, "factor").unwrap_or(1.0),
        },
        "error" => FaultKind::Error {
            ratio: section.number(ctx, "ratio").unwrap_or(1.0),
            service_time: distribution_if(ctx, section, "service_time"),
        },
        "loss" => FaultKind::Loss {
            loss: loss_at(ctx, section, "loss").unwrap_or(NO_LOSS),
        },
        "delay" => FaultKind::Delay {
            delay: distribution_at(ctx, section, "delay"),
        },
        "partition" => FaultKind::Partition,
        "clog" => FaultKind::Clog,
        "registry_outage" => FaultKind::RegistryOutage,
        "weight_change" => FaultKind::WeightChange {
            weight: section.number(ctx, "weight").unwrap_or(1.0),
        },
        "scale_out" => FaultKind::ScaleOut {
            grace: section.duration(ctx, "grace").unwrap_or_default(),
        },
        "scale_in" => FaultKind::ScaleIn {
            grace: section.duration(ctx, "grace").unwrap_or_default(),
        },
        "rolling_restart" => {
            let config = rollout::rollout(ctx, section, names, scope);
            FaultKind::RollingRestart(Box::new(config))
        }
        name => unreachable!("the specification has no fault `{name}`"),
    }
}

fn flapping(ctx: &mut Context, section: &Section) -> FlappingConfig {
    let config = FlappingConfig {
        state: match section.text(ctx, "state").as_deref() {
            Some("host_loss") => FlapState::HostLoss,
            Some("pause") => FlapState::Pause,
            _ => FlapState::Crash,
        },
        down: distribution_at(ctx, section, "down"),
        up: distribution_at(ctx, section, "up"),
    };
    let is_zero = |law: &Distribution| law.as_constant() == Some(SimDuration::ZERO);
    if section.has("down") && section.has("up") && is_zero(&config.down) && is_zero(&config.up) {
        ctx.error(
            Diagnostic::new(format!(
                "{} flaps without end at one instant",
                section.title
            ))
            .at(section.origin_of("up"), "`down` and `up` take no time")
            .help("let one of them be above zero"),
        );
    }
    config
}

fn scope(ctx: &mut Context, section: &Section, names: &Names) -> FaultScope {
    match section.variant_name() {
        "crash" | "host_loss" | "pause" | "gc_pause" | "flapping" => {
            nodes(ctx, section, names, Victims::Nodes)
        }
        "clock_drift" => nodes(ctx, section, names, Victims::Clocks),
        "slow" => nodes(ctx, section, names, Victims::Workers),
        "error" | "weight_change" | "rolling_restart" => {
            nodes(ctx, section, names, Victims::Instances)
        }
        "registry_outage" => nodes(ctx, section, names, Victims::RegistryMembers),
        "scale_out" | "scale_in" => group(ctx, section, names),
        _ => {
            let from = selector_at(ctx, section, "from", names);
            let to = selector_at(ctx, section, "to", names);
            FaultScope::Links {
                from: from.unwrap_or_else(nothing),
                to: to.unwrap_or_else(nothing),
                is_symmetric: section.bool(ctx, "symmetric").unwrap_or(true),
            }
        }
    }
}

fn nothing() -> Selector {
    Selector {
        text: String::new(),
        random: None,
        any_of: Vec::new(),
    }
}

fn nodes(ctx: &mut Context, section: &Section, names: &Names, victims: Victims) -> FaultScope {
    let target = selector_at(ctx, section, "target", names);
    let mut included = Vec::new();
    if section.has_key("include") {
        let texts = section.texts(ctx, "include").unwrap_or_default();
        included.extend(texts.into_iter().map(|(word, _)| word));
    }
    if let Some(target) = &target {
        check_victims(ctx, section, target, victims);
        check_members(ctx, section, target, names);
        check_agents(ctx, section, target);
        let has_zone = target.any_of.iter().any(|t| matches!(t, Target::Zone(_)));
        if !included.is_empty() && !has_zone {
            ctx.error(
                Diagnostic::new("`include` widens zones")
                    .at(section.origin_of("include"), "the target is no zone"),
            );
        }
    }
    FaultScope::Nodes {
        target: target.unwrap_or_else(nothing),
        include_callers: included.iter().any(|word| word == "callers"),
        include_registry: included.iter().any(|word| word == "registry"),
    }
}

/// Reports the loss of an agent's host without what is on it.
fn check_agents(ctx: &mut Context, section: &Section, target: &Selector) {
    let is_host_loss = match section.variant_name() {
        "host_loss" => true,
        "flapping" => section.text(ctx, "state").as_deref() == Some("host_loss"),
        _ => false,
    };
    let is_agent = |target: &Target| matches!(target, Target::Agents(_));
    if is_host_loss && target.any_of.iter().any(is_agent) {
        ctx.error(
            Diagnostic::new("an agent has no host of its own")
                .at(
                    section.origin_of("target"),
                    "it is lost with all that is on its host",
                )
                .help("name what is on it, like \"host:web/a/0\", or write `kind = \"crash\"`"),
        );
    }
}

/// Reports what members of the registry cannot suffer.
fn check_members(ctx: &mut Context, section: &Section, target: &Selector, names: &Names) {
    let kind = section.variant_name();
    let has_members = target.any_of.iter().any(|target| target.is_of_registry());
    let origin = section.origin_of("target");
    if kind == "slow" && has_members {
        if names.registry_profile == "lease" {
            ctx.error(
                Diagnostic::new("the members of a `lease` registry do no work")
                    .at(origin, "they cannot be slow")
                    .help("choose the profile of a real system, whose members have a `capacity`"),
            );
        }
        if section.has("class") {
            ctx.error(
                Diagnostic::new("no request reaches a member of the registry")
                    .at(section.origin_of("class"), "with `class` it slows nothing")
                    .help("leave `class` out"),
            );
        }
    }
    let is_planned = kind == "gc_pause"
        || section.has_key("each") && section.bool(ctx, "each").unwrap_or(false)
        || target.random.is_some();
    if target.names_leader() && is_planned {
        ctx.error(
            Diagnostic::new("who leads is not known before the run")
                .at(origin, "only one window at a time can follow the leader")
                .help("leave `each` and lots out, or write \"registry:member/*\""),
        );
    }
}

fn check_victims(ctx: &mut Context, section: &Section, target: &Selector, victims: Victims) {
    let is_victim = |target: &Target| {
        let is_registry = target.is_of_registry();
        let is_caller = matches!(target, Target::Client(_) | Target::Caller(..));
        let is_agent = matches!(target, Target::Agents(_));
        match victims {
            Victims::Nodes => true,
            Victims::Instances => !is_registry && !is_caller && !is_agent,
            Victims::Workers => !is_caller && !is_agent,
            Victims::Clocks => !is_registry && !is_agent,
            Victims::RegistryMembers => is_registry,
        }
    };
    if target.any_of.iter().all(is_victim) {
        return;
    }
    let expected = match victims {
        Victims::Nodes => "nodes",
        Victims::Instances => "instances",
        Victims::Workers => "instances and members of the registry",
        Victims::Clocks => "instances and callers",
        Victims::RegistryMembers => "members of the registry, like \"registry:member/1\"",
    };
    let kind = section.variant_name();
    let diagnostic = Diagnostic::new(format!("`{}` cannot have the fault `{kind}`", target.text))
        .at(section.origin_of("target"), format!("only {expected} can"));
    ctx.error(match kind {
        "slow" => diagnostic.help(
            "a caller does no work that could take longer: `delay` from and to it makes its \
             messages late, `pause` makes it stand still; a service that calls others works, and \
             is slowed as `service:NAME`",
        ),
        _ => diagnostic,
    });
}

fn group(ctx: &mut Context, section: &Section, names: &Names) -> FaultScope {
    let count = section.count_u32(ctx, "count").unwrap_or(1);
    let group = section.text(ctx, "group").and_then(|path| {
        let found = names.group(&path);
        found
            .map_err(|unknown| unknown.report(ctx, section.origin_of("group")))
            .ok()
    });
    if let Some(group) = group
        && section.variant_name() == "scale_in"
        && names.groups[group.index()].count < count
    {
        let group_count = names.groups[group.index()].count;
        ctx.error(Diagnostic::new("more instances leave than there are").at(
            section.origin_of("count"),
            format!("the group has {group_count}"),
        ));
    }
    FaultScope::Group {
        group: group.unwrap_or(GroupId(0)),
        count,
    }
}
