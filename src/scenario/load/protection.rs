//! Warnings about protection that has nothing to do.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::warning::WarningCode;
use crate::scenario::Scenario;

/// Warns of budgets where nothing is retried.
pub fn warn_protection(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let Some(config) = edge.resilience.as_deref() else {
            continue;
        };
        let retries = 1 < edge.retry.attempt_count_max && edge.retry.on.0 != 0;
        if config.budget.is_some() && !retries {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("`retry.budget` has no effect")
                    .at(*at, "this call never retries")
                    .help("raise `retry.attempt_count_max` or name something in `retry.on`"),
            );
        }
    }
}
