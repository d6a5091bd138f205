//! Selectors: `zone:b`, `instance:web/a/3`, `2 random of service:web`, `20% of service:web`.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::section::Section;
use super::super::source::Origin;
use super::super::suggest::{did_you_mean, one_of};
use super::super::value;
use super::super::warning::WarningCode;
use super::Names;
use super::names::{Unknown, numbered};
use crate::id::{ClientId, GroupId, HostId, ServiceId, ZoneId};
use crate::quantity;
use crate::scenario::selector::{Hosted, Lot, Selector, Target};

/// The kinds of selectors and what follows the colon.
const KINDS: [(&str, &str); 10] = [
    ("service", "service:web"),
    ("proxy", "proxy:edge"),
    ("group", "group:web/a"),
    ("instance", "instance:web/a/3"),
    ("zone", "zone:b"),
    ("host", "host:web/a/0"),
    ("client", "client:shop"),
    ("caller", "caller:shop/7"),
    ("registry", "registry:member/1"),
    ("agent", "agent:instance:web/a/3"),
];

/// The selector at a key.
pub fn selector_at(
    ctx: &mut Context,
    section: &Section,
    key: &str,
    names: &Names,
) -> Option<Selector> {
    let tree = section.tree(key)?;
    let text = value::text(ctx, &tree)?;
    selector(ctx, &text, tree.origin, names)
}

/// The selector that a text is. None and nothing reported, if it is none.
pub fn parse(text: &str, names: &Names) -> Option<Selector> {
    let (random, set) = split_lot(text).ok()?;
    targets(set, names).ok().map(|any_of| Selector {
        text: text.to_string(),
        random,
        any_of,
    })
}

/// What stands before the set: `2 random of`, `20% of`; an error if that is no number of nodes.
fn split_lot(text: &str) -> Result<(Option<Lot>, &str), &str> {
    let Some((lot, set)) = text.split_once(" of ") else {
        return Ok((None, text.trim()));
    };
    let (number, is_random) = match lot.trim().strip_suffix("random") {
        Some(number) => (number.trim(), true),
        None => (lot.trim(), false),
    };
    let lot = match number.ends_with('%') {
        true => {
            let share = quantity::parse_ratio(number).ok();
            share.filter(|share| 0.0 < *share).map(Lot::Share)
        }
        false => {
            let count = number.parse::<u32>().ok();
            count.filter(|n| is_random && 0 < *n).map(Lot::Count)
        }
    };
    lot.map(|lot| (Some(lot), set.trim())).ok_or(number)
}

/// The selector that a text is.
pub fn selector(ctx: &mut Context, text: &str, origin: Origin, names: &Names) -> Option<Selector> {
    let (random, set) = match split_lot(text) {
        Ok(parts) => parts,
        Err(number) => {
            ctx.error(
                Diagnostic::new(format!("`{number}` is no number of nodes"))
                    .at(
                        origin,
                        "expected something like \"2 random of service:web\"",
                    )
                    .help("a share is written \"20% of service:web\""),
            );
            return None;
        }
    };
    match targets(set, names) {
        Ok(any_of) => {
            warn_large_lot(ctx, (random, set), &any_of, origin, names);
            Some(Selector {
                text: text.to_string(),
                random,
                any_of,
            })
        }
        Err(unknown) => {
            let label = match set.contains(':') {
                true => "not defined in this scenario",
                false => "expected a kind, a colon and a name",
            };
            unknown.report_as(ctx, origin, label);
            None
        }
    }
}

/// Warns of a lot that is larger than the set that it is drawn from.
fn warn_large_lot(
    ctx: &mut Context,
    (lot, set): (Option<Lot>, &str),
    any_of: &[Target],
    origin: Origin,
    names: &Names,
) {
    let whole = any_of.iter().map(|target| names.node_count(*target));
    let whole: Option<u64> = whole.sum();
    if let (Some(Lot::Count(count)), Some(whole)) = (lot, whole)
        && whole < u64::from(count)
    {
        ctx.warn(
            WarningCode::UnlikelyNumber,
            Diagnostic::new(format!("{count} random of {whole} nodes are all of them"))
                .at(origin, format!("`{set}` has {whole}"))
                .help(format!("write `{set}`, or a smaller number")),
        );
    }
}

/// What to write instead of a word without a colon.
fn bare_help(word: &str, names: &Names) -> String {
    let is_name = names.service(word).is_ok();
    match KINDS.iter().find(|(kind, _)| *kind == word) {
        Some(("registry", _)) if !is_name => {
            "write which members, like `registry:member/0` or `registry:member/*`".to_string()
        }
        Some((_, example)) if !is_name => {
            format!("it is a kind; write which ones, like `{example}`")
        }
        _ => {
            let kinds = KINDS.iter().map(|(kind, _)| *kind);
            // Agents are named by selectors of their own.
            let written = kinds
                .filter(|kind| *kind != "agent")
                .map(|kind| format!("{kind}:{word}"));
            let known: Vec<String> = written
                .filter(|set| targets(set, names).is_ok())
                .map(|set| format!("`{set}`"))
                .collect();
            match known.is_empty() {
                true => format!(
                    "write a kind and a name, like `zone:{}` or `service:{}`",
                    names.zones[0],
                    names.services.first().map_or("web", String::as_str)
                ),
                false => format!("write the kind before it: {}", known.join(" or ")),
            }
        }
    }
}

/// The sets that one selector without a count names; globs can name several.
fn targets(set: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    let kinds = || KINDS.iter().map(|(kind, _)| *kind);
    let Some((kind, name)) = set.split_once(':') else {
        return Err(Unknown {
            title: format!("`{set}` is no selector"),
            help: bare_help(set, names),
        });
    };
    let name = name.trim();
    match kind.trim() {
        "service" => services(name, names),
        "proxy" => proxies(name, names),
        "group" => groups(name, names),
        "instance" => instances(name, names),
        "zone" => zones(name, names),
        "host" => host(name, names),
        "client" => clients(name, names),
        "caller" => callers(name, names),
        "registry" => registry_members(name, names),
        "agent" => agents(name, names),
        unknown => Err(Unknown {
            title: format!("unknown kind `{unknown}` of a selector"),
            help: did_you_mean(unknown, kinds()).unwrap_or_else(|| one_of(kinds())),
        }),
    }
}

fn services(name: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    if !name.contains('*') {
        return names.service(name).map(|id| vec![Target::Service(id)]);
    }
    let all = names.services.iter().map(String::as_str);
    matching(name, all, |place| {
        Target::Service(ServiceId::from_index(place))
    })
}

/// `edge`, the replica `edge[1]`, or a glob.
fn proxies(name: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    if let Some((proxy, number)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        let number_of = number.trim().parse::<usize>().ok();
        let id = names.proxy(proxy.trim())?;
        let replica = number_of.and_then(|number| names.replicas(id).nth(number));
        return match replica {
            Some(replica) => Ok(vec![Target::Instance(replica)]),
            None => Err(Unknown {
                title: format!("unknown replica `{name}`"),
                help: match names.replicas(id).count() {
                    0 | 1 => format!("the only replica is {proxy}[0]"),
                    count => format!("the replicas are {proxy}[0] to {proxy}[{}]", count - 1),
                },
            }),
        };
    }
    if !name.contains('*') {
        return names.proxy(name).map(|id| vec![Target::Service(id)]);
    }
    let all = names
        .proxies
        .iter()
        .map(|id| names.services[id.index()].as_str());
    matching(name, all, |place| Target::Service(names.proxies[place]))
}

fn zones(name: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    if !name.contains('*') {
        return names.zone(name).map(|id| vec![Target::Zone(id)]);
    }
    let all = names.zones.iter().map(String::as_str);
    matching(name, all, |place| Target::Zone(ZoneId::from_index(place)))
}

fn clients(name: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    if !name.contains('*') {
        return names.client(name).map(|id| vec![Target::Client(id)]);
    }
    let all = names.clients.iter().map(|client| client.name.as_str());
    matching(name, all, |place| {
        Target::Client(ClientId::from_index(place))
    })
}

fn groups(path: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    if !path.contains('*') {
        return names.group(path).map(|id| vec![Target::Group(id)]);
    }
    let all = names.groups.iter().map(|group| group.path.as_str());
    matching(path, all, |place| Target::Group(GroupId::from_index(place)))
}

/// `web/a/3`, or `web/a/*` and `web/*/*` for whole groups.
fn instances(path: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    match path.strip_suffix("/*") {
        Some(group) => groups(group, names),
        None if path.contains('*') => Err(Unknown {
            title: format!("the glob `{path}` ends in a number"),
            help: "write `*` instead of the number".to_string(),
        }),
        None => names.instance(path).map(|id| vec![Target::Instance(id)]),
    }
}

/// `web/a/0`: the n-th host of a group.
fn host(path: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    let (group_path, index) = path.rsplit_once('/').unwrap_or((path, ""));
    let group = &names.groups[names.group(group_path)?.index()];
    let host_count = group.count.div_ceil(group.instances_per_host);
    match index.parse::<u32>() {
        Ok(index) if index < host_count => {
            // Totals past 32 bits are refused, so a wrong id is never used.
            let host = HostId((group.first_host + u64::from(index)) as u32);
            Ok(vec![Target::Host(host)])
        }
        _ => Err(Unknown {
            title: format!("unknown host `{path}`"),
            help: numbered("host", group_path, host_count),
        }),
    }
}

/// `shop/7`, or `shop/*` for all.
fn callers(path: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    let (client_name, index) = path.rsplit_once('/').unwrap_or((path, ""));
    if index == "*" {
        return clients(client_name, names);
    }
    let client = names.client(client_name)?;
    let caller_count = names.clients[client.index()].caller_count;
    match index.parse::<u32>() {
        Ok(index) if index < caller_count => Ok(vec![Target::Caller(client, index)]),
        _ => Err(Unknown {
            title: format!("unknown caller `{path}`"),
            help: numbered("caller", client_name, caller_count),
        }),
    }
}

/// `instance:web/a/3`: the agents on the hosts of these; `*` for all.
fn agents(set: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    if names.registry_profile != "consul" {
        return Err(Unknown {
            title: format!(
                "a registry of the profile `{}` has no agents",
                names.registry_profile
            ),
            help: "only those of Consul are nodes of their own: write `profile = \"consul\"`"
                .to_string(),
        });
    }
    if set == "*" {
        return Ok(vec![Target::Agents(Hosted::All)]);
    }
    let hosted = targets(set, names)?.into_iter().map(Target::hosted);
    let hosted: Option<Vec<Hosted>> = hosted.collect();
    match hosted {
        Some(hosted) => Ok(hosted.into_iter().map(Target::Agents).collect()),
        None => Err(Unknown {
            title: format!("`{set}` has no agent"),
            help: "agents are on the hosts of instances and callers, like `agent:service:web`"
                .to_string(),
        }),
    }
}

/// What is wrong where members of a static registry are named.
pub const NO_MEMBERS: &str = "the registry is static and has no members";

/// Profiles whose members have a leader.
const LED_PROFILES: [&str; 4] = ["zookeeper", "consul", "etcd", "kubernetes"];

/// `member/1`, or `member/*` or `*` for all, or `leader`.
fn registry_members(path: &str, names: &Names) -> Result<Vec<Target>, Unknown> {
    let member_count = names.registry_member_count;
    if path == "leader" && 0 < member_count && !LED_PROFILES.contains(&names.registry_profile) {
        return Err(Unknown {
            title: format!(
                "a registry of the profile `{}` has no leader",
                names.registry_profile
            ),
            help: format!("profiles with one: {}", LED_PROFILES.join(", ")),
        });
    }
    let index = match path {
        "*" | "leader" => path,
        _ => path.strip_prefix("member/").unwrap_or(""),
    };
    if member_count == 0 {
        return Err(Unknown {
            title: NO_MEMBERS.to_string(),
            help: "write `profile = \"lease\"` in [registry]".to_string(),
        });
    }
    match (index, index.parse::<u32>()) {
        ("*", _) => Ok(vec![Target::Registry]),
        ("leader", _) => Ok(vec![Target::RegistryLeader]),
        (_, Ok(index)) if index < member_count => Ok(vec![Target::RegistryMember(index)]),
        _ => Err(Unknown {
            title: format!("unknown registry member `{path}`"),
            help: numbered("member", "member", member_count),
        }),
    }
}

fn matching<'a>(
    glob: &str,
    all: impl Iterator<Item = &'a str>,
    target: impl Fn(usize) -> Target,
) -> Result<Vec<Target>, Unknown> {
    let found: Vec<Target> = all
        .enumerate()
        .filter(|(_, name)| matches_glob(glob, name))
        .map(|(place, _)| target(place))
        .collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(Unknown {
            title: format!("nothing matches `{glob}`"),
            help: "`*` stands for any letters, also none".to_string(),
        }),
    }
}

/// Whether `name` matches `glob`, where `*` stands for any characters. Linear but for the last
/// star: after a star the earliest match of the next part is as good as any.
fn matches_glob(glob: &str, name: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else {
        return glob == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().expect("split gives at least one part");
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_share_of_nodes_is_drawn_by_lot() {
        for (text, expected) in [
            ("service:web", Ok((None, "service:web"))),
            ("2 random of zone:b", Ok((Some(Lot::Count(2)), "zone:b"))),
            ("20% of zone:b", Ok((Some(Lot::Share(0.2)), "zone:b"))),
            (
                "20% random of zone:b",
                Ok((Some(Lot::Share(0.2)), "zone:b")),
            ),
            ("2 of zone:b", Err("2")),
            ("0% of zone:b", Err("0%")),
            ("0 random of zone:b", Err("0")),
            ("-1% of zone:b", Err("-1%")),
            ("150% of zone:b", Err("150%")),
        ] {
            assert_eq!(split_lot(text), expected, "{text}");
        }
        // A share is rounded up: some node is always meant.
        for (share, whole, count) in [(0.2, 10, 2), (0.2, 11, 3), (0.07, 100, 7), (1.0, 3, 3)] {
            assert_eq!(
                Lot::Share(share).count_of(whole),
                count,
                "{share} of {whole}"
            );
        }
        assert_eq!(Lot::Count(5).count_of(3), 3);
    }

    #[test]
    fn globs_match_whole_names() {
        for (glob, name, expected) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("w*", "web", true),
            ("*b", "web", true),
            ("w*b*", "web2", true),
            ("w*x*", "web2", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches_glob(glob, name), expected, "{glob} {name}");
        }
    }
}
