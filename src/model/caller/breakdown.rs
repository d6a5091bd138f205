//! Where the time of every request goes. It observes the model and changes nothing.
//!
//! A cursor moves from the arrival of a request to its end, and every stretch that it passes is
//! booked on one part, so the parts add up to the latency by construction, and the cursor is the
//! arrival plus what is booked. The stretch of an attempt is split by the instants that it went
//! through once it is known that the attempt decided the request; until then it is kept as `last`.
//! A request whose first attempt is under way has booked nothing, and takes no room for it.

use std::collections::BTreeMap;

use super::join::Fallback;
use super::parts::{Parts, Wait, trim};
use super::several::entry;
use crate::engine::{PendingSet, Slab};
use crate::id::{ClassId, ClientId, EdgeId, NodeId};
use crate::model::observation::{AttemptOutcome, LifeState, Observation, Observer};
use crate::model::request::{Attempt, AttemptFlags, NIL, Request, RequestFlags, Stage};
use crate::model::world::World;
use crate::time::{SimDuration, SimTime};

/// The clocks of all requests and attempts.
#[derive(Debug, Default)]
pub struct Breakdown {
    /// By slot of the request: where its parts stand; NIL while nothing is booked.
    places: Vec<u32>,
    /// Attempts under way, by slot of the request.
    open_counts: Vec<u8>,
    /// The parts up to the cursor, without the last attempt.
    booked: Slab<Parts>,
    /// By slot of the attempt: what its instance waited for last; NIL for nothing.
    last_calls: Vec<u32>,
    calls: Slab<CallWait>,
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

/// How long the instance of an attempt waited for one of its calls.
#[derive(Clone, Copy, Debug)]
struct CallWait {
    wait: Wait,
    /// The wait before it; NIL for none.
    previous: u32,
}

/// What the parts take for a request in flight.
pub const REQUEST_BYTES: usize = size_of::<u32>() + size_of::<u8>();
/// What they take for an attempt.
pub const ATTEMPT_BYTES: usize = size_of::<u32>();

impl Breakdown {
    /// A request arrived at its calling side.
    pub fn open(&mut self, slot: u32) {
        // A call in the background ends without anybody who asks for its parts.
        self.last.take_if(|(of, _)| *of == slot);
        self.waits.remove(&slot);
        self.take_booked(slot);
        *entry(&mut self.open_counts, slot, 0) = 0;
    }

    /// The parts of a request up to its cursor.
    fn booked(&self, slot: u32) -> Parts {
        match self.places.get(slot as usize) {
            None | Some(&NIL) => Parts::default(),
            Some(place) => self.booked[*place],
        }
    }

    /// The same, to be added to.
    fn book(&mut self, slot: u32) -> &mut Parts {
        let place = entry(&mut self.places, slot, NIL);
        if *place == NIL {
            *place = self.booked.insert(Parts::default());
        }
        &mut self.booked[*place]
    }

    /// The same, which are not kept any longer.
    fn take_booked(&mut self, slot: u32) -> Parts {
        match std::mem::replace(entry(&mut self.places, slot, NIL), NIL) {
            NIL => Parts::default(),
            place => self.booked.remove(place),
        }
    }

    /// An attempt was sent for a request that arrived at an instant.
    pub fn send(&mut self, (request, arrived_at): (u32, SimTime), attempt: u32, now: SimTime) {
        let open_count = &mut self.open_counts[request as usize];
        *open_count += 1;
        if *open_count == 1 {
            let waited = now.since(arrived_at + self.booked(request).total());
            if !waited.is_zero() {
                self.book(request).caller += waited;
            }
        }
        self.forget_calls(attempt);
        self.held_arrivals.remove(&attempt);
        self.held_replies.remove(&attempt);
    }

    /// The last attempt of a request did not decide it.
    pub fn settle(&mut self, request: u32) {
        if let Some((_, parts)) = self.last.take_if(|(slot, _)| *slot == request) {
            self.book(request).failed_attempts += parts.total();
        }
    }

    /// What the instance of an attempt waited for, in order, is added to `last_waits`.
    fn tell_calls(&mut self, attempt: u32) {
        let first = self.last_waits.len();
        let mut place = self
            .last_calls
            .get(attempt as usize)
            .copied()
            .unwrap_or(NIL);
        while place != NIL {
            let CallWait { wait, previous } = self.calls[place];
            self.last_waits.push(wait);
            place = previous;
        }
        self.last_waits[first..].reverse();
    }

    fn forget_calls(&mut self, attempt: u32) {
        let last = self.last_calls.get_mut(attempt as usize);
        let mut place = last.map_or(NIL, |last| std::mem::replace(last, NIL));
        while place != NIL {
            place = self.calls.remove(place).previous;
        }
    }

    /// Splits the time since the cursor, at the end of an attempt for a request that arrived at an
    /// instant.
    fn split(
        &mut self,
        slot: u32,
        (attempt, arrived_at): (&Attempt, SimTime),
        outcome: AttemptOutcome,
        now: SimTime,
    ) {
        let open_count = &mut self.open_counts[attempt.request as usize];
        *open_count -= 1;
        let open_count = *open_count;
        // What is given up when another attempt has decided the request decides nothing.
        let has_decided = |last: &(u32, Parts)| last.0 == attempt.request;
        let is_loser =
            outcome == AttemptOutcome::Cancelled && self.last.as_ref().is_some_and(has_decided);
        let is_last = open_count == 0 && !is_loser;
        let is_deciding = outcome == AttemptOutcome::Success || is_last;
        if !is_deciding {
            return;
        }
        let mut walk = Walk {
            at: arrived_at + self.booked(attempt.request).total(),
            now,
        };
        let mut parts = Parts {
            failed_attempts: walk.to(attempt.sent_at),
            ..Parts::default()
        };
        self.last_waits.clear();
        let replied_at = match attempt.flags.has(AttemptFlags::REPLIED) {
            true => SimTime::from_ns(attempt.due_ns),
            false => SimTime::NEVER,
        };
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
                self.tell_calls(slot);
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
        let open_count = self.open_counts[slot as usize];
        let mut booked = self.take_booked(slot);
        self.ended_waits.clear();
        if let Some((_, parts)) = self.last.take_if(|(of, _)| *of == slot) {
            booked.add(&parts);
            self.ended_waits.append(&mut self.last_waits);
        } else if let Some(waits) = self.waits.remove(&slot) {
            self.ended_waits = waits;
        }
        let left = now.since(request.arrived_at + booked.total());
        let flags = request.flags;
        let is_backing_off = flags.has(RequestFlags::BACKING_OFF) && !flags.has(RequestFlags::LATE);
        if 0 < open_count {
            booked.failed_attempts += left;
        } else if is_backing_off {
            booked.backoff += left;
        } else {
            booked.caller += left;
        }
        self.ended = booked;
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
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.held_arrivals.insert(slot, now);
        }
    }

    /// A reply came to a caller that stands still.
    pub(super) fn note_held_reply(&mut self, slot: u32) {
        let now = self.now();
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.held_replies.insert(slot, now);
        }
    }

    /// The back-off of a request is over; its caller may stand still.
    pub(super) fn note_backoff_end(&mut self, slot: u32, node: NodeId) {
        let now = self.now();
        let is_paused = self.nodes[node.index()].state == LifeState::Paused;
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.settle(slot);
            let request = &mut self.requests[slot];
            if !request.flags.has(RequestFlags::LATE) {
                let cursor = request.arrived_at + breakdown.booked(slot).total();
                breakdown.book(slot).backoff += now.since(cursor);
            }
            request.flags.put(RequestFlags::LATE, is_paused);
        }
    }

    /// An attempt ends for its caller.
    #[inline(always)]
    pub(super) fn split_attempt(&mut self, slot: u32, outcome: AttemptOutcome) {
        let now = self.queue.now();
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            let attempt = &self.attempts[slot];
            let arrived_at = self.requests[attempt.request].arrived_at;
            breakdown.split(slot, (attempt, arrived_at), outcome, now);
            breakdown.forget_calls(slot);
        }
    }

    /// A request has its outcome.
    #[inline]
    pub(super) fn close_breakdown(&mut self, slot: u32, request: &Request) {
        let now = self.queue.now();
        if O::IS_BARE {
            return;
        }
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
        if !O::IS_BARE
            && let Some(breakdown) = &self.breakdown
        {
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
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            // The caller may have stood still before the call began.
            let cursor = self.requests[root].arrived_at + breakdown.booked(root).total();
            let (passed, ended) = (now.since(cursor), breakdown.ended);
            let booked = breakdown.book(root);
            booked.caller += passed - ended.total();
            booked.add(&ended);
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
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
            && is_of_request
        {
            let last = entry(&mut breakdown.last_calls, attempt, NIL);
            *last = breakdown.calls.insert(CallWait {
                wait: Wait { edge, length },
                previous: *last,
            });
        }
    }

    /// The instance of an attempt waited for this request.
    #[inline]
    pub(super) fn note_plain_wait(&mut self, attempt: u32, request: &Request) {
        if !O::IS_BARE && self.breakdown.is_some() {
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
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.ended = Parts::default();
            breakdown.ended_waits.clear();
        }
    }

    /// The call that ended last has failed, and this fallback follows.
    pub(super) fn keep_fallback_waits(&mut self, slot: u32) {
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            let waits = std::mem::take(&mut breakdown.ended_waits);
            breakdown.fallback_waits.insert(slot, waits);
        }
    }

    /// A fallback has ended, after a call that failed.
    pub(super) fn set_fallback_parts(&mut self, slot: u32, fallback: &Fallback) {
        let length = self.queue.now().since(fallback.failed_at);
        if !O::IS_BARE
            && let Some(breakdown) = &mut self.breakdown
        {
            breakdown.ended = fallback.parts;
            breakdown.ended.caller += length;
            let waits = breakdown.fallback_waits.remove(&slot);
            breakdown.ended_waits = waits.expect("a fallback begins before it ends");
        }
    }
}

#[cfg(test)]
mod tests;
