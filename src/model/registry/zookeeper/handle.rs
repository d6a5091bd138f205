//! What a process does with its handle: it registers, reads, watches, and starts over.

use super::Zookeeper;
use super::client::{Client, Stage};
use super::message::{Message, Op, SessionId};
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::model::registry::system::Port;
use crate::scenario::registry::zookeeper::NodeExists;

impl Zookeeper {
    /// The connection of a client that messages of this epoch belong to.
    fn has_connection(&self, client: u32, epoch: u32) -> bool {
        let own = &self.clients[client as usize];
        own.epoch == epoch && matches!(own.stage, Stage::Connecting(_) | Stage::Connected(_))
    }

    /// The host of a dead server answers a client.
    pub(super) fn on_reset(&mut self, port: &mut dyn Port, node: NodeId, message: &Message) {
        let (Message::Connect { client, epoch, .. }
        | Message::Ping { client, epoch }
        | Message::Request { client, epoch, .. }) = message
        else {
            return;
        };
        assert!(
            self.clients[*client as usize].node == node,
            "an answer goes to who asked"
        );
        if self.has_connection(*client, *epoch) {
            self.wait_to_connect(port, *client, false);
        }
    }

    /// A message of a server reaches a client.
    pub(super) fn on_server_message(
        &mut self,
        port: &mut dyn Port,
        node: NodeId,
        message: Message,
    ) {
        let client = self.client_of[node.index()].expect("only clients are told anything");
        let epoch = match &message {
            Message::Connected { epoch, .. }
            | Message::Expired { epoch }
            | Message::Closed { epoch }
            | Message::Pong { epoch }
            | Message::Written { epoch, .. }
            | Message::List { epoch, .. }
            | Message::Changed { epoch, .. } => *epoch,
            _ => unreachable!("servers tell clients nothing else"),
        };
        if !self.has_connection(client, epoch) {
            return;
        }
        match message {
            Message::Connected { session, seen, .. } => {
                return self.on_connected(port, client, session, seen);
            }
            Message::Expired { .. } => return self.open_handle(port, client),
            Message::Closed { .. } => return self.wait_to_connect(port, client, false),
            _ => {}
        }
        self.note_heard(port, client);
        match message {
            Message::Pong { .. } => self.note_pong(client),
            Message::Written {
                op,
                is_refused,
                seen,
                ..
            } => self.on_written(port, client, (op, is_refused), seen),
            Message::List {
                caller,
                version,
                view,
                seen,
                ..
            } => {
                self.note_seen(client, seen);
                port.take_list(caller, version, &view);
            }
            Message::Changed { caller, .. } => self.read_list(port, client, caller),
            _ => {}
        }
    }

    fn note_seen(&mut self, client: u32, seen: u64) {
        let own = self.client(client);
        own.seen = own.seen.max(seen);
    }

    fn on_connected(&mut self, port: &mut dyn Port, client: u32, session: SessionId, seen: u64) {
        let Stage::Connecting(member) = self.clients[client as usize].stage else {
            return;
        };
        let timeout_ms = self.session(session).timeout.as_ns() / 1_000_000;
        let own = self.client(client);
        let is_new = own.session != Some(session);
        own.stage = Stage::Connected(member);
        own.session = Some(session);
        own.timeout_ms = timeout_ms;
        let node = own.node;
        port.note_attached(node, self.ensemble.node(member));
        self.note_seen(client, seen);
        self.settle_client(port, client);
        let sides = self.clients[client as usize].sides.clone();
        for (caller, _) in sides {
            match is_new {
                true => self.read_list(port, client, caller),
                false => self.rewatch(port, client, caller),
            }
        }
        self.sync_registration(port, client);
    }

    fn request(&mut self, port: &mut dyn Port, client: u32, op: Op) {
        let own = &self.clients[client as usize];
        let (epoch, of_instance) = (own.epoch, own.service);
        let side_service = |caller: CallerId| Some(self.sides[&caller].1);
        let about: (ControlKind, Option<ServiceId>) = match op {
            Op::Read { caller } | Op::Rewatch { caller, .. } => {
                (ControlKind::Poll, side_service(caller))
            }
            Op::Create | Op::Delete | Op::SetData | Op::CloseSession => {
                (ControlKind::Write, of_instance)
            }
        };
        let message = Message::Request { client, epoch, op };
        self.ask(port, client, about, message);
    }

    fn read_list(&mut self, port: &mut dyn Port, client: u32, caller: CallerId) {
        self.request(port, client, Op::Read { caller });
    }

    /// A client that is back with its session leaves its watches anew; those whose list has
    /// changed meanwhile fire at once.
    fn rewatch(&mut self, port: &mut dyn Port, client: u32, caller: CallerId) {
        match port.list_version(caller) {
            0 => self.read_list(port, client, caller),
            version => self.request(port, client, Op::Rewatch { caller, version }),
        }
    }

    /// An instance registers or deregisters, if that is not done yet and a connection is there.
    fn sync_registration(&mut self, port: &mut dyn Port, client: u32) {
        let own = &self.clients[client as usize];
        let is_connected = matches!(own.stage, Stage::Connected(_));
        if !is_connected || own.is_writing || own.is_wanted == own.is_registered {
            return;
        }
        let op = match own.is_wanted {
            true => Op::Create,
            false => Op::Delete,
        };
        self.client(client).is_writing = true;
        self.request(port, client, op);
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

    fn on_written(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        (op, is_refused): (Op, bool),
        seen: u64,
    ) {
        self.note_seen(client, seen);
        let own = self.client(client);
        match (op, is_refused) {
            (Op::Create, false) => (own.is_writing, own.is_registered) = (false, true),
            (Op::Create, true) => return self.on_node_exists(port, client),
            (Op::Delete, _) => (own.is_writing, own.is_registered) = (false, false),
            (Op::SetData | Op::CloseSession | Op::Read { .. } | Op::Rewatch { .. }, _) => return,
        }
        self.sync_registration(port, client);
    }

    /// The node of an instance is there, of its former session.
    fn on_node_exists(&mut self, port: &mut dyn Port, client: u32) {
        match self.config.node_exists {
            NodeExists::Replace => self.request(port, client, Op::Delete),
            NodeExists::Skip => {
                let own = self.client(client);
                (own.is_writing, own.is_registered) = (false, true);
                self.sync_registration(port, client);
            }
        }
    }

    /// The weight of an instance changed: it writes its node anew.
    pub(super) fn change_data(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let node = port.scenario().topology.instance_node(instance);
        if let Some(client) = self.client_of[node.index()]
            && self.clients[client as usize].is_registered
        {
            self.request(port, client, Op::SetData);
        }
    }

    /// A process that leaves in good order closes its session with its last message.
    pub(super) fn close_session(&mut self, port: &mut dyn Port, client: u32) {
        if let Client {
            stage: Stage::Connected(_),
            ..
        } = self.clients[client as usize]
        {
            self.request(port, client, Op::CloseSession);
        }
    }
}
