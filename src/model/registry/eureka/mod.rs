//! Netflix Eureka 2.x with Ribbon: leases at every server for itself, caches everywhere, no quorum.
//!
//! Source: `Lease`, `AbstractInstanceRegistry`, `PeerAwareInstanceRegistryImpl`, `MeasuredRate`,
//! `ResponseCacheImpl`, `PeerEurekaNode`, `TaskDispatchers`; `DiscoveryClient`,
//! `InstanceInfoReplicator`, `TimedSupervisorTask`, `RetryableEurekaHttpClient`,
//! `SessionedEurekaHttpClient`; Ribbon's `PollingServerListUpdater`.
//!
//! Every process has one client with two channels, one for its registration and one for fetches.
//! A server does what it is asked, and tells its peers in batches; it takes the word of none, so a
//! lease ends at each server by that server's own clock. Reads come from caches and never wait.
//!
//! Left out: remote regions, status overrides, the rate limiter, and the server's client of its
//! own: a server counts the clients that it expects in its own registry instead.

mod cache;
mod client;
mod lease;
mod message;
mod replicate;
mod server;
mod sides;
mod sync;
mod task;

use std::sync::Arc;

pub use message::{Alarm, Job, Message};

use self::cache::{Apps, Delta};
use self::client::Client;
use self::server::Server;
use self::task::Tasks;
use super::system::members::{Cost, Members};
use super::system::parties::{Alarms, parties};
use super::system::{self, Letter, Port, Protocol};
use crate::id::{InstanceId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::Scenario;
use crate::scenario::registry::Phase;
use crate::scenario::registry::eureka::EurekaConfig;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// What a phase is drawn from that stands for a time of the day, or for the age of a process.
const DAY: SimDuration = SimDuration::from_secs(86_400);

/// Eureka.
#[derive(Debug)]
pub struct Eureka {
    config: EurekaConfig,
    sizes: SizesConfig,
    members: Members,
    /// The nodes of the servers.
    nodes: Vec<NodeId>,
    servers: Vec<Server>,
    clients: Vec<Client>,
    /// The client of each node that has one.
    client_of: Vec<Option<u32>>,
    tasks: Tasks,
    /// By node: the service whose instance it registers.
    service_of: Vec<Option<ServiceId>>,
    /// How the instances of each service register.
    registered: Vec<Option<RegisteredConfig>>,
    alarms: Alarms<Alarm>,
    /// What the wall clock of all servers shows at the start.
    wall_clock: SimDuration,
    /// The last list, what changed in it, and the list that this made.
    applied: Option<(Arc<Apps>, Arc<Delta>, Arc<Apps>)>,
}

impl Eureka {
    /// The servers and clients of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &EurekaConfig) -> Self {
        let topology = &scenario.topology;
        let member_count = topology.registry_member_count();
        let nodes: Vec<NodeId> = (0..member_count)
            .map(|m| topology.registry_node(m))
            .collect();
        let mut client_of = vec![None; topology.node_count() as usize];
        let mut service_of = vec![None; topology.node_count() as usize];
        let mut clients = Vec::new();
        for party in parties(scenario) {
            client_of[party.node.index()] = Some(clients.len() as u32);
            service_of[party.node.index()] = party.instance.map(|(_, service, _)| service);
            clients.push(Client::new(party));
        }
        let server = |_| Server::new(config, topology.instance_count(), member_count);
        Eureka {
            config: config.clone(),
            sizes: system.sizes,
            members: Members::new(system.capacity, &nodes),
            servers: (0..member_count).map(server).collect(),
            nodes,
            tasks: Tasks::new(clients.iter().map(|client: &Client| client.node)),
            clients,
            client_of,
            service_of,
            registered: scenario
                .services
                .iter()
                .map(|service| service.registered)
                .collect(),
            alarms: Alarms::new(scenario, system::Alarm::Eureka),
            wall_clock: SimDuration::ZERO,
            applied: None,
        }
    }

    /// The service whose instance a node registers, and how it does so.
    fn registered(&self, node: NodeId) -> Option<(ServiceId, &RegisteredConfig)> {
        let service = self.service_of[node.index()]?;
        let registered = self.registered[service.index()].as_ref();
        Some((service, registered.expect("its instances register")))
    }

    /// The duration that an instance declares.
    fn duration(&self, instance: InstanceId) -> SimDuration {
        let registered = self.registered(NodeId(instance.0));
        registered.expect("it registers").1.lease_duration
    }

    fn member_of(&self, node: NodeId) -> Option<u32> {
        let first = self.nodes.first()?.0;
        node.0.checked_sub(first)
    }

    /// Gives a server work; it is done at once where it costs nothing and nothing waits.
    fn submit(&mut self, port: &mut dyn Port, member: u32, cost: Cost, job: Job) {
        let job = system::Job::Eureka(job);
        if let Some(job) = self.members.submit(port, member, cost, job) {
            self.on_job(port, member, job);
        }
    }

    fn on_job(&mut self, port: &mut dyn Port, member: u32, job: system::Job) {
        let system::Job::Eureka(job) = job else {
            unreachable!("its members do its own work only");
        };
        match job {
            Job::Request(request) => self.serve(port, member, request),
            Job::Peer {
                from,
                number,
                change,
            } => self.apply_change(port, (from, member), number, change),
            Job::Sync { from, number } => self.hand_over(port, (from, member), number),
        }
    }

    /// Sends a message from one server to another.
    fn tell_peer(
        &self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        entry_count: usize,
        message: Message,
    ) {
        let letter = Letter {
            from: self.nodes[from as usize],
            to: self.nodes[to as usize],
            kind: ControlKind::Replication,
            service: None,
            byte_count: self.byte_count(entry_count),
        };
        port.send(letter, system::Message::Eureka(message));
    }

    fn byte_count(&self, entry_count: usize) -> u64 {
        self.sizes.message_bytes + entry_count as u64 * self.sizes.entry_bytes
    }

    /// What a phase means that stands for the time of a day.
    fn time_of_day(port: &dyn Port, identity: u64, phase: Phase) -> SimDuration {
        match phase {
            Phase::Aligned => SimDuration::ZERO,
            Phase::At(time) => time,
            Phase::Random => DAY.scaled(port.draw(identity, 0, 0).uniform()),
        }
    }

    /// What those servers have that are open is what holds.
    fn agree(&self, port: &mut dyn Port, instance: InstanceId) {
        let mut open = self.servers.iter().filter(|s| s.is_open()).peekable();
        if open.peek().is_some() {
            let is_listed = open.any(|server| server.store.has(instance));
            port.set_listed(instance, is_listed);
        }
    }

    fn agree_on_all(&self, port: &mut dyn Port) {
        for client in &self.clients {
            if let Some((instance, ..)) = client.instance {
                self.agree(port, instance);
            }
        }
    }

    fn on_peer_message(&mut self, port: &mut dyn Port, (from, to): (u32, u32), message: Message) {
        match message {
            Message::Batch { number, changes } => {
                self.take_batch(port, (from, to), number, &changes);
            }
            Message::BatchDone { number, missing } => {
                self.on_batch_done(port, (to, from), number, &missing);
            }
            Message::BatchRefused { number } => {
                let wait = self.config.replication.congestion_wait;
                self.on_batch_failed(port, (to, from), number, wait);
            }
            Message::Sync { number } => self.on_sync_asked(port, (from, to), number),
            Message::Synced { number, instances } => {
                self.on_synced(port, to, number, &instances);
            }
            Message::Request(_) | Message::Answer { .. } => {
                unreachable!("servers have no clients of their own")
            }
        }
    }
}

impl Protocol for Eureka {
    fn start(&mut self, port: &mut dyn Port) {
        let identity = path_hash("eureka.wall_clock");
        self.wall_clock = Self::time_of_day(port, identity, self.config.cache.wall_clock);
        self.start_servers(port);
        self.start_clients(port);
    }

    fn on_message(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let system::Message::Eureka(message) = message else {
            unreachable!("nobody speaks another protocol");
        };
        match (message, self.member_of(from), self.member_of(to)) {
            (message, Some(from), Some(to)) => self.on_peer_message(port, (from, to), message),
            (Message::Request(request), None, Some(to)) => self.on_request(port, to, request),
            (
                Message::Answer {
                    channel,
                    number,
                    answer,
                },
                Some(_),
                None,
            ) => {
                let client = self.client_of[to.index()].expect("only clients ask");
                self.on_answer(port, (client, channel), number, answer);
            }
            _ => unreachable!("clients ask and servers answer"),
        }
    }

    fn on_refused(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let system::Message::Eureka(message) = message else {
            unreachable!("nobody speaks another protocol");
        };
        match (message, self.member_of(from), self.member_of(to)) {
            (Message::Request(request), ..) => {
                let task = (request.client, request.channel);
                self.on_no_answer(port, task, request.number);
            }
            (Message::Batch { number, .. }, Some(from), Some(to)) => {
                let wait = self.config.replication.retry_wait;
                self.on_batch_failed(port, (from, to), number, wait);
            }
            (Message::Sync { number }, Some(from), _) => self.on_sync_failed(port, from, number),
            _ => {}
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: system::Alarm) {
        let alarm = match alarm {
            system::Alarm::CoreDone { member, core } => {
                let job = self.members.on_core_done(port, member, core);
                return self.on_job(port, member, job);
            }
            system::Alarm::Eureka(alarm) => alarm,
            _ => unreachable!("it sets no other timers"),
        };
        self.alarms.note_fired(node, alarm);
        match alarm {
            Alarm::Task { client, channel } => self.on_task_alarm(port, (client, channel)),
            Alarm::Replicator { client } => self.on_replicator(port, client),
            Alarm::Ribbon { client } => self.on_ribbon(port, client),
            Alarm::Minute { member }
            | Alarm::Evict { member }
            | Alarm::Threshold { member }
            | Alarm::Clean { member }
            | Alarm::CacheSync { member } => self.on_server_alarm(port, member, alarm),
            Alarm::Linger { member, peer } => self.arrange(port, (member, peer)),
            Alarm::Flight {
                member,
                peer,
                number,
            } => self.on_flight_alarm(port, (member, peer), number),
            Alarm::Sync { member } => self.on_sync_alarm(port, member),
        }
    }

    fn on_died(&mut self, port: &mut dyn Port, node: NodeId) {
        self.alarms.cancel_all(port, node);
        if let Some(member) = self.member_of(node) {
            self.members.clear(port, member);
            self.close(port, member);
        } else if let Some(client) = self.client_of[node.index()] {
            self.stop_client(client);
        }
    }

    fn on_started(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.member_of(node) {
            self.begin_sync(port, member);
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
        let node = port.scenario().topology.instance_node(instance);
        if let Some(client) = self.client_of[node.index()]
            && port.node(node).state == LifeState::Up
        {
            self.note_changed(port, client);
        }
    }
}
