//! What the callers of one call have in common, and where one of them stands.

use std::sync::Arc;

use super::zone::ZoneCount;
use crate::id::{EdgeId, GroupId, InstanceId, ZoneId};
use crate::model::node::Node;
use crate::rng::Draw;
use crate::scenario::Scenario;
use crate::scenario::balancer::wrappers::{ComposedConfig, EjectionConfig, PriorityConfig};

/// One call, as its wrapped balancers see it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The strategy and what stands around it.
    pub config: ComposedConfig,
    /// Level of each instance of the service, from its first one on; empty: all are in the first.
    level_of: Vec<u8>,
    instance_first: u32,
    /// Levels; a backup is the second one.
    pub level_count: u8,
    /// Callers by zone, ascending.
    pub callers: Vec<ZoneCount>,
    /// How many callers there are.
    pub caller_count: u32,
    /// Zones of the instances of the first level, ascending.
    pub zones: Vec<ZoneId>,
}

/// One caller of a call.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its call.
    pub site: Arc<Site>,
    /// Its number among the callers.
    pub index: u32,
    /// Its zone.
    pub zone: ZoneId,
    /// Random numbers of its own.
    pub draw: Draw,
}

impl Site {
    /// That of an edge whose balancer has wrappers.
    pub fn new(scenario: &Scenario, nodes: &[Node], edge: EdgeId) -> Option<Self> {
        let config = scenario.edges[edge.index()].balancer.composed()?;
        let topology = &scenario.topology;
        let instances = topology.service_instances(scenario.edges[edge.index()].to);
        let levels: Vec<&[GroupId]> = match &config.priority {
            Some(priority) => priority.levels.iter().map(Vec::as_slice).collect(),
            None => vec![&[], config.backup.as_slice()],
        };
        let level = |instance: u32| {
            let group = topology.group_of(InstanceId(instance));
            let level = levels.iter().position(|groups| groups.contains(&group));
            level.map_or(0, |level| u8::try_from(level).expect("levels are few"))
        };
        let level_of: Vec<u8> = instances.clone().map(level).collect();
        let callers = topology.edge_callers(edge);
        let caller_zones = callers.clone().map(|caller| {
            let node = topology.caller_node(crate::id::CallerId(caller));
            nodes[node.index()].zone
        });
        let in_first = instances.clone().zip(&level_of);
        let in_first = in_first.filter(|(_, level)| **level == 0);
        let zones = counted(in_first.map(|(instance, _)| nodes[instance as usize].zone));
        Some(Site {
            config: config.clone(),
            level_count: level_of.iter().max().map_or(1, |level| level + 1),
            level_of,
            instance_first: instances.start,
            callers: counted(caller_zones),
            caller_count: callers.end - callers.start,
            zones: zones.into_iter().map(|(zone, _)| zone).collect(),
        })
    }

    /// A call of one caller to a service of one group, for whoever builds a balancer by itself.
    pub fn alone(config: ComposedConfig) -> Self {
        Site {
            config,
            level_of: Vec::new(),
            instance_first: 0,
            level_count: 1,
            callers: vec![(ZoneId(0), 1)],
            caller_count: 1,
            zones: Vec::new(),
        }
    }

    /// The same with these levels and zones, for tests.
    #[cfg(test)]
    pub fn with_levels(mut self, level_of: Vec<u8>) -> Self {
        self.level_count = level_of.iter().max().map_or(1, |level| level + 1);
        self.level_of = level_of;
        self
    }

    /// The level of an instance.
    pub fn level(&self, instance: InstanceId) -> u8 {
        let place = instance.0.wrapping_sub(self.instance_first) as usize;
        self.level_of.get(place).copied().unwrap_or(0)
    }

    /// The rules of Envoy's levels, where they hold.
    pub fn priority(&self) -> Option<&PriorityConfig> {
        static DEFAULT: PriorityConfig = PriorityConfig::DEFAULT;
        let config = &self.config;
        let is_envoy = matches!(config.ejection, Some(EjectionConfig::EnvoyOutlier(_)));
        match &config.priority {
            Some(priority) => Some(priority),
            None if !config.backup.is_empty() => None,
            None if is_envoy || config.zone_aware.is_some() => Some(&DEFAULT),
            None => None,
        }
    }
}

/// How often each zone occurs, ascending.
pub fn counted(zones: impl Iterator<Item = ZoneId>) -> Vec<ZoneCount> {
    let mut zones: Vec<ZoneId> = zones.collect();
    zones.sort_unstable();
    let mut counts: Vec<ZoneCount> = Vec::new();
    for zone in zones {
        match counts.last_mut() {
            Some((last, count)) if *last == zone => *count += 1,
            _ => counts.push((zone, 1)),
        }
    }
    counts
}
