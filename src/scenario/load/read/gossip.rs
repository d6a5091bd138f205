//! Clusters whose members watch each other.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::GOSSIP;
use super::super::section::Section;
use super::super::source::Origin;
use super::service::phase;
use super::{Names, Opened, PLACEHOLDER_TIME};
use crate::id::ServiceId;
use crate::scenario::client::{EdgeConfig, EdgeOwner};
use crate::scenario::detector::DetectorConfig;
use crate::scenario::gossip::{ClusterConfig, GossipConfig, ProbeOrder, ScaleLaw};
use crate::time::SimDuration;

/// Reads the clusters, in order of the services that have them.
pub fn clusters(
    ctx: &mut Context,
    services: &[Opened],
    names: &Names,
    (edges, origins): (&mut [EdgeConfig], &[Origin]),
) -> Vec<ClusterConfig> {
    let mut list = Vec::new();
    for (index, service) in services.iter().enumerate() {
        let Some(tree) = service.section.set_tree("gossip") else {
            continue;
        };
        let title = format!("service `{}`: gossip", service.name);
        let Some(section) = Section::open(ctx, tree, &GOSSIP, title) else {
            continue;
        };
        let own = ServiceId::from_index(index);
        let mut members = vec![own];
        for (name, origin) in section.texts(ctx, "with").unwrap_or_default() {
            match names.service(&name) {
                Ok(other) => members.push(other),
                Err(unknown) => unknown.report(ctx, origin),
            }
        }
        members.sort_unstable();
        members.dedup();
        list.push(ClusterConfig {
            service: own,
            services: members,
            gossip: gossip(ctx, &section),
        });
    }
    attach(ctx, edges.iter_mut().zip(origins), &list);
    list
}

/// Reads how the members of a cluster gossip.
pub fn gossip(ctx: &mut Context, section: &Section) -> GossipConfig {
    let is_swim = section.variant_name() == "swim";
    let count = |ctx: &mut Context, key: &str| section.count_u32(ctx, key).unwrap_or(0);
    let interval = section
        .duration(ctx, "probe_interval")
        .unwrap_or(PLACEHOLDER_TIME);
    let timeout = section.duration(ctx, "probe_timeout");
    let timeout = timeout.unwrap_or(SimDuration::from_ns((interval.as_ns() / 4).max(1)));
    if interval < timeout {
        ctx.error(
            Diagnostic::new("a probe that may take longer than its interval")
                .at(
                    section.origin_of("probe_timeout"),
                    format!("`probe_interval` is {interval}"),
                )
                .help("expected probe_timeout <= probe_interval: others are asked in what is left"),
        );
    }
    let probe_order = match section.text(ctx, "probe_order").as_deref() {
        Some("random") => ProbeOrder::Random,
        _ => ProbeOrder::RoundRobin,
    };
    let law = match is_swim {
        true => ScaleLaw::Swim {
            log_base: section
                .number(ctx, "log_base")
                .unwrap_or(std::f64::consts::E),
        },
        false => ScaleLaw::Memberlist,
    };
    let common = GossipConfig {
        law,
        probe_interval: interval,
        probe_timeout: timeout,
        indirect_checks: count(ctx, "indirect_checks"),
        probe_order,
        suspicion_mult: count(ctx, "suspicion_mult"),
        suspicion_max_timeout_mult: 1,
        retransmit_mult: count(ctx, "retransmit_mult"),
        gossip_nodes: 0,
        gossip_interval: PLACEHOLDER_TIME,
        gossip_to_the_dead_time: None,
        push_pull_interval: SimDuration::ZERO,
        reconnect_interval: SimDuration::ZERO,
        awareness_max_multiplier: 1,
        has_nacks: false,
        has_buddy: false,
        has_tcp_pings: false,
        tcp_timeout: section
            .duration(ctx, "tcp_timeout")
            .unwrap_or(PLACEHOLDER_TIME),
        udp_buffer_size: count(ctx, "udp_buffer_size"),
        retry_interval: section
            .duration(ctx, "retry_interval")
            .unwrap_or(PLACEHOLDER_TIME),
        phase: phase(ctx, section, "phase"),
    };
    if is_swim {
        common
    } else {
        memberlist(ctx, section, common)
    }
}

/// What memberlist has beyond SWIM.
fn memberlist(ctx: &mut Context, section: &Section, common: GossipConfig) -> GossipConfig {
    let count = |ctx: &mut Context, key: &str| section.count_u32(ctx, key).unwrap_or(0);
    let length = |ctx: &mut Context, key: &str| section.duration(ctx, key).unwrap_or_default();
    GossipConfig {
        suspicion_max_timeout_mult: count(ctx, "suspicion_max_timeout_mult"),
        gossip_nodes: count(ctx, "gossip_nodes"),
        gossip_interval: section
            .duration(ctx, "gossip_interval")
            .unwrap_or(PLACEHOLDER_TIME),
        gossip_to_the_dead_time: Some(length(ctx, "gossip_to_the_dead_time")),
        push_pull_interval: length(ctx, "push_pull_interval"),
        reconnect_interval: length(ctx, "reconnect_interval"),
        awareness_max_multiplier: count(ctx, "awareness_max_multiplier"),
        has_nacks: true,
        has_buddy: true,
        has_tcp_pings: !section.bool(ctx, "disable_tcp_pings").unwrap_or(false),
        ..common
    }
}

/// Finds the cluster of every calling side that believes what its own member believes.
fn attach<'a>(
    ctx: &mut Context,
    edges: impl Iterator<Item = (&'a mut EdgeConfig, &'a Origin)>,
    clusters: &[ClusterConfig],
) {
    for (edge, origin) in edges {
        let Some(DetectorConfig::Gossip { cluster }) = &mut edge.detector else {
            continue;
        };
        let EdgeOwner::Service(owner) = edge.owner else {
            ctx.error(
                Diagnostic::new("a client is no member of a cluster")
                    .at(*origin, "`kind = \"gossip\"` asks the caller's own member")
                    .help("expected a call of a service; let the client ping, or hear heartbeats"),
            );
            continue;
        };
        let has_both = |config: &ClusterConfig| {
            config.services.contains(&owner) && config.services.contains(&edge.to)
        };
        match clusters.iter().position(has_both) {
            Some(found) => *cluster = u32::try_from(found).expect("few clusters"),
            None => ctx.error(
                Diagnostic::new("caller and called are not members of one cluster")
                    .at(*origin, "`kind = \"gossip\"` asks the caller's own member")
                    .help("write `gossip = { with = [\"OTHER\"] }` in one of the two services"),
            ),
        }
    }
}
