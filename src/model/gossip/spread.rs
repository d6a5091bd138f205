//! What members believe when they are told, and how they tell it on.
//!
//! Source: hashicorp/memberlist `state.go`; SWIM, section 4. An update counts if its incarnation
//! is not older than what is known; only the member itself raises its incarnation, when it hears
//! that it is suspected or dead. Every update that changed a belief is passed on.

use super::message::{Letter, MessageKind, Update, UpdateKind};
use super::probe::Choice;
use super::rules::{confirmation_count, suspicion_length, suspicion_timeout};
use super::view::{Belief, Entry, NIL};
use super::{BeliefChange, Due};
use crate::engine::{PendingSet, Timer};
use crate::id::NodeId;
use crate::model::event::Event;
use crate::model::observation::{LifeState, Observer};
use crate::model::world::{Deferred, World};
use crate::rng::mix;
use crate::time::{SimDuration, SimTime};

/// Most members whose confirmations of one suspicion are told apart, the first accuser included.
pub const ACCUSER_COUNT_MAX: usize = 12;

/// A suspicion of one member by another one.
#[derive(Clone, Copy, Debug)]
pub struct Suspicion {
    member: u32,
    subject: u32,
    began_at: SimTime,
    min: SimDuration,
    max: SimDuration,
    /// Confirmations that make it as short as it gets, and those that came.
    wanted: u32,
    confirmed: u32,
    accusers: [u32; ACCUSER_COUNT_MAX],
    timer: Timer,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A member is told something.
    pub(super) fn take_update(&mut self, member: u32, update: Update) {
        if !self.gossip.members[member as usize].is_joined {
            return;
        }
        let is_own = update.subject == self.gossip.place(member);
        match (update.kind, is_own) {
            (UpdateKind::Alive, false) => self.take_alive(member, update),
            (UpdateKind::Suspect, false) => self.take_suspect(member, update),
            (UpdateKind::Dead, false) => self.take_dead(member, update),
            (UpdateKind::Absent, _) => {}
            (_, true) => self.take_own(member, update),
        }
    }

    /// A member hears of itself: it refutes what is not so. A life that it has had before is news,
    /// too, for a process that started anew.
    fn take_own(&mut self, member: u32, update: Update) {
        let state = &self.gossip.members[member as usize];
        let is_news = match update.kind {
            UpdateKind::Alive => state.incarnation < update.incarnation,
            UpdateKind::Suspect | UpdateKind::Dead => state.incarnation <= update.incarnation,
            UpdateKind::Absent => false,
        };
        if state.is_leaving || !is_news {
            return;
        }
        self.refute(member, update.incarnation);
    }

    /// A member raises its incarnation above `accused` and tells everybody.
    fn refute(&mut self, member: u32, accused: u32) {
        self.apply_doubt(member, 1);
        let state = &mut self.gossip.members[member as usize];
        state.incarnation = state.incarnation.max(accused) + 1;
        let incarnation = state.incarnation;
        let subject = self.gossip.place(member);
        self.tell_on(
            member,
            Update {
                subject,
                incarnation,
                accuser: NIL,
                kind: UpdateKind::Alive,
            },
        );
    }

    fn take_alive(&mut self, member: u32, update: Update) {
        let before = self.belief_of(member, update.subject);
        if update.incarnation <= before.incarnation {
            return;
        }
        self.drop_suspicion(&before);
        self.tell_on(member, update);
        let after = Entry {
            incarnation: update.incarnation,
            suspicion: NIL,
            belief: Belief::Alive,
            changed_at: self.changed_at(&before, Belief::Alive),
            ..before
        };
        self.believe(member, before, after);
    }

    fn take_suspect(&mut self, member: u32, update: Update) {
        let before = self.belief_of(member, update.subject);
        if !before.belief.is_listed() || update.incarnation < before.incarnation {
            return;
        }
        match before.belief {
            Belief::Suspect => return self.confirm(member, &before, update),
            Belief::Alive => {}
            Belief::Dead | Belief::Left | Belief::Reclaimed | Belief::Unknown => return,
        }
        let config = *self.gossip.config(member);
        if config.suspicion_mult == 0 {
            let kind = UpdateKind::Dead;
            return self.take_dead(member, Update { kind, ..update });
        }
        self.tell_on(member, update);
        let suspicion = self.begin_suspicion(member, update);
        let after = Entry {
            incarnation: update.incarnation,
            suspicion,
            belief: Belief::Suspect,
            changed_at: self.now(),
            ..before
        };
        self.believe(member, before, after);
    }

    fn take_dead(&mut self, member: u32, update: Update) {
        let before = self.belief_of(member, update.subject);
        if !before.belief.is_listed() || update.incarnation < before.incarnation {
            return;
        }
        if !matches!(before.belief, Belief::Alive | Belief::Suspect) {
            return;
        }
        self.drop_suspicion(&before);
        self.tell_on(member, update);
        let belief = match update.accuser == update.subject {
            true => Belief::Left,
            false => Belief::Dead,
        };
        let after = Entry {
            incarnation: update.incarnation,
            suspicion: NIL,
            belief,
            changed_at: self.now(),
            ..before
        };
        self.believe(member, before, after);
    }

    fn changed_at(&self, before: &Entry, belief: Belief) -> SimTime {
        match before.belief == belief {
            true => before.changed_at,
            false => self.now(),
        }
    }

    /// A member changes its mind.
    fn believe(&mut self, member: u32, before: Entry, after: Entry) {
        let state = &mut self.gossip.members[member as usize];
        let cluster = &mut self.gossip.clusters[state.cluster as usize];
        cluster.entry_count += u64::from(state.view.set(after));
        let counts = |entry: &Entry| match cluster.config.gossip_to_the_dead_time {
            Some(_) => entry.belief.is_listed(),
            None => matches!(entry.belief, Belief::Alive | Belief::Suspect),
        };
        let count = &mut state.view.member_count;
        *count = *count + u32::from(counts(&after)) - u32::from(counts(&before));
        if before.belief == after.belief {
            return;
        }
        let change = match after.belief {
            Belief::Alive => BeliefChange::Alive,
            Belief::Suspect => BeliefChange::Suspects,
            Belief::Dead => BeliefChange::Failed,
            Belief::Left => BeliefChange::Left,
            // That nothing is said of the dead any more changes nothing for others.
            Belief::Reclaimed | Belief::Unknown => return,
        };
        let subject = cluster.first + after.subject;
        let (number, observer) = (state.cluster, state.node);
        let subject = self.gossip.members[subject as usize].node;
        let was_failed = before.belief.is_failed();
        self.on_belief_changed(number, (observer, subject), change, was_failed);
    }

    /// Takes an update up into what a member passes on.
    pub(super) fn tell_on(&mut self, member: u32, update: Update) {
        let config = *self.gossip.config(member);
        let state = &mut self.gossip.members[member as usize];
        state.queue.push(update);
        let is_set = state.timers[Due::Gossip as usize].is_set();
        if 0 < config.gossip_nodes && !is_set {
            self.plan_gossip(member);
        }
    }

    /// Plans the next sending of updates, by the clock that began with the process.
    fn plan_gossip(&mut self, member: u32) {
        let interval = self.gossip.config(member).gossip_interval;
        let state = &self.gossip.members[member as usize];
        let (node, started_at) = (state.node, state.started_at);
        let first = self.first_phase(member, Due::Gossip, interval);
        let interval = self.nodes[node.index()]
            .true_length(interval)
            .as_ns()
            .max(1);
        let since = self.now().since(started_at);
        let ticks = match since < first {
            true => 0,
            false => since.saturating_sub(first).as_ns() / interval + 1,
        };
        let at = started_at + first + SimDuration::from_ns(interval.saturating_mul(ticks));
        self.set_due(member, Due::Gossip, at);
    }

    /// A member passes on what it has to some others.
    pub(super) fn on_gossip_tick(&mut self, member: u32) {
        let config = *self.gossip.config(member);
        let now = self.now();
        let state = &mut self.gossip.members[member as usize];
        state.gossip_count = state.gossip_count.wrapping_add(1);
        let number = state.gossip_count;
        let dead_time = config.gossip_to_the_dead_time.unwrap_or_default();
        let dead_time = self.nodes[state.node.index()].true_length(dead_time);
        let is_told = |entry: &Entry| match entry.belief {
            Belief::Alive | Belief::Suspect => true,
            Belief::Dead => now.since(entry.changed_at) <= dead_time,
            Belief::Left | Belief::Reclaimed | Belief::Unknown => false,
        };
        let choice = (Choice::Gossip, number);
        self.choose_members(member, choice, config.gossip_nodes, is_told);
        let chosen = std::mem::take(&mut self.gossip.chosen);
        let first = self.gossip.cluster(member).first;
        for place in &chosen {
            let load = self.updates_for(member, 0);
            if load.is_empty() {
                break;
            }
            let letter = Letter::new(MessageKind::Gossip, number);
            self.send_gossip(member, first + place, letter, load);
        }
        self.gossip.chosen = chosen;
        if !self.gossip.members[member as usize].queue.is_empty() {
            self.plan_gossip(member);
        }
    }

    fn begin_suspicion(&mut self, member: u32, update: Update) -> u32 {
        let config = *self.gossip.config(member);
        let state = &self.gossip.members[member as usize];
        let count = state.view.member_count;
        let (mult, interval) = (config.suspicion_mult, config.probe_interval);
        let min = suspicion_timeout(config.law, mult, count, interval);
        let mut accusers = [NIL; ACCUSER_COUNT_MAX];
        accusers[0] = update.accuser;
        let suspicion = Suspicion {
            member,
            subject: update.subject,
            began_at: self.now(),
            min,
            max: min.saturating_mul(u64::from(config.suspicion_max_timeout_mult)),
            wanted: confirmation_count(&config, count),
            confirmed: 0,
            accusers,
            timer: Timer::UNSET,
        };
        let slot = self.gossip.suspicions.insert(suspicion);
        self.set_suspicion_timer(slot);
        slot
    }

    fn set_suspicion_timer(&mut self, slot: u32) {
        let suspicion = self.gossip.suspicions[slot];
        let bounds = (suspicion.min, suspicion.max);
        let length = suspicion_length(suspicion.confirmed, suspicion.wanted, bounds);
        let node = self.gossip.members[suspicion.member as usize].node;
        let length = self.nodes[node.index()].true_length(length);
        let at = (suspicion.began_at + length).max(self.now());
        if at == SimTime::NEVER {
            return;
        }
        let sequence = self.queue.push(at, Event::GossipSuspicionEnds(slot));
        self.gossip.suspicions[slot].timer.set(sequence);
    }

    /// A suspicion is confirmed, if somebody else has come to it.
    fn confirm(&mut self, member: u32, entry: &Entry, update: Update) {
        let suspicion = &mut self.gossip.suspicions[entry.suspicion];
        let count = suspicion.confirmed;
        if suspicion.wanted <= count || ACCUSER_COUNT_MAX <= count as usize + 1 {
            return;
        }
        let known = &mut suspicion.accusers;
        if known[..=count as usize].contains(&update.accuser) {
            return;
        }
        known[count as usize + 1] = update.accuser;
        suspicion.confirmed += 1;
        self.set_suspicion_timer(entry.suspicion);
        self.tell_on(member, update);
    }

    fn drop_suspicion(&mut self, entry: &Entry) {
        if entry.belief == Belief::Suspect {
            self.gossip.suspicions.remove(entry.suspicion);
        }
    }

    /// A suspicion has lasted for as long as it may.
    #[inline(never)]
    pub(in crate::model) fn on_gossip_suspicion_ends(&mut self, slot: u32, sequence: u64) {
        let suspicion = self.gossip.suspicions.get(slot).copied();
        let Some(suspicion) = suspicion.filter(|found| found.timer.is_live(sequence)) else {
            return;
        };
        let Suspicion {
            member, subject, ..
        } = suspicion;
        let node = self.gossip.members[member as usize].node;
        let event = Event::GossipSuspicionEnds(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        let own = self.nodes[node.index()].path_hash;
        self.fold(event, node, mix(own) ^ u64::from(subject));
        debug_assert!(self.nodes[node.index()].state == LifeState::Up);
        let entry = self.belief_of(member, subject);
        self.take_dead(
            member,
            Update {
                subject,
                incarnation: entry.incarnation,
                accuser: self.gossip.place(member),
                kind: UpdateKind::Dead,
            },
        );
    }

    /// At the end of a pass memberlist takes those off the list that were dead for long.
    pub(super) fn reclaim(&mut self, member: u32) {
        let config = *self.gossip.config(member);
        let Some(dead_time) = config.gossip_to_the_dead_time else {
            return;
        };
        let now = self.now();
        let state = &self.gossip.members[member as usize];
        let dead_time = self.nodes[state.node.index()].true_length(dead_time);
        let is_old = |entry: &&Entry| {
            matches!(entry.belief, Belief::Dead | Belief::Left)
                && dead_time < now.since(entry.changed_at)
        };
        let old: Vec<Entry> = state
            .view
            .entries()
            .iter()
            .filter(is_old)
            .copied()
            .collect();
        for before in old {
            let belief = match before.belief {
                Belief::Dead => Belief::Reclaimed,
                _ => Belief::Unknown,
            };
            let after = Entry {
                belief,
                incarnation: 0,
                changed_at: now,
                ..before
            };
            self.believe(member, before, after);
        }
    }

    /// An instance leaves in good order: so does the agent of its host, if nothing else stays.
    pub(in crate::model) fn leave_clusters(&mut self, instance: crate::id::InstanceId) {
        self.leave_gossip(NodeId(instance.0));
        let topology = &self.scenario.topology;
        let Some(host) = topology.agent_of(NodeId(instance.0)) else {
            return;
        };
        let mut others = topology.host_nodes(host);
        let stays = |node: u32| !self.registry.leases[node as usize].is_leaving();
        if !others.any(stays) {
            self.leave_gossip(topology.agent_node(host));
        }
    }

    /// An instance does not leave after all, and neither does its host.
    pub(in crate::model) fn stay_in_clusters(&mut self, node: NodeId) {
        self.stay_in_gossip(node);
        let topology = &self.scenario.topology;
        if let Some(host) = topology.agent_of(node) {
            self.stay_in_gossip(topology.agent_node(host));
        }
    }

    /// The members of a node tell the others that it leaves.
    pub(in crate::model) fn leave_gossip(&mut self, node: NodeId) {
        let members: Vec<u32> = self.gossip.members_of(node).collect();
        for member in members {
            let state = &mut self.gossip.members[member as usize];
            if !state.is_joined {
                continue;
            }
            state.is_leaving = true;
            let incarnation = state.incarnation;
            let subject = self.gossip.place(member);
            self.tell_on(
                member,
                Update {
                    subject,
                    incarnation,
                    accuser: subject,
                    kind: UpdateKind::Dead,
                },
            );
        }
    }

    /// The members of a node do not leave after all.
    pub(in crate::model) fn stay_in_gossip(&mut self, node: NodeId) {
        let members: Vec<u32> = self.gossip.members_of(node).collect();
        for member in members {
            let state = &mut self.gossip.members[member as usize];
            if std::mem::take(&mut state.is_leaving) {
                let incarnation = state.incarnation;
                self.refute(member, incarnation);
            }
        }
    }
}
