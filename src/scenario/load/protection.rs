//! Warnings about protection that has nothing to do.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::resilience::{BreakerConfig, EnvoyLimits};

/// Warns of budgets where nothing is retried, and of limits of connections without connections.
pub fn warn_protection(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let Some(config) = edge.resilience.as_deref() else {
            continue;
        };
        let retries = 1 < edge.retry.attempt_count_max && edge.retry.on.0 != 0;
        let hedges = edge.attempts.as_ref().is_some_and(|a| a.hedge.is_some());
        if config.budget.is_some() && !retries && !hedges {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("`retry.budget` has no effect")
                    .at(*at, "this call never retries")
                    .help("raise `retry.attempt_count_max` or name something in `retry.on`"),
            );
        }
        if let Some(BreakerConfig::Envoy(limits)) = &config.breaker
            && limits.connection_count_max != EnvoyLimits::CONNECTION_COUNT_STANDARD
            && edge.connection.is_none()
        {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("`breaker.connection_count_max` has no effect")
                    .at(*at, "this call has no connections")
                    .help("write `connection = {}` in the call"),
            );
        }
    }
}
