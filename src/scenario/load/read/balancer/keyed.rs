//! Strategies by key.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::section::Section;
use crate::hash::function::Function;
use crate::scenario::balancer::keyed::{EnvoyHashConfig, KeyedConfig};

/// Reads a strategy by key. None where it is none, or a value is wrong.
pub fn read(ctx: &mut Context, section: &Section) -> Option<KeyedConfig> {
    Some(match section.variant_name() {
        "modulo" => KeyedConfig::Modulo,
        "ketama" => KeyedConfig::Ketama {
            is_rescaled: section.bool(ctx, "rescaled")?,
        },
        "nginx_hash" => KeyedConfig::NginxHash,
        "nginx_hash_consistent" => KeyedConfig::NginxHashConsistent,
        "nginx_ip_hash" => KeyedConfig::NginxIpHash,
        "haproxy_consistent" => KeyedConfig::HaproxyConsistent,
        "haproxy_map_based" => KeyedConfig::HaproxyMapBased,
        "haproxy_balance_factor" => KeyedConfig::HaproxyBalanceFactor {
            factor: section.count_u32(ctx, "factor")?,
        },
        "envoy_ring_hash" => envoy_ring_hash(ctx, section)?,
        "maglev" => maglev(ctx, section)?,
        "rendezvous" => KeyedConfig::Rendezvous,
        "jump" => KeyedConfig::Jump,
        "multi_probe" => KeyedConfig::MultiProbe {
            probe_count: section.count_u32(ctx, "probe_count")?,
        },
        "anchor" => KeyedConfig::Anchor {
            capacity: section.count_u32(ctx, "capacity"),
        },
        "bounded_load" => KeyedConfig::BoundedLoad {
            virtual_node_count: section.count_u32(ctx, "virtual_node_count")?,
            hash: hash(ctx, section)?,
            hash_seed: section.count(ctx, "hash_seed")?,
            load_factor: section.number(ctx, "load_factor")?,
        },
        "dubbo_consistent_hash" => KeyedConfig::DubboConsistentHash {
            reselect_count: section.count_u32(ctx, "reselect_count")?,
        },
        "naive_ring" => KeyedConfig::NaiveRing {
            hash: hash(ctx, section)?,
            hash_seed: section.count(ctx, "hash_seed")?,
        },
        _ => return None,
    })
}

/// The hash function of a ring.
pub fn hash(ctx: &mut Context, section: &Section) -> Option<Function> {
    let name = section.text(ctx, "hash")?;
    Function::ALL
        .into_iter()
        .find(|function| function.name() == name)
}

fn envoy(ctx: &mut Context, section: &Section) -> Option<EnvoyHashConfig> {
    Some(EnvoyHashConfig {
        host_selection_retry_max_attempts: section
            .count_u32(ctx, "host_selection_retry_max_attempts")?,
        balance_factor: section.count_u32(ctx, "hash_balance_factor"),
    })
}

fn envoy_ring_hash(ctx: &mut Context, section: &Section) -> Option<KeyedConfig> {
    let point_count_min = section.count(ctx, "minimum_ring_size")?;
    let point_count_max = section.count(ctx, "maximum_ring_size")?;
    if point_count_max < point_count_min {
        let tree = section.tree("maximum_ring_size")?;
        ctx.error(
            Diagnostic::new("Envoy refuses a ring whose maximum size is below its minimum")
                .at(tree.origin, format!("expected {point_count_min} or more")),
        );
        return None;
    }
    Some(KeyedConfig::EnvoyRingHash {
        point_count_min,
        point_count_max,
        envoy: envoy(ctx, section)?,
    })
}

fn maglev(ctx: &mut Context, section: &Section) -> Option<KeyedConfig> {
    let table_size = section.count_u32(ctx, "table_size")?;
    if !is_prime(table_size) {
        let next = (table_size..).find(|number| is_prime(*number))?;
        let tree = section.tree("table_size")?;
        ctx.error(
            Diagnostic::new("the size of a Maglev table is a prime, in the paper and in Envoy")
                .at(tree.origin, "this is no prime")
                .help(format!("the next prime is {next}")),
        );
        return None;
    }
    Some(KeyedConfig::Maglev {
        table_size,
        envoy: envoy(ctx, section)?,
    })
}

fn is_prime(number: u32) -> bool {
    let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    1 < number && divisors.all(|divisor| !number.is_multiple_of(divisor))
}
