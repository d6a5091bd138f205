//! `profile = "dns"`.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::section::Section;
use super::super::service::phase;
use super::refuse_heartbeats;
use super::system::length;
use crate::scenario::check::ProbePath;
use crate::scenario::registry::Phase;
use crate::scenario::registry::dns::{ClientCache, DnsChecks, DnsClientConfig, DnsConfig};
use crate::scenario::registry::system::ProtocolConfig;
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

fn is_word(ctx: &mut Context, section: &Section, key: &str, word: &str) -> bool {
    section.text(ctx, key).as_deref() == Some(word)
}

/// Reads the keys of DNS.
pub fn dns(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    let config = DnsConfig {
        ttl: length(ctx, section, "ttl"),
        negative_ttl: length(ctx, section, "negative_ttl"),
        shared_resolver_count: shared_resolver_count(ctx, section),
        update_delay: section.duration(ctx, "update_delay").unwrap_or_default(),
        refresh_interval: length(ctx, section, "refresh_interval"),
        checks: checks(ctx, section),
        answers_all_unhealthy: is_word(ctx, section, "all_unhealthy", "all"),
        stale_max: section.duration(ctx, "stale_max").unwrap_or_default(),
        stale_ttl: length(ctx, section, "stale_ttl"),
        resolver_timeout: length(ctx, section, "resolver_timeout"),
        client: client(ctx, section),
    };
    ProtocolConfig::Dns(config)
}

/// One member at least must be a name server.
fn shared_resolver_count(ctx: &mut Context, section: &Section) -> u32 {
    let count = section.count_u32(ctx, "shared_resolvers").unwrap_or(0);
    let members = section.count_u32(ctx, "members").unwrap_or(1);
    if members <= count {
        ctx.error(
            Diagnostic::new("no member is a name server")
                .at(
                    section.origin_of("shared_resolvers"),
                    format!("the registry has {members} members"),
                )
                .help("expected shared_resolvers < members"),
        );
    }
    count.min(members - 1)
}

fn checks(ctx: &mut Context, section: &Section) -> Option<DnsChecks> {
    if !section.bool(ctx, "health_check").unwrap_or(true) {
        return None;
    }
    let checks = DnsChecks {
        interval: length(ctx, section, "check_interval"),
        timeout: length(ctx, section, "check_timeout"),
        threshold: section.count_u32(ctx, "failure_threshold").unwrap_or(1),
    };
    if checks.interval < checks.timeout {
        ctx.error(
            Diagnostic::new("checks that outlast their interval")
                .at(
                    section.origin_of("check_timeout"),
                    format!("{} is more than {}", checks.timeout, checks.interval),
                )
                .help("expected check_timeout <= check_interval"),
        );
    }
    Some(checks)
}

fn client(ctx: &mut Context, section: &Section) -> DnsClientConfig {
    let cache = match section.text(ctx, "client_cache").as_deref() {
        Some("fixed") => ClientCache::Fixed(length(ctx, section, "client_ttl")),
        Some("forever") => ClientCache::Forever,
        _ => ClientCache::Record,
    };
    let is_following = section.bool(ctx, "resolve_on_failure").unwrap_or(false);
    DnsClientConfig {
        cache,
        phase: phase(ctx, section, "cache_phase"),
        query_timeout: length(ctx, section, "query_timeout"),
        try_count: section.count_u32(ctx, "query_tries").unwrap_or(1),
        retry_interval: length(ctx, section, "retry_interval"),
        keeps_last: is_word(ctx, section, "lookup_failure", "keep"),
        on_failure: is_following.then(|| length(ctx, section, "min_resolution_interval")),
    }
}

/// How the instances of a service register. They send no heartbeats: they are checked.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    refuse_heartbeats(
        ctx,
        section,
        "name servers check instances: see `check_interval`",
    );
    let is_checked = registry.bool(ctx, "health_check").unwrap_or(true);
    let (interval, registry_phase) = match is_checked {
        true => {
            let interval = length(ctx, registry, "check_interval");
            (interval, phase(ctx, registry, "check_phase"))
        }
        false => (length(ctx, registry, "refresh_interval"), Phase::Random),
    };
    RegisteredConfig {
        lease_duration: SimDuration::MAX,
        heartbeat_interval: interval,
        phase: match section.has("phase") {
            true => phase(ctx, section, "phase"),
            false => registry_phase,
        },
        path: ProbePath::Bypass,
    }
}
