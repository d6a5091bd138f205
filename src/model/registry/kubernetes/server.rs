//! An API server with its member of etcd: writes, watches, and the state that all agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Kubernetes;
use super::message::{Change, Entry, Job, Message, PodState, Slice, Write};
use crate::engine::DenseMap;
use crate::id::{InstanceId, NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::model::registry::system::attach::closes_connections;
use crate::model::registry::system::lists::Lists;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter, Port};
use crate::model::view::ViewSnapshot;

/// What etcd agrees on, as one member has it.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Renewals of the lease of each node.
    pub leases: DenseMap<u32, u32>,
    /// Whether each pod is ready.
    pub pods: DenseMap<InstanceId, bool>,
    /// Pods that the node controller marked, of which no kubelet has spoken since.
    marked: BTreeSet<InstanceId>,
    /// The endpoints.
    pub listed: BTreeSet<InstanceId>,
    lists: Lists,
}

/// One member.
#[derive(Debug)]
pub(super) struct Server {
    pub state: State,
    /// Numbers of the watches of clients, and what each was told last of a service.
    watches: BTreeMap<u32, u32>,
    told: BTreeMap<(u32, ServiceId), u64>,
    /// As a leader: heartbeats so far.
    pub heartbeat_count: u64,
}

impl Server {
    pub fn new(service_count: usize) -> Self {
        Server {
            state: State {
                leases: DenseMap::default(),
                pods: DenseMap::default(),
                marked: BTreeSet::new(),
                listed: BTreeSet::new(),
                lists: Lists::new(service_count),
            },
            watches: BTreeMap::new(),
            told: BTreeMap::new(),
            heartbeat_count: 0,
        }
    }

    pub fn open_watch(&mut self, client: u32, epoch: u32) {
        self.watches.insert(client, epoch);
    }
}

impl Kubernetes {
    pub(super) fn state(&self, member: u32) -> &State {
        &self.servers[member as usize].state
    }

    /// The run begins: everybody who is listed is ready and an endpoint.
    pub(super) fn prepare_pods(&mut self, port: &dyn Port) {
        let leader = self.config.quorum.first_leader as usize;
        let state = &mut self.servers[leader].state;
        for (instance, pod) in self.pods.iter_mut() {
            if port.is_listed(instance) {
                (pod.is_wanted, pod.is_ready) = (true, true);
                pod.seen = Some(port.node(NodeId(instance.0)).incarnation);
                (pod.last, pod.run) = (Some(true), u32::MAX);
                state.pods.insert(instance, true);
                state.listed.insert(instance);
                state.leases.insert(pod.kubelet, 0);
            }
        }
    }

    /// The pods of a service that are ready, as a member has it.
    pub(super) fn ready_pods(&self, member: u32, service: ServiceId) -> BTreeSet<InstanceId> {
        let pods = self.state(member).pods.iter();
        let ready = pods.filter(|pod| *pod.1 && self.pods[pod.0].service == service);
        ready.map(|pod| pod.0).collect()
    }

    /// The endpoints of a service, as a member has them.
    pub(super) fn endpoints(&self, member: u32, service: ServiceId) -> BTreeSet<InstanceId> {
        let listed = self.state(member).listed.iter().copied();
        listed
            .filter(|instance| self.pods[*instance].service == service)
            .collect()
    }

    /// A message of a kubelet, or of one that watches, reaches a member.
    pub(super) fn on_request(&mut self, port: &mut dyn Port, member: u32, message: Message) {
        let (cost, job) = match message {
            Message::Write { kubelet, write } => {
                let cost = match write {
                    Write::Lease { .. } => Cost::Heartbeat,
                    Write::Pod { .. } => Cost::Write,
                };
                (cost, Job::Write { kubelet, write })
            }
            Message::Watch { client, epoch } if self.has_closed(client, epoch) => return,
            Message::Watch { client, epoch } => (Cost::Read, Job::Watch { client, epoch }),
            Message::Ping { client, epoch } => {
                let is_open = self.servers[member as usize].watches.get(&client) == Some(&epoch);
                let message = match is_open {
                    true => Message::Pong { epoch },
                    false => Message::Closed { epoch },
                };
                return self.tell_client(port, (member, client), ControlKind::Ack, 0, message);
            }
            _ => unreachable!("they ask for nothing else"),
        };
        let job = system::Job::Kubernetes(job);
        self.ensemble.submit(port, member, cost, job);
    }

    /// A member has done a piece of work.
    pub(super) fn on_job(&mut self, port: &mut dyn Port, member: u32, job: Job) {
        match job {
            Job::Write { kubelet, write } => {
                let change = Change::Kubelet { kubelet, write };
                let origin = member;
                self.write(port, member, Entry { change, origin });
            }
            Job::Watch { client, epoch } => {
                self.servers[member as usize].open_watch(client, epoch);
                let services = self.clients[client as usize].services();
                let slices: Box<[Slice]> = services
                    .into_iter()
                    .map(|service| self.slice(port, member, client, service))
                    .collect();
                let count = slices.iter().map(|slice| slice.2.members.len()).sum();
                let message = Message::Slices { epoch, slices };
                let kind = ControlKind::PollReply;
                self.tell_client(port, (member, client), kind, count, message);
            }
            Job::Notify { client, service } => self.tell_change(port, (member, client), service),
        }
    }

    /// The endpoints of a service, for one who is told.
    fn slice(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        client: u32,
        service: ServiceId,
    ) -> Slice {
        let view = self.view(port, member, service);
        let server = &mut self.servers[member as usize];
        let version = server.state.lists.version(service);
        server.told.insert((client, service), version);
        (service, version, view)
    }

    pub(super) fn view(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        service: ServiceId,
    ) -> Arc<ViewSnapshot> {
        if let Some((view, _)) = self.state(member).lists.known(service) {
            return view;
        }
        let endpoints = self.endpoints(member, service);
        let lists = &mut self.servers[member as usize].state.lists;
        lists.view(port, service, || endpoints.into_iter().collect())
    }

    /// Tells one who watches what changed since it was told last; all of it at once.
    fn tell_change(&mut self, port: &mut dyn Port, link: (u32, u32), service: ServiceId) {
        let (member, client) = link;
        let server = &self.servers[member as usize];
        let Some(epoch) = server.watches.get(&client).copied() else {
            return;
        };
        let version = server.state.lists.version(service);
        if server.told.get(&(client, service)) == Some(&version) {
            return;
        }
        let slice = self.slice(port, member, client, service);
        let count = slice.2.members.len();
        let message = Message::Changed { epoch, slice };
        self.tell_client(port, link, ControlKind::Notification, count, message);
    }

    fn tell_client(
        &self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        kind: ControlKind,
        entry_count: usize,
        message: Message,
    ) {
        let service = match &message {
            Message::Changed { slice, .. } => Some(slice.0),
            _ => None,
        };
        let letter = Letter {
            from: self.ensemble.node(member),
            to: self.clients[client as usize].node,
            kind,
            service,
            byte_count: self.sizes.message_bytes + entry_count as u64 * self.sizes.entry_bytes,
        };
        port.send(letter, system::Message::Kubernetes(message));
    }

    /// etcd agreed on a change.
    pub(super) fn apply(&mut self, port: &mut dyn Port, member: u32, zxid: u64, entry: Entry) {
        match entry.change {
            Change::Kubelet { kubelet, write } => {
                self.apply_write(port, member, write, kubelet);
                if entry.origin == member {
                    self.confirm(port, member, kubelet, write);
                }
            }
            Change::Mark { kubelet } => {
                for instance in self.kubelets[kubelet as usize].instances.clone() {
                    let state = &mut self.servers[member as usize].state;
                    if let Some(is_ready) = state.pods.get_mut(instance)
                        && std::mem::take(is_ready)
                    {
                        state.marked.insert(instance);
                        self.note_pod(port, member, instance);
                    }
                }
            }
            Change::Slice { service } => self.apply_slice(port, member, zxid, service),
        }
    }

    fn apply_write(&mut self, port: &mut dyn Port, member: u32, write: Write, kubelet: u32) {
        let leads = self.ensemble.role(member) == Role::Leading;
        let state = &mut self.servers[member as usize].state;
        match write {
            Write::Lease { number } => {
                state.leases.insert(kubelet, number);
            }
            Write::Pod {
                instance,
                state: pod,
                ..
            } => {
                // Its kubelet knows better than the node controller did.
                if state.marked.remove(&instance) && leads && pod == PodState::Ready {
                    port.set_suspected(instance, false);
                }
                let before = state.pods.get(instance).copied();
                match pod {
                    PodState::Deleted => state.pods.remove(instance),
                    PodState::Ready => state.pods.insert(instance, true),
                    PodState::Unready => state.pods.insert(instance, false),
                };
                if state.pods.get(instance).copied() != before {
                    self.note_pod(port, member, instance);
                }
            }
        }
    }

    /// Tells the kubelet that its write holds.
    fn confirm(&mut self, port: &mut dyn Port, member: u32, kubelet: u32, write: Write) {
        let Some(to) = self.endpoint(port, kubelet) else {
            return;
        };
        let marked = &self.state(member).marked;
        let mut instances = self.kubelets[kubelet as usize].instances.iter();
        let is_marked = instances.any(|instance| marked.contains(instance));
        let (kind, service) = match write {
            Write::Lease { .. } => (ControlKind::HeartbeatReply, None),
            Write::Pod { instance, .. } => {
                (ControlKind::WriteReply, Some(self.pods[instance].service))
            }
        };
        let letter = Letter {
            from: self.ensemble.node(member),
            to,
            kind,
            service,
            byte_count: self.sizes.message_bytes,
        };
        let message = Message::Written {
            kubelet,
            write,
            is_marked,
        };
        port.send(letter, system::Message::Kubernetes(message));
    }

    /// The endpoints of a service are what its pods are.
    fn apply_slice(&mut self, port: &mut dyn Port, member: u32, zxid: u64, service: ServiceId) {
        let (ready, before) = (
            self.ready_pods(member, service),
            self.endpoints(member, service),
        );
        let leads = self.ensemble.role(member) == Role::Leading;
        let state = &mut self.servers[member as usize].state;
        for instance in ready.symmetric_difference(&before) {
            let is_listed = ready.contains(instance);
            match is_listed {
                true => state.listed.insert(*instance),
                false => state.listed.remove(instance),
            };
            if leads {
                port.set_listed(*instance, is_listed);
            }
        }
        state.lists.note_change(service, zxid);
        self.on_slice_written(port, member, service);
        self.notify(port, member, service);
    }

    /// All who watch a member are told of a service.
    fn notify(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) {
        let watches = self.servers[member as usize].watches.keys().copied();
        for client in watches.collect::<Vec<u32>>() {
            if self.clients[client as usize].services().contains(&service) {
                let job = system::Job::Kubernetes(Job::Notify { client, service });
                self.ensemble.submit(port, member, Cost::Notify, job);
            }
        }
    }

    /// A member takes over the state of its leader.
    pub(super) fn copy_state(&mut self, port: &mut dyn Port, from: u32, to: u32) {
        let state = self.servers[from as usize].state.clone();
        self.servers[to as usize].state = state;
        for service in self.services.clone() {
            self.notify(port, to, service);
        }
    }

    /// All watches of a member end; its host tells those who watch, unless it is gone.
    pub(super) fn close_watches(&mut self, port: &mut dyn Port, member: u32) {
        let is_told = closes_connections(port, self.ensemble.node(member));
        let server = &mut self.servers[member as usize];
        server.told.clear();
        for (client, epoch) in std::mem::take(&mut server.watches) {
            if is_told {
                let message = Message::Closed { epoch };
                let link = (member, client);
                self.tell_client(port, link, ControlKind::Attach, 0, message);
            }
        }
    }
}
