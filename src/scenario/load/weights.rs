//! Weights that a real system would refuse.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::source::Origin;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::keyed::KeyedConfig;
use crate::scenario::client::EdgeConfig;
use crate::scenario::service::GroupConfig;

/// Reports weights of called instances that the system whose strategy a call uses does not take.
/// Weight 0 is not among them: such instances are not candidates at all.
pub fn refuse_foreign_weights(
    ctx: &mut Context,
    edges: &[(EdgeConfig, Origin)],
    groups: &[GroupConfig],
) {
    for (edge, at) in edges {
        let Some((system, most)) = whole_weights(&edge.balancer) else {
            continue;
        };
        let called = groups.iter().filter(|group| group.service == edge.to);
        let is_taken = |weight: f64| weight.fract() == 0.0 && weight <= most;
        if let Some(group) = called.into_iter().find(|group| !is_taken(group.weight)) {
            ctx.error(
                Diagnostic::new(format!(
                    "{system} does not take the weight {}",
                    group.weight
                ))
                .at(*at, format!("it is that of group `{}`", group.name))
                .help(format!("{system} takes whole weights up to {most}")),
            );
        }
    }
}

/// The system of a strategy that takes whole weights only, and the largest.
fn whole_weights(balancer: &BalancerConfig) -> Option<(&'static str, f64)> {
    match balancer {
        BalancerConfig::Sticky { fallback, .. } => whole_weights(fallback),
        BalancerConfig::Keyed(config) => match config {
            KeyedConfig::NginxHash
            | KeyedConfig::NginxHashConsistent
            | KeyedConfig::NginxIpHash => Some(("nginx", 65_535.0)),
            KeyedConfig::HaproxyConsistent
            | KeyedConfig::HaproxyMapBased
            | KeyedConfig::HaproxyBalanceFactor { .. } => Some(("HAProxy", 256.0)),
            KeyedConfig::EnvoyRingHash { .. } | KeyedConfig::Maglev { .. } => {
                Some(("Envoy", f64::from(u32::MAX)))
            }
            KeyedConfig::Modulo
            | KeyedConfig::Ketama { .. }
            | KeyedConfig::Rendezvous
            | KeyedConfig::Jump
            | KeyedConfig::MultiProbe { .. }
            | KeyedConfig::Anchor { .. }
            | KeyedConfig::BoundedLoad { .. }
            | KeyedConfig::DubboConsistentHash { .. }
            | KeyedConfig::NaiveRing { .. } => None,
        },
        _ => None,
    }
}
