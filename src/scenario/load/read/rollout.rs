//! Rolling restarts.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema;
use super::super::section::Section;
use super::super::warning::WarningCode;
use super::selector::parse;
use super::{Names, trigger};
use crate::id::GroupId;
use crate::scenario::fault::FaultScope;
use crate::scenario::rollout::{Amount, DrainConfig, RolloutConfig, RolloutOrder};

/// What a Deployment takes for both where nothing is said.
const DEPLOYMENT_SHARE: Amount = Amount::Share(0.25);

/// Reads how instances are restarted one after the other.
pub fn rollout(
    ctx: &mut Context,
    section: &Section,
    names: &Names,
    scope: &FaultScope,
) -> RolloutConfig {
    let is_new = section.text(ctx, "identity").as_deref() != Some("keep");
    let amount = |ctx: &mut Context, key| match section.has(key) {
        true => section.amount(ctx, key),
        false => None,
    };
    let surge_set = amount(ctx, "max_surge");
    let unavailable_set = amount(ctx, "max_unavailable");
    let batch = amount(ctx, "batch");
    let (surge, unavailable) = match is_new {
        true => (DEPLOYMENT_SHARE, DEPLOYMENT_SHARE),
        false => (Amount::Count(0), Amount::Count(1)),
    };
    let order = match section.text(ctx, "order").as_deref() {
        Some("ascending") => RolloutOrder::Ascending,
        Some("descending") => RolloutOrder::Descending,
        Some(_) => RolloutOrder::Random,
        None if is_new => RolloutOrder::Random,
        None => RolloutOrder::Descending,
    };
    let config = RolloutConfig {
        batch,
        max_surge: surge_set.unwrap_or(surge),
        max_unavailable: unavailable_set.unwrap_or(unavailable),
        is_new,
        order,
        ready_after: section.duration(ctx, "ready_after").unwrap_or_default(),
        drain: drain(ctx, section),
        abort_when: trigger::condition_at(ctx, section, "abort_when", names, scope),
    };
    refuse_windows(ctx, section, is_new);
    refuse_standstill(ctx, section, &config);
    config
}

fn drain(ctx: &mut Context, section: &Section) -> DrainConfig {
    let table = super::open_table(ctx, section, "drain", &schema::DRAIN);
    DrainConfig {
        deregisters: table.bool(ctx, "deregister").unwrap_or(true),
        wait: table.duration(ctx, "wait").unwrap_or_default(),
        grace: table.duration(ctx, "grace").unwrap_or_default(),
        is_announced: table.text(ctx, "then").as_deref() != Some("reset"),
    }
}

/// It ends when all are replaced, and new instances need slots, which are counted before the run.
fn refuse_windows(ctx: &mut Context, section: &Section, is_new: bool) {
    for key in ["for", "every"] {
        if section.has(key) {
            ctx.error(
                Diagnostic::new(format!("`{key}` of a rolling restart"))
                    .at(
                        section.origin_of(key),
                        "it ends when all instances are replaced",
                    )
                    .help("leave it out; `after` begins another one"),
            );
        }
    }
    for key in ["after", "again"] {
        if is_new && trigger::is_on(section, key) {
            ctx.error(
                Diagnostic::new("new instances without number")
                    .at(
                        section.origin_of(key),
                        format!("`{key}` may begin any number of windows"),
                    )
                    .help(format!("leave `{key}` out, or write `identity = \"keep\"`")),
            );
        }
    }
}

fn is_nothing(amount: Amount) -> bool {
    match amount {
        Amount::Count(count) => count == 0,
        Amount::Share(share) => share == 0.0,
    }
}

fn refuse_standstill(ctx: &mut Context, section: &Section, config: &RolloutConfig) {
    if !config.is_new && !is_nothing(config.max_surge) {
        ctx.error(
            Diagnostic::new("a surge of instances that keep their names")
                .at(
                    section.origin_of("max_surge"),
                    "an instance must go before it comes back",
                )
                .help("leave `max_surge` out, or write `identity = \"new\"`"),
        );
    } else if is_nothing(config.max_surge) && is_nothing(config.max_unavailable) {
        ctx.error(
            Diagnostic::new("a rolling restart that cannot begin")
                .at(
                    section.origin_of("max_unavailable"),
                    "`max_surge` is 0, too",
                )
                .help("let one of them be above 0"),
        );
    }
    if config.batch.is_some_and(is_nothing) {
        ctx.error(
            Diagnostic::new("a batch of nobody")
                .at(section.origin_of("batch"), "expected 1 or more")
                .help("leave `batch` out to restart without batches"),
        );
    }
    // With one at a time no batch is ever waited for.
    if !config.is_new && config.batch.is_some() && config.max_unavailable == Amount::Count(1) {
        ctx.warn(
            WarningCode::NoEffect,
            Diagnostic::new("`batch` has no effect")
                .at(section.origin_of("batch"), "`max_unavailable` is 1")
                .help("let more be unavailable at once, or leave `batch` out"),
        );
    }
}

/// The slots that a rolling restart needs for new instances, by group: as many as each group may
/// have instances at once. What is wrong is reported later.
pub fn slots(
    ctx: &mut Context,
    section: &Section,
    names: &Names,
    sizes: &[u32],
) -> Vec<(GroupId, u32)> {
    let is_new = section.text(ctx, "identity").as_deref() != Some("keep");
    let target = section.text(ctx, "target");
    let Some(target) = target.filter(|_| is_new).and_then(|t| parse(&t, names)) else {
        return Vec::new();
    };
    let groups = trigger::victim_counts(names, &target).into_iter();
    groups
        .map(|(group, _)| (group, sizes[group.index()]))
        .collect()
}
