//! Timers of variable length, cancelled by generation.
//!
//! Setting a timer pushes an event that carries the timer's place. A cancelled or superseded
//! setting stays in the queue and is recognised when it is popped: the generation of a setting is
//! the sequence number of its event, which no other event of the run has, and a timer remembers
//! the one that is live. A stale event must be dropped before anything is counted or folded.

use crate::engine::slab::Slab;

/// One timer that its owner keeps, and whose event carries the owner's index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    /// Sequence number of the live setting; 0, which is never drawn, if there is none.
    sequence: u64,
}

impl Timer {
    /// A timer that is not set.
    pub const UNSET: Timer = Timer { sequence: 0 };

    /// Makes the event pushed with `sequence` the live one; an earlier one becomes stale.
    #[inline]
    pub fn set(&mut self, sequence: u64) {
        assert!(sequence != 0, "sequence numbers start at 1");
        self.sequence = sequence;
    }

    /// Makes the live event stale, if there is one.
    #[inline]
    pub fn cancel(&mut self) {
        self.sequence = 0;
    }

    /// Whether a setting is live.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.sequence != 0
    }

    /// Whether the event pushed with `sequence` is the live one.
    #[inline]
    pub fn is_live(&self, sequence: u64) -> bool {
        self.is_set() && self.sequence == sequence
    }

    /// Takes the popped event of `sequence`: true, and the timer is unset, if it was live; false
    /// if it is stale.
    #[inline]
    pub fn fire(&mut self, sequence: u64) -> bool {
        let live = self.is_live(sequence);
        if live {
            self.cancel();
        }
        live
    }
}

/// A place in a [`TimerTable`], valid until the timer fires or is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerId(pub u32);

/// Timers that belong to no fixed place, each with what it is for.
///
/// The event carries the place ([`TimerId`]). A place is used again, which is safe, because the
/// stale events of its former timers have other sequence numbers.
#[derive(Debug)]
pub struct TimerTable<T> {
    entries: Slab<(Timer, T)>,
}

impl<T: Copy> TimerTable<T> {
    /// An empty table.
    pub fn new() -> Self {
        TimerTable {
            entries: Slab::new(),
        }
    }

    /// Sets a timer for `owner`, whose event is pushed with `sequence`.
    #[inline]
    pub fn set(&mut self, owner: T, sequence: u64) -> TimerId {
        let mut timer = Timer::UNSET;
        timer.set(sequence);
        TimerId(self.entries.insert((timer, owner)))
    }

    /// Cancels a timer and returns its owner. Its event becomes stale.
    ///
    /// # Panics
    ///
    /// If the timer has fired or was cancelled.
    #[inline]
    pub fn cancel(&mut self, id: TimerId) -> T {
        self.entries.remove(id.0).1
    }

    /// Whether the event pushed with `sequence` is the live one of the timer at `id`.
    #[inline]
    pub fn is_live(&self, id: TimerId, sequence: u64) -> bool {
        self.entries
            .get(id.0)
            .is_some_and(|(timer, _)| timer.is_live(sequence))
    }

    /// The owner of the timer at `id`, if the event pushed with `sequence` is the live one.
    #[inline]
    pub fn peek(&self, id: TimerId, sequence: u64) -> Option<T> {
        self.is_live(id, sequence).then(|| self.entries[id.0].1)
    }

    /// Takes the popped event of `sequence`: the owner, whose timer is gone with it, or `None` if
    /// the event is stale.
    #[inline]
    pub fn fire(&mut self, id: TimerId, sequence: u64) -> Option<T> {
        self.is_live(id, sequence).then(|| self.cancel(id))
    }

    /// Timers that are set.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no timer is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<T: Copy> Default for TimerTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_setting_fires_and_only_once() {
        let mut timer = Timer::UNSET;
        timer.set(3);
        timer.set(8);
        assert!(!timer.fire(3));
        assert!(timer.is_set());
        assert!(timer.fire(8));
        assert!(!timer.fire(8));
        assert!(!timer.is_set());
    }

    #[test]
    fn an_event_of_a_place_used_again_is_stale() {
        let mut timers = TimerTable::new();
        let first = timers.set('a', 1);
        assert_eq!(timers.cancel(first), 'a');
        let second = timers.set('b', 2);
        assert_eq!(first, second);
        assert_eq!(timers.fire(first, 1), None);
        assert!(timers.is_live(second, 2));
        assert_eq!(timers.fire(second, 2), Some('b'));
        assert_eq!(timers.fire(second, 2), None);
        assert!(timers.is_empty());
    }

    #[test]
    #[should_panic(expected = "is free")]
    fn cancelling_a_timer_that_fired_is_a_bug() {
        let mut timers = TimerTable::new();
        let id = timers.set('a', 1);
        timers.fire(id, 1);
        timers.cancel(id);
    }
}
