//! Strategies that look at load.

use super::super::super::context::Context;
use super::super::super::section::Section;
use super::weighted::{dubbo_weight, nginx_failures};
use crate::scenario::balancer::load::LoadConfig;
use crate::time::SimDuration;

/// Reads a strategy of this family; None, without an error, if it is of another.
pub fn read(ctx: &mut Context, section: &Section<'_>) -> Option<LoadConfig> {
    Some(match section.variant_name() {
        "nginx_least_conn" => LoadConfig::NginxLeastConn(nginx_failures(ctx, section)?),
        "nginx_random_two" => LoadConfig::NginxRandomTwo(nginx_failures(ctx, section)?),
        "haproxy_least_conn" => LoadConfig::HaproxyLeastConn,
        "haproxy_random" => LoadConfig::HaproxyRandom {
            draw_count: section.count_u32(ctx, "draw_count")?,
        },
        "envoy_least_request" => LoadConfig::EnvoyLeastRequest {
            choice_count: section.count_u32(ctx, "choice_count")?,
            active_request_bias: section.number(ctx, "active_request_bias")?,
        },
        "envoy_random" => LoadConfig::EnvoyRandom,
        "peak_ewma" => LoadConfig::PeakEwma {
            decay: section.duration(ctx, "decay")?,
            default_rtt: section.duration(ctx, "default_rtt"),
            full_scan: section.bool(ctx, "full_scan")?,
        },
        "least_loaded" => LoadConfig::LeastLoaded,
        "dubbo_least_active" => LoadConfig::DubboLeastActive {
            weight: dubbo_weight(ctx, section)?,
            has_actives: section.bool(ctx, "actives")?,
        },
        "dubbo_shortest_response" => LoadConfig::DubboShortestResponse {
            weight: dubbo_weight(ctx, section)?,
            window: section.duration(ctx, "window")?,
        },
        "dubbo_adaptive" => LoadConfig::DubboAdaptive {
            weight: dubbo_weight(ctx, section)?,
            timeout: section
                .duration(ctx, "timeout")?
                .max(SimDuration::from_ms(1)),
            cpu_load: section.number(ctx, "cpu_load"),
        },
        "brpc_locality_aware" => LoadConfig::BrpcLocalityAware {
            timeout: section.duration(ctx, "timeout")?,
            max_retry: section.count_u32(ctx, "max_retry")?,
        },
        _ => return None,
    })
}
