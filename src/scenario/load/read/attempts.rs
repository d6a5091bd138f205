//! Calls with several attempts at once, and where their deadlines are known.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{FAILBACK, HEDGE};
use super::super::section::Section;
use super::super::warning::WarningCode;
use super::distribution::distribution_if;
use super::{PLACEHOLDER_TIME, open_table};
use crate::scenario::attempts::{
    AttemptsConfig, ClusterMode, DeadlinePropagation, HedgeConfig, PercentileDelay,
};
use crate::scenario::client::RetryConfig;
use crate::scenario::distribution::Distribution;
use crate::time::SimDuration;

/// The deadline of a call: one length for all requests, or a law.
#[derive(Clone, Debug, PartialEq)]
pub enum Deadline {
    /// None at all.
    None,
    /// The same for every request.
    Constant(SimDuration),
    /// Drawn for every request.
    Law(Distribution),
}

/// Reads `deadline`.
pub fn deadline(ctx: &mut Context, call: &Section) -> Deadline {
    match distribution_if(ctx, call, "deadline") {
        None => Deadline::None,
        Some(Distribution::Constant { value }) => {
            if value.is_zero() {
                ctx.error(
                    Diagnostic::new("a time that cannot be zero")
                        .at(call.origin_of("deadline"), "expected a time above zero"),
                );
            }
            Deadline::Constant(value)
        }
        Some(law) => Deadline::Law(law),
    }
}

/// About as long as a drawn deadline gets: an exponential is longer once in 500 million times.
pub fn longest_deadline(law: &Distribution) -> SimDuration {
    SimDuration::from_secs_f64(20.0 * law.mean_secs())
}

/// Reads what a call does beyond one attempt after the other; None if that is nothing.
pub fn attempts(
    ctx: &mut Context,
    call: &Section,
    retry: &RetryConfig,
    deadline_law: Option<Distribution>,
) -> Option<Box<AttemptsConfig>> {
    let config = AttemptsConfig {
        hedge: hedge(ctx, call),
        cluster: cluster(ctx, call),
        deadline_law,
        propagation: match call.text(ctx, "deadline_propagation").as_deref() {
            Some("drop_at_dequeue") => DeadlinePropagation::DropAtDequeue,
            Some("cancel") => DeadlinePropagation::Cancel,
            _ => DeadlinePropagation::None,
        },
        deadline_margin: call.duration(ctx, "deadline_margin").unwrap_or_default(),
    };
    refuse_mixtures(ctx, call, retry, &config);
    if config.propagation == DeadlinePropagation::None && !config.deadline_margin.is_zero() {
        ctx.error(
            Diagnostic::new("a margin without propagation")
                .at(
                    call.origin_of("deadline_margin"),
                    "this call knows no deadline but its own",
                )
                .help("write `deadline_propagation = \"drop_at_dequeue\"` or \"cancel\""),
        );
    }
    (config != AttemptsConfig::PLAIN).then(|| Box::new(config))
}

/// What holds up attempts of a call; a broadcast sends all of them or none.
const GATE_KEYS: [&str; 4] = ["breaker", "bulkhead", "throttle", "concurrency_limit"];

/// Only `failover` sends one attempt after the other, and nothing holds up a broadcast.
fn refuse_mixtures(
    ctx: &mut Context,
    call: &Section,
    retry: &RetryConfig,
    config: &AttemptsConfig,
) {
    if config.cluster == ClusterMode::Failover {
        return;
    }
    let mode = call.text(ctx, "cluster").unwrap_or_default();
    for (key, is_meant) in [
        ("retry", 1 < retry.attempt_count_max),
        ("hedge", config.hedge.is_some()),
    ] {
        if is_meant {
            let why = format!("`{mode}` says how many attempts there are");
            refuse_mixture(ctx, call, &mode, (key, why));
        }
    }
    let is_broadcast = matches!(config.cluster, ClusterMode::Broadcast { .. });
    for key in GATE_KEYS.into_iter().filter(|key| call.has(key)) {
        if is_broadcast {
            let why = "a broadcast goes to every instance, and nothing holds it up".to_string();
            refuse_mixture(ctx, call, &mode, (key, why));
        }
    }
}

fn refuse_mixture(ctx: &mut Context, call: &Section, mode: &str, (key, why): (&str, String)) {
    ctx.error(
        Diagnostic::new(format!("`{key}` in a call that is `{mode}`"))
            .at(call.origin_of(key), why)
            .help(format!("remove `{key}`, or write `cluster = \"failover\"`")),
    );
}

fn hedge(ctx: &mut Context, call: &Section) -> Option<HedgeConfig> {
    let tree = call.set_tree("hedge")?;
    let section = Section::open(ctx, tree, &HEDGE, "hedge".to_string())?;
    let delay = section.duration(ctx, "delay");
    let percent = section.number(ctx, "percentile");
    if !section.has("delay") && !section.has("percentile") {
        ctx.error(
            Diagnostic::new("a hedge without a delay")
                .at(section.origin, "when is it sent?")
                .help("write `delay = \"10ms\"` or `percentile = 95`"),
        );
    }
    if let Some(percent) = percent.filter(|percent| *percent < 50.0) {
        ctx.warn(
            WarningCode::UnlikelyNumber,
            Diagnostic::new(format!("a hedge after percentile {percent}"))
                .at(
                    section.origin_of("percentile"),
                    format!("about {:.0} % of all calls take longer", 100.0 - percent),
                )
                .help("it is in per cent: 95, not 0.95"),
        );
    }
    let refresh = section.duration(ctx, "refresh");
    let delay_min = section.duration(ctx, "delay_min");
    let window_count = section.count_u32(ctx, "window");
    if !section.has("percentile") {
        refuse_without_percentile(ctx, &section);
    }
    Some(HedgeConfig {
        delay,
        percentile: percent.map(|percent| PercentileDelay {
            percent,
            refresh: refresh.unwrap_or_default(),
            delay_min: delay_min.unwrap_or_default(),
            window_count: window_count.unwrap_or(1),
        }),
        attempt_count_max: section.count_u32(ctx, "attempt_count_max").unwrap_or(2),
        budget_ratio: section.number(ctx, "budget_ratio"),
    })
}

/// What says how a percentile is taken does nothing where there is none.
fn refuse_without_percentile(ctx: &mut Context, hedge: &Section) {
    for key in ["refresh", "window", "delay_min"] {
        if hedge.is_changed(key) {
            ctx.error(
                Diagnostic::new(format!("`{key}` without a percentile"))
                    .at(hedge.origin_of(key), "the delay is fixed")
                    .help(format!("write `percentile = 95`, or remove `{key}`")),
            );
        }
    }
}

fn cluster(ctx: &mut Context, call: &Section) -> ClusterMode {
    let failback = open_table(ctx, call, "failback", &FAILBACK);
    let retry_count_max = failback.count_u32(ctx, "retry_count_max");
    let interval = failback.duration(ctx, "interval");
    let task_count_max = failback.count_u32(ctx, "task_count_max");
    let fork_count = call.count_u32(ctx, "fork_count");
    let failed_ratio_max = call.number(ctx, "failed_ratio_max");
    match call.text(ctx, "cluster").as_deref() {
        Some("failfast") => ClusterMode::Failfast,
        Some("failsafe") => ClusterMode::Failsafe,
        Some("failback") => ClusterMode::Failback {
            retry_count_max: retry_count_max.unwrap_or(1),
            interval: interval.unwrap_or(PLACEHOLDER_TIME),
            task_count_max: task_count_max.unwrap_or(1),
        },
        Some("forking") => ClusterMode::Forking {
            attempt_count: fork_count.unwrap_or(1),
        },
        Some("broadcast") => ClusterMode::Broadcast {
            failed_ratio_max: failed_ratio_max.unwrap_or(1.0),
        },
        _ => ClusterMode::Failover,
    }
}
