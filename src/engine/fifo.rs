//! Keys that come in order: they are pushed at one end and popped at the other.

use crate::engine::key::Key;

/// Keys that there is room for at first.
const CAPACITY_MIN: usize = 16;

/// A ring of ascending keys.
#[derive(Debug)]
pub struct Fifo {
    /// A power of two of places.
    keys: Box<[Key]>,
    /// Keys popped so far, modulo 2^64; the first key is at this place.
    head: usize,
    /// Keys pushed so far.
    tail: usize,
}

impl Fifo {
    /// No keys.
    pub fn new() -> Self {
        Fifo {
            keys: vec![Key::FIRST; CAPACITY_MIN].into_boxed_slice(),
            head: 0,
            tail: 0,
        }
    }

    /// Whether it has no keys.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// Keys that it has.
    pub fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    /// Adds a key that is greater than all.
    #[inline]
    pub fn push(&mut self, key: Key) {
        debug_assert!(self.is_empty() || self.keys[self.place(self.tail.wrapping_sub(1))] < key);
        if self.len() == self.keys.len() {
            self.grow();
        }
        self.keys[self.place(self.tail)] = key;
        self.tail = self.tail.wrapping_add(1);
    }

    /// The smallest key, if there is any; otherwise some key.
    #[inline(always)]
    pub fn first(&self) -> Key {
        self.keys[self.place(self.head)]
    }

    /// Takes out the smallest key if `is_taken`: without a branch, since nobody can guess it.
    #[inline(always)]
    pub fn advance(&mut self, is_taken: bool) {
        self.head = self.head.wrapping_add(usize::from(is_taken));
    }

    /// Gives back room for more than `capacity` keys, if it is empty.
    pub fn release(&mut self, capacity: usize) {
        if capacity < self.keys.len() && self.is_empty() {
            *self = Fifo::new();
        }
    }

    /// Bytes of memory that it holds.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.keys)
    }

    #[inline(always)]
    fn place(&self, count: usize) -> usize {
        count & (self.keys.len() - 1)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let mut keys = Vec::with_capacity(2 * self.keys.len());
        let of = |count: usize| self.keys[self.place(self.head.wrapping_add(count))];
        keys.extend((0..self.len()).map(of));
        keys.resize(2 * self.keys.len(), Key::FIRST);
        (self.head, self.tail) = (0, self.len());
        self.keys = keys.into_boxed_slice();
    }
}

impl Default for Fifo {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimTime;

    fn key(ns: u64) -> Key {
        Key::new(SimTime::from_ns(ns), 1, 0)
    }

    #[test]
    fn keys_come_out_in_the_order_in_which_they_went_in() {
        let mut fifo = Fifo::new();
        let (mut pushed, mut popped) = (0, 0);
        // More come than go, around the end of the ring and past its growth.
        for _ in 0..40 {
            for _ in 0..3 {
                fifo.push(key(pushed));
                pushed += 1;
            }
            for _ in 0..2 {
                assert_eq!(fifo.first(), key(popped));
                fifo.advance(false);
                fifo.advance(true);
                popped += 1;
            }
            assert_eq!(fifo.len() as u64, pushed - popped);
        }
    }

    #[test]
    fn room_is_given_back_once_it_is_empty() {
        let mut fifo = Fifo::new();
        (0..1_000).for_each(|ns| fifo.push(key(ns)));
        fifo.release(256);
        assert_eq!((fifo.len(), fifo.bytes()), (1_000, 16 * 1_024));
        (0..1_000).for_each(|_| fifo.advance(true));
        fifo.release(256);
        assert_eq!((fifo.len(), fifo.bytes()), (0, 16 * CAPACITY_MIN));
    }
}
