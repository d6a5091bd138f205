//! gRPC's outlier detection (gRFC A50).

use std::collections::BTreeMap;

use super::health::Change;
use super::rates::{Counts, busy, first_sweep, success_threshold};
use crate::id::InstanceId;
use crate::model::balancer::AttemptEnd;
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::wrappers::{GrpcOutlierConfig, RateConfig};
use crate::time::SimTime;

/// What is known of one address.
#[derive(Clone, Copy, Debug, Default)]
struct Address {
    counts: Counts,
    ejected_at: Option<SimTime>,
    multiplier: u64,
}

/// gRPC's outlier detection for the addresses of one caller.
///
/// Source: gRFC A50 and grpc-go `balancer/outlierdetection`. Everything happens on sweeps; failures
/// in a row are no criterion. Whether there is room for one more ejection is asked before it, so
/// one is always possible and the largest share can be passed. Every call that does not end well
/// counts as failed, also one that is given up. Addresses are looked at in order of path.
#[derive(Debug)]
pub struct GrpcOutlier {
    config: GrpcOutlierConfig,
    draw: Draw,
    addresses: BTreeMap<InstanceId, Address>,
    ejected_count: u32,
    sweep_at: Option<SimTime>,
}

impl GrpcOutlier {
    /// Nothing is ejected.
    pub fn new(config: GrpcOutlierConfig, draw: Draw) -> Self {
        GrpcOutlier {
            config,
            draw,
            addresses: BTreeMap::new(),
            ejected_count: 0,
            sweep_at: None,
        }
    }

    /// Takes over a list. An ejection ends with an address that leaves it.
    pub fn on_view(&mut self, now: SimTime, view: &ViewSnapshot) {
        self.sweep_at
            .get_or_insert_with(|| first_sweep(now, &self.config.sweep, &mut self.draw));
        self.addresses
            .retain(|instance, _| view.position(*instance).is_some());
        for member in &view.members {
            self.addresses.entry(member.instance).or_default();
        }
        let ejected = self.addresses.values().filter(|a| a.ejected_at.is_some());
        self.ejected_count = u32::try_from(ejected.count()).expect("instances fit in 32 bits");
    }

    /// The next sweep.
    pub fn due_at(&self) -> Option<SimTime> {
        self.sweep_at
    }

    /// Addresses that are ejected.
    pub fn ejected_count(&self) -> u32 {
        self.ejected_count
    }

    /// Whether it is ejected.
    pub fn is_ejected(&self, instance: InstanceId) -> bool {
        let address = self.addresses.get(&instance);
        0 < self.ejected_count && address.is_some_and(|a| a.ejected_at.is_some())
    }

    /// Makes the sweeps up to `now`.
    pub fn advance(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        while let Some(at) = self.sweep_at.filter(|at| *at <= now) {
            self.sweep(at, changes);
            self.sweep_at = Some(at + self.config.sweep.interval);
        }
    }

    /// Counts a result.
    pub fn on_outcome(&mut self, end: &AttemptEnd) {
        if let Some(address) = self.addresses.get_mut(&end.instance) {
            address.counts.add(end.outcome == AttemptOutcome::Success);
        }
    }

    fn sweep(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        let rates = self.busy(&self.config.success_rate);
        if !rates.is_empty() {
            let config = self.config.success_rate;
            let all: Vec<f64> = rates.iter().map(|(_, rate)| *rate).collect();
            let threshold = success_threshold(&all, config.threshold);
            let outliers = rates.iter().filter(|(_, rate)| *rate < threshold);
            let outliers: Vec<InstanceId> = outliers.map(|(instance, _)| *instance).collect();
            self.eject_all(now, &outliers, config.enforced_percent, changes);
        }
        let config = self.config.failure_ratio;
        let failing: Vec<InstanceId> = self
            .busy(&config)
            .into_iter()
            .filter(|(_, rate)| config.threshold < 100.0 - rate)
            .map(|(instance, _)| instance)
            .collect();
        self.eject_all(now, &failing, config.enforced_percent, changes);
        self.take_back(now, changes);
        for address in self.addresses.values_mut() {
            address.counts = Counts::default();
        }
    }

    fn eject_all(
        &mut self,
        now: SimTime,
        outliers: &[InstanceId],
        enforced_percent: u32,
        changes: &mut Vec<Change>,
    ) {
        for instance in outliers {
            let share = 100.0 * f64::from(self.ejected_count) / self.addresses.len() as f64;
            if f64::from(self.config.sweep.ejected_percent_max) <= share {
                return;
            }
            if enforced_percent <= self.draw.below(100) {
                continue;
            }
            let address = self.addresses.get_mut(instance).expect("it had requests");
            let was_ejected = address.ejected_at.replace(now).is_some();
            address.multiplier += 1;
            if !was_ejected {
                self.ejected_count += 1;
                changes.push(Change {
                    instance: *instance,
                    is_ejected: true,
                });
            }
        }
    }

    /// Counts down the multipliers of those that are well, and takes back what is over.
    fn take_back(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        let sweep = self.config.sweep;
        for (instance, address) in &mut self.addresses {
            let Some(ejected_at) = address.ejected_at else {
                address.multiplier = address.multiplier.saturating_sub(1);
                continue;
            };
            let longest = sweep.duration_max.max(sweep.duration_base);
            let length = sweep.duration_base.saturating_mul(address.multiplier);
            if length.min(longest) <= now.since(ejected_at) {
                address.ejected_at = None;
                self.ejected_count -= 1;
                changes.push(Change {
                    instance: *instance,
                    is_ejected: false,
                });
            }
        }
    }

    /// As [`busy`]; empty where the criterion is off.
    fn busy(&self, config: &RateConfig) -> Vec<(InstanceId, f64)> {
        if config.enforced_percent == 0 {
            return Vec::new();
        }
        let counts = self.addresses.iter();
        busy(
            counts.map(|(instance, address)| (instance, address.counts)),
            config,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ServiceId, ZoneId};
    use crate::model::view::Member;
    use crate::scenario::balancer::wrappers::SweepConfig;
    use crate::time::SimDuration;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    fn outlier(address_count: u32, threshold: f64) -> GrpcOutlier {
        let off = RateConfig {
            threshold: 1.9,
            instance_count_min: 5,
            request_count_min: 100,
            enforced_percent: 0,
        };
        let config = GrpcOutlierConfig {
            sweep: SweepConfig {
                interval: SimDuration::from_secs(10),
                has_random_phase: false,
                duration_base: SimDuration::from_secs(30),
                duration_max: SimDuration::from_secs(300),
                ejected_percent_max: 10,
            },
            success_rate: off,
            failure_ratio: RateConfig {
                threshold,
                request_count_min: 50,
                enforced_percent: 100,
                ..off
            },
        };
        let member = |index| Member {
            instance: InstanceId(index),
            zone: ZoneId(0),
            weight: 1.0,
        };
        let view = ViewSnapshot {
            service: ServiceId(0),
            content_id: 1,
            members: (0..address_count).map(member).collect(),
        };
        let mut outlier = GrpcOutlier::new(config, Draw::new(1));
        outlier.on_view(SimTime::START, &view);
        outlier
    }

    /// 100 calls to each address between two sweeps; the first ones fail so many of them.
    fn calls(outlier: &mut GrpcOutlier, failing: u32, failed_count: u32) {
        let addresses: Vec<InstanceId> = outlier.addresses.keys().copied().collect();
        for instance in addresses {
            for call in 0..100 {
                let fails = instance.0 < failing && call < failed_count;
                outlier.on_outcome(&AttemptEnd {
                    instance,
                    outcome: match fails {
                        true => AttemptOutcome::Error,
                        false => AttemptOutcome::Success,
                    },
                    sent_at: SimTime::START,
                    ended_at: SimTime::START,
                    is_retriable: false,
                });
            }
        }
    }

    #[test]
    fn the_largest_share_is_asked_before_and_can_be_passed() {
        // real-systems.md B4: 15 hosts, 10 % -> 2.
        for (address_count, ejected) in [(15, 2), (10, 1), (5, 1), (20, 2)] {
            let mut outlier = outlier(address_count, 85.0);
            calls(&mut outlier, 4, 100);
            outlier.advance(at(10), &mut Vec::new());
            assert_eq!(outlier.ejected_count(), ejected, "of {address_count}");
        }
    }

    #[test]
    fn a_share_at_the_threshold_does_not_eject() {
        for (failed_count, ejected) in [(85, 0), (86, 1)] {
            let mut outlier = outlier(10, 85.0);
            calls(&mut outlier, 1, failed_count);
            outlier.advance(at(10), &mut Vec::new());
            assert_eq!(outlier.ejected_count(), ejected);
        }
    }

    #[test]
    fn ejections_grow_and_shrink_by_the_base() {
        // 30 s, then 60 s; the multiplier counts down with each sweep without one.
        let mut outlier = outlier(10, 85.0);
        let mut changes = Vec::new();
        let mut ejected_at = Vec::new();
        for sweep in 1..=14 {
            calls(&mut outlier, 1, 100);
            outlier.advance(at(10 * sweep), &mut changes);
            for change in changes.drain(..) {
                ejected_at.push((10 * sweep, change.is_ejected));
            }
        }
        assert_eq!(
            ejected_at,
            [
                (10, true),
                (40, false),
                (50, true),
                (110, false),
                (120, true)
            ]
        );
    }
}
