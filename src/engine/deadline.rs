//! Timers of variable length, most of which are cancelled before they expire.
//!
//! The event of a cancelled setting stays in the queue. Here a later setting of the same place
//! uses it, if it expires no earlier: it pushes no event, and the old one, when it is popped, is
//! replaced by that of the setting, at the place that this has had since it was set. So a patience
//! that is set and cancelled all the time fills no queue, and what expires does so in the order of
//! timers that have an event each.

use crate::engine::TimerId;
use crate::time::SimTime;

/// One place. Few owners are larger than what is left of one line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
struct Place<T> {
    /// The sequence number of the live setting; 0 if there is none.
    sequence: u64,
    /// When that expires.
    at: SimTime,
    /// It has no event of its own in the queue and relies on the other one.
    is_waiting: bool,
    /// An event in the queue that a setting may rely on, by its sequence number; 0 for none.
    event_sequence: u64,
    /// When that is popped.
    event_at: SimTime,
    owner: T,
}

/// Timers with what they are for; their events carry their place ([`TimerId`]).
#[derive(Debug)]
pub struct Deadlines<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

impl<T: Copy> Deadlines<T> {
    /// None is set.
    pub fn new() -> Self {
        Deadlines {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Sets a timer that expires at `at`, in the place of `sequence`. Returns whether its event is
    /// to be pushed now.
    ///
    /// # Panics
    ///
    /// If 2^32 timers are set.
    #[inline]
    pub fn set(&mut self, owner: T, at: SimTime, sequence: u64) -> (TimerId, bool) {
        let Some(index) = self.free.pop() else {
            return (self.add(owner, at, sequence), true);
        };
        let place = &mut self.places[index as usize];
        (place.sequence, place.at, place.owner) = (sequence, at, owner);
        place.is_waiting = place.event_sequence != 0 && place.event_at <= at;
        if place.event_sequence == 0 {
            (place.event_sequence, place.event_at) = (sequence, at);
        }
        (TimerId(index), !place.is_waiting)
    }

    #[cold]
    fn add(&mut self, owner: T, at: SimTime, sequence: u64) -> TimerId {
        let index = u32::try_from(self.places.len()).expect("fewer than 2^32 timers");
        self.places.push(Place {
            sequence,
            at,
            is_waiting: false,
            event_sequence: sequence,
            event_at: at,
            owner,
        });
        TimerId(index)
    }

    /// Takes note that the event pushed with `sequence` was popped. Returns the time and the
    /// sequence number of the event that is to be pushed in its stead, if there is one.
    #[inline]
    pub fn note_popped(&mut self, id: TimerId, sequence: u64) -> Option<(SimTime, u64)> {
        let place = &mut self.places[id.0 as usize];
        if place.event_sequence != sequence {
            return None;
        }
        place.event_sequence = 0;
        if !place.is_waiting {
            return None;
        }
        place.is_waiting = false;
        (place.event_sequence, place.event_at) = (place.sequence, place.at);
        Some((place.at, place.sequence))
    }

    /// Cancels a timer.
    ///
    /// # Panics
    ///
    /// If it has expired or was cancelled.
    #[inline]
    pub fn cancel(&mut self, id: TimerId) {
        let place = &mut self.places[id.0 as usize];
        assert!(place.sequence != 0, "{id:?} is not set");
        (place.sequence, place.is_waiting) = (0, false);
        self.free.push(id.0);
    }

    /// The owner of the timer at `id`, if the event pushed with `sequence` is that of its live
    /// setting.
    #[inline]
    pub fn peek(&self, id: TimerId, sequence: u64) -> Option<T> {
        let place = &self.places[id.0 as usize];
        (place.sequence == sequence).then_some(place.owner)
    }
}

impl<T: Copy> Default for Deadlines<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::queue::{EventQueue, Packed};
    use crate::engine::{Timer, Wheel};

    /// A step or the event of a timer, told apart by the highest bit.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Event(u32);

    const TIMER: u32 = 1 << 30;

    impl Packed for Event {
        fn pack(self) -> u32 {
            self.0
        }
        fn unpack(word: u32) -> Event {
            Event(word)
        }
    }

    /// At a time, cancels the timer of an owner if it is set, and sets it if a length is given.
    type Step = (u64, usize, Option<u64>);

    const OWNER_COUNT: usize = 6;

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let length = prop::option::weighted(0.8, 0u64..3_000);
        prop::collection::vec((0u64..10_000, 0..OWNER_COUNT, length), 0..300)
    }

    fn queue_of(steps: &[Step]) -> EventQueue<Event, Wheel> {
        let mut queue = EventQueue::new();
        for (index, step) in (0..).zip(steps) {
            queue.push(SimTime::from_ns(step.0), Event(index));
        }
        queue
    }

    /// When which owner's timer expired, and the most events that were in the queue beside steps.
    fn expired(steps: &[Step]) -> (Vec<(SimTime, usize)>, usize) {
        let mut queue = queue_of(steps);
        let (mut deadlines, mut ids) = (Deadlines::new(), [None; OWNER_COUNT]);
        let (mut expired, mut steps_left, mut most) = (Vec::new(), steps.len(), 0);
        while let Some((now, sequence, event)) = queue.pop() {
            if event.0 & TIMER != 0 {
                let id = TimerId(event.0 ^ TIMER);
                if let Some((at, sequence)) = deadlines.note_popped(id, sequence) {
                    queue.push_with_sequence(at, sequence, event);
                }
                if let Some(owner) = deadlines.peek(id, sequence) {
                    deadlines.cancel(id);
                    ids[owner] = None;
                    expired.push((now, owner));
                }
                continue;
            }
            steps_left -= 1;
            let (_, owner, length) = steps[event.0 as usize];
            if let Some(id) = ids[owner].take() {
                deadlines.cancel(id);
            }
            if let Some(length) = length {
                let at = SimTime::from_ns(now.as_ns() + length);
                let sequence = queue.take_sequence();
                let (id, needs_event) = deadlines.set(owner, at, sequence);
                if needs_event {
                    queue.push_with_sequence(at, sequence, Event(TIMER | id.0));
                }
                ids[owner] = Some(id);
            }
            most = most.max(queue.len() - steps_left);
        }
        (expired, most)
    }

    fn expired_eagerly(steps: &[Step]) -> Vec<(SimTime, usize)> {
        let mut queue = queue_of(steps);
        let (mut timers, mut expired) = ([Timer::UNSET; OWNER_COUNT], Vec::new());
        while let Some((now, sequence, event)) = queue.pop() {
            if event.0 & TIMER != 0 {
                let owner = (event.0 ^ TIMER) as usize;
                if timers[owner].fire(sequence) {
                    expired.push((now, owner));
                }
                continue;
            }
            let (_, owner, length) = steps[event.0 as usize];
            timers[owner].cancel();
            if let Some(length) = length {
                let at = SimTime::from_ns(now.as_ns() + length);
                timers[owner].set(queue.push(at, Event(TIMER | owner as u32)));
            }
        }
        expired
    }

    proptest! {
        /// They expire exactly when, and in the order in which, timers with an event each do.
        #[test]
        fn deadlines_expire_in_the_order_of_eager_timers(steps in steps()) {
            prop_assert_eq!(expired(&steps).0, expired_eagerly(&steps));
        }
    }

    #[test]
    fn a_patience_that_is_always_cancelled_has_one_event_in_the_queue() {
        let steps: Vec<Step> = (0..300).map(|step| (step * 10, 0, Some(2_000))).collect();
        assert_eq!(expired(&steps), (vec![(SimTime::from_ns(4_990), 0)], 1));
    }

    #[test]
    fn a_short_timer_at_the_place_of_a_long_one_has_its_own_event() {
        let steps = [(0, 0, Some(1_000)), (10, 0, Some(5)), (20, 0, Some(1_500))];
        let at = |ns: u64| SimTime::from_ns(ns);
        assert_eq!(expired(&steps), (vec![(at(15), 0), (at(1_520), 0)], 2));
    }

    #[test]
    #[should_panic(expected = "is not set")]
    fn cancelling_a_timer_twice_is_a_bug() {
        let mut deadlines = Deadlines::new();
        let (id, _) = deadlines.set('a', SimTime::from_ns(5), 1);
        deadlines.cancel(id);
        deadlines.cancel(id);
    }
}
