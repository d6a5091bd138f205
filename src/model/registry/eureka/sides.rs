//! From what a client fetched to what its calling sides use: Ribbon's own copy.

use std::sync::Arc;

use super::Eureka;
use super::cache::Delta;
use super::message::Alarm;
use crate::id::InstanceId;
use crate::model::registry::system::Port;
use crate::time::SimDuration;

impl Eureka {
    /// A client makes changes its own. Returns whether it has as many instances as the server
    /// then; otherwise it needs everything.
    pub(super) fn take_delta(&mut self, client: u32, delta: Arc<Delta>) -> bool {
        let own = &self.clients[client as usize];
        let is_known = |known: &Arc<Delta>| Arc::ptr_eq(known, &delta);
        if own.delta.as_ref().is_some_and(is_known) {
            return true;
        }
        let Some(apps) = own.apps.clone() else {
            return false;
        };
        let made = match &self.applied {
            _ if delta.changes.is_empty() => apps,
            Some((base, by, made)) if Arc::ptr_eq(base, &apps) && Arc::ptr_eq(by, &delta) => {
                Arc::clone(made)
            }
            _ => {
                let made = Arc::new(delta.applied_to(&apps));
                self.applied = Some((apps, Arc::clone(&delta), Arc::clone(&made)));
                made
            }
        };
        let is_complete = made.len() as u32 == delta.count;
        let own = self.client(client);
        own.apps = Some(made);
        own.delta = is_complete.then_some(delta);
        is_complete
    }

    /// A fetch is over, with or without success. The first one of a process lets it begin.
    pub(super) fn on_fetched(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        let is_first = !std::mem::replace(&mut own.is_warm, true);
        if is_first || self.config.client.ribbon_interval.is_zero() {
            self.show(port, client);
        }
        if is_first {
            self.set_ribbon(port, client, self.config.client.ribbon_initial);
        }
    }

    pub(super) fn set_ribbon(&mut self, port: &mut dyn Port, client: u32, delay: SimDuration) {
        let own = &self.clients[client as usize];
        if !self.config.client.ribbon_interval.is_zero() && !own.sides.is_empty() {
            let node = own.node;
            self.alarms.set(port, node, delay, Alarm::Ribbon { client });
        }
    }

    pub(super) fn on_ribbon(&mut self, port: &mut dyn Port, client: u32) {
        self.show(port, client);
        self.set_ribbon(port, client, self.config.client.ribbon_interval);
    }

    /// The calling sides take over what the client has.
    fn show(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        let Some(apps) = own.apps.clone() else {
            return;
        };
        let is_shown = |shown: &Arc<_>| Arc::ptr_eq(shown, &apps);
        if own.shown.as_ref().is_some_and(is_shown) {
            return;
        }
        own.shown = Some(Arc::clone(&apps));
        for (caller, service) in own.sides.clone() {
            let range = port.scenario().topology.service_instances(service);
            let from = apps.partition_point(|instance| instance.0 < range.start);
            let to = apps.partition_point(|instance| instance.0 < range.end);
            let instances: &[InstanceId] = &apps[from..to];
            let view = port.view(service, instances);
            let version = port.list_version(caller) + 1;
            port.take_list(caller, version, &view);
        }
    }
}
