//! The network.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{LINK, LOSS};
use super::super::section::Section;
use super::super::tree::Tree;
use super::class::warn_sizeless;
use super::distribution::{distribution_at, distribution_if};
use super::selector::selector_at;
use super::{Names, PLACEHOLDER_TIME, open_named};
use crate::scenario::class::Classes;
use crate::scenario::network::{LinkConfig, LossConfig, NetworkConfig, Transport};
use crate::scenario::selector::Selector;

/// Reads `[network]`.
pub fn network(
    ctx: &mut Context,
    section: &Section,
    names: &Names,
    classes: &Classes,
) -> NetworkConfig {
    warn_sizeless(ctx, section, classes);
    let transport = match section.text(ctx, "transport").as_deref() {
        Some("datagram") => Transport::Datagram,
        _ => Transport::Stream,
    };
    let duplication_probability = section.number(ctx, "duplication").unwrap_or(0.0);
    if transport == Transport::Stream && 0.0 < duplication_probability {
        ctx.error(
            Diagnostic::new("a stream delivers nothing twice")
                .at(section.origin_of("duplication"), "`transport` is stream")
                .help("write `transport = \"datagram\"` to let messages be duplicated"),
        );
    }
    NetworkConfig {
        transport,
        same_zone: distribution_at(ctx, section, "same_zone"),
        cross_zone: distribution_at(ctx, section, "cross_zone"),
        same_zone_bandwidth: section.number(ctx, "same_zone_bandwidth"),
        cross_zone_bandwidth: section.number(ctx, "cross_zone_bandwidth"),
        loss: loss_at(ctx, section, "loss").unwrap_or(NO_LOSS),
        duplication_probability,
        retransmission_timeout: section
            .duration(ctx, "retransmission_timeout")
            .unwrap_or(PLACEHOLDER_TIME),
        links: links(ctx, section, names),
    }
}

const NO_LOSS: LossConfig = LossConfig::Bernoulli { probability: 0.0 };

fn links(ctx: &mut Context, network: &Section, names: &Names) -> Vec<LinkConfig> {
    let mut list = Vec::new();
    for link in open_named(ctx, network, "link", &LINK, "link", false) {
        let section = &link.section;
        let (from, to) = (
            selector_at(ctx, section, "from", names),
            selector_at(ctx, section, "to", names),
        );
        for (key, side) in [("from", &from), ("to", &to)] {
            if side.as_ref().is_some_and(Selector::names_leader) {
                ctx.error(
                    Diagnostic::new("who leads changes, and a link stays as it is")
                        .at(section.origin_of(key), "no link of its own")
                        .help("write \"registry:member/0\", or a fault of links"),
                );
            }
        }
        let delay = distribution_if(ctx, section, "delay");
        let loss = loss_at(ctx, section, "loss");
        let bandwidth = section.number(ctx, "bandwidth");
        if !["delay", "loss", "bandwidth"]
            .iter()
            .any(|key| section.has(key))
        {
            ctx.error(
                Diagnostic::new(format!("link `{}` changes nothing", link.name)).at(
                    link.name_origin,
                    "none of `delay`, `loss` and `bandwidth` is set",
                ),
            );
        }
        let is_symmetric = section.bool(ctx, "symmetric").unwrap_or(true);
        if let (Some(from), Some(to)) = (from, to) {
            list.push(LinkConfig {
                name: link.name,
                from,
                to,
                is_symmetric,
                delay,
                loss,
                bandwidth,
            });
        }
    }
    list
}

/// The law of loss at a key.
pub fn loss_at(ctx: &mut Context, section: &Section, key: &str) -> Option<LossConfig> {
    let tree = section.tree(key)?;
    loss(ctx, &tree)
}

fn loss(ctx: &mut Context, tree: &Tree) -> Option<LossConfig> {
    let section = Section::open(ctx, tree, &LOSS, "loss".to_string())?;
    if section.variant_name() == "bernoulli" {
        let probability = section.number(ctx, "ratio")?;
        return Some(LossConfig::Bernoulli { probability });
    }
    let (good_mean, bad_mean) = (
        section.duration(ctx, "good_mean"),
        section.duration(ctx, "bad_mean"),
    );
    let (good, bad) = (
        section.number(ctx, "good_loss"),
        section.number(ctx, "bad_loss"),
    );
    let per_link = section.bool(ctx, "per_link");
    Some(LossConfig::GilbertElliott {
        good_mean: good_mean?,
        bad_mean: bad_mean?,
        good_probability: good?,
        bad_probability: bad?,
        per_link: per_link?,
    })
}
