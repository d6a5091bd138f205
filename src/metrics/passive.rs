//! Passive detection: where a call has no detector, the ejections of its balancer are suspicions.

use super::detection::DetectionTable;
use crate::id::{CallerId, EdgeId, InstanceId};
use crate::model::observation::Suspector;
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::client::EdgeConfig;
use crate::time::SimTime;

/// Whether the ejections of a call are all that it has to detect failures by: they count as its
/// suspicions.
pub fn detects_passively(edge: &EdgeConfig) -> bool {
    let ejects = match &edge.balancer {
        BalancerConfig::Composed(composed) => composed.ejection.is_some(),
        _ => false,
    };
    ejects && edge.detector.is_none()
}

/// What the detector of a call is called, if it has one.
pub fn watcher_name(edge: &EdgeConfig) -> Option<String> {
    match (edge.detector.is_some(), detects_passively(edge)) {
        (true, _) => Some(edge.path.clone()),
        (_, true) => Some(format!("{} (ejection)", edge.path)),
        (false, false) => None,
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
        if detects_passively(&scenario.edges[edge.index()]) {
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
        if is_suspected && detects_passively(&scenario.edges[edge.index()]) {
            self.trust(at, suspector, instance, scenario);
        }
    }
}
