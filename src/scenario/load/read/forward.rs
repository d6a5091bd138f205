//! The calls of proxies as nginx, HAProxy and Envoy have them.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::section::Section;
use super::super::source::Origin;
use super::Names;
use super::proxy::{OpenedProxy, words, worker_count};
use crate::scenario::attempts::{AttemptsConfig, DeadlinePropagation};
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::client::{EdgeConfig, EdgeOwner, Jitter, RetryConfig};
use crate::scenario::proxy::{
    Flavour, ForwardConfig, IdleCache, RetryAt, Reuse, Spread, connections,
};
use crate::scenario::resilience::{
    BreakerConfig, EnvoyLimits, InstanceLimit, ResilienceConfig, RetryOn,
};
use crate::time::SimDuration;

/// Most attempts of a call.
const ATTEMPT_COUNT_MAX: u32 = 100;

/// Longest wait of HAProxy before it tries the same server again (`back_handle_st_cer`).
const TURN_AROUND_MAX: SimDuration = SimDuration::from_secs(1);

/// Sets up the calls of proxies as their flavours have them.
pub fn complete(
    ctx: &mut Context,
    proxies: &[OpenedProxy],
    names: &Names,
    edges: &mut [(EdgeConfig, Origin)],
) {
    for proxy in proxies {
        let Ok(service) = names.service(&proxy.opened.name) else {
            continue;
        };
        let is_its = |edge: &&mut (EdgeConfig, Origin)| edge.0.owner == EdgeOwner::Service(service);
        if let Some((edge, _)) = edges.iter_mut().find(is_its) {
            let upstream = &names.services[edge.to.index()];
            edge.path = format!("proxy.{}.call.{upstream}", proxy.opened.name);
            let section = &proxy.opened.section;
            match proxy.flavour {
                Flavour::Nginx => nginx(ctx, section, names, edge),
                Flavour::Haproxy => haproxy(ctx, section, edge),
                Flavour::Envoy => envoy(ctx, section, edge),
            }
        }
    }
}

const CANCELS: AttemptsConfig = AttemptsConfig {
    propagation: DeadlinePropagation::Cancel,
    ..AttemptsConfig::PLAIN
};

/// Retries at once, wherever the balancer says.
fn retry(attempt_count_max: u32, on: RetryOn) -> RetryConfig {
    RetryConfig {
        attempt_count_max,
        backoff_min: SimDuration::ZERO,
        backoff_max: SimDuration::ZERO,
        backoff_factor: 1.0,
        jitter: Jitter::None,
        failover: true,
        on,
    }
}

fn time(ctx: &mut Context, section: &Section, key: &str) -> SimDuration {
    section
        .duration(ctx, key)
        .unwrap_or(super::PLACEHOLDER_TIME)
}

fn union(words: &[String], table: &[(&str, &[RetryOn])]) -> RetryOn {
    let known = table
        .iter()
        .filter(|(word, _)| words.iter().any(|w| w == word));
    let ends = known.flat_map(|(_, ends)| ends.iter());
    RetryOn(ends.fold(0, |bits, end| bits | end.0))
}

/// A limit of 0 is none.
fn instance_limit(count: u32, wait_max: SimDuration) -> Option<InstanceLimit> {
    (0 < count).then_some(InstanceLimit {
        attempt_count_max: count,
        wait_max,
    })
}

fn nginx(ctx: &mut Context, section: &Section, names: &Names, edge: &mut EdgeConfig) {
    let on = union(
        &words(ctx, section, "proxy_next_upstream"),
        &[
            (
                "error",
                &[RetryOn::REFUSED, RetryOn::RESET_UNSENT, RetryOn::RESET_SENT],
            ),
            ("timeout", &[RetryOn::CONNECT_TIMEOUT, RetryOn::TIMEOUT]),
            ("http_500", &[RetryOn::ERROR]),
            ("http_503", &[RetryOn::REJECTED]),
        ],
    );
    let groups = names.groups.iter();
    let peers = groups.filter(|group| group.service == edge.to.index());
    let peer_count = peers.fold(0, |sum: u32, group| sum.saturating_add(group.count));
    let tries = section
        .count_u32(ctx, "proxy_next_upstream_tries")
        .unwrap_or(0);
    let tries = if tries == 0 {
        peer_count
    } else {
        tries.min(peer_count)
    };
    edge.retry = retry(tries.clamp(1, ATTEMPT_COUNT_MAX), on);
    edge.attempt_timeout = section.duration(ctx, "proxy_read_timeout");
    let cache = idle_cache(ctx, section);
    // Without `keepalive` a connection is closed as soon as it is idle.
    let idle = match cache {
        Some(_) => time(ctx, section, "keepalive_timeout"),
        None => SimDuration::from_ns(1),
    };
    let connect = time(ctx, section, "proxy_connect_timeout");
    edge.connection = Some(connections(connect, Some(idle), false));
    edge.attempts = Some(Box::new(CANCELS));
    let within = time(ctx, section, "proxy_next_upstream_timeout");
    let limit = section.count_u32(ctx, "max_conns").unwrap_or(0);
    protect(
        edge,
        ResilienceConfig {
            instance_limit: instance_limit(limit, SimDuration::ZERO),
            retry_within: (!within.is_zero()).then_some(within),
            ..ResilienceConfig::default()
        },
    );
    // In a zone workers share what is known of servers, but not their connections.
    let shares = section.bool(ctx, "upstream_zone").unwrap_or(false);
    let workers = worker_count(ctx, section, Flavour::Nginx);
    let (side_count, thread_count) = if shares { (1, workers) } else { (workers, 1) };
    edge.forward = Some(Box::new(ForwardConfig {
        side_count,
        spread: match section.text(ctx, "spread").as_deref() {
            Some("caller") => Spread::Caller,
            _ => Spread::Request,
        },
        retry_at: RetryAt::Picked,
        turn_around: None,
        thread_count,
        reuse: Reuse::Always,
        fails_all_waiting: false,
        cache,
    }));
}

/// `keepalive`, and what has no effect without it.
fn idle_cache(ctx: &mut Context, section: &Section) -> Option<IdleCache> {
    let count_max = section.count_u32(ctx, "keepalive").unwrap_or(0);
    let request_count_max = section.count_u32(ctx, "keepalive_requests").unwrap_or(1);
    let keys = ["keepalive_timeout", "keepalive_requests"];
    for key in keys
        .iter()
        .filter(|key| count_max == 0 && section.is_changed(key))
    {
        ctx.error(
            Diagnostic::new(format!("`{key}` of connections that are not kept"))
                .at(section.origin_of(key), "`keepalive` is 0")
                .help("write how many idle ones each worker keeps: `keepalive = 32`"),
        );
    }
    (0 < count_max).then_some(IdleCache {
        count_max,
        request_count_max,
    })
}

fn protect(edge: &mut EdgeConfig, config: ResilienceConfig) {
    edge.resilience = config.is_used().then(|| Box::new(config));
}

fn haproxy(ctx: &mut Context, section: &Section, edge: &mut EdgeConfig) {
    let on = union(
        &words(ctx, section, "retry_on"),
        &[
            (
                "conn-failure",
                &[
                    RetryOn::REFUSED,
                    RetryOn::CONNECT_TIMEOUT,
                    RetryOn::RESET_UNSENT,
                ],
            ),
            ("empty-response", &[RetryOn::RESET_SENT]),
            ("response-timeout", &[RetryOn::TIMEOUT]),
            ("500", &[RetryOn::ERROR]),
            ("503", &[RetryOn::REJECTED]),
        ],
    );
    let connect = time(ctx, section, "timeout_connect");
    let retries = section.count_u32(ctx, "retries").unwrap_or(0);
    let redispatches = section.bool(ctx, "redispatch").unwrap_or(false);
    let is_in_turn = matches!(
        edge.balancer.strategy().name(),
        "haproxy_round_robin" | "haproxy_static_rr"
    );
    let retry_at = match (redispatches, is_in_turn) {
        (false, _) => RetryAt::Same,
        (true, false) => RetryAt::SameButLast,
        (true, true) => RetryAt::OtherIfUp,
    };
    edge.retry = retry(retries + 1, on);
    edge.attempt_timeout = section.duration(ctx, "timeout_server");
    let idle = section.duration(ctx, "pool_purge_delay");
    edge.connection = Some(connections(connect, idle, false));
    let limit = section.count_u32(ctx, "maxconn").unwrap_or(0);
    let wait_max = section.duration(ctx, "timeout_queue").unwrap_or(connect);
    if limit == 0 && section.is_changed("timeout_queue") {
        ctx.error(
            Diagnostic::new("a queue where nobody waits")
                .at(
                    section.origin_of("timeout_queue"),
                    "`maxconn` is 0, no bound",
                )
                .help("write `maxconn = 100` or drop `timeout_queue`"),
        );
    }
    protect(
        edge,
        ResilienceConfig {
            instance_limit: instance_limit(limit, wait_max),
            ..ResilienceConfig::default()
        },
    );
    edge.forward = Some(Box::new(ForwardConfig {
        side_count: 1,
        spread: Spread::Request,
        retry_at,
        turn_around: Some(connect.min(TURN_AROUND_MAX)),
        // Threads take idle connections over from each other.
        thread_count: 1,
        reuse: match section.text(ctx, "http_reuse").as_deref() {
            Some("never") => Reuse::Never,
            Some("aggressive") => Reuse::Aggressive,
            Some("always") => Reuse::Always,
            _ => Reuse::Safe,
        },
        fails_all_waiting: false,
        cache: None,
    }));
}

fn envoy(ctx: &mut Context, section: &Section, edge: &mut EdgeConfig) {
    let unanswered = [
        RetryOn::REFUSED,
        RetryOn::CONNECT_TIMEOUT,
        RetryOn::RESET_UNSENT,
        RetryOn::RESET_SENT,
        RetryOn::TIMEOUT,
        RetryOn::REJECTED,
    ];
    let on = union(
        &words(ctx, section, "retry_on"),
        &[
            ("connect-failure", &unanswered[..3]),
            ("reset", &unanswered[..5]),
            ("gateway-error", &unanswered),
            ("5xx", &[RetryOn::ALL]),
        ],
    );
    let retries = section.count_u32(ctx, "num_retries").unwrap_or(0);
    let base = time(ctx, section, "retry_base_interval");
    let retries = if on.0 == 0 { 0 } else { retries };
    edge.retry = RetryConfig {
        backoff_min: base,
        backoff_max: base.saturating_mul(10),
        jitter: Jitter::Envoy,
        failover: section.bool(ctx, "previous_hosts").unwrap_or(false),
        ..retry(retries + 1, on)
    };
    let timeout = section.duration(ctx, "timeout");
    edge.deadline = timeout.filter(|timeout| !timeout.is_zero());
    edge.attempt_timeout = section.duration(ctx, "per_try_timeout");
    let is_multiplexed = section.bool(ctx, "http2").unwrap_or(false);
    let connect = time(ctx, section, "connect_timeout");
    let idle = section.duration(ctx, "idle_timeout");
    edge.connection = Some(connections(connect, idle, is_multiplexed));
    edge.attempts = Some(Box::new(CANCELS));
    let mut limit = |key: &str| section.count_u32(ctx, key).unwrap_or(0);
    let limits = EnvoyLimits {
        connection_count_max: limit("max_connections"),
        request_count_max: limit("max_requests"),
        pending_count_max: limit("max_pending_requests"),
        retry_count_max: limit("max_retries"),
    };
    protect(
        edge,
        ResilienceConfig {
            breaker: Some(BreakerConfig::Envoy(limits)),
            ..ResilienceConfig::default()
        },
    );
    let threads = worker_count(ctx, section, Flavour::Envoy);
    if 1 < threads {
        let strategy = std::mem::replace(edge.balancer.strategy_mut(), BalancerConfig::Random);
        *edge.balancer.strategy_mut() = BalancerConfig::PerThread {
            thread_count: threads,
            strategy: Box::new(strategy),
        };
    }
    edge.forward = Some(Box::new(ForwardConfig {
        side_count: 1,
        spread: Spread::Request,
        retry_at: RetryAt::Picked,
        turn_around: None,
        thread_count: threads,
        reuse: Reuse::Always,
        fails_all_waiting: true,
        cache: None,
    }));
}
