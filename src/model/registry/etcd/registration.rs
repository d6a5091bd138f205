//! How an instance registers: a lease, then a key that goes with it; and anew when it is lost.

use super::Etcd;
use super::client::Stage;
use super::message::{LeaseId, Op};
use crate::id::InstanceId;
use crate::model::registry::system::Port;
use crate::time::{SimDuration, SimTime};

impl Etcd {
    /// A client takes its lease for lost.
    pub(super) fn lose_lease(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        own.lease = None;
        (own.keep_alive_at, own.lost_at) = (SimTime::NEVER, SimTime::NEVER);
        (own.is_registered, own.is_writing) = (false, false);
        self.sync_registration(port, client);
    }

    pub(super) fn on_granted(&mut self, port: &mut dyn Port, client: u32, lease: LeaseId) {
        let own = self.client(client);
        own.is_writing = false;
        own.lease = Some(lease);
        self.on_alive(port, client, lease);
        self.sync_registration(port, client);
        self.note_answer(port, client);
    }

    pub(super) fn on_alive(&mut self, port: &mut dyn Port, client: u32, lease: LeaseId) {
        let (now, ttl) = (port.now(), self.lease(lease).ttl);
        let due = now + SimDuration::from_ns(ttl.as_ns() / 3);
        let keep_alive_at = self.look_after(client, due);
        let own = self.client(client);
        own.keep_alive_at = keep_alive_at;
        own.lost_at = now + ttl;
        self.arm(port, client);
    }

    pub(super) fn on_written(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        op: Op,
        is_refused: bool,
    ) {
        self.client(client).is_writing = false;
        match (op, is_refused) {
            (Op::Put { lease }, false) if self.clients[client as usize].lease == Some(lease) => {
                self.client(client).is_registered = true;
            }
            (Op::Put { .. }, true) => self.lose_lease(port, client),
            (Op::Delete, _) => self.client(client).is_registered = false,
            _ => {}
        }
        self.sync_registration(port, client);
        self.note_answer(port, client);
    }

    /// An instance registers or deregisters, if that is not done yet and a connection is there.
    pub(super) fn sync_registration(&mut self, port: &mut dyn Port, client: u32) {
        let own = &self.clients[client as usize];
        let is_connected = matches!(own.stage, Stage::Connected(_));
        if !is_connected || own.is_writing || own.is_wanted == own.is_registered {
            return;
        }
        let op = match (own.is_wanted, own.lease) {
            (true, None) => Op::Grant,
            (true, Some(lease)) => Op::Put { lease },
            (false, _) => Op::Delete,
        };
        let gives_up_at = port.now() + self.config.request_timeout;
        let own = self.client(client);
        own.is_writing = true;
        own.step_at = gives_up_at;
        self.request(port, client, op);
        self.arm(port, client);
    }

    /// An instance wants to be listed, or no longer does.
    pub(super) fn set_wanted(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        is_wanted: bool,
    ) {
        let node = port.scenario().topology.instance_node(instance);
        let Some(client) = self.client_of[node.index()] else {
            return;
        };
        self.client(client).is_wanted = is_wanted;
        self.sync_registration(port, client);
    }

    /// The weight of an instance changed: it puts its key again.
    pub(super) fn put_again(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let node = port.scenario().topology.instance_node(instance);
        if let Some(client) = self.client_of[node.index()]
            && let own = &self.clients[client as usize]
            && own.is_registered
            && let Some(lease) = own.lease
        {
            self.request(port, client, Op::Put { lease });
        }
    }
}
