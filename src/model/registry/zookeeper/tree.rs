//! What one server has in its memory: sessions, ephemeral nodes, and the lists made of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::message::SessionId;
use crate::id::{InstanceId, ServiceId};
use crate::model::registry::system::Port;
use crate::model::registry::system::lists::Lists;
use crate::model::view::ViewSnapshot;
use crate::scenario::registry::zookeeper::Identity;

/// The state of one server. Copies share their lists.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Open sessions.
    pub sessions: BTreeSet<SessionId>,
    /// Ephemeral nodes: whose, and of which session.
    nodes: BTreeSet<(InstanceId, SessionId)>,
    /// Children of services.
    pub lists: Lists,
}

impl Tree {
    /// An empty tree.
    pub fn new(service_count: usize) -> Self {
        Tree {
            sessions: BTreeSet::new(),
            nodes: BTreeSet::new(),
            lists: Lists::new(service_count),
        }
    }

    fn nodes_of(&self, instance: InstanceId) -> impl Iterator<Item = SessionId> {
        let range = (instance, SessionId(0))..=(instance, SessionId(u32::MAX));
        self.nodes.range(range).map(|(_, session)| *session)
    }

    /// Whether an instance has a node.
    pub fn has(&self, instance: InstanceId) -> bool {
        self.nodes_of(instance).next().is_some()
    }

    /// Whether it has one, of this session and of no other.
    pub fn has_only_of(&self, instance: InstanceId, session: SessionId) -> bool {
        self.nodes_of(instance).eq([session])
    }

    /// Creates a node. Returns false if one of that name is there, of another session.
    pub fn create(&mut self, instance: InstanceId, session: SessionId, identity: Identity) -> bool {
        let mut others = self.nodes_of(instance).filter(|other| *other != session);
        if identity == Identity::Keep && others.next().is_some() {
            return false;
        }
        drop(others);
        self.nodes.insert((instance, session));
        true
    }

    /// Deletes the node of an instance; where every session has a name of its own, only that of
    /// the session.
    pub fn delete(&mut self, instance: InstanceId, session: SessionId, identity: Identity) {
        match identity {
            Identity::New => self.nodes.retain(|node| *node != (instance, session)),
            Identity::Keep => self.nodes.retain(|(whose, _)| *whose != instance),
        }
    }

    /// A session ends, and its node with it. Returns whether it had one.
    pub fn close(&mut self, session: SessionId, instance: Option<InstanceId>) -> bool {
        self.sessions.remove(&session);
        instance.is_some_and(|instance| self.nodes.remove(&(instance, session)))
    }

    /// The list of a service.
    pub fn list(&mut self, port: &mut dyn Port, service: ServiceId) -> Arc<ViewSnapshot> {
        let range = port.scenario().topology.service_instances(service);
        let first = (InstanceId(range.start), SessionId(0));
        let end = (InstanceId(range.end), SessionId(0));
        let nodes = &self.nodes;
        self.lists.view(port, service, || {
            let nodes = nodes.range(first..end);
            let mut instances: Vec<InstanceId> = nodes.map(|(instance, _)| *instance).collect();
            instances.dedup();
            instances
        })
    }
}
