//! Readers: from the tree of a scenario to its configuration, every error on the way reported.

mod attempts;
mod balancer;
mod breakdown;
mod cache;
mod call;
mod class;
mod client;
mod connection;
mod data;
mod detector;
mod distribution;
mod expect;
mod fault;
mod flow;
mod forward;
mod gossip;
mod names;
mod network;
mod proxy;
mod registry;
mod resilience;
mod rollout;
mod scaling;
mod selector;
mod server;
mod service;
mod size;
mod trigger;

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::schema::{self, TableSpec};
use super::section::{Named, Section};
use super::source::Origin;
use super::tree::Tree;
use crate::scenario::Scenario;
use crate::scenario::class::Classes;
use crate::scenario::client::{ClientConfig, EdgeConfig};
use crate::scenario::expect::Expectation;
use crate::scenario::service::ServiceConfig;
use crate::scenario::topology::Topology;
use crate::time::SimDuration;

pub use names::{Names, Unknown};

/// What readers return where a value is wrong: the error is reported, and nothing is built.
const PLACEHOLDER_TIME: SimDuration = SimDuration::from_secs(1);

/// A named table, opened.
pub struct Opened<'t> {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_origin: Origin,
    /// What it holds.
    pub section: Section<'t>,
}

/// Places that later checks point at.
#[derive(Debug, Default)]
pub struct Places {
    /// Of `[service.NAME]`, by id.
    pub services: Vec<Origin>,
    /// Of `[client.NAME.call.SERVICE]`, by id.
    pub calls: Vec<Origin>,
    /// Of `at` of the faults, by id.
    pub fault_starts: Vec<Origin>,
    /// Of the values of `[expect]`, in order.
    pub expectations: Vec<Origin>,
    /// Of `window`, if it is set.
    pub window: Option<Origin>,
}

impl Places {
    fn new(
        root: &Section<'_>,
        services: &[Opened<'_>],
        calls: &[(EdgeConfig, Origin)],
        faults: &[Opened<'_>],
        expectations: &[(Expectation, Origin)],
    ) -> Self {
        Places {
            services: services.iter().map(|s| s.name_origin).collect(),
            calls: calls.iter().map(|(_, origin)| *origin).collect(),
            fault_starts: faults.iter().map(fault::start_origin).collect(),
            expectations: expectations.iter().map(|(_, origin)| *origin).collect(),
            window: root.has("window").then(|| root.origin_of("window")),
        }
    }
}

/// Reads the whole scenario. None if a part is missing without which nothing can be said; what is
/// returned is only valid if no error was reported.
pub fn scenario(
    ctx: &mut Context,
    tree: &Tree,
    default_name: &str,
    header: Vec<String>,
) -> Option<(Scenario, Places)> {
    let root = open_root(ctx, tree)?;
    let proxies = proxy::open(ctx, &root);
    let services = proxy::services(ctx, &root, &proxies);
    let groups = service::open_groups(ctx, &services);
    let clients = open_named(ctx, &root, "client", &schema::CLIENT, "client", true);
    let faults = open_named(ctx, &root, "fault", &schema::FAULT, "fault", true);
    let (opened_registry, network_section) = open_between(ctx, &root);
    let duration_read = root.duration(ctx, "duration");
    let tiers = (&services[..], &proxies[..]);
    let mut names = names::collect(ctx, tiers, &groups, &clients, &faults, &opened_registry);
    let opened_classes = class::open_classes(ctx, &clients, &mut names);
    let registry = registry::registry(ctx, &opened_registry, &names);
    let mut edges = call::edges(ctx, &clients, &services, &mut names);
    forward::complete(ctx, &proxies, &names, &mut edges);
    let groups = service::groups(ctx, &services, &groups, &names);
    let mut services_read = service::services(ctx, &services, &groups, &opened_registry);
    proxy::attach(ctx, &proxies, &names, &mut services_read);
    let faults_read = fault::faults(ctx, &faults, &names);
    let classes = class::classes(ctx, &opened_classes, &clients, &edges);
    class::warn_priorities(ctx, &opened_classes, &services_read);
    attach_calls(ctx, &services, &edges, &names, &mut services_read);
    let duration = duration_read.unwrap_or(PLACEHOLDER_TIME);
    let servers = (&services_read[..], &groups[..]);
    let world = client::World::new(&names, &classes, &edges, servers, duration);
    let clients_read = client::clients(ctx, &clients, &world);
    flow::resolve_keys(ctx, &mut edges, &clients_read, &services_read);
    let network = network::network(ctx, &network_section, &names, &classes);
    super::attempts::refuse_large_broadcasts(ctx, &edges, &groups);
    check_network(ctx, &[&clients, &services], &network_section, &classes);
    let (expectations, asked) = expect::expectations_and_asked(ctx, &root, &names);
    let (warmup, is_warmup_open) = warmup(ctx, &root, duration_read);
    let places = Places::new(&root, &services, &edges, &faults, &expectations);
    let mut edges: Vec<EdgeConfig> = edges.into_iter().map(|(edge, _)| edge).collect();
    let clusters = gossip::clusters(ctx, &services, &names, (&mut edges, &places.calls));
    let scenario = Scenario {
        name: root.text(ctx, "name").unwrap_or(default_name.to_string()),
        header,
        seed: root.count(ctx, "seed").unwrap_or(0),
        duration,
        warmup,
        is_warmup_open,
        drain: drain(ctx, &root, &clients_read, &classes, &edges),
        window: root.duration(ctx, "window").unwrap_or_default(),
        availability_objective_ratio: root.number(ctx, "availability_objective").unwrap_or(1.0),
        has_breakdown: breakdown::has_breakdown(ctx, &root, &expectations, &asked),
        zones: names.zones,
        network,
        registry,
        services: services_read,
        groups,
        clients: clients_read,
        classes,
        edges,
        clusters,
        faults: faults_read,
        expectations: expectations.into_iter().map(|(e, _)| e).collect(),
        asked,
        compare: None,
        sweep: None,
        sensitivity: None,
        topology: Topology::default(),
    };
    Some((scenario, places))
}

/// Opens the whole file, of a version that is known.
fn open_root<'t>(ctx: &mut Context, tree: &'t Tree) -> Option<Section<'t>> {
    let root = Section::open(ctx, tree, &schema::ROOT, "the scenario".to_string())?;
    root.count(ctx, "schema");
    Some(root)
}

/// Tells services of the calls that they make, and of the caches that these fill.
fn attach_calls(
    ctx: &mut Context,
    opened: &[Opened<'_>],
    edges: &[(EdgeConfig, Origin)],
    names: &Names,
    services: &mut [ServiceConfig],
) {
    call::attach(edges, services);
    cache::attach_service_caches(ctx, opened, edges, names, services);
}

/// Opens what stands between callers and instances: the registry and the network.
fn open_between<'s>(ctx: &mut Context, root: &'s Section<'_>) -> (Section<'s>, Section<'s>) {
    let errors_before = ctx.error_count();
    let registry = open_table(ctx, root, "registry", &schema::REGISTRY);
    if registry.variant_name() == "static" && errors_before < ctx.error_count() {
        // Its profile may be another one, which has members and leases.
        ctx.diagnostics.hush(selector::NO_MEMBERS.to_string());
        ctx.diagnostics.hush(registry::NO_LEASES.to_string());
    }
    let network = open_table(ctx, root, "network", &schema::NETWORK);
    (registry, network)
}

/// Checks what the network decides for callers, given those that own calls.
fn check_network(
    ctx: &mut Context,
    owners: &[&[Opened<'_>]],
    network: &Section,
    classes: &Classes,
) {
    connection::refuse_datagrams(ctx, owners, network);
    class::warn_sizeless(ctx, network, classes);
}

/// The drain, by default the longest time that a request can take.
fn drain(
    ctx: &mut Context,
    root: &Section,
    clients: &[ClientConfig],
    classes: &Classes,
    edges: &[EdgeConfig],
) -> SimDuration {
    root.duration(ctx, "drain")
        .unwrap_or_else(|| call::longest_request(clients, classes, edges))
}

/// The warm-up, which must leave something to measure, and whether it is to be found before the
/// run.
fn warmup(ctx: &mut Context, root: &Section, duration: Option<SimDuration>) -> (SimDuration, bool) {
    let (warmup, is_open) = root.warmup(ctx, "warmup").unwrap_or_default();
    if let Some(duration) = duration
        && duration <= warmup
    {
        ctx.error(
            Diagnostic::new("a warm-up as long as the run")
                .at(
                    root.origin_of("warmup"),
                    format!("`duration` is {duration}"),
                )
                .help("expected warmup < duration"),
        );
    }
    (warmup, is_open)
}

/// Opens the tables of a table of named tables; sorted by name where their order means nothing.
fn open_named<'s>(
    ctx: &mut Context,
    section: &'s Section<'_>,
    key: &str,
    spec: &'static TableSpec,
    what: &str,
    is_sorted: bool,
) -> Vec<Opened<'s>> {
    let mut list: Vec<Opened<'s>> = Vec::new();
    for Named {
        name,
        name_origin,
        tree,
    } in section.named(ctx, key)
    {
        let title = format!("{what} `{name}`");
        let Some(mut section) = Section::open(ctx, tree, spec, title) else {
            hush_unknown(ctx, key, name);
            continue;
        };
        section.origin = tree.origin;
        list.push(Opened {
            name: name.to_string(),
            name_origin,
            section,
        });
    }
    if is_sorted {
        list.sort_by(|a, b| a.name.cmp(&b.name));
    }
    list
}

/// A table that cannot be read is there all the same: who names it makes no mistake.
fn hush_unknown(ctx: &mut Context, key: &str, name: &str) {
    ctx.diagnostics.hush(format!("unknown {key} `{name}`"));
    if key == "proxy" {
        ctx.diagnostics.hush(format!("unknown service `{name}`"));
    }
}

/// Opens the table at a key; where there is none, or no table, all its keys have their defaults.
fn open_table<'s>(
    ctx: &mut Context,
    section: &'s Section<'_>,
    key: &str,
    spec: &'static TableSpec,
) -> Section<'s> {
    let opened = section
        .set_tree(key)
        .and_then(|tree| Section::open(ctx, tree, spec, spec.what.to_string()));
    opened.unwrap_or_else(|| Section::absent(spec, spec.what.to_string(), section.origin))
}
