//! Finagle's failure accrual.

use std::collections::BTreeMap;

use super::health::Change;
use crate::id::InstanceId;
use crate::model::balancer::AttemptEnd;
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::math::exp;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::wrappers::FailureAccrualConfig;
use crate::time::{SimDuration, SimTime};

/// Slices of the window in which requests are counted.
const SLICE_COUNT: u64 = 5;

/// What an endpoint may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Alive,
    /// Dead until then; after that one request may probe it.
    Dead(SimTime),
    /// The probe is under way, and nothing else may come.
    ProbeClosed,
}

/// Equal jitter: the base, then half of each doubling fixed and half drawn, up to the maximum.
#[derive(Clone, Copy, Debug)]
struct Backoff {
    next: SimDuration,
    doubling_count: u32,
}

impl Backoff {
    fn new(config: &FailureAccrualConfig) -> Self {
        Backoff {
            next: config.duration_base.min(config.duration_max),
            doubling_count: 0,
        }
    }

    fn take(&mut self, config: &FailureAccrualConfig, draw: &mut Draw) -> SimDuration {
        let taken = self.next;
        let factor = 1u64.checked_shl(self.doubling_count).unwrap_or(u64::MAX);
        let half = config.duration_base.saturating_mul(factor);
        let jittered = half.min(config.duration_max);
        let jittered = jittered.saturating_add(jittered.scaled(draw.uniform()));
        self.next = jittered.min(config.duration_max);
        self.doubling_count = self.doubling_count.saturating_add(1);
        taken
    }
}

/// What is known of one endpoint.
#[derive(Clone, Copy, Debug)]
struct Endpoint {
    state: State,
    /// Since when its rate is measured.
    since: SimTime,
    consecutive: u32,
    /// The average success rate, and when it was last brought up to date.
    average: Option<(f64, SimTime)>,
    /// Requests in the last slices of the window: the newest slice and its counts.
    slice: u64,
    counts: [u32; SLICE_COUNT as usize],
    by_rate: Backoff,
    by_row: Backoff,
}

/// Finagle's failure accrual for the endpoints of one caller.
///
/// Source: `FailureAccrualFactory`, `FailureAccrualPolicy` and `Backoff.equalJittered` (Finagle,
/// 2024): failures in a row, or an exponentially weighted success rate below a minimum, mark an
/// endpoint dead; after that time one request probes it. Where every endpoint is dead the strategy
/// picks among them all the same.
#[derive(Debug)]
pub struct FailureAccrual {
    config: FailureAccrualConfig,
    draw: Draw,
    endpoints: BTreeMap<InstanceId, Endpoint>,
    /// Endpoints that are not alive.
    marked_count: u32,
}

impl FailureAccrual {
    /// Everything is alive.
    pub fn new(config: FailureAccrualConfig, draw: Draw) -> Self {
        FailureAccrual {
            config,
            draw,
            endpoints: BTreeMap::new(),
            marked_count: 0,
        }
    }

    /// Takes over a list. What is known of endpoints that stay is kept.
    pub fn on_view(&mut self, now: SimTime, view: &ViewSnapshot) {
        self.endpoints
            .retain(|instance, _| view.position(*instance).is_some());
        for member in &view.members {
            let fresh = Endpoint::new(&self.config, now);
            self.endpoints.entry(member.instance).or_insert(fresh);
        }
        let marked = self.endpoints.values().filter(|e| e.state != State::Alive);
        self.marked_count = u32::try_from(marked.count()).expect("instances fit in 32 bits");
    }

    /// Whether anything is dead or probed.
    pub fn has_unusable(&self) -> bool {
        0 < self.marked_count
    }

    /// Whether its status is open: alive, or waiting for a probe.
    pub fn is_usable(&self, now: SimTime, instance: InstanceId) -> bool {
        let endpoint = self.endpoints.get(&instance);
        endpoint.is_none_or(|endpoint| match endpoint.state {
            State::Alive => true,
            State::Dead(until) => until <= now,
            State::ProbeClosed => false,
        })
    }

    /// A request goes to it; it is the probe if one is due.
    pub fn on_picked(&mut self, now: SimTime, instance: InstanceId) {
        if let Some(endpoint) = self.endpoints.get_mut(&instance)
            && let State::Dead(until) = endpoint.state
            && until <= now
        {
            endpoint.state = State::ProbeClosed;
        }
    }

    /// An attempt ended.
    pub fn on_outcome(&mut self, end: &AttemptEnd, changes: &mut Vec<Change>) {
        let Some(endpoint) = self.endpoints.get_mut(&end.instance) else {
            return;
        };
        let now = end.ended_at;
        let before = endpoint.state;
        match end.outcome {
            // A probe that says nothing: another one may come.
            AttemptOutcome::Cancelled if before == State::ProbeClosed => {
                endpoint.state = State::Dead(now);
            }
            AttemptOutcome::Cancelled => {}
            AttemptOutcome::Success => endpoint.succeed(&self.config, now),
            AttemptOutcome::Error | AttemptOutcome::Rejected if !self.config.counts_errors => {
                endpoint.succeed(&self.config, now);
            }
            _ => match before {
                State::Dead(_) => {}
                State::Alive | State::ProbeClosed => {
                    endpoint.fail(&self.config, now, &mut self.draw);
                }
            },
        }
        let (was_alive, is_alive) = (before == State::Alive, endpoint.state == State::Alive);
        if was_alive == is_alive {
            return;
        }
        changes.push(Change {
            instance: end.instance,
            is_ejected: was_alive,
        });
        match was_alive {
            true => self.marked_count += 1,
            false => self.marked_count -= 1,
        }
    }
}

impl Endpoint {
    fn new(config: &FailureAccrualConfig, now: SimTime) -> Self {
        Endpoint {
            state: State::Alive,
            since: now,
            consecutive: 0,
            average: None,
            slice: 0,
            counts: [0; SLICE_COUNT as usize],
            by_rate: Backoff::new(config),
            by_row: Backoff::new(config),
        }
    }

    fn succeed(&mut self, config: &FailureAccrualConfig, now: SimTime) {
        if self.state == State::ProbeClosed {
            *self = Endpoint::new(config, now);
        }
        self.consecutive = 0;
        self.count(config, now);
        self.update(config, now, 1.0);
    }

    fn fail(&mut self, config: &FailureAccrualConfig, now: SimTime, draw: &mut Draw) {
        self.count(config, now);
        let average = self.update(config, now, 0.0);
        let is_rated = config.window <= now.since(self.since)
            && config.request_count_min <= self.counts.iter().sum::<u32>();
        let mut length: Option<SimDuration> = None;
        if is_rated && average < config.success_ratio_min {
            length = Some(self.by_rate.take(config, draw));
        }
        self.consecutive = self.consecutive.saturating_add(1);
        if config.consecutive_failures <= self.consecutive {
            length = length.max(Some(self.by_row.take(config, draw)));
        }
        match length {
            Some(length) => self.state = State::Dead(now + length),
            None if self.state == State::ProbeClosed => self.state = State::Dead(now),
            None => {}
        }
    }

    /// Counts a request in its slice of the window.
    fn count(&mut self, config: &FailureAccrualConfig, now: SimTime) {
        let length = (config.window.as_ns() / SLICE_COUNT).max(1);
        let slice = now.since(self.since).as_ns() / length;
        for passed in (self.slice + 1..=slice).rev().take(SLICE_COUNT as usize) {
            self.counts[(passed % SLICE_COUNT) as usize] = 0;
        }
        self.slice = slice;
        self.counts[(slice % SLICE_COUNT) as usize] += 1;
    }

    /// The exponentially weighted average with one more result, in whole milliseconds.
    fn update(&mut self, config: &FailureAccrualConfig, now: SimTime, result: f64) -> f64 {
        let average = match self.average {
            None => result,
            Some((average, at)) => {
                let millis = |time: SimTime| time.since(self.since).as_ns() / 1_000_000;
                let passed = (millis(now) - millis(at)) as f64;
                let weight = exp(-passed / config.window.as_ms_f64());
                result * (1.0 - weight) + average * weight
            }
        };
        self.average = Some((average, now));
        average
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: FailureAccrualConfig = FailureAccrualConfig {
        consecutive_failures: 5,
        success_ratio_min: 0.8,
        window: SimDuration::from_secs(30),
        request_count_min: 5,
        duration_base: SimDuration::from_secs(5),
        duration_max: SimDuration::from_secs(300),
        counts_errors: true,
    };

    #[test]
    fn backoffs_are_half_fixed_and_half_drawn() {
        // Backoff.equalJittered: 5 s; then 5 s x 2^k plus up to as much again; at most 300 s.
        let mut backoff = Backoff::new(&CONFIG);
        let mut draw = Draw::new(3);
        assert_eq!(backoff.take(&CONFIG, &mut draw), CONFIG.duration_base);
        for half in [5u64, 10, 20, 40, 80, 160] {
            let length = backoff.take(&CONFIG, &mut draw);
            let (from, to) = (half, (2 * half).min(300));
            assert!(SimDuration::from_secs(from) <= length, "{length}");
            assert!(length <= SimDuration::from_secs(to), "{length}");
        }
        backoff.take(&CONFIG, &mut draw);
        assert_eq!(backoff.take(&CONFIG, &mut draw), CONFIG.duration_max);
    }

    #[test]
    fn an_endpoint_that_fails_all_is_dead_by_rate_after_a_fifth_of_the_window() {
        // Finagle's own comment: (window) * (1 - threshold) = 6 s; exactly -30 s ln 0.8 = 6.69 s
        // for the exponential average. Failures in a row are not counted here.
        let config = FailureAccrualConfig {
            consecutive_failures: u32::MAX,
            ..CONFIG
        };
        let mut endpoint = Endpoint::new(&config, SimTime::START);
        let mut draw = Draw::new(3);
        let at = |ms| SimTime::START + SimDuration::from_ms(ms);
        for ms in (0..60_000).step_by(10) {
            endpoint.succeed(&config, at(ms));
        }
        let mut ms = 60_000;
        while endpoint.state == State::Alive {
            endpoint.fail(&config, at(ms), &mut draw);
            ms += 10;
        }
        assert!((66_680..=66_720).contains(&ms), "{ms}");
    }
}
