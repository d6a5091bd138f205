//! What the books know before a run: its faults, and who answers questions beside requests.

use stormglass::id::{FaultId, InstanceId, NodeId};
use stormglass::scenario::Scenario;
use stormglass::scenario::fault::FaultScope;
use stormglass::scenario::topology::NodeKind;
use stormglass::time::SimTime;

/// A window that began, or was planned: its fault, its start and the nodes it acts on.
pub type Began = (FaultId, SimTime, Vec<NodeId>);

/// Checks the windows that began against those that were planned, in order.
pub fn faults_as_planned(scenario: &Scenario, began: &[Began], planned: &[Began]) {
    let fits = |(began, planned): (&Began, &Began)| {
        // A rolling restart leaves out who is not there when it begins.
        let config = &scenario.faults[began.0.index()];
        let targets_fit = match (config.kind.rollout(), &config.scope) {
            (Some(_), _) => began.2.iter().all(|target| planned.2.contains(target)),
            // Who leads is known when it begins.
            (None, FaultScope::Nodes { target, .. }) if target.names_leader() => {
                began.2.iter().all(|node| is_member(scenario, *node)) && began.2.len() <= 1
            }
            (None, _) => began.2 == planned.2,
        };
        (began.0, began.1) == (planned.0, planned.1) && targets_fit
    };
    let as_planned = began.len() == planned.len() && began.iter().zip(planned).all(fits);
    assert!(
        as_planned,
        "faults as planned, in order: {began:?}, planned {planned:?}"
    );
}

fn is_member(scenario: &Scenario, node: NodeId) -> bool {
    matches!(
        scenario.topology.node_kind(node),
        NodeKind::RegistryMember(_)
    )
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
