//! The fast pending set: a radix wheel that feeds a short sorted run.
//!
//! Time is cut into ticks of 2^10 ns, and a tick into digits of six bits. The *span* is the
//! stretch of ticks that is being served. Everything in it lies in the run, sorted; everything
//! after it lies in the wheel, unsorted: a key's slot is the highest digit in which its tick
//! differs from the last tick of the span (the level), and the value of that digit. Hence all keys
//! of a level come before all keys of the levels above, and within a level slots are in order of
//! digits. When the run is used up, the first slot that is occupied becomes the next span, or, if
//! it holds many keys, is dealt out to the levels below.
//!
//! A key is dealt at most once per level, so that a push and its pop cost O(1) amortised.
//! Correctness does not depend on the tick nor on the other constants; only speed does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;

use crate::engine::fifo::Fifo;
use crate::engine::key::{Key, NEVER_NS};
use crate::engine::queue::PendingSet;

/// log2 of a tick in nanoseconds.
const TICK_BITS: u32 = 10;
/// Bits of a digit: one word holds the occupancy of a level.
const DIGIT_BITS: u32 = 6;
const DIGIT_COUNT: usize = 1 << DIGIT_BITS;
const LEVEL_COUNT: usize = 8;
/// A slot with at most this many keys is served as one span: sorting so few costs less than
/// dealing them out.
const RUN_LENGTH_DIRECT: usize = 24;
/// A run of fewer keys is sorted by insertion.
const COUNTED_LENGTH_MIN: usize = 10;
/// Bits that tell the places of a run apart.
const PLACE_BITS: u32 = 5;
/// The highest level at which the nanoseconds of a span and a place fit in 31 bits.
const COUNTED_LEVEL_MAX: usize = 2;
/// A key that would move more than this many keys of the run goes to the heap instead.
const RUN_SHIFT_MAX: usize = 24;
/// Emptied slots keep a capacity up to this, so that a steady state does not allocate; larger ones
/// are freed, so that memory follows what is pending. All slots together keep at most 2 MiB.
const SLOT_CAPACITY_KEPT: usize = 256;

const _: () = assert!(RUN_LENGTH_DIRECT <= 1 << PLACE_BITS);
const _: () = assert!(TICK_BITS + COUNTED_LEVEL_MAX as u32 * DIGIT_BITS + PLACE_BITS <= 31);
const _: () = assert!(NEVER_NS >> TICK_BITS <= 1 << (DIGIT_BITS * LEVEL_COUNT as u32));

/// A radix wheel in front of a sorted run: O(1) amortised per operation at any size.
#[derive(Debug)]
pub struct Wheel {
    /// Keys of the span in descending order: the next one is the last.
    run: Vec<Key>,
    /// Keys of the span that were pushed late and do not belong near the end of the run.
    late: BinaryHeap<Reverse<Key>>,
    /// Keys that came in order, whatever their time.
    steady: Fifo,
    /// The last tick of the span.
    span_last: u64,
    /// For each level, the digits whose slots hold keys.
    occupied: [u64; LEVEL_COUNT],
    /// Keys after the span, at `level * DIGIT_COUNT + digit`.
    slots: Vec<Vec<Key>>,
}

impl PendingSet for Wheel {
    fn new() -> Self {
        Wheel {
            run: Vec::new(),
            late: BinaryHeap::new(),
            steady: Fifo::new(),
            span_last: 0,
            occupied: [0; LEVEL_COUNT],
            slots: vec![Vec::new(); LEVEL_COUNT * DIGIT_COUNT],
        }
    }

    #[inline]
    fn push(&mut self, key: Key) {
        if self.span_last < tick(key) {
            self.put_in_slot(key);
        } else {
            self.put_in_span(key);
        }
    }

    #[inline]
    fn push_steady(&mut self, key: Key) {
        self.steady.push(key);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<Key> {
        if self.steady.is_empty() {
            if self.run.is_empty() && self.late.is_empty() {
                self.advance();
            }
            return match self.is_late_next() {
                true => self.pop_late(),
                false => self.run.pop(),
            };
        }
        if self.run.is_empty() || !self.late.is_empty() {
            return self.pop_of_three();
        }
        let (of_run, steady) = (self.run[self.run.len() - 1], self.steady.first());
        let is_steady = steady < of_run;
        self.steady.advance(is_steady);
        self.run.truncate(self.run.len() - usize::from(!is_steady));
        Some(if is_steady { steady } else { of_run })
    }

    fn len(&self) -> usize {
        let in_slots = self.slots.iter().map(Vec::len).sum::<usize>();
        self.run.len() + self.late.len() + self.steady.len() + in_slots
    }

    fn bytes(&self) -> usize {
        let keys = self.run.capacity()
            + self.late.capacity()
            + self.slots.iter().map(Vec::capacity).sum::<usize>();
        let outside = self.steady.bytes();
        outside + keys * size_of::<Key>() + self.slots.capacity() * size_of::<Vec<Key>>()
    }
}

impl Wheel {
    /// Whether the next key is in the heap of late keys and not at the end of the run.
    #[inline]
    fn is_late_next(&self) -> bool {
        match (self.late.peek(), self.run.last()) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(Reverse(late)), Some(run)) => late < run,
        }
    }

    #[cold]
    fn pop_late(&mut self) -> Option<Key> {
        self.late.pop().map(|Reverse(key)| key)
    }

    /// Takes out the smallest key while some are steady, and the run is empty or some are late.
    #[inline(never)]
    fn pop_of_three(&mut self) -> Option<Key> {
        self.fill_run();
        let steady = self.steady.first();
        if self.run.last().is_some_and(|run| *run < steady) && !self.is_late_next() {
            return self.run.pop();
        }
        if self.late.peek().is_some_and(|late| late.0 < steady) {
            return self.pop_late();
        }
        self.steady.advance(true);
        Some(steady)
    }

    /// Serves the next slot if nothing of the span is left and no steady key lies before it: a
    /// span far ahead of time would take in all that is pushed before it ends.
    fn fill_run(&mut self) {
        if self.run.is_empty() && self.late.is_empty() {
            let is_before =
                |first: u64| !self.steady.is_empty() && tick(self.steady.first()) < first;
            if !self
                .first_slot()
                .is_some_and(|(.., first)| is_before(first))
            {
                self.advance();
            }
        }
    }

    /// The level and the digit of the first occupied slot, and its first tick.
    fn first_slot(&self) -> Option<(usize, u32, u64)> {
        let level = self.occupied.iter().position(|&digits| digits != 0)?;
        let digit = self.occupied[level].trailing_zeros();
        let shift = level as u32 * DIGIT_BITS;
        let above = self.span_last >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
        Some((level, digit, above | u64::from(digit) << shift))
    }

    /// Adds a key whose tick lies in the span.
    #[inline(never)]
    fn put_in_span(&mut self, key: Key) {
        let run = &mut self.run;
        if RUN_SHIFT_MAX <= run.len() && run[run.len() - RUN_SHIFT_MAX] < key {
            self.late.push(Reverse(key));
            return;
        }
        run.push(key);
        let mut place = run.len() - 1;
        while 0 < place && run[place - 1] < key {
            run[place] = run[place - 1];
            place -= 1;
        }
        run[place] = key;
    }

    /// Adds a key whose tick is not before the last tick of the span.
    #[inline]
    fn put_in_slot(&mut self, key: Key) {
        let tick = tick(key);
        // The lowest bit makes equal ticks a slot of level 0; it changes no other level.
        let level = ((tick ^ self.span_last) | 1).ilog2() / DIGIT_BITS;
        let digit = (tick >> (level * DIGIT_BITS)) as usize % DIGIT_COUNT;
        let level = level as usize;
        self.occupied[level] |= 1 << digit;
        let slot = &mut self.slots[level * DIGIT_COUNT + digit];
        if slot.len() < slot.capacity() {
            slot.push(key);
        } else {
            push_growing(slot, key);
        }
    }

    /// Makes the first occupied slot the span, and its keys the run, if there is one.
    #[inline(never)]
    fn advance(&mut self) {
        if SLOT_CAPACITY_KEPT < self.late.capacity() {
            self.late = BinaryHeap::new();
        }
        self.steady.release(SLOT_CAPACITY_KEPT);
        while let Some((level, digit, span_first)) = self.first_slot() {
            self.occupied[level] &= self.occupied[level] - 1;
            let slot = level * DIGIT_COUNT + digit as usize;
            if level == 0 || self.slots[slot].len() <= RUN_LENGTH_DIRECT {
                self.span_last = span_first | ((1 << (level as u32 * DIGIT_BITS)) - 1);
                self.serve(slot);
                return sort_run(&mut self.run, span_first, level);
            }
            self.span_last = span_first;
            self.deal(slot);
        }
    }

    /// Makes the keys of `slot` the run, not yet sorted.
    fn serve(&mut self, slot: usize) {
        mem::swap(&mut self.run, &mut self.slots[slot]);
        if SLOT_CAPACITY_KEPT < self.slots[slot].capacity() {
            self.slots[slot] = Vec::new();
        }
    }

    /// Deals the keys of `slot` out to the levels below.
    fn deal(&mut self, slot: usize) {
        let mut keys = mem::take(&mut self.slots[slot]);
        for &key in &keys {
            self.put_in_slot(key);
        }
        if keys.capacity() <= SLOT_CAPACITY_KEPT {
            keys.clear();
            self.slots[slot] = keys;
        }
    }
}

/// Sorts the keys of a span of `level` that begins with the tick `first`, the last one first.
///
/// A short run is sorted by counting for every key those that come after it, which takes no branch
/// that depends on the keys. Time and place among the keys are compared as one number: keys of
/// equal times lie in a slot in the order in which they were pushed, which is the order of their
/// sequence numbers unless one of them was drawn earlier.
fn sort_run(run: &mut [Key], first: u64, level: usize) {
    let count = run.len();
    let is_counted = (COUNTED_LENGTH_MIN..=RUN_LENGTH_DIRECT).contains(&count);
    if !is_counted || COUNTED_LEVEL_MAX < level {
        return run.sort_unstable_by_key(|key| Reverse(*key));
    }
    let first_ns = first << TICK_BITS;
    let mut codes = [i32::MIN; RUN_LENGTH_DIRECT];
    for (place, key) in run.iter().enumerate() {
        codes[place] = ((key.time_ns() - first_ns) << PLACE_BITS) as i32 | place as i32;
    }
    let mut sorted = [run[0]; RUN_LENGTH_DIRECT];
    for (key, code) in run.iter().zip(codes) {
        let is_after = |other: &i32| u32::from(code < *other);
        let later = codes
            .iter()
            .fold(0, |sum: u32, c| sum.wrapping_add(is_after(c)));
        sorted[later as usize] = *key;
    }
    run.copy_from_slice(&sorted[..count]);
    if !run.is_sorted_by(|a, b| b < a) {
        run.sort_unstable_by_key(|key| Reverse(*key));
    }
}

/// Apart, so that the usual push calls nothing and saves no registers.
#[cold]
#[inline(never)]
fn push_growing(slot: &mut Vec<Key>, key: Key) {
    slot.push(key);
}

#[inline]
fn tick(key: Key) -> u64 {
    key.time_ns() >> TICK_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimTime;

    /// Steady memory: every slot with its kept capacity, the run, the late keys, and the table.
    const BYTES_KEPT_MAX: usize = (LEVEL_COUNT * DIGIT_COUNT + 2) * SLOT_CAPACITY_KEPT * 16
        + LEVEL_COUNT * DIGIT_COUNT * size_of::<Vec<Key>>();

    fn push(wheel: &mut Wheel, time_ns: u64, sequence: u64) {
        wheel.push(Key::new(SimTime::from_ns(time_ns), sequence, 0));
    }

    fn drain(wheel: &mut Wheel) -> u64 {
        let mut count = 0;
        while wheel.pop().is_some() {
            count += 1;
        }
        count
    }

    #[test]
    fn memory_follows_what_is_pending() {
        let mut wheel = Wheel::new();
        for sequence in 0..300_000 {
            // Spread over 5 minutes.
            push(&mut wheel, sequence * 1_000_003, sequence);
        }
        // Doubling vectors hold at most twice what they need.
        let keys = 300_000 * size_of::<Key>();
        assert!(keys <= wheel.bytes());
        assert!(
            wheel.bytes() <= 2 * keys + BYTES_KEPT_MAX,
            "{} bytes",
            wheel.bytes()
        );
        assert_eq!(drain(&mut wheel), 300_000);
        assert!(wheel.bytes() <= BYTES_KEPT_MAX, "{} bytes", wheel.bytes());
    }

    #[test]
    fn a_flood_at_one_instant_leaves_no_memory_behind() {
        let mut wheel = Wheel::new();
        // Half of the flood is pushed ahead, the other half when its instant is being served.
        for sequence in 0..100_000 {
            push(&mut wheel, 7_000_000, sequence);
        }
        assert_eq!(wheel.pop().map(Key::sequence), Some(0));
        for sequence in 100_000..200_000 {
            push(&mut wheel, 7_000_000, sequence);
        }
        assert_eq!(drain(&mut wheel), 199_999);
        push(&mut wheel, 8_000_000_000, 200_000);
        assert_eq!(drain(&mut wheel), 1);
        assert!(wheel.bytes() <= BYTES_KEPT_MAX, "{} bytes", wheel.bytes());
    }

    #[test]
    fn ticks_at_the_edges_of_every_level_keep_their_order() {
        let mut wheel = Wheel::new();
        let mut times_ns = vec![0, NEVER_NS - 1];
        for bit in TICK_BITS..56 {
            times_ns.extend([(1 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        }
        for (sequence, &time_ns) in (0..).zip(times_ns.iter().rev()) {
            push(&mut wheel, time_ns, sequence);
        }
        times_ns.sort_unstable();
        for time_ns in times_ns {
            assert_eq!(wheel.pop().map(Key::time_ns), Some(time_ns));
        }
        assert_eq!(wheel.pop(), None);
        assert!(wheel.is_empty());
    }
}
