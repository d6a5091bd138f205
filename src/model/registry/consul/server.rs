//! The server: it answers what it may, passes on to the leader what it may not, and lets queries
//! wait for changes.
//!
//! Source: `agent/consul/rpc.go`. A request that finds no leader looks again after a random part
//! of a sixteenth of `rpc_hold_timeout`, for as long as that. A blocking query whose index is not
//! older than the list waits for a change, and for `wait` and a random sixteenth of it at most.

use std::collections::{BTreeMap, BTreeSet};

use super::leader::Office;
use super::message::{Alarm, Answer, Change, Entry, Job, Message, Op, Ticket};
use super::rpc::WAIT_FRACTION;
use super::state::State;
use super::{Consul, Port};
use crate::id::ServiceId;
use crate::model::observation::ControlKind;
use crate::model::registry::system::attach::closes_connections;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::consul::Consistency;
use crate::time::SimTime;

/// A query that waits for a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    pub ticket: Ticket,
    pub service: ServiceId,
    index: u64,
    /// It looks again at what has changed.
    is_woken: bool,
}

/// A request that waits for a leader.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub ticket: Ticket,
    pub op: Op,
    pub until: SimTime,
}

/// A request that was passed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forwarded {
    pub op: Op,
    pub to: u32,
    pub began_at: SimTime,
}

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub state: State,
    /// Numbers of the connections of agents.
    pub connections: BTreeMap<u32, u32>,
    pub queries: BTreeMap<u64, Query>,
    held: BTreeMap<u64, Held>,
    pub forwarded: BTreeMap<Ticket, Forwarded>,
    /// Hosts of which its gossip says that they left.
    pub left: BTreeSet<u32>,
    /// Servers that have not answered a keepalive yet.
    pub silent: Vec<u32>,
    /// Queries and held requests so far, which names the next ones.
    count: u64,
    pub office: Option<Office>,
}

impl Server {
    pub fn new(state: State) -> Self {
        Server {
            state,
            connections: BTreeMap::new(),
            queries: BTreeMap::new(),
            held: BTreeMap::new(),
            forwarded: BTreeMap::new(),
            left: BTreeSet::new(),
            silent: Vec::new(),
            count: 0,
            office: None,
        }
    }

    fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

impl Consul {
    pub(super) fn server(&mut self, member: u32) -> &mut Server {
        &mut self.servers[member as usize]
    }

    fn tell_agent(
        &self,
        port: &mut dyn Port,
        (member, agent): (u32, u32),
        (kind, service): (ControlKind, Option<ServiceId>),
        entry_count: usize,
        message: Message,
    ) {
        let link = (self.ensemble.node(member), self.node_of(agent));
        let letter = Letter::listing(&self.sizes, link, (kind, service), entry_count);
        port.send(letter, system::Message::Consul(message));
    }

    /// A message of an agent reaches a server.
    pub(super) fn on_agent_message(
        &mut self,
        port: &mut dyn Port,
        agent: u32,
        member: u32,
        message: Message,
    ) {
        let attach = (ControlKind::Attach, None);
        match message {
            Message::Connect { epoch } => {
                self.server(member).connections.insert(agent, epoch);
                let message = Message::Connected { epoch };
                self.tell_agent(port, (member, agent), attach, 0, message);
            }
            Message::Hangup { epoch } => {
                if self.server(member).connections.get(&agent) == Some(&epoch) {
                    self.server(member).connections.remove(&agent);
                }
            }
            Message::KeepAlive { epoch } => {
                let is_open = self.server(member).connections.get(&agent) == Some(&epoch);
                let message = match is_open {
                    true => Message::KeptAlive { epoch },
                    false => Message::Closed { epoch },
                };
                self.tell_agent(port, (member, agent), attach, 0, message);
            }
            Message::Request { ticket, op } => {
                if self.server(member).connections.get(&agent) != Some(&ticket.epoch) {
                    // It was told over a connection that this process never had.
                    let epoch = ticket.epoch;
                    let message = Message::Closed { epoch };
                    return self.tell_agent(port, (member, agent), attach, 0, message);
                }
                self.submit(port, member, ticket, op);
            }
            _ => unreachable!("agents say nothing else"),
        }
    }

    pub(super) fn submit(&mut self, port: &mut dyn Port, member: u32, ticket: Ticket, op: Op) {
        let cost = match op.is_read() {
            true => Cost::Read,
            false => Cost::Write,
        };
        let job = system::Job::Consul(Job::Serve { ticket, op });
        self.ensemble.submit(port, member, cost, job);
    }

    /// A server has done a piece of work.
    pub(super) fn on_job(&mut self, port: &mut dyn Port, member: u32, job: Job) {
        match job {
            Job::Serve { ticket, op } => {
                let until = port.now() + self.config.rpc_hold_timeout;
                self.serve(port, member, (ticket, op), until);
            }
            Job::Wake { query } => {
                if let Some(waiting) = self.server(member).queries.get_mut(&query) {
                    waiting.is_woken = false;
                    self.look_again(port, member, query);
                }
            }
        }
    }

    /// Does what a request asks for, or lets the leader do it; without one it waits until then.
    fn serve(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        (ticket, op): (Ticket, Op),
        until: SimTime,
    ) {
        let is_stale = match op {
            // Full syncs read from any server.
            Op::Read | Op::Ping => true,
            Op::Query { .. } => self.config.query.consistency == Consistency::Stale,
            Op::Register { .. } | Op::Deregister { .. } => false,
        };
        match self.ensemble.role(member) {
            Role::Down => {}
            Role::Leading => self.do_own(port, member, ticket, op),
            _ if is_stale => self.do_own(port, member, ticket, op),
            Role::Following(leader) => self.forward(port, member, leader, (ticket, op)),
            Role::Looking => self.hold(port, member, Held { ticket, op, until }),
        }
    }

    pub(super) fn hold(&mut self, port: &mut dyn Port, member: u32, held: Held) {
        if held.until <= port.now() {
            return self.answer(port, member, held.ticket, Answer::NoLeader);
        }
        let node = self.ensemble.node(member);
        let delay = self.short_wait(port, node);
        let number = self.server(member).next_number();
        self.server(member).held.insert(number, held);
        self.alarms.set(port, node, delay, Alarm::Held { number });
    }

    /// A request that waits for a leader looks again.
    pub(super) fn serve_held(&mut self, port: &mut dyn Port, member: u32, number: u64) {
        let held = self.server(member).held.remove(&number);
        if let Some(held) = held {
            self.serve(port, member, (held.ticket, held.op), held.until);
        }
    }

    fn forward(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        leader: u32,
        (ticket, op): (Ticket, Op),
    ) {
        let began_at = port.now();
        let forwarded = Forwarded {
            op,
            to: leader,
            began_at,
        };
        if ticket.via == member {
            self.server(member).forwarded.insert(ticket, forwarded);
        }
        let entry_count = usize::from(matches!(op, Op::Register { .. }));
        let message = Message::Forward { ticket, op };
        self.tell_peer(port, (member, leader), entry_count, message);
    }

    fn do_own(&mut self, port: &mut dyn Port, member: u32, ticket: Ticket, op: Op) {
        match op {
            Op::Ping => self.answer(port, member, ticket, Answer::Done),
            Op::Read => {
                let range = port.scenario().topology.host_nodes(ticket.agent);
                let found = self.servers[member as usize].state.records_in(range);
                let answer = Answer::Services(found.into());
                self.answer(port, member, ticket, answer);
            }
            Op::Query { service, index } => self.begin_query(port, member, ticket, service, index),
            Op::Register {
                instance,
                status,
                has_news,
            } => {
                let change = Change::Register {
                    instance,
                    status,
                    has_news,
                };
                self.propose(port, member, change, Some(ticket));
            }
            Op::Deregister { instance } => {
                let change = Change::Deregister { instance };
                self.propose(port, member, change, Some(ticket));
            }
        }
    }

    /// A leader proposes a change.
    pub(super) fn propose(
        &mut self,
        port: &mut dyn Port,
        leader: u32,
        change: Change,
        ticket: Option<Ticket>,
    ) {
        if let Some(office) = &mut self.server(leader).office {
            office.open.extend(ticket);
        }
        let entry = system::Entry::Consul(Entry { change, ticket });
        self.ensemble.propose(port, leader, entry);
    }

    fn begin_query(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        ticket: Ticket,
        service: ServiceId,
        index: u64,
    ) {
        let number = self.server(member).next_number();
        let query = Query {
            ticket,
            service,
            index,
            is_woken: false,
        };
        self.server(member).queries.insert(number, query);
        self.look_again(port, member, number);
    }

    /// A query is made: a consistent one asks the others first.
    fn look_again(&mut self, port: &mut dyn Port, member: u32, number: u64) {
        let is_consistent = self.config.query.consistency == Consistency::Consistent;
        match is_consistent {
            true => self.verify(port, member, number),
            false => self.run_query(port, member, number),
        }
    }

    /// Answers a query if there is something new for it.
    pub(super) fn run_query(&mut self, port: &mut dyn Port, member: u32, number: u64) {
        let Some(query) = self.servers[member as usize].queries.get(&number).copied() else {
            return;
        };
        let version = self.servers[member as usize].state.version(query.service);
        if query.index == 0 || query.index < version {
            return self.answer_query(port, member, number, ControlKind::Notification);
        }
        let node = self.ensemble.node(member);
        let alarm = Alarm::QueryEnds { query: number };
        if !self.alarms.is_set(node, alarm) {
            let wait = self.config.query.wait;
            let identity = port.node(node).path_hash ^ path_hash("consul.wait");
            let step = self.draw_number();
            let uniform = port.draw(identity, step, 0).uniform();
            let length = wait + wait.scaled(uniform / WAIT_FRACTION);
            self.alarms.set(port, node, length, alarm);
        }
    }

    /// A query has waited for long enough: it gets what there is.
    pub(super) fn end_query(&mut self, port: &mut dyn Port, member: u32, number: u64) {
        self.answer_query(port, member, number, ControlKind::PollReply);
    }

    fn answer_query(&mut self, port: &mut dyn Port, member: u32, number: u64, kind: ControlKind) {
        let Some(query) = self.server(member).queries.remove(&number) else {
            return;
        };
        let node = self.ensemble.node(member);
        self.alarms
            .cancel(port, node, Alarm::QueryEnds { query: number });
        let (view, count) = self.list(port, member, query.service);
        let version = self.servers[member as usize].state.version(query.service);
        let answer = Answer::List { version, view };
        self.answer_with(port, member, query.ticket, (kind, count), answer);
    }

    /// The list of a service changed at a server: who waits for that looks again.
    pub(super) fn wake_queries(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) {
        let queries = self.server(member).queries.iter_mut();
        let woken: Vec<u64> = queries
            .filter(|(_, query)| query.service == service && !query.is_woken)
            .map(|(number, query)| {
                query.is_woken = true;
                *number
            })
            .collect();
        for query in woken {
            let job = system::Job::Consul(Job::Wake { query });
            self.ensemble.submit(port, member, Cost::Read, job);
        }
    }

    /// Answers a request, through the server that was asked.
    pub(super) fn answer(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        ticket: Ticket,
        answer: Answer,
    ) {
        let count = match &answer {
            Answer::Services(found) => found.len(),
            _ => 0,
        };
        let kind = reply_kind(&answer);
        self.answer_with(port, member, ticket, (kind, count), answer);
    }

    pub(super) fn answer_with(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        ticket: Ticket,
        (kind, entry_count): (ControlKind, usize),
        answer: Answer,
    ) {
        if ticket.via != member {
            let message = Message::Forwarded { ticket, answer };
            return self.tell_peer(port, (member, ticket.via), entry_count, message);
        }
        self.server(member).forwarded.remove(&ticket);
        let Ticket {
            agent,
            epoch,
            number,
            ..
        } = ticket;
        if self.server(member).connections.get(&agent) != Some(&epoch) {
            return;
        }
        let service = match &answer {
            Answer::List { view, .. } => Some(view.service),
            _ => None,
        };
        let message = Message::Reply {
            epoch,
            number,
            answer,
        };
        let about = (kind, service);
        self.tell_agent(port, (member, agent), about, entry_count, message);
    }

    /// A server dies; its host closes its connections, unless it is gone as well.
    pub(super) fn stop_server(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        let is_told = closes_connections(port, node);
        let connections = std::mem::take(&mut self.server(member).connections);
        for (agent, epoch) in connections.into_iter().filter(|_| is_told) {
            let message = Message::Closed { epoch };
            let attach = (ControlKind::Attach, None);
            self.tell_agent(port, (member, agent), attach, 0, message);
        }
        for other in (0..self.ensemble.member_count()).filter(|other| *other != member && is_told) {
            self.tell_peer(port, (member, other), 0, Message::PeerClosed);
        }
        self.alarms.cancel_all(port, node);
        let own = self.server(member);
        own.queries.clear();
        own.held.clear();
        own.forwarded.clear();
        own.silent.clear();
        own.left.clear();
        own.office = None;
    }
}

pub(super) fn reply_kind(answer: &Answer) -> ControlKind {
    match answer {
        Answer::Services(_) | Answer::List { .. } => ControlKind::PollReply,
        Answer::Done | Answer::NoLeader | Answer::Error => ControlKind::WriteReply,
    }
}
