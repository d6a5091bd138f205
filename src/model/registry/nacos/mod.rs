//! Nacos 2.x with ephemeral instances that beat (the protocol of 1.x clients): unhealthy after 15 s
//! of silence, removed after 30 s, and both only at the next look of the responsible server.
//!
//! Source: reference of the rules of `ClientBeatCheckTask`, `BeatReactor`, `HostReactor`,
//! `ServiceUtil.selectInstancesWithHealthyProtection`, `PushDelayTask`. How servers share their
//! work and tell each other (Distro) is assumed, and so are the keys marked so.
//!
//! Every instance has one responsible server among those that live: others pass its beats on to
//! it. It alone looks for silence; the others hear of changes. Clients ask a server drawn anew for
//! every question. Servers push lists over UDP to those who pulled lately.
//!
//! With `client = "grpc"`, as 2.x clients are, an instance is there as long as the connection of
//! its process ([`line`], [`ejector`]; `RpcClient`, `NacosRuntimeConnectionEjector`,
//! `NamingGrpcRedoService`). The server of that connection is the responsible one.
//!
//! Left out: persistent instances, empty-push protection, limits of connections. One pull asks for
//! all services of a process.

mod client;
mod ejector;
mod line;
mod message;
mod peers;
mod server;

use std::collections::BTreeSet;

pub use message::{Alarm, Job, Message};

use self::client::Client;
use self::line::{Line, Peers};
use self::message::Answer;
use self::server::Server;
use super::system::members::{Cost, Members};
use super::system::parties::{Alarms, parties};
use super::system::{self, Letter, Port, Protocol};
use crate::engine::DenseMap;
use crate::id::{InstanceId, NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::scenario::Scenario;
use crate::scenario::registry::nacos::NacosConfig;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};
use crate::time::SimDuration;

/// Nacos.
#[derive(Debug)]
pub struct Nacos {
    config: NacosConfig,
    sizes: SizesConfig,
    members: Members,
    nodes: Vec<NodeId>,
    servers: Vec<Server>,
    clients: Vec<Client>,
    client_of: Vec<Option<u32>>,
    /// The connection of each client, where they have one.
    lines: Vec<Line>,
    /// The connections of each server.
    peers_of: Vec<Peers>,
    /// Silence after which each registered instance is unhealthy, and its service.
    rules: DenseMap<InstanceId, (SimDuration, ServiceId)>,
    /// Services that register.
    services: BTreeSet<ServiceId>,
    alarms: Alarms<Alarm>,
}

impl Nacos {
    /// The servers and clients of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &NacosConfig) -> Self {
        let topology = &scenario.topology;
        let member_count = topology.registry_member_count();
        let nodes: Vec<NodeId> = (0..member_count)
            .map(|m| topology.registry_node(m))
            .collect();
        let mut client_of = vec![None; topology.node_count() as usize];
        let mut rules = DenseMap::default();
        let mut clients = Vec::new();
        for party in parties(scenario) {
            client_of[party.node.index()] = Some(clients.len() as u32);
            if let Some((instance, service, registered)) = party.instance {
                rules.insert(instance, (registered.lease_duration, service));
            }
            clients.push(Client::new(party));
        }
        let services = rules.values().map(|rule: &(_, ServiceId)| rule.1).collect();
        let server = |_| Server::new(member_count, scenario.services.len());
        Nacos {
            config: *config,
            sizes: system.sizes,
            members: Members::new(system.capacity, &nodes),
            servers: (0..member_count).map(server).collect(),
            nodes,
            lines: match config.grpc {
                Some(_) => clients.iter().map(|_| Line::default()).collect(),
                None => Vec::new(),
            },
            peers_of: vec![Peers::new(); member_count as usize],
            clients,
            client_of,
            rules,
            services,
            alarms: Alarms::new(scenario, system::Alarm::Nacos),
        }
    }

    fn member_of(&self, node: NodeId) -> Option<u32> {
        let first = self.nodes.first()?.0;
        node.0.checked_sub(first)
    }

    fn submit(&mut self, port: &mut dyn Port, member: u32, cost: Cost, job: Job) {
        let job = system::Job::Nacos(job);
        if let Some(job) = self.members.submit(port, member, cost, job) {
            self.on_job(port, member, job);
        }
    }

    fn on_job(&mut self, port: &mut dyn Port, member: u32, job: system::Job) {
        let system::Job::Nacos(job) = job else {
            unreachable!("its members do its own work only");
        };
        match job {
            Job::Request(request) => self.serve(port, member, request),
            Job::Sync { from, state } => self.take_news(port, member, (from, state)),
            Job::Publish {
                client,
                epoch,
                is_listed,
            } => self.publish(port, (member, client), epoch, is_listed),
            Job::Subscribe { client, epoch } => self.subscribe(port, (member, client), epoch),
            Job::Disconnect { client, epoch } => self.disconnect(port, (member, client), epoch),
            Job::Push { client, service } => self.push(port, member, client, service),
        }
    }

    fn send(
        &self,
        port: &mut dyn Port,
        link: (NodeId, NodeId),
        about: (ControlKind, Option<ServiceId>),
        entry_count: usize,
        message: Message,
    ) {
        let letter = Letter::listing(&self.sizes, link, about, entry_count);
        port.send(letter, system::Message::Nacos(message));
    }

    /// Sends a message from one server to another.
    fn tell_peer(
        &self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        entry_count: usize,
        message: Message,
    ) {
        let link = (self.nodes[from as usize], self.nodes[to as usize]);
        let kind = match message {
            Message::Report => ControlKind::MemberHeartbeat,
            _ => ControlKind::Replication,
        };
        self.send(port, link, (kind, None), entry_count, message);
    }

    /// What those servers have that are open is what holds.
    fn agree(&self, port: &mut dyn Port, instance: InstanceId) {
        let mut open = self.servers.iter().filter(|s| s.is_open).peekable();
        if open.peek().is_some() {
            let is_listed = open.any(|server| {
                let record = server.records.get(instance);
                record.is_some_and(|record| record.is_healthy)
            });
            port.set_listed(instance, is_listed);
        }
    }
}

impl Protocol for Nacos {
    fn start(&mut self, port: &mut dyn Port) {
        self.start_servers(port);
        self.start_clients(port);
        if self.config.grpc.is_some() {
            self.start_lines(port);
        }
    }

    fn on_message(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let system::Message::Nacos(message) = message else {
            unreachable!("nobody speaks another protocol");
        };
        match (message, self.member_of(from), self.member_of(to)) {
            (Message::Request(request), _, Some(to)) => self.on_request(port, to, request),
            (Message::Answer { request, answer }, _, Some(to)) => {
                self.answer(port, to, Self::unpassed(request), answer);
            }
            (Message::Answer { request, answer }, _, None) => {
                self.on_answer(port, request, answer);
            }
            (Message::Push { service, view }, _, None) => {
                let client = self.client_of[to.index()].expect("only clients pull");
                self.take_view(port, client, service, &view);
            }
            (
                Message::Talk {
                    client,
                    epoch,
                    talk,
                },
                _,
                to,
            ) => match to {
                Some(to) => self.on_client_talk(port, (to, client), epoch, talk),
                None => self.on_server_talk(port, client, epoch, talk),
            },
            (message, Some(from), Some(to)) => self.on_peer_message(port, (from, to), message),
            _ => unreachable!("servers tell clients nothing else"),
        }
    }

    fn on_refused(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        _to: NodeId,
        message: system::Message,
    ) {
        let system::Message::Nacos(message) = message else {
            unreachable!("nobody speaks another protocol");
        };
        match (message, self.member_of(from)) {
            (Message::Request(request), None) => {
                self.on_answer(port, request, Answer::Unavailable);
            }
            (Message::Request(request), Some(member)) => {
                self.answer(port, member, Self::unpassed(request), Answer::Unavailable);
            }
            (Message::Load, Some(member)) => self.ask_next_peer(port, member),
            (Message::Talk { client, epoch, .. }, None) => {
                self.on_talk_refused(port, client, epoch);
            }
            _ => {}
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: system::Alarm) {
        let alarm = match alarm {
            system::Alarm::CoreDone { member, core } => {
                let job = self.members.on_core_done(port, member, core);
                return self.on_job(port, member, job);
            }
            system::Alarm::Nacos(alarm) => alarm,
            _ => unreachable!("it sets no other timers"),
        };
        self.alarms.note_fired(node, alarm);
        match alarm {
            Alarm::Task { client, channel } => self.on_task_alarm(port, client, channel),
            Alarm::Keep { client } => self.on_keep_due(port, client),
            Alarm::KeepEnds { client } => self.on_line_lost(port, client),
            Alarm::Redo { client } => self.redo(port, client),
            Alarm::Eject { member } => self.eject(port, member),
            Alarm::EjectEnds { member } => self.end_ejection(port, member),
            Alarm::Check { member, service } => self.check(port, member, service),
            Alarm::Push { member, service } => self.push_all(port, member, service),
            Alarm::Sync { member } => self.sync(port, member),
            Alarm::Verify { member } => self.verify(port, member),
            Alarm::Report { member } => self.report(port, member),
            Alarm::Load { member } => self.ask_next_peer(port, member),
        }
    }

    fn on_died(&mut self, port: &mut dyn Port, node: NodeId) {
        self.alarms.cancel_all(port, node);
        if let Some(member) = self.member_of(node) {
            self.members.clear(port, member);
            let counts = (self.nodes.len() as u32, port.scenario().services.len());
            self.servers[member as usize] = Server::new(counts.0, counts.1);
            self.drop_peers(port, member);
            self.agree_on_all(port);
        } else if let Some(client) = self.client_of[node.index()] {
            self.stop_client(client);
            if self.config.grpc.is_some() {
                self.drop_line(port, client);
            }
        }
    }

    fn on_started(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.member_of(node) {
            self.servers[member as usize].next_peer = Some(0);
            self.ask_next_peer(port, member);
        } else if let Some(client) = self.client_of[node.index()] {
            self.start_client(port, client);
        }
    }

    fn on_resumed(&mut self, _port: &mut dyn Port, _node: NodeId) {}

    fn register(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, true);
    }

    fn deregister(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, false);
    }

    fn on_weight_changed(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.change_weight(port, instance);
    }
}
