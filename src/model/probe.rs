//! What waits for a worker without being a request: checks, and heartbeats that are not sent by a
//! thread of their own. They queue like requests, so a busy server answers and speaks late.

use super::detector::health::Finding;
use super::detector::ping::PairPing;
use super::event::Event;
use super::observation::Observer;
use super::registry::system::Probed;
use super::request::{Attempt, AttemptFlags, NIL, NOBODY, Reply, Stage};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{CallerId, ClassId, InstanceId};
use crate::rng::{Purpose, mix};
use crate::scenario::check::ProbePath;
use crate::time::{SimDuration, SimTime};

/// Tells the probes of the registry from its heartbeats.
const PROBE_NAME: u64 = 0x7072_6f62_6573;

/// What stands among the attempts, told by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A check of a pair.
    Check = 0,
    /// A heartbeat to a calling side.
    Beat = 1,
    /// A heartbeat to the registry.
    Lease = 2,
    /// A probe of the registry.
    Readiness = 3,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A check reached the process of its instance and waits for a worker. It stands among the
    /// attempts, with the slot of its pair as its key and its number as its row.
    pub(super) fn admit_probe(&mut self, pair: u32, ping: PairPing) {
        let identity = mix(ping.identity).wrapping_add(u64::from(ping.number));
        let ends = (ping.caller, ping.instance);
        self.admit_job(Kind::Check, identity, ends, (pair, ping.number), self.now());
    }

    /// A heartbeat of a pair waits for a worker, which sends it.
    pub(super) fn admit_beat(
        &mut self,
        identity: u64,
        ends: (CallerId, InstanceId),
        (pair, number): (u32, u32),
        nominal: SimTime,
    ) {
        let identity = mix(identity).wrapping_add(u64::from(number));
        self.admit_job(Kind::Beat, identity, ends, (pair, number), nominal);
    }

    /// A heartbeat to the registry waits for a worker, which sends it.
    pub(super) fn admit_lease_heartbeat(&mut self, instance: InstanceId, number: u32) {
        let identity = mix(self.nodes[instance.index()].path_hash).wrapping_add(number.into());
        let ends = (NOBODY, instance);
        self.admit_job(Kind::Lease, identity, ends, (0, number), self.now());
    }

    /// A probe of the registry waits for a worker.
    pub(super) fn admit_registry_probe(&mut self, instance: InstanceId, number: u32) {
        let path_hash = self.nodes[instance.index()].path_hash;
        let identity = mix(path_hash ^ PROBE_NAME).wrapping_add(number.into());
        let ends = (NOBODY, instance);
        self.admit_job(Kind::Readiness, identity, ends, (0, number), self.now());
    }

    fn admit_job(
        &mut self,
        kind: Kind,
        identity: u64,
        (caller, instance): (CallerId, InstanceId),
        (key, row): (u32, u32),
        nominal: SimTime,
    ) {
        assert!(!O::IS_BARE, "workers of a bare run answer requests only");
        let now = self.now();
        let slot = self.attempts.insert(Attempt {
            identity,
            pending: 0,
            sent_at: nominal,
            arrived_at: now,
            started_at: SimTime::NEVER,
            due_ns: 0,
            request: NIL,
            instance,
            caller,
            next: NIL,
            key,
            trace_row: row,
            index: kind as u8,
            stage: Stage::Sent,
            reply: Reply::Good,
            flags: AttemptFlags::PROBE,
            class: ClassId::NONE,
        });
        self.attempts[slot].flags.set(AttemptFlags::ARRIVED);
        self.admit(slot);
    }

    /// Nobody waits for the reply to this attempt. If it is a check, its caller waits for the
    /// answer; if it is a heartbeat that a worker was done with, it is sent.
    pub(super) fn end_unawaited(&mut self, slot: u32) {
        let attempt = self.remove_attempt(slot);
        if O::IS_BARE || !attempt.flags.has(AttemptFlags::PROBE) {
            return;
        }
        let (caller, instance) = (attempt.caller, attempt.instance);
        let is_good = attempt.reply == Reply::Good;
        if attempt.index == Kind::Check as u8 {
            let found = match attempt.reply {
                Reply::Good => Finding::Passed,
                Reply::Error | Reply::Rejected => Finding::Bad,
                Reply::Refused | Reply::Reset | Reply::ConnectTimeout => Finding::Unreachable,
            };
            self.acknowledge(attempt.key, attempt.trace_row, (caller, instance), found);
        } else if attempt.index == Kind::Beat as u8 && is_good {
            let beat = (attempt.key, attempt.trace_row);
            self.send_admitted_beat(beat, (caller, instance), attempt.sent_at);
        } else if attempt.index == Kind::Lease as u8 && is_good {
            self.send_to_registry(instance, 0, Event::HeartbeatArrives(instance.0));
        } else if attempt.index == Kind::Readiness as u8 {
            self.tell_probed(Probed {
                instance,
                number: attempt.trace_row,
                is_good,
            });
        }
    }

    /// What a worker spends on it.
    pub(super) fn draw_probe(&self, attempt: &Attempt) -> SimDuration {
        let law = if attempt.index == Kind::Lease as u8 {
            None
        } else if attempt.index == Kind::Readiness as u8 {
            self.servers.probe_time.as_ref()
        } else {
            let edge = self.callers[attempt.caller.index()].edge;
            let law = self.servers.ping_times[edge.index()].as_ref();
            Some(law.expect("its detector waits for workers"))
        };
        let Some(law) = law else {
            return SimDuration::ZERO;
        };
        let mut draw = self
            .streams
            .draw(Purpose::ServiceDemand, attempt.identity, 0, 0);
        law.sample(&mut draw)
    }

    /// Whether an attempt is a check or a heartbeat, of which nothing is told.
    #[inline]
    pub(super) fn is_probe(&self, slot: u32) -> bool {
        !O::IS_BARE && self.attempts[slot].flags.has(AttemptFlags::PROBE)
    }

    /// Whether a worker makes the calls of a request after its own work on an attempt.
    pub(super) fn makes_calls(&self, slot: u32) -> bool {
        let attempt = &self.attempts[slot];
        if O::IS_BARE || !attempt.flags.has(AttemptFlags::PROBE) {
            return true;
        }
        if attempt.index == Kind::Readiness as u8 {
            return self.scenario.registry.profile.probe_path() == Some(ProbePath::Deep);
        }
        if attempt.index != Kind::Check as u8 {
            return false;
        }
        let edge = self.callers[attempt.caller.index()].edge;
        let detector = self.scenario.edges[edge.index()].detector;
        detector.is_some_and(|detector| detector.path() == ProbePath::Deep)
    }
}
