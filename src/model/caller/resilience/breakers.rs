//! The breakers of one calling side: one for the call, or one for each instance that it calls.

use std::collections::BTreeMap;

use super::breaker::{Breaker, End, build};
use crate::id::InstanceId;
use crate::model::observation::BreakerState;
use crate::model::view::ViewSnapshot;
use crate::scenario::resilience::{BreakerConfig, BreakerPer, EnvoyLimits};
use crate::time::SimTime;

/// All breakers of a calling side, each made when it is first needed.
pub struct Breakers {
    config: BreakerConfig,
    /// By instance; None is that of the call.
    list: BTreeMap<Option<InstanceId>, Box<dyn Breaker>>,
    /// Instances whose breaker may not be closed, ascending.
    watched: Vec<InstanceId>,
    /// Changes that nobody was told of.
    changes: Vec<(Option<InstanceId>, BreakerState)>,
}

impl Breakers {
    /// No breakers yet.
    pub fn new(config: BreakerConfig) -> Self {
        Breakers {
            config,
            list: BTreeMap::new(),
            watched: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Envoy's limits, if it is about them.
    pub fn envoy(&self) -> Option<&EnvoyLimits> {
        match &self.config {
            BreakerConfig::Envoy(limits) => Some(limits),
            BreakerConfig::Hystrix { .. } | BreakerConfig::Resilience4j { .. } => None,
        }
    }

    /// Whether an attempt may be sent to any of the candidates.
    pub fn permits(&mut self, now: SimTime, candidates: &ViewSnapshot) -> bool {
        match self.config.per() {
            BreakerPer::Call => self
                .with(now, None, |breaker| breaker.permits(now))
                .unwrap_or(true),
            BreakerPer::Instance => {
                let shut = self.shut(now);
                let shut_count = shut
                    .iter()
                    .filter(|instance| candidates.position(**instance).is_some())
                    .count();
                shut_count == 0 || shut_count < candidates.members.len()
            }
        }
    }

    /// Instances that nothing may be sent to, ascending.
    pub fn shut(&mut self, now: SimTime) -> Vec<InstanceId> {
        let mut shut = Vec::new();
        for place in (0..self.watched.len()).rev() {
            let instance = self.watched[place];
            let permits = |breaker: &mut dyn Breaker| (breaker.permits(now), breaker.is_quiet(now));
            match self.with(now, Some(instance), permits) {
                Some((false, _)) => shut.push(instance),
                Some((true, is_quiet)) if is_quiet => _ = self.watched.remove(place),
                _ => {}
            }
        }
        shut.reverse();
        shut
    }

    /// An attempt is sent to an instance.
    pub fn on_sent(&mut self, now: SimTime, instance: InstanceId) {
        self.with(now, self.key(instance), |breaker| breaker.on_sent(now));
    }

    /// An attempt ended.
    pub fn on_ended(&mut self, now: SimTime, instance: InstanceId, end: End) {
        let is_quiet = self.with(now, self.key(instance), |breaker| {
            breaker.on_ended(now, end);
            breaker.is_quiet(now)
        });
        if self.config.per() == BreakerPer::Instance
            && is_quiet == Some(false)
            && let Err(place) = self.watched.binary_search(&instance)
        {
            self.watched.insert(place, instance);
        }
    }

    /// An attempt was turned away behind the breaker of its call. One that the breaker let through
    /// at this moment is as if it was sent and failed at once: it may have been the probe of an
    /// open one. One that waited was let through before.
    pub fn on_turned_away(&mut self, now: SimTime, has_waited: bool) {
        if self.config.per() == BreakerPer::Call {
            let end = End::Failure(crate::time::SimDuration::ZERO);
            self.with(now, None, |breaker| {
                if !has_waited {
                    breaker.on_sent(now);
                }
                breaker.on_ended(now, end);
            });
        }
    }

    /// What changed since the last question.
    pub fn take_changes(&mut self) -> Vec<(Option<InstanceId>, BreakerState)> {
        std::mem::take(&mut self.changes)
    }

    /// The breakers that are not closed.
    pub fn not_closed(&self) -> Vec<Option<InstanceId>> {
        let all = self.list.iter();
        all.filter(|(_, breaker)| breaker.state() != BreakerState::Closed)
            .map(|(key, _)| *key)
            .collect()
    }

    fn key(&self, instance: InstanceId) -> Option<InstanceId> {
        match self.config.per() {
            BreakerPer::Call => None,
            BreakerPer::Instance => Some(instance),
        }
    }

    /// Uses a breaker, which is made if need be. None for a kind without state.
    fn with<T>(
        &mut self,
        now: SimTime,
        key: Option<InstanceId>,
        f: impl FnOnce(&mut dyn Breaker) -> T,
    ) -> Option<T> {
        if !self.list.contains_key(&key) {
            self.list.insert(key, build(&self.config, now)?);
        }
        let breaker = self.list.get_mut(&key).expect("it is there");
        let before = breaker.state();
        let result = f(&mut **breaker);
        let after = breaker.state();
        if before != after {
            self.changes.push((key, after));
        }
        Some(result)
    }
}
