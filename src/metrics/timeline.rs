//! True states of instances, and what a few observers believe, as changes over time.

use std::collections::{BTreeMap, BTreeSet};

use super::data::timeline::{BelievedState, StateChange, TimelineRow, Timelines};
use crate::id::{CallerId, EdgeId, InstanceId, NodeId};
use crate::model::observation::LifeState;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Instances with rows.
const INSTANCE_COUNT_MAX: usize = 200;

/// Changes in all rows.
const CHANGE_COUNT_MAX: usize = 20_000;

/// Who believes; the order of the rows of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// Nobody: the truth.
    Truth,
    /// The registry.
    Registry,
    /// The detector of the first calling side of an edge.
    Detector(EdgeId),
    /// The last member of a cluster that is not the watched one itself.
    Member(NodeId),
    /// The candidates of the first calling side of an edge.
    Candidates(EdgeId),
}

/// Changes by instance and observer.
#[derive(Clone, Debug, Default)]
pub struct TimelineTable {
    rows: BTreeMap<(u32, Witness), Vec<StateChange>>,
    instances: BTreeSet<u32>,
    change_count: usize,
    dropped_count: u64,
}

impl TimelineTable {
    /// An observer's belief about an instance, or the truth, changed.
    pub fn add(
        &mut self,
        at: SimTime,
        instance: InstanceId,
        witness: Witness,
        state: BelievedState,
    ) {
        let is_known = self.instances.contains(&instance.0);
        let is_full = CHANGE_COUNT_MAX <= self.change_count;
        if is_full || (!is_known && INSTANCE_COUNT_MAX <= self.instances.len()) {
            self.dropped_count += 1;
            return;
        }
        self.instances.insert(instance.0);
        self.change_count += 1;
        let at_secs = at.as_secs_f64();
        let row = self.rows.entry((instance.0, witness)).or_default();
        row.push(StateChange { at_secs, state });
    }

    /// The state from the start on, where no change is known yet.
    pub fn begin(&mut self, instance: InstanceId, witness: Witness, state: BelievedState) {
        if !self.rows.contains_key(&(instance.0, witness)) {
            self.add(SimTime::START, instance, witness, state);
        }
    }

    /// The rows with their names.
    pub fn rows(&self, scenario: &Scenario) -> Timelines {
        let row =
            |((instance, witness), changes): (&(u32, Witness), &Vec<StateChange>)| TimelineRow {
                instance: *instance,
                name: scenario.topology.instance_name(InstanceId(*instance)),
                observer: witness_name(*witness, scenario),
                changes: changes.clone(),
            };
        Timelines {
            rows: self.rows.iter().map(row).collect(),
            dropped_count: self.dropped_count,
        }
    }
}

/// Whether a calling side is the first one of its edge, whose beliefs are shown.
pub fn is_shown(caller: CallerId, edge: EdgeId, scenario: &Scenario) -> bool {
    scenario.topology.edge_callers(edge).start == caller.0
}

/// The last member of a cluster besides `instance`, whose beliefs are shown: faults mostly name the
/// first ones.
pub fn member_shown(cluster: u32, instance: InstanceId, scenario: &Scenario) -> Option<NodeId> {
    let topology = &scenario.topology;
    let services = &scenario.clusters[cluster as usize].services;
    let members = services
        .iter()
        .flat_map(|it| topology.service_instances(*it));
    let last = members.rev().find(|member| *member != instance.0);
    last.map(|member| topology.instance_node(InstanceId(member)))
}

/// The truth as a state to show.
pub fn true_state(state: LifeState) -> BelievedState {
    match state {
        LifeState::Up => BelievedState::Up,
        LifeState::Crashed => BelievedState::Crashed,
        LifeState::HostLost => BelievedState::HostLost,
        LifeState::Restarting => BelievedState::Restarting,
        LifeState::Paused => BelievedState::Paused,
        LifeState::Absent => BelievedState::Absent,
    }
}

fn witness_name(witness: Witness, scenario: &Scenario) -> String {
    let topology = &scenario.topology;
    let first = |edge: EdgeId| {
        let caller = CallerId(topology.edge_callers(edge).start);
        topology.node_name(topology.caller_node(caller))
    };
    match witness {
        Witness::Truth => "truth".to_string(),
        Witness::Registry => "registry".to_string(),
        Witness::Detector(edge) => {
            let detector = scenario.edges[edge.index()].detector;
            let is_push = detector.is_some_and(|detector| detector.push().is_some());
            let what = if is_push { "heartbeat" } else { "ping" };
            format!("{what} {}", first(edge))
        }
        Witness::Member(node) => format!("gossip {}", topology.node_name(node)),
        Witness::Candidates(edge) => format!("view {}", first(edge)),
    }
}
