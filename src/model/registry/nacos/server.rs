//! A server: beats, checks, pushes, and what servers tell each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Nacos;
use super::message::{Alarm, Answer, Job, Message, Op, Request, State};
use crate::engine::DenseMap;
use crate::id::{InstanceId, ServiceId};
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::Port;
use crate::model::registry::system::lists::Lists;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::parties::first_tick;
use crate::model::view::ViewSnapshot;
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// A list that many share.
type View = Arc<ViewSnapshot>;

/// What a server knows of an instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub is_healthy: bool,
    heard_at: SimTime,
    /// How long before the start it was heard.
    heard_before: SimDuration,
    /// The server that told it.
    owner: u32,
}

impl Record {
    fn silence(&self, now: SimTime) -> SimDuration {
        now.since(self.heard_at) + self.heard_before
    }
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    pub is_open: bool,
    pub records: DenseMap<InstanceId, Record>,
    /// What it lists of each service.
    lists: Lists,
    /// When each peer was heard last; itself excepted.
    pub heard: Vec<Option<SimTime>>,
    /// Clients that pulled, and when.
    pulled: BTreeMap<u32, SimTime>,
    /// What changed since it told its peers.
    pub changed: BTreeSet<InstanceId>,
    /// As a server that starts: the peer that it asks next.
    pub next_peer: Option<u32>,
}

impl Server {
    pub fn new(member_count: u32, service_count: usize) -> Self {
        Server {
            is_open: false,
            records: DenseMap::default(),
            lists: Lists::new(service_count),
            heard: vec![None; member_count as usize],
            pulled: BTreeMap::new(),
            changed: BTreeSet::new(),
            next_peer: None,
        }
    }

    /// The server whose client registers an instance, as this one knows.
    pub fn owner(&self, instance: InstanceId) -> Option<u32> {
        self.records.get(instance).map(|record| record.owner)
    }

    pub fn set_owner(&mut self, instance: InstanceId, owner: u32) {
        if let Some(record) = self.records.get_mut(instance) {
            record.owner = owner;
        }
    }
}

impl Nacos {
    pub(super) fn server(&mut self, member: u32) -> &mut Server {
        &mut self.servers[member as usize]
    }

    pub(super) fn peers(&self, member: u32) -> impl Iterator<Item = u32> + use<> {
        (0..self.nodes.len() as u32).filter(move |peer| *peer != member)
    }

    /// The run begins: every server that is there knows everybody, and all others.
    pub(super) fn start_servers(&mut self, port: &mut dyn Port) {
        let is_up = |node| port.node(node).state == LifeState::Up;
        let up: Vec<bool> = self.nodes.iter().map(|node| is_up(*node)).collect();
        for member in (0..self.nodes.len() as u32).filter(|m| up[*m as usize]) {
            let mut records = DenseMap::default();
            for client in &self.clients {
                let Some((instance, _, registered)) = client.instance else {
                    continue;
                };
                if port.is_listed(instance) {
                    let first = super::client::first_beat(port, &registered, instance);
                    let record = Record {
                        is_healthy: true,
                        heard_at: SimTime::START,
                        heard_before: registered.heartbeat_interval.saturating_sub(first),
                        owner: member,
                    };
                    records.insert(instance, record);
                }
            }
            let pulled = (0..self.clients.len() as u32).map(|client| (client, SimTime::START));
            let pulled = pulled.collect();
            let heard = up
                .iter()
                .map(|is_up| is_up.then_some(SimTime::START))
                .collect();
            let server = self.server(member);
            (server.records, server.pulled, server.heard) = (records, pulled, heard);
            self.open(port, member);
        }
    }

    pub(super) fn open(&mut self, port: &mut dyn Port, member: u32) {
        let config = self.config;
        let node = self.nodes[member as usize];
        let server = self.server(member);
        (server.is_open, server.next_peer) = (true, None);
        for service in self.services.clone() {
            let what = format!("nacos.check.{}", service.0);
            let rhythm = (config.check_interval, config.check_phase);
            let first = first_tick(port, node, &what, rhythm);
            let alarm = Alarm::Check { member, service };
            self.alarms.set(port, node, first, alarm);
        }
        self.start_ejector(port, member);
        if self.nodes.len() == 1 {
            return;
        }
        for (alarm, what, interval) in [
            (
                Alarm::Verify { member },
                "nacos.verify",
                config.verify_interval,
            ),
            (
                Alarm::Report { member },
                "nacos.report",
                config.report_interval,
            ),
        ] {
            let first = first_tick(port, node, what, (interval, Phase::Random));
            self.alarms.set(port, node, first, alarm);
        }
    }

    pub(super) fn agree_on_all(&self, port: &mut dyn Port) {
        for instance in self.rules.keys() {
            self.agree(port, instance);
        }
    }

    /// The server that is responsible for an instance, as this one sees it.
    pub(super) fn responsible(&self, port: &dyn Port, member: u32, instance: InstanceId) -> u32 {
        if self.config.grpc.is_some() {
            let owner = self.servers[member as usize].owner(instance);
            return owner.unwrap_or(member);
        }
        let (now, heard) = (port.now(), &self.servers[member as usize].heard);
        let lives = |peer: &u32| {
            let heard_at = heard[*peer as usize];
            *peer == member
                || heard_at.is_some_and(|at| now.since(at) <= self.config.member_timeout)
        };
        let alive = || (0..self.nodes.len() as u32).filter(lives);
        let node = port.scenario().topology.instance_node(instance);
        let place = port.node(node).path_hash % alive().count() as u64;
        let responsible = alive().nth(place as usize);
        responsible.expect("a server takes itself for alive")
    }

    /// A question reaches a server.
    pub(super) fn on_request(&mut self, port: &mut dyn Port, member: u32, request: Request) {
        if !self.servers[member as usize].is_open {
            return self.answer(port, member, request, Answer::Unavailable);
        }
        let cost = match request.op {
            Op::Beat => Cost::Heartbeat,
            Op::Register | Op::Deregister => Cost::Write,
            Op::Pull => Cost::Read,
        };
        self.submit(port, member, cost, Job::Request(request));
    }

    /// The question as the server got it that passed it on.
    pub(super) fn unpassed(request: Request) -> Request {
        Request {
            via: None,
            ..request
        }
    }

    /// A server does what a client asks for, or passes it on.
    pub(super) fn serve(&mut self, port: &mut dyn Port, member: u32, request: Request) {
        let client = &self.clients[request.client as usize];
        let Some((instance, ..)) = client.instance.filter(|_| request.op != Op::Pull) else {
            return self.serve_pull(port, member, request);
        };
        let responsible = self.responsible(port, member, instance);
        if responsible != member && request.via.is_none() {
            let link = (
                self.nodes[member as usize],
                self.nodes[responsible as usize],
            );
            let passed = Request {
                via: Some(member),
                ..request
            };
            let about = self.about(request, false);
            return self.send(port, link, about, 0, Message::Request(passed));
        }
        let is_known = self.servers[member as usize]
            .records
            .get(instance)
            .is_some();
        let answer = match request.op {
            Op::Beat if !is_known => Answer::Missing,
            Op::Beat | Op::Register => {
                port.set_suspected(instance, false);
                let is_new = self.note(port, member, (instance, Some(true)), member);
                if is_new || request.op == Op::Register {
                    self.change(port, member, instance);
                }
                Answer::Done
            }
            Op::Deregister => {
                port.set_suspected(instance, false);
                if self.note(port, member, (instance, None), member) {
                    self.change(port, member, instance);
                }
                Answer::Done
            }
            Op::Pull => unreachable!("it was served before"),
        };
        self.answer(port, member, request, answer);
    }

    fn serve_pull(&mut self, port: &mut dyn Port, member: u32, request: Request) {
        let now = port.now();
        self.server(member).pulled.insert(request.client, now);
        let services: BTreeSet<ServiceId> = self.clients[request.client as usize].services();
        let lists = services
            .into_iter()
            .map(|service| (service, self.listed(port, member, service)));
        let lists = lists.collect();
        self.answer(port, member, request, Answer::Lists(lists));
    }

    /// What a server lists of a service: the healthy, or all where they are too few.
    pub(super) fn listed(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) -> View {
        let (rules, threshold) = (&self.rules, self.config.protect_threshold);
        let Server { records, lists, .. } = &mut self.servers[member as usize];
        lists.view(port, service, || {
            let is_of = |instance: &InstanceId| rules[*instance].1 == service;
            let all: Vec<InstanceId> = records.keys().filter(is_of).collect();
            let is_healthy = |instance: &&InstanceId| records[**instance].is_healthy;
            let healthy: Vec<InstanceId> = all.iter().filter(is_healthy).copied().collect();
            let counts = (healthy.len() as u32, all.len() as u32);
            match is_protected(counts, threshold) {
                true => all,
                false => healthy,
            }
        })
    }

    pub(super) fn about(
        &self,
        request: Request,
        is_answer: bool,
    ) -> (ControlKind, Option<ServiceId>) {
        let client = &self.clients[request.client as usize];
        let service = client.instance.map(|(_, service, _)| service);
        match (request.op, is_answer) {
            (Op::Beat, false) => (ControlKind::Heartbeat, service),
            (Op::Beat, true) => (ControlKind::HeartbeatReply, service),
            (Op::Register | Op::Deregister, false) => (ControlKind::Write, service),
            (Op::Register | Op::Deregister, true) => (ControlKind::WriteReply, service),
            (Op::Pull, false) => (ControlKind::Poll, None),
            (Op::Pull, true) => (ControlKind::PollReply, None),
        }
    }

    /// The answer goes to the client, or to the server that passed its question on.
    pub(super) fn answer(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        request: Request,
        answer: Answer,
    ) {
        let to = match request.via {
            Some(via) => self.nodes[via as usize],
            None => self.clients[request.client as usize].node,
        };
        let entry_count = match &answer {
            Answer::Lists(lists) => lists.iter().map(|list| list.1.members.len()).sum(),
            Answer::Done | Answer::Missing | Answer::Unavailable => 0,
        };
        let link = (self.nodes[member as usize], to);
        let about = self.about(request, true);
        let message = Message::Answer { request, answer };
        self.send(port, link, about, entry_count, message);
    }

    /// Takes note of a state. Returns whether it is another one than before.
    pub(super) fn note(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        (instance, state): State,
        owner: u32,
    ) -> bool {
        let heard_at = port.now();
        let records = &mut self.server(member).records;
        let before = records.get(instance).map(|record| record.is_healthy);
        match state {
            Some(is_healthy) => {
                let record = Record {
                    is_healthy,
                    heard_at,
                    heard_before: SimDuration::ZERO,
                    owner,
                };
                records.insert(instance, record);
            }
            None => {
                records.remove(instance);
            }
        }
        self.agree(port, instance);
        before != state
    }

    /// Something changed: peers and clients are told.
    pub(super) fn change(&mut self, port: &mut dyn Port, member: u32, instance: InstanceId) {
        let node = self.nodes[member as usize];
        if 1 < self.nodes.len() {
            self.server(member).changed.insert(instance);
            let alarm = Alarm::Sync { member };
            if !self.alarms.is_set(node, alarm) {
                self.alarms.set(port, node, self.config.sync_delay, alarm);
            }
        }
        self.push_soon(port, member, self.rules[instance].1);
    }

    pub(super) fn push_soon(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) {
        // Versions are counted by those who take the lists.
        self.server(member).lists.note_change(service, 0);
        let (node, alarm) = (self.nodes[member as usize], Alarm::Push { member, service });
        if !self.alarms.is_set(node, alarm) {
            self.alarms.set(port, node, self.config.push_delay, alarm);
        }
    }

    /// The list of a service goes to all who pulled lately.
    pub(super) fn push_all(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) {
        let (now, timeout) = (port.now(), self.config.push_timeout);
        let server = self.server(member);
        server.pulled.retain(|_, at| now.since(*at) <= timeout);
        let clients: Vec<u32> = match self.config.grpc {
            Some(_) => self.subscribers(member),
            None => self.server(member).pulled.keys().copied().collect(),
        };
        for client in clients {
            if self.clients[client as usize].services().contains(&service) {
                self.submit(port, member, Cost::Notify, Job::Push { client, service });
            }
        }
    }

    pub(super) fn push(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        client: u32,
        service: ServiceId,
    ) {
        let view = self.listed(port, member, service);
        if self.config.grpc.is_some() {
            return self.push_on_line(port, (member, client), service, view);
        }
        let link = (
            self.nodes[member as usize],
            self.clients[client as usize].node,
        );
        let about = (ControlKind::Notification, Some(service));
        let entry_count = view.members.len();
        self.send(
            port,
            link,
            about,
            entry_count,
            Message::Push { service, view },
        );
    }

    /// The responsible server looks for silent instances.
    pub(super) fn check(&mut self, port: &mut dyn Port, member: u32, service: ServiceId) {
        let now = port.now();
        let known: Vec<(InstanceId, Record)> = self.servers[member as usize]
            .records
            .iter()
            .map(|(instance, record)| (instance, *record))
            .collect();
        for (instance, record) in known {
            let (timeout, of) = self.rules[instance];
            let silence = record.silence(now);
            // What clients of other servers registered goes when those have not told it for long.
            let (is_silent, is_gone, is_own) = match self.config.grpc {
                Some(rules) => {
                    let is_gone = rules.synced_client_timeout < silence;
                    (false, is_gone, record.owner != member)
                }
                None => (
                    record.is_healthy && timeout < silence,
                    self.config.delete_timeout < silence,
                    self.responsible(port, member, instance) == member,
                ),
            };
            let is_late = of == service && (is_silent || is_gone);
            if !is_late || !is_own {
                continue;
            }
            port.set_suspected(instance, true);
            let server = self.server(member);
            if is_gone {
                server.records.remove(instance);
            } else if let Some(record) = server.records.get_mut(instance) {
                record.is_healthy = false;
            }
            self.agree(port, instance);
            self.change(port, member, instance);
        }
        let (node, interval) = (self.nodes[member as usize], self.config.check_interval);
        let alarm = Alarm::Check { member, service };
        self.alarms.set(port, node, interval, alarm);
    }

    /// The weight of an instance changed, as the console sets it: at the responsible server.
    pub(super) fn change_weight(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let open = (0..self.nodes.len() as u32).find(|m| self.servers[*m as usize].is_open);
        let Some(open) = open else {
            return;
        };
        let member = self.responsible(port, open, instance);
        if self.servers[member as usize]
            .records
            .get(instance)
            .is_some()
        {
            self.change(port, member, instance);
        }
    }
}

/// Whether so many healthy ones of all are so few that all are listed.
fn is_protected((healthy, all): (u32, u32), threshold: f64) -> bool {
    0 < all && f64::from(healthy) / f64::from(all) <= threshold
}

#[cfg(test)]
mod tests {
    use super::is_protected;

    #[test]
    fn no_larger_share_than_the_threshold_lists_all_and_zero_only_where_none_is_healthy() {
        assert!(is_protected((3, 10), 0.3));
        assert!(!is_protected((4, 10), 0.3));
        assert!(is_protected((0, 10), 0.0));
        assert!(!is_protected((1, 10), 0.0));
        assert!(!is_protected((0, 0), 0.0));
    }
}
