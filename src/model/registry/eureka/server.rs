//! A server: what clients ask for, renewals, evictions.

use std::collections::BTreeMap;

use super::cache::Store;
use super::lease::{Lease, MINUTE, Rate};
use super::message::{Alarm, Answer, Change, ChangeKind, Job, Message, Op, Request};
use super::replicate::{Outbox, Progress};
use super::sync::Round;
use super::{Eureka, client};
use crate::id::InstanceId;
use crate::model::observation::{ControlKind, LifeState};
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::{self, Letter, Port};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::eureka::EurekaConfig;
use crate::time::{SimDuration, SimTime};

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its process is dead.
    Down,
    /// It asks its peers for their leases and serves nobody.
    Syncing,
    /// It serves.
    Open,
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    pub stage: Stage,
    pub store: Store,
    /// Clients that should renew (`expectedNumberOfClientsSendingRenews`).
    expected: u32,
    /// Renewals in a minute that must be exceeded.
    threshold: u32,
    rate: Rate,
    /// It hands out no registry before.
    forbids_until: SimTime,
    /// When the next eviction is due.
    eviction_due: SimTime,
    eviction_count: u32,
    pub outboxes: Vec<Outbox>,
    /// Batches that are being worked on, by sender and number.
    pub inbox: BTreeMap<(u32, u32), Progress>,
    pub sync: Round,
}

/// Why a lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Cancelled,
    Evicted,
}

impl Server {
    pub fn new(config: &EurekaConfig, instance_count: u32, member_count: u32) -> Self {
        Server {
            stage: Stage::Down,
            store: Store::new(config.cache, instance_count),
            expected: 0,
            threshold: 0,
            rate: Rate::default(),
            forbids_until: SimTime::START,
            eviction_due: SimTime::START,
            eviction_count: 0,
            outboxes: (0..member_count)
                .map(|_| Outbox::new(instance_count))
                .collect(),
            inbox: BTreeMap::new(),
            sync: Round::default(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }
}

impl Eureka {
    pub(super) fn server(&mut self, member: u32) -> &mut Server {
        &mut self.servers[member as usize]
    }

    fn expect(&mut self, member: u32, expected: u32) {
        let threshold = self.config.lease.threshold(expected);
        let server = self.server(member);
        (server.expected, server.threshold) = (expected, threshold);
    }

    /// The run begins: every server that is there has been up for a while and knows everybody.
    pub(super) fn start_servers(&mut self, port: &mut dyn Port) {
        for member in 0..self.nodes.len() as u32 {
            let node = self.nodes[member as usize];
            if port.node(node).state != LifeState::Up {
                continue;
            }
            let identity = port.node(node).path_hash ^ path_hash("eureka.age");
            let age = Self::time_of_day(port, identity, self.config.member_phase);
            let elapsed = SimDuration::from_ns(age.as_ns() % MINUTE.as_ns());
            for index in 0..self.clients.len() {
                let Some((instance, _, registered)) = self.clients[index].instance else {
                    continue;
                };
                if !port.is_listed(instance) {
                    continue;
                }
                let interval = registered.heartbeat_interval;
                let since =
                    interval.saturating_sub(client::first_renewal(port, &registered, instance));
                let rules = &self.config.lease;
                let lease = Lease::renewed_before_start(since, registered.lease_duration, rules);
                let server = &mut self.servers[member as usize];
                server.store.set_before_start(instance, lease);
                server.rate.add_past(elapsed, since, interval);
            }
            let count = self.servers[member as usize].store.count();
            self.expect(member, count);
            self.server(member).stage = Stage::Open;
            self.start_timers(port, member, age);
            let now = port.now();
            let store = &mut self.server(member).store;
            store.full(now);
            store.delta(now);
        }
    }

    /// All timers of a server that has been up for `age`.
    pub(super) fn start_timers(&mut self, port: &mut dyn Port, member: u32, age: SimDuration) {
        let lease = self.config.lease;
        let left = |interval: SimDuration| {
            SimDuration::from_ns(interval.as_ns() - age.as_ns() % interval.as_ns())
        };
        self.server(member).eviction_due = port.now() + left(lease.eviction_interval);
        let clean = self.config.cache.delta_clean_interval;
        for (alarm, interval) in [
            // The minute ends first: an eviction at the same moment looks at it.
            (Alarm::Minute { member }, MINUTE),
            (Alarm::Evict { member }, lease.eviction_interval),
            (Alarm::Threshold { member }, lease.update_interval),
            (Alarm::Clean { member }, clean),
        ] {
            let node = self.nodes[member as usize];
            self.alarms.set(port, node, left(interval), alarm);
        }
        if self.config.cache.has_read_only {
            let interval = self.config.cache.read_only_interval.as_ns();
            let shown = self.wall_clock.as_ns() + port.now().as_ns();
            let until = SimDuration::from_ns(interval - shown % interval);
            let node = self.nodes[member as usize];
            let alarm = Alarm::CacheSync { member };
            self.alarms.set(port, node, until, alarm);
        }
    }

    /// A periodic task of a server; the next one is due an interval later.
    pub(super) fn on_server_alarm(&mut self, port: &mut dyn Port, member: u32, alarm: Alarm) {
        let now = port.now();
        let (lease, cache) = (self.config.lease, self.config.cache);
        let interval = match alarm {
            Alarm::Minute { .. } => {
                self.server(member).rate.turn();
                MINUTE
            }
            Alarm::Evict { .. } => {
                self.evict(port, member);
                self.server(member).eviction_due = now + lease.eviction_interval;
                lease.eviction_interval
            }
            Alarm::Threshold { .. } => {
                let server = self.server(member);
                let (expected, count) = (server.expected, server.store.count());
                if lease.replaces_expected(expected, count) {
                    self.expect(member, count);
                }
                lease.update_interval
            }
            Alarm::Clean { .. } => {
                self.server(member).store.clean(now);
                cache.delta_clean_interval
            }
            Alarm::CacheSync { .. } => {
                self.server(member).store.sync_caches(now);
                cache.read_only_interval
            }
            _ => unreachable!("servers have no other periodic tasks"),
        };
        let node = self.nodes[member as usize];
        self.alarms.set(port, node, interval, alarm);
    }

    /// Leases end, in random order, as far as the rules allow.
    fn evict(&mut self, port: &mut dyn Port, member: u32) {
        let now = port.now();
        let rules = self.config.lease;
        let identity = port.node(self.nodes[member as usize]).path_hash ^ path_hash("eureka.evict");
        let server = self.server(member);
        server.eviction_count += 1;
        let number = server.eviction_count;
        // A clock that runs fast makes the timer early, not late.
        let compensation = now.since(server.eviction_due.min(now));
        if !rules.may_evict(server.threshold, server.rate.last) {
            return;
        }
        let mut expired = server
            .store
            .those(|lease| lease.is_expired(now, compensation));
        let limit = rules.eviction_limit(server.store.count()) as usize;
        for place in 0..expired.len().min(limit) {
            let others = (expired.len() - place) as u32;
            let chosen = port.draw(identity, number, place as u32).below(others);
            expired.swap(place, place + chosen as usize);
            self.end_lease(port, member, expired[place], End::Evicted);
        }
    }

    pub(super) fn register_at(&mut self, port: &mut dyn Port, member: u32, instance: InstanceId) {
        let now = port.now();
        let lease = Lease::new(now, self.duration(instance));
        let server = self.server(member);
        let expected = server.expected;
        let is_new = !server.store.has(instance);
        server.store.set(now, instance, Some(lease));
        if is_new && 0 < expected {
            self.expect(member, expected + 1);
        }
        port.set_suspected(instance, false);
        self.agree(port, instance);
    }

    /// A heartbeat. Returns whether the instance is registered.
    pub(super) fn renew_at(&mut self, port: &dyn Port, member: u32, instance: InstanceId) -> bool {
        let (now, rules) = (port.now(), self.config.lease);
        let duration = self.duration(instance);
        let server = self.server(member);
        let Some(lease) = server.store.lease(instance) else {
            return false;
        };
        lease.renew(now, duration, &rules);
        server.rate.current += 1;
        true
    }

    /// A lease ends. Returns whether there was one.
    pub(super) fn end_lease(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        instance: InstanceId,
        end: End,
    ) -> bool {
        let server = self.server(member);
        if !server.store.has(instance) {
            return false;
        }
        server.store.set(port.now(), instance, None);
        let expected = server.expected.saturating_sub(1);
        self.expect(member, expected);
        port.set_suspected(instance, end == End::Evicted);
        self.agree(port, instance);
        true
    }

    /// A question of a client reaches a server.
    pub(super) fn on_request(&mut self, port: &mut dyn Port, member: u32, request: Request) {
        if !self.servers[member as usize].is_open() {
            return self.answer(port, member, request, Answer::Unavailable);
        }
        let cost = match request.op {
            Op::Renew => Cost::Heartbeat,
            Op::Register | Op::Cancel => Cost::Write,
            Op::Full | Op::Delta => Cost::Read,
        };
        self.submit(port, member, cost, Job::Request(request));
    }

    /// A server does what a client asks for.
    pub(super) fn serve(&mut self, port: &mut dyn Port, member: u32, request: Request) {
        let now = port.now();
        let node = self.tasks.get((request.client, request.channel)).node;
        let instance = self.registered(node).map(|_| InstanceId(node.0));
        let tell = |kind: ChangeKind| instance.map(|instance| Change { kind, instance });
        let (answer, change) = match (request.op, instance) {
            (Op::Renew, Some(instance)) => match self.renew_at(port, member, instance) {
                true => (Answer::Done, tell(ChangeKind::Renew)),
                false => (Answer::Missing, None),
            },
            (Op::Register, Some(instance)) => {
                self.register_at(port, member, instance);
                (Answer::Done, tell(ChangeKind::Register))
            }
            (Op::Cancel, Some(instance)) => {
                let was_there = self.end_lease(port, member, instance, End::Cancelled);
                let change = tell(ChangeKind::Cancel).filter(|_| was_there);
                (Answer::Done, change)
            }
            (Op::Full | Op::Delta, _) if now < self.servers[member as usize].forbids_until => {
                (Answer::Forbidden, None)
            }
            (Op::Full, _) => (Answer::Full(self.server(member).store.full(now)), None),
            (Op::Delta, _) => (Answer::Delta(self.server(member).store.delta(now)), None),
            (Op::Renew | Op::Register | Op::Cancel, None) => {
                unreachable!("only instances register")
            }
        };
        if let Some(change) = change {
            self.replicate(port, member, change);
        }
        self.answer(port, member, request, answer);
    }

    fn answer(&self, port: &mut dyn Port, member: u32, request: Request, answer: Answer) {
        let node = self.tasks.get((request.client, request.channel)).node;
        let of_instance = self.registered(node).map(|(service, _)| service);
        let (kind, service) = match request.op {
            Op::Renew => (ControlKind::HeartbeatReply, of_instance),
            Op::Register | Op::Cancel => (ControlKind::WriteReply, of_instance),
            Op::Full | Op::Delta => (ControlKind::PollReply, None),
        };
        let entry_count = match &answer {
            Answer::Full(apps) => apps.len(),
            Answer::Delta(delta) => delta.changes.len(),
            Answer::Done | Answer::Missing | Answer::Forbidden | Answer::Unavailable => 0,
        };
        let letter = Letter {
            from: self.nodes[member as usize],
            to: node,
            kind,
            service,
            byte_count: self.byte_count(entry_count),
        };
        let message = Message::Answer {
            channel: request.channel,
            number: request.number,
            answer,
        };
        port.send(letter, system::Message::Eureka(message));
    }

    /// A server begins to serve, with what its peers told it.
    pub(super) fn open(&mut self, port: &mut dyn Port, member: u32, instances: &[InstanceId]) {
        let now = port.now();
        for instance in instances {
            let lease = Lease::new(now, self.duration(*instance));
            self.server(member).store.set(now, *instance, Some(lease));
        }
        let start = self.config.start;
        let server = self.server(member);
        server.stage = Stage::Open;
        server.rate = Rate::default();
        let count = match instances.len() as u32 {
            0 => start.open_count,
            count => count,
        };
        if count == 0 {
            server.forbids_until = now + start.empty_wait;
        }
        self.expect(member, count);
        self.start_timers(port, member, SimDuration::ZERO);
        self.agree_on_all(port);
    }

    /// A server died: nothing that it knew is left.
    pub(super) fn close(&mut self, port: &mut dyn Port, member: u32) {
        let instance_count = port.scenario().topology.instance_count();
        let fresh = Server::new(&self.config, instance_count, self.nodes.len() as u32);
        let server = self.server(member);
        let before = std::mem::replace(server, fresh);
        // Numbers of messages are never used again.
        server.sync.number = before.sync.number;
        for (own, outbox) in server.outboxes.iter_mut().zip(&before.outboxes) {
            own.number = outbox.number;
        }
        server.eviction_count = before.eviction_count;
        self.agree_on_all(port);
    }
}
