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

use std::collections::VecDeque;
use std::fmt::Debug;

pub use port::{Letter, Port};
pub use wire::Wire;

use self::quorum::{QuorumAlarm, QuorumMessage};
use super::consul::{self, Consul};
use super::dns::{self, Dns};
use super::etcd::{self, Etcd};
use super::eureka::{self, Eureka};
use super::kubernetes::{self, Kubernetes};
use super::nacos::{self, Nacos};
use super::zookeeper::{self, Zookeeper};
use crate::id::{CallerId, InstanceId, NodeId};
use crate::model::gossip::BeliefChange;
use crate::scenario::Scenario;
use crate::scenario::registry::system::{ProtocolConfig, SystemConfig};

/// The protocol of a real system, with the state of all its members and clients.
pub trait Protocol: Debug {
    /// The run begins: everybody is up, registered and has the first list.
    fn start(&mut self, port: &mut dyn Port);

    /// Something was handled: what the members' quorum asks for is done, until there is nothing
    /// left.
    fn settle(&mut self, _port: &mut dyn Port) {}

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

    /// A member or an agent of the registry believes something else of another one, where they
    /// gossip.
    fn on_belief(&mut self, _: &mut dyn Port, _: (NodeId, NodeId), _: BeliefChange) {}

    /// A connection of a calling side was refused, reset or did not come about. Only those are
    /// told that ask for it ([`System::follows_failures`]).
    fn on_connection_failed(&mut self, _port: &mut dyn Port, _caller: CallerId) {}

    /// A worker of an instance answered a probe ([`Port::admit_probe`]).
    fn on_probed(&mut self, _port: &mut dyn Port, _probed: Probed) {}

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
    /// Consul's own.
    Consul(consul::Message),
    /// etcd's own.
    Etcd(etcd::Message),
    /// Eureka's own.
    Eureka(eureka::Message),
    /// Nacos' own.
    Nacos(nacos::Message),
    /// DNS' own.
    Dns(dns::Message),
    /// Kubernetes' own.
    Kubernetes(kubernetes::Message),
}

impl Message {
    /// Whether it travels in packets, which nobody sends again.
    fn is_datagram(&self) -> bool {
        matches!(
            self,
            Message::Dns(dns::Message::Query(_) | dns::Message::Answer { .. })
        )
    }

    /// Whether its receiver is an agent of the host, which does not share the fate of a process.
    fn is_for_host(&self, is_returned: bool) -> bool {
        matches!(self, Message::Kubernetes(own) if own.is_for_host(is_returned))
    }
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
    /// Consul's own.
    Consul(consul::Alarm),
    /// etcd's own.
    Etcd(etcd::Alarm),
    /// Eureka's own.
    Eureka(eureka::Alarm),
    /// Nacos' own.
    Nacos(nacos::Alarm),
    /// DNS' own.
    Dns(dns::Alarm),
    /// Kubernetes' own.
    Kubernetes(kubernetes::Alarm),
}

impl Alarm {
    /// Whether it is one of an agent of the host.
    fn is_of_host(self) -> bool {
        matches!(self, Alarm::Kubernetes(own) if own.is_of_host())
    }
}

/// What a worker of an instance said to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// The instance.
    pub instance: InstanceId,
    /// The number of the probe.
    pub number: u32,
    /// Whether it passed.
    pub is_good: bool,
}

/// A change of the state that a quorum replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// ZooKeeper's transactions.
    Zookeeper(zookeeper::Entry),
    /// Consul's changes of the catalog.
    Consul(consul::Entry),
    /// etcd's requests.
    Etcd(etcd::Entry),
    /// Kubernetes' writes.
    Kubernetes(kubernetes::Entry),
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
    /// Consul's own.
    Consul(consul::Job),
    /// etcd's own.
    Etcd(etcd::Job),
    /// Eureka's own.
    Eureka(eureka::Job),
    /// Nacos' own.
    Nacos(nacos::Job),
    /// DNS' own.
    Dns(dns::Job),
    /// Kubernetes' own.
    Kubernetes(kubernetes::Job),
}

/// A registry that bears the name of a real system.
#[derive(Debug)]
pub struct System {
    /// Absent while it handles something.
    protocol: Option<Box<dyn Protocol>>,
    /// Its messages and timers.
    pub wire: Wire,
    /// Whether its clients want to know of connections that fail.
    pub follows_failures: bool,
    /// Answers to probes that the protocol has not taken yet.
    pub probed: VecDeque<Probed>,
}

impl System {
    /// The system that a scenario asks for, if it does.
    pub fn build(scenario: &Scenario) -> Option<Box<System>> {
        let config = scenario.registry.profile.system()?;
        Some(Box::new(System {
            protocol: Some(build_protocol(scenario, config)),
            wire: Wire::new(scenario),
            follows_failures: matches!(
                &config.protocol,
                ProtocolConfig::Dns(dns) if dns.client.on_failure.is_some()
            ),
            probed: VecDeque::new(),
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
        ProtocolConfig::Consul(own) => Box::new(Consul::new(scenario, config, own)),
        ProtocolConfig::Etcd(own) => Box::new(Etcd::new(scenario, config, own)),
        ProtocolConfig::Eureka(own) => Box::new(Eureka::new(scenario, config, own)),
        ProtocolConfig::Nacos(own) => Box::new(Nacos::new(scenario, config, own)),
        ProtocolConfig::Dns(own) => Box::new(Dns::new(scenario, config, own)),
        ProtocolConfig::Kubernetes(own) => Box::new(Kubernetes::new(scenario, config, own)),
    }
}
