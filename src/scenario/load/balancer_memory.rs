//! How much memory balancers take.

use super::limits::RING_POINT_BYTES;
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::weighted::TurnBytes;
use crate::scenario::client::EdgeConfig;
use crate::scenario::fault::FaultKind;
use crate::scenario::registry::RegistryProfile;

/// What one calling side keeps for the wrappers of its balancer.
const COMPOSED_BYTES: f64 = 1_024.0;

/// What it keeps for each instance behind them.
const WRAPPED_BYTES: f64 = 240.0;

/// The balancers of the `callers` of a call in front of `instances` instances.
pub fn balancer_bytes(scenario: &Scenario, edge: &EdgeConfig, callers: f64, instances: f64) -> f64 {
    let turns = turn_bytes(scenario, edge, instances);
    bytes(&edge.balancer, &turns, callers, instances)
}

fn bytes(balancer: &BalancerConfig, turns: &TurnBytes, callers: f64, instances: f64) -> f64 {
    match balancer {
        // Counts of attempts in flight take room only while there are some.
        BalancerConfig::Random
        | BalancerConfig::RoundRobin { .. }
        | BalancerConfig::PickFirst { .. }
        | BalancerConfig::LeastInFlight { .. } => 0.0,
        BalancerConfig::WeightedRandom { .. } => 16.0 * instances,
        BalancerConfig::Weighted(config) => config.bytes(turns, callers, instances),
        BalancerConfig::Load(config) => config.bytes(callers, instances),
        BalancerConfig::SmoothWeightedRoundRobin => turns.bytes(callers, instances),
        BalancerConfig::Ring {
            virtual_node_count, ..
        } => RING_POINT_BYTES * f64::from(*virtual_node_count) * instances,
        BalancerConfig::Keyed(config) => config.memory_bytes(callers, instances),
        BalancerConfig::Feedback(config) => config.memory_bytes(callers, instances),
        BalancerConfig::Sticky {
            fallback,
            session_count_max,
        } => {
            let sessions = 32.0 * callers * f64::from(*session_count_max);
            sessions + bytes(fallback, turns, callers, instances)
        }
        BalancerConfig::Composed(composed) => {
            // A strategy for each level or zone, its list, and what is known of every instance.
            let copies = 1.0 + composed.priority.as_ref().map_or(0, |p| p.levels.len()) as f64;
            let strategy = bytes(&composed.strategy, turns, callers, instances);
            copies * (strategy + COMPOSED_BYTES * callers) + WRAPPED_BYTES * callers * instances
        }
    }
}

/// What smooth weighted round robin takes for a call: nothing for an instance as long as all of a
/// weight have their turn, which a candidate that is left out or a new list breaks.
fn turn_bytes(scenario: &Scenario, edge: &EdgeConfig, instances: f64) -> TurnBytes {
    let leaves_out = edge.retry.failover && 1 < edge.retry.attempt_count_max
        || edge
            .attempts
            .as_ref()
            .is_some_and(|a| a.has_several_in_flight());
    TurnBytes {
        weight_count: weight_count(scenario, edge).min(instances),
        breaks: leaves_out || has_new_lists(scenario, edge),
    }
}

/// How many weights the instances behind a call may have; infinite where weights grow slowly.
fn weight_count(scenario: &Scenario, edge: &EdgeConfig) -> f64 {
    if let BalancerConfig::Composed(composed) = &edge.balancer
        && composed.slow_start.is_some()
    {
        return f64::INFINITY;
    }
    let groups = &scenario.services[edge.to.index()].groups;
    let of_group = |id: &crate::id::GroupId| scenario.groups[id.index()].weight.to_bits();
    let mut weights: Vec<u64> = groups.iter().map(of_group).collect();
    weights.extend(scenario.faults.iter().filter_map(|fault| match fault.kind {
        FaultKind::WeightChange { weight } => Some(weight.to_bits()),
        _ => None,
    }));
    weights.sort_unstable();
    weights.dedup();
    weights.len() as f64
}

/// Whether the candidates of a calling side may change during the run.
fn has_new_lists(scenario: &Scenario, edge: &EdgeConfig) -> bool {
    !matches!(scenario.registry.profile, RegistryProfile::Static)
        || edge.detector.is_some()
        || matches!(edge.balancer, BalancerConfig::Composed(_))
        || scenario.services[edge.to.index()].autoscale.is_some()
        || !scenario.faults.is_empty()
}
