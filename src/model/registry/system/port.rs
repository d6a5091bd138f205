//! The world as a protocol sees it.

use std::sync::Arc;

use super::{Alarm, Message};
use crate::engine::{PendingSet, TimerId};
use crate::id::{CallerId, InstanceId, NodeId, ServiceId};
use crate::model::gossip::view::Belief;
use crate::model::network::pair_hash;
use crate::model::node::Node;
use crate::model::observation::{ControlKind, Observation, Observer, Suspector};
use crate::model::view::{Member, ViewSnapshot};
use crate::model::world::World;
use crate::rng::{Draw, Purpose};
use crate::scenario::Scenario;
use crate::scenario::network::Transport;
use crate::scenario::registry::system::SizesConfig;
use crate::time::{SimDuration, SimTime};

/// What is written on a message.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    /// Who sends it.
    pub from: NodeId,
    /// Who shall have it.
    pub to: NodeId,
    /// What it is counted as.
    pub kind: ControlKind,
    /// The service that it is about, if it is about one.
    pub service: Option<ServiceId>,
    /// How large it is.
    pub byte_count: u64,
}

impl Letter {
    /// One that lists so many instances.
    pub fn listing(
        sizes: &SizesConfig,
        (from, to): (NodeId, NodeId),
        (kind, service): (ControlKind, Option<ServiceId>),
        entry_count: usize,
    ) -> Self {
        Letter {
            from,
            to,
            kind,
            service,
            byte_count: sizes.message_bytes + entry_count as u64 * sizes.entry_bytes,
        }
    }
}

/// The world as a protocol sees it.
pub trait Port {
    /// The time.
    fn now(&self) -> SimTime;

    /// The scenario.
    fn scenario(&self) -> &Scenario;

    /// A node: its state, its identity, its clock.
    fn node(&self, node: NodeId) -> &Node;

    /// Whether nothing passes from one node to another now.
    fn is_cut(&self, from: NodeId, to: NodeId) -> bool;

    /// Whether the host of a dead process resets its connections.
    fn has_resets(&self) -> bool;

    /// Sends a message. Those from one node to another arrive in the order in which they are sent.
    fn send(&mut self, letter: Letter, message: Message);

    /// Two nodes no longer talk on the connection that they had: what is sent from now on does not
    /// wait for what is still on its way.
    fn reconnect(&mut self, a: NodeId, b: NodeId);

    /// A client talks to this member from now on.
    fn note_attached(&mut self, node: NodeId, member: NodeId);

    /// Sets a timer of a node; `delay` is a length of its own clock.
    fn set_timer(&mut self, node: NodeId, delay: SimDuration, alarm: Alarm) -> TimerId;

    /// A probe waits for a worker of an instance that is up; [`super::Protocol::on_probed`]
    /// follows, unless the process ends.
    fn admit_probe(&mut self, instance: InstanceId, number: u32);

    /// How long work of this length takes a member that begins it now.
    fn work_time(&self, member: NodeId, length: SimDuration) -> SimDuration;

    /// Cancels a timer that is still set.
    fn cancel_timer(&mut self, timer: TimerId);

    /// The draw with this key.
    fn draw(&self, identity: u64, number: u32, step: u32) -> Draw;

    /// Whether an instance is listed by those who decide.
    fn is_listed(&self, instance: InstanceId) -> bool;

    /// Lists or delists an instance, as those who decide have it.
    fn set_listed(&mut self, instance: InstanceId, is_listed: bool);

    /// The registry begins to suspect an instance, or no longer does.
    fn set_suspected(&mut self, instance: InstanceId, is_suspected: bool);

    /// What a member or an agent of the registry believes of another one by gossip; None while it
    /// knows nobody.
    fn belief(&self, observer: NodeId, subject: NodeId) -> Option<Belief>;

    /// The list of these instances, ascending; those without weight are left out.
    fn view(&mut self, service: ServiceId, instances: &[InstanceId]) -> Arc<ViewSnapshot>;

    /// A calling side takes over a list, unless it has a newer one.
    fn take_list(&mut self, caller: CallerId, version: u64, view: &Arc<ViewSnapshot>);

    /// The version of the list that a calling side has; 0 while it has none.
    fn list_version(&self, caller: CallerId) -> u64;
}

impl<O: Observer, S: PendingSet> Port for World<'_, O, S> {
    fn now(&self) -> SimTime {
        self.queue.now()
    }

    fn scenario(&self) -> &Scenario {
        self.scenario
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.network.is_cut(self.queue.now(), (from, to))
    }

    fn has_resets(&self) -> bool {
        self.network.transport == Transport::Stream
    }

    fn send(&mut self, letter: Letter, message: Message) {
        self.observe(Observation::ControlSized {
            kind: letter.kind,
            service: letter.service,
            from: letter.from,
            to: letter.to,
            byte_count: letter.byte_count,
        });
        self.post(letter, message);
    }

    fn reconnect(&mut self, a: NodeId, b: NodeId) {
        self.wire().forget_order(a, b);
    }

    fn note_attached(&mut self, node: NodeId, member: NodeId) {
        self.observe(Observation::Attached { node, member });
    }

    fn set_timer(&mut self, node: NodeId, delay: SimDuration, alarm: Alarm) -> TimerId {
        let delay = self.nodes[node.index()].true_length(delay);
        self.set_alarm(node, delay, alarm)
    }

    fn admit_probe(&mut self, instance: InstanceId, number: u32) {
        self.admit_registry_probe(instance, number);
    }

    fn work_time(&self, member: NodeId, length: SimDuration) -> SimDuration {
        self.faults.member_time(member, length)
    }

    fn cancel_timer(&mut self, timer: TimerId) {
        self.wire().timers.cancel(timer);
    }

    fn draw(&self, identity: u64, number: u32, step: u32) -> Draw {
        self.streams.draw(Purpose::Registry, identity, number, step)
    }

    fn is_listed(&self, instance: InstanceId) -> bool {
        World::is_listed(self, instance)
    }

    fn set_listed(&mut self, instance: InstanceId, is_listed: bool) {
        World::set_listed(self, instance, is_listed);
    }

    fn set_suspected(&mut self, instance: InstanceId, is_suspected: bool) {
        let lease = &mut self.registry.leases[instance.index()];
        if lease.note_suspicion(is_suspected) == is_suspected {
            return;
        }
        let suspector = Suspector::Registry;
        self.observe(match is_suspected {
            true => Observation::Suspected {
                suspector,
                instance,
            },
            false => Observation::Trusted {
                suspector,
                instance,
            },
        });
    }

    fn belief(&self, observer: NodeId, subject: NodeId) -> Option<Belief> {
        self.gossip.registry_belief(observer, subject)
    }

    fn view(&mut self, service: ServiceId, instances: &[InstanceId]) -> Arc<ViewSnapshot> {
        let members = instances
            .iter()
            .filter(|instance| self.instances[instance.index()].weight > 0.0)
            .map(|instance| Member {
                instance: *instance,
                zone: self.nodes[instance.index()].zone,
                weight: self.instances[instance.index()].weight,
            })
            .collect();
        self.tables.views.intern(service, members)
    }

    fn take_list(&mut self, caller: CallerId, version: u64, view: &Arc<ViewSnapshot>) {
        World::take_list(self, caller, version, view);
    }

    fn list_version(&self, caller: CallerId) -> u64 {
        self.callers[caller.index()].listed_version
    }
}

/// Names a pair of nodes in one direction, for the numbers of their messages.
pub(super) fn pair_of(nodes: &[Node], letter: &Letter) -> u64 {
    pair_hash(nodes, (letter.from, letter.to))
}
