//! What callers and instances do to protect themselves and others.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{BREAKER, BUDGET, BULKHEAD, CONCURRENCY_LIMIT, THROTTLE};
use super::super::section::Section;
use super::PLACEHOLDER_TIME;
use crate::scenario::resilience::{
    BreakerConfig, BreakerPer, BudgetConfig, BulkheadConfig, EnvoyLimits, HystrixConfig,
    LimitConfig, LimitKind, Resilience4jConfig, ResilienceConfig, RetryOn, ThrottleConfig,
    WindowConfig,
};

/// What a call asks for; None where that is nothing.
pub fn resilience(
    ctx: &mut Context,
    call: &Section,
    retry: &Section,
) -> Option<Box<ResilienceConfig>> {
    let config = ResilienceConfig {
        budget: budget(ctx, retry),
        breaker: breaker(ctx, call),
        bulkhead: bulkhead(ctx, call),
        throttle: throttle(ctx, call),
        limit: concurrency_limit(ctx, call),
        instance_limit: None,
        retry_within: None,
    };
    config.is_used().then(|| Box::new(config))
}

/// Ends of an attempt that are retried.
pub fn retry_on(ctx: &mut Context, retry: &Section) -> RetryOn {
    if !retry.has("on") {
        return RetryOn::ALL;
    }
    let words = retry.texts(ctx, "on").unwrap_or_default();
    let known = RetryOn::WORDS.into_iter();
    let set = known.filter(|(name, _)| words.iter().any(|(word, _)| word == name));
    RetryOn(set.fold(0, |bits, (_, end)| bits | end.0))
}

fn budget(ctx: &mut Context, retry: &Section) -> Option<BudgetConfig> {
    let tree = retry.set_tree("budget")?;
    let section = Section::open(ctx, tree, &BUDGET, "budget".to_string())?;
    Some(match section.variant_name() {
        "grpc" => BudgetConfig::Grpc {
            tokens_max: section.number(ctx, "tokens_max")?,
            token_ratio: section.number(ctx, "token_ratio")?,
        },
        "finagle" => BudgetConfig::Finagle {
            ratio: section.number(ctx, "ratio")?,
            min_rate: section.number(ctx, "min_rate")?,
            ttl: section.duration(ctx, "ttl")?,
        },
        "envoy" => BudgetConfig::Envoy {
            ratio: section.number(ctx, "ratio")?,
            concurrent_min: section.count_u32(ctx, "concurrent_min")?,
        },
        "sre" => BudgetConfig::Sre {
            ratio: section.number(ctx, "ratio")?,
            window: section.duration(ctx, "window")?,
        },
        name => unreachable!("the specification has no budget `{name}`"),
    })
}

fn breaker(ctx: &mut Context, call: &Section) -> Option<BreakerConfig> {
    let tree = call.set_tree("breaker")?;
    let section = Section::open(ctx, tree, &BREAKER, "breaker".to_string())?;
    Some(match section.variant_name() {
        "hystrix" => BreakerConfig::Hystrix {
            per: per(ctx, &section),
            config: hystrix(ctx, &section)?,
        },
        "resilience4j" => BreakerConfig::Resilience4j {
            per: per(ctx, &section),
            config: resilience4j(ctx, &section)?,
        },
        "envoy" => BreakerConfig::Envoy(EnvoyLimits {
            connection_count_max: section.count_u32(ctx, "connection_count_max")?,
            request_count_max: section.count_u32(ctx, "request_count_max")?,
            pending_count_max: section.count_u32(ctx, "pending_count_max")?,
            retry_count_max: section.count_u32(ctx, "retry_count_max")?,
        }),
        name => unreachable!("the specification has no breaker `{name}`"),
    })
}

fn per(ctx: &mut Context, section: &Section) -> BreakerPer {
    match section.text(ctx, "per").as_deref() {
        Some("instance") => BreakerPer::Instance,
        _ => BreakerPer::Call,
    }
}

fn hystrix(ctx: &mut Context, section: &Section) -> Option<HystrixConfig> {
    let window = section.duration(ctx, "window").unwrap_or(PLACEHOLDER_TIME);
    let interval = section.duration(ctx, "snapshot_interval");
    let interval = interval.unwrap_or(PLACEHOLDER_TIME);
    if window < interval {
        ctx.error(
            Diagnostic::new("a breaker that looks less often than its window lasts")
                .at(
                    section.origin_of("snapshot_interval"),
                    format!("`window` is {window}"),
                )
                .help("expected snapshot_interval <= window"),
        );
    }
    Some(HystrixConfig {
        window,
        bucket_count: section.count_u32(ctx, "bucket_count")?,
        snapshot_interval: interval,
        call_count_min: section.count_u32(ctx, "call_count_min")?,
        failure_ratio: share(ctx, section, "failure_ratio")?,
        open_duration: section.duration(ctx, "open_duration")?,
    })
}

fn resilience4j(ctx: &mut Context, section: &Section) -> Option<Resilience4jConfig> {
    let size = section.count_u32(ctx, "window_size")?;
    let window = match section.text(ctx, "window").as_deref() {
        Some("time") => WindowConfig::Time { second_count: size },
        _ => WindowConfig::Count(size),
    };
    Some(Resilience4jConfig {
        window,
        call_count_min: section.count_u32(ctx, "call_count_min")?,
        failure_ratio: share(ctx, section, "failure_ratio")?,
        slow_ratio: share(ctx, section, "slow_ratio")?,
        slow_duration: section.duration(ctx, "slow_duration")?,
        open_duration: section.duration(ctx, "open_duration")?,
        probe_count: section.count_u32(ctx, "probe_count")?,
    })
}

/// A share above which something happens: at zero it would always.
fn share(ctx: &mut Context, section: &Section, key: &str) -> Option<f64> {
    let share = section.number(ctx, key)?;
    if share == 0.0 {
        ctx.error(
            Diagnostic::new(format!("`{key}` is zero"))
                .at(section.origin_of(key), "the breaker would always open")
                .help("expected a ratio above 0, at most 100%"),
        );
    }
    Some(share)
}

fn bulkhead(ctx: &mut Context, call: &Section) -> Option<BulkheadConfig> {
    let tree = call.set_tree("bulkhead")?;
    let section = Section::open(ctx, tree, &BULKHEAD, "bulkhead".to_string())?;
    Some(BulkheadConfig {
        concurrent_max: section.count_u32(ctx, "concurrent_max")?,
        wait_max: section.duration(ctx, "wait_max")?,
    })
}

fn throttle(ctx: &mut Context, call: &Section) -> Option<ThrottleConfig> {
    let tree = call.set_tree("throttle")?;
    let section = Section::open(ctx, tree, &THROTTLE, "throttle".to_string())?;
    Some(ThrottleConfig {
        k: section.number(ctx, "k")?,
        window: section.duration(ctx, "window")?,
    })
}

/// The `concurrency_limit` of a call or a service.
pub fn concurrency_limit(ctx: &mut Context, owner: &Section) -> Option<LimitConfig> {
    let tree = owner.set_tree("concurrency_limit")?;
    let title = "concurrency limit".to_string();
    let section = Section::open(ctx, tree, &CONCURRENCY_LIMIT, title)?;
    let kind = match section.variant_name() {
        "aimd" => LimitKind::Aimd {
            backoff_ratio: section.number(ctx, "backoff_ratio")?,
            timeout: section.duration(ctx, "timeout")?,
        },
        "vegas" => LimitKind::Vegas {
            smoothing: section.number(ctx, "smoothing")?,
            probe_multiplier: section.count_u32(ctx, "probe_multiplier")?,
        },
        "gradient2" => LimitKind::Gradient2 {
            smoothing: section.number(ctx, "smoothing")?,
            tolerance: section.number(ctx, "tolerance")?,
            queue: section.count_u32(ctx, "queue")?,
            long_window: section.count_u32(ctx, "long_window")?,
        },
        name => unreachable!("the specification has no limit `{name}`"),
    };
    let min = match section.has_key("min") {
        true => section.count_u32(ctx, "min")?,
        false => 1,
    };
    let config = LimitConfig {
        kind,
        initial: section.count_u32(ctx, "initial")?,
        min,
        max: section.count_u32(ctx, "max")?,
        window: section.duration(ctx, "window")?,
        window_sample_count_min: section.count_u32(ctx, "window_sample_count_min")?,
    };
    if config.initial < min || config.max < config.initial {
        let max = config.max;
        ctx.error(
            Diagnostic::new("a limit that begins outside its range")
                .at(
                    section.origin_of("initial"),
                    format!("`initial` is {}, the range {min} to {max}", config.initial),
                )
                .help("expected min <= initial <= max"),
        );
    }
    Some(config)
}
