//! A fixed time since the last heartbeat.
//!
//! Source: textbook; the rule of leases. With heartbeats every `interval` that take `d`, a crash is
//! noticed between `timeout - interval + d` and `timeout + d` after it. Exactly `timeout` after the
//! last heartbeat the instance is suspected.

use super::judge::{Beat, Judge};
use crate::time::SimDuration;

/// Suspects when nothing came for a fixed time.
#[derive(Clone, Debug)]
pub struct FixedTimeout {
    timeout_ns: u64,
    trusted_until_ns: u64,
}

impl FixedTimeout {
    /// Begins at `start_ns`, as if a heartbeat had come then.
    pub fn new(timeout: SimDuration, start_ns: u64) -> Self {
        let timeout_ns = timeout.as_ns();
        FixedTimeout {
            timeout_ns,
            trusted_until_ns: start_ns.saturating_add(timeout_ns),
        }
    }
}

impl Judge for FixedTimeout {
    fn on_heartbeat(&mut self, beat: Beat) {
        self.trusted_until_ns = beat.arrived_ns.saturating_add(self.timeout_ns);
    }

    fn trusted_until_ns(&self) -> u64 {
        self.trusted_until_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heartbeat_buys_the_timeout() {
        let mut judge = FixedTimeout::new(SimDuration::from_ns(30), 100);
        assert_eq!(judge.trusted_until_ns(), 130);
        judge.on_heartbeat(Beat {
            number: 1,
            sent_ns: 110,
            arrived_ns: 115,
        });
        assert_eq!(judge.trusted_until_ns(), 145);
    }
}
