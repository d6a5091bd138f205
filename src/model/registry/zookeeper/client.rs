//! The client library: one handle for each process, which connects, pings and gives up.
//!
//! The timers are those of `ClientCnxn`: it pings after half of its read timeout, which is two
//! thirds of the session timeout, and gives up on a server that it has not heard for all of it.
//! Lengths are whole milliseconds, as in the original.

use super::Zookeeper;
use super::message::{Alarm, Message, SessionId};
use crate::engine::TimerId;
use crate::id::{CallerId, EdgeId, InstanceId, NodeId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::attach::{Roster, closes_connections};
use crate::model::registry::system::{self, Letter, Port};
use crate::model::sampler::Sampler;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::Scenario;
use crate::scenario::registry::zookeeper::ZookeeperClient;
use crate::time::{SimDuration, SimTime};

/// A client that sends anything this late sends a ping as well (`MAX_SEND_PING_INTERVAL`).
const PING_INTERVAL_MAX_MS: u64 = 10_000;
/// How much earlier a client pings that has sent nothing for longer than this.
const SAFETY_MS: u64 = 1_000;
/// kazoo pings this many hundredths of a second earlier at most.
const KAZOO_JITTER_COUNT: u32 = 40;

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its process is dead.
    Off,
    /// It is going to connect to this member.
    Waiting(u32),
    /// It waits for this member to answer.
    Connecting(u32),
    /// It is connected to this member.
    Connected(u32),
}

/// A handle, as its process knows it.
#[derive(Debug)]
pub(super) struct Client {
    pub node: NodeId,
    /// The instance that it registers, and its service.
    pub instance: Option<InstanceId>,
    pub service: Option<ServiceId>,
    /// Calling sides of registered services.
    pub sides: Vec<(CallerId, ServiceId)>,
    /// The session timeout that it asks for.
    pub requested: SimDuration,
    pub stage: Stage,
    /// Connections so far.
    pub epoch: u32,
    pub session: Option<SessionId>,
    /// The session timeout that holds: before a session, the one asked for.
    pub timeout_ms: u64,
    roster: Roster,
    /// Handles so far.
    handle_count: u32,
    timer: Option<TimerId>,
    sent_at: SimTime,
    heard_at: SimTime,
    /// The newest transaction that it has seen.
    pub seen: u64,
    /// Whether its instance wants to be listed.
    pub is_wanted: bool,
    /// Whether it takes it for listed.
    pub is_registered: bool,
    /// Whether it waits for the answer to a write.
    pub is_writing: bool,
    /// kazoo: whether it waits for the answer to a ping.
    is_ping_out: bool,
    /// Random numbers drawn so far, which name the next ones.
    draw_count: u32,
}

/// Milliseconds that a Java client may still wait before its next ping; it pings at zero or less.
pub(super) fn time_to_ping(read_timeout_ms: u64, idle_send_ms: u64) -> i64 {
    let safety_ms = if idle_send_ms > SAFETY_MS {
        SAFETY_MS
    } else {
        0
    };
    (read_timeout_ms / 2) as i64 - idle_send_ms as i64 - safety_ms as i64
}

/// Milliseconds of silence that a client bears.
pub(super) fn read_timeout_ms(session_timeout_ms: u64) -> u64 {
    session_timeout_ms * 2 / 3
}

fn whole_ms(length: SimDuration) -> u64 {
    length.as_ns() / 1_000_000
}

impl Zookeeper {
    /// A client for every node that registers, or looks for a registered service.
    pub(super) fn add_clients(&mut self, scenario: &Scenario) {
        let topology = &scenario.topology;
        let is_registered = |s: ServiceId| scenario.services[s.index()].registered.is_some();
        let mut sides: Vec<Vec<(CallerId, ServiceId)>> = vec![Vec::new(); self.client_of.len()];
        for (index, edge) in scenario.edges.iter().enumerate() {
            if is_registered(edge.to) {
                for caller in topology.edge_callers(EdgeId::from_index(index)) {
                    let caller = CallerId(caller);
                    sides[topology.caller_node(caller).index()].push((caller, edge.to));
                }
            }
        }
        for (index, sides) in sides.into_iter().enumerate() {
            let node = NodeId(index as u32);
            let instance = (node.0 < topology.instance_count()).then_some(InstanceId(node.0));
            let instance = instance.filter(|i| is_registered(topology.service_of(*i)));
            if instance.is_none() && sides.is_empty() {
                continue;
            }
            let service = instance.map(|instance| topology.service_of(instance));
            let registered = service.and_then(|s| scenario.services[s.index()].registered);
            let requested = registered.map_or(self.config.session_timeout, |r| r.lease_duration);
            let client = self.clients.len() as u32;
            self.client_of[index] = Some(client);
            for (caller, service) in &sides {
                self.sides.insert(*caller, (client, *service));
            }
            self.clients.push(Client {
                node,
                instance,
                service,
                sides,
                requested,
                stage: Stage::Off,
                epoch: 0,
                session: None,
                timeout_ms: whole_ms(requested),
                roster: Roster::default(),
                handle_count: 0,
                timer: None,
                sent_at: SimTime::START,
                heard_at: SimTime::START,
                seen: 0,
                is_wanted: false,
                is_registered: false,
                is_writing: false,
                is_ping_out: false,
                draw_count: 0,
            });
        }
    }

    pub(super) fn client(&mut self, client: u32) -> &mut Client {
        &mut self.clients[client as usize]
    }

    /// The run begins: all clients that are there have a session, and their lists.
    pub(super) fn prepare_sessions(&mut self, port: &dyn Port) {
        let leader = self.config.quorum.first_leader;
        for index in 0..self.clients.len() as u32 {
            let Client { node, instance, .. } = self.clients[index as usize];
            if port.node(node).state != LifeState::Up {
                continue;
            }
            let session = self.open_session(index);
            let identity = self.config.identity;
            let tree = &mut self.server(leader).tree;
            tree.sessions.insert(session);
            let is_listed = instance.is_some_and(|instance| port.is_listed(instance));
            if let Some(instance) = instance.filter(|_| is_listed) {
                tree.create(instance, session, identity);
            }
            let client = self.client(index);
            client.session = Some(session);
            (client.is_wanted, client.is_registered) = (is_listed, is_listed);
        }
    }

    /// Every client is connected to a member of its own, and has pinged within the last interval.
    pub(super) fn start_clients(&mut self, port: &mut dyn Port) {
        for index in 0..self.clients.len() as u32 {
            let Some(session) = self.clients[index as usize].session else {
                continue;
            };
            self.shuffle(port, index);
            let timeout_ms = whole_ms(self.session(session).timeout);
            let client = self.client(index);
            let (member, _) = client.roster.advance();
            client.roster.settle();
            client.stage = Stage::Connected(member);
            client.epoch = 1;
            client.timeout_ms = timeout_ms;
            let connection = super::Connection {
                epoch: 1,
                session: Some(session),
            };
            let (node, sides) = (client.node, client.sides.clone());
            port.note_attached(node, self.ensemble.node(member));
            let server = self.server(member);
            server.connections.insert(index, connection);
            for (caller, service) in sides {
                server.watches[service.index()].insert(caller);
            }
            let interval = self.ping_interval(port, index);
            let first = self.draw_uniform(port, index, "zookeeper.ping");
            let first = interval.scaled(1.0 - first);
            self.set_client_timer(port, index, first);
            let since = interval.saturating_sub(first);
            self.touch_before_start(port, member, session, (since, interval));
        }
    }

    fn shuffle(&mut self, port: &dyn Port, client: u32) {
        let count = self.ensemble.member_count();
        let Client {
            node, handle_count, ..
        } = self.clients[client as usize];
        let roster = Roster::shuffled(port, node, handle_count, count);
        let client = self.client(client);
        client.roster = roster;
        client.handle_count += 1;
    }

    fn draw_uniform(&mut self, port: &dyn Port, client: u32, what: &str) -> f64 {
        let client = self.client(client);
        client.draw_count += 1;
        let identity = port.node(client.node).path_hash ^ path_hash(what);
        port.draw(identity, client.draw_count, 0).uniform()
    }

    /// From a message of the client to the ping that follows it.
    fn ping_interval(&mut self, port: &dyn Port, client: u32) -> SimDuration {
        let timeout_ms = self.clients[client as usize].timeout_ms;
        let half_ms = read_timeout_ms(timeout_ms) / 2;
        match self.config.client {
            ZookeeperClient::Java => SimDuration::from_ms(half_ms),
            ZookeeperClient::Kazoo => {
                let uniform = self.draw_uniform(port, client, "zookeeper.kazoo");
                let steps = (uniform * f64::from(KAZOO_JITTER_COUNT)) as u64 + 1;
                SimDuration::from_ms(half_ms.saturating_sub(10 * steps).max(1))
            }
        }
    }

    fn set_client_timer(&mut self, port: &mut dyn Port, client: u32, delay: SimDuration) {
        self.cancel_client_timer(port, client);
        let alarm = system::Alarm::Zookeeper(Alarm::Client { client });
        let node = self.clients[client as usize].node;
        self.client(client).timer = Some(port.set_timer(node, delay, alarm));
    }

    fn cancel_client_timer(&mut self, port: &mut dyn Port, client: u32) {
        if let Some(timer) = self.client(client).timer.take() {
            port.cancel_timer(timer);
        }
    }

    /// Sends a message to the member that a client tries or talks to.
    pub(super) fn ask(
        &mut self,
        port: &mut dyn Port,
        client: u32,
        (kind, service): (ControlKind, Option<ServiceId>),
        message: Message,
    ) {
        let own = &self.clients[client as usize];
        let (Stage::Connecting(member) | Stage::Connected(member)) = own.stage else {
            return;
        };
        let letter = Letter {
            from: own.node,
            to: self.ensemble.node(member),
            kind,
            service,
            byte_count: self.sizes.message_bytes,
        };
        self.client(client).sent_at = port.now();
        port.send(letter, system::Message::Zookeeper(message));
    }

    /// A process opens a handle: it connects for the first time, without a session.
    pub(super) fn open_handle(&mut self, port: &mut dyn Port, client: u32) {
        self.shuffle(port, client);
        let requested_ms = whole_ms(self.clients[client as usize].requested);
        let own = self.client(client);
        own.session = None;
        own.timeout_ms = requested_ms;
        own.seen = 0;
        own.is_registered = false;
        self.wait_to_connect(port, client, true);
    }

    /// A client takes the next member, and waits before it connects to it; not the first time.
    pub(super) fn wait_to_connect(&mut self, port: &mut dyn Port, client: u32, is_first: bool) {
        let (member, is_full_pass) = self.client(client).roster.advance();
        let mut delay = SimDuration::ZERO;
        if is_full_pass {
            delay += self.config.spin_delay;
        }
        if !is_first {
            let own = self.client(client);
            own.draw_count += 1;
            let number = own.draw_count;
            let identity = port.node(own.node).path_hash ^ path_hash("zookeeper.reconnect");
            let law = Sampler::new(&self.config.reconnect_delay);
            delay += law.sample(&mut port.draw(identity, number, 0));
        }
        let own = self.client(client);
        own.stage = Stage::Waiting(member);
        (own.is_writing, own.is_ping_out) = (false, false);
        self.set_client_timer(port, client, delay);
    }

    fn start_connecting(&mut self, port: &mut dyn Port, client: u32, member: u32) {
        let member_count = u64::from(self.ensemble.member_count());
        let own = self.client(client);
        own.epoch += 1;
        own.stage = Stage::Connecting(member);
        let message = Message::Connect {
            client,
            epoch: own.epoch,
            session: own.session,
            seen: own.seen,
        };
        let timeout = SimDuration::from_ms((own.timeout_ms / member_count).max(1));
        self.ask(port, client, (ControlKind::Attach, None), message);
        self.set_client_timer(port, client, timeout);
    }

    /// A client is connected, with a session of this timeout.
    pub(super) fn settle_client(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        own.roster.settle();
        (own.heard_at, own.sent_at) = (port.now(), port.now());
        let interval = self.ping_interval(port, client);
        self.set_client_timer(port, client, interval);
    }

    /// A client closes its connection and tries another member.
    pub(super) fn hang_up(&mut self, port: &mut dyn Port, client: u32) {
        let epoch = self.clients[client as usize].epoch;
        let message = Message::Hangup { client, epoch };
        self.ask(port, client, (ControlKind::Attach, None), message);
        let own = &self.clients[client as usize];
        if let Stage::Connecting(member) | Stage::Connected(member) = own.stage {
            port.reconnect(own.node, self.ensemble.node(member));
        }
        self.wait_to_connect(port, client, false);
    }

    /// The next step of a client is due.
    pub(super) fn on_client_alarm(&mut self, port: &mut dyn Port, client: u32) {
        self.client(client).timer = None;
        match self.clients[client as usize].stage {
            Stage::Off => {}
            Stage::Waiting(member) => self.start_connecting(port, client, member),
            Stage::Connecting(_) => self.hang_up(port, client),
            Stage::Connected(_) => self.think(port, client),
        }
    }

    /// A client heard something; a Java client that has been silent for long looks at its timers.
    pub(super) fn note_heard(&mut self, port: &mut dyn Port, client: u32) {
        let now = port.now();
        let own = self.client(client);
        own.heard_at = now;
        let idle_ms = whole_ms(now.since(own.sent_at));
        let is_connected = matches!(own.stage, Stage::Connected(_));
        let is_java = self.config.client == ZookeeperClient::Java;
        if is_java && is_connected && SAFETY_MS < idle_ms {
            self.think(port, client);
        }
    }

    pub(super) fn note_pong(&mut self, client: u32) {
        self.client(client).is_ping_out = false;
    }

    /// A connected client gives up, pings, or waits.
    fn think(&mut self, port: &mut dyn Port, client: u32) {
        let own = &self.clients[client as usize];
        // What its own clock makes of the time.
        let pace = 1.0 + port.node(own.node).drift_ratio;
        let now = port.now();
        let idle_send = whole_ms(now.since(own.sent_at).scaled(pace));
        let idle_heard = whole_ms(now.since(own.heard_at).scaled(pace));
        let read_timeout = read_timeout_ms(own.timeout_ms);
        let left = read_timeout.saturating_sub(idle_heard);
        let is_ping_out = own.is_ping_out;
        match self.config.client {
            ZookeeperClient::Java => {
                if left == 0 {
                    return self.hang_up(port, client);
                }
                let mut wait = time_to_ping(read_timeout, idle_send);
                if wait <= 0 || PING_INTERVAL_MAX_MS < idle_send {
                    self.ping(port, client);
                    wait = time_to_ping(read_timeout, 0);
                }
                let wait = left.min(wait.unsigned_abs()).max(1);
                self.set_client_timer(port, client, SimDuration::from_ms(wait));
            }
            ZookeeperClient::Kazoo => {
                let due = self.kazoo_wait(port, client, now);
                if SimDuration::ZERO < due {
                    return self.set_client_timer(port, client, due);
                }
                if is_ping_out {
                    return self.hang_up(port, client);
                }
                self.ping(port, client);
                let interval = self.ping_interval(port, client);
                self.set_client_timer(port, client, interval);
            }
        }
    }

    /// How long kazoo still waits: something else than a ping was sent since its timer was set.
    fn kazoo_wait(&mut self, port: &dyn Port, client: u32, now: SimTime) -> SimDuration {
        let own = &self.clients[client as usize];
        let longest = SimDuration::from_ms(read_timeout_ms(own.timeout_ms) / 2);
        let shortest = SimDuration::from_ms(10 * u64::from(KAZOO_JITTER_COUNT));
        let idle = now.since(own.sent_at);
        if longest.saturating_sub(shortest) <= idle {
            return SimDuration::ZERO;
        }
        self.ping_interval(port, client).saturating_sub(idle)
    }

    fn ping(&mut self, port: &mut dyn Port, client: u32) {
        let own = self.client(client);
        own.is_ping_out = true;
        let message = Message::Ping {
            client,
            epoch: own.epoch,
        };
        let service = own.service;
        self.ask(port, client, (ControlKind::Heartbeat, service), message);
    }

    /// The process of a client is gone: its host closes the connection, and nothing else happens;
    /// a process that leaves in good order closes its session.
    pub(super) fn stop_client(&mut self, port: &mut dyn Port, client: u32) {
        self.cancel_client_timer(port, client);
        let Client {
            node, epoch, stage, ..
        } = self.clients[client as usize];
        if port.node(node).state == LifeState::Absent {
            self.close_session(port, client);
        } else if stage != Stage::Off && closes_connections(port, node) {
            let message = Message::Hangup { client, epoch };
            self.ask(port, client, (ControlKind::Attach, None), message);
        }
        let own = self.client(client);
        own.stage = Stage::Off;
        own.session = None;
        (own.is_wanted, own.is_registered, own.is_writing) = (false, false, false);
        own.is_ping_out = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_java_client_pings_after_a_third_of_its_session_timeout() {
        let read_timeout = read_timeout_ms(10_000);
        assert_eq!(read_timeout, 6_666);
        assert_eq!(time_to_ping(read_timeout, 0), 3_333);
        // At that moment it has been idle for more than a second: the safety makes it certain.
        assert_eq!(time_to_ping(read_timeout, 3_333), -1_000);
        // Woken in between, it waits a second less.
        assert_eq!(time_to_ping(read_timeout, 2_000), 333);
        assert_eq!(time_to_ping(read_timeout, 1_000), 2_333);
    }
}
