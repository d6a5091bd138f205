//! The member: connections, requests, what was agreed on, watches.

use super::message::{Change, Entry, Job, LeaseId, Message, Op};
use super::{Etcd, Read, Watcher, watchers_of};
use crate::id::{CallerId, ServiceId};
use crate::model::observation::ControlKind;
use crate::model::registry::system::attach::closes_connections;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter, Port};

impl Etcd {
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
        port.send(letter, system::Message::Etcd(message));
    }

    fn answer_shortly(
        &self,
        port: &mut dyn Port,
        link: (u32, u32),
        kind: ControlKind,
        message: Message,
    ) {
        let target = self.clients[link.1 as usize].target;
        let what = (target.map(|(_, service)| service), self.sizes.message_bytes);
        self.answer(port, link, kind, what, message);
    }

    /// A message of a client reaches a member.
    pub(super) fn on_client_message(&mut self, port: &mut dyn Port, member: u32, message: Message) {
        match message {
            Message::Connect { client, epoch } => {
                if self.clients[client as usize].epoch != epoch {
                    // A socket that its client has closed meanwhile.
                    return;
                }
                self.server(member).connections.insert(client, epoch);
                let message = Message::Connected { epoch };
                self.answer_shortly(port, (member, client), ControlKind::Attach, message);
            }
            Message::Request { client, epoch, op } => {
                let cost = match op {
                    Op::KeepAlive { .. } => Cost::Heartbeat,
                    Op::Range { .. } | Op::Watch { .. } => Cost::Read,
                    Op::Grant | Op::Put { .. } | Op::Delete | Op::Revoke { .. } => Cost::Write,
                };
                let job = system::Job::Etcd(Job::Request { client, epoch, op });
                self.ensemble.submit(port, member, cost, job);
            }
            Message::Hangup { client, epoch } => self.forget_connection(member, client, epoch),
            _ => unreachable!("clients say nothing else"),
        }
    }

    fn is_open(&self, member: u32, client: u32, epoch: u32) -> bool {
        self.servers[member as usize].connections.get(client) == Some(&epoch)
    }

    fn forget_connection(&mut self, member: u32, client: u32, epoch: u32) {
        if !self.is_open(member, client, epoch) {
            return;
        }
        let server = &mut self.servers[member as usize];
        server.connections.remove(client);
        for (caller, _) in &self.clients[client as usize].sides {
            server.watchers.remove(caller);
        }
    }

    /// A member has done a piece of work.
    pub(super) fn on_job(&mut self, port: &mut dyn Port, member: u32, job: Job) {
        match job {
            Job::Request { client, epoch, op } => {
                if self.is_open(member, client, epoch) {
                    self.on_request(port, (member, client), epoch, op);
                }
            }
            Job::Notify { client, caller } => self.tell_changes(port, (member, client), caller),
        }
    }

    fn on_request(&mut self, port: &mut dyn Port, link: (u32, u32), epoch: u32, op: Op) {
        let (member, client) = link;
        match op {
            Op::Grant => {
                let lease = self.new_lease(client);
                self.write(port, member, Change::Grant, lease);
            }
            Op::KeepAlive { lease } => self.keep_alive(port, link, epoch, lease),
            Op::Put { lease } => self.write(port, member, Change::Put, lease),
            Op::Revoke { lease } => self.write(port, member, Change::Revoke, lease),
            Op::Delete => {
                let instance = self.clients[client as usize].target.map(|(i, _)| i);
                let keys = &self.servers[member as usize].state.keys;
                let lease = instance.and_then(|instance| keys.get(instance).copied());
                match lease {
                    Some(lease) => self.write(port, member, Change::Delete, lease),
                    None => self.answer_write(port, (member, client), op, false),
                }
            }
            Op::Range { caller } => {
                let read = Read {
                    client,
                    epoch,
                    caller,
                    index: 0,
                };
                self.begin_read(port, member, read);
            }
            Op::Watch { caller, version } => {
                let service = self.sides[&caller].1;
                let server = self.server(member);
                let change_count = server.state.lists.change_count(service);
                let is_behind = version < server.state.lists.version(service);
                let watcher = Watcher {
                    version,
                    change_count: change_count - u64::from(is_behind && 0 < change_count),
                };
                server.watchers.insert(caller, watcher);
                if is_behind {
                    self.notify(port, member, caller);
                }
            }
        }
    }

    /// A member takes a write: the leader proposes it, a follower passes it on.
    fn write(&mut self, port: &mut dyn Port, member: u32, change: Change, lease: LeaseId) {
        let entry = Entry {
            change,
            lease,
            origin: member,
        };
        match self.ensemble.role(member) {
            Role::Leading => {
                let entry = system::Entry::Etcd(entry);
                self.ensemble.propose(port, member, entry);
            }
            Role::Following(leader) => {
                let (bytes, message) = (self.sizes.message_bytes, Message::Forward { entry });
                self.tell_member(port, (member, leader), ControlKind::Write, bytes, message);
            }
            Role::Looking | Role::Down => {}
        }
    }

    fn answer_write(&self, port: &mut dyn Port, link: (u32, u32), op: Op, is_refused: bool) {
        let connections = &self.servers[link.0 as usize].connections;
        if let Some(epoch) = connections.get(link.1).copied() {
            let message = Message::Written {
                epoch,
                op,
                is_refused,
            };
            self.answer_shortly(port, link, ControlKind::WriteReply, message);
        }
    }

    /// The answer to a keepalive reaches the member of its client.
    pub(super) fn on_renewed(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        epoch: u32,
        (lease, is_known): (LeaseId, bool),
    ) {
        if self.is_open(member, client, epoch) {
            let message = Message::Alive {
                epoch,
                lease,
                is_known,
            };
            let kind = ControlKind::HeartbeatReply;
            self.answer_shortly(port, (member, client), kind, message);
        }
    }

    /// The quorum agreed on a request.
    pub(super) fn apply(&mut self, port: &mut dyn Port, member: u32, zxid: u64, entry: Entry) {
        let Entry { change, lease, .. } = entry;
        let (instance, service) = self.target_of(lease);
        let state = &mut self.servers[member as usize].state;
        let is_known = state.leases.get(lease).is_some();
        let (mut is_changed, mut is_refused) = (false, false);
        match change {
            Change::Grant => {
                state.leases.insert(lease, None);
            }
            Change::Revoke => {
                state.leases.remove(lease);
                if state.keys.get(instance) == Some(&lease) {
                    state.keys.remove(instance);
                    is_changed = true;
                }
            }
            Change::Put if is_known => {
                state.keys.insert(instance, lease);
                is_changed = true;
            }
            Change::Put => is_refused = true,
            Change::Delete => is_changed = state.keys.remove(instance).is_some(),
            Change::Checkpoint { secs } => {
                if let Some(left) = state.leases.get_mut(lease) {
                    *left = Some(secs);
                }
            }
        }
        if self.servers[member as usize].office.is_some() {
            self.note_applied(port, member, entry);
        }
        self.report(port, member, entry, is_refused);
        if is_changed {
            let server = &mut self.servers[member as usize];
            server.state.lists.note_change(service, zxid);
            for caller in watchers_of(server, &self.sides, service) {
                self.notify(port, member, caller);
            }
        }
        self.answer_reads(port, member);
    }

    /// Tells the client that asked for it.
    fn report(&mut self, port: &mut dyn Port, member: u32, entry: Entry, is_refused: bool) {
        let Entry {
            change,
            lease,
            origin,
        } = entry;
        let client = self.lease(lease).client;
        let connections = &self.servers[member as usize].connections;
        let Some(epoch) = connections
            .get(client)
            .copied()
            .filter(|_| origin == member)
        else {
            return;
        };
        let link = (member, client);
        match change {
            Change::Grant => {
                let message = Message::Granted { epoch, lease };
                self.answer_shortly(port, link, ControlKind::WriteReply, message);
            }
            Change::Put => self.answer_write(port, link, Op::Put { lease }, is_refused),
            Change::Delete => self.answer_write(port, link, Op::Delete, false),
            Change::Revoke | Change::Checkpoint { .. } => {}
        }
    }

    fn notify(&mut self, port: &mut dyn Port, member: u32, caller: CallerId) {
        let client = self.sides[&caller].0;
        let job = system::Job::Etcd(Job::Notify { client, caller });
        self.ensemble.submit(port, member, Cost::Notify, job);
    }

    /// Tells a watcher what changed since it was told last; all of it at once.
    fn tell_changes(&mut self, port: &mut dyn Port, link: (u32, u32), caller: CallerId) {
        let (member, service) = (link.0, self.sides[&caller].1);
        let server = &self.servers[member as usize];
        let (Some(epoch), Some(watcher)) = (
            server.connections.get(link.1).copied(),
            server.watchers.get(&caller).copied(),
        ) else {
            return;
        };
        let version = server.state.lists.version(service);
        if watcher.version < version {
            let change_count = server.state.lists.change_count(service);
            let events = change_count.saturating_sub(watcher.change_count).max(1);
            let bytes = self.sizes.message_bytes + events * self.sizes.entry_bytes;
            self.send_list(
                port,
                link,
                epoch,
                caller,
                (ControlKind::Notification, bytes),
            );
        }
    }

    fn send_list(
        &mut self,
        port: &mut dyn Port,
        link: (u32, u32),
        epoch: u32,
        caller: CallerId,
        (kind, bytes): (ControlKind, u64),
    ) {
        let service = self.sides[&caller].1;
        let range = port.scenario().topology.service_instances(service);
        let state = &mut self.servers[link.0 as usize].state;
        let (first, end) = (
            crate::id::InstanceId(range.start),
            crate::id::InstanceId(range.end),
        );
        let keys = &state.keys;
        let instances = || {
            keys.range(first..end)
                .map(|(instance, _)| instance)
                .collect()
        };
        let view = state.lists.view(port, service, instances);
        let version = state.lists.version(service);
        let change_count = state.lists.change_count(service);
        let watcher = Watcher {
            version,
            change_count,
        };
        self.server(link.0).watchers.insert(caller, watcher);
        let message = Message::List {
            epoch,
            caller,
            version,
            view,
        };
        self.answer(port, link, kind, (Some(service), bytes), message);
    }

    /// Answers the reads that are no longer stale.
    pub(super) fn answer_reads(&mut self, port: &mut dyn Port, member: u32) {
        if self.servers[member as usize].reads.is_empty() {
            return;
        }
        let applied = self.ensemble.applied(member);
        let reads = std::mem::take(&mut self.server(member).reads);
        for read in reads {
            if applied < read.index {
                self.server(member).reads.push(read);
            } else if self.is_open(member, read.client, read.epoch) {
                let service = self.sides[&read.caller].1;
                let count = self.entry_count(port, member, service);
                let bytes = self.sizes.message_bytes + count * self.sizes.entry_bytes;
                let (link, what) = ((member, read.client), (ControlKind::PollReply, bytes));
                self.send_list(port, link, read.epoch, read.caller, what);
            }
        }
    }

    fn entry_count(&self, port: &dyn Port, member: u32, service: ServiceId) -> u64 {
        let range = port.scenario().topology.service_instances(service);
        let (first, end) = (
            crate::id::InstanceId(range.start),
            crate::id::InstanceId(range.end),
        );
        let keys = &self.servers[member as usize].state.keys;
        keys.range(first..end).count() as u64
    }

    /// A member takes over the state of its leader; its watchers are told what that changes.
    pub(super) fn copy_state(&mut self, port: &mut dyn Port, from: u32, to: u32) {
        let state = self.servers[from as usize].state.clone();
        self.server(to).state = state;
        let watchers: Vec<CallerId> = self.server(to).watchers.keys().copied().collect();
        for caller in watchers {
            self.notify(port, to, caller);
        }
        self.answer_reads(port, to);
    }

    /// All connections of a member end; its host tells the clients, unless it is gone.
    pub(super) fn close_connections(&mut self, port: &mut dyn Port, member: u32) {
        let is_told = closes_connections(port, self.ensemble.node(member));
        let connections = std::mem::take(&mut self.server(member).connections);
        for (client, epoch) in connections.iter() {
            let epoch = *epoch;
            if is_told {
                let (link, message) = ((member, client), Message::Closed { epoch });
                self.answer_shortly(port, link, ControlKind::Attach, message);
            }
        }
        let server = self.server(member);
        server.watchers.clear();
        server.reads.clear();
    }
}
