//! Where the time of every request goes. It observes the model and changes nothing.
//!
//! A clock for each request moves a cursor from its arrival to its end and books every stretch
//! that the cursor passes on one part, so the parts add up to the latency by construction. The
//! stretch of an attempt is split by the instants that it went through once it is known that the
//! attempt decided the request; until then it is kept as `last`.

use std::collections::BTreeMap;

use super::join::Fallback;
use super::parts::{Parts, Wait, trim};
use crate::engine::PendingSet;
use crate::id::{ClassId, ClientId, EdgeId, NodeId};
use crate::model::observation::{AttemptOutcome, LifeState, Observation, Observer};
use crate::model::request::{Attempt, AttemptFlags, NIL, Request, RequestFlags, Stage};
use crate::model::world::World;
use crate::time::{SimDuration, SimTime};

/// The clocks of all requests and attempts.
#[derive(Debug, Default)]
pub struct Breakdown {
    /// By slot of the request.
    requests: Vec<RequestClock>,
    /// By slot of the attempt.
    attempts: Vec<AttemptClock>,
    /// When messages came to nodes that stood still: there, by slot of the attempt.
    held_arrivals: BTreeMap<u32, SimTime>,
    /// And back.
    held_replies: BTreeMap<u32, SimTime>,
    /// What the requests of clients with several calls waited for, by slot.
    waits: BTreeMap<u32, Vec<Wait>>,
    /// What calls that failed waited for, by slot of the fallback that follows.
    fallback_waits: BTreeMap<u32, Vec<Wait>>,
    /// The request whose attempt ended last, and the parts of that attempt.
    last: Option<(u32, Parts)>,
    last_waits: Vec<Wait>,
    /// The parts of the request that ended last.
    ended: Parts,
    ended_waits: Vec<Wait>,
}

/// What is known of the time of a request.
#[derive(Clone, Copy, Debug, Default)]
struct RequestClock {
    /// Up to here the time is booked.
    cursor: SimTime,
    /// Without the last attempt.
    parts: Parts,
    /// Attempts under way.
    open_count: u32,
    /// The back-off is over and booked, and the caller stands still.
    is_late: bool,
}

/// What is known of the time of an attempt.
#[derive(Clone, Debug, Default)]
struct AttemptClock {
    /// When its reply was sent.
    replied_at: SimTime,
    /// What its instance waited for.
    waits: Vec<Wait>,
}

impl RequestClock {
    /// The time up to `now`, which the cursor passes.
    fn pass(&mut self, now: SimTime) -> SimDuration {
        let passed = now.since(self.cursor);
        self.cursor = now;
        passed
    }
}

impl Breakdown {
    /// A request arrived at its calling side.
    pub fn open(&mut self, slot: u32, now: SimTime) {
        let place = slot as usize;
        // A call in the background ends without anybody who asks for its parts.
        self.last.take_if(|(of, _)| *of == slot);
        self.waits.remove(&slot);
        if self.requests.len() <= place {
            self.requests.resize(place + 1, RequestClock::default());
        }
        self.requests[place] = RequestClock {
            cursor: now,
            ..RequestClock::default()
        };
    }

    /// An attempt was sent.
    pub fn send(&mut self, request: u32, attempt: u32, now: SimTime) {
        let clock = &mut self.requests[request as usize];
        clock.is_late = false;
        if clock.open_count == 0 {
            let waited = clock.pass(now);
            clock.parts.caller += waited;
        }
        clock.open_count += 1;
        let place = attempt as usize;
        if self.attempts.len() <= place {
            self.attempts.resize_with(place + 1, AttemptClock::default);
        }
        let clock = &mut self.attempts[place];
        clock.replied_at = SimTime::NEVER;
        clock.waits.clear();
        self.held_arrivals.remove(&attempt);
        self.held_replies.remove(&attempt);
    }

    /// The reply of an attempt was sent.
    pub fn reply(&mut self, attempt: u32, now: SimTime) {
        self.attempts[attempt as usize].replied_at = now;
    }

    /// The last attempt of a request did not decide it.
    pub fn settle(&mut self, request: u32) {
        if let Some((_, parts)) = self.last.take_if(|(slot, _)| *slot == request) {
            let clock = &mut self.requests[request as usize];
            let length = parts.total();
            clock.parts.failed_attempts += length;
            clock.cursor = clock.cursor + length;
        }
    }

    /// Splits the time since the cursor, at the end of an attempt.
    fn split(&mut self, slot: u32, attempt: &Attempt, outcome: AttemptOutcome, now: SimTime) {
        let clock = &mut self.requests[attempt.request as usize];
        clock.open_count -= 1;
        // What is given up when another attempt has decided the request decides nothing.
        let has_decided = |last: &(u32, Parts)| last.0 == attempt.request;
        let is_loser =
            outcome == AttemptOutcome::Cancelled && self.last.as_ref().is_some_and(has_decided);
        let is_last = clock.open_count == 0 && !is_loser;
        let is_deciding = outcome == AttemptOutcome::Success || is_last;
        if !is_deciding {
            return;
        }
        let mut walk = Walk {
            at: clock.cursor,
            now,
        };
        let mut parts = Parts {
            failed_attempts: walk.to(attempt.sent_at),
            ..Parts::default()
        };
        self.last_waits.clear();
        let of_attempt = &self.attempts[slot as usize];
        let replied_at = of_attempt.replied_at;
        let is_lost = attempt.stage == Stage::Lost;
        if attempt.flags.has(AttemptFlags::ARRIVED) {
            let reached_at = self.held_arrivals.get(&slot).copied();
            parts.network += walk.to(reached_at.unwrap_or(attempt.arrived_at));
            if attempt.started_at != SimTime::NEVER {
                parts.queue += walk.to(attempt.started_at);
            }
        }
        if is_reply(outcome) && !is_lost {
            let here = walk.to(replied_at);
            if attempt.started_at != SimTime::NEVER {
                self.last_waits.extend(&of_attempt.waits);
                parts.calls = trim(&mut self.last_waits, here);
                parts.work = here.saturating_sub(parts.calls);
            } else if attempt.flags.has(AttemptFlags::ARRIVED) {
                parts.queue += here;
            } else {
                parts.network += here;
            }
            let returned_at = self.held_replies.get(&slot).copied();
            parts.network += walk.to(returned_at.unwrap_or(now));
            parts.caller += walk.to(now);
        }
        parts.failed_attempts += walk.to(now);
        self.last = Some((attempt.request, parts));
    }

    /// Ends the clock of a request; afterwards its parts are those that ended last.
    fn close(&mut self, slot: u32, request: &Request, now: SimTime) {
        let clock = &mut self.requests[slot as usize];
        self.ended_waits.clear();
        if let Some((_, parts)) = self.last.take_if(|(of, _)| *of == slot) {
            clock.parts.add(&parts);
            clock.cursor = clock.cursor + parts.total();
            self.ended_waits.append(&mut self.last_waits);
        } else if let Some(waits) = self.waits.remove(&slot) {
            self.ended_waits = waits;
        }
        let left = clock.pass(now);
        let is_backing_off = request.flags.has(RequestFlags::BACKING_OFF) && !clock.is_late;
        if 0 < clock.open_count {
            clock.parts.failed_attempts += left;
        } else if is_backing_off {
            clock.parts.backoff += left;
        } else {
            clock.parts.caller += left;
        }
        self.ended = clock.parts;
        assert_eq!(
            self.ended.total(),
            now.since(request.arrived_at),
            "the parts of a latency add up"
        );
    }
}

/// Goes through the instants of an attempt.
struct Walk {
    at: SimTime,
    now: SimTime,
}

impl Walk {
    /// How far an instant lies ahead, but for what lies beyond the end.
    fn to(&mut self, instant: SimTime) -> SimDuration {
        let next = instant.min(self.now).max(self.at);
        let length = next.since(self.at);
        self.at = next;
        length
    }
}

/// Whether the caller has heard of the attempt.
fn is_reply(outcome: AttemptOutcome) -> bool {
    match outcome {
        AttemptOutcome::Success
        | AttemptOutcome::Error
        | AttemptOutcome::Rejected
        | AttemptOutcome::Refused
        | AttemptOutcome::Reset
        | AttemptOutcome::ResetUnsent => true,
        AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen
        | AttemptOutcome::ConnectTimeout
        | AttemptOutcome::Cancelled => false,
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// An attempt came to a process that stands still.
    pub(in crate::model) fn note_held_arrival(&mut self, slot: u32) {
        let now = self.now();
        if let Some(breakdown) = &mut self.breakdown {
            breakdown.held_arrivals.insert(slot, now);
        }
    }

    /// A reply came to a caller that stands still.
    pub(super) fn note_held_reply(&mut self, slot: u32) {
        let now = self.now();
        if let Some(breakdown) = &mut self.breakdown {
            breakdown.held_replies.insert(slot, now);
        }
    }

    /// The back-off of a request is over; its caller may stand still.
    pub(super) fn note_backoff_end(&mut self, slot: u32, node: NodeId) {
        let now = self.now();
        let is_paused = self.nodes[node.index()].state == LifeState::Paused;
        if let Some(breakdown) = &mut self.breakdown {
            breakdown.settle(slot);
            let clock = &mut breakdown.requests[slot as usize];
            if !clock.is_late {
                let waited = clock.pass(now);
                clock.parts.backoff += waited;
            }
            clock.is_late = is_paused;
        }
    }

    /// An attempt ends for its caller.
    #[inline(always)]
    pub(super) fn split_attempt(&mut self, slot: u32, outcome: AttemptOutcome) {
        let now = self.queue.now();
        if let Some(breakdown) = &mut self.breakdown {
            breakdown.split(slot, &self.attempts[slot], outcome, now);
        }
    }

    /// A request has its outcome.
    #[inline]
    pub(super) fn close_breakdown(&mut self, slot: u32, request: &Request) {
        let now = self.queue.now();
        let Some(breakdown) = &mut self.breakdown else {
            return;
        };
        breakdown.close(slot, request, now);
        if let Ok(caller) = request.owner() {
            let observation = Observation::CallBreakdown {
                caller,
                edge: self.callers[caller.index()].edge,
                started_at: request.arrived_at,
                parts: &breakdown.ended,
                waits: &breakdown.ended_waits,
            };
            self.observer.observe(now, &observation);
        }
    }

    /// A call is given up: what waits for others goes on with the parts of the one that decided.
    pub(super) fn close_given_up(&mut self, slot: u32, request: &Request) {
        let parts = self.ended_parts();
        let waits = self
            .breakdown
            .as_mut()
            .map(|b| std::mem::take(&mut b.ended_waits));
        self.close_breakdown(slot, request);
        if let (Some(breakdown), Some(waits)) = (&mut self.breakdown, waits) {
            (breakdown.ended, breakdown.ended_waits) = (parts, waits);
        }
    }

    /// The request that ended last is one of a client.
    #[inline]
    pub(super) fn observe_request_breakdown(
        &mut self,
        (client, class): (ClientId, ClassId),
        arrived_at: SimTime,
    ) {
        let now = self.queue.now();
        if let Some(breakdown) = &self.breakdown {
            let observation = Observation::RequestBreakdown {
                client,
                class,
                arrived_at,
                parts: &breakdown.ended,
                waits: &breakdown.ended_waits,
            };
            self.observer.observe(now, &observation);
        }
    }

    /// The call that ended last is what the request in `root` waited for.
    #[inline]
    pub(super) fn absorb_parts(&mut self, root: u32) {
        let now = self.queue.now();
        if let Some(breakdown) = &mut self.breakdown {
            let clock = &mut breakdown.requests[root as usize];
            // The caller may have stood still before the call began.
            let passed = clock.pass(now);
            clock.parts.caller += passed - breakdown.ended.total();
            clock.parts.add(&breakdown.ended);
            if !breakdown.ended_waits.is_empty() {
                let waits = breakdown.waits.entry(root).or_default();
                waits.append(&mut breakdown.ended_waits);
            }
        }
    }

    /// The instance of an attempt waited for a call since `since`.
    #[inline]
    pub(super) fn add_wait(&mut self, attempt: u32, edge: EdgeId, since: SimTime) {
        let length = self.queue.now().since(since);
        // An attempt that its caller gave up, or never sent, decides nothing.
        let is_of_request = self.attempts[attempt].request != NIL;
        if let Some(breakdown) = &mut self.breakdown
            && is_of_request
        {
            let waits = &mut breakdown.attempts[attempt as usize].waits;
            waits.push(Wait { edge, length });
        }
    }

    /// The instance of an attempt waited for this request.
    #[inline]
    pub(super) fn note_plain_wait(&mut self, attempt: u32, request: &Request) {
        if self.breakdown.is_some() {
            let edge = self.callers[request.caller().index()].edge;
            self.add_wait(attempt, edge, request.arrived_at);
        }
    }

    /// The parts of the request that ended last.
    pub(super) fn ended_parts(&self) -> Parts {
        self.breakdown
            .as_ref()
            .map_or(Parts::default(), |breakdown| breakdown.ended)
    }

    /// No request has ended since a stage began.
    pub(super) fn clear_ended_parts(&mut self) {
        if let Some(breakdown) = &mut self.breakdown {
            breakdown.ended = Parts::default();
            breakdown.ended_waits.clear();
        }
    }

    /// The call that ended last has failed, and this fallback follows.
    pub(super) fn keep_fallback_waits(&mut self, slot: u32) {
        if let Some(breakdown) = &mut self.breakdown {
            let waits = std::mem::take(&mut breakdown.ended_waits);
            breakdown.fallback_waits.insert(slot, waits);
        }
    }

    /// A fallback has ended, after a call that failed.
    pub(super) fn set_fallback_parts(&mut self, slot: u32, fallback: &Fallback) {
        let length = self.queue.now().since(fallback.failed_at);
        if let Some(breakdown) = &mut self.breakdown {
            breakdown.ended = fallback.parts;
            breakdown.ended.caller += length;
            let waits = breakdown.fallback_waits.remove(&slot);
            breakdown.ended_waits = waits.expect("a fallback begins before it ends");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::model::{SimOptions, simulate};
    use crate::scenario::load::limits::Limits;
    use crate::scenario::load::{LoadInput, LoadText, load};

    /// Every request takes 1 ms there and back and 5 ms of work, but for what faults do.
    const WORLD: &str = r#"schema = 1
duration = "1s"
drain = "1s"
breakdown = true
[network]
same_zone = "1ms"
[service.web]
count = 1
service_time = "5ms"
[client.shop]
arrivals = { process = "constant", rate = "10/s" }
[client.shop.call.web]
retry = { attempt_count_max = 2, failover = false, backoff = { min = "20ms", jitter = "none" } }
[fault.errors]
kind = "error"
target = "service:web"
at = "0s"
for = "350ms"
service_time = "2ms"
[fault.server-stands]
kind = "pause"
target = "service:web"
at = "499ms"
for = "50ms"
[fault.caller-stands]
kind = "pause"
target = "client:shop"
at = "702ms"
for = "30ms"
"#;

    /// The parts of all requests, in milliseconds.
    #[derive(Default)]
    struct Seen(Vec<[u64; 7]>);

    impl Observer for Seen {
        fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
            if let Observation::RequestBreakdown { parts, .. } = observation {
                self.0
                    .push(parts.all().map(|part| part.as_ns() / 1_000_000));
            }
        }
    }

    #[test]
    fn retries_and_processes_that_stand_still_are_told_apart() {
        let loaded = load(&LoadInput {
            text: LoadText::Text {
                name: "parts.toml".to_string(),
                text: WORLD.to_string(),
            },
            sets: Vec::new(),
            limits: Limits::STANDARD,
        });
        let scenario = loaded.scenario.expect("it is valid");
        let options = SimOptions {
            seed: 1,
            event_count_max: 1_000,
        };
        let mut seen = Seen::default();
        simulate(&scenario, options, &mut seen, &mut |_| {
            ControlFlow::Continue(())
        })
        .expect("nothing stops it");
        // Network, queue, work, calls, failed attempts, back-off, caller. The first attempt of
        // 1 + 2 + 1 ms failed, and the second one decided by its error.
        let of_errors = [2, 0, 2, 0, 4, 20, 0];
        let plain = [2, 0, 5, 0, 0, 0, 0];
        // It came at 501 ms, and the process went on at 549 ms.
        let server_stood = [2, 48, 5, 0, 0, 0, 0];
        // Its reply came at 707 ms, and the caller went on at 732 ms.
        let caller_stood = [2, 0, 5, 0, 0, 0, 25];
        for expected in [of_errors, plain, server_stood, caller_stood] {
            assert!(seen.0.contains(&expected), "{expected:?} in {:?}", seen.0);
        }
        assert!(9 <= seen.0.len(), "a request every 100 ms");
    }
}
