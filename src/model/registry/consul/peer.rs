//! What servers say to each other beside raft, and how they notice that another one is gone.

use super::message::{Alarm, Answer, Message, Ticket};
use super::rpc::KEEP_ALIVE_INTERVAL;
use super::server::{Forwarded, Held, reply_kind};
use super::{Consul, Port};
use crate::model::observation::ControlKind;
use crate::model::registry::system::parties::first_tick;
use crate::model::registry::system::{self, Letter};
use crate::scenario::registry::Phase;
use crate::time::SimDuration;

/// Another server that does not answer a keepalive within this is gone.
const PEER_SILENCE_MAX: SimDuration = SimDuration::from_secs(10);

impl Consul {
    /// Sends a message to another server.
    pub(super) fn tell_peer(
        &self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        entry_count: usize,
        message: Message,
    ) {
        let kind = match &message {
            Message::Forward { op, .. } if !op.is_read() => ControlKind::Write,
            Message::Forward { .. } => ControlKind::Poll,
            Message::Forwarded { answer, .. } => reply_kind(answer),
            Message::PeerClosed | Message::KeepAlive { .. } | Message::KeptAlive { .. } => {
                ControlKind::Attach
            }
            _ => ControlKind::MemberHeartbeat,
        };
        let link = (self.ensemble.node(from), self.ensemble.node(to));
        let letter = Letter::listing(&self.sizes, link, (kind, None), entry_count);
        port.send(letter, system::Message::Consul(message));
    }

    /// A message of another server arrives.
    pub(super) fn on_peer_message(
        &mut self,
        port: &mut dyn Port,
        from: u32,
        to: u32,
        message: Message,
    ) {
        match message {
            Message::Heartbeat { term, number } => {
                self.on_leader_heartbeat(port, (from, to), term, number);
            }
            Message::HeartbeatReply { term, number } => {
                self.on_heartbeat_reply(port, (from, to), term, number);
            }
            Message::Forward { ticket, op } => self.submit(port, to, ticket, op),
            Message::Forwarded { ticket, answer } => {
                if self.server(to).forwarded.contains_key(&ticket) {
                    let count = match &answer {
                        Answer::List { view, .. } => view.members.len(),
                        _ => 0,
                    };
                    let kind = reply_kind(&answer);
                    self.answer_with(port, to, ticket, (kind, count), answer);
                }
            }
            Message::KeepAlive { epoch } => {
                self.tell_peer(port, (to, from), 0, Message::KeptAlive { epoch });
            }
            Message::KeptAlive { .. } => self.server(to).silent.retain(|other| *other != from),
            Message::PeerClosed => self.fail_forwards(port, to, from),
            _ => unreachable!("servers say nothing else to each other"),
        }
    }

    /// The connection to another server is gone: what only reads looks for a leader again, what
    /// writes has failed.
    pub(super) fn fail_forwards(&mut self, port: &mut dyn Port, member: u32, other: u32) {
        let forwarded = self.servers[member as usize].forwarded.iter();
        let lost: Vec<(Ticket, Forwarded)> = forwarded
            .filter(|(_, forwarded)| forwarded.to == other)
            .map(|(ticket, forwarded)| (*ticket, *forwarded))
            .collect();
        for (ticket, forwarded) in lost {
            self.server(member).forwarded.remove(&ticket);
            let (op, until) = (
                forwarded.op,
                forwarded.began_at + self.config.rpc_hold_timeout,
            );
            match op.is_read() && port.now() < until {
                true => self.hold(port, member, Held { ticket, op, until }),
                false => self.answer(port, member, ticket, Answer::Error),
            }
        }
    }

    pub(super) fn start_peer_checks(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        let rhythm = (KEEP_ALIVE_INTERVAL, Phase::Random);
        let first = first_tick(port, node, "consul.peer_check", rhythm);
        self.alarms.set(port, node, first, Alarm::PeerCheck);
    }

    /// A server asks those that it waits for whether they are still there.
    pub(super) fn check_peers(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        self.alarms
            .set(port, node, KEEP_ALIVE_INTERVAL, Alarm::PeerCheck);
        let own = self.server(member);
        let mut asked: Vec<u32> = own.forwarded.values().map(|f| f.to).collect();
        asked.sort_unstable();
        asked.dedup();
        own.silent = asked.clone();
        if asked.is_empty() {
            return;
        }
        self.alarms
            .set(port, node, PEER_SILENCE_MAX, Alarm::PeerSilence);
        for other in asked {
            self.tell_peer(port, (member, other), 0, Message::KeepAlive { epoch: 0 });
        }
    }

    pub(super) fn on_peer_silence(&mut self, port: &mut dyn Port, member: u32) {
        for other in std::mem::take(&mut self.server(member).silent) {
            port.reconnect(self.ensemble.node(member), self.ensemble.node(other));
            self.fail_forwards(port, member, other);
        }
    }
}
