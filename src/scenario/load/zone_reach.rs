//! Whom a fault of a zone hits, and who of the zone it leaves alone.

use crate::id::ZoneId;
use crate::scenario::Scenario;
use crate::scenario::client::ClientConfig;
use crate::scenario::fault::{FaultConfig, FaultKind, FaultScope};
use crate::scenario::selector::Target;

/// Whom a fault of a zone hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneReach {
    /// `zone:b means 12 instances, not 2 callers and 1 registry member`, and how to add those.
    pub text: String,
    /// It leaves nodes of the zone alone that it could hit.
    pub spares: bool,
}

/// Nodes of one kind.
struct Part {
    count: u64,
    noun: &'static str,
    is_hit: bool,
    /// The word in `include`.
    word: &'static str,
}

/// Whom a fault of zones hits. None where its target is no zone, or none of its nodes is anything
/// but an instance.
pub fn zone_reach(scenario: &Scenario, fault: &FaultConfig) -> Option<ZoneReach> {
    let FaultScope::Nodes {
        target,
        include_callers,
        include_registry,
    } = &fault.scope
    else {
        return None;
    };
    let zones: Vec<ZoneId> = target.any_of.iter().filter_map(zone_of).collect();
    let part = |count, noun, is_hit, word| Part {
        count,
        noun,
        is_hit,
        word,
    };
    let (callers, members) = (
        caller_count(scenario, &zones),
        member_count(scenario, &zones),
    );
    if !may_hit_others(&fault.kind) || (callers, members) == (0, 0) {
        return None;
    }
    let parts = [
        part(instance_count(scenario, &zones), "instance", true, ""),
        part(callers, "caller", *include_callers, "\"callers\""),
        part(
            members,
            "registry member",
            *include_registry,
            "\"registry\"",
        ),
    ];
    let meant = |is_hit: bool| {
        let meant = parts.iter().filter(move |part| part.is_hit == is_hit);
        meant.filter(|part| 0 < part.count)
    };
    let listed = |is_hit: bool| meant(is_hit).map(counted).collect::<Vec<_>>().join(" and ");
    let verb = match target.random {
        Some(_) => "draws from",
        None => "means",
    };
    let hit = format!("{} {verb} {}", target.text, listed(true));
    let words: Vec<&str> = meant(false).map(|part| part.word).collect();
    let text = match words.is_empty() {
        true => hit,
        false => format!(
            "{hit}, not {} there; `include = [{}]` adds them",
            listed(false),
            words.join(", ")
        ),
    };
    Some(ZoneReach {
        text,
        spares: !words.is_empty(),
    })
}

fn counted(part: &Part) -> String {
    let plural = if part.count == 1 { "" } else { "s" };
    format!("{} {}{plural}", part.count, part.noun)
}

fn zone_of(target: &Target) -> Option<ZoneId> {
    match target {
        Target::Zone(zone) => Some(*zone),
        _ => None,
    }
}

/// Whether callers and members of the registry can suffer it.
fn may_hit_others(kind: &FaultKind) -> bool {
    match kind {
        FaultKind::Crash
        | FaultKind::HostLoss
        | FaultKind::Pause
        | FaultKind::GcPause
        | FaultKind::Flapping(_) => true,
        FaultKind::ClockDrift { .. }
        | FaultKind::Slow { .. }
        | FaultKind::Error { .. }
        | FaultKind::Loss { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Partition
        | FaultKind::Clog
        | FaultKind::RegistryOutage
        | FaultKind::WeightChange { .. }
        | FaultKind::ScaleOut { .. }
        | FaultKind::ScaleIn { .. }
        | FaultKind::RollingRestart(_) => false,
    }
}

fn instance_count(scenario: &Scenario, zones: &[ZoneId]) -> u64 {
    let groups = scenario.groups.iter();
    let there = groups.filter(|group| zones.contains(&group.zone));
    there.map(|group| u64::from(group.count)).sum()
}

fn caller_count(scenario: &Scenario, zones: &[ZoneId]) -> u64 {
    let of_client = |client: &ClientConfig| {
        let places = client.zones.iter().cycle().take(client.count as usize);
        places.filter(|zone| zones.contains(zone)).count() as u64
    };
    scenario.clients.iter().map(of_client).sum()
}

fn member_count(scenario: &Scenario, zones: &[ZoneId]) -> u64 {
    let count = scenario.topology.registry_member_count() as usize;
    let members = scenario.registry.member_zones.iter().take(count);
    members.filter(|zone| zones.contains(zone)).count() as u64
}
