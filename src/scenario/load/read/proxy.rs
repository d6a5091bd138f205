//! Proxies: each becomes a service with one asynchronous call, which its flavour sets up.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{BALANCER, PROXY, SERVICE};
use super::super::section::Section;
use super::super::shorthand::expand;
use super::super::tree::{Entry, Table, Tree, Value, parse_value_in};
use super::{Names, Opened, open_named};
use crate::id::ServiceId;
use crate::scenario::proxy::{Flavour, ProxyConfig};
use crate::scenario::service::ServiceConfig;

/// Keys that a proxy has from services, as they are.
const KEYS_OF_SERVICES: [&str; 14] = [
    "count",
    "zone",
    "weight",
    "speed",
    "instances_per_host",
    "clock_drift",
    "queue",
    "restart_time",
    "registered",
    "pauses",
    "crash_above",
    "autoscale",
    "group",
    "balancer",
];

/// A proxy and the service that it becomes.
pub struct OpenedProxy<'t> {
    /// As it was written.
    pub opened: Opened<'t>,
    /// Which system it is.
    pub flavour: Flavour,
    /// The service, as a scenario would write it.
    service: Tree,
}

/// Opens all proxies.
pub fn open<'s>(ctx: &mut Context, root: &'s Section<'_>) -> Vec<OpenedProxy<'s>> {
    let opened = open_named(ctx, root, "proxy", &PROXY, "proxy", true);
    let mut list = Vec::new();
    for opened in opened {
        let flavour = match opened.section.variant_name() {
            "nginx" => Flavour::Nginx,
            "haproxy" => Flavour::Haproxy,
            _ => Flavour::Envoy,
        };
        let service = service_tree(ctx, &opened, flavour);
        list.push(OpenedProxy {
            opened,
            flavour,
            service,
        });
    }
    list
}

/// The services and what proxies become, in order of name.
pub fn services<'s>(
    ctx: &mut Context,
    root: &'s Section<'_>,
    proxies: &'s [OpenedProxy<'_>],
) -> Vec<Opened<'s>> {
    let mut list = open_named(ctx, root, "service", &SERVICE, "service", true);
    for proxy in proxies {
        let (name, name_origin) = (proxy.opened.name.clone(), proxy.opened.name_origin);
        if list.iter().any(|service| service.name == name) {
            ctx.error(
                Diagnostic::new(format!("both a service and a proxy are called `{name}`"))
                    .at(name_origin, "the second one")
                    .help("calls name both alike, so give the proxy a name of its own"),
            );
            continue;
        }
        let title = format!("proxy `{name}`");
        let section = Section::open(ctx, &proxy.service, &SERVICE, title);
        let section = section.expect("it is a table");
        list.push(Opened {
            name,
            name_origin,
            section,
        });
    }
    list.sort_by(|a, b| a.name.cmp(&b.name));
    list
}

fn put(table: &mut Table, key: &str, tree: Tree) {
    table.insert(Entry {
        key: key.to_string(),
        key_origin: tree.origin,
        tree,
    });
}

/// The service that a proxy becomes. What it calls has all defaults but its balancer and its
/// detector; the rest of the flavour follows in [`super::forward`].
fn service_tree(ctx: &mut Context, proxy: &Opened, flavour: Flavour) -> Tree {
    let section = &proxy.section;
    let here = section.origin;
    let own = |text: &str| parse_value_in(text, here);
    let mut table = Table::default();
    for key in KEYS_OF_SERVICES.iter().filter(|key| **key != "balancer") {
        if let Some(tree) = section.set_tree(key) {
            put(&mut table, key, tree.clone());
        }
    }
    if let Some(tree) = section.set_tree("listen") {
        put(&mut table, "connection", tree.clone());
    }
    if let Some(tree) = section.tree("processing_time") {
        put(&mut table, "service_time", tree.into_owned());
    }
    refuse_workers_of_groups(ctx, section);
    let workers = worker_count(ctx, section, flavour);
    put(&mut table, "workers", own(&workers.to_string()));
    if flavour != Flavour::Haproxy {
        put(&mut table, "cancellable", own("true"));
    }
    let mut call = Table::default();
    put(&mut call, "async", own("true"));
    put(&mut call, "connection", own("{ multiplex = false }"));
    put(&mut call, "balancer", balancer(ctx, section, flavour));
    if let Some(tree) = detector(ctx, section, flavour) {
        put(&mut call, "detector", tree);
    }
    let upstream = section.text(ctx, "upstream").unwrap_or_default();
    let mut calls = Table::default();
    let origin = section.origin_of("upstream");
    if !upstream.is_empty() {
        let value = Value::Table(call);
        put(&mut calls, &upstream, Tree { value, origin });
    }
    let value = Value::Table(calls);
    put(&mut table, "call", Tree { value, origin });
    Tree {
        value: Value::Table(table),
        origin: here,
    }
}

/// Groups have replicas with as many workers as the proxy says.
fn refuse_workers_of_groups(ctx: &mut Context, section: &Section) {
    for group in section.named(ctx, "group") {
        let table = group.tree.as_table();
        for key in ["workers", "cores", "cpu_quota"] {
            if let Some(entry) = table.and_then(|table| table.entry(key)) {
                ctx.error(
                    Diagnostic::new(format!("`{key}` in a group of a proxy"))
                        .at(
                            entry.key_origin,
                            "all replicas have the workers of the proxy",
                        )
                        .help("drop it; two proxies can differ"),
                );
            }
        }
    }
}

/// Worker processes or threads of one replica.
pub fn worker_count(ctx: &mut Context, section: &Section, flavour: Flavour) -> u32 {
    let key = match flavour {
        Flavour::Nginx => "worker_processes",
        Flavour::Haproxy => "nbthread",
        Flavour::Envoy => "concurrency",
    };
    section.count_u32(ctx, key).unwrap_or(1)
}

/// The balancer, with what the flavour puts around every strategy.
fn balancer(ctx: &mut Context, section: &Section, flavour: Flavour) -> Tree {
    let here = section.origin;
    let policy = match flavour {
        Flavour::Nginx => "\"nginx_round_robin\"",
        Flavour::Haproxy => "\"haproxy_round_robin\"",
        Flavour::Envoy => "\"envoy_round_robin\"",
    };
    let tree = match section.set_tree("balancer") {
        Some(tree) => tree.clone(),
        None => parse_value_in(policy, here),
    };
    let mut table = match &tree.value {
        Value::Table(table) => table.clone(),
        _ => match expand(&tree, &BALANCER) {
            Some(table) => table,
            None => return tree,
        },
    };
    match flavour {
        Flavour::Nginx if table.get("ejection").is_none() => {
            put(&mut table, "ejection", max_fails(ctx, section));
        }
        Flavour::Nginx => {
            for key in ["max_fails", "fail_timeout"]
                .iter()
                .filter(|k| section.has(k))
            {
                ctx.error(
                    Diagnostic::new(format!("`{key}` beside an ejection"))
                        .at(
                            section.origin_of(key),
                            "`balancer.ejection` says it already",
                        )
                        .help("write it in one place only"),
                );
            }
        }
        // Every cluster of Envoy has a level of priority, and panics.
        Flavour::Envoy if table.get("priority").is_none() && table.get("backup").is_none() => {
            put(&mut table, "priority", parse_value_in("{}", here));
        }
        Flavour::Envoy | Flavour::Haproxy => {}
    }
    Tree {
        value: Value::Table(table),
        origin: tree.origin,
    }
}

fn max_fails(ctx: &mut Context, section: &Section) -> Tree {
    // A status that is not listed is never passed on, so it does not count.
    let words = words(ctx, section, "proxy_next_upstream");
    let counts_errors = words.iter().any(|word| word.starts_with("http_"));
    let mut tree = parse_value_in(
        &format!("{{ kind = \"nginx_max_fails\", counts_errors = {counts_errors} }}"),
        section.origin,
    );
    if let Value::Table(table) = &mut tree.value {
        for (from, to) in [
            ("max_fails", "fail_count_max"),
            ("fail_timeout", "fail_timeout"),
        ] {
            if let Some(value) = section.tree(from) {
                put(table, to, value.into_owned());
            }
        }
    }
    tree
}

fn detector(ctx: &mut Context, section: &Section, flavour: Flavour) -> Option<Tree> {
    let set = section.set_tree("detector").cloned();
    if flavour != Flavour::Haproxy {
        return set;
    }
    match (section.bool(ctx, "check").unwrap_or(true), set) {
        (true, None) => Some(parse_value_in(
            "{ kind = \"haproxy_check\" }",
            section.origin,
        )),
        (true, set) => set,
        (false, None) => None,
        (false, Some(tree)) => {
            ctx.error(
                Diagnostic::new("a detector that checks nothing")
                    .at(tree.origin, "`check` is false")
                    .help("drop `check` or `detector`"),
            );
            None
        }
    }
}

/// The words of a list.
pub fn words(ctx: &mut Context, section: &Section, key: &str) -> Vec<String> {
    let texts = section.texts(ctx, key).unwrap_or_default();
    texts.into_iter().map(|(word, _)| word).collect()
}

/// Tells services which proxies they are.
pub fn attach(
    ctx: &mut Context,
    proxies: &[OpenedProxy],
    names: &Names,
    services: &mut [ServiceConfig],
) {
    for proxy in proxies {
        if let Ok(service) = names.service(&proxy.opened.name) {
            services[service.index()].proxy = Some(ProxyConfig {
                flavour: proxy.flavour,
                worker_count: worker_count(ctx, &proxy.opened.section, proxy.flavour),
            });
        }
    }
}

/// Which services are proxies, ascending.
pub fn ids(proxies: &[OpenedProxy], names: &Names) -> Vec<ServiceId> {
    let ids = proxies
        .iter()
        .map(|proxy| names.service(&proxy.opened.name));
    ids.filter_map(Result::ok).collect()
}
