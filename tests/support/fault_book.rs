//! What the books know before a run: its faults, and who answers questions beside requests.

use stormglass::id::{FaultId, InstanceId, NodeId};
use stormglass::scenario::Scenario;
use stormglass::scenario::topology::NodeKind;
use stormglass::time::SimTime;

/// A window that began, or was planned: its fault, its start and the nodes it acts on.
pub type Began = (FaultId, SimTime, Vec<NodeId>);

/// Checks the windows that began against those that were planned, in order.
pub fn faults_as_planned(scenario: &Scenario, began: &[Began], planned: &[Began]) {
    let fits = |(began, planned): (&Began, &Began)| {
        // A rolling restart leaves out who is not there when it begins.
        let targets_fit = match scenario.faults[began.0.index()].kind.rollout() {
            Some(_) => began.2.iter().all(|target| planned.2.contains(target)),
            None => began.2 == planned.2,
        };
        (began.0, began.1) == (planned.0, planned.1) && targets_fit
    };
    let as_planned = began.len() == planned.len() && began.iter().zip(planned).all(fits);
    assert!(
        as_planned,
        "faults as planned, in order: {began:?}, planned {planned:?}"
    );
}

/// Whether the workers of an instance answer checks, of which nothing is told.
pub fn answers_checks(scenario: &Scenario, instance: InstanceId) -> bool {
    let service = scenario.topology.service_of(instance);
    let is_asked = |edge: &stormglass::scenario::client::EdgeConfig| {
        edge.to == service && edge.ping_time.is_some()
    };
    scenario.registry.profile.probes_workers() || scenario.edges.iter().any(is_asked)
}

/// Whether a node may come and go with its group.
pub fn may_leave(scenario: &Scenario, node: NodeId) -> bool {
    let kind = scenario.topology.node_kind(node);
    matches!(kind, NodeKind::Instance(_) | NodeKind::Agent(_))
}
