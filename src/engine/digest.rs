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
}

impl Digest {
    /// The digest of a run in which nothing happened.
    pub fn new() -> Self {
        Digest {
            state: MULTIPLIER_FINISH,
        }
    }

    /// Adds a handled event: its kind, the node that handles it, and the identity of what it is
    /// about (a hash of paths and counts; 0 if the kind and node say all).
    ///
    /// For a given state no two events give the same next state, unless both `identity` and the
    /// `node` shifted by 32 bits differ and cancel.
    #[inline]
    pub fn fold(&mut self, time: SimTime, kind: u8, node: u32, identity: u64) {
        // Events happen before 2^56 ns, so that time and kind do not overlap.
        let when = time.as_ns() ^ (u64::from(kind) << 56);
        let what = identity ^ (u64::from(node) << 32);
        let mixed = (self.state ^ when).wrapping_mul(MULTIPLIER_TIME);
        let mixed = (mixed ^ (mixed >> 32) ^ what).wrapping_mul(MULTIPLIER_IDENTITY);
        self.state = (mixed ^ (mixed >> 29)).wrapping_add(MULTIPLIER_FINISH);
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
