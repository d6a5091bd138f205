//! Classes of requests.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{self, KEYS};
use super::super::section::Section;
use super::super::source::Origin;
use super::super::warning::WarningCode;
use super::client::keys_of;
use super::distribution::distribution_if;
use super::size::size_if;
use super::{Names, Opened, open_named, server};
use crate::id::{ClassId, ClientId, ServiceId};
use crate::scenario::class::{CLASS_COUNT_MAX, ClassConfig, Classes};
use crate::scenario::client::{EdgeConfig, EdgeOwner};
use crate::scenario::distribution::Distribution;
use crate::scenario::service::ServiceConfig;

/// The shares of a client may miss 1 by this much, for decimals that do not end.
const SHARE_SUM_ERROR_MAX: f64 = 1e-6;

/// A class, opened.
pub struct OpenedClass<'t> {
    /// Its client.
    pub client: ClientId,
    /// The table.
    pub opened: Opened<'t>,
}

/// Opens the classes of all clients, in order of client and name.
pub fn open_classes<'s>(
    ctx: &mut Context,
    clients: &'s [Opened],
    names: &mut Names,
) -> Vec<OpenedClass<'s>> {
    let mut list = Vec::new();
    for (place, client) in clients.iter().enumerate() {
        let (section, what) = (&client.section, format!("client `{}`: class", client.name));
        let opened = open_named(ctx, section, "class", &schema::CLASS, &what, true);
        if section.set_tree("class").is_some() && opened.is_empty() && ctx.error_count() == 0 {
            ctx.error(
                Diagnostic::new(format!("client `{}` has no class", client.name))
                    .at(section.origin_of("class"), "no table in it")
                    .help("write [client.NAME.class.NAME], or leave `class` out"),
            );
        }
        list.extend(opened.into_iter().map(|opened| OpenedClass {
            client: ClientId::from_index(place),
            opened,
        }));
    }
    if let Some(first_past) = list.get(CLASS_COUNT_MAX) {
        let count = list.len();
        ctx.error(Diagnostic::new(format!("{count} classes of requests")).at(
            first_past.opened.name_origin,
            format!("at most {CLASS_COUNT_MAX} are possible, all clients together"),
        ));
        list.truncate(CLASS_COUNT_MAX);
    }
    names.classes = paths(&list, clients);
    list
}

/// The paths of classes, `shop.checkout`; the first one is that of class 1.
fn paths(classes: &[OpenedClass], clients: &[Opened]) -> Vec<String> {
    let path = |class: &OpenedClass| {
        let client = &clients[class.client.index()].name;
        format!("{client}.{}", class.opened.name)
    };
    classes.iter().map(path).collect()
}

/// Reads the classes.
pub fn classes(
    ctx: &mut Context,
    opened: &[OpenedClass],
    clients: &[Opened],
    edges: &[(EdgeConfig, Origin)],
) -> Classes {
    let mut list = Vec::new();
    for (class, path) in opened.iter().zip(paths(opened, clients)) {
        let section = &class.opened.section;
        let (service_time, wait_time) = service_time(ctx, section, class.client, edges).unzip();
        list.push(ClassConfig {
            client: class.client,
            path,
            share: share(ctx, section),
            service_time,
            wait_time: wait_time.flatten(),
            keys: section
                .set_tree("keys")
                .and_then(|tree| Section::open(ctx, tree, &KEYS, "keys".to_string()))
                .map(|keys| keys_of(ctx, &keys)),
            deadline: deadline(ctx, section),
            priority: u8::try_from(section.count(ctx, "priority").unwrap_or(0)).unwrap_or(0),
            is_idempotent: section.bool(ctx, "idempotent").unwrap_or(true),
            request_size: size_if(ctx, section, "request_size"),
            reply_size: size_if(ctx, section, "reply_size"),
        });
    }
    check_shares(ctx, opened, clients, &list);
    Classes::new(list)
}

fn share(ctx: &mut Context, section: &Section) -> f64 {
    let share = section.number(ctx, "share");
    if share == Some(0.0) {
        ctx.error(
            Diagnostic::new(format!("{} has no requests", section.title))
                .at(section.origin_of("share"), "expected a share above 0"),
        );
    }
    share.unwrap_or(1.0)
}

fn deadline(ctx: &mut Context, section: &Section) -> Option<Distribution> {
    let law = distribution_if(ctx, section, "deadline")?;
    if law.mean_secs() <= 0.0 {
        ctx.error(
            Diagnostic::new("a deadline that is always over")
                .at(section.origin_of("deadline"), "expected a time above zero"),
        );
    }
    Some(law)
}

/// The law of a class at the service that its client calls, which must be one, or at that behind
/// the proxies which it calls.
fn service_time(
    ctx: &mut Context,
    section: &Section,
    client: ClientId,
    edges: &[(EdgeConfig, Origin)],
) -> Option<((ServiceId, Distribution), Option<Distribution>)> {
    section.set_tree("service_time")?;
    let (law, wait) = server::service_time(ctx, section);
    let of_client = |edge: &&EdgeConfig| edge.owner == EdgeOwner::Client(client);
    let calls = edges.iter().map(|(edge, _)| edge).filter(of_client);
    let mut called = calls.map(|edge| edge.to);
    let service = behind_proxies(edges, called.next()?);
    if called.next().is_some() {
        ctx.error(
            Diagnostic::new("a service time at which service?")
                .at(
                    section.origin_of("service_time"),
                    "the client calls several services",
                )
                .help("let the client call one service, which calls the others"),
        );
    }
    Some(((service, law), wait))
}

/// The service that `called` is, or leads to if it is a proxy.
fn behind_proxies(edges: &[(EdgeConfig, Origin)], called: ServiceId) -> ServiceId {
    let upstream = |proxy: &ServiceId| {
        let is_its =
            |edge: &&EdgeConfig| edge.forward.is_some() && edge.owner == EdgeOwner::Service(*proxy);
        let mut edges = edges.iter().map(|(edge, _)| edge);
        edges.find(is_its).map(|edge| edge.to)
    };
    // A circle of proxies, which is reported already, has no end.
    let hops = std::iter::successors(Some(called), upstream).take(edges.len() + 1);
    hops.last().expect("the first one is there")
}

/// Reports clients whose classes do not share its requests among them.
fn check_shares(
    ctx: &mut Context,
    opened: &[OpenedClass],
    clients: &[Opened],
    classes: &[ClassConfig],
) {
    // A share that could not be read stands for nothing.
    if 0 < ctx.error_count() {
        return;
    }
    for (place, client) in clients.iter().enumerate() {
        let of_client = |class: &&ClassConfig| class.client.index() == place;
        let sum: f64 = classes.iter().filter(of_client).map(|c| c.share).sum();
        let last = opened.iter().rfind(|class| class.client.index() == place);
        if let Some(last) = last
            && SHARE_SUM_ERROR_MAX < (sum - 1.0).abs()
        {
            // As many digits as tell it from 1.
            let sum = (sum * 1e7).round() / 1e7;
            ctx.error(
                Diagnostic::new(format!(
                    "the shares of the classes of client `{}` do not sum to 1",
                    client.name
                ))
                .at(
                    last.opened.section.origin_of("share"),
                    format!("their sum is {sum}"),
                )
                .help("write shares that sum to 1, like 0.2 and 0.8"),
            );
        }
    }
}

/// Warns of bandwidths that no message needs.
pub fn warn_sizeless(ctx: &mut Context, network: &Section, classes: &Classes) {
    // A size that could not be read stands for nothing.
    let has_size = classes.ids().any(|class| classes.get(class).has_size());
    if has_size || 0 < ctx.error_count() {
        return;
    }
    for key in ["same_zone_bandwidth", "cross_zone_bandwidth"] {
        if network.has(key) {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new(format!("`{key}` has no effect"))
                    .at(network.origin_of(key), "no message has a size")
                    .help("set `request_size` or `reply_size` of a [client.NAME.class.NAME]"),
            );
        }
    }
}

/// Warns of priorities by which no queue goes.
pub fn warn_priorities(ctx: &mut Context, opened: &[OpenedClass], services: &[ServiceConfig]) {
    let rules = services.iter().filter_map(|s| s.queue_rules.as_ref());
    // A queue that could not be read stands for nothing.
    if rules.into_iter().any(|rules| rules.has_priorities) || 0 < ctx.error_count() {
        return;
    }
    for class in opened {
        let section = &class.opened.section;
        if section.has("priority") {
            ctx.warn(
                WarningCode::NoEffect,
                Diagnostic::new("`priority` has no effect")
                    .at(section.origin_of("priority"), "no queue goes by priority")
                    .help("write `queue = { priority = true }` in a service"),
            );
        }
    }
}

/// The class that a key names, if it does.
pub fn class_at(ctx: &mut Context, section: &Section, key: &str, names: &Names) -> Option<ClassId> {
    section.set_tree(key)?;
    let path = section.text(ctx, key)?;
    let found = names.class(&path);
    found
        .map_err(|unknown| unknown.report(ctx, section.origin_of(key)))
        .ok()
}
