//! etcd 3.4: leases on the leader, keys that go with them, watches that last.
//!
//! Source: `server/lease/lessor.go`, `etcdserver` (revocations), `client/v3/lease.go`, and raft's
//! timers; recorded: expiry of leases of one member (3.4.23).
//!
//! Every node that registers or looks for a registered service has one client. An instance is a
//! key with a lease, which its client keeps alive; the key of a restarted instance is the same
//! and belongs to the new lease from then on. Calling sides read the keys of their service and
//! watch from there. Only the leader counts time; a follower passes every keepalive on to it.

mod client;
mod leader;
mod lessor;
mod message;
mod registration;
mod server;

use std::collections::{BTreeMap, BTreeSet};

pub use message::{Alarm, Entry, Job, Message};

use self::client::Client;
use self::lessor::Lessor;
use self::message::LeaseId;
use super::system::lists::Lists;
use super::system::quorum::{Effect, Ensemble};
use super::system::{self, Port, Protocol};
use crate::engine::{DenseMap, TimerId};
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::registry::etcd::EtcdConfig;
use crate::scenario::registry::system::{SizesConfig, SystemConfig};
use crate::time::SimDuration;

/// A lease, as everybody knows it who has heard of it.
#[derive(Clone, Copy, Debug)]
struct Lease {
    client: u32,
    ttl: SimDuration,
}

/// What the quorum agrees on, as one member has it.
#[derive(Clone, Debug)]
struct State {
    /// Leases, with the seconds that were left at the last checkpoint.
    leases: DenseMap<LeaseId, Option<u32>>,
    /// Keys of instances, with their leases.
    keys: DenseMap<InstanceId, LeaseId>,
    lists: Lists,
}

/// A calling side that watches: the version that it was told last, and the changes until then.
#[derive(Clone, Copy, Debug)]
struct Watcher {
    version: u64,
    change_count: u64,
}

/// A read that waits: from this entry on it is not stale.
#[derive(Clone, Copy, Debug)]
struct Read {
    client: u32,
    epoch: u32,
    caller: CallerId,
    index: u64,
}

/// One member.
#[derive(Debug)]
struct Server {
    state: State,
    /// Numbers of the connections of clients.
    connections: DenseMap<u32, u32>,
    watchers: BTreeMap<CallerId, Watcher>,
    /// Reads that wait until the member has applied enough.
    reads: Vec<Read>,
    office: Option<Office>,
}

/// A read of which the leader does not know yet that it still leads.
#[derive(Clone, Copy, Debug)]
struct OpenRead {
    /// The member that asks.
    member: u32,
    read: Read,
    /// The heartbeat that a majority has to answer.
    number: u64,
}

/// A keepalive of a lease that has expired waits until it is revoked.
#[derive(Clone, Copy, Debug)]
struct LateKeepAlive {
    member: u32,
    client: u32,
    epoch: u32,
    lease: LeaseId,
}

/// What only a leader has.
#[derive(Debug)]
struct Office {
    lessor: Lessor,
    heartbeat: TimerId,
    revoke: TimerId,
    /// Heartbeats so far.
    heartbeat_count: u64,
    /// The newest heartbeat that each member answered.
    answered: BTreeMap<u32, u64>,
    open_reads: Vec<OpenRead>,
    late: Vec<LateKeepAlive>,
}

/// etcd.
#[derive(Debug)]
pub struct Etcd {
    config: EtcdConfig,
    sizes: SizesConfig,
    ensemble: Ensemble,
    servers: Vec<Server>,
    leases: Vec<Lease>,
    clients: Vec<Client>,
    /// The client of each node that has one.
    client_of: Vec<Option<u32>>,
    /// The client and the service of each calling side of a registered service.
    sides: BTreeMap<CallerId, (u32, ServiceId)>,
}

impl Etcd {
    /// The members and clients of a scenario.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &EtcdConfig) -> Self {
        let ensemble = Ensemble::new(scenario, system, &config.quorum);
        let server = |_| Server {
            state: State {
                leases: DenseMap::default(),
                keys: DenseMap::default(),
                lists: Lists::new(scenario.services.len()),
            },
            connections: DenseMap::default(),
            watchers: BTreeMap::new(),
            reads: Vec::new(),
            office: None,
        };
        let mut etcd = Etcd {
            config: config.clone(),
            sizes: system.sizes,
            servers: (0..ensemble.member_count()).map(server).collect(),
            ensemble,
            leases: Vec::new(),
            clients: Vec::new(),
            client_of: vec![None; scenario.topology.node_count() as usize],
            sides: BTreeMap::new(),
        };
        etcd.add_clients(scenario);
        etcd
    }

    fn lease(&self, lease: LeaseId) -> Lease {
        self.leases[lease.0 as usize]
    }

    fn new_lease(&mut self, client: u32) -> LeaseId {
        let ttl = self.config.granted(self.clients[client as usize].requested);
        self.leases.push(Lease { client, ttl });
        LeaseId(self.leases.len() as u32 - 1)
    }

    /// The instance that a lease is for, and its service.
    fn target_of(&self, lease: LeaseId) -> (InstanceId, ServiceId) {
        let target = self.clients[self.lease(lease).client as usize].target;
        target.expect("only instances have leases")
    }

    fn server(&mut self, member: u32) -> &mut Server {
        &mut self.servers[member as usize]
    }
}

impl Protocol for Etcd {
    fn start(&mut self, port: &mut dyn Port) {
        self.prepare_leases(port);
        self.ensemble.start(port);
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
                    let system::Entry::Etcd(entry) = entry else {
                        unreachable!("it proposes its own entries");
                    };
                    self.apply(port, member, zxid, entry);
                }
                Effect::CopyState { from, to } => self.copy_state(port, from, to),
                Effect::Leads { member } => self.take_office(port, member),
                Effect::Follows { member } | Effect::Looks { member } => {
                    self.leave_office(port, member);
                }
                Effect::Done { member, job } => {
                    let system::Job::Etcd(job) = job else {
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
            (system::Message::Etcd(message), (Some(from), Some(to))) => {
                self.on_member_message(port, from, to, message);
            }
            (system::Message::Etcd(message), (None, Some(to))) => {
                self.on_client_message(port, to, message);
            }
            (system::Message::Etcd(message), (_, None)) => {
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
        if self.ensemble.member_of(from).is_none()
            && let system::Message::Etcd(message) = message
        {
            self.on_reset(port, &message);
        }
    }

    fn on_alarm(&mut self, port: &mut dyn Port, _node: NodeId, alarm: system::Alarm) {
        match self.ensemble.take_alarm(port, alarm) {
            None => {}
            Some(system::Alarm::Etcd(Alarm::Client { client })) => {
                self.on_client_alarm(port, client)
            }
            Some(system::Alarm::Etcd(Alarm::Heartbeat { member })) => {
                self.on_heartbeat(port, member)
            }
            Some(system::Alarm::Etcd(Alarm::Revoke { member })) => self.on_revoke_due(port, member),
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
            self.start_client(port, client);
        }
    }

    fn on_resumed(&mut self, _port: &mut dyn Port, _node: NodeId) {
        // What is due comes in the order in which it came due: a late look for expired leases
        // comes before the keepalives that waited with it, as those still have to be handled.
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
        self.put_again(port, instance);
    }
}

/// The calling sides that are told of changes, in order.
fn watchers_of(
    server: &Server,
    sides: &BTreeMap<CallerId, (u32, ServiceId)>,
    service: ServiceId,
) -> BTreeSet<CallerId> {
    let callers = server.watchers.keys().copied();
    callers
        .filter(|caller| sides[caller].1 == service)
        .collect()
}
