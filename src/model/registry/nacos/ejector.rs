//! A server and its connections: what its clients register lasts as long as those.

use std::sync::Arc;

use super::Nacos;
use super::line::{Peer, Talk};
use super::message::{Alarm, Job};
use crate::id::{NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::model::registry::system::Port;
use crate::model::registry::system::attach::closes_connections;
use crate::model::registry::system::members::Cost;
use crate::model::view::ViewSnapshot;

impl Nacos {
    /// A client says something to a server.
    pub(super) fn on_client_talk(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        epoch: u32,
        talk: Talk,
    ) {
        let now = port.now();
        let link = (member, client);
        if let Talk::Connect = talk {
            if self.lines[client as usize].epoch != epoch {
                // A socket that its client has closed meanwhile.
                return;
            }
            let peer = Peer {
                epoch,
                active_at: now,
                is_subscribed: false,
                is_asked: false,
            };
            self.peers_of[member as usize].insert(client, peer);
            return self.reply(port, link, epoch, ControlKind::Attach, Talk::Connected);
        }
        let peer = self.peers_of[member as usize].get_mut(&client);
        let Some(peer) = peer.filter(|peer| peer.epoch == epoch) else {
            return match talk {
                Talk::Closed => {}
                _ => self.reply(port, link, epoch, ControlKind::Attach, Talk::Closed),
            };
        };
        peer.active_at = now;
        let (cost, job) = match talk {
            Talk::Check => {
                let kind = ControlKind::HeartbeatReply;
                return self.reply(port, link, epoch, kind, Talk::Checked);
            }
            Talk::Detected => {
                peer.is_asked = false;
                return self.end_ejection_early(port, member);
            }
            Talk::Publish { is_listed } => {
                let job = Job::Publish {
                    client,
                    epoch,
                    is_listed,
                };
                (Cost::Write, job)
            }
            Talk::Subscribe => (Cost::Read, Job::Subscribe { client, epoch }),
            Talk::Closed => (Cost::Hangup, Job::Disconnect { client, epoch }),
            _ => unreachable!("clients say nothing else"),
        };
        self.submit(port, member, cost, job);
    }

    fn has_peer(&self, member: u32, client: u32, epoch: u32) -> bool {
        let peer = self.peers_of[member as usize].get(&client);
        peer.is_some_and(|peer| peer.epoch == epoch)
    }

    pub(super) fn publish(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        epoch: u32,
        is_listed: bool,
    ) {
        if !self.has_peer(member, client, epoch) || !self.servers[member as usize].is_open {
            return;
        }
        let instance = self.clients[client as usize].instance;
        let (instance, ..) = instance.expect("only instances register");
        port.set_suspected(instance, false);
        let state = (instance, is_listed.then_some(true));
        let owner = self.servers[member as usize].owner(instance);
        if self.note(port, member, state, member) || owner.is_some_and(|owner| owner != member) {
            self.change(port, member, instance);
        }
        let kind = ControlKind::WriteReply;
        let talk = Talk::Published { is_listed };
        self.reply(port, (member, client), epoch, kind, talk);
    }

    pub(super) fn subscribe(&mut self, port: &mut dyn Port, link: (u32, u32), epoch: u32) {
        let (member, client) = link;
        if !self.has_peer(member, client, epoch) || !self.servers[member as usize].is_open {
            return;
        }
        if let Some(peer) = self.peers_of[member as usize].get_mut(&client) {
            peer.is_subscribed = true;
        }
        let services = self.clients[client as usize].services();
        let lists = services
            .into_iter()
            .map(|service| (service, self.listed(port, member, service)));
        let talk = Talk::Lists(lists.collect());
        self.reply(port, link, epoch, ControlKind::PollReply, talk);
    }

    /// The clients that a server pushes to.
    pub(super) fn subscribers(&self, member: u32) -> Vec<u32> {
        let peers = self.peers_of[member as usize].iter();
        let subscribed = peers.filter(|peer| peer.1.is_subscribed);
        subscribed.map(|peer| *peer.0).collect()
    }

    pub(super) fn push_on_line(
        &mut self,
        port: &mut dyn Port,
        link: (u32, u32),
        service: ServiceId,
        view: Arc<ViewSnapshot>,
    ) {
        let peer = self.peers_of[link.0 as usize].get(&link.1);
        if let Some(epoch) = peer.map(|peer| peer.epoch) {
            let talk = Talk::Push { service, view };
            self.reply(port, link, epoch, ControlKind::Notification, talk);
        }
    }

    /// A connection is gone, and with it what its client registered.
    pub(super) fn disconnect(&mut self, port: &mut dyn Port, link: (u32, u32), epoch: u32) {
        let (member, client) = link;
        if !self.has_peer(member, client, epoch) {
            return;
        }
        self.peers_of[member as usize].remove(&client);
        let Some((instance, ..)) = self.clients[client as usize].instance else {
            return;
        };
        let owner = self.servers[member as usize].owner(instance);
        if owner == Some(member) {
            port.set_suspected(instance, true);
            self.note(port, member, (instance, None), member);
            self.change(port, member, instance);
        }
    }

    /// A server looks for connections without a sign of life, and asks those clients.
    pub(super) fn eject(&mut self, port: &mut dyn Port, member: u32) {
        let (now, rules) = (port.now(), self.grpc());
        let node = self.nodes[member as usize];
        let mut asked = Vec::new();
        for (client, peer) in &mut self.peers_of[member as usize] {
            if rules.idle_timeout <= now.since(peer.active_at) {
                peer.is_asked = true;
                asked.push((*client, peer.epoch));
            }
        }
        if asked.is_empty() {
            let alarm = Alarm::Eject { member };
            return self.alarms.set(port, node, rules.check_interval, alarm);
        }
        let alarm = Alarm::EjectEnds { member };
        self.alarms.set(port, node, rules.detection_timeout, alarm);
        for (client, epoch) in asked {
            self.reply(
                port,
                (member, client),
                epoch,
                ControlKind::Ping,
                Talk::Detect,
            );
        }
    }

    fn end_ejection_early(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.nodes[member as usize];
        let ends = Alarm::EjectEnds { member };
        let peers = &self.peers_of[member as usize];
        if self.alarms.is_set(node, ends) && !peers.values().any(|peer| peer.is_asked) {
            self.alarms.cancel(port, node, ends);
            let wait = self.grpc().check_interval;
            self.alarms.set(port, node, wait, Alarm::Eject { member });
        }
    }

    /// Whoever did not answer is unregistered.
    pub(super) fn end_ejection(&mut self, port: &mut dyn Port, member: u32) {
        let asked = self.peers_of[member as usize].iter();
        let asked: Vec<(u32, u32)> = asked
            .filter(|peer| peer.1.is_asked)
            .map(|peer| (*peer.0, peer.1.epoch))
            .collect();
        for (client, epoch) in asked {
            let link = (member, client);
            self.disconnect(port, link, epoch);
            self.reply(port, link, epoch, ControlKind::Attach, Talk::Closed);
        }
        let (node, wait) = (self.nodes[member as usize], self.grpc().check_interval);
        self.alarms.set(port, node, wait, Alarm::Eject { member });
    }

    /// A server died: its host resets all connections, if it is still there.
    pub(super) fn drop_peers(&mut self, port: &mut dyn Port, member: u32) {
        let node: NodeId = self.nodes[member as usize];
        let peers = std::mem::take(&mut self.peers_of[member as usize]);
        if closes_connections(port, node) {
            for (client, peer) in peers {
                let link = (member, client);
                self.reply(port, link, peer.epoch, ControlKind::Attach, Talk::Closed);
            }
        }
    }
}
