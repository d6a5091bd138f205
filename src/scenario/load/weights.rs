//! Weights that the system behind a strategy does not take.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use crate::id::ServiceId;
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::weighted::NGINX_WEIGHTS;
use crate::scenario::balancer::wrappers::EjectionConfig;

/// Refuses weights that are no whole numbers, or too large, for strategies of systems that have
/// only those. A weight of 0 drains, and is no weight. What a fault gives is rounded at run time.
pub fn check(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let Some((system, weight_max)) = whole_weights(&edge.balancer) else {
            continue;
        };
        let is_refused = |weight: &f64| weight.fract() != 0.0 || f64::from(weight_max) < *weight;
        if let Some(weight) = weights(scenario, edge.to).find(is_refused) {
            let policy = edge.balancer.name();
            ctx.error(
                Diagnostic::new(format!("{system} has no weight {weight}"))
                    .at(*at, format!("`{policy}` is a strategy of {system}"))
                    .help(format!(
                        "write whole weights up to {weight_max}, or take {}, which take any",
                        takes_any(&edge.balancer)
                    )),
            );
        }
    }
}

/// Strategies of the same kind that take any weight.
fn takes_any(balancer: &BalancerConfig) -> &'static str {
    match balancer {
        BalancerConfig::Keyed(_) => "`ring` or `rendezvous`",
        _ => "`smooth_weighted_round_robin` or `weighted_random`",
    }
}

/// The system whose weights are whole numbers, and the largest, of a strategy or what it holds.
fn whole_weights(balancer: &BalancerConfig) -> Option<(&'static str, u32)> {
    match balancer {
        BalancerConfig::Keyed(config) => config.whole_weights(),
        BalancerConfig::Weighted(config) => config.whole_weights(),
        BalancerConfig::Load(config) => config.whole_weights(),
        BalancerConfig::Sticky { fallback, .. } => whole_weights(fallback),
        BalancerConfig::PerThread { strategy, .. } => whole_weights(strategy),
        BalancerConfig::Composed(composed) => {
            let is_nginx = matches!(composed.ejection, Some(EjectionConfig::NginxMaxFails(_)));
            match composed.strategy {
                BalancerConfig::SmoothWeightedRoundRobin if is_nginx => Some(NGINX_WEIGHTS),
                ref strategy => whole_weights(strategy),
            }
        }
        _ => None,
    }
}

/// The weights that instances of a service begin with.
fn weights(scenario: &Scenario, service: ServiceId) -> impl Iterator<Item = f64> + '_ {
    let groups = scenario.services[service.index()].groups.iter();
    groups.map(|group| scenario.groups[group.index()].weight)
}
