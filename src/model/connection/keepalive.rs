//! Pings that the process of an instance answers, and who is silent.

use super::{Connection, Flags, MessageKind, Phase, TIMER_OF_CALLER};
use crate::engine::PendingSet;
use crate::model::observation::Observer;
use crate::model::world::World;
use crate::time::SimTime;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// When a ping or its answer is due.
    ///
    /// Before the connection is open that is never, but for the last round trip of the handshake:
    /// gRPC starts keepalive "when a transport is done connecting (after handshake)" and then waits
    /// for the settings of HTTP/2 (keepalive.md of grpc-core). Nothing is in flight there yet.
    pub(super) fn keepalive_due(&self, record: &Connection) -> SimTime {
        let Some(keepalive) = self.pool_config(record.pool).keepalive else {
            return SimTime::NEVER;
        };
        let is_last_trip = record.flags.has(Flags::ANSWERED) && record.round_trips_left == 0;
        if record.phase == Phase::Opening && !(is_last_trip && keepalive.without_streams) {
            return SimTime::NEVER;
        }
        let length = match record.flags.has(Flags::PINGED) {
            true => keepalive.timeout,
            false => keepalive.interval,
        };
        let caller = self.connections.pools[record.pool].caller;
        let node = &self.nodes[self.caller_node(caller).index()];
        record.heard_at + node.true_length(length)
    }

    /// Sends a ping if one is due. Returns whether the last one may still be answered.
    pub(super) fn keep_alive(&mut self, connection: u32) -> bool {
        let now = self.now();
        let record = &self.connections.records[connection];
        if now < self.keepalive_due(record) {
            return true;
        }
        if record.flags.has(Flags::PINGED) {
            return false;
        }
        let keepalive = self.pool_config(record.pool).keepalive;
        let pings_idle = keepalive.is_some_and(|keepalive| keepalive.without_streams);
        let record = &mut self.connections.records[connection];
        record.heard_at = now;
        if pings_idle || record.stream_count != 0 {
            record.flags.set(Flags::PINGED);
            self.send_on(connection, MessageKind::Ping);
        }
        true
    }

    pub(super) fn on_ping_answered(&mut self, connection: u32) {
        let now = self.now();
        let record = &mut self.connections.records[connection];
        record.heard_at = now;
        record.flags.clear(Flags::PINGED);
        record.timers[TIMER_OF_CALLER as usize].cancel();
        self.watch(connection, TIMER_OF_CALLER);
    }
}
