//! A fingerprint of what happened in a run.

use crate::time::SimTime;

// Odd constants with mixed bits: the golden ratio, and those of the MurmurHash3 finalizer.
const MULTIPLIER_TIME: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER_IDENTITY: u64 = 0xff51_afd7_ed55_8ccd;
const MULTIPLIER_FINISH: u64 = 0xc4ce_b9fe_1a85_ec53;

/// A streaming 64-bit fingerprint of the *handled* events of a run, in order.
///
/// It covers what an event means: when, what kind, at which node, about what. It holds no slot, no
/// sequence number, and no event that was stale when it was popped, so that another queue, another
/// layout of tables or another way to cancel timers gives the same digest. It guards against
/// accidents and is not cryptographic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    state: u64,
    event_count: u64,
    last_at: SimTime,
}

impl Digest {
    /// The digest of a run in which nothing happened.
    pub fn new() -> Self {
        Digest {
            state: MULTIPLIER_FINISH,
            event_count: 0,
            last_at: SimTime::START,
        }
    }

    /// Adds a handled event: its kind, the node that handles it, and the identity of what it is
    /// about (a hash of paths and counts; 0 if the kind and node say all).
    ///
    /// For a given state no two events give the same next state, unless both `identity` and the
    /// `node` shifted by 32 bits differ and cancel.
    #[inline]
    pub fn fold(&mut self, time: SimTime, kind: u8, node: u32, identity: u64) {
        self.event_count += 1;
        self.last_at = time;
        // Events happen before 2^56 ns, so that time and kind do not overlap.
        let when = time.as_ns() ^ (u64::from(kind) << 56);
        let what = identity ^ (u64::from(node) << 32);
        let mixed = (self.state ^ when).wrapping_mul(MULTIPLIER_TIME);
        let mixed = (mixed ^ (mixed >> 32) ^ what).wrapping_mul(MULTIPLIER_IDENTITY);
        self.state = (mixed ^ (mixed >> 29)).wrapping_add(MULTIPLIER_FINISH);
    }

    /// Handled events so far.
    pub fn event_count(&self) -> u64 {
        self.event_count
    }

    /// When the last of them happened.
    pub fn last_at(&self) -> SimTime {
        self.last_at
    }

    /// The fingerprint of all events so far.
    pub fn finish(&self) -> u64 {
        let mixed = (self.state ^ (self.state >> 33)).wrapping_mul(MULTIPLIER_FINISH);
        mixed ^ (mixed >> 33)
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Event = (u64, u8, u32, u64);

    fn digest(events: &[Event]) -> u64 {
        let mut digest = Digest::new();
        for &(time_ns, kind, node, identity) in events {
            digest.fold(SimTime::from_ns(time_ns), kind, node, identity);
        }
        digest.finish()
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = (0u64..1 << 56, any::<u8>(), any::<u32>(), any::<u64>());
        prop::collection::vec(event, 1..20)
    }

    proptest! {
        /// Folding is a bijection of the state for every event, and differs between events that
        /// differ in one bit, so these digests differ for certain and not only in most cases.
        #[test]
        fn one_flipped_bit_of_one_event_changes_the_digest(
            events in events(), nth in any::<prop::sample::Index>(), bit in 0u32..160,
        ) {
            let mut changed = events.clone();
            let (time_ns, kind, node, identity) = nth.get_mut(&mut changed);
            match bit {
                0..56 => *time_ns ^= 1 << bit,
                56..64 => *kind ^= 1 << (bit - 56),
                64..96 => *node ^= 1 << (bit - 64),
                _ => *identity ^= 1 << (bit - 96),
            }
            prop_assert_ne!(digest(&events), digest(&changed));
        }
    }

    #[test]
    fn order_and_count_change_the_digest() {
        let (a, b) = ((5, 1, 2, 3), (5, 1, 3, 3));
        let quiet = (0, 0, 0, 0);
        let digests = [
            digest(&[]),
            digest(&[quiet]),
            digest(&[quiet, quiet]),
            digest(&[a]),
            digest(&[b]),
            digest(&[a, b]),
            digest(&[b, a]),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(
                !digests[..index].contains(digest),
                "digest {index} is not new"
            );
        }
    }

    #[test]
    fn equal_events_give_equal_digests() {
        let events = [(5, 1, 2, 3), (6, 1, 2, 4)];
        assert_eq!(digest(&events), digest(&events));
    }
}
