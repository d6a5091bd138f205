//! What members send each other, and how it travels.
//!
//! Probes, answers and updates are packets of a datagram transport, whatever the calls of the
//! scenario use: a lost one is lost. Full exchanges and the second chance of a probe use a
//! connection, which costs a round trip more and retransmits. Updates ride on every packet that
//! has room.

use super::broadcasts::UPDATE_OVERHEAD_BYTES;
use super::rules::retransmit_limit;
use super::view::{Belief, NIL};
use crate::engine::PendingSet;
use crate::id::{ClassId, NodeId};
use crate::model::event::Event;
use crate::model::network::{MessageKey, pair_hash};
use crate::model::observation::{ControlKind, LifeState, Observation, Observer};
use crate::model::world::{Deferred, World};
use crate::rng::mix;
use crate::time::{SimDuration, SimTime};

/// Something that members tell each other about one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// About whom: its place in the cluster.
    pub subject: u32,
    /// Which of its incarnations.
    pub incarnation: u32,
    /// Who says so, for a suspicion or a death; who says so of itself leaves.
    pub accuser: u32,
    /// What.
    pub kind: UpdateKind,
}

/// What an update says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateKind {
    /// It is alive.
    Alive,
    /// Somebody suspects it.
    Suspect,
    /// It is dead, or it leaves.
    Dead,
    /// In a full exchange: it has no place on the sender's list.
    Absent,
}

impl UpdateKind {
    /// Bytes of an update in a packet: names, numbers and, of who is alive, an address and what it
    /// says of itself. Assumed.
    pub fn byte_count(kind: UpdateKind) -> u32 {
        match kind {
            UpdateKind::Alive => 120,
            UpdateKind::Suspect | UpdateKind::Dead => 60,
            UpdateKind::Absent => 0,
        }
    }
}

/// Bytes of the headers of a packet (IP and UDP).
const HEADER_BYTES: u32 = 28;
/// Bytes of a member in a full exchange. Assumed.
const EXCHANGED_BYTES: u64 = 120;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Are you there?
    Ping,
    /// I am.
    Ack,
    /// Please ask `subject` whether it is there.
    PingRequest,
    /// Are you there, says somebody else.
    RelayedPing,
    /// I am, tell who asked.
    RelayedAck,
    /// It is, says who was asked to ask.
    ForwardedAck,
    /// It does not answer, either.
    Nack,
    /// A ping over a connection.
    FallbackPing,
    /// Its answer.
    FallbackAck,
    /// Updates on their own.
    Gossip,
    /// The sender's whole list.
    SyncRequest,
    /// The list of who was asked.
    SyncReply,
}

impl MessageKind {
    /// As what it is counted.
    fn control_kind(self) -> ControlKind {
        match self {
            MessageKind::Ping | MessageKind::RelayedPing | MessageKind::FallbackPing => {
                ControlKind::GossipPing
            }
            MessageKind::Ack
            | MessageKind::RelayedAck
            | MessageKind::ForwardedAck
            | MessageKind::FallbackAck
            | MessageKind::Nack => ControlKind::GossipAck,
            MessageKind::PingRequest => ControlKind::GossipPingRequest,
            MessageKind::Gossip => ControlKind::GossipUpdate,
            MessageKind::SyncRequest | MessageKind::SyncReply => ControlKind::GossipSync,
        }
    }

    /// Bytes without updates. Assumed, from the fields that memberlist encodes.
    fn byte_count(self) -> u32 {
        match self {
            MessageKind::Ping | MessageKind::RelayedPing | MessageKind::FallbackPing => 80,
            MessageKind::Ack
            | MessageKind::RelayedAck
            | MessageKind::ForwardedAck
            | MessageKind::FallbackAck => 24,
            MessageKind::Nack => 12,
            MessageKind::PingRequest => 100,
            MessageKind::Gossip | MessageKind::SyncRequest | MessageKind::SyncReply => 2,
        }
    }

    /// Whether it travels over a connection.
    fn is_stream(self) -> bool {
        matches!(
            self,
            MessageKind::FallbackPing
                | MessageKind::FallbackAck
                | MessageKind::SyncRequest
                | MessageKind::SyncReply
        )
    }

    /// Whether it opens its connection.
    fn opens(self) -> bool {
        matches!(self, MessageKind::FallbackPing | MessageKind::SyncRequest)
    }
}

/// A message on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Who sent it, and to whom: members, counted over all clusters.
    pub from: u32,
    pub to: u32,
    /// What it is.
    pub kind: MessageKind,
    /// Which probe, exchange or sending it belongs to.
    pub number: u32,
    /// Who is meant: the target of a request, who asked for a relayed ping.
    pub subject: u32,
    /// Where the relay keeps what it was asked, and the sequence number that names it.
    pub relay: u32,
    pub relay_sequence: u64,
    /// The updates in it, if any.
    pub load: u32,
    /// When it arrives; it is read later where its member stands still.
    pub due_at: SimTime,
}

/// What a message says; the rest is filled in when it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    /// What it is.
    pub kind: MessageKind,
    /// See [`Message`].
    pub number: u32,
    pub subject: u32,
    pub relay: u32,
    pub relay_sequence: u64,
}

impl Letter {
    /// A message about nobody else.
    pub fn new(kind: MessageKind, number: u32) -> Self {
        Letter {
            kind,
            number,
            subject: NIL,
            relay: NIL,
            relay_sequence: 0,
        }
    }
}

impl Message {
    /// The answer to it, of another kind.
    pub fn answer(&self, kind: MessageKind) -> Letter {
        Letter {
            kind,
            number: self.number,
            subject: self.subject,
            relay: self.relay,
            relay_sequence: self.relay_sequence,
        }
    }
}

/// Lists of updates in messages; the room is used again.
#[derive(Debug, Default)]
pub struct Loads {
    lists: Vec<Vec<Update>>,
    free: Vec<u32>,
}

/// Updates that a list which is kept for its room may hold.
const KEPT_UPDATES_MAX: usize = 64;

impl Loads {
    /// Keeps a list, unless it is empty.
    fn put(&mut self, list: Vec<Update>) -> u32 {
        if list.is_empty() {
            return NIL;
        }
        match self.free.pop() {
            Some(place) => {
                self.lists[place as usize] = list;
                place
            }
            None => {
                self.lists.push(list);
                u32::try_from(self.lists.len() - 1).expect("fewer lists than messages")
            }
        }
    }

    /// Takes a list out.
    pub fn take(&mut self, place: u32) -> Vec<Update> {
        if place == NIL {
            return Vec::new();
        }
        self.free.push(place);
        std::mem::take(&mut self.lists[place as usize])
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Sends a packet, with as many updates as there is room for.
    pub(super) fn send_packet_with_updates(&mut self, from: u32, to: u32, letter: Letter) {
        let load = self.updates_for(from, letter.kind.byte_count());
        self.send_gossip(from, to, letter, load);
    }

    /// Updates that a member passes on in a packet that holds `used` bytes.
    pub(super) fn updates_for(&mut self, from: u32, used: u32) -> Vec<Update> {
        let member = &mut self.gossip.members[from as usize];
        if member.queue.is_empty() {
            return Vec::new();
        }
        let config = &self.gossip.clusters[member.cluster as usize].config;
        let count = member.view.member_count;
        let limit = retransmit_limit(config.law, config.retransmit_mult, count);
        // The kind of a compound message and the count and length of its parts.
        let room = config
            .udp_buffer_size
            .saturating_sub(used + 2 + UPDATE_OVERHEAD_BYTES);
        let mut load = self.gossip.spare_loads.pop().unwrap_or_default();
        member.queue.take(room, limit, &mut load);
        load
    }

    /// Sends a message from one member to another.
    pub(super) fn send_gossip(&mut self, from: u32, to: u32, letter: Letter, load: Vec<Update>) {
        let member = &self.gossip.members[from as usize];
        let link = (member.node, self.gossip.members[to as usize].node);
        let cluster = &self.gossip.clusters[member.cluster as usize];
        let service = cluster.service;
        let byte_count = byte_count(letter.kind, &load, member.view.member_count);
        let kind = letter.kind.control_kind();
        self.observe(Observation::ControlSized {
            kind,
            service,
            from: link.0,
            to: link.1,
            byte_count,
        });
        let key = self.gossip_key(link, &letter);
        let now = self.now();
        let waiting = self.network.transmit(now, &self.nodes, link, byte_count);
        let at = now + waiting;
        if let Some(travel) = self.duplicated(at, link, key, letter.kind) {
            self.put_on_wire((from, to), &letter, load.clone(), waiting + travel);
        }
        let timeout = self.gossip.config(from).tcp_timeout;
        let timeout = self.nodes[link.0.index()].true_length(timeout);
        let travel = self.travel(at, link, key, letter.kind);
        let is_in_time = |travel: &SimDuration| !letter.kind.is_stream() || *travel <= timeout;
        match travel.filter(is_in_time) {
            None => self.gossip.keep_room(load),
            Some(travel) => self.put_on_wire((from, to), &letter, load, waiting + travel),
        }
    }

    fn put_on_wire(
        &mut self,
        (from, to): (u32, u32),
        letter: &Letter,
        load: Vec<Update>,
        delay: SimDuration,
    ) {
        let message = Message {
            from,
            to,
            kind: letter.kind,
            number: letter.number,
            subject: letter.subject,
            relay: letter.relay,
            relay_sequence: letter.relay_sequence,
            load: self.gossip.loads.put(load),
            due_at: self.now() + delay,
        };
        let slot = self.gossip.messages.insert(message);
        self.schedule(delay, Event::GossipMessage(slot));
    }

    /// When a second copy of a packet arrives, if there is one.
    fn duplicated(
        &mut self,
        at: SimTime,
        link: (NodeId, NodeId),
        key: MessageKey,
        kind: MessageKind,
    ) -> Option<SimDuration> {
        if kind.is_stream() {
            return None;
        }
        self.network
            .duplicate(at, &self.streams, &self.nodes, link, key)
    }

    /// Names the random numbers of a message: who sends it to whom for which probe of whom.
    fn gossip_key(&self, link: (NodeId, NodeId), letter: &Letter) -> MessageKey {
        let subject = match letter.subject {
            NIL => 0,
            subject => self.nodes[self.gossip.members[subject as usize].node.index()].path_hash,
        };
        let kind = self.gossip.kind_hash.wrapping_add(letter.kind as u64);
        MessageKey {
            identity: mix(pair_hash(&self.nodes, link) ^ kind) ^ mix(subject),
            number: letter.number,
            leg: 0,
            class: ClassId::NONE,
            traffic: letter.kind.control_kind().traffic(),
        }
    }

    /// How long a message takes; None if it never arrives.
    fn travel(
        &mut self,
        at: SimTime,
        link: (NodeId, NodeId),
        key: MessageKey,
        kind: MessageKind,
    ) -> Option<SimDuration> {
        let World {
            network,
            streams,
            nodes,
            ..
        } = self;
        if !kind.is_stream() {
            return network.send_datagram(at, streams, nodes, link, key);
        }
        let mut travel = SimDuration::ZERO;
        if kind.opens() {
            for (leg, link) in [(1, link), (2, (link.1, link.0))] {
                let key = MessageKey { leg, ..key };
                travel += network.send_stream(at + travel, streams, nodes, link, key)?;
            }
        }
        Some(travel + network.send_stream(at + travel, streams, nodes, link, key)?)
    }

    /// A message reaches the host of a member.
    #[inline(never)]
    pub(in crate::model) fn on_gossip_message(&mut self, slot: u32, sequence: u64) {
        let message = self.gossip.messages[slot];
        let node = self.gossip.members[message.to as usize].node;
        let event = Event::GossipMessage(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.gossip.messages.remove(slot);
        let load = self.gossip.loads.take(message.load);
        let sender = self.gossip.members[message.from as usize].node;
        let name = mix(pair_hash(&self.nodes, (sender, node)));
        let what = u64::from(message.number) << 8 | message.kind as u64;
        self.fold(event, node, name ^ what);
        if self.nodes[node.index()].state != LifeState::Up {
            return self.gossip.keep_room(load);
        }
        let has_list = matches!(
            message.kind,
            MessageKind::SyncRequest | MessageKind::SyncReply
        );
        if message.due_at < self.now() && !has_list && !load.is_empty() {
            // Memberlist answers pings at once and hands updates to another thread: a process that
            // goes on has answered all that waited before it reads what they said.
            self.take_message(&message, &[]);
            let letter = Letter::new(MessageKind::Gossip, message.number);
            let link = (message.from, message.to);
            return self.put_on_wire(link, &letter, load, SimDuration::ZERO);
        }
        self.take_message(&message, &load);
        self.gossip.keep_room(load);
    }

    fn take_message(&mut self, message: &Message, load: &[Update]) {
        let (from, to) = (message.from, message.to);
        match message.kind {
            MessageKind::SyncRequest => return self.on_sync_request(message, load),
            MessageKind::SyncReply => return self.on_sync_reply(message, load),
            _ => {}
        }
        // Memberlist takes the parts of a packet apart from first to last.
        match message.kind {
            MessageKind::Ping => {
                self.send_packet_with_updates(to, from, message.answer(MessageKind::Ack));
            }
            MessageKind::RelayedPing => {
                self.send_packet_with_updates(to, from, message.answer(MessageKind::RelayedAck));
            }
            MessageKind::FallbackPing => {
                self.send_gossip(
                    to,
                    from,
                    message.answer(MessageKind::FallbackAck),
                    Vec::new(),
                );
            }
            MessageKind::Ack | MessageKind::ForwardedAck => self.on_probe_ack(to, message.number),
            MessageKind::Nack => self.on_probe_nack(to, message.number),
            MessageKind::FallbackAck => self.on_fallback_ack(to, message.number),
            MessageKind::PingRequest => self.on_ping_request(message),
            MessageKind::RelayedAck => self.on_relayed_ack(message),
            MessageKind::Gossip | MessageKind::SyncRequest | MessageKind::SyncReply => {}
        }
        for update in load {
            self.take_update(to, *update);
        }
    }

    /// A message waited for a process that died.
    pub(in crate::model) fn lose_gossip(&mut self, slot: u32) {
        let message = self.gossip.messages.remove(slot);
        let load = self.gossip.loads.take(message.load);
        self.gossip.keep_room(load);
    }
}

impl super::Gossip {
    /// Keeps the room of a list for another one.
    pub(super) fn keep_room(&mut self, mut list: Vec<Update>) {
        if (1..=KEPT_UPDATES_MAX).contains(&list.capacity()) {
            list.clear();
            self.spare_loads.push(list);
        }
    }
}

/// Bytes of a message on the wire. A full exchange carries every member of the list, whatever
/// differs from the base.
fn byte_count(kind: MessageKind, load: &[Update], listed_count: u32) -> u64 {
    let own = u64::from(HEADER_BYTES + kind.byte_count());
    if matches!(kind, MessageKind::SyncRequest | MessageKind::SyncReply) {
        return own + EXCHANGED_BYTES * u64::from(listed_count.max(1));
    }
    let each = |update: &Update| UpdateKind::byte_count(update.kind) + UPDATE_OVERHEAD_BYTES;
    let updates: u32 = load.iter().map(each).sum();
    own + u64::from(updates + if load.is_empty() { 0 } else { 2 })
}

impl Update {
    /// What a view says of a member, as a full exchange tells it.
    pub fn of_entry(entry: &super::view::Entry) -> Self {
        let (kind, accuser) = match entry.belief {
            Belief::Alive => (UpdateKind::Alive, NIL),
            Belief::Suspect => (UpdateKind::Suspect, NIL),
            Belief::Dead => (UpdateKind::Dead, NIL),
            Belief::Left => (UpdateKind::Dead, entry.subject),
            Belief::Reclaimed | Belief::Unknown => (UpdateKind::Absent, NIL),
        };
        Update {
            subject: entry.subject,
            incarnation: entry.incarnation,
            accuser,
            kind,
        }
    }
}
