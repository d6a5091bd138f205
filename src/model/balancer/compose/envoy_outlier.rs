//! Envoy's outlier detection.

use std::collections::BTreeMap;

use super::health::Change;
use super::rates::{first_sweep, success_threshold};
use crate::id::InstanceId;
use crate::model::balancer::AttemptEnd;
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::wrappers::{EnvoyOutlierConfig, RateConfig};
use crate::time::{SimDuration, SimTime};

/// What is known of one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    /// Failures in a row.
    consecutive: u32,
    /// Results since the last sweep.
    request_count: u64,
    success_count: u64,
    /// Since when it is ejected.
    ejected_at: Option<SimTime>,
    jitter: SimDuration,
    /// When it was last used again after an ejection.
    unejected_at: Option<SimTime>,
    /// The next ejection lasts one more than so many times the base.
    backoff: u64,
}

/// Envoy's outlier detection for the instances of one caller.
///
/// Source: `outlier_detection_impl.cc` (Envoy 1.39), local and external errors counted alike. A
/// result is counted as it comes, so that failures in a row eject at once; sweeps take back, then
/// eject by success rate and by failed share. Instances are looked at in order of path.
#[derive(Debug)]
pub struct EnvoyOutlier {
    config: EnvoyOutlierConfig,
    draw: Draw,
    hosts: BTreeMap<InstanceId, Host>,
    ejected_count: u32,
    sweep_at: Option<SimTime>,
}

impl EnvoyOutlier {
    /// Nothing is ejected.
    pub fn new(config: EnvoyOutlierConfig, draw: Draw) -> Self {
        EnvoyOutlier {
            config,
            draw,
            hosts: BTreeMap::new(),
            ejected_count: 0,
            sweep_at: None,
        }
    }

    /// Takes over a list. An ejection ends with an instance that leaves it.
    pub fn on_view(&mut self, now: SimTime, view: &ViewSnapshot) {
        self.sweep_at
            .get_or_insert_with(|| first_sweep(now, &self.config.sweep, &mut self.draw));
        self.hosts
            .retain(|instance, _| view.position(*instance).is_some());
        for member in &view.members {
            self.hosts.entry(member.instance).or_default();
        }
        let ejected = self.hosts.values().filter(|host| host.is_ejected());
        self.ejected_count = u32::try_from(ejected.count()).expect("instances fit in 32 bits");
    }

    /// The next sweep.
    pub fn due_at(&self) -> Option<SimTime> {
        self.sweep_at
    }

    /// Instances that are ejected.
    pub fn ejected_count(&self) -> u32 {
        self.ejected_count
    }

    /// Whether it is ejected.
    pub fn is_ejected(&self, instance: InstanceId) -> bool {
        0 < self.ejected_count && self.hosts.get(&instance).is_some_and(Host::is_ejected)
    }

    /// Makes the sweeps up to `now`.
    pub fn advance(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        while let Some(at) = self.sweep_at.filter(|at| *at <= now) {
            self.sweep(at, changes);
            self.sweep_at = Some(at + self.config.sweep.interval);
        }
    }

    /// Counts a result.
    pub fn on_outcome(&mut self, end: &AttemptEnd, changes: &mut Vec<Change>) {
        let Some(host) = self.hosts.get_mut(&end.instance) else {
            return;
        };
        if end.outcome == AttemptOutcome::Cancelled {
            return;
        }
        host.request_count += 1;
        if end.outcome == AttemptOutcome::Success {
            host.success_count += 1;
            host.consecutive = 0;
            return;
        }
        host.consecutive = host.consecutive.saturating_add(1);
        // Exactly then: what fails while it is ejected counts on and ejects no more.
        if Some(host.consecutive) == self.config.consecutive_errors && !host.is_ejected() {
            host.consecutive = 0;
            self.eject(end.ended_at, end.instance, 100, changes);
        }
    }

    fn eject(
        &mut self,
        now: SimTime,
        instance: InstanceId,
        enforced_percent: u32,
        changes: &mut Vec<Change>,
    ) {
        let percent = 100.0 * f64::from(self.ejected_count + 1) / self.hosts.len() as f64;
        let may_be_first = self.config.always_ejects_one && self.ejected_count == 0;
        if f64::from(self.config.sweep.ejected_percent_max) < percent && !may_be_first {
            return;
        }
        if enforced_percent < 100 && enforced_percent <= self.draw.below(100) {
            return;
        }
        let jitter = self.config.duration_jitter.scaled(self.draw.uniform());
        let sweep = &self.config.sweep;
        let host = self.hosts.get_mut(&instance).expect("only hosts fail");
        if host.is_ejected() {
            return;
        }
        host.ejected_at = Some(now);
        host.jitter = jitter;
        if sweep.duration_base.saturating_mul(host.backoff)
            < sweep.duration_max.saturating_add(sweep.duration_base)
        {
            host.backoff += 1;
        }
        self.ejected_count += 1;
        changes.push(Change {
            instance,
            is_ejected: true,
        });
    }

    fn sweep(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        let sweep = self.config.sweep;
        for (instance, host) in &mut self.hosts {
            let Some(ejected_at) = host.ejected_at else {
                continue;
            };
            let length = sweep.duration_base.saturating_mul(host.backoff);
            let length = length.min(sweep.duration_max).saturating_add(host.jitter);
            if length <= now.since(ejected_at) {
                host.ejected_at = None;
                host.consecutive = 0;
                host.unejected_at = Some(now);
                self.ejected_count -= 1;
                changes.push(Change {
                    instance: *instance,
                    is_ejected: false,
                });
            }
        }
        self.eject_by_rates(now, changes);
        for host in self.hosts.values_mut() {
            host.request_count = 0;
            host.success_count = 0;
            let healthy_since = host.unejected_at.filter(|_| !host.is_ejected());
            if healthy_since.is_some_and(|since| sweep.interval <= now.since(since)) {
                host.backoff = host.backoff.saturating_sub(1);
            }
        }
    }

    fn eject_by_rates(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        let EnvoyOutlierConfig {
            success_rate,
            failure_ratio,
            ..
        } = self.config;
        let by_success = self.busy(&success_rate);
        let by_failure = self.busy(&failure_ratio);
        if !by_success.is_empty() {
            let rates: Vec<f64> = by_success.iter().map(|(_, rate)| *rate).collect();
            let threshold = success_threshold(&rates, success_rate.threshold);
            for (instance, rate) in by_success {
                if rate < threshold {
                    self.eject(now, instance, success_rate.enforced_percent, changes);
                }
            }
        }
        for (instance, rate) in by_failure {
            if failure_ratio.threshold <= 100.0 - rate {
                self.eject(now, instance, failure_ratio.enforced_percent, changes);
            }
        }
    }

    /// Instances with enough requests and their success rates in per cent; empty where too few
    /// had enough.
    fn busy(&self, config: &RateConfig) -> Vec<(InstanceId, f64)> {
        let hosts = self.hosts.iter();
        let busy: Vec<(InstanceId, f64)> = hosts
            .filter(|(_, host)| !host.is_ejected() && 0 < host.request_count)
            .filter(|(_, host)| u64::from(config.request_count_min) <= host.request_count)
            .map(|(instance, host)| {
                let rate = host.success_count as f64 * 100.0 / host.request_count as f64;
                (*instance, rate)
            })
            .collect();
        if busy.len() < config.instance_count_min as usize {
            return Vec::new();
        }
        busy
    }
}

impl Host {
    fn is_ejected(&self) -> bool {
        self.ejected_at.is_some()
    }
}
