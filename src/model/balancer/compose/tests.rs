use std::collections::BTreeSet;
use std::sync::Arc;

use super::site::Site;
use super::*;
use crate::id::ServiceId;
use crate::model::balancer::control::{Orders, TrueQueues};
use crate::model::in_flight::InFlight;
use crate::model::observation::AttemptOutcome;
use crate::scenario::balancer::wrappers::{
    ComposedConfig, EnvoyOutlierConfig, FailureAccrualConfig, MaxFailsConfig, PriorityConfig,
    RateConfig, SweepConfig,
};
use crate::time::SimDuration;

pub const SWEEP: SweepConfig = SweepConfig {
    interval: SimDuration::from_secs(1),
    has_random_phase: false,
    duration_base: SimDuration::from_secs(3),
    duration_max: SimDuration::from_secs(9),
    ejected_percent_max: 50,
};

pub const RATE: RateConfig = RateConfig {
    threshold: 1.9,
    instance_count_min: 3,
    request_count_min: 5,
    enforced_percent: 100,
};

pub const FAILED: RateConfig = RateConfig {
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
    pub in_flight: InFlight,
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

    pub fn seated(site: Site, instance_count: u32) -> Self {
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

    pub fn update(&mut self, now: SimTime, listed: &[Member], candidates: &[Member]) {
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
            thread: 0,
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
            is_retriable: outcome != AttemptOutcome::Success,
        });
    }
}

pub fn member(index: u32, weight: f64) -> Member {
    Member {
        instance: InstanceId(index),
        zone: ZoneId(index % 3),
        weight,
    }
}

fn secs(secs: u64) -> SimTime {
    SimTime::START + SimDuration::from_secs(secs)
}

pub fn max_fails(fail_count_max: u32) -> EjectionConfig {
    EjectionConfig::NginxMaxFails(MaxFailsConfig {
        fail_count_max,
        fail_timeout_secs: 10,
        counts_errors: true,
    })
}

pub fn envoy() -> EjectionConfig {
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

pub fn accrual() -> EjectionConfig {
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
    let mut config = plain(BalancerConfig::RoundRobin {
        random_start: false,
        random_restart: false,
    });
    config.ejection = Some(accrual());
    let mut side = Side::new(config, &[1.0; 2]);
    for _ in 0..8 {
        let instance = side.pick(secs(1), 0, &[]).expect("it fails open");
        side.end(secs(1), instance, AttemptOutcome::Refused);
    }
}

#[test]
fn one_request_probes_a_dead_endpoint() {
    let mut config = plain(BalancerConfig::RoundRobin {
        random_start: false,
        random_restart: false,
    });
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
    let mut config = plain(BalancerConfig::RoundRobin {
        random_start: false,
        random_restart: false,
    });
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
    let config = plain(BalancerConfig::RoundRobin {
        random_start: false,
        random_restart: false,
    });
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
