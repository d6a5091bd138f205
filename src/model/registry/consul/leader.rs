//! The leader: heartbeats, its lease, consistent reads, and what follows from gossip.
//!
//! Source: `agent/consul/leader.go`, hashicorp/raft 1.1. A leader that has not heard a majority for
//! its lease steps down. It marks the nodes that its own gossip takes for dead (`serfHealth`), as
//! soon as it hears of them, and compares all of them when it begins and from time to time.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{Alarm, Answer, Change, Entry, Message, Ticket};
use super::{Consul, Port};
use crate::id::InstanceId;
use crate::model::gossip::BeliefChange;
use crate::model::gossip::view::Belief;
use crate::model::registry::system::quorum::Role;
use crate::rng::{UniformSource, path_hash};
use crate::time::SimDuration;

/// A leader looks at its lease at least this far apart (`minCheckInterval`).
const LEASE_CHECK_MIN: SimDuration = SimDuration::from_ms(10);

/// What only a leader has.
#[derive(Debug, Default)]
pub(super) struct Office {
    /// Heartbeats so far.
    heartbeat_count: u64,
    /// The newest heartbeat that each server answered.
    answered: BTreeMap<u32, u64>,
    /// Queries that wait for a majority to confirm the leader, each with a heartbeat.
    unverified: Vec<(u64, u64)>,
    /// Requests whose change is not agreed on yet.
    pub open: BTreeSet<Ticket>,
}

impl Consul {
    /// A server leads from now on.
    pub(super) fn take_office(&mut self, port: &mut dyn Port, member: u32) {
        self.leave_office(port, member);
        let node = self.ensemble.node(member);
        self.server(member).office = Some(Office::default());
        let lease = self.config.quorum.leader_patience;
        self.alarms.set(port, node, lease, Alarm::Lease);
        self.send_heartbeats(port, member);
        self.plan_heartbeat(port, member);
        let instances: Vec<InstanceId> = self.locals.keys().collect();
        for instance in instances {
            let is_listed = self.has_on_list(member, instance);
            port.set_listed(instance, is_listed);
        }
        self.reconcile(port, member);
    }

    /// A server no longer leads: those who wait for a change hear that nobody knows.
    pub(super) fn leave_office(&mut self, port: &mut dyn Port, member: u32) {
        let Some(office) = self.server(member).office.take() else {
            return;
        };
        let node = self.ensemble.node(member);
        for alarm in [Alarm::Heartbeat, Alarm::Lease, Alarm::Reconcile] {
            self.alarms.cancel(port, node, alarm);
        }
        for ticket in office.open {
            self.answer(port, member, ticket, Answer::Error);
        }
        for (_, query) in office.unverified {
            if let Some(query) = self.server(member).queries.remove(&query) {
                self.answer(port, member, query.ticket, Answer::Error);
            }
        }
    }

    /// Raft draws the time to the next heartbeat anew each time, from one to two tenths of the
    /// heartbeat timeout.
    fn plan_heartbeat(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        let identity = port.node(node).path_hash ^ path_hash("consul.heartbeat");
        let number = self.draw_number();
        let uniform = port.draw(identity, number, 0).uniform();
        let interval = self.config.raft_heartbeat_min.scaled(1.0 + uniform);
        self.alarms.set(port, node, interval, Alarm::Heartbeat);
    }

    pub(super) fn on_heartbeat_due(&mut self, port: &mut dyn Port, member: u32) {
        self.plan_heartbeat(port, member);
        self.send_heartbeats(port, member);
    }

    fn send_heartbeats(&mut self, port: &mut dyn Port, member: u32) {
        let term = self.ensemble.term(member);
        let office = self.server(member).office.as_mut();
        let office = office.expect("only a leader sends heartbeats");
        office.heartbeat_count += 1;
        let number = office.heartbeat_count;
        for other in (0..self.ensemble.member_count()).filter(|other| *other != member) {
            self.tell_peer(
                port,
                (member, other),
                0,
                Message::Heartbeat { term, number },
            );
        }
        self.confirm(port, member);
    }

    pub(super) fn on_leader_heartbeat(
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
        self.tell_peer(
            port,
            (to, from),
            0,
            Message::HeartbeatReply { term, number },
        );
    }

    pub(super) fn on_heartbeat_reply(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        term: u32,
        number: u64,
    ) {
        if self.ensemble.term(to) != term {
            return;
        }
        if let Some(office) = self.server(to).office.as_mut() {
            office.answered.insert(from, number);
            self.ensemble.hear_follower(port, to, from);
            self.confirm(port, to);
        }
    }

    /// A leader that does not hear a majority for the length of its lease steps down.
    pub(super) fn check_lease(&mut self, port: &mut dyn Port, member: u32) {
        let node = self.ensemble.node(member);
        let lease = self.config.quorum.leader_patience;
        self.ensemble.check_quorum(port, member);
        if self.ensemble.role(member) == Role::Leading {
            let silence = self.ensemble.silence_max(member, port.now());
            let next = lease.saturating_sub(silence).max(LEASE_CHECK_MIN);
            self.alarms.set(port, node, next, Alarm::Lease);
        }
    }

    /// A consistent query waits for a majority to confirm that the leader leads.
    pub(super) fn verify(&mut self, port: &mut dyn Port, member: u32, query: u64) {
        match &mut self.server(member).office {
            Some(office) => {
                let number = office.heartbeat_count + 1;
                office.unverified.push((number, query));
                self.send_heartbeats(port, member);
            }
            None => {
                if let Some(query) = self.server(member).queries.remove(&query) {
                    self.answer(port, member, query.ticket, Answer::Error);
                }
            }
        }
    }

    /// Makes the queries after whose heartbeat a majority has spoken.
    fn confirm(&mut self, port: &mut dyn Port, member: u32) {
        let majority = self.ensemble.member_count() as usize / 2 + 1;
        let Some(office) = self.server(member).office.as_mut() else {
            return;
        };
        let mut numbers: Vec<u64> = office.answered.values().copied().collect();
        numbers.push(office.heartbeat_count);
        numbers.sort_unstable();
        let Some(place) = numbers.len().checked_sub(majority) else {
            return;
        };
        let confirmed = numbers[place];
        let waiting = std::mem::take(&mut office.unverified);
        let (sure, open) = waiting
            .into_iter()
            .partition(|(number, _)| *number <= confirmed);
        office.unverified = open;
        let sure: Vec<(u64, u64)> = sure;
        for (_, query) in sure {
            self.run_query(port, member, query);
        }
    }

    /// The leader has applied a change: now it holds for everybody.
    pub(super) fn note_applied(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        entry: Entry,
        changed: &[InstanceId],
    ) {
        for instance in changed {
            let is_listed = self.has_on_list(member, *instance);
            port.set_listed(*instance, is_listed);
        }
        if let Some(ticket) = entry.ticket {
            let office = self.server(member).office.as_mut();
            office.expect("it leads").open.remove(&ticket);
            self.answer(port, member, ticket, Answer::Done);
        }
    }

    /// The gossip of a server changed its mind about a host.
    pub(super) fn on_host_belief(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        host: u32,
        change: BeliefChange,
    ) {
        let left = &mut self.server(member).left;
        match change {
            BeliefChange::Left => left.insert(host),
            BeliefChange::Alive => left.remove(&host),
            BeliefChange::Suspects | BeliefChange::Failed => false,
        };
        if self.servers[member as usize].office.is_some() {
            self.reconcile_host(port, member, host);
        }
    }

    /// Compares all hosts.
    pub(super) fn reconcile(&mut self, port: &mut dyn Port, member: u32) {
        let (node, interval) = (self.ensemble.node(member), self.config.reconcile_interval);
        self.alarms.set(port, node, interval, Alarm::Reconcile);
        for host in 0..self.agents.len() as u32 {
            self.reconcile_host(port, member, host);
        }
    }

    fn reconcile_host(&mut self, port: &mut dyn Port, member: u32, host: u32) {
        let (own, other) = (self.ensemble.node(member), self.node_of(host));
        let Some(belief) = port.belief(own, other) else {
            return;
        };
        let is_dead = matches!(belief, Belief::Dead | Belief::Reclaimed);
        if self.ensemble.is_newest(member)
            && self.agents[host as usize].is_taken_for_dead != is_dead
        {
            self.agent(host).is_taken_for_dead = is_dead;
            for instance in self.agents[host as usize].instances.clone() {
                if self.locals[instance].is_known {
                    self.update_suspicion(port, instance);
                }
            }
        }
        let has_left = self.servers[member as usize].left.contains(&host);
        let state = &self.servers[member as usize].state;
        let is_failed = state.is_failed(host);
        let range = port.scenario().topology.host_nodes(host);
        let has_records = !state.records_in(range).is_empty();
        let change = match belief {
            Belief::Alive | Belief::Suspect if is_failed => Change::Health {
                host,
                is_failed: false,
            },
            Belief::Dead | Belief::Reclaimed if !is_failed && has_records => Change::Health {
                host,
                is_failed: true,
            },
            Belief::Left | Belief::Unknown if has_records && has_left => Change::Leave { host },
            _ => return,
        };
        self.propose(port, member, change, None);
    }
}
