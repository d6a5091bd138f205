//! Composed balancers in any order of joins, leaves, failures and changes of weights.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::site::Site;
use super::tests::{FAILED, RATE, SWEEP, Side, accrual, envoy, max_fails, member};
use super::*;
use crate::model::observation::AttemptOutcome;
use crate::scenario::balancer::wrappers::{
    ComposedConfig, GrpcOutlierConfig, PriorityConfig, SlowStartConfig, SubsetConfig,
    ZoneAwareConfig,
};
use crate::time::SimDuration;

const INSTANCE_COUNT: u32 = 12;

/// One step of a life.
#[derive(Clone, Debug)]
enum Step {
    Wait { ms: u64 },
    Pick { key: u64 },
    End { place: usize, outcome: u8 },
    Join { index: u32 },
    Leave { index: u32 },
    Suspect { index: u32 },
    Trust { index: u32 },
    Weigh { index: u32, weight: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let index = 0..INSTANCE_COUNT;
    prop_oneof![
        3 => (0u64..3_000).prop_map(|ms| Step::Wait { ms }),
        8 => (0u64..20).prop_map(|key| Step::Pick { key }),
        8 => (0usize..30, 0u8..10).prop_map(|(place, outcome)| Step::End { place, outcome }),
        1 => index.clone().prop_map(|index| Step::Join { index }),
        1 => index.clone().prop_map(|index| Step::Leave { index }),
        1 => index.clone().prop_map(|index| Step::Suspect { index }),
        1 => index.clone().prop_map(|index| Step::Trust { index }),
        1 => (index, 1u32..5).prop_map(|(index, weight)| Step::Weigh { index, weight }),
    ]
}

fn strategies() -> impl Strategy<Value = BalancerConfig> {
    prop::sample::select(vec![
        BalancerConfig::Random,
        BalancerConfig::RoundRobin {
            random_start: false,
            random_restart: false,
        },
        BalancerConfig::WeightedRandom {
            method: crate::scenario::balancer::weighted::DrawMethod::Cumulative,
        },
        BalancerConfig::SmoothWeightedRoundRobin,
        BalancerConfig::LeastInFlight {
            choice_count: Some(2),
            replacement: false,
        },
        BalancerConfig::PickFirst {
            shuffle: true,
            has_connections: false,
        },
        BalancerConfig::Sticky {
            fallback: Box::new(BalancerConfig::Random),
            session_count_max: 8,
        },
        BalancerConfig::Ring {
            virtual_node_count: 8,
            hash: crate::scenario::balancer::RingHash::Xxh64,
            hash_seed: 0,
        },
    ])
}

prop_compose! {
    fn configs()(
        strategy in strategies(),
        subset in prop::option::of(prop::sample::select(vec![
            SubsetConfig::DeterministicAperture { size: 4 },
            SubsetConfig::Deterministic { size: 4 },
            SubsetConfig::Random { size: 4 },
        ])),
        priority in prop::option::of((0u32..=100, any::<bool>())),
        is_zone_aware in any::<bool>(),
        has_backup in any::<bool>(),
        slow_start in prop::option::of(prop::sample::select(vec![
            SlowStartConfig::Envoy {
                window: SimDuration::from_secs(5),
                aggression: 2.0,
                weight_ratio_min: 0.1,
            },
            SlowStartConfig::Haproxy { window: SimDuration::from_secs(5) },
        ])),
        ejection in prop::option::of(prop::sample::select(vec![
            envoy(),
            EjectionConfig::GrpcOutlier(GrpcOutlierConfig {
                sweep: SWEEP,
                success_rate: RATE,
                failure_ratio: FAILED,
            }),
            max_fails(2),
            accrual(),
        ])),
    ) -> ComposedConfig {
        ComposedConfig {
            strategy,
            subset,
            priority: priority.map(|(panic_threshold_percent, fails_on_panic)| PriorityConfig {
                panic_threshold_percent,
                fails_on_panic,
                ..PriorityConfig::DEFAULT
            }),
            zone_aware: is_zone_aware.then_some(ZoneAwareConfig {
                min_size: 3,
                routing_enabled_percent: 80,
            }),
            backup: match has_backup && priority.is_none() {
                true => vec![crate::id::GroupId(1)],
                false => Vec::new(),
            },
            slow_start,
            ejection,
        }
    }
}

/// What a life has come to.
struct Life {
    side: Side,
    now: SimTime,
    members: Vec<Member>,
    suspects: BTreeSet<u32>,
    sent: Vec<InstanceId>,
    left_out: BTreeSet<u32>,
}

impl Life {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Wait { ms } => self.now = self.now + SimDuration::from_ms(ms),
            Step::Pick { key } => self.pick(key),
            Step::End { place, outcome } => {
                if !self.sent.is_empty() {
                    let instance = self.sent.swap_remove(place % self.sent.len());
                    let outcome = match outcome {
                        0 => AttemptOutcome::Cancelled,
                        1..=4 => AttemptOutcome::Success,
                        5 | 6 => AttemptOutcome::Error,
                        _ => AttemptOutcome::Refused,
                    };
                    self.side.end(self.now, instance, outcome);
                }
            }
            Step::Join { index } => {
                if self.members.iter().all(|m| m.instance.0 != index) {
                    self.members.push(member(index, 1.0));
                    self.members.sort_by_key(|m| m.instance);
                }
            }
            Step::Leave { index } => self.members.retain(|m| m.instance.0 != index),
            Step::Suspect { index } => {
                self.suspects.insert(index);
            }
            Step::Trust { index } => {
                self.suspects.remove(&index);
            }
            Step::Weigh { index, weight } => {
                for member in self.members.iter_mut().filter(|m| m.instance.0 == index) {
                    member.weight = f64::from(weight);
                }
            }
        }
        if !matches!(
            step,
            Step::Wait { .. } | Step::Pick { .. } | Step::End { .. }
        ) {
            let candidates = self.candidates();
            self.side.update(self.now, &self.members, &candidates);
            let listed: BTreeSet<u32> = self.members.iter().map(|m| m.instance.0).collect();
            self.left_out.retain(|instance| listed.contains(instance));
        }
        let mut changes = Vec::new();
        self.side.balancer.take_changes(&mut changes);
        for change in changes {
            let is_new = match change.is_ejected {
                true => self.left_out.insert(change.instance.0),
                false => self.left_out.remove(&change.instance.0),
            };
            assert!(is_new, "a change changes something: {change:?}");
        }
    }

    fn candidates(&self) -> Vec<Member> {
        let members = self.members.iter();
        let trusted = members.filter(|m| !self.suspects.contains(&m.instance.0));
        trusted.copied().collect()
    }

    fn pick(&mut self, key: u64) {
        let picked = self.side.pick(self.now, key, &[]);
        let site = Arc::clone(&self.side.balancer.seat.site);
        let candidates = self.candidates();
        let allowed = match site.priority() {
            // In panic Envoy ignores health.
            Some(_) => &self.members,
            None => &candidates,
        };
        match picked {
            Some(instance) => {
                assert!(
                    allowed.iter().any(|m| m.instance == instance),
                    "{instance:?}"
                );
                self.sent.push(instance);
            }
            None => {
                let fails_open = match site.config.ejection {
                    None | Some(EjectionConfig::FinagleAccrual(_)) => site.priority().is_none(),
                    Some(_) => false,
                };
                assert!(
                    !fails_open || candidates.is_empty() || site.config.subset.is_some(),
                    "there was something to pick"
                );
            }
        }
    }
}

proptest! {
    /// Whatever joins, leaves, fails and changes its weight: picks stay within the list, and
    /// attempts end that were picked.
    #[test]
    fn a_composed_balancer_survives_any_life(
        config in configs(),
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let has_levels = !config.backup.is_empty() || config.priority.is_some();
        let is_zone_aware = config.zone_aware.is_some();
        let mut site = Site::alone(config);
        if has_levels {
            site = site.with_levels((0..INSTANCE_COUNT).map(|i| u8::from(7 < i)).collect());
        }
        if is_zone_aware {
            site.zones = (0..3).map(ZoneId).collect();
            site.callers = (0..3).map(|zone| (ZoneId(zone), 2)).collect();
        }
        let members: Vec<Member> = (0..INSTANCE_COUNT).map(|i| member(i, 1.0)).collect();
        let mut life = Life {
            side: Side::seated(site, INSTANCE_COUNT),
            now: SimTime::START,
            members: members.clone(),
            suspects: BTreeSet::new(),
            sent: Vec::new(),
            left_out: BTreeSet::new(),
        };
        life.side.update(SimTime::START, &members, &members);
        for step in &steps {
            life.take(step);
        }
        for instance in std::mem::take(&mut life.sent) {
            life.side.end(life.now, instance, AttemptOutcome::Success);
        }
        prop_assert!(life.side.in_flight.busy().is_empty());
        prop_assert!(life.side.balancer.picked_by.is_empty());
    }
}
