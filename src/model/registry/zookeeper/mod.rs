//! Apache ZooKeeper 3.8: sessions on the leader, ephemeral nodes, one-shot watches.
//!
//! Source: `ExpiryQueue`, `SessionTrackerImpl`, `LearnerSessionTracker`, `Leader`,
//! `LearnerHandler`, `FastLeaderElection`, `ClientCnxn`, `StaticHostProvider`; recorded: expiry of
//! one server and of an ensemble, leader loss (3.8.0).
//!
//! Every node that registers or looks for a registered service has one handle, with one session:
//! an instance that registers and calls others uses one for both. Instances register as ephemeral
//! nodes; calling sides read the children of their service and leave a watch. Only the leader
//! counts time; a follower tells it at each of its pings which sessions were touched.

mod client;
mod handle;
mod leader;
mod message;
mod server;
mod tracker;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

pub use message::{Alarm, Entry, Job, Message};

use self::client::Client;
use self::message::SessionId;
use self::tracker::Tracker;
use self::tree::Tree;
use super::system::quorum::{Effect, Ensemble};
use super::system::{self, Port, Protocol};
use crate::engine::{DenseMap, TimerId};
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};
use crate::scenario::registry::zookeeper::{AfterPause, ZookeeperConfig};
use crate::time::{SimDuration, SimTime};

/// A session, as everybody knows it who has heard of it.
#[derive(Clone, Copy, Debug)]
struct Session {
    client: u32,
    timeout: SimDuration,
}

/// A connection of a client, as its server knows it.
#[derive(Clone, Copy, Debug)]
struct Connection {
    epoch: u32,
    /// None until the session is open or found.
    session: Option<SessionId>,
}

/// One server.
#[derive(Debug)]
struct Server {
    tree: Tree,
    /// Connections by client.
    connections: DenseMap<u32, Connection>,
    /// Calling sides that watch the children of each service.
    watches: Vec<BTreeSet<CallerId>>,
    /// As a follower: sessions touched since the leader's last ping, some of them often.
    touched: Vec<SessionId>,
    /// As the leader.
    office: Option<Office>,
    /// What its clock shows at the start, below a tick.
    clock: SimDuration,
}

/// What only a leader has.
#[derive(Debug)]
struct Office {
    tracker: Tracker,
    half_tick: TimerId,
    /// Absent while a late boundary waits behind other work.
    boundary: Option<TimerId>,
    /// The boundary that comes next.
    boundary_at: SimTime,
    /// Half ticks so far: every second one it counts its followers.
    half_tick_count: u64,
}

/// ZooKeeper.
#[derive(Debug)]
pub struct Zookeeper {
    config: ZookeeperConfig,
    sizes: SizesConfig,
    ensemble: Ensemble,
    servers: Vec<Server>,
    sessions: Vec<Session>,
    clients: Vec<Client>,
    /// The client of each node that has one.
    client_of: Vec<Option<u32>>,
    /// The client and the service of each calling side of a registered service.
    sides: BTreeMap<CallerId, (u32, ServiceId)>,
}

impl Zookeeper {
    /// The servers and clients of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &ZookeeperConfig) -> Self {
        let ensemble = Ensemble::new(scenario, system, &config.quorum);
        let service_count = scenario.services.len();
        let server = |_| Server {
            tree: Tree::new(service_count),
            connections: DenseMap::default(),
            watches: vec![BTreeSet::new(); service_count],
            touched: Vec::new(),
            office: None,
            clock: SimDuration::ZERO,
        };
        let mut zookeeper = Zookeeper {
            config: config.clone(),
            sizes: system.sizes,
            servers: (0..ensemble.member_count()).map(server).collect(),
            ensemble,
            sessions: Vec::new(),
            clients: Vec::new(),
            client_of: vec![None; scenario.topology.node_count() as usize],
            sides: BTreeMap::new(),
        };
        zookeeper.add_clients(scenario);
        zookeeper
    }

    fn session(&self, session: SessionId) -> Session {
        self.sessions[session.0 as usize]
    }

    fn open_session(&mut self, client: u32) -> SessionId {
        let timeout = self
            .config
            .negotiated(self.clients[client as usize].requested);
        self.sessions.push(Session { client, timeout });
        SessionId(self.sessions.len() as u32 - 1)
    }

    /// The instance of a session, if it is one that registers.
    fn instance_of(&self, session: SessionId) -> Option<InstanceId> {
        self.clients[self.session(session).client as usize].instance
    }

    fn server(&mut self, member: u32) -> &mut Server {
        &mut self.servers[member as usize]
    }
}

impl Protocol for Zookeeper {
    fn start(&mut self, port: &mut dyn Port) {
        self.prepare_sessions(port);
        self.start_servers(port);
        self.settle(port);
        self.start_clients(port);
    }

    fn settle(&mut self, port: &mut dyn Port) {
        while let Some(effect) = self.ensemble.effects.pop_front() {
            match effect {
                Effect::Apply {
                    member,
                    zxid,
                    entry,
                } => {
                    let system::Entry::Zookeeper(entry) = entry else {
                        unreachable!("it proposes its own entries");
                    };
                    self.apply(port, member, zxid, entry);
                }
                Effect::CopyState { from, to } => {
                    let tree = self.servers[from as usize].tree.clone();
                    self.server(to).tree = tree;
                }
                Effect::Leads { member } => self.take_office(port, member),
                Effect::Follows { member } => self.server(member).touched.clear(),
                Effect::Looks { member } => self.stop_serving(port, member),
                Effect::Done { member, job } => {
                    let system::Job::Zookeeper(job) = job else {
                        unreachable!("the quorum does its own work");
                    };
                    self.on_job(port, member, job);
                }
            }
        }
    }

    fn on_message(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        to: NodeId,
        message: system::Message,
    ) {
        let members = (self.ensemble.member_of(from), self.ensemble.member_of(to));
        match (message, members) {
            (system::Message::Quorum(message), (Some(from), Some(to))) => {
                self.ensemble.on_message(port, from, to, message);
            }
            (system::Message::Zookeeper(message), (Some(from), Some(to))) => {
                self.on_member_message(port, from, to, message);
            }
            (system::Message::Zookeeper(message), (None, Some(to))) => {
                self.on_client_message(port, to, message);
            }
            (system::Message::Zookeeper(message), (_, None)) => {
                self.on_server_message(port, to, message);
            }
            _ => unreachable!("nobody speaks another protocol"),
        }
    }

    fn on_refused(
        &mut self,
        port: &mut dyn Port,
        from: NodeId,
        _to: NodeId,
        message: system::Message,
    ) {
        // Members learn of each other's death by what the dead one's host sends them.
        if self.ensemble.member_of(from).is_none()
            && let system::Message::Zookeeper(message) = message
        {
            self.on_reset(port, from, &message);
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, _node: NodeId, alarm: system::Alarm) {
        match self.ensemble.take_alarm(port, alarm) {
            None => {}
            Some(system::Alarm::Zookeeper(Alarm::Client { client })) => {
                self.on_client_alarm(port, client);
            }
            Some(system::Alarm::Zookeeper(Alarm::HalfTick { member })) => {
                self.on_half_tick(port, member)
            }
            Some(system::Alarm::Zookeeper(Alarm::Boundary { member })) => {
                self.on_boundary(port, member);
            }
            Some(_) => unreachable!("it sets no other timers"),
        }
    }

    fn on_died(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node) {
            self.close_connections(port, member);
            self.leave_office(port, member);
            self.ensemble.on_died(port, member);
        } else if let Some(client) = self.client_of[node.index()] {
            self.stop_client(port, client);
        }
    }

    fn on_started(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node) {
            self.ensemble.on_started(port, member);
        } else if let Some(client) = self.client_of[node.index()] {
            self.open_handle(port, client);
        }
    }

    fn on_resumed(&mut self, port: &mut dyn Port, node: NodeId) {
        if let Some(member) = self.ensemble.member_of(node)
            && self.config.after_pause == AfterPause::Expire
        {
            self.catch_up(port, member);
        }
    }

    fn register(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, true);
    }

    fn deregister(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.set_wanted(port, instance, false);
    }

    fn leader(&self) -> Option<u32> {
        self.ensemble.leader()
    }

    fn on_weight_changed(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.change_data(port, instance);
    }
}
