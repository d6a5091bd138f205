//! What load does to the instances of a service: crashes, and scaling.

use super::registry::Phase;
use crate::time::SimDuration;

/// `[service.web] crash_above = { queue = 1000, in_flight = 1200 }`: memory runs out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashAbove {
    /// Most attempts that an instance may have in its queue.
    pub queue: Option<u32>,
    /// Most that it may have in its queue and at its workers.
    pub in_flight: Option<u32>,
}

/// `[service.web.autoscale]`: the rule of the Kubernetes Horizontal Pod Autoscaler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutoscaleConfig {
    /// Busy worker time / worker time that it steers to.
    pub target_utilization: f64,
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Time between two decisions; each looks at the utilization since the one before.
    pub interval: SimDuration,
    /// Where in its interval it starts.
    pub phase: Phase,
    /// Relative distance from the target that changes nothing.
    pub tolerance_ratio: f64,
    /// From a decision to the start of a new instance.
    pub delay: SimDuration,
    /// How long instances stay that a later decision no longer wants: the largest number wanted
    /// in this time holds.
    pub cooldown: SimDuration,
    /// Time from the deregistration of an instance that leaves to its exit.
    pub grace: SimDuration,
}
