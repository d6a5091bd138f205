//! Full exchanges of lists, and how a process that starts finds the others.
//!
//! Source: hashicorp/memberlist `state.go`. Each side sends its whole list; who is dead in the
//! other's list is only suspected. A process that starts knows where the others are (Serf keeps a
//! snapshot, Consul has `retry_join`) and asks a random one for its list, again after
//! `retry_interval` where nobody answers. Memberlist passes on everything that it learns when it
//! joins; here only what a member says of itself is, because the others know the rest. Two
//! processes that both know nobody take all that were there for alive and find out by probing.
//!
//! Nobody sends anything to the dead for long. Serf tries to join one of them from time to time
//! (`serf.go`), so that two halves of a cluster find each other again.

use super::Due;
use super::message::{Letter, Message, MessageKind, Update, UpdateKind};
use super::probe::Choice;
use super::rules::push_pull_interval;
use super::view::{Belief, Entry, NIL};
use crate::engine::PendingSet;
use crate::model::observation::Observer;
use crate::model::world::World;
use crate::rng::UniformSource;
use crate::time::SimDuration;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// From one full exchange of a member to its next.
    pub(super) fn sync_interval(&self, member: u32) -> SimDuration {
        let state = &self.gossip.members[member as usize];
        let interval = self.gossip.config(member).push_pull_interval;
        let interval = push_pull_interval(interval, state.view.member_count);
        self.nodes[state.node.index()].true_length(interval)
    }

    /// A member exchanges lists with somebody, or looks for somebody to join.
    pub(super) fn on_sync_tick(&mut self, member: u32) {
        let state = &mut self.gossip.members[member as usize];
        state.sync_count = state.sync_count.wrapping_add(1);
        let (number, is_joined) = (state.sync_count, state.is_joined);
        let partner = match is_joined {
            true => {
                self.plan_sync(member);
                let is_alive = |entry: &Entry| entry.belief == Belief::Alive;
                self.choose_members(member, (Choice::Sync, number), 1, is_alive);
                self.gossip.chosen.first().copied()
            }
            false => {
                let node = &self.nodes[state.node.index()];
                let retry = self.gossip.config(member).retry_interval;
                let at = self.now() + node.true_length(retry);
                self.set_due(member, Due::Sync, at);
                self.any_other(member, number)
            }
        };
        let Some(partner) = partner else {
            return;
        };
        let first = self.gossip.cluster(member).first;
        let load = self.whole_list(member);
        let letter = self.list_letter(member, MessageKind::SyncRequest, number);
        self.send_gossip(member, first + partner, letter, load);
    }

    /// A member may try to join one that it takes for dead.
    pub(super) fn on_reconnect_tick(&mut self, member: u32) {
        let interval = self.gossip.config(member).reconnect_interval;
        let state = &mut self.gossip.members[member as usize];
        state.sync_count = state.sync_count.wrapping_add(1);
        let (node, number) = (state.node, state.sync_count);
        let at = self.now() + self.nodes[node.index()].true_length(interval);
        self.set_due(member, Due::Reconnect, at);
        let failed = self.gossip.failed_members(member);
        if failed.is_empty() {
            return;
        }
        let state = &self.gossip.members[member as usize];
        let listed = failed
            .iter()
            .filter(|f| self.belief_of(member, **f).belief.is_listed());
        let alive = state
            .view
            .member_count
            .saturating_sub(listed.count() as u32);
        let mut draw = self.choice_draw(member, Choice::Reconnect, number);
        if failed.len() as f64 / f64::from(alive.max(1)) < draw.uniform() {
            return;
        }
        let count = u32::try_from(failed.len()).expect("members are counted in 32 bits");
        let partner = failed[draw.below(count) as usize];
        let first = self.gossip.cluster(member).first;
        let load = self.whole_list(member);
        let letter = self.list_letter(member, MessageKind::SyncRequest, number);
        self.send_gossip(member, first + partner, letter, load);
    }

    fn plan_sync(&mut self, member: u32) {
        if !self.gossip.config(member).push_pull_interval.is_zero() {
            let at = self.now() + self.sync_interval(member);
            self.set_due(member, Due::Sync, at);
        }
    }

    /// Any other member that is not known to be absent from the start.
    fn any_other(&self, member: u32, number: u32) -> Option<u32> {
        let mut draw = self.choice_draw(member, Choice::Sync, number);
        let own = self.gossip.place(member);
        let cluster = self.gossip.cluster(member);
        let is_there =
            |place: &u32| *place != own && cluster.base[*place as usize].belief == Belief::Alive;
        let count = (0..cluster.count).filter(is_there).count();
        let chosen = draw.below(u32::try_from(count).expect("members are counted in 32 bits"));
        (0..cluster.count).filter(is_there).nth(chosen as usize)
    }

    /// What a member tells of all: differences from the base, and itself.
    fn whole_list(&self, member: u32) -> Vec<Update> {
        let state = &self.gossip.members[member as usize];
        let mut list: Vec<Update> = state.view.entries().iter().map(Update::of_entry).collect();
        list.push(Update {
            subject: self.gossip.place(member),
            incarnation: state.incarnation,
            accuser: NIL,
            kind: UpdateKind::Alive,
        });
        list
    }

    /// A member is sent a list and answers with its own, as it was before it read the other one.
    pub(super) fn on_sync_request(&mut self, request: &Message, load: &[Update]) {
        let (member, from) = (request.to, request.from);
        let own = self.whole_list(member);
        let letter = self.list_letter(member, MessageKind::SyncReply, request.number);
        self.take_list_of(member, request, load);
        self.send_gossip(member, from, letter, own);
    }

    /// A member is answered with a list.
    pub(super) fn on_sync_reply(&mut self, reply: &Message, load: &[Update]) {
        self.take_list_of(reply.to, reply, load);
    }

    /// A message with a list. Who has not joined knows itself alone, and says so.
    fn list_letter(&self, member: u32, kind: MessageKind, number: u32) -> Letter {
        let subject = match self.gossip.members[member as usize].is_joined {
            true => NIL,
            false => member,
        };
        Letter {
            subject,
            ..Letter::new(kind, number)
        }
    }

    fn take_list_of(&mut self, member: u32, message: &Message, load: &[Update]) {
        let is_whole = message.subject == NIL;
        if !self.gossip.members[member as usize].is_joined {
            self.enter(member, load, is_whole);
        }
        self.merge(member, message.from, load, is_whole);
    }

    /// A member takes over a list, or, where the other one has none, takes all for alive that were
    /// there at the start. Of who is dead it learns nothing.
    fn enter(&mut self, member: u32, list: &[Update], is_whole: bool) {
        let own = self.gossip.place(member);
        let state = &mut self.gossip.members[member as usize];
        let cluster = &mut self.gossip.clusters[state.cluster as usize];
        let mut count = i64::from(cluster.base_alive_count);
        count += i64::from(cluster.base[own as usize].belief != Belief::Alive);
        let told = list
            .iter()
            .filter(|update| is_whole && update.subject != own);
        for update in told {
            let base = cluster.base[update.subject as usize];
            let (belief, incarnation) = match update.kind {
                UpdateKind::Alive => (Belief::Alive, update.incarnation),
                UpdateKind::Suspect | UpdateKind::Dead | UpdateKind::Absent => (Belief::Unknown, 0),
            };
            if (base.belief, base.incarnation) == (belief, incarnation) {
                continue;
            }
            count += i64::from(belief == Belief::Alive) - i64::from(base.belief == Belief::Alive);
            let entry = Entry {
                subject: update.subject,
                incarnation,
                suspicion: NIL,
                belief,
                changed_at: self.queue.now(),
            };
            cluster.entry_count += u64::from(state.view.set(entry));
        }
        state.view.member_count = u32::try_from(count).expect("it knows itself");
        state.is_joined = true;
        let incarnation = state.incarnation;
        self.plan_sync(member);
        self.tell_on(
            member,
            Update {
                subject: own,
                incarnation,
                accuser: NIL,
                kind: UpdateKind::Alive,
            },
        );
    }

    /// A member compares a list with its own. Who is not on the list although the other one has a
    /// whole one is what all take it for.
    fn merge(&mut self, member: u32, from: u32, list: &[Update], is_whole: bool) {
        let accuser = self.gossip.place(member);
        for update in list {
            let is_leaving = update.kind == UpdateKind::Dead && update.accuser == update.subject;
            let told = match update.kind {
                UpdateKind::Suspect | UpdateKind::Dead if !is_leaving => Update {
                    kind: UpdateKind::Suspect,
                    accuser,
                    ..*update
                },
                _ => *update,
            };
            self.take_update(member, told);
        }
        if !is_whole {
            return;
        }
        let from = self.gossip.place(from);
        let said = &list[..list.len() - 1];
        let state = &self.gossip.members[member as usize];
        let base = &self.gossip.cluster(member).base;
        let unsaid = |subject: &u32| {
            let is_said = said
                .binary_search_by_key(subject, |update| update.subject)
                .is_ok();
            *subject != from && !is_said && base[*subject as usize].belief == Belief::Alive
        };
        let own = state.view.entries().iter().map(|entry| entry.subject);
        let subjects: Vec<u32> = own.chain([accuser]).filter(unsaid).collect();
        for subject in subjects {
            let incarnation = self.gossip.cluster(member).base[subject as usize].incarnation;
            self.take_update(
                member,
                Update {
                    subject,
                    incarnation,
                    accuser: NIL,
                    kind: UpdateKind::Alive,
                },
            );
        }
    }
}
