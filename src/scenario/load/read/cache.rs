//! Caches of calls and of services.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{CACHE_MISS, CALL_CACHE, SERVICE_CACHE};
use super::super::section::Section;
use super::super::source::Origin;
use super::distribution::{distribution_at, distribution_if};
use super::{Names, Opened};
use crate::id::EdgeId;
use crate::scenario::cache::{
    CacheConfig, CacheMiss, CachePer, CallCacheConfig, ServiceCacheConfig,
};
use crate::scenario::client::EdgeConfig;
use crate::scenario::service::ServiceConfig;

/// The cache of a call, if it has one.
pub fn call_cache(ctx: &mut Context, call: &Section) -> Option<CallCacheConfig> {
    let tree = call.set_tree("cache")?;
    let section = Section::open(ctx, tree, &CALL_CACHE, "cache".to_string())?;
    let per = match section.text(ctx, "per").as_deref() {
        Some("zone") => CachePer::Zone,
        _ => CachePer::Caller,
    };
    Some(CallCacheConfig {
        cache: cache(ctx, &section),
        per,
    })
}

fn cache(ctx: &mut Context, section: &Section) -> CacheConfig {
    let ttl = section.duration(ctx, "ttl");
    if !section.has("ttl") {
        refuse_without_ttl(ctx, section);
    }
    CacheConfig {
        capacity: section.count_u32(ctx, "capacity").unwrap_or(1),
        ttl,
        ttl_jitter_ratio: section.number(ctx, "ttl_jitter").unwrap_or(0.0),
        hit_time: distribution_at(ctx, section, "hit_time"),
        coalesce: section.bool(ctx, "coalesce").unwrap_or(false),
        stale_while_revalidate: section
            .duration(ctx, "stale_while_revalidate")
            .unwrap_or_default(),
    }
}

/// What is about the end of entries does nothing where they have none.
fn refuse_without_ttl(ctx: &mut Context, cache: &Section) {
    for key in ["ttl_jitter", "stale_while_revalidate"] {
        if cache.is_changed(key) {
            ctx.error(
                Diagnostic::new(format!("`{key}` of entries that live for ever"))
                    .at(cache.origin_of(key), "it has no effect without a `ttl`")
                    .help("write `ttl = \"60s\"` beside it"),
            );
        }
    }
}

/// Gives every service its cache; the calls must be attached.
pub fn attach_service_caches(
    ctx: &mut Context,
    opened: &[Opened],
    edges: &[(EdgeConfig, Origin)],
    names: &Names,
    services: &mut [ServiceConfig],
) {
    for (service, opened) in services.iter_mut().zip(opened) {
        let Some(tree) = opened.section.set_tree("cache") else {
            continue;
        };
        let title = format!("service `{}`: cache", opened.name);
        let Some(section) = Section::open(ctx, tree, &SERVICE_CACHE, title) else {
            continue;
        };
        let cache = cache(ctx, &section);
        let calls: Vec<(EdgeId, &EdgeConfig)> = service
            .calls
            .iter()
            .map(|id| (*id, &edges[id.index()].0))
            .collect();
        let miss = miss(ctx, &section, &calls, names);
        service.cache = miss.map(|miss| ServiceCacheConfig { cache, miss });
    }
}

fn miss(
    ctx: &mut Context,
    cache: &Section,
    calls: &[(EdgeId, &EdgeConfig)],
    names: &Names,
) -> Option<CacheMiss> {
    let tree = cache.set_tree("miss")?;
    let section = Section::open(ctx, tree, &CACHE_MISS, "miss".to_string())?;
    let time = distribution_if(ctx, &section, "time");
    let call = section.text(ctx, "call");
    match (section.has("time"), section.has("call")) {
        (true, false) => return time.map(CacheMiss::Time),
        (false, true) => {}
        _ => {
            ctx.error(
                Diagnostic::new("a miss costs a time or a call")
                    .at(tree.origin, "expected `time` or `call`")
                    .help("write `miss = { time = \"20ms\" }` or `miss = { call = \"db\" }`"),
            );
            return None;
        }
    }
    let call = call?;
    let is_it = |edge: &EdgeConfig| names.services[edge.to.index()] == call;
    let found = calls.iter().find(|(_, edge)| is_it(edge));
    if found.is_none() {
        ctx.error(
            Diagnostic::new(format!("no call of `{call}`"))
                .at(section.origin_of("call"), "the service does not call it")
                .help(format!("write a table that ends in `.call.{call}]`")),
        );
    }
    let (id, edge) = found?;
    if !edge.flow.is_single() {
        ctx.error(
            Diagnostic::new("a miss that loads by more, or by less, than one call it waits for")
                .at(section.origin_of("call"), "it decides what the cache holds")
                .help(format!(
                    "remove `fanout`, `optional`, `async` and `detached` from the call of `{call}`"
                )),
        );
    }
    Some(CacheMiss::Call(*id))
}
