//! The plain pending set: one binary heap. It is the oracle for every other set.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::key::Key;
use crate::engine::queue::PendingSet;

/// A binary heap of keys: O(log n) per operation.
#[derive(Debug, Default)]
pub struct Heap {
    keys: BinaryHeap<Reverse<Key>>,
}

impl PendingSet for Heap {
    fn new() -> Self {
        Heap::default()
    }

    #[inline]
    fn push(&mut self, key: Key) {
        self.keys.push(Reverse(key));
    }

    #[inline]
    fn pop(&mut self) -> Option<Key> {
        self.keys.pop().map(|Reverse(key)| key)
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<Key>()
    }
}
