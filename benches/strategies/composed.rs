//! Strategies with wrappers around them.

use stormglass::scenario::balancer::BalancerConfig;
use stormglass::scenario::balancer::wrappers::{
    ComposedConfig, EjectionConfig, EnvoyOutlierConfig, FailureAccrualConfig, MaxFailsConfig,
    PriorityConfig, RateConfig, SlowStartConfig, SubsetConfig, SweepConfig,
};
use stormglass::time::SimDuration;

use super::WEIGHT_COUNT;
use super::rotate::Entry;

const SWEEP: SweepConfig = SweepConfig {
    interval: SimDuration::from_secs(10),
    has_random_phase: false,
    duration_base: SimDuration::from_secs(30),
    duration_max: SimDuration::from_secs(300),
    ejected_percent_max: 10,
};
const RATE: RateConfig = RateConfig {
    threshold: 1.9,
    instance_count_min: 5,
    request_count_min: 100,
    enforced_percent: 100,
};
const OUTLIER: EjectionConfig = EjectionConfig::EnvoyOutlier(EnvoyOutlierConfig {
    sweep: SWEEP,
    consecutive_errors: Some(5),
    duration_jitter: SimDuration::ZERO,
    update_merge_window: SimDuration::ZERO,
    always_ejects_one: false,
    success_rate: RATE,
    failure_ratio: RATE,
});
const MAX_FAILS: EjectionConfig = EjectionConfig::NginxMaxFails(MaxFailsConfig {
    fail_count_max: 1,
    fail_timeout_secs: 10,
    counts_errors: false,
});
const ACCRUAL: EjectionConfig = EjectionConfig::FinagleAccrual(FailureAccrualConfig {
    consecutive_failures: 5,
    success_ratio_min: 0.8,
    window: SimDuration::from_secs(30),
    request_count_min: 5,
    duration_base: SimDuration::from_secs(5),
    duration_max: SimDuration::from_secs(300),
    counts_errors: true,
});
const TWO_CHOICES: BalancerConfig = BalancerConfig::LeastInFlight {
    choice_count: Some(2),
    replacement: false,
};

/// Strategies with wrappers, each with the digest of its picks. All candidates are in one zone and
/// one level, and none fails, so these are the costs of a quiet day: but for the subset, the picks
/// are those of `two_choices` and `smooth_weighted_round_robin` by themselves.
pub fn strategies() -> Vec<Entry> {
    let plain = |strategy| ComposedConfig {
        strategy,
        subset: None,
        priority: None,
        zone_aware: None,
        backup: Vec::new(),
        slow_start: None,
        ejection: None,
    };
    let ejecting = |strategy, ejection| ComposedConfig {
        ejection: Some(ejection),
        ..plain(strategy)
    };
    let smooth = BalancerConfig::SmoothWeightedRoundRobin;
    let all = [
        (
            "composed_subset",
            ComposedConfig {
                subset: Some(SubsetConfig::Random { size: 8 }),
                ..plain(TWO_CHOICES)
            },
            7_530_696_091_929_893_439,
        ),
        (
            "composed_aperture",
            ComposedConfig {
                subset: Some(SubsetConfig::DeterministicAperture { size: 12 }),
                ejection: Some(ACCRUAL),
                ..plain(TWO_CHOICES)
            },
            6_893_696_254_823_540_270,
        ),
        (
            "composed_priority",
            ComposedConfig {
                priority: Some(PriorityConfig::DEFAULT),
                ..ejecting(TWO_CHOICES, OUTLIER)
            },
            6_893_696_254_823_540_270,
        ),
        (
            "composed_max_fails",
            ejecting(smooth.clone(), MAX_FAILS),
            4_490_199_250_230_796_208,
        ),
        (
            "composed_slow_start",
            ComposedConfig {
                slow_start: Some(SlowStartConfig::Haproxy {
                    window: SimDuration::from_secs(60),
                }),
                ..plain(smooth)
            },
            4_490_199_250_230_796_208,
        ),
    ];
    all.map(|(name, config, digest)| {
        let config = BalancerConfig::Composed(Box::new(config));
        (name, config, WEIGHT_COUNT, digest)
    })
    .into()
}
