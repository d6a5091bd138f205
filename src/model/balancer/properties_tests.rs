//! What holds for every strategy.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::build;
use super::fixture::Side;
use crate::id::InstanceId;
use crate::model::observation::AttemptOutcome;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::load::limits::Limits;
use crate::scenario::load::schema::BALANCER;
use crate::scenario::load::{LoadInput, LoadText, load};

/// Every strategy of the schema with its defaults, and some with other parameters.
fn configs() -> Vec<BalancerConfig> {
    let mut texts: Vec<String> = BALANCER
        .variants
        .iter()
        .map(|variant| format!("\"{}\"", variant.name))
        .collect();
    for other in [
        "{ policy = \"round_robin\", random_start = true }",
        "{ policy = \"round_robin\", random_start = true, random_restart = true }",
        "{ policy = \"weighted_random\", method = \"alias\" }",
        "{ policy = \"least_in_flight\", choice_count = 2 }",
        "{ policy = \"least_in_flight\", choice_count = 3, replacement = true }",
        "{ policy = \"nginx_round_robin\", max_fails = 3, error_replies_fail = true }",
        "{ policy = \"edf\", arithmetic = \"exact\" }",
        "{ policy = \"peak_ewma\", default_rtt = \"1s\" }",
        "{ policy = \"peak_ewma\", full_scan = true }",
        "{ policy = \"envoy_least_request\", choice_count = 3, active_request_bias = 0.5 }",
        "{ policy = \"brpc_locality_aware\", max_retry = 0 }",
        "{ policy = \"sticky\", fallback = \"haproxy_least_conn\" }",
        "{ policy = \"sticky\", fallback = \"brpc_locality_aware\" }",
    ] {
        texts.push(other.to_string());
    }
    texts.iter().map(|text| config(text)).collect()
}

/// The balancer of a call as a scenario writes it.
fn config(balancer: &str) -> BalancerConfig {
    let text = format!(
        "schema = 1\nname = \"p\"\nduration = \"1s\"\n[service.s]\nservice_time = \"1ms\"\n\
         group.a.count = 1\n[client.c]\narrivals = {{ process = \"poisson\", rate = \"1/s\" }}\n\
         [client.c.call.s]\nbalancer = {balancer}\n"
    );
    let loaded = load(&LoadInput {
        text: LoadText::Text {
            name: "p.toml".to_string(),
            text,
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    });
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    let scenario = loaded.scenario.unwrap_or_else(|| panic!("{messages}"));
    scenario.edges[0].balancer.clone()
}

/// What may happen to a calling side.
#[derive(Clone, Debug)]
enum Step {
    Pick,
    Retry(Vec<u32>),
    End(usize, u8),
    Wait(u64),
    /// Which of the instances are candidates, and with which weight.
    View(Vec<u8>),
    Disconnect(u32, bool),
}

const INSTANCE_COUNT: usize = 9;

fn step() -> impl Strategy<Value = Step> {
    let instance = 0..INSTANCE_COUNT as u32;
    prop_oneof![
        8 => Just(Step::Pick),
        2 => prop::collection::vec(instance.clone(), 1..4).prop_map(Step::Retry),
        6 => (any::<usize>(), 0u8..6).prop_map(|(at, how)| Step::End(at, how)),
        2 => (0u64..40_000).prop_map(Step::Wait),
        // Weight 0 drains: the candidate is not in the list.
        2 => prop::collection::vec(0u8..5, INSTANCE_COUNT..=INSTANCE_COUNT).prop_map(Step::View),
        1 => (instance, any::<bool>()).prop_map(|(i, graceful)| Step::Disconnect(i, graceful)),
    ]
}

fn outcome(how: u8) -> AttemptOutcome {
    match how {
        0 => AttemptOutcome::Error,
        1 => AttemptOutcome::Refused,
        2 => AttemptOutcome::TimeoutSlow,
        3 => AttemptOutcome::Cancelled,
        _ => AttemptOutcome::Success,
    }
}

/// Runs the steps and checks each pick. Counts of what is in flight are kept twice.
fn check(config: &BalancerConfig, steps: &[Step]) {
    let mut side = Side::new(build(config), 1);
    let mut members: BTreeSet<InstanceId> = BTreeSet::new();
    let mut in_flight: BTreeMap<InstanceId, u32> = BTreeMap::new();
    let check_pick = |side: &mut Side, members: &BTreeSet<InstanceId>, tried: &[InstanceId]| {
        let picked = side.pick(tried);
        assert_eq!(picked.is_none(), members.is_empty(), "{config:?}");
        if let Some(instance) = picked {
            assert!(members.contains(&instance), "{config:?} picks {instance:?}");
            assert_eq!(side.sent.back().map(|sent| sent.0), Some(instance));
        }
    };
    for step in steps {
        match step {
            Step::Pick => check_pick(&mut side, &members, &[]),
            Step::Retry(tried) => {
                let tried: BTreeSet<InstanceId> = tried.iter().copied().map(InstanceId).collect();
                let tried: Vec<InstanceId> = tried.into_iter().collect();
                check_pick(&mut side, &members, &tried);
            }
            Step::End(at, how) => {
                if !side.sent.is_empty() {
                    side.end(at % side.sent.len(), outcome(*how));
                }
            }
            Step::Wait(ms) => side.wait(*ms),
            Step::View(weights) => {
                let weights = (0u32..).zip(weights.iter().map(|weight| f64::from(*weight)));
                let list: Vec<(u32, f64)> = weights.filter(|(_, weight)| 0.0 < *weight).collect();
                members = list.iter().map(|(index, _)| InstanceId(*index)).collect();
                side.view(&list);
            }
            Step::Disconnect(index, is_graceful) => {
                side.balancer
                    .on_disconnected(InstanceId(*index), *is_graceful);
            }
        }
    }
    for (instance, _) in &side.sent {
        *in_flight.entry(*instance).or_default() += 1;
    }
    for (instance, count) in in_flight {
        assert_eq!(side.in_flight.count(instance), count);
    }
}

/// Strategies whose retry may go where the call was, as in the real systems.
const MAY_REPEAT: [&str; 5] = [
    "brpc_locality_aware",
    "envoy_ring_hash",
    "maglev",
    "haproxy_map_based",
    "haproxy_balance_factor",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No strategy picks what is no candidate, gives up while there are candidates, picks what
    /// has weight 0, or stumbles over any order of joins, leaves, weights and outcomes.
    #[test]
    fn picks_are_candidates_whatever_happens(steps in prop::collection::vec(step(), 0..300)) {
        for config in configs() {
            check(&config, &steps);
        }
    }

    /// A retry finds an instance that the call has not tried, if there is one. brpc draws the
    /// tried ones again, and takes one in the end; Envoy looks again once and then stays; the map
    /// of HAProxy has one entry for a key, and its bounded loads may leave no other slot.
    #[test]
    fn retries_go_elsewhere(
        weights in prop::collection::vec(1u8..5, 2..INSTANCE_COUNT),
        tried in prop::collection::btree_set(0u32..INSTANCE_COUNT as u32, 1..4),
        before in 0usize..20,
    ) {
        let list: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        let tried: Vec<InstanceId> = tried.into_iter().map(InstanceId).collect();
        let has_more = (0..list.len() as u32).any(|i| !tried.contains(&InstanceId(i)));
        for config in configs().iter().filter(|_| has_more) {
            if MAY_REPEAT.contains(&config.name()) {
                continue;
            }
            let mut side = Side::with_weights(build(config), &list, 1);
            (0..before).for_each(|_| { side.pick(&[]); });
            if let BalancerConfig::Sticky { fallback, .. } = config
                && fallback.name() == "brpc_locality_aware"
            {
                continue;
            }
            let picked = side.pick(&tried).expect("there are candidates");
            prop_assert!(!tried.contains(&picked), "{config:?}");
        }
    }
}
