//! Clients: their arrivals and keys.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{ARRIVALS, KEYS};
use super::super::section::Section;
use super::super::source::Origin;
use super::distribution::distribution_at;
use super::{Names, Opened, PLACEHOLDER_TIME, open_table};
use crate::id::{EdgeId, ServiceId};
use crate::scenario::class::Classes;
use crate::scenario::client::{
    ArrivalProcess, ClientConfig, EdgeConfig, EdgeOwner, KeyConfig, WhenCallerDown, Workload,
};
use crate::scenario::load::capacity;
use crate::scenario::registry::ClockConfig;
use crate::scenario::service::{GroupConfig, ServiceConfig};
use crate::time::{SimDuration, SimTime};

/// What the arrivals of a client may refer to.
pub struct World<'a> {
    pub names: &'a Names,
    pub classes: &'a Classes,
    pub edges: Vec<EdgeConfig>,
    pub services: &'a [ServiceConfig],
    pub groups: &'a [GroupConfig],
    pub duration: SimDuration,
}

impl<'a> World<'a> {
    /// What was read so far.
    pub fn new(
        names: &'a Names,
        classes: &'a Classes,
        edges: &[(EdgeConfig, Origin)],
        (services, groups): (&'a [ServiceConfig], &'a [GroupConfig]),
        duration: SimDuration,
    ) -> Self {
        World {
            names,
            classes,
            edges: edges.iter().map(|(edge, _)| edge.clone()).collect(),
            services,
            groups,
            duration,
        }
    }
}

/// Reads the clients.
pub fn clients(ctx: &mut Context, clients: &[Opened], world: &World) -> Vec<ClientConfig> {
    let mut calls_of: Vec<Vec<EdgeId>> = vec![Vec::new(); clients.len()];
    for (place, edge) in world.edges.iter().enumerate() {
        if let EdgeOwner::Client(client) = edge.owner {
            calls_of[client.index()].push(EdgeId::from_index(place));
        }
    }
    let mut list = Vec::new();
    for (place, client) in clients.iter().enumerate() {
        let section = &client.section;
        let calls = std::mem::take(&mut calls_of[place]);
        let zones = section.texts(ctx, "zones").unwrap_or_default();
        if section.has("zones") && zones.is_empty() {
            ctx.error(
                Diagnostic::new(format!("client `{}` is in no zone", client.name))
                    .at(section.origin_of("zones"), "expected at least one zone"),
            );
        }
        list.push(ClientConfig {
            name: client.name.clone(),
            count: world.names.clients[place].caller_count,
            zones: zones
                .iter()
                .map(|(zone, _)| world.names.zone_of(zone))
                .collect(),
            workload: workload(ctx, client, &calls, world),
            keys: keys(ctx, section),
            when_caller_down: match section.text(ctx, "when_caller_down").as_deref() {
                Some("lose") => WhenCallerDown::Lose,
                Some("fail") => WhenCallerDown::Fail,
                _ => WhenCallerDown::Redistribute,
            },
            calls,
            clock: ClockConfig {
                drift_ratio: section.number(ctx, "clock_drift").unwrap_or(0.0),
            },
        });
    }
    list
}

fn workload(ctx: &mut Context, client: &Opened, calls: &[EdgeId], world: &World) -> Workload {
    const PLACEHOLDER: Workload = Workload::Open {
        process: ArrivalProcess::Constant { rate: 1.0 },
    };
    let Some(tree) = client.section.set_tree("arrivals") else {
        return PLACEHOLDER;
    };
    let Some(section) = Section::open(ctx, tree, &ARRIVALS, "arrivals".to_string()) else {
        return PLACEHOLDER;
    };
    let rate = |ctx: &mut Context, key: &str| section.number(ctx, key).unwrap_or(1.0);
    let process = match section.variant_name() {
        "constant" => ArrivalProcess::Constant {
            rate: rate_or_load(ctx, &section, calls, world),
        },
        "poisson" => ArrivalProcess::Poisson {
            rate: rate_or_load(ctx, &section, calls, world),
        },
        "renewal" => renewal(ctx, &section),
        "bursts" => ArrivalProcess::Bursts {
            rate: rate(ctx, "rate"),
            burst_rate: rate(ctx, "burst_rate"),
            period: burst_period(ctx, &section),
            burst_duration: burst_duration(ctx, &section),
        },
        "ramp" => {
            let (start, end) = ramp_window(ctx, &section, world.duration);
            ArrivalProcess::Ramp {
                rate_from: rate(ctx, "rate_from"),
                rate_to: rate(ctx, "rate_to"),
                start_at: SimTime::START + start,
                end_at: SimTime::START + end,
            }
        }
        "closed" => {
            return Workload::Closed {
                user_count: section.count_u32(ctx, "user_count").unwrap_or(1),
                think_time: distribution_at(ctx, &section, "think_time"),
            };
        }
        "trace" => return trace(ctx, &section, client, world).unwrap_or(PLACEHOLDER),
        name => unreachable!("the specification has no process `{name}`"),
    };
    Workload::Open { process }
}

fn renewal(ctx: &mut Context, section: &Section) -> ArrivalProcess {
    let gap = distribution_at(ctx, section, "gap");
    if gap.mean_secs() <= 0.0 {
        ctx.error(
            Diagnostic::new("arrivals without a gap")
                .at(section.origin_of("gap"), "expected a mean above zero"),
        );
    }
    ArrivalProcess::Renewal { gap }
}

/// Shortest period of bursts.
const PERIOD_MIN: SimDuration = SimDuration::from_us(1);

fn burst_period(ctx: &mut Context, section: &Section) -> SimDuration {
    let period = section.duration(ctx, "period").unwrap_or(PLACEHOLDER_TIME);
    if period < PERIOD_MIN {
        ctx.error(
            Diagnostic::new(format!("a period of bursts shorter than {PERIOD_MIN}"))
                .at(section.origin_of("period"), "expected at least \"1us\"")
                .help("write `process = \"poisson\"` for arrivals at an even rate"),
        );
    }
    period
}

fn burst_duration(ctx: &mut Context, section: &Section) -> SimDuration {
    let (burst, period) = (
        section.duration(ctx, "burst_duration"),
        section.duration(ctx, "period"),
    );
    if let (Some(burst), Some(period)) = (burst, period)
        && period < burst
    {
        ctx.error(
            Diagnostic::new("a burst longer than its period")
                .at(
                    section.origin_of("burst_duration"),
                    format!("`period` is {period}"),
                )
                .help("expected burst_duration <= period"),
        );
    }
    burst.unwrap_or(PLACEHOLDER_TIME)
}

fn ramp_window(
    ctx: &mut Context,
    section: &Section,
    duration: SimDuration,
) -> (SimDuration, SimDuration) {
    let start = section.duration(ctx, "start").unwrap_or_default();
    let end = section.duration(ctx, "end").unwrap_or(duration);
    // A time that could not be read stands for nothing.
    if end <= start && ctx.error_count() == 0 {
        let key = if section.has("end") { "end" } else { "start" };
        ctx.error(
            Diagnostic::new("a ramp that ends before it starts")
                .at(section.origin_of(key), format!("from {start} to {end}"))
                .help("expected start < end"),
        );
    }
    (start, end)
}

fn trace(ctx: &mut Context, section: &Section, client: &Opened, world: &World) -> Option<Workload> {
    let unit = section.text(ctx, "unit")?;
    let file = section.tree("file")?;
    let trace = match ctx.inputs.trace(ctx.sources, &file, &unit) {
        Ok(trace) => trace,
        Err(diagnostic) => {
            ctx.error(diagnostic);
            return None;
        }
    };
    for name in &trace.class_names {
        if let Err(unknown) = world.names.class(&format!("{}.{name}", client.name)) {
            ctx.error(
                Diagnostic::new(unknown.title)
                    .at(section.origin_of("file"), "a row of this file names it")
                    .help(format!("write [client.{}.class.{name}]", client.name)),
            );
        }
    }
    Some(Workload::Trace(trace))
}

/// The rate, or that which offers the wanted load to a service.
fn rate_or_load(ctx: &mut Context, section: &Section, calls: &[EdgeId], world: &World) -> f64 {
    let rate = section.number(ctx, "rate");
    let load = section.number(ctx, "offered_load");
    if section.has("rate") == section.has("offered_load") {
        let found = if section.has("rate") {
            "both are set"
        } else {
            "neither is set"
        };
        ctx.error(
            Diagnostic::new("arrivals need either `rate` or `offered_load`")
                .at(section.origin, found)
                .help("write `rate = \"100/s\"` or `offered_load = 0.7`"),
        );
        return 1.0;
    }
    match load {
        Some(load) => rate_of_load(ctx, section, calls, world, load).unwrap_or(1.0),
        None => rate.unwrap_or(1.0),
    }
}

fn rate_of_load(
    ctx: &mut Context,
    section: &Section,
    calls: &[EdgeId],
    world: &World,
    load: f64,
) -> Option<f64> {
    let service = loaded_service(ctx, section, calls, world)?;
    // A circle of calls is reported already, and makes visits endless.
    if 0 < ctx.error_count() {
        return None;
    }
    let at_once = |edge: &EdgeConfig| capacity::attempts_at_once(edge, world.groups);
    let visits = capacity::visits_per_request(calls, &world.edges, world.services, at_once);
    let mut visits = visits[service.index()];
    if let Some(EdgeOwner::Client(id)) = calls.first().map(|edge| world.edges[edge.index()].owner) {
        let more = capacity::class_visits(id, world.classes, world.services, world.groups);
        visits += more[service.index()];
    }
    let capacity = capacity::requests_per_sec(service, world.services, world.groups);
    let rate = load * capacity / visits;
    let name = &world.names.services[service.index()];
    let problem = match (visits == 0.0, rate.is_finite()) {
        (true, _) => format!("the client never calls `{name}`, not even through others"),
        (false, false) => format!("the service time of `{name}` is zero"),
        (false, true) => return Some(rate),
    };
    let key = if section.has("of") {
        "of"
    } else {
        "offered_load"
    };
    ctx.error(
        Diagnostic::new("an offered load that no rate gives")
            .at(section.origin_of(key), problem)
            .help("write `rate = \"100/s\"` instead"),
    );
    None
}

fn loaded_service(
    ctx: &mut Context,
    section: &Section,
    calls: &[EdgeId],
    world: &World,
) -> Option<ServiceId> {
    if let Some(name) = section.text(ctx, "of") {
        let found = world.names.service(&name);
        return found
            .map_err(|unknown| unknown.report(ctx, section.origin_of("of")))
            .ok();
    }
    let mut called = calls.iter().map(|edge| world.edges[edge.index()].to);
    match (called.next(), called.next()) {
        (Some(service), None) => Some(service),
        (None, _) => None,
        (Some(_), Some(_)) => {
            ctx.error(
                Diagnostic::new("an offered load of which service?")
                    .at(
                        section.origin_of("offered_load"),
                        "the client calls several services",
                    )
                    .help("add `of = \"SERVICE\"`"),
            );
            None
        }
    }
}

fn keys(ctx: &mut Context, client: &Section) -> KeyConfig {
    let section = open_table(ctx, client, "keys", &KEYS);
    keys_of(ctx, &section)
}

/// Reads an open table of keys.
pub fn keys_of(ctx: &mut Context, section: &Section) -> KeyConfig {
    let count = section.count_u32(ctx, "count").unwrap_or(1);
    match section.variant_name() {
        "zipf" => KeyConfig::Zipf {
            count,
            exponent: section.number(ctx, "exponent").unwrap_or(1.0),
        },
        "hot_set" => {
            let hot_count = section.count_u32(ctx, "hot_count").unwrap_or(1);
            if count < hot_count {
                ctx.error(
                    Diagnostic::new("more hot keys than keys")
                        .at(
                            section.origin_of("hot_count"),
                            format!("`count` is {count}"),
                        )
                        .help("expected hot_count <= count"),
                );
            }
            KeyConfig::HotSet {
                count,
                hot_count,
                hot_ratio: section.number(ctx, "hot_ratio").unwrap_or(1.0),
            }
        }
        _ => KeyConfig::Uniform { count },
    }
}
