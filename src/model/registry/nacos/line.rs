//! Clients with a connection of their own (gRPC): an instance is there as long as its connection.
//!
//! A client that has been silent for the keepalive asks its server whether it is healthy, and goes
//! to the next one if that does not answer. A server looks again and again for connections without
//! a sign of life, asks those clients, and unregisters everything of whoever does not answer. A
//! connection that is reset is gone at once. After a new connection a client registers and
//! subscribes again at its next redo. Servers push over connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Nacos;
use super::message::{Alarm, Message};
use crate::id::ServiceId;
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::Port;
use crate::model::registry::system::attach::{Roster, closes_connections};
use crate::model::registry::system::parties::first_tick;
use crate::model::view::ViewSnapshot;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::scenario::registry::nacos::GrpcConfig;
use crate::time::{SimDuration, SimTime};

/// A client waits this long before it tries another server, twice as long after each has failed
/// once, and so on.
const RECONNECT_STEP: SimDuration = SimDuration::from_ms(100);
/// The most steps that it waits.
const RECONNECT_STEPS_MAX: u64 = 50;

/// What clients and servers say on a connection. Connections of a client are numbered.
#[derive(Clone, Debug)]
pub enum Talk {
    /// A client opens one.
    Connect,
    /// It stands.
    Connected,
    /// A client asks whether the server is healthy.
    Check,
    /// It is.
    Checked,
    /// The server asks whether the client is there.
    Detect,
    /// It is.
    Detected,
    /// An instance comes or leaves.
    Publish { is_listed: bool },
    /// That is done.
    Published { is_listed: bool },
    /// A client wants the lists of all services that it calls, and what changes.
    Subscribe,
    /// They are.
    Lists(Box<[(ServiceId, Arc<ViewSnapshot>)]>),
    /// One of them changed.
    Push {
        service: ServiceId,
        view: Arc<ViewSnapshot>,
    },
    /// The connection is closed.
    Closed,
}

/// What a client is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Off,
    /// It waits until it tries the next server.
    Waiting,
    Connecting,
    Connected,
}

/// The connection of a client, as it has it.
#[derive(Debug, Default)]
pub(super) struct Line {
    stage: Stage,
    roster: Roster,
    server: u32,
    pub epoch: u32,
    start_count: u32,
    /// Full passes over the servers without a connection.
    turn_count: u64,
    heard_at: SimTime,
    /// Whether it registers and subscribes at once, as a process does that starts.
    is_first: bool,
    is_published: bool,
    is_subscribed: bool,
}

/// A connection, as its server has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub epoch: u32,
    pub active_at: SimTime,
    pub is_subscribed: bool,
    /// Whether the server waits for a sign of life.
    pub is_asked: bool,
}

/// The connections of one server.
pub(super) type Peers = BTreeMap<u32, Peer>;

impl Nacos {
    pub(super) fn grpc(&self) -> GrpcConfig {
        self.config.grpc.expect("its clients have connections")
    }

    fn line(&mut self, client: u32) -> &mut Line {
        &mut self.lines[client as usize]
    }

    /// The run begins: every client is connected to a server of its own, and has said so lately.
    pub(super) fn start_lines(&mut self, port: &mut dyn Port) {
        let rules = self.grpc();
        for client in 0..self.lines.len() as u32 {
            let node = self.clients[client as usize].node;
            if port.node(node).state != LifeState::Up {
                continue;
            }
            self.shuffle(port, client);
            let is_wanted = self.clients[client as usize].is_wanted;
            let line = self.line(client);
            line.server = line.roster.advance().0;
            line.roster.settle();
            (line.stage, line.epoch) = (Stage::Connected, 1);
            (line.is_published, line.is_subscribed) = (is_wanted, true);
            let server = line.server;
            let peer = Peer {
                epoch: 1,
                active_at: SimTime::START,
                is_subscribed: true,
                is_asked: false,
            };
            self.peers_of[server as usize].insert(client, peer);
            if let Some((instance, ..)) = self.clients[client as usize].instance {
                for known in &mut self.servers {
                    known.set_owner(instance, server);
                }
            }
            let rhythm = (rules.keep_alive_interval, Phase::Random);
            let first = first_tick(port, node, "nacos.keep_alive", rhythm);
            self.alarms.set(port, node, first, Alarm::Keep { client });
            port.note_attached(node, self.nodes[server as usize]);
        }
    }

    /// A server begins to look for connections without a sign of life.
    pub(super) fn start_ejector(&mut self, port: &mut dyn Port, member: u32) {
        let Some(rules) = self.config.grpc else {
            return;
        };
        let node = self.nodes[member as usize];
        let rhythm = (rules.check_interval, Phase::Random);
        let first = first_tick(port, node, "nacos.eject", rhythm);
        self.alarms.set(port, node, first, Alarm::Eject { member });
    }

    fn shuffle(&mut self, port: &dyn Port, client: u32) {
        let (node, count) = (self.clients[client as usize].node, self.nodes.len() as u32);
        let line = self.line(client);
        line.start_count += 1;
        let number = line.start_count;
        self.line(client).roster = Roster::shuffled(port, node, number, count);
    }

    pub(super) fn open_line(&mut self, port: &mut dyn Port, client: u32) {
        self.shuffle(port, client);
        self.line(client).is_first = true;
        self.connect(port, client);
    }

    /// A process ends: its host resets the connection, if it is still there.
    pub(super) fn drop_line(&mut self, port: &mut dyn Port, client: u32) {
        let node = self.clients[client as usize].node;
        if self.lines[client as usize].stage == Stage::Connected && closes_connections(port, node) {
            self.talk(port, client, ControlKind::Attach, Talk::Closed);
        }
        let line = self.line(client);
        let (epoch, start_count) = (line.epoch + 1, line.start_count);
        *line = Line {
            epoch,
            start_count,
            ..Line::default()
        };
    }

    /// A client says something to its server.
    fn talk(&mut self, port: &mut dyn Port, client: u32, kind: ControlKind, talk: Talk) {
        let line = &self.lines[client as usize];
        let own = &self.clients[client as usize];
        let link = (own.node, self.nodes[line.server as usize]);
        let service = own.instance.map(|(_, service, _)| service);
        let entry_count = usize::from(matches!(talk, Talk::Publish { is_listed: true }));
        let epoch = line.epoch;
        let message = Message::Talk {
            client,
            epoch,
            talk,
        };
        self.send(port, link, (kind, service), entry_count, message);
    }

    /// A server says something to a client.
    pub(super) fn reply(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        epoch: u32,
        kind: ControlKind,
        talk: Talk,
    ) {
        let own = &self.clients[client as usize];
        let link = (self.nodes[member as usize], own.node);
        let own_service = own.instance.map(|(_, service, _)| service);
        let (service, entry_count) = match &talk {
            Talk::Lists(lists) => {
                let counts = lists.iter().map(|list| list.1.members.len());
                (None, counts.sum())
            }
            Talk::Push { service, view } => (Some(*service), view.members.len()),
            _ => (own_service, 0),
        };
        let message = Message::Talk {
            client,
            epoch,
            talk,
        };
        self.send(port, link, (kind, service), entry_count, message);
    }

    fn connect(&mut self, port: &mut dyn Port, client: u32) {
        let patience = self.config.request_timeout;
        let node = self.clients[client as usize].node;
        let line = self.line(client);
        let (server, is_full_pass) = line.roster.advance();
        line.server = server;
        line.epoch += 1;
        line.turn_count += u64::from(is_full_pass);
        line.stage = Stage::Connecting;
        (line.is_published, line.is_subscribed) = (false, false);
        self.alarms.cancel(port, node, Alarm::Keep { client });
        self.alarms
            .set(port, node, patience, Alarm::KeepEnds { client });
        self.talk(port, client, ControlKind::Attach, Talk::Connect);
    }

    /// A client leaves its server and tries the next one after a while.
    fn leave_server(&mut self, port: &mut dyn Port, client: u32) {
        let node = self.clients[client as usize].node;
        let line = self.line(client);
        line.stage = Stage::Waiting;
        let (server, steps) = (line.server, (line.turn_count + 1).min(RECONNECT_STEPS_MAX));
        port.reconnect(node, self.nodes[server as usize]);
        let wait = RECONNECT_STEP.saturating_mul(steps);
        self.alarms.cancel(port, node, Alarm::KeepEnds { client });
        self.alarms.set(port, node, wait, Alarm::Keep { client });
    }

    /// The next step of a client: a connection, or a sign of life.
    pub(super) fn on_keep_due(&mut self, port: &mut dyn Port, client: u32) {
        let (now, rules) = (port.now(), self.grpc());
        let node = self.clients[client as usize].node;
        let line = self.line(client);
        match line.stage {
            Stage::Waiting => self.connect(port, client),
            Stage::Connected => {
                let silence = now.since(line.heard_at);
                let left = rules.keep_alive_interval.saturating_sub(silence);
                if !left.is_zero() && line.heard_at != SimTime::START {
                    let alarm = Alarm::Keep { client };
                    return self.alarms.set(port, node, left, alarm);
                }
                let alarm = Alarm::KeepEnds { client };
                self.alarms.set(port, node, rules.keep_alive_timeout, alarm);
                self.talk(port, client, ControlKind::Heartbeat, Talk::Check);
            }
            Stage::Off | Stage::Connecting => {}
        }
    }

    /// Its server did not answer, or no process took what it said.
    pub(super) fn on_line_lost(&mut self, port: &mut dyn Port, client: u32) {
        let stage = self.lines[client as usize].stage;
        if matches!(stage, Stage::Connecting | Stage::Connected) {
            self.leave_server(port, client);
        }
    }

    /// No process took a message of a client.
    pub(super) fn on_talk_refused(&mut self, port: &mut dyn Port, client: u32, epoch: u32) {
        if self.lines[client as usize].epoch == epoch {
            self.on_line_lost(port, client);
        }
    }

    /// A client does again what its server does not know yet.
    pub(super) fn redo(&mut self, port: &mut dyn Port, client: u32) {
        let line = &self.lines[client as usize];
        if line.stage != Stage::Connected {
            return;
        }
        let (is_published, is_subscribed) = (line.is_published, line.is_subscribed);
        let own = &self.clients[client as usize];
        let (node, is_wanted) = (own.node, own.is_wanted);
        let is_registration_due = own.instance.is_some() && is_wanted != is_published;
        let is_subscription_due = own.has_sides() && !is_subscribed;
        if is_registration_due {
            let is_listed = is_wanted;
            self.talk(
                port,
                client,
                ControlKind::Write,
                Talk::Publish { is_listed },
            );
        }
        if is_subscription_due {
            self.talk(port, client, ControlKind::Poll, Talk::Subscribe);
        }
        if is_registration_due || is_subscription_due {
            let wait = self.grpc().redo_interval;
            self.alarms.set(port, node, wait, Alarm::Redo { client });
        }
    }

    /// A server says something on the connection that a client has.
    pub(super) fn on_server_talk(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        epoch: u32,
        talk: Talk,
    ) {
        let now = port.now();
        let node = self.clients[client as usize].node;
        let line = self.line(client);
        if line.epoch != epoch || matches!(line.stage, Stage::Off | Stage::Waiting) {
            return;
        }
        line.heard_at = now;
        match talk {
            Talk::Connected => self.on_connected(port, client),
            Talk::Checked => {
                let keep = self.grpc().keep_alive_interval;
                self.alarms.cancel(port, node, Alarm::KeepEnds { client });
                self.alarms.set(port, node, keep, Alarm::Keep { client });
            }
            Talk::Detect => self.talk(port, client, ControlKind::Ack, Talk::Detected),
            Talk::Published { is_listed } => {
                line.is_published = is_listed;
                self.redo(port, client);
            }
            Talk::Lists(lists) => {
                line.is_subscribed = true;
                for (service, view) in lists {
                    self.take_view(port, client, service, &view);
                }
            }
            Talk::Push { service, view } => {
                self.take_view(port, client, service, &view);
            }
            Talk::Closed => self.on_line_lost(port, client),
            _ => unreachable!("servers say nothing else"),
        }
    }

    fn on_connected(&mut self, port: &mut dyn Port, client: u32) {
        let rules = self.grpc();
        let node = self.clients[client as usize].node;
        let line = self.line(client);
        (line.stage, line.turn_count) = (Stage::Connected, 0);
        line.roster.settle();
        let (server, epoch) = (line.server, line.epoch);
        let is_first = std::mem::take(&mut line.is_first);
        port.note_attached(node, self.nodes[server as usize]);
        self.alarms.cancel(port, node, Alarm::KeepEnds { client });
        let keep = rules.keep_alive_interval;
        self.alarms.set(port, node, keep, Alarm::Keep { client });
        if is_first {
            return self.redo(port, client);
        }
        let identity = port.node(node).path_hash ^ path_hash("nacos.redo");
        let uniform = port.draw(identity, epoch, 0).uniform();
        let wait = rules.redo_interval.scaled(1.0 - uniform);
        self.alarms.set(port, node, wait, Alarm::Redo { client });
    }
}
