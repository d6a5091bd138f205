//! How the calls of one owner follow one another.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::FANOUT;
use super::super::section::Section;
use super::super::source::Origin;
use crate::id::{ClientId, ServiceId};
use crate::scenario::client::{ClientConfig, EdgeConfig, EdgeOwner};
use crate::scenario::flow::{CallFlow, Fanout};
use crate::scenario::service::ServiceConfig;

/// Most calls that follow one another.
const STAGE_COUNT_MAX: usize = 255;

/// Stands for "the client whose keys these are" until it is known.
const KEYS_OF_ANY: ClientId = ClientId(0);

/// Reads how a call takes part; without `stage` it has stage 0.
pub fn flow(ctx: &mut Context, call: &Section, owner: EdgeOwner) -> CallFlow {
    let flow = CallFlow {
        stage: call.count_u32(ctx, "stage").unwrap_or(0),
        fanout: fanout(ctx, call),
        is_optional: call.bool(ctx, "optional").unwrap_or(false),
        fallback_time: call.duration(ctx, "fallback_time").unwrap_or_default(),
        is_async: call.bool(ctx, "async").unwrap_or(false),
        is_detached: call.bool(ctx, "detached").unwrap_or(false),
    };
    if flow.is_async && matches!(owner, EdgeOwner::Client(_)) {
        ctx.error(
            Diagnostic::new("an asynchronous call of a client")
                .at(call.origin_of("async"), "clients have no workers to free")
                .help("remove `async`; calls of one `stage` run in parallel"),
        );
    }
    let is_waited_for = [("optional", flow.is_optional), ("async", flow.is_async)];
    for (key, _) in is_waited_for.iter().filter(|(_, is_set)| *is_set) {
        if flow.is_detached {
            refuse_detached(ctx, call.origin_of(key), key);
        }
    }
    flow
}

fn refuse_detached(ctx: &mut Context, at: Origin, key: &str) {
    ctx.error(
        Diagnostic::new(format!("a detached call with `{key}`"))
            .at(at, "nobody waits for a detached call")
            .help(format!("remove `{key}` or `detached`")),
    );
}

fn fanout(ctx: &mut Context, call: &Section) -> Option<Fanout> {
    let tree = call.set_tree("fanout")?;
    let section = Section::open(ctx, tree, &FANOUT, "fanout".to_string())?;
    let count = section.count_u32(ctx, "count").unwrap_or(1);
    let required_count = section.count_u32(ctx, "required_count").unwrap_or(count);
    if count < required_count {
        ctx.error(
            Diagnostic::new("a fan-out that requires more successes than it has requests")
                .at(
                    section.origin_of("required_count"),
                    format!("`count` is {count}"),
                )
                .help("expected required_count <= count"),
        );
    }
    if section.has("required_count") && call.bool(ctx, "detached") == Some(true) {
        refuse_detached(ctx, section.origin_of("required_count"), "required_count");
    }
    let has_own_keys = section.text(ctx, "keys").as_deref() != Some("same");
    Some(Fanout {
        count,
        required_count,
        key_client: has_own_keys.then_some(KEYS_OF_ANY),
    })
}

/// Numbers the stages of one owner's calls and checks that the calls of a stage fit together.
pub fn number_stages(ctx: &mut Context, calls: &mut [(EdgeConfig, Origin)]) {
    let set_count = calls.iter().filter(|(edge, _)| 0 < edge.flow.stage).count();
    if set_count == 0 {
        for (number, (edge, _)) in (1..).zip(calls.iter_mut()) {
            edge.flow.stage = number;
        }
    }
    if 0 < set_count && set_count < calls.len() {
        for (_, origin) in calls.iter().filter(|(edge, _)| edge.flow.stage == 0) {
            ctx.error(
                Diagnostic::new("a call without a stage")
                    .at(*origin, "other calls of the same owner have one")
                    .help("write `stage = 1` in every call of the owner, or in none"),
            );
        }
    }
    if let Some((_, origin)) = calls.get(STAGE_COUNT_MAX).filter(|_| set_count == 0) {
        let count = calls.len();
        ctx.error(
            Diagnostic::new(format!("{count} calls that follow one another"))
                .at(*origin, format!("at most {STAGE_COUNT_MAX} are possible"))
                .help("give calls that may run in parallel one `stage`"),
        );
    }
    refuse_mixed_stages(ctx, calls);
}

/// A worker is either held or free while the calls of a stage are under way.
fn refuse_mixed_stages(ctx: &mut Context, calls: &[(EdgeConfig, Origin)]) {
    let awaited = || calls.iter().filter(|(edge, _)| !edge.flow.is_detached);
    for (edge, origin) in awaited().filter(|(edge, _)| !edge.flow.is_async) {
        let stage = edge.flow.stage;
        if awaited().any(|(other, _)| other.flow.is_async && other.flow.stage == stage) {
            ctx.error(
                Diagnostic::new("a stage that both holds its worker and frees it")
                    .at(*origin, "another call of this stage is asynchronous")
                    .help("write `async = true` in all calls of the stage, or another `stage`"),
            );
        }
    }
}

/// Finds the clients whose keys the requests of fan-outs draw, and refuses those of several laws.
pub fn resolve_keys(
    ctx: &mut Context,
    edges: &mut [(EdgeConfig, Origin)],
    clients: &[ClientConfig],
    services: &[ServiceConfig],
) {
    for place in 0..edges.len() {
        let (edge, origin) = &edges[place];
        let has_own_keys = (edge.flow.fanout.as_ref()).is_some_and(|f| f.key_client.is_some());
        if !has_own_keys {
            continue;
        }
        let origin = *origin;
        let sources = match edge.owner {
            EdgeOwner::Client(client) => vec![client],
            EdgeOwner::Service(service) => callers_of(service, edges, clients, services),
        };
        let first = sources.first().copied();
        let law = |client: &ClientId| clients[client.index()].keys;
        if sources
            .iter()
            .any(|client| Some(law(client)) != first.as_ref().map(law))
        {
            ctx.error(
                Diagnostic::new("a fan-out whose keys follow several laws")
                    .at(origin, "clients with different `keys` lead to this call")
                    .help("write `keys = \"same\"` in `fanout`, or give the clients equal keys"),
            );
        }
        if let Some(fanout) = &mut edges[place].0.flow.fanout {
            fanout.key_client = first;
        }
    }
}

/// The clients whose requests lead to a service.
fn callers_of(
    service: ServiceId,
    edges: &[(EdgeConfig, Origin)],
    clients: &[ClientConfig],
    services: &[ServiceConfig],
) -> Vec<ClientId> {
    let leads_there = |client: &ClientConfig| {
        let mut is_reached = vec![false; services.len()];
        let mut open: Vec<_> = client.calls.clone();
        while let Some(edge) = open.pop() {
            let to = edges[edge.index()].0.to.index();
            if !std::mem::replace(&mut is_reached[to], true) {
                open.extend(&services[to].calls);
            }
        }
        is_reached[service.index()]
    };
    let reaching = clients.iter().enumerate().filter(|(_, c)| leads_there(c));
    reaching
        .map(|(place, _)| ClientId::from_index(place))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::scenario::load::limits::Limits;
    use crate::scenario::load::{LoadInput, LoadText, load};

    const WORLD: &str = r#"schema = 1
duration = "1m"
[expect]
users = "success_ratio >= 99%"
[service.web]
count = 3
service_time = "5ms"
[service.db]
count = 3
service_time = "1ms"
[client.shop]
arrivals = { process = "poisson", rate = "100/s" }
"#;

    /// What is printed for the world with `more` at its end, after line 12.
    fn messages(more: &str) -> String {
        let loaded = load(&LoadInput {
            text: LoadText::Text {
                name: "bad.toml".to_string(),
                text: format!("{WORLD}{more}"),
            },
            sets: Vec::new(),
            limits: Limits::STANDARD,
        });
        let text = loaded.diagnostics.render(&loaded.sources, false);
        text.trim_end().to_string() + "\n"
    }

    #[test]
    fn a_stage_is_for_all_calls_of_an_owner() {
        let more = "[client.shop.call.web]\nstage = 1\n[client.shop.call.db]\n";
        assert_eq!(
            messages(more),
            r#"error: a call without a stage
  --> bad.toml:15:19
   |
15 | [client.shop.call.db]
   |                   ^^ other calls of the same owner have one
   |
help: write `stage = 1` in every call of the owner, or in none
"#
        );
    }

    #[test]
    fn a_fan_out_needs_no_more_than_it_has() {
        let more = "[client.shop.call.web]\nfanout = { count = 3, required_count = 4 }\n\
                    [client.shop.call.db]\n";
        assert_eq!(
            messages(more),
            r#"error: a fan-out that requires more successes than it has requests
  --> bad.toml:14:40
   |
14 | fanout = { count = 3, required_count = 4 }
   |                                        ^ `count` is 3
   |
help: expected required_count <= count
"#
        );
    }

    #[test]
    fn nobody_waits_for_a_detached_call_and_clients_have_no_workers() {
        let more = "[client.shop.call.web]\nasync = true\n\
                    [client.shop.call.db]\ndetached = true\noptional = true\n";
        let messages = messages(more);
        assert!(messages.contains("an asynchronous call of a client\n  --> bad.toml:14:9"));
        assert!(messages.contains("a detached call with `optional`\n  --> bad.toml:17:12"));
    }

    #[test]
    fn a_worker_is_either_held_or_free() {
        let more = "[client.shop.call.web]\n[service.web.call.db]\nstage = 1\nasync = true\n\
                    [service.web.call.log]\nstage = 1\n[service.log]\ncount = 1\n\
                    service_time = \"1ms\"\n";
        let messages = messages(more);
        let expected = "a stage that both holds its worker and frees it\n  --> bad.toml:17:19";
        assert!(messages.contains(expected), "{messages}");
    }

    #[test]
    fn keys_of_several_laws_cannot_be_drawn() {
        let more = "[client.shop.call.web]\n[service.web.call.db]\nfanout = { count = 2 }\n\
                    [client.batch]\nkeys = { count = 7 }\n\
                    arrivals = { process = \"poisson\", rate = \"1/s\" }\n\
                    [client.batch.call.web]\n";
        let messages = messages(more);
        let expected = "a fan-out whose keys follow several laws\n  --> bad.toml:14:";
        assert!(messages.contains(expected), "{messages}");
    }
}
