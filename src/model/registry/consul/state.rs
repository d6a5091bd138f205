//! What the servers agree on: the catalog, and the lists that follow from it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::message::{Change, Entry, Status};
use super::{Consul, Port};
use crate::engine::DenseMap;
use crate::id::{InstanceId, ServiceId};
use crate::model::registry::system::lists::Lists;
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::scenario::registry::consul::Filter;

/// The catalog as one server has it.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Registered instances, with the status of their checks.
    records: DenseMap<InstanceId, Status>,
    /// Hosts whose `serfHealth` is critical.
    failed_hosts: BTreeSet<u32>,
    lists: Lists,
}

impl State {
    pub fn new(scenario: &Scenario) -> Self {
        State {
            records: DenseMap::default(),
            failed_hosts: BTreeSet::new(),
            lists: Lists::new(scenario.services.len()),
        }
    }

    /// The run begins with these, which pass.
    pub fn register_first(&mut self, instances: &[InstanceId]) {
        let passing = instances
            .iter()
            .map(|instance| (*instance, Status::Passing));
        self.records = passing.collect();
    }

    /// The index of the list of a service.
    pub fn version(&self, service: ServiceId) -> u64 {
        self.lists.version(service)
    }

    /// Whether a host is marked as dead.
    pub fn is_failed(&self, host: u32) -> bool {
        self.failed_hosts.contains(&host)
    }

    /// What is registered in a range of instances.
    pub fn records_in(&self, range: Range<u32>) -> Vec<(InstanceId, Status)> {
        let (first, end) = (InstanceId(range.start), InstanceId(range.end));
        let records = self.records.range(first..end);
        records
            .map(|(instance, status)| (instance, *status))
            .collect()
    }

    /// Whether an instance is on the lists that are asked for.
    fn is_on_list(&self, filter: Filter, host: u32, status: Status) -> bool {
        match filter {
            Filter::Passing => status == Status::Passing && !self.is_failed(host),
            Filter::NotCritical => status != Status::Critical && !self.is_failed(host),
            Filter::Any => true,
        }
    }
}

impl Consul {
    fn host_of(&self, instance: InstanceId) -> u32 {
        self.locals[instance].agent
    }

    /// Whether a server has an instance on the lists that are asked for.
    pub(super) fn has_on_list(&self, member: u32, instance: InstanceId) -> bool {
        let state = &self.servers[member as usize].state;
        let status = state.records.get(instance);
        let filter = self.config.query.filter;
        let host = self.host_of(instance);
        status.is_some_and(|status| state.is_on_list(filter, host, *status))
    }

    /// The list of a service as a server has it, with how many registrations it has.
    pub(super) fn list(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        service: ServiceId,
    ) -> (Arc<ViewSnapshot>, usize) {
        let state = &self.servers[member as usize].state;
        if let Some(known) = state.lists.known(service) {
            return known;
        }
        let range = port.scenario().topology.service_instances(service);
        let found = state.records_in(range).into_iter();
        let listed: Vec<InstanceId> = found
            .map(|(instance, _)| instance)
            .filter(|instance| self.has_on_list(member, *instance))
            .collect();
        let count = listed.len();
        let lists = &mut self.servers[member as usize].state.lists;
        (lists.view(port, service, || listed), count)
    }

    /// The quorum agreed on a change.
    pub(super) fn apply(&mut self, port: &mut dyn Port, member: u32, zxid: u64, entry: Entry) {
        let changed = self.change(port, member, entry.change);
        let services: BTreeSet<ServiceId> = changed
            .iter()
            .map(|instance| self.locals[*instance].service)
            .collect();
        for service in &services {
            let lists = &mut self.servers[member as usize].state.lists;
            lists.note_change(*service, zxid);
        }
        if self.servers[member as usize].office.is_some() {
            self.note_applied(port, member, entry, &changed);
        }
        for service in services {
            self.wake_queries(port, member, service);
        }
    }

    /// Changes the catalog of a server. Returns the instances whose registration, check or host is
    /// another one.
    fn change(&mut self, port: &dyn Port, member: u32, change: Change) -> Vec<InstanceId> {
        let state = &mut self.servers[member as usize].state;
        let topology = &port.scenario().topology;
        let on_host = |state: &State, host: u32| {
            let records = state.records_in(topology.host_nodes(host));
            records.into_iter().map(|(instance, _)| instance).collect()
        };
        match change {
            Change::Register {
                instance,
                status,
                has_news,
            } => {
                let before = state.records.insert(instance, status);
                let is_changed = has_news || before != Some(status);
                is_changed.then_some(instance).into_iter().collect()
            }
            Change::Deregister { instance } => {
                let before = state.records.remove(instance);
                before.map(|_| instance).into_iter().collect()
            }
            Change::Health { host, is_failed } => {
                let is_changed = match is_failed {
                    true => state.failed_hosts.insert(host),
                    false => state.failed_hosts.remove(&host),
                };
                match is_changed {
                    true => on_host(state, host),
                    false => Vec::new(),
                }
            }
            Change::Leave { host } => {
                let gone: Vec<InstanceId> = on_host(state, host);
                state.failed_hosts.remove(&host);
                for instance in &gone {
                    state.records.remove(*instance);
                }
                gone
            }
        }
    }

    /// A server takes over the state of its leader; what waits there looks again.
    pub(super) fn copy_state(&mut self, port: &mut dyn Port, from: u32, to: u32) {
        let state = self.servers[from as usize].state.clone();
        self.servers[to as usize].state = state;
        for service in 0..port.scenario().services.len() {
            self.wake_queries(port, to, ServiceId::from_index(service));
        }
    }
}
