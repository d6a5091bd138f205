//! Bare runs, which use none of what few runs use: one attempt after the other over links without
//! connections, to instances that do nothing but serve their queue.
//!
//! Their code is compiled apart, without the questions whether any of that is used. The general
//! code handles every run, and a bare one with the same events and observations.

use super::observation::step::Step;
use super::observation::{Observation, Observer};
use super::world::World;
use crate::engine::PendingSet;
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::client::{EdgeConfig, Workload};
use crate::scenario::fault::FaultConfig;
use crate::scenario::service::{Discipline, ServiceConfig};
use crate::time::SimTime;

/// The observer of a bare run.
pub(super) struct Bare<'a, O>(pub(super) &'a mut O);

impl<O: Observer> Observer for Bare<'_, O> {
    const FOLLOWS: bool = O::FOLLOWS;
    const IS_BARE: bool = true;

    #[inline(always)]
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.0.observe_bare(at, observation);
    }

    #[inline(always)]
    fn follow(&mut self, at: SimTime, step: &Step) {
        self.0.follow(at, step);
    }

    #[inline(always)]
    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        self.0.observe_step(at, observation, step);
    }
}

/// Whether the runs of a scenario are bare.
pub fn is_bare(scenario: &Scenario) -> bool {
    let is_traced = |workload: &Workload| matches!(workload, Workload::Trace(_));
    !scenario.has_breakdown
        && scenario.classes.ids().next().is_none()
        && scenario.network.duplication_probability == 0.0
        && scenario.clusters.is_empty()
        && !scenario.registry.profile.asks_workers()
        && !scenario.clients.iter().any(|c| is_traced(&c.workload))
        && scenario.edges.iter().all(is_bare_edge)
        && scenario.services.iter().all(is_bare_service)
        && scenario.groups.iter().all(|group| group.cpu.is_none())
        && scenario.faults.iter().all(is_bare_fault)
}

fn is_bare_edge(edge: &EdgeConfig) -> bool {
    let has_rules = edge.resilience.is_some()
        || edge.connection.is_some()
        || edge.attempts.is_some()
        || edge.cache.is_some()
        || edge.forward.is_some()
        || edge.ping_time.is_some();
    // These ask nobody and leave nobody out.
    let is_plain_strategy = matches!(
        edge.balancer,
        BalancerConfig::Random
            | BalancerConfig::RoundRobin { .. }
            | BalancerConfig::WeightedRandom { .. }
            | BalancerConfig::SmoothWeightedRoundRobin
            | BalancerConfig::LeastInFlight { .. }
            | BalancerConfig::Ring { .. }
            | BalancerConfig::Keyed(_)
    );
    !has_rules && is_plain_strategy
}

fn is_bare_service(service: &ServiceConfig) -> bool {
    let needs_worker = |r: crate::scenario::service::RegisteredConfig| r.path.needs_worker();
    let has_rules = service.queue_rules.is_some()
        || service.limit.is_some()
        || service.cache.is_some()
        || service.wait_time.is_some()
        || service.warmup.is_some()
        || service.data.is_some();
    let is_watched = service.crash_above.is_some() || service.autoscale.is_some();
    let shares = service.discipline == Discipline::ProcessorSharing;
    !has_rules && !is_watched && !shares && !service.registered.is_some_and(needs_worker)
}

fn is_bare_fault(fault: &FaultConfig) -> bool {
    fault.class.is_none() && fault.kind.rollout().is_none() && fault.trigger.is_none()
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// # Panics
    ///
    /// If a run that counts as bare is not.
    pub(super) fn assert_bare(&self) {
        let is_used = self.gates.is_used
            || self.connections.is_used()
            || self.several.is_used
            || self.composition.has_ejection
            || self.is_noting;
        let is_plain = self.instances.iter().all(|instance| instance.is_plain);
        assert!(
            !O::IS_BARE || (is_plain && !is_used),
            "a bare run uses what it must not"
        );
    }

    /// Whether callers or instances protect themselves.
    #[inline(always)]
    pub(super) fn has_gates(&self) -> bool {
        !O::IS_BARE && self.gates.is_used
    }

    /// Whether calls have connections.
    #[inline(always)]
    pub(super) fn has_pools(&self) -> bool {
        !O::IS_BARE && self.connections.is_used()
    }

    /// Whether calls have several attempts at once, deadlines that travel or cancellations.
    #[inline(always)]
    pub(super) fn has_several(&self) -> bool {
        !O::IS_BARE && self.several.is_used
    }

    /// Whether replies carry what instances tell of themselves.
    #[inline(always)]
    pub(super) fn has_reply_reports(&self) -> bool {
        !O::IS_BARE && self.exchange.has_reply_reports
    }

    /// Whether any balancer leaves instances out.
    #[inline(always)]
    pub(super) fn has_ejection(&self) -> bool {
        !O::IS_BARE && self.composition.has_ejection
    }

    /// Whether a balancer has asked for something.
    #[inline(always)]
    pub(super) fn has_orders(&self) -> bool {
        !O::IS_BARE && self.exchange.orders.is_given()
    }
}
