//! Concurrency limits of instances: what comes while as many attempts are there is turned away.

use super::entry;
use super::gate::coin;
use super::limit::{Limit, Sample};
use crate::engine::PendingSet;
use crate::id::InstanceId;
use crate::model::observation::{LimitOwner, Observation, Observer};
use crate::model::request::Reply;
use crate::model::world::World;
use crate::scenario::resilience::LimitConfig;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Turns away an attempt that has arrived, if its instance has as many as it may. Returns
    /// whether it did.
    #[inline(always)]
    pub(in crate::model) fn is_over_limit(&mut self, slot: u32) -> bool {
        self.has_gates() && self.ask_server_limit(slot)
    }

    #[inline(never)]
    fn ask_server_limit(&mut self, slot: u32) -> bool {
        let id = self.attempts[slot].instance;
        let instance = &self.instances[id.index()];
        let Some(config) = self.scenario.services[instance.service.index()].limit else {
            return false;
        };
        let level = instance.busy_count + instance.waiting_count + instance.free_count;
        if self.server_limit(id, &config).limit() <= level {
            let class = self.attempt_class(slot);
            let away = Observation::WorkRejected {
                instance: id,
                class,
            };
            self.observe_turned_away(slot, away);
            self.send_reply(slot, Reply::Rejected);
            return true;
        }
        *entry(&mut self.gates.arrival_levels, slot) = level + 1;
        false
    }

    /// An instance is done with an attempt, which leaves it now.
    #[inline(always)]
    pub(in crate::model) fn sample_service(&mut self, slot: u32) {
        if self.has_gates() && !self.is_probe(slot) {
            self.take_service_sample(slot);
        }
    }

    #[inline(never)]
    fn take_service_sample(&mut self, slot: u32) {
        let now = self.now();
        let attempt = self.attempts[slot];
        let id = attempt.instance;
        let service = self.instances[id.index()].service;
        let Some(config) = self.scenario.services[service.index()].limit else {
            return;
        };
        let sample = Sample {
            length: now.since(attempt.arrived_at),
            in_flight_count: self.gates.arrival_levels[slot as usize],
            is_dropped: false,
        };
        self.server_limit(id, &config);
        let node = &self.nodes[id.index()];
        let coin = coin(&self.streams, node.path_hash, node.incarnation);
        let limit = self.gates.server_limits[id.index()].as_mut();
        let limit = limit.expect("it was made");
        let before = limit.limit();
        limit.on_sample(now, sample, &coin);
        let after = limit.limit();
        drop(coin);
        self.tell_limit(LimitOwner::Instance(id), before, after);
    }

    /// A process died: its limit begins anew.
    pub(in crate::model) fn forget_server_limit(&mut self, id: InstanceId) {
        let service = self.instances[id.index()].service;
        let Some(config) = self.scenario.services[service.index()].limit else {
            return;
        };
        if let Some(limit) = self.gates.server_limits[id.index()].take() {
            self.tell_limit(LimitOwner::Instance(id), limit.limit(), config.initial);
        }
    }

    fn server_limit(&mut self, id: InstanceId, config: &LimitConfig) -> &mut Limit {
        if self.gates.server_limits[id.index()].is_none() {
            let node = &self.nodes[id.index()];
            let coin = coin(&self.streams, node.path_hash, node.incarnation);
            let limit = Limit::new(config, &coin);
            self.gates.server_limits[id.index()] = Some(Box::new(limit));
        }
        let limit = self.gates.server_limits[id.index()].as_mut();
        limit.expect("it was made")
    }
}
