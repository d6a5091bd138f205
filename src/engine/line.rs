//! Events of one constant delay: they come in order by themselves, so only the next one of them is
//! in the queue.

use crate::engine::fifo::Fifo;
use crate::engine::key::Key;
use crate::time::SimDuration;

/// A line of events that wait for those before them.
#[derive(Debug)]
pub struct Line {
    delay: SimDuration,
    waiting: Fifo,
    /// The sequence number of the one that is in the queue; 0 if there is none.
    first: u64,
}

impl Line {
    /// Nothing waits; the events come `delay` after they are pushed.
    pub fn new(delay: SimDuration) -> Self {
        Line {
            delay,
            waiting: Fifo::new(),
            first: 0,
        }
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
    /// of the next in line, if the event was the first.
    #[inline]
    pub fn follow(&mut self, sequence: u64) -> Option<Key> {
        if self.first != sequence {
            return None;
        }
        if self.waiting.is_empty() {
            self.first = 0;
            return None;
        }
        let next = self.waiting.first();
        self.waiting.advance(true);
        self.first = next.sequence();
        Some(next)
    }
}
