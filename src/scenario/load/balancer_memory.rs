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
        BalancerConfig::PerThread {
            thread_count,
            strategy,
        } => f64::from(*thread_count) * bytes(strategy, turns, callers, instances),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::limits::Limits;
    use crate::scenario::load::{LoadInput, LoadText, load};

    /// Bytes of the balancers of 1,000 callers in front of 1,000 instances.
    fn bytes_of(call: &str, more: &str) -> f64 {
        let text = format!(
            "schema = 1\nduration = \"10s\"\n[service.web]\nservice_time = \"1ms\"\n\
             group = {{ a = {{ count = 500 }}, b = {{ count = 500, weight = 3 }} }}\n\
             [client.shop]\ncount = 1000\n\
             arrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
             [client.shop.call.web]\nbalancer = \"smooth_weighted_round_robin\"\n{call}\n{more}"
        );
        let loaded = load(&LoadInput {
            text: LoadText::Text {
                name: "memory.toml".to_string(),
                text,
            },
            sets: Vec::new(),
            limits: Limits::STANDARD,
        });
        let scenario = loaded.scenario.expect("it is valid");
        balancer_bytes(&scenario, &scenario.edges[0], 1e3, 1e3)
    }

    #[test]
    fn smooth_turns_take_memory_for_an_instance_only_where_they_break() {
        // Two weights, a ranking of 72 bytes for each; the classes are shared, 16 bytes each.
        let in_turn = 16.0 * 1e3 + 2.0 * 72.0 * 1e3;
        assert_eq!(bytes_of("", ""), in_turn);
        // An entry of a heap and what goes over to a new list: 16 and 32 bytes for each pair.
        let broken = in_turn + 48.0 * 1e6;
        assert_eq!(bytes_of("retry.attempt_count_max = 3", ""), broken);
        let crash = "[fault.x]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"1s\"\n";
        assert_eq!(bytes_of("", crash), broken);
        // Retries that may come back to the same instance leave nobody out.
        let back = "retry = { attempt_count_max = 3, failover = false }";
        assert_eq!(bytes_of(back, ""), in_turn);
    }
}
