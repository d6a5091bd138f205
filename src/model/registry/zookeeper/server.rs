//! The server: connections, requests, transactions, watches.

use super::message::{Change, Entry, Job, Message, Op, SessionId};
use super::{Connection, Zookeeper};
use crate::id::{CallerId, NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::model::registry::system::attach::closes_connections;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter, Port};

impl Zookeeper {
    /// Sends a message to a client.
    fn answer(
        &self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        kind: ControlKind,
        (service, byte_count): (Option<ServiceId>, u64),
        message: Message,
    ) {
        let letter = Letter {
            from: self.ensemble.node(member),
            to: self.clients[client as usize].node,
            kind,
            service,
            byte_count,
        };
        port.send(letter, system::Message::Zookeeper(message));
    }

    fn answer_shortly(
        &self,
        port: &mut dyn Port,
        link: (u32, u32),
        kind: ControlKind,
        message: Message,
    ) {
        let service = self.clients[link.1 as usize].service;
        let what = (service, self.sizes.message_bytes);
        self.answer(port, link, kind, what, message);
    }

    fn close_connection(&self, port: &mut dyn Port, link: (u32, u32), epoch: u32) {
        self.answer_shortly(port, link, ControlKind::Attach, Message::Closed { epoch });
    }

    /// A message of a client reaches a server.
    pub(super) fn on_client_message(&mut self, port: &mut dyn Port, member: u32, message: Message) {
        let (cost, job) = match message {
            Message::Connect {
                client,
                epoch,
                session,
                seen,
            } => {
                if self.clients[client as usize].epoch != epoch {
                    // A socket that its client has closed meanwhile.
                    return;
                }
                // A server that does not serve, or is behind what the client has seen, hangs up.
                if !self.ensemble.is_serving(member) || self.ensemble.applied(member) < seen {
                    return self.close_connection(port, (member, client), epoch);
                }
                let connection = Connection {
                    epoch,
                    session: None,
                };
                self.server(member).connections.insert(client, connection);
                let job = Job::Connect {
                    client,
                    epoch,
                    session,
                };
                (Cost::Write, job)
            }
            Message::Ping { client, epoch } => (Cost::Heartbeat, Job::Ping { client, epoch }),
            Message::Request { client, epoch, op } => {
                let cost = match op {
                    Op::Read { .. } | Op::Rewatch { .. } => Cost::Read,
                    Op::Create | Op::Delete | Op::SetData | Op::CloseSession => Cost::Write,
                };
                (cost, Job::Request { client, epoch, op })
            }
            Message::Hangup { client, epoch } => (Cost::Hangup, Job::Hangup { client, epoch }),
            _ => unreachable!("clients say nothing else"),
        };
        let job = system::Job::Zookeeper(job);
        self.ensemble.submit(port, member, cost, job);
    }

    fn forget_connection(&mut self, member: u32, client: u32, epoch: u32) {
        let server = &mut self.servers[member as usize];
        let of_client = server.connections.get(client);
        if of_client.is_none_or(|connection| connection.epoch != epoch) {
            return;
        }
        server.connections.remove(client);
        for (caller, service) in &self.clients[client as usize].sides {
            server.watches[service.index()].remove(caller);
        }
    }

    /// The session of a connection that is open, if the connection still stands.
    fn session_of(&self, member: u32, client: u32, epoch: u32) -> Option<SessionId> {
        let connection = self.servers[member as usize].connections.get(client)?;
        connection.session.filter(|_| connection.epoch == epoch)
    }

    /// A server has done a piece of work.
    pub(super) fn on_job(&mut self, port: &mut dyn Port, member: u32, job: Job) {
        match job {
            Job::Expire => self.expire(port, member),
            Job::Hangup { client, epoch } => self.forget_connection(member, client, epoch),
            Job::Connect {
                client,
                epoch,
                session,
            } => self.connect(port, (member, client), epoch, session),
            Job::Ping { client, epoch } => {
                let Some(session) = self.session_of(member, client, epoch) else {
                    return;
                };
                if self.touch(port, member, session) {
                    let (link, message) = ((member, client), Message::Pong { epoch });
                    self.answer_shortly(port, link, ControlKind::HeartbeatReply, message);
                }
            }
            Job::Request { client, epoch, op } => {
                let session = self.session_of(member, client, epoch);
                if let Some(session) = session
                    && self.touch(port, member, session)
                {
                    self.on_request(port, (member, client), (epoch, session), op);
                }
            }
            Job::Notify { client, caller } => {
                let connection = self.servers[member as usize].connections.get(client);
                if let Some(Connection { epoch, .. }) = connection.copied() {
                    let service = Some(self.sides[&caller].1);
                    let what = (service, self.sizes.message_bytes);
                    let message = Message::Changed { epoch, caller };
                    let kind = ControlKind::Notification;
                    self.answer(port, (member, client), kind, what, message);
                }
            }
        }
    }

    fn connect(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        epoch: u32,
        session: Option<SessionId>,
    ) {
        match (session, self.ensemble.role(member)) {
            (None, _) => {
                let session = self.open_session(client);
                self.write(port, member, Change::OpenSession, session);
            }
            (Some(session), Role::Leading) => {
                let is_open = self.touch(port, member, session);
                self.on_revalidated(port, (member, client), (epoch, session), is_open);
            }
            (Some(session), Role::Following(leader)) => {
                let message = Message::Revalidate {
                    client,
                    epoch,
                    session,
                };
                let bytes = self.sizes.message_bytes;
                self.tell_member(port, (member, leader), ControlKind::Attach, bytes, message);
            }
            (Some(_), Role::Looking | Role::Down) => {}
        }
    }

    /// It is known whether the session of a client that connects again is still there.
    pub(super) fn on_revalidated(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        (epoch, session): (u32, SessionId),
        is_open: bool,
    ) {
        let seen = self.ensemble.applied(member);
        let connections = &mut self.server(member).connections;
        let Some(connection) = connections.get_mut(client).filter(|c| c.epoch == epoch) else {
            return;
        };
        let message = match is_open {
            true => {
                connection.session = Some(session);
                Message::Connected {
                    epoch,
                    session,
                    seen,
                }
            }
            false => {
                connections.remove(client);
                Message::Expired { epoch }
            }
        };
        self.answer_shortly(port, (member, client), ControlKind::Attach, message);
    }

    /// A session was heard of at a server. Returns whether it is known and does not expire.
    pub(super) fn touch(&mut self, port: &dyn Port, member: u32, session: SessionId) -> bool {
        let deadline = port.now() + self.session(session).timeout;
        let server = self.server(member);
        match &mut server.office {
            Some(office) => office.tracker.touch(session, deadline),
            None => {
                server.touched.push(session);
                true
            }
        }
    }

    fn on_request(
        &mut self,
        port: &mut dyn Port,
        link: (u32, u32),
        (epoch, session): (u32, SessionId),
        op: Op,
    ) {
        let member = link.0;
        match op {
            Op::Read { caller } => self.read(port, link, epoch, caller),
            Op::Rewatch { caller, version } => {
                let service = self.sides[&caller].1;
                let server = self.server(member);
                if version < server.tree.lists.version(service) {
                    return self.notify(port, member, caller);
                }
                server.watches[service.index()].insert(caller);
            }
            Op::Create => self.write(port, member, Change::Create, session),
            Op::Delete => self.write(port, member, Change::Delete, session),
            Op::SetData => self.write(port, member, Change::SetData, session),
            Op::CloseSession => self.write(port, member, Change::CloseSession, session),
        }
    }

    fn read(&mut self, port: &mut dyn Port, link: (u32, u32), epoch: u32, caller: CallerId) {
        let (member, service) = (link.0, self.sides[&caller].1);
        let seen = self.ensemble.applied(member);
        let server = self.server(member);
        let view = server.tree.list(port, service);
        let version = server.tree.lists.version(service);
        server.watches[service.index()].insert(caller);
        let entries = view.members.len() as u64;
        let bytes = self.sizes.message_bytes + entries * self.sizes.entry_bytes;
        let message = Message::List {
            epoch,
            caller,
            version,
            view,
            seen,
        };
        let what = (Some(service), bytes);
        self.answer(port, link, ControlKind::PollReply, what, message);
    }

    /// A server takes a write: the leader proposes it, a follower passes it on.
    fn write(&mut self, port: &mut dyn Port, member: u32, change: Change, session: SessionId) {
        let origin = member;
        let entry = Entry {
            change,
            session,
            origin,
        };
        match self.ensemble.role(member) {
            Role::Leading => self.propose(port, member, entry),
            Role::Following(leader) => {
                let term = self.ensemble.term(member);
                let (bytes, message) = (self.sizes.message_bytes, Message::Forward { term, entry });
                self.tell_member(port, (member, leader), ControlKind::Write, bytes, message);
            }
            Role::Looking | Role::Down => {}
        }
    }

    /// A committed transaction changes what a server has.
    pub(super) fn apply(&mut self, port: &mut dyn Port, member: u32, zxid: u64, entry: Entry) {
        let Entry {
            change, session, ..
        } = entry;
        let instance = self.instance_of(session);
        let identity = self.config.identity;
        let tree = &mut self.servers[member as usize].tree;
        let had = instance.is_some_and(|instance| tree.has(instance));
        let mut is_refused = false;
        match (change, instance) {
            (Change::OpenSession, _) => {
                tree.sessions.insert(session);
            }
            (Change::CloseSession, _) => {
                tree.close(session, instance);
            }
            // What comes after the end of its session is refused.
            (_, Some(_)) if !tree.sessions.contains(&session) => is_refused = true,
            (Change::Create, Some(instance)) => {
                is_refused = !tree.create(instance, session, identity);
            }
            (Change::Delete, Some(instance)) => tree.delete(instance, session, identity),
            (Change::SetData, Some(_)) => {}
            (_, None) => unreachable!("only instances have nodes"),
        }
        let has = instance.is_some_and(|instance| tree.has(instance));
        let is_changed = had != has || (change == Change::SetData && has);
        if self.servers[member as usize].office.is_some() {
            self.note_applied(port, member, entry);
        }
        self.answer_write(port, member, zxid, entry, is_refused);
        if is_changed {
            let service = self.clients[self.session(session).client as usize].service;
            let service = service.expect("a registered instance has a service");
            self.fire_watches(port, member, service, zxid);
        }
    }

    fn answer_write(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        zxid: u64,
        entry: Entry,
        is_refused: bool,
    ) {
        let Entry {
            change,
            session,
            origin,
        } = entry;
        let client = self.session(session).client;
        let connections = &mut self.servers[member as usize].connections;
        let Some(connection) = connections.get_mut(client) else {
            return;
        };
        let (epoch, link, seen) = (connection.epoch, (member, client), zxid);
        if change == Change::OpenSession && origin == member && connection.session.is_none() {
            connection.session = Some(session);
            let message = Message::Connected {
                epoch,
                session,
                seen,
            };
            return self.answer_shortly(port, link, ControlKind::Attach, message);
        }
        if connection.session != Some(session) {
            return;
        }
        let op = match change {
            Change::CloseSession => {
                self.forget_connection(member, client, epoch);
                return self.close_connection(port, link, epoch);
            }
            Change::OpenSession => return,
            Change::Create => Op::Create,
            Change::Delete => Op::Delete,
            Change::SetData => Op::SetData,
        };
        if origin == member {
            let message = Message::Written {
                epoch,
                op,
                is_refused,
                seen,
            };
            self.answer_shortly(port, link, ControlKind::WriteReply, message);
        }
    }

    fn fire_watches(&mut self, port: &mut dyn Port, member: u32, service: ServiceId, zxid: u64) {
        let server = self.server(member);
        server.tree.lists.note_change(service, zxid);
        for caller in std::mem::take(&mut server.watches[service.index()]) {
            self.notify(port, member, caller);
        }
    }

    fn notify(&mut self, port: &mut dyn Port, member: u32, caller: CallerId) {
        let client = self.sides[&caller].0;
        let job = system::Job::Zookeeper(Job::Notify { client, caller });
        self.ensemble.submit(port, member, Cost::Notify, job);
    }

    /// A server no longer leads or follows: it drops its clients.
    pub(super) fn stop_serving(&mut self, port: &mut dyn Port, member: u32) {
        self.ensemble.members.clear(port, member);
        self.leave_office(port, member);
        self.close_connections(port, member);
        self.server(member).touched.clear();
    }

    /// All connections of a server end; its host tells the clients, unless it is gone.
    pub(super) fn close_connections(&mut self, port: &mut dyn Port, member: u32) {
        let node: NodeId = self.ensemble.node(member);
        let is_told = closes_connections(port, node);
        let connections = std::mem::take(&mut self.server(member).connections);
        for (client, connection) in connections.iter() {
            if is_told {
                self.close_connection(port, (member, client), connection.epoch);
            }
        }
        for watches in &mut self.server(member).watches {
            watches.clear();
        }
    }
}
