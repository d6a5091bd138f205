//! What a scenario may say about etcd.

use super::Phase;
use super::system::QuorumConfig;
use crate::time::SimDuration;

const SECOND: SimDuration = SimDuration::from_secs(1);

/// etcd: leases that the leader expires.
#[derive(Clone, Debug, PartialEq)]
pub struct EtcdConfig {
    /// `--heartbeat-interval`.
    pub heartbeat_interval: SimDuration,
    /// `--election-timeout`.
    pub election_timeout: SimDuration,
    /// How often the leader looks for expired leases.
    pub revoke_interval: SimDuration,
    /// Where the looks of the first leader lie.
    pub revoke_phase: Phase,
    /// Leases that a leader finds expired per second, at most.
    pub revoke_count_per_sec: u32,
    /// Revocations under way at once.
    pub pending_revoke_count_max: u32,
    /// A lease whose revocation failed is found again after this.
    pub revoke_retry: SimDuration,
    /// How often a client looks whether a keepalive is due; zero: it is sent when it is due.
    pub keepalive_loop_interval: SimDuration,
    /// How often the remaining time of a lease is replicated, if it is.
    pub checkpoint_interval: Option<SimDuration>,
    /// How long a client waits before it opens a stream again.
    pub reconnect_delay: SimDuration,
    /// How long a client waits for a connection, and for the answer to a request.
    pub request_timeout: SimDuration,
    /// Elections.
    pub quorum: QuorumConfig,
}

impl EtcdConfig {
    /// The least time to live: one and a half election timeouts, in whole seconds.
    pub fn ttl_min(&self) -> SimDuration {
        whole_secs(self.election_timeout.scaled(1.5))
    }

    /// What the server makes of the time to live that a client asks for.
    pub fn granted(&self, requested: SimDuration) -> SimDuration {
        whole_secs(requested).max(self.ttl_min())
    }
}

/// A length rounded up to whole seconds.
fn whole_secs(length: SimDuration) -> SimDuration {
    SECOND.saturating_mul(length.as_ns().div_ceil(SECOND.as_ns()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_rounded_up_to_whole_seconds() {
        assert_eq!(
            whole_secs(SimDuration::from_ms(1_500)),
            SimDuration::from_secs(2)
        );
        assert_eq!(
            whole_secs(SimDuration::from_secs(3)),
            SimDuration::from_secs(3)
        );
    }
}
