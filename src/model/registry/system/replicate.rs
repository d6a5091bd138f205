//! The log of members that hold a quorum: a proposal is made, taken, synced, acknowledged by a
//! majority, committed, and applied in order.
//!
//! A follower acknowledges what one sync made durable with one message, and a leader commits what
//! one acknowledgement completes with one message to each follower.

use super::members::Cost;
use super::quorum::{Effect, Ensemble, QuorumMessage, Role};
use super::{Entry, Job, Port};

impl Ensemble {
    /// Gives a member work of the protocol: [`Effect::Done`] follows.
    pub fn submit(&mut self, port: &mut dyn Port, member: u32, cost: Cost, job: Job) {
        if let Some(job) = self.members.submit(port, member, cost, job) {
            self.on_job(port, member, job);
        }
    }

    /// A leader proposes an entry: [`Effect::Apply`] follows at every member if it is committed.
    pub fn propose(&mut self, port: &mut dyn Port, leader: u32, entry: Entry) {
        let term = self.term(leader);
        self.submit(port, leader, Cost::Proposal, Job::Propose { term, entry });
    }

    /// A core of a member is done.
    pub fn on_core_done(&mut self, port: &mut dyn Port, member: u32, core: u32) {
        let job = self.members.on_core_done(port, member, core);
        self.on_job(port, member, job);
    }

    /// The disk of a member is done.
    pub fn on_synced(&mut self, port: &mut dyn Port, member: u32) {
        let mark = self.members.on_synced(port, member);
        self.on_durable(port, member, mark);
    }

    fn on_job(&mut self, port: &mut dyn Port, member: u32, job: Job) {
        match job {
            Job::Propose { term, entry } => self.log_proposal(port, member, term, entry),
            Job::Log { term, zxid, entry } => self.take_proposal(port, member, term, (zxid, entry)),
            Job::Zookeeper(_)
            | Job::Consul(_)
            | Job::Etcd(_)
            | Job::Eureka(_)
            | Job::Nacos(_)
            | Job::Dns(_)
            | Job::Kubernetes(_) => self.effects.push_back(Effect::Done { member, job }),
        }
    }

    fn log_proposal(&mut self, port: &mut dyn Port, leader: u32, term: u32, entry: Entry) {
        let standing = &mut self.standings[leader as usize];
        if standing.role != Role::Leading || standing.term != term {
            return;
        }
        standing.next += 1;
        let zxid = standing.next;
        standing.pending.push_back((zxid, entry));
        for follower in self.followers(leader) {
            let message = QuorumMessage::Propose { term, zxid, entry };
            self.tell(port, (leader, follower), self.message_bytes, message);
        }
        self.sync(port, leader, zxid);
    }

    fn take_proposal(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        term: u32,
        (zxid, entry): (u64, Entry),
    ) {
        let standing = &mut self.standings[member as usize];
        let is_current = matches!(standing.role, Role::Following(_)) && standing.term == term;
        let newest = standing
            .pending
            .back()
            .map_or(standing.applied, |last| last.0);
        if !is_current || zxid <= newest {
            return;
        }
        standing.pending.push_back((zxid, entry));
        self.apply_committed(member);
        self.sync(port, member, zxid);
    }

    fn sync(&mut self, port: &mut dyn Port, member: u32, zxid: u64) {
        if let Some(mark) = self.members.sync(port, member, zxid) {
            self.on_durable(port, member, mark);
        }
    }

    fn on_durable(&mut self, port: &mut dyn Port, member: u32, mark: u64) {
        let standing = &mut self.standings[member as usize];
        standing.logged = standing.logged.max(mark);
        match standing.role {
            Role::Leading => self.commit(port, member),
            Role::Following(leader) => {
                let term = standing.term;
                let message = QuorumMessage::Ack { term, zxid: mark };
                self.tell(port, (member, leader), self.message_bytes, message);
            }
            Role::Down | Role::Looking => {}
        }
    }

    /// Commits what a majority has on its disks.
    fn commit(&mut self, port: &mut dyn Port, leader: u32) {
        let standing = &self.standings[leader as usize];
        let others = standing.followers.iter().map(|follower| follower.acked);
        let mut marks: Vec<u64> = others.chain([standing.logged]).collect();
        marks.sort_unstable();
        let Some(place) = marks.len().checked_sub(self.majority()) else {
            return;
        };
        let mark = marks[place];
        if mark <= standing.committed {
            return;
        }
        let term = standing.term;
        self.standings[leader as usize].committed = mark;
        self.apply_committed(leader);
        for follower in self.followers(leader) {
            let message = QuorumMessage::Commit { term, zxid: mark };
            self.tell(port, (leader, follower), self.message_bytes, message);
        }
    }

    pub(super) fn apply_committed(&mut self, member: u32) {
        let standing = &mut self.standings[member as usize];
        while let Some((zxid, entry)) = standing.pending.front().copied() {
            if standing.committed < zxid {
                break;
            }
            standing.pending.pop_front();
            standing.applied = zxid;
            let effect = Effect::Apply {
                member,
                zxid,
                entry,
            };
            self.effects.push_back(effect);
        }
    }

    /// A message between members arrives.
    pub fn on_message(&mut self, port: &mut dyn Port, from: u32, to: u32, message: QuorumMessage) {
        let now = port.now();
        match message {
            QuorumMessage::Propose { term, zxid, entry } if self.is_of_term(to, from, term) => {
                self.hear_leader(to, now);
                let job = Job::Log { term, zxid, entry };
                self.submit(port, to, Cost::Proposal, job);
            }
            QuorumMessage::Commit { term, zxid } if self.is_of_term(to, from, term) => {
                self.hear_leader(to, now);
                let standing = &mut self.standings[to as usize];
                standing.committed = standing.committed.max(zxid);
                self.apply_committed(to);
            }
            QuorumMessage::Ack { term, zxid } => self.on_ack(port, (from, to), term, zxid),
            QuorumMessage::Join if self.role(to) == Role::Leading => self.take_in(port, to, from),
            QuorumMessage::Sync { term } => {
                let is_meant = self.role(to) == Role::Looking
                    && self.role(from) == Role::Leading
                    && self.term(from) == term;
                if is_meant {
                    self.follow(port, to, from);
                }
            }
            QuorumMessage::Closed { term } => self.on_closed(port, (from, to), term),
            QuorumMessage::Propose { .. } | QuorumMessage::Commit { .. } | QuorumMessage::Join => {}
        }
    }

    fn on_ack(&mut self, port: &mut dyn Port, (from, to): (u32, u32), term: u32, zxid: u64) {
        let now = port.now();
        let standing = &mut self.standings[to as usize];
        if standing.role != Role::Leading || standing.term != term {
            return;
        }
        let followers = &mut standing.followers;
        if let Some(follower) = followers.iter_mut().find(|known| known.member == from) {
            follower.acked = follower.acked.max(zxid);
            follower.heard_at = now;
            self.commit(port, to);
        }
    }

    /// A leader takes a member in: it sends its state, and what is not committed.
    fn take_in(&mut self, port: &mut dyn Port, leader: u32, member: u32) {
        self.add_follower(leader, member, port.now());
        let (term, link) = (self.term(leader), (leader, member));
        self.tell(port, link, self.state_bytes(), QuorumMessage::Sync { term });
        for (zxid, entry) in self.standings[leader as usize].pending.clone() {
            let message = QuorumMessage::Propose { term, zxid, entry };
            self.tell(port, link, self.message_bytes, message);
        }
    }

    fn on_closed(&mut self, port: &mut dyn Port, (from, to): (u32, u32), term: u32) {
        if self.is_of_term(to, from, term) {
            return self.look_for_leader(port, to);
        }
        let standing = &mut self.standings[to as usize];
        if standing.role == Role::Leading && standing.term == term {
            standing.followers.retain(|known| known.member != from);
        }
    }
}
