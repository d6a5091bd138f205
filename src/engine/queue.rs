//! The event queue: the clock of a run and its events in total order.

use std::marker::PhantomData;

use crate::engine::key::{Key, LATE, NEVER_NS, SEQUENCE_END};
use crate::engine::line::Line;
use crate::engine::wheel::Wheel;
use crate::time::{SimDuration, SimTime};

/// An event that fits in 32 bits: a kind and an index.
pub trait Packed: Copy {
    /// The event as one word.
    fn pack(self) -> u32;
    /// The event that [`Packed::pack`] made `word` of.
    fn unpack(word: u32) -> Self;
}

/// A set of keys that gives back the smallest first.
///
/// Every implementation gives the same order, because keys are totally ordered.
pub trait PendingSet {
    /// An empty set.
    fn new() -> Self;
    /// Adds a key whose time is not before that of the last one popped.
    fn push(&mut self, key: Key);
    /// Adds a key that is also greater than all that were added in this way.
    fn push_steady(&mut self, key: Key) {
        self.push(key);
    }
    /// Takes out the smallest key.
    fn pop(&mut self) -> Option<Key>;
    /// Pending keys.
    fn len(&self) -> usize;
    /// Whether no key is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes of memory that the set holds, spare capacity included.
    fn bytes(&self) -> usize;
}

/// Pending events in the total order `(time, sequence)`, and the clock that follows them.
///
/// A sequence number counts pushes, so events of one instant are handled first in, first out. What
/// runs out at an instant does so late, after all that happens then, for which it was time enough:
/// see [`EventQueue::push_late`]. A timer that is kept outside of the queue draws its number with
/// [`EventQueue::take_sequence`] when it is set and so keeps its place, wherever it waits.
#[derive(Debug)]
pub struct EventQueue<E, S = Wheel> {
    now: SimTime,
    /// The event popped last; zero before the first.
    last: Key,
    sequence_next: u64,
    /// See [`EventQueue::set_steady_delay`].
    steady_delay: SimDuration,
    pending: S,
    event: PhantomData<E>,
}

impl<E: Packed, S: PendingSet> EventQueue<E, S> {
    /// An empty queue whose clock stands at [`SimTime::START`].
    pub fn new() -> Self {
        EventQueue {
            now: SimTime::START,
            last: Key::FIRST,
            steady_delay: SimDuration::MAX,
            sequence_next: 1,
            pending: S::new(),
            event: PhantomData,
        }
    }

    /// Names a delay that many events have: they come in order by themselves, and
    /// [`EventQueue::push_after`] spares them the search for their place.
    pub fn set_steady_delay(&mut self, delay: SimDuration) {
        self.steady_delay = delay;
    }

    /// The time of the event popped last.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Schedules `event` and returns its sequence number. One at `now` runs after everything
    /// already scheduled for `now`; one at or past [`NEVER_NS`] never happens and is dropped.
    ///
    /// # Panics
    ///
    /// If `time` lies in the past.
    #[inline]
    pub fn push(&mut self, time: SimTime, event: E) -> u64 {
        let sequence = self.take_sequence();
        // A number that was just drawn is greater than that of the event popped last.
        if time < self.now {
            refuse(self.now, time, "before now");
        }
        if time.as_ns() < NEVER_NS {
            self.pending.push(Key::new(time, sequence, event.pack()));
        }
        sequence
    }

    /// Schedules the end of a time limit: it comes after every event of its instant that is none,
    /// those included that are scheduled by then at that instant.
    ///
    /// # Panics
    ///
    /// If `time` lies in the past.
    #[inline]
    pub fn push_late(&mut self, time: SimTime, event: E) -> u64 {
        let sequence = self.take_late_sequence();
        if time < self.now {
            refuse(self.now, time, "before now");
        }
        if time.as_ns() < NEVER_NS {
            self.pending.push(Key::new(time, sequence, event.pack()));
        }
        sequence
    }

    /// Schedules `event` at `delay` from now, as [`EventQueue::push`] does.
    #[inline]
    pub fn push_after(&mut self, delay: SimDuration, event: E) -> u64 {
        let (time, sequence) = (self.now + delay, self.take_sequence());
        if time.as_ns() < NEVER_NS {
            let key = Key::new(time, sequence, event.pack());
            match delay == self.steady_delay {
                true => self.pending.push_steady(key),
                false => self.pending.push(key),
            }
        }
        sequence
    }

    /// Schedules `event` at the delay of `line` from now. Whoever handles such an event has to call
    /// [`EventQueue::follow`] first.
    #[inline]
    pub fn push_in_line(&mut self, line: &mut Line, event: E) -> u64 {
        let (time, sequence) = (self.now + line.delay(), self.take_sequence() | line.mark());
        if time.as_ns() < NEVER_NS {
            let key = Key::new(time, sequence, event.pack());
            if line.push(key) {
                self.pending.push(key);
            }
        }
        sequence
    }

    /// The event of `sequence` was popped: if it is the first of `line`, the next one follows.
    #[inline]
    pub fn follow(&mut self, line: &mut Line, sequence: u64) {
        self.follow_live(line, sequence, |_, _| true);
    }

    /// The event of `sequence` was popped: if it is the first of `line`, the next one follows that
    /// is live, by what it is and its sequence number. Those before it never come.
    #[inline]
    pub fn follow_live(
        &mut self,
        line: &mut Line,
        sequence: u64,
        is_live: impl Fn(E, u64) -> bool,
    ) {
        let is_live = |key: Key| is_live(E::unpack(key.word()), key.sequence());
        if let Some(key) = line.follow(sequence, is_live) {
            self.pending.push(key);
        }
    }

    /// Draws the next sequence number, greater than all before it; never zero.
    ///
    /// # Panics
    ///
    /// After 2^39 numbers; event-count limits lie below.
    #[inline]
    pub fn take_sequence(&mut self) -> u64 {
        let sequence = self.sequence_next;
        assert!(
            sequence < SEQUENCE_END,
            "a run has at most 2^39 sequence numbers"
        );
        self.sequence_next = sequence + 1;
        sequence
    }

    /// Draws the next number for the end of a time limit: see [`EventQueue::push_late`].
    ///
    /// # Panics
    ///
    /// As [`EventQueue::take_sequence`].
    #[inline]
    pub fn take_late_sequence(&mut self) -> u64 {
        self.take_sequence() | LATE
    }

    /// Schedules `event` at the place that `sequence` has had since it was drawn. One at or past
    /// [`NEVER_NS`] is dropped.
    ///
    /// # Panics
    ///
    /// If `(time, sequence)` lies in the past, or `sequence` was not drawn.
    #[inline]
    pub fn push_with_sequence(&mut self, time: SimTime, sequence: u64, event: E) {
        let last = match sequence & LATE {
            0 => self.last.sequence() & !LATE,
            _ => self.last.sequence(),
        };
        if (time, sequence) <= (self.now, last) {
            refuse(self.now, time, "in a place that has passed");
        }
        assert!(
            sequence & !LATE < self.sequence_next,
            "the sequence was not drawn"
        );
        if time.as_ns() < NEVER_NS {
            self.pending.push(Key::new(time, sequence, event.pack()));
        }
    }

    /// Takes out the next event and moves the clock to it.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(SimTime, u64, E)> {
        let key = self.pending.pop()?;
        assert!(self.last < key || self.is_after_late(key));
        self.last = key;
        self.now = key.time();
        Some((self.now, key.sequence(), E::unpack(key.word())))
    }

    /// Schedules `event` as [`EventQueue::push`] does, or as [`EventQueue::push_late`] while late
    /// events are handled: after all of those that are due then.
    #[inline]
    pub fn push_last(&mut self, time: SimTime, event: E) -> u64 {
        match self.last.sequence() & LATE {
            0 => self.push(time, event),
            _ => self.push_late(time, event),
        }
    }

    /// Whether the event popped last was a late one, which caused this one at the same instant.
    #[inline]
    fn is_after_late(&self, key: Key) -> bool {
        self.last.sequence() & LATE != 0 && key.time() == self.now
    }

    /// Pending events.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether no event is pending.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Bytes of memory that the pending events hold, spare capacity included.
    pub fn bytes(&self) -> usize {
        self.pending.bytes()
    }
}

#[cold]
fn refuse(now: SimTime, time: SimTime, why: &str) -> ! {
    panic!("event scheduled at {time}, {why} ({now})")
}

impl<E: Packed, S: PendingSet> Default for EventQueue<E, S> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
