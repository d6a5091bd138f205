//! The leader: it counts time, for itself and for its followers.

use super::message::{Alarm, Change, Entry, Job, Message, SessionId};
use super::tracker::Tracker;
use super::{Office, Zookeeper};
use crate::id::InstanceId;
use crate::model::observation::ControlKind;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter, Port};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::scenario::registry::zookeeper::AfterPause;
use crate::time::{SimDuration, SimTime};

/// What a touched session adds to a follower's answer: its number and its timeout.
const TOUCH_BYTES: u64 = 12;

impl Zookeeper {
    /// Sends a message to another member.
    pub(super) fn tell_member(
        &self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        kind: ControlKind,
        byte_count: u64,
        message: Message,
    ) {
        let letter = Letter {
            from: self.ensemble.node(from),
            to: self.ensemble.node(to),
            kind,
            service: None,
            byte_count,
        };
        port.send(letter, system::Message::Zookeeper(message));
    }

    /// The run begins: clocks, and a leader.
    pub(super) fn start_servers(&mut self, port: &mut dyn Port) {
        for member in 0..self.ensemble.member_count() {
            let clock = self.clock_at_start(port, member);
            self.server(member).clock = clock;
        }
        self.ensemble.start(port);
    }

    fn clock_at_start(&self, port: &dyn Port, member: u32) -> SimDuration {
        let tick = self.config.tick_time;
        match self.config.tick_phase {
            Phase::Aligned => SimDuration::ZERO,
            Phase::At(offset) => {
                let since_boundary = offset.as_ns() % tick.as_ns();
                SimDuration::from_ns((tick.as_ns() - since_boundary) % tick.as_ns())
            }
            Phase::Random => {
                let identity = port.node(self.ensemble.node(member)).path_hash;
                let mut draw = port.draw(identity ^ path_hash("zookeeper.clock"), 0, 0);
                tick.scaled(draw.uniform())
            }
        }
    }

    fn half_tick(&self) -> SimDuration {
        SimDuration::from_ns((self.config.tick_time.as_ns() / 2).max(1))
    }

    /// A member leads from now on: every session gets its full timeout, dead ones as well.
    pub(super) fn take_office(&mut self, port: &mut dyn Port, member: u32) {
        self.leave_office(port, member);
        let (now, node) = (port.now(), self.ensemble.node(member));
        let clock = self.servers[member as usize].clock;
        let mut tracker = Tracker::new(self.config.tick_time, clock);
        for session in self.servers[member as usize].tree.sessions.iter() {
            tracker.track(*session, now + self.session(*session).timeout);
        }
        // At the start of a run it has led for a while.
        let first = match now {
            SimTime::START => self.first_half_tick(port, member),
            _ => self.half_tick(),
        };
        let alarm = |alarm| system::Alarm::Zookeeper(alarm);
        let boundary_at = tracker.next_boundary(now);
        let until_boundary = boundary_at.since(now);
        let boundary = port.set_timer(node, until_boundary, alarm(Alarm::Boundary { member }));
        self.server(member).office = Some(Office {
            tracker,
            half_tick: port.set_timer(node, first, alarm(Alarm::HalfTick { member })),
            boundary: Some(boundary),
            boundary_at,
            half_tick_count: 0,
        });
        self.agree(port, member);
    }

    /// The first ping of the leader that leads at the start, in (0, half a tick].
    fn first_half_tick(&self, port: &dyn Port, member: u32) -> SimDuration {
        let half_tick = self.half_tick();
        let since = match self.config.ping_phase {
            Phase::Aligned => SimDuration::ZERO,
            Phase::At(offset) => SimDuration::from_ns(offset.as_ns() % half_tick.as_ns()),
            Phase::Random => {
                let identity = port.node(self.ensemble.node(member)).path_hash;
                let mut draw = port.draw(identity ^ path_hash("zookeeper.half_tick"), 0, 0);
                return half_tick.scaled(1.0 - draw.uniform());
            }
        };
        match since.is_zero() {
            true => half_tick,
            false => since,
        }
    }

    /// What a new leader has is what holds: those that the old one gave up are trusted again.
    fn agree(&mut self, port: &mut dyn Port, member: u32) {
        let instances: Vec<InstanceId> = self.clients.iter().filter_map(|c| c.instance).collect();
        for instance in instances {
            let is_listed = self.servers[member as usize].tree.has(instance);
            port.set_listed(instance, is_listed);
            if is_listed {
                port.set_suspected(instance, false);
            }
        }
    }

    /// A member no longer leads.
    pub(super) fn leave_office(&mut self, port: &mut dyn Port, member: u32) {
        if let Some(office) = self.server(member).office.take() {
            port.cancel_timer(office.half_tick);
            if let Some(timer) = office.boundary {
                port.cancel_timer(timer);
            }
        }
    }

    /// A leader pings its followers; every second time it counts them as well.
    pub(super) fn on_half_tick(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        let alarm = system::Alarm::Zookeeper(Alarm::HalfTick { member });
        let next = port.set_timer(node, self.half_tick(), alarm);
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader has this timer");
        office.half_tick = next;
        office.half_tick_count += 1;
        let is_full_tick = office.half_tick_count.is_multiple_of(2);
        let (term, bytes) = (self.ensemble.term(member), self.sizes.message_bytes);
        for follower in self.ensemble.followers(member) {
            let (link, message) = ((member, follower), Message::LeaderPing { term });
            self.tell_member(port, link, ControlKind::MemberHeartbeat, bytes, message);
        }
        if is_full_tick {
            self.ensemble.check_quorum(port, member);
        }
    }

    /// A boundary: all sessions of the bucket end together, a proposal each. A leader that is late
    /// and handles first what waited before does so after that.
    pub(super) fn on_boundary(&mut self, port: &mut dyn Port, member: u32) {
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader has this timer");
        office.boundary = None;
        if office.boundary_at < port.now() && self.config.after_pause == AfterPause::Touch {
            let job = system::Job::Zookeeper(Job::Expire);
            return self.ensemble.submit(port, member, Cost::Heartbeat, job);
        }
        self.expire(port, member);
    }

    /// A leader expires the bucket of a boundary, and waits for the next one.
    pub(super) fn expire(&mut self, port: &mut dyn Port, member: u32) {
        let office = &self.servers[member as usize].office;
        if office
            .as_ref()
            .is_some_and(|office| office.boundary.is_none())
        {
            self.expire_bucket(port, member);
            self.set_boundary_timer(port, member);
        }
    }

    /// A leader that stood still handles all boundaries that have passed before anything else.
    pub(super) fn catch_up(&mut self, port: &mut dyn Port, member: u32) {
        let Some(office) = self.server(member).office.as_mut() else {
            return;
        };
        if let Some(timer) = office.boundary.take() {
            port.cancel_timer(timer);
        }
        let now = port.now();
        let boundary_at = |zookeeper: &Self| {
            let office = zookeeper.servers[member as usize].office.as_ref();
            office.map_or(SimTime::NEVER, |office| office.boundary_at)
        };
        while boundary_at(self) <= now {
            self.expire_bucket(port, member);
        }
        self.set_boundary_timer(port, member);
    }

    fn set_boundary_timer(&mut self, port: &mut dyn Port, member: u32) {
        let (now, node) = (port.now(), self.ensemble.node(member));
        if let Some(office) = self.server(member).office.as_mut() {
            let left = SimDuration::from_ns(office.boundary_at.as_ns().saturating_sub(now.as_ns()));
            let alarm = system::Alarm::Zookeeper(Alarm::Boundary { member });
            office.boundary = Some(port.set_timer(node, left, alarm));
        }
    }

    fn expire_bucket(&mut self, port: &mut dyn Port, member: u32) {
        let is_newest = self.ensemble.is_newest(member);
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader has boundaries");
        let boundary = office.boundary_at;
        office.boundary_at = office.tracker.next_boundary(boundary);
        for session in office.tracker.expire(boundary) {
            if is_newest
                && let Some(instance) = self.instance_of(session)
                && self.servers[member as usize]
                    .tree
                    .has_only_of(instance, session)
            {
                port.set_suspected(instance, true);
            }
            let entry = Entry {
                change: Change::CloseSession,
                session,
                origin: member,
            };
            self.ensemble
                .propose(port, member, system::Entry::Zookeeper(entry));
        }
    }

    /// A leader takes a write, its own or that of a follower's client.
    pub(super) fn propose(&mut self, port: &mut dyn Port, leader: u32, entry: Entry) {
        let deadline = port.now() + self.session(entry.session).timeout;
        let office = self.server(leader).office.as_mut();
        let Some(office) = office else {
            return;
        };
        match entry.change {
            Change::OpenSession => office.tracker.track(entry.session, deadline),
            // Too late: its end is proposed already.
            _ if office.tracker.is_closing(entry.session) => return,
            _ => {}
        }
        self.ensemble
            .propose(port, leader, system::Entry::Zookeeper(entry));
    }

    /// The leader has applied a transaction: now it holds for everybody.
    pub(super) fn note_applied(&mut self, port: &mut dyn Port, member: u32, entry: Entry) {
        let server = self.server(member);
        if entry.change == Change::CloseSession
            && let Some(office) = &mut server.office
        {
            office.tracker.remove(entry.session);
        }
        let Some(instance) = self.instance_of(entry.session) else {
            return;
        };
        let is_listed = self.servers[member as usize].tree.has(instance);
        port.set_listed(instance, is_listed);
        if entry.change == Change::Create && is_listed {
            port.set_suspected(instance, false);
        }
    }

    /// A message of another member arrives.
    pub(super) fn on_member_message(
        &mut self,
        port: &mut dyn Port,
        from: u32,
        to: u32,
        message: Message,
    ) {
        match message {
            Message::LeaderPing { term } => self.answer_leader(port, from, to, term),
            Message::FollowerPing { term, touched } => {
                if self.ensemble.term(to) == term {
                    self.ensemble.hear_follower(port, to, from);
                    for session in touched.iter() {
                        self.touch_at_leader(port, to, *session);
                    }
                }
            }
            Message::Forward { term, entry } => {
                if self.ensemble.term(to) == term {
                    self.propose(port, to, entry);
                }
            }
            Message::Revalidate {
                client,
                epoch,
                session,
            } => {
                let is_open = self.touch_at_leader(port, to, session);
                let message = Message::Revalidated {
                    client,
                    epoch,
                    session,
                    is_open,
                };
                let bytes = self.sizes.message_bytes;
                self.tell_member(port, (to, from), ControlKind::Attach, bytes, message);
            }
            Message::Revalidated {
                client,
                epoch,
                session,
                is_open,
            } => self.on_revalidated(port, (to, client), (epoch, session), is_open),
            _ => unreachable!("members say nothing else to each other"),
        }
    }

    fn touch_at_leader(&mut self, port: &dyn Port, leader: u32, session: SessionId) -> bool {
        self.servers[leader as usize].office.is_some() && self.touch(port, leader, session)
    }

    fn answer_leader(&mut self, port: &mut dyn Port, leader: u32, member: u32, term: u32) {
        let is_follower = self.ensemble.role(member) == Role::Following(leader);
        if !is_follower || self.ensemble.term(member) != term {
            return;
        }
        self.ensemble.hear_leader(member, port.now());
        let mut touched = std::mem::take(&mut self.server(member).touched);
        touched.sort_unstable();
        touched.dedup();
        let touched = touched.into_boxed_slice();
        let bytes = self.sizes.message_bytes + TOUCH_BYTES * touched.len() as u64;
        let (link, message) = ((member, leader), Message::FollowerPing { term, touched });
        self.tell_member(port, link, ControlKind::MemberHeartbeat, bytes, message);
    }

    /// What the leader knows of a session at the start of a run: it pinged `since` ago, and every
    /// `interval` before that; a follower passed that on at the ping of the leader that followed.
    pub(super) fn touch_before_start(
        &mut self,
        port: &dyn Port,
        member: u32,
        session: SessionId,
        (since, interval): (SimDuration, SimDuration),
    ) {
        let leader = (0..self.ensemble.member_count())
            .find(|member| self.servers[*member as usize].office.is_some())
            .expect("a run begins with a leader");
        let mut heard_before = since;
        if member != leader {
            let half_tick = self.half_tick().as_ns();
            // Pings of the leader lie this long before the start, and half ticks before that.
            let last = half_tick - self.first_half_tick(port, leader).as_ns();
            let told =
                |since: u64| (since >= last).then(|| last + (since - last) / half_tick * half_tick);
            heard_before = match told(since.as_ns()) {
                Some(before) => SimDuration::from_ns(before),
                None => {
                    self.server(member).touched.push(session);
                    let before = (since + interval).as_ns();
                    SimDuration::from_ns(told(before).unwrap_or(0))
                }
            };
        }
        let timeout = self.session(session).timeout;
        let deadline = SimTime::START + timeout.saturating_sub(heard_before);
        let office = self.server(leader).office.as_mut();
        office.expect("it leads").tracker.track(session, deadline);
    }
}
