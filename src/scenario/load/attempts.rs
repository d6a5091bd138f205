//! Checks and warnings of calls with several attempts at once.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::source::Origin;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::attempts::{ClusterMode, DeadlinePropagation};
use crate::scenario::client::{EdgeConfig, EdgeOwner};
use crate::scenario::service::GroupConfig;

/// Most attempts of a call: they are counted in a byte.
const BROADCAST_COUNT_MAX: u32 = 250;

/// Instances that a call can reach, those that join later included.
fn reach(edge: &EdgeConfig, groups: &[GroupConfig]) -> u32 {
    let of_service = groups.iter().filter(|group| group.service == edge.to);
    of_service
        .map(|group| group.count.saturating_add(group.count_spare))
        .fold(0, u32::saturating_add)
}

/// Attempts that a call sends if nothing fails, as a multiple of its requests.
pub fn attempts_per_call(edge: &EdgeConfig, groups: &[GroupConfig]) -> f64 {
    let Some(config) = &edge.attempts else {
        return 1.0;
    };
    let reach = f64::from(reach(edge, groups));
    match (config.cluster, &config.hedge) {
        (ClusterMode::Forking { attempt_count }, _) => f64::from(attempt_count).min(reach),
        (ClusterMode::Broadcast { .. }, _) => reach,
        (_, Some(hedge)) => {
            let hedges = f64::from(hedge.attempt_count_max - 1);
            1.0 + hedge.budget_ratio.unwrap_or(hedges).min(hedges)
        }
        _ => 1.0,
    }
}

/// Reports broadcasts to more instances than a call can have attempts.
pub fn refuse_large_broadcasts(
    ctx: &mut Context,
    edges: &[(EdgeConfig, Origin)],
    groups: &[GroupConfig],
) {
    for (edge, at) in edges {
        let count = reach(edge, groups);
        if edge.is_broadcast() && BROADCAST_COUNT_MAX < count {
            ctx.error(
                Diagnostic::new(format!("a broadcast to {count} instances"))
                    .at(*at, format!("at most {BROADCAST_COUNT_MAX} are possible"))
                    .help("call a smaller service, or split it"),
            );
        }
    }
}

/// Warns of what does nothing.
pub fn warn_attempts(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let Some(config) = &edge.attempts else {
            continue;
        };
        let mut warn = |title: String, label: String, help: &str| {
            let diagnostic = Diagnostic::new(title).at(*at, label).help(help.to_string());
            ctx.warn(WarningCode::NoEffect, diagnostic);
        };
        let limit = edge.deadline.or(edge.attempt_timeout);
        if let Some(delay) = config.hedge.and_then(|hedge| hedge.delay)
            && let Some(limit) = limit.filter(|limit| *limit <= delay)
        {
            warn(
                format!("hedges of `{}` come too late", edge.path),
                format!("after {delay}, and the call or its attempt ends after {limit}"),
                "choose a shorter `delay`",
            );
        }
        let reach = reach(edge, &scenario.groups);
        if let ClusterMode::Forking { attempt_count } = config.cluster
            && (attempt_count == 1 || reach < attempt_count)
        {
            warn(
                format!("`{}` forks {attempt_count} ways", edge.path),
                format!("it can call {reach} instances"),
                "a fork needs two, and as many instances",
            );
        }
        let is_of_client = matches!(edge.owner, EdgeOwner::Client(_));
        let has_limit = limit.is_some() || config.deadline_law.is_some();
        if config.propagation != DeadlinePropagation::None
            && is_of_client
            && !has_limit
            && !config.has_several_in_flight()
        {
            warn(
                format!("`{}` has no deadline that could travel", edge.path),
                "no `deadline`, no `attempt_timeout`".to_string(),
                "write `deadline = \"1s\"`",
            );
        }
    }
}
