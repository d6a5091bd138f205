//! Calls: who uses which service, and how.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{BACKOFF, CALL, RETRY};
use super::super::section::Section;
use super::super::source::Origin;
use super::super::tree::Value;
use super::attempts::{self, Deadline};
use super::balancer;
use super::flow;
use super::{Names, Opened, open_named, open_table, resilience};
use crate::id::{ClientId, EdgeId, ServiceId};
use crate::scenario::class::Classes;
use crate::scenario::client::{ClientConfig, EdgeConfig, EdgeOwner, Jitter, RetryConfig};
use crate::scenario::flow::stages;
use crate::scenario::service::ServiceConfig;
use crate::time::SimDuration;

/// Longest drain that is chosen by itself.
const DRAIN_MAX: SimDuration = SimDuration::from_secs(3_600);

/// Drain for a call that may take for ever.
const DRAIN_UNBOUNDED: SimDuration = SimDuration::from_secs(60);

/// Reads the calls of clients, then those of services, each in order of the file, with their
/// places.
pub fn edges(
    ctx: &mut Context,
    clients: &[Opened],
    services: &[Opened],
    names: &mut Names,
) -> Vec<(EdgeConfig, Origin)> {
    let mut list = Vec::new();
    for (place, client) in clients.iter().enumerate() {
        let owner = EdgeOwner::Client(ClientId::from_index(place));
        let count_before = list.len();
        edges_of(ctx, client, "client", owner, names, &mut list);
        let calls = client.section.set_tree("call").map(|tree| &tree.value);
        let has_none = match calls {
            None => true,
            Some(Value::Table(table)) => table.entries().is_empty(),
            Some(_) => false,
        };
        if list.len() == count_before && has_none {
            ctx.error(
                Diagnostic::new(format!("client `{}` calls nothing", client.name))
                    .at(client.name_origin, "no call")
                    .help(format!("write [client.{}.call.SERVICE]", client.name)),
            );
        }
    }
    for (place, service) in services.iter().enumerate() {
        let owner = EdgeOwner::Service(ServiceId::from_index(place));
        edges_of(ctx, service, "service", owner, names, &mut list);
    }
    for (edge, _) in &list {
        let short = edge.path.split('.').collect::<Vec<_>>();
        names.edges.push(format!("{}.{}", short[1], short[3]));
    }
    refuse_cycles(ctx, &list, names);
    list
}

fn edges_of(
    ctx: &mut Context,
    owner: &Opened,
    kind: &str,
    owner_id: EdgeOwner,
    names: &Names,
    list: &mut Vec<(EdgeConfig, Origin)>,
) {
    let what = format!("{kind} `{}`: call", owner.name);
    let first = list.len();
    for call in open_named(ctx, &owner.section, "call", &CALL, &what, false) {
        let section = &call.section;
        let to = names.service(&call.name);
        let balancer = balancer::of_call(ctx, section, names, to.as_ref().ok().copied());
        let attempt_timeout = section.duration(ctx, "attempt_timeout");
        let (deadline, deadline_law) = match attempts::deadline(ctx, section) {
            Deadline::None => (None, None),
            Deadline::Constant(deadline) => (Some(deadline), None),
            Deadline::Law(law) => (None, Some(law)),
        };
        if let (Some(timeout), Some(deadline)) = (attempt_timeout, deadline)
            && deadline < timeout
        {
            ctx.error(
                Diagnostic::new("an attempt that may take longer than its call")
                    .at(
                        section.origin_of("attempt_timeout"),
                        format!("`deadline` is {deadline}"),
                    )
                    .help("expected attempt_timeout <= deadline"),
            );
        }
        let retry_section = open_table(ctx, section, "retry", &RETRY);
        let retry = retry(ctx, &retry_section);
        let resilience = resilience::resilience(ctx, section, &retry_section);
        let attempts = attempts::attempts(ctx, section, &retry, deadline_law);
        let (detector, ping_time) = super::detector::detector(ctx, section).unzip();
        let flow = flow::flow(ctx, section, owner_id);
        let connection = super::connection::connection(ctx, section);
        let cache = super::cache::call_cache(ctx, section);
        let to = match to {
            Ok(service) => service,
            Err(unknown) => {
                unknown.report(ctx, call.name_origin);
                continue;
            }
        };
        list.push((
            EdgeConfig {
                owner: owner_id,
                to,
                path: format!("{kind}.{}.call.{}", owner.name, call.name),
                balancer: balancer::connected(balancer, connection.is_some()),
                attempt_timeout,
                deadline,
                retry,
                detector,
                ping_time: ping_time.flatten(),
                flow,
                attempts,
                resilience,
                connection,
                cache,
                forward: None,
            },
            call.name_origin,
        ));
    }
    flow::number_stages(ctx, &mut list[first..]);
}

fn retry(ctx: &mut Context, section: &Section) -> RetryConfig {
    let backoff = open_table(ctx, section, "backoff", &BACKOFF);
    let (min, max) = (backoff.duration(ctx, "min"), backoff.duration(ctx, "max"));
    if let (Some(min), Some(max)) = (min, max)
        && max < min
    {
        let key = if backoff.has("max") { "max" } else { "min" };
        ctx.error(
            Diagnostic::new("an empty range")
                .at(
                    backoff.origin_of(key),
                    format!("`min` is {min}, `max` is {max}"),
                )
                .help("expected min <= max"),
        );
    }
    RetryConfig {
        attempt_count_max: section.count_u32(ctx, "attempt_count_max").unwrap_or(1),
        backoff_min: min.unwrap_or_default(),
        backoff_max: max.unwrap_or_default(),
        backoff_factor: backoff.number(ctx, "factor").unwrap_or(2.0),
        jitter: match backoff.text(ctx, "jitter").as_deref() {
            Some("none") => Jitter::None,
            Some("equal") => Jitter::Equal,
            Some("decorrelated") => Jitter::Decorrelated,
            Some("grpc") => Jitter::Grpc,
            Some("envoy") => Jitter::Envoy,
            Some("finagle_equal") => Jitter::FinagleEqual,
            _ => Jitter::Full,
        },
        failover: section.bool(ctx, "failover").unwrap_or(true),
        on: resilience::retry_on(ctx, section),
    }
}

/// Gives every service the calls that it owns.
pub fn attach(edges: &[(EdgeConfig, Origin)], services: &mut [ServiceConfig]) {
    for (place, (edge, _)) in edges.iter().enumerate() {
        if let EdgeOwner::Service(service) = edge.owner {
            services[service.index()]
                .calls
                .push(EdgeId::from_index(place));
        }
    }
}

/// How long the longest request can take: for each client the sum over the stages of its calls, or
/// the longest deadline of its classes where that is shorter.
pub fn longest_request(
    clients: &[ClientConfig],
    classes: &Classes,
    edges: &[EdgeConfig],
) -> SimDuration {
    let drawn = |edge: &EdgeConfig| edge.deadline_law().map(attempts::longest_deadline);
    let call = |edge: &EdgeConfig| match (edge.deadline.or(drawn(edge)), edge.attempt_timeout) {
        _ if edge.flow.is_detached => SimDuration::ZERO,
        (Some(deadline), _) => deadline.saturating_add(edge.flow.fallback_time),
        (None, Some(timeout)) => timeout
            .saturating_add(edge.retry.backoff_max)
            .saturating_mul(u64::from(edge.retry.attempt_count_max))
            .saturating_add(edge.flow.fallback_time),
        (None, None) => DRAIN_UNBOUNDED,
    };
    let longest = clients
        .iter()
        .enumerate()
        .map(|(place, client)| {
            let longest_of = |stage: Vec<EdgeId>| {
                let calls = stage.into_iter().map(|id| call(&edges[id.index()]));
                calls.max().unwrap_or_default()
            };
            let stages = stages(&client.calls, edges).into_iter().map(longest_of);
            let sum = stages.fold(SimDuration::ZERO, SimDuration::saturating_add);
            sum.min(classes.deadline_max(ClientId::from_index(place)))
        })
        .max();
    longest.unwrap_or_default().min(DRAIN_MAX)
}

/// Reports every service whose calls lead back to it, with the path, at the call that closes the
/// circle.
fn refuse_cycles(ctx: &mut Context, edges: &[(EdgeConfig, Origin)], names: &Names) {
    let mut calls: Vec<Vec<(usize, Origin)>> = vec![Vec::new(); names.services.len()];
    for (edge, origin) in edges {
        if let EdgeOwner::Service(service) = edge.owner {
            calls[service.index()].push((edge.to.index(), *origin));
        }
    }
    // Depth first without recursion: the path holds a service and its next call to follow.
    let mut is_done = vec![false; names.services.len()];
    for start in 0..names.services.len() {
        let mut path = vec![(start, 0)];
        while let Some((service, next)) = path.last_mut() {
            let (service, call) = (*service, calls[*service].get(*next).copied());
            *next += 1;
            let Some((to, origin)) = call.filter(|_| !is_done[service]) else {
                is_done[service] = true;
                path.pop();
                continue;
            };
            match path.iter().position(|(on_path, _)| *on_path == to) {
                None => path.push((to, 0)),
                Some(from) => {
                    let circle: Vec<usize> = path[from..].iter().map(|(s, _)| *s).collect();
                    report_circle(ctx, &circle, origin, names);
                }
            }
        }
    }
}

/// Most services of a circle that are named.
const CIRCLE_SHOWN_MAX: usize = 10;

fn report_circle(ctx: &mut Context, circle: &[usize], origin: Origin, names: &Names) {
    let shown = circle.iter().take(CIRCLE_SHOWN_MAX);
    let mut words: Vec<&str> = shown.map(|s| names.services[*s].as_str()).collect();
    if CIRCLE_SHOWN_MAX < circle.len() {
        words.push("...");
    }
    words.push(&names.services[circle[0]]);
    ctx.error(
        Diagnostic::new(format!("services call in a circle: {}", words.join(" -> ")))
            .at(origin, "this call closes the circle"),
    );
}
