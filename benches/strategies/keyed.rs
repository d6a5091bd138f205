//! Strategies by key.

use stormglass::scenario::balancer::keyed::{EnvoyHashConfig, KeyedConfig};
use stormglass::scenario::balancer::{BalancerConfig, RingHash};

use super::WEIGHT_COUNT;
use super::rotate::Entry;

/// The strategies by key, each with the digest of its picks.
pub fn strategies() -> Vec<Entry> {
    let envoy = EnvoyHashConfig {
        host_selection_retry_max_attempts: 1,
        balance_factor: None,
    };
    let bounded_load = KeyedConfig::BoundedLoad {
        virtual_node_count: 160,
        hash: RingHash::Xxh64,
        hash_seed: 0,
        load_factor: 1.25,
    };
    let envoy_ring_hash = KeyedConfig::EnvoyRingHash {
        point_count_min: 1024,
        point_count_max: 8 * 1024 * 1024,
        envoy,
    };
    let maglev = KeyedConfig::Maglev {
        table_size: 65_537,
        envoy,
    };
    let naive_ring = KeyedConfig::NaiveRing {
        hash: RingHash::Xxh64,
        hash_seed: 0,
    };
    let all = [
        (KeyedConfig::Modulo, 8_589_807_709_265_926_674),
        (
            KeyedConfig::Ketama { is_rescaled: false },
            14_288_879_449_863_555_373,
        ),
        (KeyedConfig::NginxHash, 2_737_289_792_953_507_637),
        (KeyedConfig::NginxHashConsistent, 13_759_696_112_816_918_479),
        (KeyedConfig::NginxIpHash, 9_676_876_862_590_995_152),
        (KeyedConfig::HaproxyConsistent, 1_665_351_020_277_782_281),
        (KeyedConfig::HaproxyMapBased, 7_222_935_768_866_031_990),
        (
            KeyedConfig::HaproxyBalanceFactor { factor: 150 },
            6_398_681_486_226_211_523,
        ),
        (envoy_ring_hash, 14_301_675_101_788_297_370),
        (maglev, 4_276_052_943_215_088_669),
        (KeyedConfig::Rendezvous, 16_350_401_099_030_014_085),
        (KeyedConfig::Jump, 7_191_059_942_675_240_790),
        (
            KeyedConfig::MultiProbe { probe_count: 21 },
            9_581_497_697_974_787_391,
        ),
        (
            KeyedConfig::Anchor { capacity: None },
            1_654_494_784_346_721_560,
        ),
        (bounded_load, 10_558_169_082_018_987_517),
        (
            KeyedConfig::DubboConsistentHash { reselect_count: 10 },
            889_899_736_488_494_384,
        ),
        (naive_ring, 11_536_575_859_837_262_513),
    ];
    let entry = |(config, digest): (KeyedConfig, u64)| {
        (
            config.name(),
            BalancerConfig::Keyed(config),
            WEIGHT_COUNT,
            digest,
        )
    };
    all.into_iter().map(entry).collect()
}
