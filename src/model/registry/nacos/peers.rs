//! What servers tell each other: changes, all that they are responsible for, and that they live.

use std::collections::BTreeSet;

use super::Nacos;
use super::message::{Alarm, Job, Message, State};
use crate::id::InstanceId;
use crate::model::registry::system::Port;
use crate::model::registry::system::members::Cost;
use crate::time::SimDuration;

/// How long a server that starts waits before it asks its peers once more (assumed).
const LOAD_RETRY: SimDuration = SimDuration::from_secs(30);

impl Nacos {
    fn states(&self, member: u32, instances: impl Iterator<Item = InstanceId>) -> Box<[State]> {
        let records = &self.servers[member as usize].records;
        let health = |instance| records.get(instance).map(|record| record.is_healthy);
        instances
            .map(|instance| (instance, health(instance)))
            .collect()
    }

    pub(super) fn sync(&mut self, port: &mut dyn Port, member: u32) {
        let changed = std::mem::take(&mut self.server(member).changed);
        let states = self.states(member, changed.into_iter());
        for peer in self.peers(member) {
            let message = Message::Sync(states.clone());
            self.tell_peer(port, (member, peer), states.len(), message);
        }
    }

    pub(super) fn verify(&mut self, port: &mut dyn Port, member: u32) {
        let known: Vec<InstanceId> = self.servers[member as usize].records.keys().collect();
        let own = known.into_iter();
        let own = own.filter(|i| self.responsible(port, member, *i) == member);
        let states = self.states(member, own);
        for peer in self.peers(member) {
            self.tell_peer(port, (member, peer), 0, Message::Verify(states.clone()));
        }
        let (node, interval) = (self.nodes[member as usize], self.config.verify_interval);
        self.alarms
            .set(port, node, interval, Alarm::Verify { member });
    }

    pub(super) fn report(&mut self, port: &mut dyn Port, member: u32) {
        for peer in self.peers(member) {
            self.tell_peer(port, (member, peer), 0, Message::Report);
        }
        let (node, interval) = (self.nodes[member as usize], self.config.report_interval);
        self.alarms
            .set(port, node, interval, Alarm::Report { member });
    }

    pub(super) fn on_peer_message(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        message: Message,
    ) {
        self.server(to).heard[from as usize] = Some(port.now());
        match message {
            Message::Sync(states) if self.servers[to as usize].is_open => {
                for state in states {
                    self.submit(port, to, Cost::Write, Job::Sync { from, state });
                }
            }
            Message::Verify(states) if self.servers[to as usize].is_open => {
                self.take_verified(port, (from, to), &states);
            }
            Message::Load => {
                let known = self.servers[to as usize].records.keys();
                let states = self.states(to, known.collect::<Vec<_>>().into_iter());
                self.tell_peer(port, (to, from), states.len(), Message::Loaded(states));
            }
            Message::Loaded(states) if self.servers[to as usize].next_peer.is_some() => {
                self.alarms
                    .cancel(port, self.nodes[to as usize], Alarm::Load { member: to });
                self.open(port, to);
                for state in states {
                    self.note(port, to, state, from);
                }
                self.agree_on_all(port);
            }
            _ => {}
        }
    }

    /// A peer told a change, which may be one of weight: clients of this server hear of it.
    pub(super) fn take_news(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        (from, state): (u32, State),
    ) {
        // Where it registered anew, the end of its last connection means nothing.
        let owner = self.servers[member as usize].owner(state.0);
        let is_over = state.1.is_none() && owner.is_some_and(|owner| owner != from);
        if self.config.grpc.is_some() && is_over {
            return;
        }
        self.note(port, member, state, from);
        self.push_soon(port, member, self.rules[state.0].1);
    }

    /// A peer told a state: clients hear of it where it is another one than before.
    fn take_state(&mut self, port: &mut dyn Port, (from, member): (u32, u32), state: State) {
        if self.note(port, member, state, from) {
            let service = self.rules[state.0].1;
            self.push_soon(port, member, service);
        }
    }

    /// A peer told all that it is responsible for: what it does not have is gone.
    fn take_verified(&mut self, port: &mut dyn Port, (from, to): (u32, u32), states: &[State]) {
        let known: Vec<InstanceId> = self.servers[to as usize].records.keys().collect();
        let told: BTreeSet<InstanceId> = states.iter().map(|state| state.0).collect();
        let gone = known.iter().filter(|instance| !told.contains(instance));
        let gone = gone.filter(|instance| self.responsible(port, to, **instance) == from);
        let gone: Vec<InstanceId> = gone.copied().collect();
        for instance in gone {
            self.take_state(port, (from, to), (instance, None));
        }
        for state in states {
            // What its own client registers it knows better.
            let is_own = self.servers[to as usize].owner(state.0) == Some(to);
            if self.config.grpc.is_none() || !is_own {
                self.take_state(port, (from, to), *state);
            }
        }
    }

    /// A server that starts takes over what a peer knows.
    pub(super) fn ask_next_peer(&mut self, port: &mut dyn Port, member: u32) {
        let Some(place) = self.servers[member as usize].next_peer else {
            return;
        };
        if self.nodes.len() == 1 {
            self.open(port, member);
            return self.agree_on_all(port);
        }
        let (node, alarm) = (self.nodes[member as usize], Alarm::Load { member });
        let peer = self.peers(member).nth(place as usize);
        let Some(peer) = peer else {
            self.server(member).next_peer = Some(0);
            return self.alarms.set(port, node, LOAD_RETRY, alarm);
        };
        self.server(member).next_peer = Some(place + 1);
        self.alarms
            .set(port, node, self.config.request_timeout, alarm);
        self.tell_peer(port, (member, peer), 0, Message::Load);
    }
}
