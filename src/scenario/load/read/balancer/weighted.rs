//! Strategies that pick by weight.

use super::super::super::context::Context;
use super::super::super::section::Section;
use crate::scenario::balancer::weighted::{DrawMethod, DubboWeight, NginxFailures, WeightedConfig};

/// Reads a strategy of this family; None, without an error, if it is of another.
pub fn read(ctx: &mut Context, section: &Section<'_>) -> Option<WeightedConfig> {
    Some(match section.variant_name() {
        "nginx_round_robin" => WeightedConfig::NginxRoundRobin(nginx_failures(ctx, section)?),
        "edf" => WeightedConfig::Edf {
            is_exact: section.text(ctx, "arithmetic")? == "exact",
        },
        "envoy_round_robin" => WeightedConfig::EnvoyRoundRobin,
        "haproxy_round_robin" => WeightedConfig::HaproxyRoundRobin,
        "haproxy_static_rr" => WeightedConfig::HaproxyStaticRr,
        "lvs_round_robin" => WeightedConfig::LvsRoundRobin,
        "dubbo_round_robin" => WeightedConfig::DubboRoundRobin(dubbo_weight(ctx, section)?),
        "dubbo_random" => WeightedConfig::DubboRandom(dubbo_weight(ctx, section)?),
        "naive_weighted_random" => WeightedConfig::NaiveWeightedRandom,
        _ => return None,
    })
}

/// How a weighted draw finds its instance.
pub fn draw_method(ctx: &mut Context, section: &Section<'_>) -> Option<DrawMethod> {
    Some(match section.text(ctx, "method")?.as_str() {
        "alias" => DrawMethod::Alias,
        _ => DrawMethod::Cumulative,
    })
}

/// What nginx does on failure.
pub fn nginx_failures(ctx: &mut Context, section: &Section<'_>) -> Option<NginxFailures> {
    Some(NginxFailures {
        max_fails: section.count_u32(ctx, "max_fails")?,
        has_error_replies: section.bool(ctx, "error_replies_fail")?,
    })
}

/// The weights of Dubbo.
pub fn dubbo_weight(ctx: &mut Context, section: &Section<'_>) -> Option<DubboWeight> {
    Some(DubboWeight {
        unit: section.count_u32(ctx, "weight_unit")?,
        warmup: section.duration(ctx, "warmup")?,
    })
}
