use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::hash::function::Function;
use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::model::balancer::tables::{GroupNames, Tables};
use crate::model::balancer::{Balancer, PickContext, build};
use crate::model::in_flight::InFlight;
use crate::model::view::{Member, ViewSnapshot};
use crate::rng::{Purpose, Streams, mix};
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::keyed::{EnvoyHashConfig, KeyedConfig};
use crate::time::SimTime;
use std::sync::Arc;

const INSTANCE_COUNT: u32 = 24;

fn envoy(balance_factor: Option<u32>) -> EnvoyHashConfig {
    EnvoyHashConfig {
        host_selection_retry_max_attempts: 1,
        balance_factor,
    }
}

fn all() -> Vec<KeyedConfig> {
    let ring_hash = |balance_factor| KeyedConfig::EnvoyRingHash {
        point_count_min: 128,
        point_count_max: 1024,
        envoy: envoy(balance_factor),
    };
    let maglev = |balance_factor| KeyedConfig::Maglev {
        table_size: 251,
        envoy: envoy(balance_factor),
    };
    vec![
        KeyedConfig::Modulo,
        KeyedConfig::Ketama { is_rescaled: false },
        KeyedConfig::Ketama { is_rescaled: true },
        KeyedConfig::NginxHash,
        KeyedConfig::NginxHashConsistent,
        KeyedConfig::NginxIpHash,
        KeyedConfig::HaproxyConsistent,
        KeyedConfig::HaproxyMapBased,
        KeyedConfig::HaproxyBalanceFactor { factor: 120 },
        ring_hash(None),
        ring_hash(Some(120)),
        maglev(None),
        maglev(Some(120)),
        KeyedConfig::Rendezvous,
        KeyedConfig::Jump,
        KeyedConfig::MultiProbe { probe_count: 21 },
        KeyedConfig::Anchor { capacity: None },
        KeyedConfig::Anchor { capacity: Some(8) },
        KeyedConfig::BoundedLoad {
            virtual_node_count: 20,
            hash: Function::Xxh64,
            hash_seed: 0,
            load_factor: 1.25,
        },
        KeyedConfig::DubboConsistentHash { reselect_count: 3 },
        KeyedConfig::NaiveRing {
            hash: Function::Md5,
            hash_seed: 1,
        },
    ]
}

/// Strategies whose retry may go where the call was, as in the real system.
fn may_repeat(config: &KeyedConfig) -> bool {
    matches!(
        config,
        KeyedConfig::HaproxyMapBased
            | KeyedConfig::HaproxyBalanceFactor { .. }
            | KeyedConfig::EnvoyRingHash { .. }
            | KeyedConfig::Maglev { .. }
    )
}

fn tables() -> Tables {
    let names = (0..INSTANCE_COUNT).map(|i| mix(u64::from(i))).collect();
    let group = |first, prefix: &str| GroupNames {
        first: InstanceId(first),
        service_first: InstanceId(0),
        prefix: prefix.to_string(),
    };
    Tables::new(names, vec![group(0, "web/a/"), group(10, "web/b/")])
}

/// A view with a weight for each instance; weight 0 is not in it. Equal weights are equal contents.
fn view(weights: &[u32]) -> Arc<ViewSnapshot> {
    let member = |(index, weight): (u32, &u32)| Member {
        instance: InstanceId(index),
        zone: ZoneId(0),
        weight: f64::from(*weight),
    };
    let contents = weights
        .iter()
        .fold(1u64, |sum, weight| mix(sum ^ u64::from(*weight)));
    let listed = (0u32..).zip(weights).filter(|(_, weight)| **weight != 0);
    Arc::new(ViewSnapshot {
        service: ServiceId(0),
        content_id: contents,
        members: listed.map(member).collect(),
    })
}

struct Side {
    balancer: Box<dyn Balancer>,
    in_flight: InFlight,
    streams: Streams,
    pick_count: u64,
}

impl Side {
    fn new(config: KeyedConfig) -> Self {
        Side {
            balancer: build(&BalancerConfig::Keyed(config)),
            in_flight: InFlight::default(),
            streams: Streams::new(1),
            pick_count: 0,
        }
    }

    fn pick(&mut self, tables: &mut Tables, key: u64, tried: &[InstanceId]) -> Option<InstanceId> {
        self.pick_count += 1;
        let mut ctx = PickContext {
            now: SimTime::START,
            key,
            tried,
            in_flight: &self.in_flight,
            draw: self.streams.draw(Purpose::Pick, self.pick_count, 0, 0),
            tables,
        };
        self.balancer.pick(&mut ctx)
    }
}

fn views() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let weights = prop::collection::vec(0u32..4, INSTANCE_COUNT as usize);
    let few = prop::collection::vec(0u32..40, INSTANCE_COUNT as usize)
        .prop_map(|list| list.into_iter().map(|x| u32::from(x < 3)).collect());
    prop::collection::vec(prop_oneof![weights, few], 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn picks_are_candidates_and_retries_avoid_what_was_tried(
        lists in views(),
        seed: u64,
    ) {
        let mut tables = tables();
        for config in all() {
            let mut side = Side::new(config);
            prop_assert_eq!(side.pick(&mut tables, 1, &[]), None);
            for weights in &lists {
                let view = view(weights);
                side.balancer.on_view(&view);
                for index in 0..20 {
                    let key = mix(seed ^ index);
                    let mut tried = BTreeSet::new();
                    for _ in 0..4 {
                        let list: Vec<InstanceId> = tried.iter().copied().collect();
                        let picked = side.pick(&mut tables, key, &list);
                        let Some(instance) = picked else {
                            prop_assert!(view.members.is_empty(), "{:?}", config);
                            break;
                        };
                        prop_assert!(view.position(instance).is_some(), "{:?}", config);
                        let has_more = view.members.len() > list.len();
                        let is_new = tried.insert(instance);
                        prop_assert!(is_new || !has_more || may_repeat(&config), "{:?}", config);
                        side.in_flight.add(instance);
                    }
                    for instance in tried.into_iter().take(2) {
                        side.in_flight.remove(instance);
                    }
                }
            }
        }
    }

    #[test]
    fn callers_with_equal_views_agree_when_idle(lists in views()) {
        let mut tables = tables();
        for config in all() {
            // Buckets of AnchorHash depend on the history, which is the same here.
            let mut sides = [Side::new(config), Side::new(config)];
            for weights in &lists {
                let view = view(weights);
                for side in &mut sides {
                    side.balancer.on_view(&view);
                }
                for key in 0..50 {
                    let [a, b] = sides.each_mut().map(|side| side.pick(&mut tables, key, &[]));
                    prop_assert_eq!(a, b, "{:?}", config);
                }
            }
        }
    }

    #[test]
    fn bounded_loads_stay_within_their_bounds(keys in prop::collection::vec(0u64..3, 1..200)) {
        let weights = [1u32; 6];
        for (config, factor) in [
            (
                KeyedConfig::BoundedLoad {
                    virtual_node_count: 20,
                    hash: Function::Xxh64,
                    hash_seed: 0,
                    load_factor: 1.5,
                },
                1.5,
            ),
            (KeyedConfig::HaproxyBalanceFactor { factor: 150 }, 1.5),
        ] {
            let mut tables = tables();
            let mut side = Side::new(config);
            side.balancer.on_view(&view(&weights));
            for key in &keys {
                let instance = side.pick(&mut tables, *key, &[]).expect("candidates");
                side.in_flight.add(instance);
                let mean = side.in_flight.total() as f64 / 6.0;
                // HAProxy rounds the slots of all up, and then spreads the rest.
                let bound = (factor * mean + 1.0 / 6.0).ceil().max(1.0);
                let count = f64::from(side.in_flight.count(instance));
                prop_assert!(count <= bound, "{:?}: {} of {}", config, count, bound);
            }
        }
    }
}

#[test]
fn names_and_numbers_are_those_of_the_service() {
    let mut tables = tables();
    // 16 points for each instance of the ring of HAProxy, by numbers from 1 in the service.
    let servers: Vec<crate::hash::Server> = [3u32, 12]
        .map(|owner| crate::hash::Server {
            owner,
            number: owner + 1,
            name: if owner < 10 { "web/a/3" } else { "web/b/2" }.to_string(),
            name_hash: mix(u64::from(owner)),
            weight: 1.0,
        })
        .to_vec();
    let mut weights = [0; INSTANCE_COUNT as usize];
    (weights[3], weights[12]) = (1, 1);
    for config in all() {
        if let Some(rule) = config.ring_rule() {
            let ring = tables.ring(&view(&weights), rule);
            assert_eq!(*ring, rule.build(&servers), "{config:?}");
        }
    }
}
