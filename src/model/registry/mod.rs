//! The registry: who is listed, and how callers learn of it.

mod consul;
mod dns;
mod etcd;
mod eureka;
mod kubernetes;
pub mod lease;
mod nacos;
mod propagate;
pub mod system;
pub mod views;
mod zookeeper;

use std::sync::Arc;

use super::node::Node;
use super::observation::{LifeState, Observer};
use super::view::ViewSnapshot;
use super::world::World;
use crate::engine::{Dense, Line, PendingSet};
use crate::id::{InstanceId, NodeId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::registry::RegistryProfile;
use crate::scenario::topology::NodeKind;
use crate::time::SimTime;
use lease::Lease;

impl Dense for InstanceId {
    fn place(self) -> usize {
        self.index()
    }

    fn at(place: usize) -> Self {
        InstanceId::from_index(place)
    }
}

/// The state of the registry, which its members share.
#[derive(Debug)]
pub struct Registry {
    /// Leases by instance.
    pub leases: Vec<Lease>,
    /// The services that instances are part of.
    pub services: Vec<ServiceId>,
    /// The newest published list of each service, with its version.
    pub published: Vec<(u64, Arc<ViewSnapshot>)>,
    /// Services whose list has changed since it was published.
    pub is_dirty: Vec<bool>,
    /// When each service may be published again.
    pub publish_after: Vec<SimTime>,
    /// Lists on the wire.
    pub messages: propagate::ListMessages,
    /// The member that everybody talks to.
    pub contact: Option<NodeId>,
    /// Whether a member is up.
    pub is_up: bool,
    /// The next heartbeats of those leases that are renewed at the interval of the first service.
    pub heartbeats: Line,
    /// The ends of leases as long as those of the first service, one for each renewal: where they
    /// wait, most of them are stale.
    pub ends: Line,
    /// The real system that the registry is, if it is one.
    pub system: Option<Box<system::System>>,
}

/// The first member that works, or else the first one that stands still and will handle what waits
/// for it.
pub fn contact_of(scenario: &Scenario, nodes: &[Node]) -> Option<NodeId> {
    let topology = &scenario.topology;
    let members = (0..topology.registry_member_count()).map(|m| topology.registry_node(m));
    let first = |state: LifeState| {
        members
            .clone()
            .find(|node| nodes[node.index()].state == state)
    };
    first(LifeState::Up).or_else(|| first(LifeState::Paused))
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The member that everybody talks to.
    #[inline]
    pub(super) fn registry_contact(&self) -> Option<NodeId> {
        self.registry.contact
    }

    /// Some nodes changed their states: another member may be the one that everybody talks to.
    pub(super) fn choose_contact(&mut self) {
        self.registry.contact = contact_of(self.scenario, &self.nodes);
    }

    /// Whether the list of a service is configuration, which reaches everybody at once.
    pub(super) fn is_static(&self, service: ServiceId) -> bool {
        matches!(self.scenario.registry.profile, RegistryProfile::Static)
            || self.scenario.services[service.index()].registered.is_none()
    }

    /// Whether the registry is a real system.
    pub(super) fn has_system(&self) -> bool {
        self.registry.system.is_some()
    }

    /// Whether an instance is listed.
    pub(super) fn is_listed(&self, instance: InstanceId) -> bool {
        self.registry.leases[instance.index()].is_listed
    }

    /// Lists or delists an instance; the change is published as soon as it may.
    pub(super) fn set_listed(&mut self, instance: InstanceId, is_listed: bool) {
        if std::mem::replace(
            &mut self.registry.leases[instance.index()].is_listed,
            is_listed,
        ) != is_listed
        {
            self.mark_dirty(self.instances[instance.index()].service);
        }
    }

    /// An instance starts: it registers.
    pub(super) fn register(&mut self, instance: InstanceId) {
        let service = self.instances[instance.index()].service;
        if self.is_static(service) {
            self.set_listed(instance, true);
        } else if self.has_system() {
            self.with_protocol(|protocol, port| protocol.register(port, instance));
        } else {
            self.start_heartbeats(instance);
        }
    }

    /// An instance leaves in good order.
    pub(super) fn deregister(&mut self, instance: InstanceId) {
        let service = self.instances[instance.index()].service;
        if self.is_static(service) {
            self.set_listed(instance, false);
        } else if self.has_system() {
            self.with_protocol(|protocol, port| protocol.deregister(port, instance));
        } else {
            self.stop_heartbeats(instance);
            if self.nodes[instance.index()].state == LifeState::Up {
                self.send_deregistration(instance);
            }
        }
    }

    /// A node changed its state: if it is a member, the registry may be gone or back.
    pub(super) fn on_registry_member_changed(&mut self, node: NodeId) {
        let kind = self.scenario.topology.node_kind(node);
        if !matches!(kind, NodeKind::RegistryMember(_)) || self.has_system() {
            return;
        }
        let was_up = self.registry.is_up;
        self.registry.is_up = self.registry_contact().is_some();
        if !was_up && self.registry.is_up {
            self.on_registry_back();
        }
    }

    /// The registry is back: every lease gets its full length again, as after an election of
    /// ZooKeeper or etcd, and what changed meanwhile is published.
    fn on_registry_back(&mut self) {
        for index in 0..self.instances.len() {
            let instance = InstanceId::from_index(index);
            if self.is_listed(instance) && !self.is_static(self.instances[index].service) {
                self.renew_lease(instance);
            }
        }
        for index in 0..self.registry.is_dirty.len() {
            if self.registry.is_dirty[index] {
                self.schedule_publish(ServiceId::from_index(index));
            }
        }
    }

    /// Whether a node is alive, so that a message to it is worth handling.
    pub(super) fn is_alive(&self, node: NodeId) -> bool {
        matches!(
            self.nodes[node.index()].state,
            LifeState::Up | LifeState::Paused
        )
    }
}
