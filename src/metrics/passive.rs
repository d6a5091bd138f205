//! Passive detection: where a call has no detector, the ejections of its balancer are suspicions,
//! or else channels that are not ready.

use super::detection::DetectionTable;
use crate::id::{CallerId, EdgeId, InstanceId};
use crate::model::observation::Suspector;
use crate::scenario::Scenario;
use crate::scenario::client::EdgeConfig;
use crate::time::SimTime;

/// What the detector of a call is called, if it has one.
pub fn watcher_name(edge: &EdgeConfig) -> Option<String> {
    if edge.detector.is_some() {
        Some(edge.path.clone())
    } else if edge.detects_passively() {
        Some(format!("{} (ejection)", edge.path))
    } else if edge.watches_by_channel() {
        Some(format!("{} (channels)", edge.path))
    } else {
        None
    }
}

impl DetectionTable {
    /// A balancer that detects passively leaves an instance out.
    pub fn eject(
        &mut self,
        at: SimTime,
        (caller, edge): (CallerId, EdgeId),
        instance: InstanceId,
        is_alive: bool,
        scenario: &Scenario,
    ) {
        if scenario.edges[edge.index()].detects_passively() {
            let suspector = Suspector::Caller(caller);
            self.suspect(at, suspector, instance, is_alive, scenario);
        }
    }

    /// A calling side takes an instance in: its balancer may have left it out before.
    pub fn take_in(
        &mut self,
        at: SimTime,
        (caller, edge): (CallerId, EdgeId),
        instance: InstanceId,
        scenario: &Scenario,
    ) {
        let suspector = Suspector::Caller(caller);
        let is_suspected = self.is_suspected(suspector, instance);
        if is_suspected && scenario.edges[edge.index()].detects_passively() {
            self.trust(at, suspector, instance, scenario);
        }
    }
}
