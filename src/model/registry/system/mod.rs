//! Registries that bear the names of real systems: what they share.
//!
//! A protocol is a state machine that sees the world only through a [`Port`]: it sends messages,
//! sets timers, lists instances and hands out lists. It owns the state of all members and of all
//! clients, each of which uses only its own part. Messages pass the network like all others, and
//! the work that they cause passes the queue of the member that does it ([`members`]).

pub mod attach;
mod election;
pub mod lists;
pub mod members;
pub mod parties;
pub mod port;
pub mod quorum;
mod replicate;
mod wire;

use std::fmt::Debug;

pub use port::{Letter, Port};
pub use wire::Wire;

use self::quorum::{QuorumAlarm, QuorumMessage};
use super::etcd::{self, Etcd};
use super::eureka::{self, Eureka};
use super::nacos::{self, Nacos};
use super::zookeeper::{self, Zookeeper};
use crate::id::{InstanceId, NodeId};
use crate::scenario::Scenario;
use crate::scenario::registry::system::{ProtocolConfig, SystemConfig};

/// The protocol of a real system, with the state of all its members and clients.
pub trait Protocol: Debug {
    /// The run begins: everybody is up, registered and has the first list.
    fn start(&mut self, port: &mut dyn Port);

    /// A message reaches a process that runs.
    fn on_message(&mut self, port: &mut dyn Port, from: NodeId, to: NodeId, message: Message);

    /// The host of `to` answers `from` that no process takes this message.
    fn on_refused(&mut self, port: &mut dyn Port, from: NodeId, to: NodeId, message: Message);

    /// A timer of `node` is due. The node does not stand still, but it may be dead.
    fn on_alarm(&mut self, port: &mut dyn Port, node: NodeId, alarm: Alarm);

    /// A process died: its timers are to be cancelled, and what it knew is to be forgotten.
    fn on_died(&mut self, port: &mut dyn Port, node: NodeId);

    /// A process started.
    fn on_started(&mut self, port: &mut dyn Port, node: NodeId);

    /// A process that stood still goes on; what came due meanwhile follows.
    fn on_resumed(&mut self, port: &mut dyn Port, node: NodeId);

    /// An instance wants to be listed: its process is about to start, or it comes back.
    fn register(&mut self, port: &mut dyn Port, instance: InstanceId);

    /// An instance leaves in good order; its process goes on for now.
    fn deregister(&mut self, port: &mut dyn Port, instance: InstanceId);

    /// The weight of an instance changed.
    fn on_weight_changed(&mut self, port: &mut dyn Port, instance: InstanceId);

    /// The member that leads, where members have a leader: of several the newest.
    fn leader(&self) -> Option<u32> {
        None
    }
}

/// What travels: one variant for each protocol, and what the members of all of them say.
#[derive(Clone, Debug)]
pub enum Message {
    /// Between members that hold a quorum.
    Quorum(QuorumMessage),
    /// ZooKeeper's own.
    Zookeeper(zookeeper::Message),
    /// etcd's own.
    Etcd(etcd::Message),
    /// Eureka's own.
    Eureka(eureka::Message),
    /// Nacos' own.
    Nacos(nacos::Message),
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A core of a member is done with its piece of work.
    CoreDone { member: u32, core: u32 },
    /// The disk of a member is done with its sync.
    Synced { member: u32 },
    /// Of members that hold a quorum.
    Quorum(QuorumAlarm),
    /// ZooKeeper's own.
    Zookeeper(zookeeper::Alarm),
    /// etcd's own.
    Etcd(etcd::Alarm),
    /// Eureka's own.
    Eureka(eureka::Alarm),
    /// Nacos' own.
    Nacos(nacos::Alarm),
}

/// A change of the state that a quorum replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// ZooKeeper's transactions.
    Zookeeper(zookeeper::Entry),
    /// etcd's requests.
    Etcd(etcd::Entry),
}

/// A piece of work of a member.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// A leader makes a proposal.
    Propose { term: u32, entry: Entry },
    /// A follower takes one.
    Log { term: u32, zxid: u64, entry: Entry },
    /// ZooKeeper's own.
    Zookeeper(zookeeper::Job),
    /// etcd's own.
    Etcd(etcd::Job),
    /// Eureka's own.
    Eureka(eureka::Job),
    /// Nacos' own.
    Nacos(nacos::Job),
}

/// A registry that bears the name of a real system.
#[derive(Debug)]
pub struct System {
    /// Absent while it handles something.
    protocol: Option<Box<dyn Protocol>>,
    /// Its messages and timers.
    pub wire: Wire,
}

impl System {
    /// The system that a scenario asks for, if it does.
    pub fn build(scenario: &Scenario) -> Option<Box<System>> {
        let config = scenario.registry.profile.system()?;
        Some(Box::new(System {
            protocol: Some(build_protocol(scenario, config)),
            wire: Wire::new(scenario),
        }))
    }
}

impl System {
    /// The member that leads, if one does.
    pub fn leader(&self) -> Option<u32> {
        self.protocol.as_ref()?.leader()
    }
}

fn build_protocol(scenario: &Scenario, config: &SystemConfig) -> Box<dyn Protocol> {
    match &config.protocol {
        ProtocolConfig::Zookeeper(own) => Box::new(Zookeeper::new(scenario, config, own)),
        ProtocolConfig::Etcd(own) => Box::new(Etcd::new(scenario, config, own)),
        ProtocolConfig::Eureka(own) => Box::new(Eureka::new(scenario, config, own)),
        ProtocolConfig::Nacos(own) => Box::new(Nacos::new(scenario, config, own)),
    }
}
