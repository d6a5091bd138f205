//! Pings that wait for a worker: they queue like requests, so a busy server answers late.

use super::detector::ping::PairPing;
use super::observation::Observer;
use super::request::{Attempt, AttemptFlags, NIL, Reply, Stage};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{ClassId, EdgeId};
use crate::rng::{Purpose, mix};
use crate::time::{SimDuration, SimTime};

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A ping reached the process of its instance and waits for a worker. It stands among the
    /// attempts, with the slot of its pair as its key and its number as its row.
    pub(super) fn admit_probe(&mut self, pair: u32, ping: PairPing) {
        let now = self.now();
        let slot = self.attempts.insert(Attempt {
            identity: mix(ping.identity).wrapping_add(u64::from(ping.number)),
            pending: 0,
            sent_at: now,
            arrived_at: now,
            started_at: SimTime::NEVER,
            due_ns: 0,
            request: NIL,
            instance: ping.instance,
            caller: ping.caller,
            next: NIL,
            key: pair,
            trace_row: ping.number,
            index: 0,
            stage: Stage::Sent,
            reply: Reply::Good,
            flags: AttemptFlags::PROBE,
            class: ClassId::NONE,
        });
        self.attempts[slot].flags.set(AttemptFlags::ARRIVED);
        self.admit(slot);
    }

    /// Nobody waits for the reply to this attempt; if it is a ping that was served, its caller
    /// waits for the ACK.
    pub(super) fn end_unawaited(&mut self, slot: u32) {
        let attempt = self.attempts.remove(slot);
        if attempt.flags.has(AttemptFlags::PROBE) && attempt.reply == Reply::Good {
            let (caller, instance) = (attempt.caller, attempt.instance);
            self.acknowledge(attempt.key, attempt.trace_row, (caller, instance));
        }
    }

    /// What a worker spends on a ping.
    pub(super) fn draw_probe(&self, attempt: &Attempt) -> SimDuration {
        let edge = self.callers[attempt.caller.index()].edge;
        let law = self.servers.ping_times[edge.index()].as_ref();
        let mut draw = self
            .streams
            .draw(Purpose::ServiceDemand, attempt.identity, 0, 0);
        law.expect("its detector waits for workers")
            .sample(&mut draw)
    }

    /// Whether an attempt is a ping, of which nothing is told.
    #[inline]
    pub(super) fn is_probe(&self, slot: u32) -> bool {
        self.attempts[slot].flags.has(AttemptFlags::PROBE)
    }

    /// Whether the pings of an edge wait for workers.
    pub(super) fn waits_for_worker(&self, edge: EdgeId) -> bool {
        self.servers.ping_times[edge.index()].is_some()
    }
}
