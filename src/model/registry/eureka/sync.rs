//! A server that starts takes over the leases of a peer (`syncUp`).

use super::Eureka;
use super::message::{Alarm, Job, Message};
use super::server::Stage;
use crate::id::InstanceId;
use crate::model::registry::system::Port;
use crate::model::registry::system::members::Cost;
use crate::model::registry::system::parties::is_reached;

/// Where a server is that asks its peers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    /// Rounds over all peers that are over.
    count: u32,
    /// Peers that were asked in this round.
    place: u32,
    /// Whether it waits for an answer.
    is_asking: bool,
    /// Questions so far.
    pub number: u32,
}

impl Eureka {
    pub(super) fn begin_sync(&mut self, port: &mut dyn Port, member: u32) {
        let server = self.server(member);
        server.stage = Stage::Syncing;
        (server.sync.count, server.sync.place) = (0, 0);
        self.ask_next_peer(port, member);
    }

    fn ask_next_peer(&mut self, port: &mut dyn Port, member: u32) {
        let (start, count) = (self.config.start, self.nodes.len() as u32);
        let sync = self.server(member).sync;
        if start.sync_retries <= sync.count {
            return self.open(port, member, &[]);
        }
        let node = self.nodes[member as usize];
        let alarm = Alarm::Sync { member };
        let peer = (0..count).filter(|peer| *peer != member);
        let Some(peer) = peer.clone().nth(sync.place as usize) else {
            let sync = &mut self.server(member).sync;
            (sync.count, sync.place, sync.is_asking) = (sync.count + 1, 0, false);
            if sync.count == start.sync_retries {
                return self.open(port, member, &[]);
            }
            return self.alarms.set(port, node, start.sync_retry_wait, alarm);
        };
        let sync = &mut self.server(member).sync;
        sync.number += 1;
        sync.is_asking = true;
        let message = Message::Sync {
            number: sync.number,
        };
        let link = (node, self.nodes[peer as usize]);
        let patience = match is_reached(port, link) {
            true => self.config.client.read_timeout,
            false => self.config.client.connect_timeout,
        };
        self.alarms.set(port, node, patience, alarm);
        self.tell_peer(port, (member, peer), 0, message);
    }

    /// A peer does not answer, or it is time for another round.
    pub(super) fn on_sync_alarm(&mut self, port: &mut dyn Port, member: u32) {
        let sync = &mut self.server(member).sync;
        sync.place += u32::from(sync.is_asking);
        for peer in (0..self.nodes.len()).filter(|peer| *peer != member as usize) {
            port.reconnect(self.nodes[member as usize], self.nodes[peer]);
        }
        self.ask_next_peer(port, member);
    }

    pub(super) fn on_sync_failed(&mut self, port: &mut dyn Port, member: u32, number: u32) {
        let server = self.server(member);
        let is_current = server.sync.is_asking && server.sync.number == number;
        if server.stage == Stage::Syncing && is_current {
            let node = self.nodes[member as usize];
            self.alarms.cancel(port, node, Alarm::Sync { member });
            self.on_sync_alarm(port, member);
        }
    }

    /// A peer is asked for everything.
    pub(super) fn on_sync_asked(
        &mut self,
        port: &mut dyn Port,
        (from, to): (u32, u32),
        number: u32,
    ) {
        match self.servers[to as usize].is_open() {
            true => self.submit(port, to, Cost::Read, Job::Sync { from, number }),
            false => self.hand_over(port, (from, to), number),
        }
    }

    pub(super) fn hand_over(&mut self, port: &mut dyn Port, (from, to): (u32, u32), number: u32) {
        let instances = self.servers[to as usize].store.those(|_| true);
        let message = Message::Synced {
            number,
            instances: instances.clone().into_boxed_slice(),
        };
        self.tell_peer(port, (to, from), instances.len(), message);
    }

    pub(super) fn on_synced(
        &mut self,
        port: &mut dyn Port,
        member: u32,
        number: u32,
        instances: &[InstanceId],
    ) {
        if instances.is_empty() {
            return self.on_sync_failed(port, member, number);
        }
        let server = self.server(member);
        if server.stage == Stage::Syncing && server.sync.number == number {
            let node = self.nodes[member as usize];
            self.alarms.cancel(port, node, Alarm::Sync { member });
            self.open(port, member, instances);
        }
    }
}
