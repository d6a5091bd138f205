//! Warnings about connections.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::connection::AcceptConfig;

/// Reports what connections are told and cannot do.
pub fn warn_connections(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (place, service) in scenario.services.iter().enumerate() {
        let is_connected = scenario
            .edges
            .iter()
            .any(|edge| edge.to.index() == place && edge.connection.is_some());
        if service.accept != AcceptConfig::default() && !is_connected {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new(format!(
                    "service `{}` says how it treats connections and has none",
                    service.name
                ))
                .at(
                    places.services[place],
                    "no call to it has a `connection` table",
                )
                .help("write `connection = {}` in a call to it"),
            );
        }
    }
    warn_resets(ctx, scenario, places);
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let waits_longer = |connection: &&crate::scenario::connection::ConnectionConfig| {
            let timeout = edge.attempt_timeout.or(edge.deadline);
            timeout.is_some_and(|timeout| timeout < connection.connect_timeout)
        };
        let connection = edge.connection.as_ref();
        if let Some(connection) = connection
            .filter(|c| c.reconnect.is_none())
            .filter(waits_longer)
        {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("attempts time out before their connection may")
                    .at(
                        *at,
                        format!("`connect_timeout` is {}", connection.connect_timeout),
                    )
                    .help("a connect timeout below the timeout of an attempt ends it earlier"),
            );
        }
    }
}

/// Warns of rolling restarts that reset connections where there are none.
fn warn_resets(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    if scenario.edges.iter().any(|edge| edge.connection.is_some()) {
        return;
    }
    for (fault, at) in scenario.faults.iter().zip(&places.fault_starts) {
        if fault.kind.rollout().is_some_and(|r| !r.drain.is_announced) {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("`drain.then` has no effect")
                    .at(*at, "no call has connections that could be reset")
                    .help("write `connection = {}` in a call, or leave `then` out"),
            );
        }
    }
}
