//! Strategies that instances tell about themselves.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::section::Section;
use super::super::service::phase;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::feedback::{
    C3Config, FeedbackConfig, GrpcWeightedRoundRobinConfig, PrequalConfig,
};
use crate::time::SimDuration;

/// gRPC updates no more often.
const UPDATE_INTERVAL_MIN: SimDuration = SimDuration::from_ms(100);

/// Reads a strategy of this family.
pub fn read(ctx: &mut Context, section: &Section) -> Option<BalancerConfig> {
    let config = match section.variant_name() {
        "grpc_weighted_round_robin" => {
            FeedbackConfig::GrpcWeightedRoundRobin(weights(ctx, section)?)
        }
        "prequal" => FeedbackConfig::Prequal(prequal(ctx, section)?),
        "c3" => FeedbackConfig::C3(C3Config {
            ewma_weight: section.number(ctx, "ewma_weight")?,
            client_count: section.count_u32(ctx, "client_count"),
            queue_exponent: section.count_u32(ctx, "queue_exponent")?,
        }),
        "join_idle_queue" => FeedbackConfig::JoinIdleQueue,
        "shortest_queue_global" => FeedbackConfig::ShortestQueueGlobal,
        name => unreachable!("the specification has no policy `{name}`"),
    };
    Some(BalancerConfig::Feedback(config))
}

fn weights(ctx: &mut Context, section: &Section) -> Option<GrpcWeightedRoundRobinConfig> {
    let is_out_of_band = section.text(ctx, "reports")? == "out_of_band";
    let report_interval = match is_out_of_band {
        true => Some(section.duration(ctx, "report_interval")?),
        false => None,
    };
    Some(GrpcWeightedRoundRobinConfig {
        blackout: section.duration(ctx, "blackout")?,
        expiration: section.duration(ctx, "expiration")?,
        update_interval: section
            .duration(ctx, "update_interval")?
            .max(UPDATE_INTERVAL_MIN),
        phase: phase(ctx, section, "phase"),
        error_penalty: section.number(ctx, "error_penalty")?,
        report_interval,
        report_window: section.duration(ctx, "report_window")?,
    })
}

fn prequal(ctx: &mut Context, section: &Section) -> Option<PrequalConfig> {
    let (size, size_min) = (
        section.count_u32(ctx, "pool_size")?,
        section.count_u32(ctx, "pool_size_min")?,
    );
    if size < size_min {
        ctx.error(
            Diagnostic::new("a pool that is always too small")
                .at(
                    section.origin_of("pool_size_min"),
                    format!("`pool_size` is {size}, so every pick would be random"),
                )
                .help(format!("expected `pool_size_min` of at most {size}")),
        );
        return None;
    }
    Some(PrequalConfig {
        pool_size: size,
        pool_size_min: size_min,
        probe_rate: section.number(ctx, "probe_rate")?,
        removal_rate: section.number(ctx, "removal_rate")?,
        probe_age_max: section.duration(ctx, "probe_age_max")?,
        hot_quantile: section.number(ctx, "hot_quantile")?,
        reuse_slack: section.number(ctx, "reuse_slack")?,
        seen_count: section.count_u32(ctx, "seen_count")?,
        latency_sample_count: section.count_u32(ctx, "latency_sample_count")?,
    })
}
