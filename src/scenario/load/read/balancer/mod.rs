//! The balancer of a call.

mod feedback;
mod keyed;
mod load;
mod weighted;

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::BALANCER;
use super::super::section::Section;
use super::super::tree::Tree;
use crate::scenario::balancer::BalancerConfig;

/// Reads a strategy and its parameters.
pub fn read(ctx: &mut Context, tree: &Tree) -> Option<BalancerConfig> {
    read_nested(ctx, tree, 0)
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
        other => other,
    }
}

/// Sticky balancers may hold each other no deeper than this.
const BALANCER_DEPTH_MAX: u32 = 4;

fn read_nested(ctx: &mut Context, tree: &Tree, depth: u32) -> Option<BalancerConfig> {
    let section = Section::open(ctx, tree, &BALANCER, "balancer".to_string())?;
    Some(match section.variant_name() {
        "random" => BalancerConfig::Random,
        "round_robin" => BalancerConfig::RoundRobin {
            random_start: section.bool(ctx, "random_start")?,
        },
        "weighted_random" => BalancerConfig::WeightedRandom {
            method: weighted::draw_method(ctx, &section)?,
        },
        "smooth_weighted_round_robin" => BalancerConfig::SmoothWeightedRoundRobin,
        "least_in_flight" => BalancerConfig::LeastInFlight {
            choice_count: section.count_u32(ctx, "choice_count"),
            replacement: section.bool(ctx, "replacement")?,
        },
        "ring" => BalancerConfig::Ring {
            virtual_node_count: section.count_u32(ctx, "virtual_node_count")?,
            hash: keyed::hash(ctx, &section)?,
            hash_seed: section.count(ctx, "hash_seed")?,
        },
        "sticky" => {
            if BALANCER_DEPTH_MAX <= depth {
                ctx.error(
                    Diagnostic::new("too many sticky balancers in one another")
                        .at(tree.origin, "expected a balancer that picks"),
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
        | "shortest_queue_global" => feedback::read(ctx, &section)?,
        _ => return read_family(ctx, &section),
    })
}

/// Reads a strategy that belongs to a family.
fn read_family(ctx: &mut Context, section: &Section<'_>) -> Option<BalancerConfig> {
    let weighted = weighted::read(ctx, section).map(BalancerConfig::Weighted);
    let keyed = || keyed::read(ctx, section).map(BalancerConfig::Keyed);
    let known = weighted.or_else(keyed);
    known.or_else(|| load::read(ctx, section).map(BalancerConfig::Load))
}
