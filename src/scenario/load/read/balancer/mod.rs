//! The balancer of a call.

mod feedback;
mod keyed;
mod load;
mod weighted;
mod wrappers;

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::BALANCER;
use super::super::section::Section;
use super::super::tree::Tree;
use super::Names;
use crate::id::ServiceId;
use crate::scenario::balancer::BalancerConfig;

/// The strategy of a call, its parameters and what stands around it. `to`: the service.
pub fn of_call(
    ctx: &mut Context,
    call: &Section,
    names: &Names,
    to: Option<ServiceId>,
) -> Option<BalancerConfig> {
    let tree = call.tree("balancer")?;
    let section = Section::open(ctx, &tree, &BALANCER, "balancer".to_string())?;
    let strategy = read_strategy(ctx, &section, 0);
    wrappers::wrapped(ctx, &section, strategy, (names, to))
}

/// The balancer of a call, which learns from connections where there are some.
pub fn connected(balancer: Option<BalancerConfig>, is_connected: bool) -> BalancerConfig {
    match balancer.unwrap_or(BalancerConfig::Random) {
        BalancerConfig::PickFirst { shuffle, .. } => BalancerConfig::PickFirst {
            shuffle,
            has_connections: is_connected,
        },
        BalancerConfig::Sticky {
            fallback,
            session_count_max,
        } => BalancerConfig::Sticky {
            fallback: Box::new(connected(Some(*fallback), is_connected)),
            session_count_max,
        },
        BalancerConfig::Composed(mut composed) => {
            composed.strategy = connected(Some(composed.strategy), is_connected);
            BalancerConfig::Composed(composed)
        }
        other => other,
    }
}

/// Sticky balancers may hold each other no deeper than this.
const BALANCER_DEPTH_MAX: u32 = 4;

/// A strategy inside another one.
fn read_nested(ctx: &mut Context, tree: &Tree, depth: u32) -> Option<BalancerConfig> {
    let section = Section::open(ctx, tree, &BALANCER, "balancer".to_string())?;
    if let Some(wrapper) = wrappers::first_set(&section) {
        ctx.error(
            Diagnostic::new(format!("`{wrapper}` around a fallback"))
                .at(section.origin_of(wrapper), "only the whole balancer has it")
                .help(format!("write `{wrapper}` in the balancer around it")),
        );
        return None;
    }
    read_strategy(ctx, &section, depth)
}

fn read_strategy(ctx: &mut Context, section: &Section, depth: u32) -> Option<BalancerConfig> {
    Some(match section.variant_name() {
        "random" => BalancerConfig::Random,
        "round_robin" => BalancerConfig::RoundRobin {
            random_start: section.bool(ctx, "random_start")?,
            random_restart: section.bool(ctx, "random_restart").unwrap_or(false),
        },
        "weighted_random" => BalancerConfig::WeightedRandom {
            method: weighted::draw_method(ctx, section)?,
        },
        "smooth_weighted_round_robin" => BalancerConfig::SmoothWeightedRoundRobin,
        "least_in_flight" => BalancerConfig::LeastInFlight {
            choice_count: section.count_u32(ctx, "choice_count"),
            replacement: section.bool(ctx, "replacement")?,
        },
        "ring" => BalancerConfig::Ring {
            virtual_node_count: section.count_u32(ctx, "virtual_node_count")?,
            hash: keyed::hash(ctx, section)?,
            hash_seed: section.count(ctx, "hash_seed")?,
        },
        "sticky" => {
            if BALANCER_DEPTH_MAX <= depth {
                ctx.error(
                    Diagnostic::new("too many sticky balancers in one another")
                        .at(section.origin, "expected a balancer that picks"),
                );
                return None;
            }
            let fallback = section.tree("fallback")?;
            BalancerConfig::Sticky {
                fallback: Box::new(read_nested(ctx, &fallback, depth + 1)?),
                session_count_max: section.count_u32(ctx, "session_count_max")?,
            }
        }
        "pick_first" => BalancerConfig::PickFirst {
            shuffle: section.bool(ctx, "shuffle")?,
            has_connections: false,
        },
        "grpc_weighted_round_robin"
        | "prequal"
        | "c3"
        | "join_idle_queue"
        | "shortest_queue_global" => feedback::read(ctx, section)?,
        _ => return read_family(ctx, section),
    })
}

/// Reads a strategy that belongs to a family.
fn read_family(ctx: &mut Context, section: &Section<'_>) -> Option<BalancerConfig> {
    let weighted = weighted::read(ctx, section).map(BalancerConfig::Weighted);
    let keyed = || keyed::read(ctx, section).map(BalancerConfig::Keyed);
    let known = weighted.or_else(keyed);
    known.or_else(|| load::read(ctx, section).map(BalancerConfig::Load))
}
