//! Elections.
//!
//! An election is not played out vote by vote. While a majority of members that reach each other
//! looks for a leader, one is elected after a time that the scenario states; the winner has the
//! newest durable entry, then the highest number (the order of ZooKeeper's `FastLeaderElection`;
//! Raft gives no worse guarantee). A member that finds no majority looks again after a time that
//! doubles.

use super::quorum::{Effect, Ensemble, Follower, QuorumAlarm, QuorumMessage, Role, TERM_SHIFT};
use super::{Alarm, Port};
use crate::model::observation::LifeState;
use crate::time::{SimDuration, SimTime};

impl Ensemble {
    /// Whether a node works and is reached, in both directions.
    fn is_connected(&self, port: &dyn Port, (a, b): (u32, u32)) -> bool {
        let (from, to) = (self.node(a), self.node(b));
        let is_up = port.node(to).state == LifeState::Up;
        a == b || (is_up && !port.is_cut(from, to) && !port.is_cut(to, from))
    }

    /// A member looks around: it joins a leader, or begins an election.
    pub(super) fn look(&mut self, port: &mut dyn Port, member: u32) {
        if !self.try_to_join(port, member) {
            self.begin_election(port, member);
        }
        let retry = self.standings[member as usize].retry;
        self.set_look_timer(port, member, retry);
        let standing = &mut self.standings[member as usize];
        standing.retry = retry.saturating_mul(2).min(self.config.retry_max);
    }

    /// A member joins a leader, or waits as long as it would wait for one to speak.
    pub(super) fn wait_to_look(&mut self, port: &mut dyn Port, member: u32) {
        self.try_to_join(port, member);
        let law = self.patience_law.clone();
        let patience = self.sample(port, &law);
        self.set_look_timer(port, member, patience);
    }

    fn set_look_timer(&mut self, port: &mut dyn Port, member: u32, length: SimDuration) {
        let alarm = Alarm::Quorum(QuorumAlarm::Look { member });
        let timer = port.set_timer(self.node(member), length, alarm);
        self.standings[member as usize].timer = Some(timer);
    }

    fn try_to_join(&mut self, port: &mut dyn Port, member: u32) -> bool {
        let leader = (0..self.member_count()).find(|leader| self.may_join(port, member, *leader));
        if let Some(leader) = leader {
            let link = (member, leader);
            self.tell(port, link, self.message_bytes, QuorumMessage::Join);
        }
        leader.is_some()
    }

    /// A member hears a leader that it does not follow: of a later term, it is the one to join.
    pub fn hear_other_leader(&mut self, port: &mut dyn Port, member: u32, term: u32) {
        if term <= self.term(member) && self.role(member) != Role::Looking {
            return;
        }
        match self.role(member) {
            Role::Down => {}
            Role::Looking => {
                self.cancel_timer(port, member);
                self.look(port, member);
            }
            Role::Leading | Role::Following(_) => self.look_for_leader(port, member),
        }
    }

    /// Whether a leader would still have a majority with this member.
    fn may_join(&self, port: &dyn Port, member: u32, leader: u32) -> bool {
        let standing = &self.standings[leader as usize];
        let is_newer = self.term(member) <= standing.term;
        let others = standing.followers.iter().filter(|f| f.member != member);
        standing.role == Role::Leading
            && is_newer
            && self.majority() <= others.count() + 2
            && self.is_connected(port, (member, leader))
    }

    /// The members that would elect somebody and reach this one, itself included.
    fn lookers(&self, port: &dyn Port, member: u32) -> Vec<u32> {
        (0..self.member_count())
            .filter(|other| self.may_vote(port.now(), *other))
            .filter(|other| self.is_connected(port, (member, *other)))
            .collect()
    }

    fn may_vote(&self, now: SimTime, member: u32) -> bool {
        let standing = &self.standings[member as usize];
        match (standing.role, self.config.vote_patience) {
            (Role::Looking, _) => true,
            (Role::Following(_), Some(patience)) => standing.heard_at + patience <= now,
            (Role::Down | Role::Following(_) | Role::Leading, _) => false,
        }
    }

    /// An election begins if a majority looks for a leader, and none is under way whose end
    /// somebody will see.
    fn begin_election(&mut self, port: &mut dyn Port, member: u32) {
        if let Some((timer, by)) = self.election {
            if port.node(self.node(by)).state == LifeState::Up {
                return;
            }
            port.cancel_timer(timer);
            self.election = None;
        }
        if self.majority() <= self.lookers(port, member).len() {
            let law = self.election_law.clone();
            let length = self.sample(port, &law);
            let alarm = Alarm::Quorum(QuorumAlarm::Elected);
            let timer = port.set_timer(self.node(member), length, alarm);
            self.election = Some((timer, member));
        }
    }

    /// A member died whose timer may have been to end an election: another one takes over.
    pub(super) fn on_elector_died(&mut self, port: &mut dyn Port, member: u32) {
        if self.election.is_some_and(|(_, by)| by == member) {
            let others = (0..self.member_count()).filter(|m| self.role(*m) == Role::Looking);
            for other in others.collect::<Vec<u32>>() {
                self.begin_election(port, other);
            }
        }
    }

    pub(super) fn on_elected(&mut self, port: &mut dyn Port) {
        self.election = None;
        let mut lookers: Vec<u32> = (0..self.member_count())
            .filter(|member| self.role(*member) == Role::Looking)
            .filter(|member| port.node(self.node(*member)).state == LifeState::Up)
            .collect();
        lookers.sort_by_key(|member| (self.standings[*member as usize].logged, *member));
        let winner = lookers
            .iter()
            .rev()
            .find(|member| self.majority() <= self.lookers(port, **member).len());
        if let Some(winner) = winner {
            let supporters = self.lookers(port, *winner);
            self.crown(port, *winner, &supporters);
        }
    }

    /// A member leads those that support it, itself included.
    pub(super) fn crown(&mut self, port: &mut dyn Port, leader: u32, supporters: &[u32]) {
        let terms = self.standings.iter().map(|standing| standing.term);
        let term = terms.max().unwrap_or(0) + 1;
        self.cancel_timer(port, leader);
        let standing = &mut self.standings[leader as usize];
        standing.role = Role::Leading;
        standing.term = term;
        standing.next = u64::from(term) << TERM_SHIFT;
        standing.followers.clear();
        standing.committed = standing
            .pending
            .back()
            .map_or(standing.applied, |last| last.0);
        self.apply_committed(leader);
        self.standings[leader as usize].logged = self.applied(leader);
        for member in supporters.iter().filter(|member| **member != leader) {
            self.cancel_timer(port, *member);
            self.add_follower(leader, *member, port.now());
            self.follow(port, *member, leader);
        }
        self.effects.push_back(Effect::Leads { member: leader });
    }

    pub(super) fn add_follower(&mut self, leader: u32, member: u32, now: SimTime) {
        let standing = &mut self.standings[leader as usize];
        standing.followers.retain(|known| known.member != member);
        standing.followers.push(Follower {
            member,
            heard_at: now,
            acked: 0,
        });
    }
}
