//! The place of an event in the order of all events.

use std::cmp::Ordering;

use crate::time::SimTime;

/// The first instant that means "never": 2^56 ns, 2.28 years. A run lasts at most 2 years.
pub const NEVER_NS: u64 = 1 << 56;

/// Sequence numbers stay below this: 5.5e11 events and timers per run.
pub(super) const SEQUENCE_END: u64 = 1 << 39;

/// Marks the numbers of what comes after everything else of its instant.
pub(super) const LATE: u64 = SEQUENCE_END;

/// A pending event as one number: time (56 bits), sequence (40 bits), packed event (32 bits).
///
/// Sequence numbers are unique within a run, so the order of keys is the total order
/// `(time, sequence)`; the packed event never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Time, and the upper 8 bits of the sequence.
    high: u64,
    /// The lower 32 bits of the sequence, and the packed event.
    low: u64,
}

impl Key {
    /// Before all others.
    pub const FIRST: Key = Key { high: 0, low: 0 };

    /// # Panics
    ///
    /// If `time` is not before [`NEVER_NS`] or `sequence` has more than 40 bits, [`LATE`] included.
    #[inline]
    pub fn new(time: SimTime, sequence: u64, word: u32) -> Self {
        assert!(
            time.as_ns() < NEVER_NS,
            "an event past the end never happens"
        );
        assert!(
            sequence < LATE << 1,
            "a run has at most 2^39 sequence numbers"
        );
        Key {
            high: time.as_ns() << 8 | sequence >> 32,
            low: sequence << 32 | u64::from(word),
        }
    }

    /// When the event happens.
    #[inline]
    pub fn time(self) -> SimTime {
        SimTime::from_ns(self.time_ns())
    }

    /// When the event happens, in nanoseconds.
    #[inline]
    pub fn time_ns(self) -> u64 {
        self.high >> 8
    }

    /// The event's place among the events of its instant.
    #[inline]
    pub fn sequence(self) -> u64 {
        (self.high & 0xff) << 32 | self.low >> 32
    }

    /// The packed event.
    #[inline]
    pub fn word(self) -> u32 {
        self.low as u32
    }

    /// As one number: two words compare without a branch in between.
    #[inline]
    fn number(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        self.number() < other.number()
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_gives_back_its_parts(
            time in 0..NEVER_NS, sequence in 0..LATE << 1, word in any::<u32>(),
        ) {
            let key = Key::new(SimTime::from_ns(time), sequence, word);
            prop_assert_eq!((key.time_ns(), key.sequence(), key.word()), (time, sequence, word));
        }
    }
}
