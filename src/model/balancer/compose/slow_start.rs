//! Growing weights of newcomers.

use std::collections::BTreeMap;

use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::rng::math::{exp, ln};
use crate::scenario::balancer::wrappers::SlowStartConfig;
use crate::time::{SimDuration, SimTime};

/// Envoy evaluates a weight when its host is picked; here weights are brought up to date so many
/// times in a window.
const STEP_COUNT: u64 = 256;

/// The newcomers that a caller knows.
#[derive(Debug)]
pub struct SlowStart {
    config: SlowStartConfig,
    /// Since when each newcomer is used, or runs; those that have grown up are not in it.
    since: BTreeMap<InstanceId, SimTime>,
    has_view: bool,
    /// When the weights were last brought up to date.
    refreshed_at: SimTime,
}

impl SlowStart {
    /// No newcomers.
    pub fn new(config: SlowStartConfig) -> Self {
        SlowStart {
            config,
            since: BTreeMap::new(),
            has_view: false,
            refreshed_at: SimTime::START,
        }
    }

    /// Takes over the candidates, of which those that `before` did not have are new. Nobody is new
    /// in the first list. `started_at` says when a process began; None: before the run.
    pub fn on_candidates(
        &mut self,
        now: SimTime,
        before: Option<&ViewSnapshot>,
        view: &ViewSnapshot,
        started_at: impl Fn(InstanceId) -> Option<SimTime>,
    ) {
        self.since
            .retain(|instance, _| view.position(*instance).is_some());
        let Some(before) = before else { return };
        for member in &view.members {
            if before.position(member.instance).is_some() {
                continue;
            }
            let since = match self.config {
                SlowStartConfig::Dubbo { .. } => started_at(member.instance),
                SlowStartConfig::Envoy { .. } | SlowStartConfig::Haproxy { .. } => Some(now),
            };
            if let Some(since) = since {
                self.since.insert(member.instance, since);
            }
        }
        self.has_view = true;
    }

    /// Forgets who has grown up, and says what follows from the time.
    pub fn refresh(&mut self, now: SimTime) {
        let window = self.window();
        self.since.retain(|_, since| now.since(*since) < window);
        self.refreshed_at = now;
    }

    /// When the weights have to be brought up to date; None: never.
    pub fn due_at(&self) -> Option<SimTime> {
        (!self.since.is_empty()).then(|| self.refreshed_at + self.step())
    }

    /// The factor of the weight of an instance.
    pub fn factor(&self, now: SimTime, instance: InstanceId) -> f64 {
        let Some(since) = self.since.get(&instance) else {
            return 1.0;
        };
        let passed = now.since(*since);
        match self.config {
            SlowStartConfig::Envoy {
                window,
                aggression,
                weight_ratio_min,
            } => envoy_factor(passed, window, aggression).max(weight_ratio_min),
            SlowStartConfig::Dubbo {
                warmup,
                nominal_weight,
            } => {
                let weight = dubbo_weight(passed, warmup, nominal_weight);
                f64::from(weight) / f64::from(nominal_weight)
            }
            SlowStartConfig::Haproxy { window } => haproxy_factor(passed, window),
        }
    }

    fn window(&self) -> SimDuration {
        match self.config {
            SlowStartConfig::Envoy { window, .. } | SlowStartConfig::Haproxy { window } => window,
            SlowStartConfig::Dubbo { warmup, .. } => warmup,
        }
    }

    /// How long weights stay as they are.
    fn step(&self) -> SimDuration {
        let part = |length: SimDuration, count: u64| SimDuration::from_ns(length.as_ns() / count);
        let step = match self.config {
            SlowStartConfig::Envoy { window, .. } => part(window, STEP_COUNT),
            SlowStartConfig::Dubbo {
                warmup,
                nominal_weight,
            } => part(warmup, u64::from(nominal_weight) * 4),
            SlowStartConfig::Haproxy { window } => part(window, 20).max(SimDuration::from_secs(1)),
        };
        step.max(SimDuration::from_ms(1))
    }
}

/// Envoy's share of the weight, without its minimum.
///
/// Source: `load_balancer_impl.cc` (`applySlowStartFactor`): whole milliseconds, at least one.
pub fn envoy_factor(passed: SimDuration, window: SimDuration, aggression: f64) -> f64 {
    if window <= passed {
        return 1.0;
    }
    let millis = (passed.as_ns() / 1_000_000).max(1) as f64;
    let share = millis / window.as_ms_f64();
    if aggression == 1.0 {
        return share.min(1.0);
    }
    exp(ln(share.min(1.0)) / aggression)
}

/// Dubbo's weight of a process that has run for `uptime`.
///
/// Source: `AbstractLoadBalance.calculateWarmupWeight` (Dubbo 3), in single precision as there. An
/// uptime of exactly 0 has the full weight there, too.
pub fn dubbo_weight(uptime: SimDuration, warmup: SimDuration, weight: u32) -> u32 {
    let millis = |length: SimDuration| length.as_ns() / 1_000_000;
    let (uptime, warmup) = (millis(uptime), millis(warmup));
    if uptime == 0 || warmup <= uptime {
        return weight;
    }
    let warm = uptime as f32 / (warmup as f32 / weight as f32);
    (warm as u32).clamp(1, weight)
}

/// HAProxy's share of the weight: sixteenths, by whole seconds.
///
/// Source: `server.c` (`server_recalc_eweight`).
pub fn haproxy_factor(passed: SimDuration, window: SimDuration) -> f64 {
    let secs = |length: SimDuration| length.as_ns() / 1_000_000_000;
    let window_secs = secs(window).max(1);
    let sixteenths = (16 * secs(passed) + window_secs) / window_secs;
    sixteenths.min(16) as f64 / 16.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_grows_as_published() {
        // real-systems.md F: window 60 s.
        let window = SimDuration::from_secs(60);
        for (aggression, secs, expected) in [
            (1.0, 6, 0.10),
            (1.0, 15, 0.25),
            (1.0, 30, 0.5),
            (2.0, 1, 0.129),
            (2.0, 15, 0.5),
            (2.0, 30, 0.707),
        ] {
            let factor = envoy_factor(SimDuration::from_secs(secs), window, aggression);
            assert!((factor - expected).abs() < 0.000_5, "{secs}: {factor}");
        }
        assert_eq!(envoy_factor(window, window, 2.0), 1.0);
    }

    #[test]
    fn dubbo_warms_up_as_published() {
        // real-systems.md F: weight 100, 10 min.
        let warmup = SimDuration::from_secs(600);
        for (millis, expected) in [
            (5_999, 1),
            (6_000, 1),
            (12_000, 2),
            (60_000, 10),
            (300_000, 50),
            (599_999, 99),
            (600_000, 100),
        ] {
            assert_eq!(
                dubbo_weight(SimDuration::from_ms(millis), warmup, 100),
                expected
            );
        }
    }

    #[test]
    fn haproxy_grows_by_sixteenths() {
        // (16 t + S) / S in whole numbers: S = 60 s.
        let window = SimDuration::from_secs(60);
        let factor = |secs| haproxy_factor(SimDuration::from_secs(secs), window);
        assert_eq!(factor(0), 1.0 / 16.0);
        assert_eq!(factor(3), 1.0 / 16.0);
        assert_eq!(factor(4), 2.0 / 16.0);
        assert_eq!(factor(30), 9.0 / 16.0);
        assert_eq!(factor(59), 1.0);
    }
}
