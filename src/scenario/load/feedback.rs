//! Warnings about balancers that learn from their instances.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::balancer::feedback::FeedbackConfig;

/// Warns of balancers that learn nothing in time.
pub fn warn_feedback(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let Some(FeedbackConfig::GrpcWeightedRoundRobin(config)) = edge.balancer.feedback() else {
            continue;
        };
        // The first window of a report, and then the blackout.
        let silence = config.report_window.saturating_add(config.blackout);
        if scenario.duration <= silence {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("no weight counts before the run ends")
                    .at(
                        *at,
                        format!("round robin for the whole {}", scenario.duration),
                    )
                    .help("lengthen `duration`, or shorten `blackout` and `report_window`"),
            );
        } else if config.expiration <= config.blackout {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("weights that may expire before they count")
                    .at(
                        *at,
                        format!(
                            "`expiration` is {}, `blackout` {}",
                            config.expiration, config.blackout
                        ),
                    )
                    .help("lengthen `expiration`"),
            );
        }
    }
}
