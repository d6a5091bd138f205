//! Strategies by key.

use crate::hash::function::Function;
use crate::hash::placement::PlacementRule;
use crate::hash::ring_rule::RingRule;
use crate::hash::slots::SlotRule;

/// Bytes of a point of a ring.
const RING_POINT_BYTES: f64 = 16.0;

/// A strategy by key and its parameters. Keys of requests are numbers and instances have names; the
/// schema says for each strategy what of them is hashed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyedConfig {
    /// The hash of the key modulo the number of candidates.
    Modulo,
    /// Ketama.
    Ketama {
        /// Whether points are counted as in libketama, by the weights of all.
        is_rescaled: bool,
    },
    /// nginx `hash`.
    NginxHash,
    /// nginx `hash ... consistent`.
    NginxHashConsistent,
    /// nginx `ip_hash`.
    NginxIpHash,
    /// HAProxy `hash-type consistent`.
    HaproxyConsistent,
    /// HAProxy `hash-type map-based`.
    HaproxyMapBased,
    /// HAProxy `hash-type consistent` with `hash-balance-factor`.
    HaproxyBalanceFactor {
        /// Per cent of the mean load; above 100.
        factor: u32,
    },
    /// Envoy `ring_hash`.
    EnvoyRingHash {
        /// `minimum_ring_size`.
        point_count_min: u64,
        /// `maximum_ring_size`.
        point_count_max: u64,
        /// What it has in common with Maglev.
        envoy: EnvoyHashConfig,
    },
    /// Maglev as in Envoy.
    Maglev {
        /// Slots of the table; a prime.
        table_size: u32,
        /// What it has in common with `ring_hash`.
        envoy: EnvoyHashConfig,
    },
    /// The candidate with the highest score for the key.
    Rendezvous,
    /// Jump consistent hash.
    Jump,
    /// Multi-probe consistent hashing.
    MultiProbe {
        /// Probes of a key.
        probe_count: u32,
    },
    /// AnchorHash.
    Anchor {
        /// Most candidates; None takes twice the first ones.
        capacity: Option<u32>,
    },
    /// A ring with bounded loads.
    BoundedLoad {
        /// Points of a candidate of weight 1.
        virtual_node_count: u32,
        /// The hash function of points and keys.
        hash: Function,
        /// Seed of the hash function.
        hash_seed: u64,
        /// Most attempts in flight to one candidate, as a multiple of the mean.
        load_factor: f64,
    },
    /// Dubbo `consistenthash`.
    DubboConsistentHash {
        /// Candidates that are drawn when the key's one was tried.
        reselect_count: u32,
    },
    /// A ring with one point for each candidate.
    NaiveRing {
        /// The hash function of points and keys.
        hash: Function,
        /// Seed of the hash function.
        hash_seed: u64,
    },
}

/// What Envoy's hashing balancers have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvoyHashConfig {
    /// How often it looks again for a host that was not tried.
    pub host_selection_retry_max_attempts: u32,
    /// `hash_balance_factor`, in per cent; None has no bound.
    pub balance_factor: Option<u32>,
}

impl KeyedConfig {
    /// The name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            KeyedConfig::Modulo => "modulo",
            KeyedConfig::Ketama { .. } => "ketama",
            KeyedConfig::NginxHash => "nginx_hash",
            KeyedConfig::NginxHashConsistent => "nginx_hash_consistent",
            KeyedConfig::NginxIpHash => "nginx_ip_hash",
            KeyedConfig::HaproxyConsistent => "haproxy_consistent",
            KeyedConfig::HaproxyMapBased => "haproxy_map_based",
            KeyedConfig::HaproxyBalanceFactor { .. } => "haproxy_balance_factor",
            KeyedConfig::EnvoyRingHash { .. } => "envoy_ring_hash",
            KeyedConfig::Maglev { .. } => "maglev",
            KeyedConfig::Rendezvous => "rendezvous",
            KeyedConfig::Jump => "jump",
            KeyedConfig::MultiProbe { .. } => "multi_probe",
            KeyedConfig::Anchor { .. } => "anchor",
            KeyedConfig::BoundedLoad { .. } => "bounded_load",
            KeyedConfig::DubboConsistentHash { .. } => "dubbo_consistent_hash",
            KeyedConfig::NaiveRing { .. } => "naive_ring",
        }
    }

    /// The system whose weights are whole numbers, and the largest.
    pub fn whole_weights(&self) -> Option<(&'static str, u32)> {
        match self {
            KeyedConfig::NginxHash
            | KeyedConfig::NginxHashConsistent
            | KeyedConfig::NginxIpHash => Some(("nginx", 65_535)),
            KeyedConfig::HaproxyConsistent
            | KeyedConfig::HaproxyMapBased
            | KeyedConfig::HaproxyBalanceFactor { .. } => Some(("HAProxy", 256)),
            KeyedConfig::EnvoyRingHash { .. } | KeyedConfig::Maglev { .. } => {
                Some(("Envoy", u32::MAX))
            }
            KeyedConfig::Modulo
            | KeyedConfig::Ketama { .. }
            | KeyedConfig::Rendezvous
            | KeyedConfig::Jump
            | KeyedConfig::MultiProbe { .. }
            | KeyedConfig::Anchor { .. }
            | KeyedConfig::BoundedLoad { .. }
            | KeyedConfig::DubboConsistentHash { .. }
            | KeyedConfig::NaiveRing { .. } => None,
        }
    }

    /// Rings, tables, buckets and the places of a fallback. Weights are taken as 1.
    pub fn memory_bytes(&self, callers: f64, instances: f64) -> f64 {
        let ring = |points: f64| RING_POINT_BYTES * points * instances;
        match *self {
            KeyedConfig::Modulo | KeyedConfig::Rendezvous | KeyedConfig::Jump => 0.0,
            KeyedConfig::Ketama { .. } | KeyedConfig::DubboConsistentHash { .. } => ring(160.0),
            // The fallback keeps a place for each instance, and each caller has its own.
            KeyedConfig::NginxHashConsistent => ring(160.0) + 16.0 * callers * instances,
            KeyedConfig::NginxHash | KeyedConfig::NginxIpHash => {
                16.0 * instances + 16.0 * callers * instances
            }
            KeyedConfig::HaproxyConsistent | KeyedConfig::HaproxyBalanceFactor { .. } => ring(16.0),
            // 256 entries for the largest weight.
            KeyedConfig::HaproxyMapBased => 4.0 * 256.0 * instances,
            // The largest of the weights is taken as 256 times the least.
            KeyedConfig::EnvoyRingHash {
                point_count_min,
                point_count_max,
                ..
            } => {
                let points = 256.0 * (point_count_min as f64 + instances);
                RING_POINT_BYTES * (points.min(point_count_max as f64) + instances)
            }
            KeyedConfig::Maglev { table_size, .. } => {
                4.0 * f64::from(table_size) + 40.0 * instances
            }
            KeyedConfig::MultiProbe { .. } | KeyedConfig::NaiveRing { .. } => ring(1.0),
            // Callers whose histories differ have buckets of their own.
            KeyedConfig::Anchor { capacity } => {
                let capacity = capacity.map_or(0.0, f64::from).max(2.0 * instances);
                callers * (20.0 * capacity + 8.0 * instances)
            }
            KeyedConfig::BoundedLoad {
                virtual_node_count, ..
            } => ring(f64::from(virtual_node_count)),
        }
    }

    /// How it places keys, as long as nothing is in flight and nothing was tried.
    pub fn placement_rule(&self) -> PlacementRule {
        PlacementRule::Ring(match *self {
            KeyedConfig::Modulo => return PlacementRule::Modulo,
            KeyedConfig::Rendezvous => return PlacementRule::Rendezvous,
            KeyedConfig::Jump => return PlacementRule::Jump,
            KeyedConfig::Anchor { capacity } => return PlacementRule::Anchor { capacity },
            KeyedConfig::NginxHash => return PlacementRule::NginxHash,
            KeyedConfig::NginxIpHash => return PlacementRule::NginxIpHash,
            KeyedConfig::HaproxyMapBased => return PlacementRule::Slots(SlotRule::HaproxyMap),
            KeyedConfig::Maglev { table_size, .. } => {
                return PlacementRule::Slots(SlotRule::Maglev { table_size });
            }
            KeyedConfig::Ketama { is_rescaled } => RingRule::Ketama { is_rescaled },
            KeyedConfig::NginxHashConsistent => RingRule::NginxConsistent,
            KeyedConfig::HaproxyConsistent | KeyedConfig::HaproxyBalanceFactor { .. } => {
                RingRule::HaproxyConsistent
            }
            KeyedConfig::EnvoyRingHash {
                point_count_min,
                point_count_max,
                ..
            } => RingRule::Envoy {
                point_count_min,
                point_count_max,
            },
            KeyedConfig::MultiProbe { probe_count } => RingRule::MultiProbe { probe_count },
            KeyedConfig::BoundedLoad {
                virtual_node_count,
                hash,
                hash_seed,
                ..
            } => RingRule::Hashed {
                virtual_node_count,
                function: hash,
                seed: hash_seed,
            },
            KeyedConfig::DubboConsistentHash { .. } => RingRule::Dubbo,
            KeyedConfig::NaiveRing { hash, hash_seed } => RingRule::Naive {
                function: hash,
                seed: hash_seed,
            },
        })
    }
}
