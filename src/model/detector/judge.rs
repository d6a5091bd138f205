//! What all detectors that judge heartbeats have in common.
//!
//! Between two heartbeats each of them is a function of time that turns from trust to suspicion
//! once. So a detector says until when it trusts, and has no timer.

use super::bertier::Bertier;
use super::chen_nfd_e::ChenNfdE;
use super::chen_nfd_s::ChenNfdS;
use super::fixed_timeout::FixedTimeout;
use super::phi_akka::PhiAkka;
use super::phi_cassandra::PhiCassandra;
use super::phi_paper::PhiPaper;
use crate::scenario::detector::{JudgeConfig, PushConfig};

/// A heartbeat as its receiver sees it; times in nanoseconds of local clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Its number, which grows by one for every interval of its sender.
    pub number: u64,
    /// When it was sent, by the clock of the sender.
    pub sent_ns: u64,
    /// When it arrived, by the clock of the receiver.
    pub arrived_ns: u64,
}

/// Judges one instance by its heartbeats.
pub trait Judge: std::fmt::Debug {
    /// A heartbeat arrived. Those of one instance may overtake each other.
    fn on_heartbeat(&mut self, beat: Beat);

    /// From this instant of the receiver's clock on the instance is suspected, unless another
    /// heartbeat comes.
    fn trusted_until_ns(&self) -> u64;

    /// Whether what was learned is kept when an instance has restarted.
    fn survives_restart(&self, _is_suspected: bool) -> bool {
        false
    }
}

/// The detector of a pair that begins at `start_ns` of the receiver's clock. `first_ns` is when
/// the first heartbeat is due by the sender's clock. Until it comes the instance is trusted as if
/// one had come at the start.
pub fn build(config: &PushConfig, start_ns: u64, first_ns: u64) -> Box<dyn Judge> {
    let interval_ns = config.interval.as_ns();
    match config.judge {
        JudgeConfig::Timeout { timeout } => Box::new(FixedTimeout::new(timeout, start_ns)),
        JudgeConfig::ChenNfdS { delta } => {
            Box::new(ChenNfdS::new(config.interval, delta, first_ns))
        }
        JudgeConfig::ChenNfdE { alpha, window } => {
            Box::new(ChenNfdE::new(interval_ns, alpha, window, start_ns))
        }
        JudgeConfig::Bertier(bertier) => Box::new(Bertier::new(interval_ns, bertier, start_ns)),
        JudgeConfig::PhiPaper {
            threshold,
            window,
            std_deviation_min,
        } => {
            let bounds = (window, std_deviation_min);
            Box::new(PhiPaper::new(interval_ns, threshold, bounds, start_ns))
        }
        JudgeConfig::PhiAkka(akka) => Box::new(PhiAkka::new(config.interval, akka, start_ns)),
        JudgeConfig::PhiCassandra(cassandra) => Box::new(PhiCassandra::new(cassandra, start_ns)),
    }
}
