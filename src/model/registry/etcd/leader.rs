//! The leader: heartbeats, expiry of leases, and reads that are not stale.

use super::lessor::Lessor;
use super::message::{Alarm, Change, Entry, LeaseId, Message};
use super::{Etcd, LateKeepAlive, Office, OpenRead, Read};
use crate::id::InstanceId;
use crate::model::observation::ControlKind;
use crate::model::registry::system::quorum::Role;
use crate::model::registry::system::{self, Letter, Port};
use crate::rng::{UniformSource, path_hash};
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

const SECOND: SimDuration = SimDuration::from_secs(1);

impl Etcd {
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
        port.send(letter, system::Message::Etcd(message));
    }

    /// A member leads from now on: every lease gets its full time, or what was left of it at its
    /// last checkpoint, and an election timeout more; too many of one second are spread.
    pub(super) fn take_office(&mut self, port: &mut dyn Port, member: u32) {
        self.leave_office(port, member);
        let (now, node) = (port.now(), self.ensemble.node(member));
        let mut lessor = Lessor::default();
        for (lease, left) in self.servers[member as usize].state.leases.iter() {
            let ttl = self.lease(lease).ttl;
            let left = left.map_or(ttl, |secs| SECOND.saturating_mul(u64::from(secs)));
            let expires_at = now + left + self.config.election_timeout;
            lessor.set(lease, expires_at, self.checkpoint_at(now, left));
        }
        let rate = self.config.revoke_count_per_sec as usize;
        for (lease, expires_at) in lessor.spread(now, rate) {
            let left = expires_at.since(now);
            lessor.set(lease, expires_at, self.checkpoint_at(now, left));
        }
        let first = match now {
            SimTime::START => self.first_revoke(port),
            _ => self.config.revoke_interval,
        };
        let alarm = system::Alarm::Etcd;
        let heartbeat = port.set_timer(
            node,
            self.config.heartbeat_interval,
            alarm(Alarm::Heartbeat { member }),
        );
        self.server(member).office = Some(Office {
            lessor,
            heartbeat,
            revoke: port.set_timer(node, first, alarm(Alarm::Revoke { member })),
            heartbeat_count: 0,
            answered: Default::default(),
            open_reads: Vec::new(),
            late: Vec::new(),
        });
        self.send_heartbeats(port, member);
        self.agree(port, member);
    }

    /// Only leases that live longer than the interval have checkpoints.
    fn checkpoint_at(&self, now: SimTime, left: SimDuration) -> SimTime {
        let interval = self.config.checkpoint_interval;
        let interval = interval.filter(|interval| *interval < left);
        interval.map_or(SimTime::NEVER, |interval| now + interval)
    }

    fn first_revoke(&self, port: &dyn Port) -> SimDuration {
        let interval = self.config.revoke_interval;
        let since = match self.config.revoke_phase {
            Phase::Aligned => SimDuration::ZERO,
            Phase::At(offset) => SimDuration::from_ns(offset.as_ns() % interval.as_ns()),
            Phase::Random => {
                let mut draw = port.draw(path_hash("etcd.revoke"), 0, 0);
                return interval.scaled(1.0 - draw.uniform());
            }
        };
        match since.is_zero() {
            true => interval,
            false => since,
        }
    }

    /// What a new leader has is what holds.
    fn agree(&mut self, port: &mut dyn Port, member: u32) {
        let targets: Vec<InstanceId> = self
            .clients
            .iter()
            .filter_map(|client| client.target.map(|(instance, _)| instance))
            .collect();
        for instance in targets {
            let is_listed = self.servers[member as usize]
                .state
                .keys
                .contains_key(instance);
            port.set_listed(instance, is_listed);
            if is_listed {
                port.set_suspected(instance, false);
            }
        }
    }

    /// A member no longer leads: nothing expires there.
    pub(super) fn leave_office(&mut self, port: &mut dyn Port, member: u32) {
        if let Some(office) = self.server(member).office.take() {
            port.cancel_timer(office.heartbeat);
            port.cancel_timer(office.revoke);
        }
    }

    fn send_heartbeats(&mut self, port: &mut dyn Port, member: u32) {
        let term = self.ensemble.term(member);
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader sends heartbeats");
        office.heartbeat_count += 1;
        let number = office.heartbeat_count;
        let bytes = self.sizes.message_bytes;
        for other in (0..self.ensemble.member_count()).filter(|other| *other != member) {
            let (link, message) = ((member, other), Message::Heartbeat { term, number });
            self.tell_member(port, link, ControlKind::MemberHeartbeat, bytes, message);
        }
        self.confirm_reads(port, member);
    }

    /// A heartbeat is due; once per election timeout the leader counts who still answers.
    pub(super) fn on_heartbeat(&mut self, port: &mut dyn Port, member: u32) {
        let (interval, node) = (self.config.heartbeat_interval, self.ensemble.node(member));
        let alarm = system::Alarm::Etcd(Alarm::Heartbeat { member });
        let next = port.set_timer(node, interval, alarm);
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader has this timer");
        office.heartbeat = next;
        let rounds = self.config.election_timeout.as_ns() / interval.as_ns();
        let office = &self.servers[member as usize].office;
        let count = office.as_ref().map_or(0, |office| office.heartbeat_count);
        self.send_heartbeats(port, member);
        if count.is_multiple_of(rounds.max(1)) {
            self.ensemble.check_quorum(port, member);
        }
    }

    /// Looks for leases that have expired, and for those whose time is to be replicated.
    pub(super) fn on_revoke_due(&mut self, port: &mut dyn Port, member: u32) {
        let (now, node) = (port.now(), self.ensemble.node(member));
        let alarm = system::Alarm::Etcd(Alarm::Revoke { member });
        let next = port.set_timer(node, self.config.revoke_interval, alarm);
        let count_max = (self.config.revoke_count_per_sec / 2) as usize;
        let (retry, checkpoint) = (self.config.revoke_retry, self.config.checkpoint_interval);
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader has this timer");
        office.revoke = next;
        let found = office.lessor.expire(now, count_max, retry);
        let due = checkpoint.map(|interval| office.lessor.due_checkpoints(now, interval));
        if self.ensemble.is_newest(member) {
            for lease in found {
                let (instance, _) = self.target_of(lease);
                let keys = &self.servers[member as usize].state.keys;
                if keys.get(instance) == Some(&lease) {
                    port.set_suspected(instance, true);
                }
            }
        }
        for (lease, secs) in due.into_iter().flatten() {
            self.propose_own(port, member, Change::Checkpoint { secs }, lease);
        }
        self.revoke_next(port, member);
    }

    fn propose_own(&mut self, port: &mut dyn Port, leader: u32, change: Change, lease: LeaseId) {
        let origin = leader;
        let entry = system::Entry::Etcd(Entry {
            change,
            lease,
            origin,
        });
        self.ensemble.propose(port, leader, entry);
    }

    /// Revokes as many leases at once as may be.
    fn revoke_next(&mut self, port: &mut dyn Port, member: u32) {
        let count_max = self.config.pending_revoke_count_max as usize;
        while let Some(office) = self.server(member).office.as_mut()
            && let Some(lease) = office.lessor.next_revocation(count_max)
        {
            self.propose_own(port, member, Change::Revoke, lease);
        }
    }

    /// The leader has applied a request: now it holds for everybody.
    pub(super) fn note_applied(&mut self, port: &mut dyn Port, member: u32, entry: Entry) {
        let Entry { change, lease, .. } = entry;
        let (now, ttl) = (port.now(), self.lease(lease).ttl);
        let checkpoint_at = self.checkpoint_at(now, ttl);
        let office = self.server(member).office.as_mut();
        let office = office.expect("it leads");
        match change {
            Change::Grant => office.lessor.set(lease, now + ttl, checkpoint_at),
            Change::Revoke => {
                office.lessor.remove(lease);
                let (over, late) = office.late.iter().partition(|late| late.lease == lease);
                office.late = late;
                let over: Vec<LateKeepAlive> = over;
                for late in over {
                    self.tell_renewed(port, (member, late.member), &late, false);
                }
                self.revoke_next(port, member);
            }
            Change::Put | Change::Delete | Change::Checkpoint { .. } => {}
        }
        let (instance, _) = self.target_of(lease);
        let is_listed = self.servers[member as usize]
            .state
            .keys
            .contains_key(instance);
        port.set_listed(instance, is_listed);
        if change == Change::Put && is_listed {
            port.set_suspected(instance, false);
        }
    }

    /// A keepalive at the member of its client.
    pub(super) fn keep_alive(
        &mut self,
        port: &mut dyn Port,
        (member, client): (u32, u32),
        epoch: u32,
        lease: LeaseId,
    ) {
        match self.ensemble.role(member) {
            Role::Leading => self.renew(port, (member, member), (client, epoch), lease),
            Role::Following(leader) => {
                let message = Message::Renew {
                    client,
                    epoch,
                    lease,
                };
                let bytes = self.sizes.message_bytes;
                self.tell_member(
                    port,
                    (member, leader),
                    ControlKind::Heartbeat,
                    bytes,
                    message,
                );
            }
            Role::Looking | Role::Down => {}
        }
    }

    /// A keepalive at the leader. That of a lease that has expired waits until it is revoked.
    fn renew(
        &mut self,
        port: &mut dyn Port,
        (leader, member): (u32, u32),
        (client, epoch): (u32, u32),
        lease: LeaseId,
    ) {
        let (now, ttl) = (port.now(), self.lease(lease).ttl);
        let checkpoint_at = self.checkpoint_at(now, ttl);
        let Some(office) = self.server(leader).office.as_mut() else {
            return;
        };
        let keep_alive = LateKeepAlive {
            member,
            client,
            epoch,
            lease,
        };
        match office.lessor.expires_at(lease) {
            Some(expires_at) if expires_at <= now => office.late.push(keep_alive),
            Some(_) => {
                office.lessor.set(lease, now + ttl, checkpoint_at);
                let left = self.servers[leader as usize].state.leases.get(lease);
                if matches!(left, Some(Some(_))) {
                    // What was left at the last checkpoint counts no more.
                    let secs = (ttl.as_ns() / SECOND.as_ns()) as u32;
                    self.propose_own(port, leader, Change::Checkpoint { secs }, lease);
                }
                self.tell_renewed(port, (leader, member), &keep_alive, true);
            }
            None => self.tell_renewed(port, (leader, member), &keep_alive, false),
        }
    }

    fn tell_renewed(
        &mut self,
        port: &mut dyn Port,
        (leader, member): (u32, u32),
        keep_alive: &LateKeepAlive,
        is_known: bool,
    ) {
        let LateKeepAlive {
            client,
            epoch,
            lease,
            ..
        } = *keep_alive;
        if leader == member {
            return self.on_renewed(port, (member, client), epoch, (lease, is_known));
        }
        let message = Message::Renewed {
            client,
            epoch,
            lease,
            is_known,
        };
        let (kind, bytes) = (ControlKind::HeartbeatReply, self.sizes.message_bytes);
        self.tell_member(port, (leader, member), kind, bytes, message);
    }

    /// A read begins: the leader has to know that it still leads.
    pub(super) fn begin_read(&mut self, port: &mut dyn Port, member: u32, read: Read) {
        match self.ensemble.role(member) {
            Role::Leading => self.open_read(port, member, member, read),
            Role::Following(leader) => {
                let Read {
                    client,
                    epoch,
                    caller,
                    ..
                } = read;
                let message = Message::ReadIndex {
                    client,
                    epoch,
                    caller,
                };
                let (kind, bytes) = (ControlKind::Poll, self.sizes.message_bytes);
                self.tell_member(port, (member, leader), kind, bytes, message);
            }
            Role::Looking | Role::Down => {}
        }
    }

    fn open_read(&mut self, port: &mut dyn Port, leader: u32, member: u32, read: Read) {
        let index = self.ensemble.applied(leader);
        let Some(office) = self.server(leader).office.as_mut() else {
            return;
        };
        office.open_reads.push(OpenRead {
            member,
            read: Read { index, ..read },
            number: office.heartbeat_count + 1,
        });
        self.send_heartbeats(port, leader);
    }

    /// Answers the reads after whose heartbeat a majority has spoken.
    fn confirm_reads(&mut self, port: &mut dyn Port, leader: u32) {
        let majority = self.ensemble.member_count() as usize / 2 + 1;
        let Some(office) = self.server(leader).office.as_mut() else {
            return;
        };
        let mut numbers: Vec<u64> = office.answered.values().copied().collect();
        numbers.push(office.heartbeat_count);
        numbers.sort_unstable();
        let Some(place) = numbers.len().checked_sub(majority) else {
            return;
        };
        let confirmed = numbers[place];
        let (sure, open) = office
            .open_reads
            .iter()
            .partition(|open| open.number <= confirmed);
        office.open_reads = open;
        let sure: Vec<OpenRead> = sure;
        for OpenRead { member, read, .. } in sure {
            if member == leader {
                self.server(leader).reads.push(read);
                self.answer_reads(port, leader);
                continue;
            }
            let message = Message::ReadFrom {
                client: read.client,
                epoch: read.epoch,
                caller: read.caller,
                index: read.index,
            };
            let (kind, bytes) = (ControlKind::PollReply, self.sizes.message_bytes);
            self.tell_member(port, (leader, member), kind, bytes, message);
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
            Message::Heartbeat { term, number } => {
                self.on_leader_heartbeat(port, (from, to), term, number);
            }
            Message::HeartbeatReply { term, number } => {
                if self.ensemble.term(to) == term
                    && let Some(office) = self.server(to).office.as_mut()
                {
                    office.answered.insert(from, number);
                    self.ensemble.hear_follower(port, to, from);
                    self.confirm_reads(port, to);
                }
            }
            Message::Forward { entry } => {
                if self.ensemble.role(to) == Role::Leading {
                    self.ensemble.propose(port, to, system::Entry::Etcd(entry));
                }
            }
            Message::Renew {
                client,
                epoch,
                lease,
            } => self.renew(port, (to, from), (client, epoch), lease),
            Message::Renewed {
                client,
                epoch,
                lease,
                is_known,
            } => self.on_renewed(port, (to, client), epoch, (lease, is_known)),
            Message::ReadIndex {
                client,
                epoch,
                caller,
            } => {
                let read = Read {
                    client,
                    epoch,
                    caller,
                    index: 0,
                };
                self.open_read(port, to, from, read);
            }
            Message::ReadFrom {
                client,
                epoch,
                caller,
                index,
            } => {
                let read = Read {
                    client,
                    epoch,
                    caller,
                    index,
                };
                self.server(to).reads.push(read);
                self.answer_reads(port, to);
            }
            _ => unreachable!("members say nothing else to each other"),
        }
    }

    fn on_leader_heartbeat(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        term: u32,
        number: u64,
    ) {
        let is_own = self.ensemble.role(to) == Role::Following(from);
        if !is_own || self.ensemble.term(to) != term {
            return self.ensemble.hear_other_leader(port, to, term);
        }
        self.ensemble.hear_leader(to, port.now());
        let (link, bytes) = ((to, from), self.sizes.message_bytes);
        let message = Message::HeartbeatReply { term, number };
        self.tell_member(port, link, ControlKind::MemberHeartbeat, bytes, message);
    }

    /// What the leader knows of a lease at the start of a run: it was kept alive `since` ago.
    pub(super) fn keep_alive_before_start(&mut self, lease: LeaseId, since: SimDuration) {
        let ttl = self.lease(lease).ttl;
        let left = ttl.saturating_sub(since);
        let checkpoint_at = self.checkpoint_at(SimTime::START, left);
        let office = self.servers.iter_mut().find_map(|s| s.office.as_mut());
        let office = office.expect("a run begins with a leader");
        office
            .lessor
            .set(lease, SimTime::START + left, checkpoint_at);
    }
}
