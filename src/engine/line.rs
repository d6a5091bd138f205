//! Events of one constant delay: they come in order by themselves, so only the next one of them is
//! in the queue.

use crate::engine::fifo::Fifo;
use crate::engine::key::{Key, LATE};
use crate::time::SimDuration;

/// A line of events that wait for those before them.
#[derive(Debug)]
pub struct Line {
    delay: SimDuration,
    waiting: Fifo,
    /// The sequence number of the one that is in the queue; 0 if there is none.
    first: u64,
    /// Marks the sequence numbers of its events.
    mark: u64,
}

impl Line {
    /// Nothing waits; the events come `delay` after they are pushed.
    pub fn new(delay: SimDuration) -> Self {
        Line {
            delay,
            waiting: Fifo::new(),
            first: 0,
            mark: 0,
        }
    }

    /// The same for ends of time limits: see `EventQueue::push_late`.
    pub fn of_limits(delay: SimDuration) -> Self {
        Line {
            mark: LATE,
            ..Line::new(delay)
        }
    }

    /// What its events' sequence numbers have beyond those that are drawn.
    #[inline]
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// The delay of its events.
    #[inline]
    pub fn delay(&self) -> SimDuration {
        self.delay
    }

    /// Adds the key of an event. Returns whether it is the first, and to be pushed now.
    #[inline]
    pub fn push(&mut self, key: Key) -> bool {
        let is_first = self.first == 0;
        match is_first {
            true => self.first = key.sequence(),
            false => self.waiting.push(key),
        }
        is_first
    }

    /// The event pushed with `sequence` was popped. Returns the key that is to be pushed now: that
    /// of the next in line that is live, if the event was the first. Those before it are dropped.
    #[inline]
    pub fn follow(&mut self, sequence: u64, is_live: impl Fn(Key) -> bool) -> Option<Key> {
        if self.first != sequence {
            return None;
        }
        while !self.waiting.is_empty() {
            let next = self.waiting.first();
            self.waiting.advance(true);
            if is_live(next) {
                self.first = next.sequence();
                return Some(next);
            }
        }
        self.first = 0;
        None
    }
}
