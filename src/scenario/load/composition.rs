//! Warnings about what stands around a strategy and does nothing.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::source::Origin;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::wrappers::{ComposedConfig, EjectionConfig, SubsetConfig};
use crate::scenario::client::RetryConfig;
use crate::scenario::resilience::RetryOn;

/// Warns of wrappers that do nothing.
pub fn warn_compositions(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let Some(config) = edge.balancer.composed() else {
            continue;
        };
        let groups = scenario
            .groups
            .iter()
            .filter(|group| group.service == edge.to);
        let instance_count: u32 = groups.map(|group| group.count).sum();
        warn_weights(ctx, config, *at);
        warn_ejection(ctx, config, instance_count, *at);
        warn_errors(ctx, config, &edge.retry, *at);
        if let Some(zone_aware) = config.zone_aware
            && instance_count < zone_aware.min_size
        {
            let title = "zones that are never looked at";
            let label = format!(
                "the service has {instance_count} instances, `min_size` is {}",
                zone_aware.min_size
            );
            no_effect(ctx, *at, title, label, "lower `min_size`");
        }
    }
}

fn warn_weights(ctx: &mut Context, config: &ComposedConfig, at: Origin) {
    let ignores_weights = matches!(
        config.strategy,
        BalancerConfig::Random
            | BalancerConfig::RoundRobin { .. }
            | BalancerConfig::LeastInFlight { .. }
            | BalancerConfig::PickFirst { .. }
    );
    let policy = config.strategy.name();
    let help = "take a strategy with weights, such as \"weighted_random\"";
    if ignores_weights && config.slow_start.is_some() {
        let label = format!("`{policy}` ignores weights, so nothing starts slowly");
        no_effect(ctx, at, "a slow start without weights", label, help);
    }
    let is_aperture = matches!(
        config.subset,
        Some(SubsetConfig::DeterministicAperture { .. })
    );
    if ignores_weights && is_aperture {
        let label = format!("`{policy}` ignores the parts of instances at its ends");
        no_effect(ctx, at, "an aperture without weights", label, help);
    }
}

fn warn_ejection(ctx: &mut Context, config: &ComposedConfig, instance_count: u32, at: Origin) {
    let title = "an ejection that never happens";
    match config.ejection {
        Some(EjectionConfig::EnvoyOutlier(outlier)) => {
            let percent_max = outlier.sweep.ejected_percent_max;
            let one = 100.0 / f64::from(instance_count);
            if f64::from(percent_max) < one && !outlier.always_ejects_one {
                let label = format!(
                    "one of {instance_count} instances is more than {percent_max} % of them"
                );
                let least = one.ceil() as u32;
                let help = format!("write ejected_ratio_max = \"{least}%\", or more");
                no_effect(ctx, at, title, label, &help);
            }
        }
        Some(EjectionConfig::GrpcOutlier(outlier)) => {
            let is_off = outlier.success_rate.enforced_percent == 0
                && outlier.failure_ratio.enforced_percent == 0;
            if is_off || outlier.sweep.ejected_percent_max == 0 {
                let label = "no criterion is enforced".to_string();
                let help = "write failure_ratio_enforced_ratio = \"100%\"";
                no_effect(ctx, at, title, label, help);
            }
        }
        Some(EjectionConfig::NginxMaxFails(max_fails)) => {
            if max_fails.fail_count_max == 0 {
                let label = "`fail_count_max` is 0".to_string();
                no_effect(ctx, at, title, label, "write fail_count_max = 1, or more");
            } else if instance_count == 1 && config.backup.is_empty() {
                let label = "nginx never turns a single server off".to_string();
                no_effect(ctx, at, title, label, "add a server or a `backup`");
            }
        }
        Some(EjectionConfig::FinagleAccrual(_)) | None => {}
    }
}

/// nginx counts a bad reply only where it tries the next server.
fn warn_errors(ctx: &mut Context, config: &ComposedConfig, retry: &RetryConfig, at: Origin) {
    let Some(EjectionConfig::NginxMaxFails(max_fails)) = config.ejection else {
        return;
    };
    let replies = RetryOn(RetryOn::ERROR.0 | RetryOn::REJECTED.0);
    let tries_next = 1 < retry.attempt_count_max && retry.on.has(replies);
    if max_fails.counts_errors && !tries_next {
        let title = "error replies that never count";
        let label = "no other instance is tried after them, and only then nginx counts them";
        let help = "let the call try again after errors, or write counts_errors = false";
        no_effect(ctx, at, title, label.to_string(), help);
    }
}

fn no_effect(ctx: &mut Context, at: Origin, title: &str, label: String, help: &str) {
    ctx.warn(
        WarningCode::NoEffect,
        Diagnostic::new(title).at(at, label).help(help),
    );
}
