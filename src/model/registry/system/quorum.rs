//! Members that hold a quorum: their roles, and who still hears whom. [`super::election`] has the
//! elections, [`super::replicate`] the log.

use std::collections::VecDeque;

use super::members::Members;
use super::{Alarm, Entry, Job, Letter, Message, Port};
use crate::engine::TimerId;
use crate::id::NodeId;
use crate::model::observation::{ControlKind, LifeState};
use crate::model::sampler::Sampler;
use crate::rng::path_hash;
use crate::scenario::Scenario;
use crate::scenario::registry::system::{QuorumConfig, SystemConfig};
use crate::time::{SimDuration, SimTime};

/// Where the term begins in the number of an entry; below it entries of one leader are counted.
pub(super) const TERM_SHIFT: u32 = 32;

/// What members say to each other.
#[derive(Clone, Copy, Debug)]
pub enum QuorumMessage {
    /// A leader proposes an entry.
    Propose { term: u32, zxid: u64, entry: Entry },
    /// A follower has all entries up to this one on its disk.
    Ack { term: u32, zxid: u64 },
    /// All entries up to this one are committed.
    Commit { term: u32, zxid: u64 },
    /// A member wants to follow.
    Join,
    /// The state of the leader; proposals follow.
    Sync { term: u32 },
    /// A connection between two members is closed.
    Closed { term: u32 },
}

/// Timers of members that hold a quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuorumAlarm {
    /// A follower may have heard nothing for too long.
    Patience { member: u32 },
    /// A member looks for a leader again.
    Look { member: u32 },
    /// An election is over.
    Elected,
}

/// What a protocol has to do about its members; it takes them in order.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// A member applies a committed entry.
    Apply {
        member: u32,
        zxid: u64,
        entry: Entry,
    },
    /// A member takes over the state of another one.
    CopyState { from: u32, to: u32 },
    /// A member leads from now on.
    Leads { member: u32 },
    /// A member follows from now on.
    Follows { member: u32 },
    /// A member looks for a leader and serves nobody.
    Looks { member: u32 },
    /// A member has done a piece of work of the protocol.
    Done { member: u32, job: Job },
}

/// What a member is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its process is dead.
    Down,
    /// It looks for a leader.
    Looking,
    /// It follows this member.
    Following(u32),
    /// It leads.
    Leading,
}

/// A follower as its leader knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    pub member: u32,
    pub heard_at: SimTime,
    pub acked: u64,
}

/// One member.
#[derive(Debug)]
pub(super) struct Standing {
    pub role: Role,
    pub term: u32,
    /// The newest entry on its disk.
    pub logged: u64,
    /// The newest entry that it applied.
    pub applied: u64,
    /// Up to where it may apply.
    pub committed: u64,
    /// Entries that it took and has not applied.
    pub pending: VecDeque<(u64, Entry)>,
    /// When it last heard its leader.
    pub heard_at: SimTime,
    /// How long it bears silence.
    patience: SimDuration,
    /// Its patience, or its next look.
    pub timer: Option<TimerId>,
    pub retry: SimDuration,
    /// Whom it leads.
    pub followers: Vec<Follower>,
    /// The number of the entry that it proposes next.
    pub next: u64,
}

/// Members that hold a quorum.
#[derive(Debug)]
pub struct Ensemble {
    pub(super) config: QuorumConfig,
    pub(super) election_law: Sampler,
    pub(super) patience_law: Sampler,
    pub(super) message_bytes: u64,
    /// Size of the whole state.
    state_bytes: u64,
    pub(super) nodes: Vec<NodeId>,
    /// Their machines.
    pub members: Members,
    pub(super) standings: Vec<Standing>,
    /// The election under way, and the member whose timer ends it.
    pub(super) election: Option<(TimerId, u32)>,
    /// Random numbers drawn so far, which name the next ones.
    draw_count: u32,
    /// What the protocol has to do.
    pub effects: VecDeque<Effect>,
}

impl Ensemble {
    /// The members of a scenario's registry.
    pub fn new(scenario: &Scenario, system: &SystemConfig, config: &QuorumConfig) -> Self {
        let topology = &scenario.topology;
        let nodes: Vec<NodeId> = (0..topology.registry_member_count())
            .map(|member| topology.registry_node(member))
            .collect();
        let standing = |_: &NodeId| Standing {
            role: Role::Down,
            term: 0,
            logged: 0,
            applied: 0,
            committed: 0,
            pending: VecDeque::new(),
            heard_at: SimTime::START,
            patience: SimDuration::ZERO,
            timer: None,
            retry: config.retry_min,
            followers: Vec::new(),
            next: 0,
        };
        let instance_count = u64::from(topology.instance_count());
        Ensemble {
            election_law: Sampler::new(&config.election_time),
            patience_law: Sampler::new(&config.follower_patience),
            message_bytes: system.sizes.message_bytes,
            state_bytes: system.sizes.message_bytes + system.sizes.entry_bytes * instance_count,
            members: Members::new(system.capacity, &nodes),
            standings: nodes.iter().map(standing).collect(),
            nodes,
            config: config.clone(),
            election: None,
            draw_count: 0,
            effects: VecDeque::new(),
        }
    }

    /// Members.
    pub fn member_count(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The node of a member.
    pub fn node(&self, member: u32) -> NodeId {
        self.nodes[member as usize]
    }

    /// The member that a node is, if it is one.
    pub fn member_of(&self, node: NodeId) -> Option<u32> {
        let first = self.nodes.first()?.0;
        let place = node.0.checked_sub(first)?;
        (place < self.member_count()).then_some(place)
    }

    /// What a member is to the others.
    pub fn role(&self, member: u32) -> Role {
        self.standings[member as usize].role
    }

    /// The term that a member is in.
    pub fn term(&self, member: u32) -> u32 {
        self.standings[member as usize].term
    }

    /// The newest entry that a member applied.
    pub fn applied(&self, member: u32) -> u64 {
        self.standings[member as usize].applied
    }

    /// Whether a member leads or follows.
    pub fn is_serving(&self, member: u32) -> bool {
        matches!(self.role(member), Role::Leading | Role::Following(_))
    }

    /// Whether no other member leads in a later term: a leader that was cut off is not the newest.
    pub fn is_newest(&self, leader: u32) -> bool {
        let term = self.term(leader);
        !self
            .standings
            .iter()
            .any(|other| other.role == Role::Leading && term < other.term)
    }

    /// The member that leads, if one does: of several the one of the latest term.
    pub fn leader(&self) -> Option<u32> {
        let leads = |member: &u32| self.role(*member) == Role::Leading;
        (0..self.member_count())
            .filter(leads)
            .max_by_key(|member| self.term(*member))
    }

    /// The followers of a leader.
    pub fn followers(&self, leader: u32) -> Vec<u32> {
        let followers = &self.standings[leader as usize].followers;
        followers.iter().map(|follower| follower.member).collect()
    }

    /// For how long the follower has been silent that its leader heard longest ago.
    pub fn silence_max(&self, leader: u32, now: SimTime) -> SimDuration {
        let followers = self.standings[leader as usize].followers.iter();
        let silences = followers.map(|follower| now.since(follower.heard_at));
        silences.max().unwrap_or_default()
    }

    pub(super) fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// The run begins with a leader whom all others follow.
    pub fn start(&mut self, port: &mut dyn Port) {
        let all: Vec<u32> = (0..self.member_count()).collect();
        self.crown(port, self.config.first_leader, &all);
    }

    /// Sends a message to a member.
    pub(super) fn tell(
        &self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        byte_count: u64,
        message: QuorumMessage,
    ) {
        let letter = Letter {
            from: self.node(from),
            to: self.node(to),
            kind: ControlKind::Replication,
            service: None,
            byte_count,
        };
        port.send(letter, Message::Quorum(message));
    }

    pub(super) fn close(&self, port: &mut dyn Port, from: u32, to: u32) {
        let term = self.term(from);
        let message = QuorumMessage::Closed { term };
        self.tell(port, (from, to), self.message_bytes, message);
    }

    /// A member heard something from its leader.
    pub fn hear_leader(&mut self, member: u32, now: SimTime) {
        self.standings[member as usize].heard_at = now;
    }

    /// A leader heard something from a follower; one that it parted with has to join again.
    pub fn hear_follower(&mut self, port: &mut dyn Port, leader: u32, follower: u32) {
        let now = port.now();
        let followers = &mut self.standings[leader as usize].followers;
        if let Some(known) = followers.iter_mut().find(|known| known.member == follower) {
            known.heard_at = now;
        } else if self.role(leader) == Role::Leading {
            self.close(port, leader, follower);
        }
    }

    /// A leader parts with followers that it no longer hears, and gives up without a majority.
    pub fn check_quorum(&mut self, port: &mut dyn Port, leader: u32) {
        let (now, patience) = (port.now(), self.config.leader_patience);
        let is_silent = |follower: &&Follower| follower.heard_at + patience < now;
        let followers = &self.standings[leader as usize].followers;
        let silent: Vec<u32> = followers
            .iter()
            .filter(is_silent)
            .map(|f| f.member)
            .collect();
        for member in &silent {
            self.close(port, leader, *member);
        }
        let followers = &mut self.standings[leader as usize].followers;
        followers.retain(|follower| !silent.contains(&follower.member));
        if followers.len() + 1 < self.majority() {
            self.look_for_leader(port, leader);
        }
    }

    /// A member of another leader, or of none, says something; whether it counts.
    pub(super) fn is_of_term(&self, member: u32, leader: u32, term: u32) -> bool {
        let standing = &self.standings[member as usize];
        standing.role == Role::Following(leader) && standing.term == term
    }

    pub(super) fn cancel_timer(&mut self, port: &mut dyn Port, member: u32) {
        if let Some(timer) = self.standings[member as usize].timer.take() {
            port.cancel_timer(timer);
        }
    }

    pub(super) fn sample(&mut self, port: &dyn Port, law: &Sampler) -> SimDuration {
        self.draw_count += 1;
        law.sample(&mut port.draw(path_hash("registry.quorum"), self.draw_count, 0))
    }

    /// A member no longer leads or follows: it looks for a leader.
    pub fn look_for_leader(&mut self, port: &mut dyn Port, member: u32) {
        self.begin_to_look(port, member, self.config.vote_patience.is_some());
    }

    fn begin_to_look(&mut self, port: &mut dyn Port, member: u32, is_patient: bool) {
        self.cancel_timer(port, member);
        self.part(port, member);
        let standing = &mut self.standings[member as usize];
        standing.role = Role::Looking;
        standing.retry = self.config.retry_min;
        self.effects.push_back(Effect::Looks { member });
        match is_patient {
            true => self.wait_to_look(port, member),
            false => self.look(port, member),
        }
    }

    /// Closes the connections of a member to the others.
    fn part(&mut self, port: &mut dyn Port, member: u32) {
        match self.role(member) {
            Role::Leading => {
                for follower in self.followers(member) {
                    self.close(port, member, follower);
                }
            }
            Role::Following(leader) => self.close(port, member, leader),
            Role::Down | Role::Looking => {}
        }
        self.standings[member as usize].followers.clear();
    }

    /// A timer is due: of the quorum, or of the cores and disks of members. Those of the protocol
    /// are left to it.
    pub fn take_alarm(&mut self, port: &mut dyn Port, alarm: Alarm) -> Option<Alarm> {
        match alarm {
            Alarm::CoreDone { member, core } => self.on_core_done(port, member, core),
            Alarm::Synced { member } => self.on_synced(port, member),
            Alarm::Quorum(alarm) => self.on_alarm(port, alarm),
            alarm => return Some(alarm),
        }
        None
    }

    fn on_alarm(&mut self, port: &mut dyn Port, alarm: QuorumAlarm) {
        match alarm {
            QuorumAlarm::Elected => self.on_elected(port),
            QuorumAlarm::Look { member } => {
                self.standings[member as usize].timer = None;
                self.look(port, member);
            }
            QuorumAlarm::Patience { member } => self.on_patience(port, member),
        }
    }

    fn on_patience(&mut self, port: &mut dyn Port, member: u32) {
        let standing = &mut self.standings[member as usize];
        standing.timer = None;
        let silence = port.now().since(standing.heard_at);
        match standing.patience.saturating_sub(silence) {
            SimDuration::ZERO => self.begin_to_look(port, member, false),
            left => self.wait_for_leader(port, member, left),
        }
    }

    fn wait_for_leader(&mut self, port: &mut dyn Port, member: u32, length: SimDuration) {
        let alarm = Alarm::Quorum(QuorumAlarm::Patience { member });
        let timer = port.set_timer(self.node(member), length, alarm);
        self.standings[member as usize].timer = Some(timer);
    }

    /// A member takes over the state of a leader and follows it.
    pub(super) fn follow(&mut self, port: &mut dyn Port, member: u32, leader: u32) {
        self.cancel_timer(port, member);
        let law = self.patience_law.clone();
        let patience = self.sample(port, &law);
        let (applied, term) = (self.applied(leader), self.term(leader));
        let standing = &mut self.standings[member as usize];
        standing.role = Role::Following(leader);
        standing.term = term;
        standing.pending.clear();
        (standing.applied, standing.logged, standing.committed) = (applied, applied, applied);
        standing.heard_at = port.now();
        standing.patience = patience;
        self.wait_for_leader(port, member, patience);
        self.effects.push_back(Effect::CopyState {
            from: leader,
            to: member,
        });
        self.effects.push_back(Effect::Follows { member });
    }

    /// The process of a member died; its host may close its connections.
    pub fn on_died(&mut self, port: &mut dyn Port, member: u32) {
        self.cancel_timer(port, member);
        let is_host_alive = port.node(self.node(member)).state != LifeState::HostLost;
        if self.config.notices_death && is_host_alive && port.has_resets() {
            self.part(port, member);
        }
        let standing = &mut self.standings[member as usize];
        standing.role = Role::Down;
        standing.followers.clear();
        // What is not on the disk is lost.
        let logged = standing.logged;
        standing.pending.retain(|(zxid, _)| *zxid <= logged);
        self.members.clear(port, member);
        self.on_elector_died(port, member);
    }

    /// The process of a member started.
    pub fn on_started(&mut self, port: &mut dyn Port, member: u32) {
        self.look_for_leader(port, member);
    }

    /// Bytes of the whole state.
    pub(super) fn state_bytes(&self) -> u64 {
        self.state_bytes
    }
}
