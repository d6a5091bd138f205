//! How servers tell their peers: in batches, without waiting (`PeerEurekaNode`).

use std::collections::{BTreeMap, VecDeque};

use super::Eureka;
use super::message::{Alarm, Change, ChangeKind, Job, Message};
use super::server::End;
use crate::id::InstanceId;
use crate::model::registry::system::Port;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::parties::is_reached;
use crate::time::{SimDuration, SimTime};

/// Batches to one peer that are under way at once (`maxThreadsForPeerReplication`).
const FLIGHT_COUNT_MAX: usize = 20;

/// What a server has for one peer.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Changes, and since when they wait.
    pending: VecDeque<(Change, SimTime)>,
    /// The same changes, to be found.
    waiting: Waiting,
    flights: BTreeMap<u32, Flight>,
    /// Batches so far.
    pub number: u32,
}

impl Outbox {
    /// It is empty.
    pub fn new(instance_count: u32) -> Self {
        Outbox {
            pending: VecDeque::new(),
            waiting: Waiting(vec![0; instance_count as usize]),
            flights: BTreeMap::new(),
            number: 0,
        }
    }
}

/// A set of changes: by instance, a bit for each kind.
#[derive(Debug)]
struct Waiting(Vec<u8>);

impl Waiting {
    /// Returns whether it was not there.
    fn insert(&mut self, change: Change) -> bool {
        let kinds = &mut self.0[change.instance.index()];
        let before = *kinds;
        *kinds |= 1 << change.kind as u8;
        *kinds != before
    }

    fn remove(&mut self, change: Change) {
        self.0[change.instance.index()] &= !(1 << change.kind as u8);
    }
}

/// A batch under way.
#[derive(Debug)]
struct Flight {
    changes: Vec<(Change, SimTime)>,
    /// It was sent; otherwise it waits to be sent again.
    is_sent: bool,
}

/// A batch that a server works on.
#[derive(Debug)]
pub(super) struct Progress {
    left_count: usize,
    missing: Vec<InstanceId>,
}

impl Eureka {
    fn outbox(&mut self, (member, peer): (u32, u32)) -> &mut Outbox {
        &mut self.servers[member as usize].outboxes[peer as usize]
    }

    /// A server tells all its peers of a change.
    pub(super) fn replicate(&mut self, port: &mut dyn Port, member: u32, change: Change) {
        for peer in (0..self.nodes.len() as u32).filter(|peer| *peer != member) {
            self.post_change(port, (member, peer), change);
        }
    }

    /// A newer change of the same kind takes the place of one that still waits.
    fn post_change(&mut self, port: &mut dyn Port, link: (u32, u32), change: Change) {
        let now = port.now();
        let outbox = self.outbox(link);
        let is_new = outbox.waiting.insert(change);
        if is_new {
            outbox.pending.push_back((change, now));
        } else if let Some(waiting) = outbox.pending.iter_mut().find(|w| w.0 == change) {
            waiting.1 = now;
        }
        self.arrange(port, link);
    }

    /// Sends what has waited long enough, and waits for the rest.
    pub(super) fn arrange(&mut self, port: &mut dyn Port, link: (u32, u32)) {
        let (now, config) = (port.now(), self.config.replication);
        let (member, peer) = link;
        let (node, alarm) = (self.nodes[member as usize], Alarm::Linger { member, peer });
        loop {
            let outbox = self.outbox(link);
            while let Some((change, since)) = outbox.pending.front().copied()
                && config.age_max < now.since(since)
            {
                outbox.waiting.remove(change);
                outbox.pending.pop_front();
            }
            let Some((_, since)) = outbox.pending.front() else {
                return self.alarms.cancel(port, node, alarm);
            };
            let ready_at = *since + config.linger;
            if now < ready_at {
                if !self.alarms.is_set(node, alarm) {
                    self.alarms.set(port, node, ready_at.since(now), alarm);
                }
                return;
            }
            if FLIGHT_COUNT_MAX <= outbox.flights.len() {
                return;
            }
            let count = outbox.pending.len().min(config.batch_max as usize);
            let changes: Vec<(Change, SimTime)> = outbox.pending.drain(..count).collect();
            for (change, _) in &changes {
                outbox.waiting.remove(*change);
            }
            self.send_batch(port, link, changes);
        }
    }

    fn send_batch(
        &mut self,
        port: &mut dyn Port,
        link: (u32, u32),
        changes: Vec<(Change, SimTime)>,
    ) {
        let (member, peer) = link;
        let nodes = (self.nodes[member as usize], self.nodes[peer as usize]);
        let outbox = self.outbox(link);
        outbox.number += 1;
        let number = outbox.number;
        let sent: Box<[Change]> = changes.iter().map(|change| change.0).collect();
        let flight = Flight {
            changes,
            is_sent: true,
        };
        outbox.flights.insert(number, flight);
        let patience = match is_reached(port, nodes) {
            true => self.config.replication.read_timeout,
            false => self.config.replication.connect_timeout,
        };
        let alarm = Alarm::Flight {
            member,
            peer,
            number,
        };
        self.alarms.set(port, nodes.0, patience, alarm);
        let entry_count = sent.len();
        let message = Message::Batch {
            number,
            changes: sent,
        };
        self.tell_peer(port, link, entry_count, message);
    }

    /// A batch was not answered in time, or it is time to send it again.
    pub(super) fn on_flight_alarm(&mut self, port: &mut dyn Port, link: (u32, u32), number: u32) {
        let (now, config) = (port.now(), self.config.replication);
        let nodes = (self.nodes[link.0 as usize], self.nodes[link.1 as usize]);
        let wait = match is_reached(port, nodes) {
            true => config.congestion_wait,
            false => config.retry_wait,
        };
        let flights = &mut self.outbox(link).flights;
        if flights.get(&number).is_some_and(|flight| flight.is_sent) {
            return self.on_batch_failed(port, link, number, wait);
        }
        if let Some(mut flight) = flights.remove(&number) {
            flight
                .changes
                .retain(|(_, since)| now.since(*since) <= config.age_max);
            if !flight.changes.is_empty() {
                self.send_batch(port, link, flight.changes);
            }
        }
        self.arrange(port, link);
    }

    /// A batch could not be delivered: it is sent again after a while.
    pub(super) fn on_batch_failed(
        &mut self,
        port: &mut dyn Port,
        link: (u32, u32),
        number: u32,
        wait: SimDuration,
    ) {
        let (member, peer) = link;
        if let Some(flight) = self.outbox(link).flights.get_mut(&number)
            && std::mem::replace(&mut flight.is_sent, false)
        {
            let alarm = Alarm::Flight {
                member,
                peer,
                number,
            };
            let node = self.nodes[member as usize];
            port.reconnect(node, self.nodes[peer as usize]);
            self.alarms.set(port, node, wait, alarm);
        }
    }

    /// A peer has done a batch. What it did not know it is told of once more, in full.
    pub(super) fn on_batch_done(
        &mut self,
        port: &mut dyn Port,
        link: (u32, u32),
        number: u32,
        missing: &[InstanceId],
    ) {
        let (member, peer) = link;
        let flights = &mut self.outbox(link).flights;
        if !flights.get(&number).is_some_and(|flight| flight.is_sent) {
            return;
        }
        flights.remove(&number);
        let alarm = Alarm::Flight {
            member,
            peer,
            number,
        };
        self.alarms.cancel(port, self.nodes[member as usize], alarm);
        for instance in missing {
            if self.servers[member as usize].store.has(*instance) {
                let change = Change {
                    kind: ChangeKind::Register,
                    instance: *instance,
                };
                self.post_change(port, link, change);
            }
        }
        self.arrange(port, link);
    }

    /// A batch reaches a peer.
    pub(super) fn take_batch(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        number: u32,
        changes: &[Change],
    ) {
        if !self.servers[to as usize].is_open() {
            return self.tell_peer(port, (to, from), 0, Message::BatchRefused { number });
        }
        let progress = Progress {
            left_count: changes.len(),
            missing: Vec::new(),
        };
        self.server(to).inbox.insert((from, number), progress);
        for change in changes {
            let cost = match change.kind {
                ChangeKind::Renew => Cost::Heartbeat,
                ChangeKind::Register | ChangeKind::Cancel => Cost::Write,
            };
            let job = Job::Peer {
                from,
                number,
                change: *change,
            };
            self.submit(port, to, cost, job);
        }
    }

    /// A server does what a peer told it.
    pub(super) fn apply_change(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        number: u32,
        change: Change,
    ) {
        let instance = change.instance;
        let is_known = match change.kind {
            ChangeKind::Renew => self.renew_at(port, to, instance),
            ChangeKind::Register => {
                self.register_at(port, to, instance);
                true
            }
            ChangeKind::Cancel => {
                self.end_lease(port, to, instance, End::Cancelled);
                true
            }
        };
        let inbox = &mut self.server(to).inbox;
        let progress = inbox.get_mut(&(from, number));
        let progress = progress.expect("a batch stays until all of it is done");
        progress.left_count -= 1;
        if !is_known {
            progress.missing.push(instance);
        }
        if progress.left_count == 0 {
            let progress = inbox.remove(&(from, number)).expect("it was there");
            let missing = progress.missing.into_boxed_slice();
            let message = Message::BatchDone { number, missing };
            self.tell_peer(port, (to, from), 0, message);
        }
    }
}
