//! What a run looked like, as one number.

use std::fmt::Write;

use stormglass::model::observation::{Observation, Observer};
use stormglass::time::SimTime;

/// A hash over everything that was observed, as it prints (FNV-1a).
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of nothing.
    pub fn new() -> Self {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

impl Observer for Fingerprint {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        write!(self, "{} {observation:?}", at.as_ns()).expect("a hash takes what is written");
    }
}
