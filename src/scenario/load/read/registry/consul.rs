//! `profile = "consul"`.

use std::sync::Arc;

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::schema::REGISTRY_GOSSIP;
use super::super::super::section::Section;
use super::super::super::value::DURATION_MAX;
use super::super::detector::path;
use super::super::distribution::distribution_if;
use super::super::gossip::gossip;
use super::super::service::phase;
use super::super::{PLACEHOLDER_TIME, open_table};
use super::system;
use crate::scenario::check::ProbePath;
use crate::scenario::distribution::{Distribution, Empirical};
use crate::scenario::registry::consul::{
    CheckConfig, CheckKind, Consistency, ConsulConfig, Filter, QueryConfig, SyncConfig,
};
use crate::scenario::registry::system::{ProtocolConfig, QuorumConfig};
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

const SECOND: SimDuration = SimDuration::from_secs(1);
/// Consul makes no check more often, and takes no shorter interval.
const INTERVAL_MIN: SimDuration = SECOND;
/// Consul deregisters nothing sooner.
const DEREGISTER_MIN: SimDuration = SimDuration::from_secs(60);
/// Consul lets no query wait longer.
const WAIT_MAX: SimDuration = SimDuration::from_secs(600);
/// Raft's times before they are multiplied.
const RAFT_HEARTBEAT_TIMEOUT: SimDuration = SECOND;
const RAFT_LEASE_TIMEOUT: SimDuration = SimDuration::from_ms(500);
/// A full sync follows within this when a server comes.
const SERVER_UP_INTERVAL: SimDuration = SimDuration::from_secs(3);
/// Quantiles by which the patience of followers is kept.
const PATIENCE_QUANTILE_COUNT: u32 = 256;

/// Reads the keys of Consul.
pub fn consul(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    let time = |ctx: &mut Context, key| section.duration(ctx, key).unwrap_or(PLACEHOLDER_TIME);
    let gossip_section = open_table(ctx, section, "gossip", &REGISTRY_GOSSIP);
    let multiplier = u64::from(section.count_u32(ctx, "raft_multiplier").unwrap_or(1));
    let heartbeat_timeout = RAFT_HEARTBEAT_TIMEOUT.saturating_mul(multiplier);
    ProtocolConfig::Consul(Box::new(ConsulConfig {
        check: check(ctx, section),
        sync: SyncConfig {
            interval: time(ctx, "sync_interval"),
            retry_interval: time(ctx, "sync_retry_interval"),
            server_up_interval: SERVER_UP_INTERVAL,
        },
        query: query(ctx, section),
        rpc_hold_timeout: time(ctx, "rpc_hold_timeout"),
        rpc_client_timeout: time(ctx, "rpc_client_timeout"),
        reconcile_interval: time(ctx, "reconcile_interval"),
        raft_heartbeat_min: SimDuration::from_ns(heartbeat_timeout.as_ns() / 10),
        quorum: quorum(ctx, section, heartbeat_timeout, multiplier),
        gossip: gossip(ctx, &gossip_section),
    }))
}

fn check(ctx: &mut Context, section: &Section) -> CheckConfig {
    let count = |ctx: &mut Context, key| section.count_u32(ctx, key);
    let kind = kind(ctx, section);
    let path = match kind {
        CheckKind::Http => path(ctx, section),
        CheckKind::Ttl => ProbePath::Bypass,
        CheckKind::Tcp => ProbePath::Accept,
    };
    let own = distribution_if(ctx, section, "check_service_time");
    if own.is_some() && !path.needs_worker() {
        let rule = format!("by path {} no worker answers a check", path.name());
        ctx.error(
            Diagnostic::new("`check_service_time` has no effect")
                .at(section.origin_of("check_service_time"), rule)
                .help("write `check = \"http\"` and `path = \"queued\"`"),
        );
    }
    if kind != CheckKind::Http && section.has("path") {
        ctx.error(
            Diagnostic::new("`path` is what an HTTP check sees")
                .at(section.origin_of("path"), "the check is another one")
                .help("leave `path` out, or write `check = \"http\"`"),
        );
    }
    if kind != CheckKind::Ttl {
        at_least(ctx, section, "interval", INTERVAL_MIN);
    }
    let failures_before_critical = count(ctx, "failures_before_critical").unwrap_or(0);
    let failures_before_warning =
        count(ctx, "failures_before_warning").unwrap_or(failures_before_critical);
    if failures_before_critical < failures_before_warning {
        ctx.error(
            Diagnostic::new("a warning that would come after the critical status")
                .at(
                    section.origin_of("failures_before_warning"),
                    format!("`failures_before_critical` is {failures_before_critical}"),
                )
                .help("expected failures_before_warning <= failures_before_critical"),
        );
    }
    let nothing = Distribution::Constant {
        value: SimDuration::ZERO,
    };
    CheckConfig {
        kind,
        path,
        worker_time: path.needs_worker().then(|| own.unwrap_or(nothing)),
        timeout: section.duration(ctx, "timeout").unwrap_or(PLACEHOLDER_TIME),
        success_before_passing: count(ctx, "success_before_passing").unwrap_or(0),
        failures_before_warning,
        failures_before_critical,
        is_passing_at_first: section.text(ctx, "status").as_deref() == Some("passing"),
        has_changing_output: section.bool(ctx, "changing_output").unwrap_or(false),
        update_interval: section
            .duration(ctx, "check_update_interval")
            .unwrap_or_default(),
        deregister_after: deregister_after(ctx, section),
        reap_interval: section
            .duration(ctx, "check_reap_interval")
            .unwrap_or(PLACEHOLDER_TIME),
        registers_again: section.text(ctx, "unknown_check").as_deref() != Some("ignore"),
    }
}

fn kind(ctx: &mut Context, section: &Section) -> CheckKind {
    match section.text(ctx, "check").as_deref() {
        Some("ttl") => CheckKind::Ttl,
        Some("tcp") => CheckKind::Tcp,
        _ => CheckKind::Http,
    }
}

/// A length that Consul bounds from below.
fn at_least(ctx: &mut Context, section: &Section, key: &str, least: SimDuration) {
    let refused = section.duration(ctx, key).filter(|length| *length < least);
    if let Some(length) = refused {
        ctx.error(
            Diagnostic::new(format!("`{key}` is shorter than Consul takes"))
                .at(section.origin_of(key), format!("it is {length}"))
                .help(format!("expected at least {least}")),
        );
    }
}

fn deregister_after(ctx: &mut Context, section: &Section) -> Option<SimDuration> {
    let key = "deregister_critical_service_after";
    at_least(ctx, section, key, DEREGISTER_MIN);
    section.duration(ctx, key)
}

fn query(ctx: &mut Context, section: &Section) -> QueryConfig {
    let wait = section.duration(ctx, "wait").unwrap_or(PLACEHOLDER_TIME);
    if WAIT_MAX < wait {
        ctx.error(
            Diagnostic::new("a query that waits longer than Consul lets it")
                .at(section.origin_of("wait"), format!("it is {wait}"))
                .help(format!("expected at most {WAIT_MAX}")),
        );
    }
    QueryConfig {
        consistency: match section.text(ctx, "consistency").as_deref() {
            Some("stale") => Consistency::Stale,
            Some("consistent") => Consistency::Consistent,
            _ => Consistency::Default,
        },
        filter: match section.text(ctx, "filter").as_deref() {
            Some("not_critical") => Filter::NotCritical,
            Some("any") => Filter::Any,
            _ => Filter::Passing,
        },
        wait,
        uses_cache: section.bool(ctx, "use_cache").unwrap_or(false),
    }
}

fn quorum(
    ctx: &mut Context,
    section: &Section,
    heartbeat_timeout: SimDuration,
    multiplier: u64,
) -> QuorumConfig {
    let is_alone = section.count_u32(ctx, "members") == Some(1);
    let times = |ms: u64| SimDuration::from_ms(ms).saturating_mul(multiplier);
    let election_time = match is_alone {
        true => Distribution::Constant {
            value: SimDuration::from_ms(10),
        },
        false => Distribution::Uniform {
            min: times(200),
            max: times(1_700),
        },
    };
    QuorumConfig {
        first_leader: system::first_leader(ctx, section),
        follower_patience: patience(heartbeat_timeout, is_alone),
        leader_patience: RAFT_LEASE_TIMEOUT.saturating_mul(multiplier),
        notices_death: false,
        election_time: distribution_if(ctx, section, "election_time").unwrap_or(election_time),
        // A follower votes as soon as its own timer has fired, which is within this.
        vote_patience: Some(heartbeat_timeout.saturating_mul(3)),
        retry_min: heartbeat_timeout,
        retry_max: heartbeat_timeout.saturating_mul(2),
    }
}

/// How long a follower hears nothing when its timer fires: the timer is set anew every one to two
/// timeouts, whatever it heard, and looks then whether it heard nothing for one timeout. So what is
/// left of it after the first timeout is the residual life of a renewal process. A server that is
/// alone has no leader to hear: its first timer counts.
fn patience(timeout: SimDuration, is_alone: bool) -> Distribution {
    if is_alone {
        return Distribution::Uniform {
            min: timeout,
            max: timeout.saturating_mul(2),
        };
    }
    let count = PATIENCE_QUANTILE_COUNT;
    let share = |number: u32| (f64::from(number) + 0.5) / f64::from(count);
    let values = (0..count).map(|number| timeout.scaled(1.0 + residual(share(number))));
    let cumulative = (1..=count).map(|number| f64::from(number) / f64::from(count));
    Distribution::Empirical(Arc::new(Empirical {
        values: values.collect(),
        cumulative: cumulative.collect(),
    }))
}

/// A quantile of the residual life of a renewal process whose intervals are uniform on [1, 2): its
/// density is 2/3 on [0, 1), and falls to 0 at 2.
fn residual(share: f64) -> f64 {
    if share < 2.0 / 3.0 {
        1.5 * share
    } else {
        2.0 - (3.0 * (1.0 - share)).sqrt()
    }
}

/// How the instances of a service register: with a check of their own interval.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    let is_ttl = kind(ctx, registry) == CheckKind::Ttl;
    if !is_ttl && section.has("lease_duration") {
        ctx.error(
            Diagnostic::new("a lease where the agent asks")
                .at(
                    section.origin_of("lease_duration"),
                    "only a check of the kind \"ttl\" runs out",
                )
                .help("set `heartbeat_interval` (of the check), or write `check = \"ttl\"`"),
        );
    }
    if !is_ttl {
        at_least(ctx, section, "heartbeat_interval", INTERVAL_MIN);
    }
    let own_ttl = section.duration(ctx, "lease_duration");
    let ttl = own_ttl.or_else(|| registry.duration(ctx, "ttl"));
    let ttl = ttl.unwrap_or(PLACEHOLDER_TIME);
    let third = SimDuration::from_ns((ttl.as_ns() / 3).max(1));
    let of_registry = match is_ttl {
        true => registry
            .duration(ctx, "pass_interval")
            .filter(|_| own_ttl.is_none())
            .unwrap_or(third),
        false => registry
            .duration(ctx, "interval")
            .unwrap_or(PLACEHOLDER_TIME),
    };
    RegisteredConfig {
        // Where the agent asks, a registration lives for as long as nobody ends it.
        lease_duration: if is_ttl { ttl } else { DURATION_MAX },
        heartbeat_interval: section
            .duration(ctx, "heartbeat_interval")
            .unwrap_or(of_registry),
        phase: match section.has("phase") {
            true => phase(ctx, section, "phase"),
            false => phase(ctx, registry, "phase"),
        },
        path: ProbePath::Bypass,
    }
}
