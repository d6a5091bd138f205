//! DNS: a name for each service, whose records live in caches for as long as they say.
//!
//! Source: RFC 1034 and 1035 (records, zones, time to live), RFC 1996 (name servers are told of
//! changes), RFC 2136 (updates), RFC 2308 (answers without records), RFC 8767 (serve-stale),
//! `resolv.conf`; health checks as Amazon Route 53 describes them; lookups after failures as in
//! gRPC's resolver. There is no one system, so what a scenario does not set is assumed.
//!
//! The first members are name servers, the last ones may be resolvers with a cache. The first name
//! server takes registrations, checks instances and tells the others; its zone survives it. A
//! process looks a name up again as soon as its answer is too old, as one does that is always
//! busy. Queries are packets: they get lost, and are not sent again before their timeout.
//!
//! Left out: delegation, answers that do not fit in a packet, whole seconds of the time to live.

mod check;
mod lookup;
mod message;
mod resolver;
mod zone;

use std::sync::Arc;

pub use message::{Alarm, Job, Message};

use self::check::Check;
use self::lookup::Client;
use self::message::Asker;
use self::resolver::Resolver;
use self::zone::NameServer;
use super::system::members::{Cost, Members};
use super::system::parties::{Alarms, parties};
use super::system::{self, Letter, Port, Protocol};
use crate::engine::DenseMap;
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::scenario::registry::dns::DnsConfig;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};

/// A list that many share.
type View = Arc<ViewSnapshot>;

/// DNS.
#[derive(Debug)]
pub struct Dns {
    config: DnsConfig,
    sizes: SizesConfig,
    members: Members,
    nodes: Vec<NodeId>,
    /// The first members.
    servers: Vec<NameServer>,
    /// The others.
    resolvers: Vec<Resolver>,
    clients: Vec<Client>,
    client_of: Vec<Option<u32>>,
    /// The service of each instance that registers.
    services: DenseMap<InstanceId, ServiceId>,
    /// Changes that the registrar has noted and that do not hold yet.
    noted: DenseMap<InstanceId, bool>,
    checks: DenseMap<InstanceId, Check>,
    alarms: Alarms<Alarm>,
}

impl Dns {
    /// The members and clients of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &DnsConfig) -> Self {
        let topology = &scenario.topology;
        let member_count = topology.registry_member_count();
        let nodes: Vec<NodeId> = (0..member_count)
            .map(|m| topology.registry_node(m))
            .collect();
        let mut client_of = vec![None; topology.node_count() as usize];
        let mut services = DenseMap::default();
        let mut clients = Vec::new();
        for party in parties(scenario) {
            client_of[party.node.index()] = Some(clients.len() as u32);
            if let Some((instance, service, _)) = party.instance {
                services.insert(instance, service);
            }
            clients.push(Client::new(party));
        }
        let server_count = member_count - config.shared_resolver_count;
        let server = |_| NameServer::new(scenario.services.len());
        Dns {
            config: *config,
            sizes: system.sizes,
            members: Members::new(system.capacity, &nodes),
            nodes,
            servers: (0..server_count).map(server).collect(),
            resolvers: (server_count..member_count)
                .map(|_| Resolver::default())
                .collect(),
            clients,
            client_of,
            services,
            noted: DenseMap::default(),
            checks: DenseMap::default(),
            alarms: Alarms::new(scenario, system::Alarm::Dns),
        }
    }

    fn member_of(&self, node: NodeId) -> Option<u32> {
        let first = self.nodes.first()?.0;
        node.0.checked_sub(first)
    }

    fn member_node(&self, member: u32) -> NodeId {
        self.nodes[member as usize]
    }

    fn asker_node(&self, asker: Asker) -> NodeId {
        match asker {
            Asker::Client(client) => self.clients[client as usize].node,
            Asker::Resolver(member) => self.member_node(member),
        }
    }

    /// The member that keeps the zone.
    fn primary(&self) -> NodeId {
        self.member_node(0)
    }

    fn submit(&mut self, port: &mut dyn Port, member: u32, cost: Cost, job: Job) {
        let job = system::Job::Dns(job);
        if let Some(job) = self.members.submit(port, member, cost, job) {
            self.on_job(port, member, job);
        }
    }

    fn on_job(&mut self, port: &mut dyn Port, member: u32, job: system::Job) {
        let system::Job::Dns(job) = job else {
            unreachable!("its members do its own work only");
        };
        match job {
            Job::Query(question) if (member as usize) < self.servers.len() => {
                self.answer_from_zone(port, member, question);
            }
            Job::Query(question) => self.answer_from_cache(port, member, question),
            Job::Update {
                instance,
                is_listed,
            } => self.note_update(port, instance, is_listed),
            Job::Checked { instance, number } => self.end_check(port, instance, number, true),
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
        port.send(letter, system::Message::Dns(message));
    }

    /// A message reaches an instance or a process that calls some.
    fn on_client_message(&mut self, port: &mut dyn Port, to: NodeId, message: Message) {
        match message {
            Message::Answer { question, records } => self.on_answer(port, question, records),
            Message::Check { instance, number } => {
                let about = (ControlKind::Ack, Some(self.services[instance]));
                let message = Message::Checked { instance, number };
                self.send(port, (to, self.primary()), about, 0, message);
            }
            Message::Updated {
                instance,
                is_listed,
            } => self.on_updated(port, instance, is_listed),
            _ => unreachable!("members tell them nothing else"),
        }
    }

    fn on_member_message(&mut self, port: &mut dyn Port, (from, to): (NodeId, u32), m: Message) {
        match m {
            Message::Query(question) => {
                self.submit(port, to, Cost::Read, Job::Query(question));
            }
            Message::Answer { question, records } => self.on_answer(port, question, records),
            Message::Update {
                instance,
                is_listed,
            } => {
                let job = Job::Update {
                    instance,
                    is_listed,
                };
                self.submit(port, to, Cost::Write, job);
            }
            Message::Checked { instance, number } => {
                let job = Job::Checked { instance, number };
                self.submit(port, to, Cost::Heartbeat, job);
            }
            Message::Load => self.send_zone(port, from),
            Message::Zone { records, is_whole } => self.take_zone(to, &records, is_whole),
            Message::Check { .. } | Message::Updated { .. } => {
                unreachable!("members are not checked")
            }
        }
    }
}

impl Protocol for Dns {
    fn start(&mut self, port: &mut dyn Port) {
        self.start_zone(port);
        self.start_caches(port);
    }

    fn on_message(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let system::Message::Dns(message) = message else {
            unreachable!("nobody speaks another protocol");
        };
        match self.member_of(to) {
            Some(member) => self.on_member_message(port, (from, member), message),
            None => self.on_client_message(port, to, message),
        }
    }

    fn on_refused(
        &mut self,
        port: &mut dyn Port,
        _from: NodeId,
        _to: NodeId,
        message: system::Message,
    ) {
        let system::Message::Dns(message) = message else {
            unreachable!("nobody speaks another protocol");
        };
        match message {
            Message::Query(question) => self.on_silence(port, question),
            Message::Check { instance, number } => self.end_check(port, instance, number, false),
            Message::Update { instance, .. } => self.register_later(port, instance),
            _ => {}
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: system::Alarm) {
        let alarm = match alarm {
            system::Alarm::CoreDone { member, core } => {
                let job = self.members.on_core_done(port, member, core);
                return self.on_job(port, member, job);
            }
            system::Alarm::Dns(alarm) => alarm,
            _ => unreachable!("it sets no other timers"),
        };
        match alarm {
            Alarm::Check { instance } => return self.begin_check(port, instance),
            Alarm::CheckEnds { instance } => return self.give_up_check(port, instance),
            _ => self.alarms.note_fired(node, alarm),
        }
        match alarm {
            Alarm::Lookup { client, service } => self.on_lookup_due(port, client, service),
            Alarm::Resolve { member, service } => {
                let question = self.open_question(Asker::Resolver(member), service);
                self.on_silence(port, question);
            }
            Alarm::Register { client } => self.send_update(port, client),
            Alarm::Apply { instance } => self.apply_noted(port, instance),
            Alarm::Refresh { member } => self.refresh(port, member),
            Alarm::Check { .. } | Alarm::CheckEnds { .. } => unreachable!("checks have their own"),
        }
    }

    fn on_died(&mut self, port: &mut dyn Port, node: NodeId) {
        self.alarms.cancel_all(port, node);
        if let Some(member) = self.member_of(node) {
            self.members.clear(port, member);
            if member == 0 {
                self.stop_all_checks(port);
            }
            if let Some(place) = (member as usize).checked_sub(self.servers.len()) {
                self.resolvers[place].forget();
            }
        } else if let Some(client) = self.client_of[node.index()] {
            self.stop_client(client);
        }
    }

    fn on_started(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.member_of(node) {
            self.start_member(port, member);
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
        if let Some(state) = self.servers[0].records.get(instance).copied() {
            self.change(port, instance, Some(state));
        }
    }

    fn on_connection_failed(&mut self, port: &mut dyn Port, caller: CallerId) {
        self.resolve_after_failure(port, caller);
    }
}
