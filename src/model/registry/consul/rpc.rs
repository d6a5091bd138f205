//! How agents ask servers: connections, retries, and which server is asked.
//!
//! Source: `agent/consul/client.go`, `agent/router/manager.go`, `agent/pool`. All requests of an
//! agent to one server share a connection. A request that finds no leader is tried at the next
//! server, one that only reads also if its connection breaks; a write whose connection breaks
//! fails. Keepalives of yamux end a connection to a host that is silent.

use super::Consul;
use super::message::{Alarm, Answer, Message, Op, Ticket};
use crate::model::observation::ControlKind;
use crate::model::registry::system::parties::first_tick;
use crate::model::registry::system::{self, Letter, Port};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// A connection is made within this (`defaultDialTimeout`), and a keepalive answered (yamux'
/// `ConnectionWriteTimeout`).
const SILENCE_MAX: SimDuration = SimDuration::from_secs(10);
/// Between two keepalives (yamux).
pub(super) const KEEP_ALIVE_INTERVAL: SimDuration = SimDuration::from_secs(30);
/// The wait before a request is tried again is a random part of a sixteenth of the time that it
/// waits for a leader.
pub(super) const JITTER_FRACTION: f64 = 16.0;
/// A query may take so much longer than it waits.
pub(super) const WAIT_FRACTION: f64 = 16.0;

/// A connection of an agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub member: u32,
    pub epoch: u32,
    is_open: bool,
}

/// A request of an agent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    op: Op,
    purpose: Purpose,
    began_at: SimTime,
    /// The connection on which it is under way; 0: it waits to be tried again.
    epoch: u32,
}

/// What becomes of the answer.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// Anti-entropy; what is sent is that of so many changes.
    Sync { change_count: u32 },
    /// A watch.
    Watch { watch: u32 },
    /// Whether the first of these servers is to be asked from now on.
    Rebalance { order: Vec<u32>, tried_count: u32 },
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// No leader: nothing happened.
    NoLeader,
    /// The connection broke.
    Broken,
    /// No connection was made.
    NoConnection,
    /// The server says so.
    Error,
}

impl Consul {
    pub(super) fn tell_server(
        &self,
        port: &mut dyn Port,
        agent: u32,
        member: u32,
        message: Message,
    ) {
        let (kind, service, entry_count) = match &message {
            Message::Request { op, .. } => match op {
                Op::Register { instance, .. } => {
                    (ControlKind::Write, Some(self.locals[*instance].service), 1)
                }
                Op::Deregister { instance } => {
                    (ControlKind::Write, Some(self.locals[*instance].service), 0)
                }
                Op::Query { service, .. } => (ControlKind::Poll, Some(*service), 0),
                Op::Read | Op::Ping => (ControlKind::Poll, None, 0),
            },
            _ => (ControlKind::Attach, None, 0),
        };
        let letter = Letter {
            from: self.node_of(agent),
            to: self.ensemble.node(member),
            kind,
            service,
            byte_count: self.sizes.message_bytes + entry_count * self.sizes.entry_bytes,
        };
        port.send(letter, system::Message::Consul(message));
    }

    /// The run begins: every agent has a connection.
    pub(super) fn open_first(&mut self, port: &mut dyn Port, agent: u32) {
        let member = self.agents[agent as usize].order[0];
        let epoch = self.new_connection(agent, member, true);
        self.servers[member as usize]
            .connections
            .insert(agent, epoch);
        let node = self.node_of(agent);
        let rhythm = (KEEP_ALIVE_INTERVAL, Phase::Random);
        let first = first_tick(port, node, "consul.keep_alive", rhythm);
        self.alarms
            .set(port, node, first, Alarm::KeepAlive { member });
    }

    pub(super) fn new_connection(&mut self, agent: u32, member: u32, is_open: bool) -> u32 {
        let own = self.agent(agent);
        own.epoch += 1;
        let epoch = own.epoch;
        own.connections.push(Connection {
            member,
            epoch,
            is_open,
        });
        epoch
    }

    /// An agent asks something; its purpose says what becomes of the answer.
    pub(super) fn begin_request(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        op: Op,
        purpose: Purpose,
    ) {
        let own = self.agent(agent);
        own.request_count += 1;
        let (number, node) = (own.request_count, own.node);
        let request = Request {
            op,
            purpose,
            began_at: port.now(),
            epoch: 0,
        };
        own.requests.insert(number, request);
        let patience = match op {
            Op::Query { .. } => {
                let wait = self.config.query.wait;
                wait + wait.scaled(1.0 / WAIT_FRACTION)
            }
            _ => SimDuration::ZERO,
        };
        let timeout = self.config.rpc_client_timeout + patience;
        self.alarms
            .set(port, node, timeout, Alarm::Timeout { number });
        self.try_request(port, agent, number);
    }

    /// A request is sent to the first server, if there is one.
    pub(super) fn try_request(&mut self, port: &mut dyn Port, agent: u32, number: u32) {
        let own = &self.agents[agent as usize];
        let request = &own.requests[&number];
        let (op, first) = match &request.purpose {
            Purpose::Rebalance { order, .. } => (request.op, order.first()),
            Purpose::Sync { .. } | Purpose::Watch { .. } => (request.op, own.order.first()),
        };
        let Some(member) = first.copied() else {
            return self.finish_request(port, agent, number, None);
        };
        let known = own.connections.iter().find(|c| c.member == member).copied();
        let (epoch, is_open) = match known {
            Some(connection) => (connection.epoch, connection.is_open),
            None => (self.connect(port, agent, member), false),
        };
        let request = self.agent(agent).requests.get_mut(&number);
        request.expect("it is tried").epoch = epoch;
        if is_open {
            self.send_request(port, agent, (member, epoch), number, op);
        }
    }

    fn send_request(
        &self,
        port: &mut dyn Port,
        agent: u32,
        (via, epoch): (u32, u32),
        number: u32,
        op: Op,
    ) {
        let ticket = Ticket {
            agent,
            number,
            epoch,
            via,
        };
        self.tell_server(port, agent, via, Message::Request { ticket, op });
    }

    fn connect(&mut self, port: &mut dyn Port, agent: u32, member: u32) -> u32 {
        let epoch = self.new_connection(agent, member, false);
        let node = self.node_of(agent);
        let alarm = Alarm::Silence { member };
        self.alarms.set(port, node, SILENCE_MAX, alarm);
        self.tell_server(port, agent, member, Message::Connect { epoch });
        epoch
    }

    /// A message of a server reaches an agent.
    pub(super) fn on_server_message(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        member: u32,
        message: Message,
    ) {
        let node = self.node_of(agent);
        let of_member = self.agents[agent as usize].connections.iter();
        let current = of_member
            .filter(|connection| connection.member == member)
            .map(|connection| connection.epoch)
            .next();
        match message {
            Message::Connected { epoch } if current == Some(epoch) => {
                self.on_connected(port, agent, member, epoch);
            }
            Message::Closed { epoch } if current == Some(epoch) => {
                self.break_connection(port, agent, member);
            }
            Message::KeptAlive { epoch } if current == Some(epoch) => {
                self.alarms.cancel(port, node, Alarm::Silence { member });
            }
            Message::Reply {
                epoch,
                number,
                answer,
            } if current == Some(epoch) => {
                let requests = &self.agents[agent as usize].requests;
                if requests.get(&number).is_some_and(|r| r.epoch == epoch) {
                    self.on_reply(port, agent, number, answer);
                }
            }
            // Of a connection that is gone.
            _ => {}
        }
    }

    fn on_connected(&mut self, port: &mut dyn Port, agent: u32, member: u32, epoch: u32) {
        let node = self.node_of(agent);
        self.alarms.cancel(port, node, Alarm::Silence { member });
        let alarm = Alarm::KeepAlive { member };
        self.alarms.set(port, node, KEEP_ALIVE_INTERVAL, alarm);
        let own = self.agent(agent);
        for connection in &mut own.connections {
            connection.is_open |= connection.epoch == epoch;
        }
        let waiting: Vec<(u32, Op)> = own
            .requests
            .iter()
            .filter(|(_, request)| request.epoch == epoch)
            .map(|(number, request)| (*number, request.op))
            .collect();
        for (number, op) in waiting {
            self.send_request(port, agent, (member, epoch), number, op);
        }
    }

    /// An agent asks whether a connection is still there, unless nothing is under way on it and
    /// another server is asked now: then it closes it.
    pub(super) fn keep_alive(&mut self, port: &mut dyn Port, agent: u32, member: u32) {
        let own = &self.agents[agent as usize];
        let node = own.node;
        let connection = own.connections.iter().find(|c| c.member == member);
        let epoch = connection.expect("its timer is cancelled with it").epoch;
        let is_used = own.requests.values().any(|request| request.epoch == epoch);
        if !is_used && own.order.first() != Some(&member) {
            self.tell_server(port, agent, member, Message::Hangup { epoch });
            return self.drop_connection(port, agent, member);
        }
        let (again, silence) = (Alarm::KeepAlive { member }, Alarm::Silence { member });
        self.alarms.set(port, node, KEEP_ALIVE_INTERVAL, again);
        self.alarms.set(port, node, SILENCE_MAX, silence);
        self.tell_server(port, agent, member, Message::KeepAlive { epoch });
    }

    fn drop_connection(&mut self, port: &mut dyn Port, agent: u32, member: u32) {
        let node = self.node_of(agent);
        self.alarms.cancel(port, node, Alarm::KeepAlive { member });
        self.alarms.cancel(port, node, Alarm::Silence { member });
        self.agent(agent).connections.retain(|c| c.member != member);
        port.reconnect(node, self.ensemble.node(member));
    }

    /// A connection was not made in time, or a keepalive not answered.
    pub(super) fn on_silence(&mut self, port: &mut dyn Port, agent: u32, member: u32) {
        self.break_connection(port, agent, member);
    }

    /// The host of a dead server answers.
    pub(super) fn on_reset(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        member: u32,
        message: &Message,
    ) {
        let epoch = match message {
            Message::Connect { epoch } | Message::KeepAlive { epoch } => *epoch,
            Message::Request { ticket, .. } => ticket.epoch,
            _ => return,
        };
        let connections = &self.agents[agent as usize].connections;
        if connections.iter().any(|c| c.epoch == epoch) {
            self.break_connection(port, agent, member);
        }
    }

    fn break_connection(&mut self, port: &mut dyn Port, agent: u32, member: u32) {
        let own = &self.agents[agent as usize];
        let connection = own.connections.iter().find(|c| c.member == member);
        let Some(connection) = connection.copied() else {
            return;
        };
        self.drop_connection(port, agent, member);
        let failure = match connection.is_open {
            true => Failure::Broken,
            false => Failure::NoConnection,
        };
        let of_connection = |request: &Request| request.epoch == connection.epoch;
        let requests = self.agents[agent as usize].requests.iter();
        let broken: Vec<u32> = requests
            .filter(|(_, request)| of_connection(request))
            .map(|(number, _)| *number)
            .collect();
        for number in broken {
            self.fail_request(port, agent, number, (member, failure));
        }
    }

    fn on_reply(&mut self, port: &mut dyn Port, agent: u32, number: u32, answer: Answer) {
        let request = &self.agents[agent as usize].requests[&number];
        let of_request = |c: &&Connection| c.epoch == request.epoch;
        let connection = self.agents[agent as usize]
            .connections
            .iter()
            .find(of_request);
        let member = connection.expect("its connection stands").member;
        let failure = match answer {
            Answer::NoLeader => Failure::NoLeader,
            Answer::Error => Failure::Error,
            answer => return self.finish_request(port, agent, number, Some(answer)),
        };
        self.fail_request(port, agent, number, (member, failure));
    }

    /// A request failed: the server goes to the end of the list, and the next one may be tried.
    fn fail_request(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        number: u32,
        (member, failure): (u32, Failure),
    ) {
        let own = self.agent(agent);
        if own.order.first() == Some(&member) {
            own.order.rotate_left(1);
        }
        let node = own.node;
        let request = own.requests.get_mut(&number).expect("it was under way");
        request.epoch = 0;
        let (began_at, op) = (request.began_at, request.op);
        let may_repeat = match failure {
            Failure::NoLeader => true,
            Failure::Broken => op.is_read(),
            Failure::NoConnection | Failure::Error => false,
        };
        let is_ping = matches!(request.purpose, Purpose::Rebalance { .. });
        let hold = self.config.rpc_hold_timeout;
        if !may_repeat || is_ping || hold <= port.now().since(began_at) {
            return self.finish_request(port, agent, number, None);
        }
        let delay = self.short_wait(port, node);
        self.alarms.set(port, node, delay, Alarm::Retry { number });
    }

    /// A random part of a sixteenth of the time for which a request waits for a leader.
    pub(super) fn short_wait(&mut self, port: &dyn Port, node: crate::id::NodeId) -> SimDuration {
        let identity = port.node(node).path_hash ^ path_hash("consul.retry");
        let number = self.draw_number();
        let uniform = port.draw(identity, number, 0).uniform();
        let most = self.config.rpc_hold_timeout.scaled(1.0 / JITTER_FRACTION);
        most.scaled(uniform).max(SimDuration::from_ns(1))
    }

    /// A request has ended, with an answer or without.
    pub(super) fn finish_request(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        number: u32,
        answer: Option<Answer>,
    ) {
        let own = self.agent(agent);
        let node = own.node;
        let request = own.requests.remove(&number).expect("it was under way");
        self.alarms.cancel(port, node, Alarm::Timeout { number });
        self.alarms.cancel(port, node, Alarm::Retry { number });
        match request.purpose {
            Purpose::Sync { change_count } => {
                self.on_sync_answer(port, agent, (request.op, change_count), answer);
            }
            Purpose::Watch { watch } => self.on_watch_answer(port, watch, answer),
            Purpose::Rebalance { order, tried_count } => {
                self.end_rebalance(port, agent, order, tried_count, answer.is_some());
            }
        }
    }

    /// Nobody waits any more for the query of a watch.
    pub(super) fn forget_query(&mut self, port: &mut dyn Port, agent: u32, watch: u32) {
        let own = self.agent(agent);
        let node = own.node;
        let is_of_watch = |request: &Request| match request.purpose {
            Purpose::Watch { watch: other } => other == watch,
            Purpose::Sync { .. } | Purpose::Rebalance { .. } => false,
        };
        let requests = own.requests.iter();
        let found = requests.filter(|(_, request)| is_of_watch(request));
        for number in found.map(|(number, _)| *number).collect::<Vec<u32>>() {
            self.agent(agent).requests.remove(&number);
            self.alarms.cancel(port, node, Alarm::Timeout { number });
            self.alarms.cancel(port, node, Alarm::Retry { number });
        }
    }
}
