use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::site::Site;
use super::*;
use crate::id::ServiceId;
use crate::model::balancer::control::{Orders, TrueQueues};
use crate::model::in_flight::InFlight;
use crate::model::observation::AttemptOutcome;
use crate::scenario::balancer::wrappers::{
    ComposedConfig, EnvoyOutlierConfig, FailureAccrualConfig, GrpcOutlierConfig, MaxFailsConfig,
    PriorityConfig, RateConfig, SlowStartConfig, SubsetConfig, SweepConfig, ZoneAwareConfig,
};
use crate::time::SimDuration;

const INSTANCE_COUNT: u32 = 12;

const SWEEP: SweepConfig = SweepConfig {
    interval: SimDuration::from_secs(1),
    has_random_phase: false,
    duration_base: SimDuration::from_secs(3),
    duration_max: SimDuration::from_secs(9),
    ejected_percent_max: 50,
};

const RATE: RateConfig = RateConfig {
    threshold: 1.9,
    instance_count_min: 3,
    request_count_min: 5,
    enforced_percent: 100,
};

const FAILED: RateConfig = RateConfig {
    threshold: 50.0,
    ..RATE
};

/// A strategy with nothing around it.
pub fn plain(strategy: BalancerConfig) -> ComposedConfig {
    ComposedConfig {
        strategy,
        subset: None,
        priority: None,
        zone_aware: None,
        backup: Vec::new(),
        slow_start: None,
        ejection: None,
    }
}

/// A calling side of one composed balancer.
pub struct Side {
    pub balancer: Composed,
    tables: Tables,
    orders: Orders,
    in_flight: InFlight,
    pick_count: u64,
}

impl Side {
    /// One caller in zone 0, whose instances have these weights.
    pub fn new(config: ComposedConfig, weights: &[f64]) -> Self {
        let mut side = Side::seated(Site::alone(config), weights.len() as u32);
        let members: Vec<Member> = (0..).zip(weights).map(|(i, w)| member(i, *w)).collect();
        side.update(SimTime::START, &members, &members);
        side
    }

    fn seated(site: Site, instance_count: u32) -> Self {
        let names = (0..instance_count).map(|index| mix(u64::from(index) ^ 0xabc));
        Side {
            balancer: Composed::new(Seat {
                site: Arc::new(site),
                index: 0,
                zone: ZoneId(0),
                draw: Draw::new(5),
            }),
            tables: Tables::new(names.collect()),
            orders: Orders::default(),
            in_flight: InFlight::default(),
            pick_count: 0,
        }
    }

    fn update(&mut self, now: SimTime, listed: &[Member], candidates: &[Member]) {
        let views = &mut self.tables.views;
        let listed = views.intern(ServiceId(0), listed.to_vec());
        let candidates = views.intern(ServiceId(0), candidates.to_vec());
        self.balancer.on_update(&mut ViewUpdate {
            now,
            listed: &listed,
            candidates: &candidates,
            started_at: &[],
            tables: &mut self.tables,
        });
    }

    pub fn pick(&mut self, now: SimTime, key: u64, tried: &[InstanceId]) -> Option<InstanceId> {
        self.pick_count += 1;
        let mut ctx = PickContext {
            now,
            key,
            tried,
            in_flight: &self.in_flight,
            draw: Draw::new(mix(self.pick_count)),
            tables: &mut self.tables,
            orders: &mut self.orders,
            true_queues: TrueQueues::NONE,
        };
        let picked = self.balancer.pick(&mut ctx);
        if let Some(instance) = picked {
            self.in_flight.add(instance);
        }
        picked
    }

    pub fn end(&mut self, now: SimTime, instance: InstanceId, outcome: AttemptOutcome) {
        self.in_flight.remove(instance);
        self.balancer.on_outcome(&AttemptEnd {
            instance,
            outcome,
            sent_at: now,
            ended_at: now,
        });
    }
}

fn member(index: u32, weight: f64) -> Member {
    Member {
        instance: InstanceId(index),
        zone: ZoneId(index % 3),
        weight,
    }
}

fn secs(secs: u64) -> SimTime {
    SimTime::START + SimDuration::from_secs(secs)
}

fn max_fails(fail_count_max: u32) -> EjectionConfig {
    EjectionConfig::NginxMaxFails(MaxFailsConfig {
        fail_count_max,
        fail_timeout_secs: 10,
        counts_errors: true,
    })
}

fn envoy() -> EjectionConfig {
    EjectionConfig::EnvoyOutlier(EnvoyOutlierConfig {
        sweep: SWEEP,
        consecutive_errors: Some(2),
        duration_jitter: SimDuration::from_ms(100),
        update_merge_window: SimDuration::from_ms(500),
        always_ejects_one: true,
        success_rate: RATE,
        failure_ratio: FAILED,
    })
}

fn accrual() -> EjectionConfig {
    EjectionConfig::FinagleAccrual(FailureAccrualConfig {
        consecutive_failures: 2,
        success_ratio_min: 0.8,
        window: SimDuration::from_secs(4),
        request_count_min: 2,
        duration_base: SimDuration::from_secs(2),
        duration_max: SimDuration::from_secs(8),
        counts_errors: true,
    })
}

#[test]
fn where_all_are_off_nothing_is_picked_until_the_time_off_is_over() {
    // real-systems.md B1, 8: all peers off, no attempt at all; off for 11 s.
    let mut config = plain(BalancerConfig::SmoothWeightedRoundRobin);
    config.ejection = Some(max_fails(1));
    let mut side = Side::new(config, &[1.0, 1.0]);
    for _ in 0..2 {
        let instance = side.pick(secs(1), 0, &[]).expect("one is on");
        side.end(secs(1), instance, AttemptOutcome::Refused);
    }
    for now in 1..=11 {
        assert_eq!(side.pick(secs(now), 0, &[]), None);
    }
    let probe = side.pick(secs(12), 0, &[]).expect("a probe");
    let other = side.pick(secs(12), 0, &[]).expect("the probe of the other");
    assert_ne!(probe, other);
    assert_eq!(side.pick(secs(12), 0, &[]), None);
}

#[test]
fn a_single_peer_is_never_off() {
    let mut config = plain(BalancerConfig::SmoothWeightedRoundRobin);
    config.ejection = Some(max_fails(1));
    let mut side = Side::new(config, &[1.0]);
    for now in 0..20 {
        let instance = side.pick(secs(now), 0, &[]).expect("it is never off");
        side.end(secs(now), instance, AttemptOutcome::Refused);
    }
}

#[test]
fn a_backup_serves_only_while_no_primary_can() {
    let mut config = plain(BalancerConfig::SmoothWeightedRoundRobin);
    config.ejection = Some(max_fails(1));
    config.backup = vec![crate::id::GroupId(1)];
    let site = Site::alone(config).with_levels(vec![0, 0, 1]);
    let mut side = Side::seated(site, 3);
    let members: Vec<Member> = (0..3).map(|index| member(index, 1.0)).collect();
    side.update(SimTime::START, &members, &members);
    for _ in 0..2 {
        let instance = side.pick(secs(1), 0, &[]).expect("a primary is on");
        assert!(instance.0 < 2);
        side.end(secs(1), instance, AttemptOutcome::Refused);
    }
    for now in 1..12 {
        assert_eq!(side.pick(secs(now), 0, &[]), Some(InstanceId(2)));
        side.end(secs(now), InstanceId(2), AttemptOutcome::Success);
    }
    let probe = side.pick(secs(12), 0, &[]).expect("a primary is probed");
    assert!(probe.0 < 2);
}

#[test]
fn where_everything_is_dead_finagle_picks_all_the_same() {
    let mut config = plain(BalancerConfig::RoundRobin);
    config.ejection = Some(accrual());
    let mut side = Side::new(config, &[1.0; 2]);
    for _ in 0..8 {
        let instance = side.pick(secs(1), 0, &[]).expect("it fails open");
        side.end(secs(1), instance, AttemptOutcome::Refused);
    }
}

#[test]
fn one_request_probes_a_dead_endpoint() {
    let mut config = plain(BalancerConfig::RoundRobin);
    config.ejection = Some(accrual());
    let mut side = Side::new(config, &[1.0; 3]);
    for _ in 0..6 {
        let instance = side.pick(secs(1), 0, &[]).expect("some are alive");
        let outcome = match instance.0 {
            1 => AttemptOutcome::Refused,
            _ => AttemptOutcome::Success,
        };
        side.end(secs(1), instance, outcome);
    }
    let picks = |side: &mut Side, now: u64| -> Vec<u32> {
        let pick = |_| side.pick(secs(now), 0, &[]).expect("two are alive").0;
        (0..6).map(pick).collect()
    };
    assert!(!picks(&mut side, 2).contains(&1));
    // Dead for the base of 2 s; of those that come then, one goes there.
    let probed = picks(&mut side, 3);
    assert_eq!(probed.iter().filter(|instance| **instance == 1).count(), 1);
}

#[test]
fn a_level_in_panic_uses_what_is_suspected() {
    let mut config = plain(BalancerConfig::RoundRobin);
    config.priority = Some(PriorityConfig::DEFAULT);
    let mut side = Side::seated(Site::alone(config), 4);
    let members: Vec<Member> = (0..4).map(|index| member(index, 1.0)).collect();
    let seen = |side: &mut Side| -> BTreeSet<u32> {
        (0..8)
            .map(|_| side.pick(secs(1), 0, &[]).expect("some are listed").0)
            .collect()
    };
    side.update(secs(0), &members, &members[..2]);
    assert_eq!(seen(&mut side), BTreeSet::from([0, 1]), "50 % is no panic");
    side.update(secs(0), &members, &members[..1]);
    assert_eq!(seen(&mut side), BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn equal_lists_of_two_callers_are_one() {
    let config = plain(BalancerConfig::RoundRobin);
    let mut side = Side::new(config, &[1.0; 4]);
    let first = Arc::clone(
        side.balancer.inners[&(0, None)]
            .view
            .as_ref()
            .expect("a view"),
    );
    let members: Vec<Member> = (0..4).map(|index| member(index, 1.0)).collect();
    let interned = side.tables.views.intern(ServiceId(0), members);
    assert!(Arc::ptr_eq(&first, &interned));
}

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
        BalancerConfig::RoundRobin,
        BalancerConfig::WeightedRandom,
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
