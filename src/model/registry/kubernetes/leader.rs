//! etcd: heartbeats of its leader, and what its elections mean for the controllers.

use super::Kubernetes;
use super::message::{Alarm, Entry, Message};
use crate::model::observation::ControlKind;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter, Port};

impl Kubernetes {
    /// Sends a message to another member.
    pub(super) fn tell_member(
        &self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        kind: ControlKind,
        message: Message,
    ) {
        let letter = Letter {
            from: self.ensemble.node(from),
            to: self.ensemble.node(to),
            kind,
            service: None,
            byte_count: self.sizes.message_bytes,
        };
        port.send(letter, system::Message::Kubernetes(message));
    }

    /// A member leads from now on.
    pub(super) fn lead(&mut self, port: &mut dyn Port, member: u32) {
        let (node, interval) = (self.ensemble.node(member), self.config.heartbeat_interval);
        let alarm = Alarm::Heartbeat { member };
        self.servers[member as usize].heartbeat_count = 0;
        self.alarms.set(port, node, interval, alarm);
        self.send_heartbeats(port, member);
        self.on_etcd_back(port, member);
    }

    pub(super) fn follow(&mut self, port: &mut dyn Port, member: u32) {
        self.stop_heartbeats(port, member);
        self.on_etcd_back(port, member);
    }

    pub(super) fn stop_leading(&mut self, port: &mut dyn Port, member: u32) {
        self.stop_heartbeats(port, member);
        self.on_etcd_lost(port, member);
    }

    fn stop_heartbeats(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        self.alarms.cancel(port, node, Alarm::Heartbeat { member });
    }

    fn send_heartbeats(&self, port: &mut dyn Port, member: u32) {
        let term = self.ensemble.term(member);
        for other in (0..self.ensemble.member_count()).filter(|other| *other != member) {
            let message = Message::Heartbeat { term };
            self.tell_member(port, (member, other), ControlKind::MemberHeartbeat, message);
        }
    }

    /// A heartbeat is due; once per election timeout the leader counts who still answers.
    pub(super) fn on_heartbeat(&mut self, port: &mut dyn Port, member: u32) {
        let (node, interval) = (self.ensemble.node(member), self.config.heartbeat_interval);
        let alarm = Alarm::Heartbeat { member };
        self.alarms.set(port, node, interval, alarm);
        let rounds = self.config.election_timeout.as_ns() / interval.as_ns();
        let server = &mut self.servers[member as usize];
        server.heartbeat_count += 1;
        let is_count_due = server.heartbeat_count.is_multiple_of(rounds.max(1));
        self.send_heartbeats(port, member);
        if is_count_due {
            self.ensemble.check_quorum(port, member);
        }
    }

    /// A message of another member arrives.
    pub(super) fn on_member_message(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        message: Message,
    ) {
        match message {
            Message::Heartbeat { term } => {
                let is_own = self.ensemble.role(to) == Role::Following(from);
                if !is_own || self.ensemble.term(to) != term {
                    return self.ensemble.hear_other_leader(port, to, term);
                }
                self.ensemble.hear_leader(to, port.now());
                let (kind, message) = (
                    ControlKind::MemberHeartbeat,
                    Message::HeartbeatReply { term },
                );
                self.tell_member(port, (to, from), kind, message);
            }
            Message::HeartbeatReply { term } => {
                if self.ensemble.term(to) == term && self.ensemble.role(to) == Role::Leading {
                    self.ensemble.hear_follower(port, to, from);
                }
            }
            Message::Forward { entry } => {
                if self.ensemble.role(to) == Role::Leading {
                    let entry = system::Entry::Kubernetes(entry);
                    self.ensemble.propose(port, to, entry);
                }
            }
            _ => unreachable!("members say nothing else to each other"),
        }
    }

    /// A member takes a write: the leader proposes it, a follower passes it on, and without a
    /// leader it is lost.
    pub(super) fn write(&mut self, port: &mut dyn Port, member: u32, entry: Entry) {
        match self.ensemble.role(member) {
            Role::Leading => {
                let entry = system::Entry::Kubernetes(entry);
                self.ensemble.propose(port, member, entry);
            }
            Role::Following(leader) => {
                let (kind, message) = (ControlKind::Write, Message::Forward { entry });
                self.tell_member(port, (member, leader), kind, message);
            }
            Role::Looking | Role::Down => {}
        }
    }
}
