//! The messages and timers of a registry, and what the world does with them.

use smallvec::SmallVec;

use super::port::pair_of;
use super::{Alarm, Letter, Message, Port, Probed, Protocol, System};
use crate::engine::{Deadlines, PendingSet, TimerId};
use crate::id::{CallerId, ClassId, InstanceId, NodeId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, Verdict};
use crate::model::observation::{LifeState, Observer};
use crate::model::world::{Deferred, World};
use crate::rng::mix;
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// A message on its way.
#[derive(Debug)]
struct Envelope {
    from: NodeId,
    to: NodeId,
    /// How many messages its sender had sent before.
    number: u32,
    /// It comes back: the host of `from` says that no process takes it.
    is_returned: bool,
    message: Message,
}

/// When the last messages between two nodes arrive.
#[derive(Clone, Copy, Debug)]
struct Arrivals {
    peer: NodeId,
    /// To the peer, and from it.
    last: [SimTime; 2],
}

/// The messages and timers of a registry.
#[derive(Debug)]
pub struct Wire {
    envelopes: Vec<Option<Envelope>>,
    free: Vec<u32>,
    pub(super) timers: Deadlines<(NodeId, Alarm)>,
    /// Messages that each node has sent.
    sent_counts: Vec<u32>,
    /// By the lower node of each pair, then by the other one: connections keep the order. Most
    /// nodes talk to one other.
    arrivals: Vec<SmallVec<[Arrivals; 1]>>,
}

impl Wire {
    /// Nothing is on its way.
    pub fn new(scenario: &Scenario) -> Self {
        Wire {
            envelopes: Vec::new(),
            free: Vec::new(),
            timers: Deadlines::new(),
            sent_counts: vec![0; scenario.topology.node_count() as usize],
            arrivals: vec![SmallVec::new(); scenario.topology.node_count() as usize],
        }
    }

    /// A connection between two nodes is closed: a new one starts without a backlog.
    pub(super) fn forget_order(&mut self, a: NodeId, b: NodeId) {
        let peer = a.max(b);
        self.arrivals[a.min(b).index()].retain(|arrivals| arrivals.peer != peer);
    }

    /// Whether two nodes have a connection, which they made with their first message.
    fn are_connected(&self, a: NodeId, b: NodeId) -> bool {
        let (peer, of_node) = (a.max(b), &self.arrivals[a.min(b).index()]);
        of_node.iter().any(|arrivals| arrivals.peer == peer)
    }

    /// When the last message from one node to another arrives that is on its way, or did.
    fn last_arrival(&mut self, (from, to): (NodeId, NodeId)) -> &mut SimTime {
        let peer = from.max(to);
        let of_node = &mut self.arrivals[from.min(to).index()];
        let found = of_node.binary_search_by_key(&peer, |arrivals| arrivals.peer);
        let place = found.unwrap_or_else(|place| {
            let last = [SimTime::START; 2];
            of_node.insert(place, Arrivals { peer, last });
            place
        });
        &mut of_node[place].last[usize::from(to < from)]
    }

    fn insert(&mut self, envelope: Envelope) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.envelopes[slot as usize] = Some(envelope);
            return slot;
        }
        self.envelopes.push(Some(envelope));
        u32::try_from(self.envelopes.len() - 1).expect("fewer messages on the wire than events")
    }

    fn take(&mut self, slot: u32) -> Envelope {
        self.free.push(slot);
        self.envelopes[slot as usize]
            .take()
            .expect("a message arrives once")
    }

    /// Its receiver died before it took it.
    fn lose(&mut self, slot: u32) {
        self.take(slot);
    }

    /// Who shall have a message, and whether that is an agent of its host.
    fn receiver(&self, slot: u32) -> (NodeId, bool) {
        let envelope = self.envelopes[slot as usize].as_ref();
        let envelope = envelope.expect("a message arrives once");
        (
            envelope.to,
            envelope.message.is_for_host(envelope.is_returned),
        )
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    pub(super) fn wire(&mut self) -> &mut Wire {
        let system = self.registry.system.as_mut();
        &mut system.expect("a real system is the registry").wire
    }

    /// Lets the protocol handle something; nothing happens where there is none.
    pub(in crate::model) fn with_protocol(
        &mut self,
        handle: impl FnOnce(&mut dyn Protocol, &mut dyn Port),
    ) {
        let Some(system) = &mut self.registry.system else {
            return;
        };
        let mut protocol = system.protocol.take().expect("it handles one thing a time");
        handle(&mut *protocol, self);
        protocol.settle(self);
        while let Some(probed) = self.next_probed() {
            protocol.on_probed(self, probed);
            protocol.settle(self);
        }
        let system = self.registry.system.as_mut();
        system.expect("the registry stays").protocol = Some(protocol);
    }

    fn next_probed(&mut self) -> Option<Probed> {
        let system = self.registry.system.as_mut();
        system.expect("the registry stays").probed.pop_front()
    }

    /// A worker answered a probe of the registry, maybe while that asks it.
    pub(in crate::model) fn tell_probed(&mut self, probed: Probed) {
        let Some(system) = &mut self.registry.system else {
            return;
        };
        system.probed.push_back(probed);
        if system.protocol.is_some() {
            self.with_protocol(|_, _| {});
        }
    }

    /// Gives a message to the network.
    pub(super) fn post(&mut self, letter: Letter, message: Message) {
        let counts = &mut self.wire().sent_counts;
        let number = counts[letter.from.index()];
        counts[letter.from.index()] = number.wrapping_add(1);
        self.forward(
            &letter,
            Envelope {
                from: letter.from,
                to: letter.to,
                number,
                is_returned: false,
                message,
            },
        );
    }

    fn forward(&mut self, letter: &Letter, envelope: Envelope) {
        let (now, link) = (self.now(), (letter.from, letter.to));
        let out = self
            .network
            .transmit(now, &self.nodes, link, letter.byte_count);
        let key = MessageKey {
            identity: pair_of(&self.nodes, letter),
            number: envelope.number,
            leg: u32::from(envelope.is_returned),
            class: ClassId::NONE,
            traffic: letter.kind.traffic(),
        };
        let arrives_at = if envelope.message.is_datagram() {
            let World {
                network,
                streams,
                nodes,
                ..
            } = self;
            match network.send_datagram(now, streams, nodes, link, key) {
                Some(delay) => now + out + delay,
                None => return,
            }
        } else {
            if self.is_deaf(link) {
                return;
            }
            let Verdict::Deliver { delay, .. } = self.send(link, key) else {
                return;
            };
            let last = self.wire().last_arrival(link);
            *last = (*last).max(now + out + delay);
            *last
        };
        let slot = self.wire().insert(envelope);
        self.schedule(arrives_at.since(now), Event::RegistryMessage(slot));
    }

    /// Whether a node that is not connected to another one hears nothing from there: what it says
    /// has to wait for a connection that is never made. Where the other direction is cut off as
    /// well, the network holds it back.
    fn is_deaf(&mut self, (from, to): (NodeId, NodeId)) -> bool {
        let now = self.now();
        self.network.is_cut(now, (to, from))
            && !self.network.is_cut(now, (from, to))
            && !self.wire().are_connected(from, to)
    }

    pub(in crate::model) fn set_alarm(
        &mut self,
        node: NodeId,
        delay: SimDuration,
        alarm: Alarm,
    ) -> TimerId {
        let at = self.now() + delay;
        let sequence = self.queue.take_sequence();
        let (timer, needs_event) = self.wire().timers.set((node, alarm), at, sequence);
        if needs_event {
            let event = Event::RegistryTimer(timer.0);
            self.queue.push_with_sequence(at, sequence, event);
        }
        timer
    }

    /// A message reaches its receiver's host.
    #[inline(never)]
    pub(in crate::model) fn on_registry_message(&mut self, slot: u32) {
        let (to, is_for_host) = self.wire().receiver(slot);
        let event = Event::RegistryMessage(slot);
        if !is_for_host && self.defers(to, Deferred::Event(event, 0)) {
            return;
        }
        let envelope = self.wire().take(slot);
        match self.nodes[to.index()].state {
            LifeState::Up | LifeState::Paused => {}
            LifeState::Crashed | LifeState::Restarting if is_for_host => {}
            LifeState::Crashed | LifeState::Restarting if !envelope.is_returned => {
                return self.return_to_sender(envelope);
            }
            LifeState::Crashed
            | LifeState::Restarting
            | LifeState::HostLost
            | LifeState::Absent => return,
        }
        let Envelope {
            from,
            number,
            is_returned,
            message,
            ..
        } = envelope;
        let sender = self.nodes[from.index()].path_hash;
        self.fold(event, to, mix(sender) ^ u64::from(number));
        self.with_protocol(|protocol, port| match is_returned {
            true => protocol.on_refused(port, to, from, message),
            false => protocol.on_message(port, from, to, message),
        });
    }

    /// The host of a dead process answers.
    fn return_to_sender(&mut self, envelope: Envelope) {
        if !self.has_resets() {
            return;
        }
        let letter = Letter {
            from: envelope.to,
            to: envelope.from,
            kind: crate::model::observation::ControlKind::Attach,
            service: None,
            byte_count: 0,
        };
        let returned = Envelope {
            from: envelope.to,
            to: envelope.from,
            is_returned: true,
            ..envelope
        };
        self.forward(&letter, returned);
    }

    /// The receiver of a message died while it stood still.
    pub(in crate::model) fn lose_registry_message(&mut self, slot: u32) {
        self.wire().lose(slot);
    }

    /// A timer of the registry or of one of its clients is due.
    #[inline(never)]
    pub(in crate::model) fn on_registry_timer(&mut self, timer: u32, sequence: u64) {
        let (id, event) = (TimerId(timer), Event::RegistryTimer(timer));
        if let Some((at, sequence)) = self.wire().timers.note_popped(id, sequence) {
            self.queue.push_with_sequence(at, sequence, event);
        }
        let Some((node, alarm)) = self.wire().timers.peek(id, sequence) else {
            return;
        };
        if !alarm.is_of_host() && self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.wire().timers.cancel(id);
        self.fold(event, node, self.nodes[node.index()].path_hash);
        self.with_protocol(|protocol, port| protocol.on_alarm(port, node, alarm));
    }

    /// A connection of a calling side failed.
    #[cold]
    #[inline(never)]
    pub(in crate::model) fn tell_failed_connection(&mut self, caller: CallerId) {
        // Connections to those who left a list end while the protocol hands it out.
        let is_told = |system: &System| system.follows_failures && system.protocol.is_some();
        if self.registry.system.as_deref().is_some_and(is_told) {
            self.with_protocol(|protocol, port| protocol.on_connection_failed(port, caller));
        }
    }

    /// The registration of an instance, where a real system is the registry.
    pub(in crate::model) fn on_system_weight_changed(&mut self, instance: InstanceId) {
        self.with_protocol(|protocol, port| protocol.on_weight_changed(port, instance));
    }
}
