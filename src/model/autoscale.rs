//! Autoscaling by the rule of the Kubernetes Horizontal Pod Autoscaler.
//!
//! Source: <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>, "Algorithm
//! details": desired = ceil(current * metric / target), no change within the tolerance of 10 %, and
//! before scaling down the largest number wanted within the stabilization window. "If a Pod has a
//! deletion timestamp set (i.e. it is in the process of shutting down), it is ignored": the work of
//! instances that leave does not count.

use std::collections::{BTreeMap, VecDeque};

use super::fault_plan::scaled_out_count;
use super::observation::Observer;
use super::reaction::{Step, set};
use super::watch::Load;
use super::world::World;
use crate::engine::{PendingSet, Timer};
use crate::id::{GroupId, InstanceId, NodeId, ServiceId};
use crate::rng::path_hash;
use crate::scenario::Scenario;
use crate::scenario::scaling::AutoscaleConfig;
use crate::time::SimTime;

/// Below this a share of an instance is a rounding error.
const COUNT_EPSILON: f64 = 1e-9;

/// The autoscaler of one service.
#[derive(Debug)]
pub(super) struct Scaler {
    config: AutoscaleConfig,
    group: GroupId,
    /// Workers of an instance.
    worker_count: u32,
    /// Instances that it wants to be there.
    wanted_count: u32,
    /// Busy workers of the instances that do not leave.
    busy_count: u64,
    /// Busy worker time since the last decision, in nanoseconds, up to `since`.
    busy_ns: u64,
    since: SimTime,
    decided_at: SimTime,
    /// Numbers wanted within the cooldown.
    recent: VecDeque<(SimTime, u32)>,
    /// Instances that are to start.
    starting: BTreeMap<InstanceId, Timer>,
}

impl Scaler {
    /// The autoscaler of a service, if it has one.
    pub fn new(scenario: &Scenario, service: ServiceId) -> Option<Self> {
        let service = &scenario.services[service.index()];
        let config = service.autoscale?;
        let group = service.groups[0];
        Some(Scaler {
            config,
            group,
            worker_count: scenario.groups[group.index()].workers,
            wanted_count: scenario.groups[group.index()].count,
            busy_count: 0,
            busy_ns: 0,
            since: SimTime::START,
            decided_at: SimTime::START,
            recent: VecDeque::new(),
            starting: BTreeMap::new(),
        })
    }

    /// An instance has another load.
    pub fn change(&mut self, now: SimTime, before: Load, after: Load) {
        self.advance(now);
        self.busy_count =
            self.busy_count + u64::from(after.scaled_count) - u64::from(before.scaled_count);
    }

    fn advance(&mut self, now: SimTime) {
        self.busy_ns += self.busy_count * now.since(self.since).as_ns();
        self.since = now;
    }

    /// The number of instances from now on; at the very start there is nothing to decide by.
    fn decide(&mut self, now: SimTime) -> u32 {
        self.advance(now);
        let length = now.since(self.decided_at);
        let busy_ns = std::mem::take(&mut self.busy_ns);
        self.decided_at = now;
        if length.is_zero() {
            return self.wanted_count;
        }
        let busy = busy_ns as f64 / length.as_ns() as f64;
        let asked = self
            .config
            .asked_count(busy / f64::from(self.worker_count), self.wanted_count);
        let cooldown = self.config.cooldown;
        self.recent.push_back((now, asked));
        self.recent
            .retain(|(at, _)| now.since(*at) < cooldown || *at == now);
        let largest = self.recent.iter().map(|(_, count)| *count).max();
        let stabilized = largest.unwrap_or(asked).min(self.wanted_count);
        asked.max(stabilized)
    }
}

impl AutoscaleConfig {
    /// Instances that the rule asks for: `busy` of them would be fully busy, `count` are wanted.
    fn asked_count(&self, busy: f64, count: u32) -> u32 {
        let exact = busy / self.target_utilization;
        let ratio = exact / f64::from(count);
        if (ratio - 1.0).abs() <= self.tolerance_ratio + COUNT_EPSILON {
            return count.clamp(self.min, self.max);
        }
        let asked = (exact - COUNT_EPSILON).ceil().min(f64::from(self.max));
        (asked as u32).clamp(self.min, self.max)
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Schedules the first decision of every autoscaler.
    pub(super) fn start_scalers(&mut self) {
        for (index, service) in self.scenario.services.iter().enumerate() {
            let Some(config) = service.autoscale else {
                continue;
            };
            let group = service.groups[0];
            let node = NodeId(self.scenario.topology.group_instances(group).start);
            let identity = path_hash(&format!("service.{}.autoscale", service.name));
            let first = self.first_tick(node, identity, config.interval, config.phase);
            self.schedule_step(first, Step::Decides(ServiceId::from_index(index)));
        }
    }

    fn scaler(&mut self, service: ServiceId) -> &mut Scaler {
        let scaler = &mut self.reactions.scalers[service.index()];
        scaler.as_mut().expect("the service has an autoscaler")
    }

    /// An autoscaler decides.
    pub(super) fn on_scaler_decides(&mut self, service: ServiceId) {
        let now = self.now();
        let scaler = self.scaler(service);
        let before = scaler.wanted_count;
        let count = scaler.decide(now);
        scaler.wanted_count = count;
        let (config, group) = (scaler.config, scaler.group);
        let first = self.scaled_instance(group, 0);
        self.fold_step(self.instance_node(first));
        for place in before..count {
            let instance = self.scaled_instance(group, place);
            let sequence = self.schedule_step(config.delay, Step::Joins(instance));
            let timers = &mut self.scaler(service).starting;
            set(timers.entry(instance).or_default(), sequence);
        }
        for place in (count..before).rev() {
            let instance = self.scaled_instance(group, place);
            if self.scaler(service).starting.remove(&instance).is_none() {
                let node = self.instance_node(instance);
                self.leave(&[node], config.grace);
            }
        }
        self.schedule_step(config.interval, Step::Decides(service));
    }

    /// The instances of an autoscaled group in the order in which they come: those from the start,
    /// then its spare ones, which follow those of `scale_out`s.
    fn scaled_instance(&self, group: GroupId, place: u32) -> InstanceId {
        let first = self.scenario.topology.group_instances(group).start;
        let count = self.scenario.groups[group.index()].count;
        let skipped = match place < count {
            true => 0,
            false => scaled_out_count(&self.scenario.faults, group),
        };
        InstanceId(first + skipped + place)
    }

    /// An instance that an autoscaler asked for starts, unless it is no longer wanted.
    pub(super) fn on_scaler_join(&mut self, instance: InstanceId, sequence: u64) {
        let service = self.instances[instance.index()].service;
        let starting = &mut self.scaler(service).starting;
        let is_wanted = starting
            .get(&instance)
            .is_some_and(|timer| timer.is_live(sequence));
        if is_wanted {
            starting.remove(&instance);
            let node = self.instance_node(instance);
            self.fold_step(node);
            self.join(&[node], None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::registry::Phase;
    use crate::time::SimDuration;

    fn config(target: f64) -> AutoscaleConfig {
        AutoscaleConfig {
            target_utilization: target,
            min: 2,
            max: 10,
            interval: SimDuration::from_secs(15),
            phase: Phase::Aligned,
            tolerance_ratio: 0.1,
            delay: SimDuration::ZERO,
            cooldown: SimDuration::from_secs(60),
            grace: SimDuration::ZERO,
        }
    }

    #[test]
    fn the_rule_is_that_of_the_horizontal_pod_autoscaler() {
        // (target, busy instances, instances) -> ceil(instances * utilization / target).
        for (target, busy, count, expected) in [
            // 4 at 90 %: ceil(4 * 0.9 / 0.6) = 6, exactly.
            (0.6, 3.6, 4, 6),
            // 4 at 91 %: ceil(6.07) = 7.
            (0.6, 3.64, 4, 7),
            // 4 at 66 %: 10 % above the target, tolerated; at 67 % it is not: ceil(4.47) = 5.
            (0.6, 2.64, 4, 4),
            (0.6, 2.68, 4, 5),
            // 4 at 55 %: 8 % below; at 53 %: ceil(3.53) = 4 all the same; at 40 %: ceil(2.67) = 3.
            (0.6, 2.2, 4, 4),
            (0.6, 2.12, 4, 4),
            (0.6, 1.6, 4, 3),
            // Bounds.
            (0.6, 0.0, 4, 2),
            (0.5, 9.0, 9, 10),
        ] {
            assert_eq!(config(target).asked_count(busy, count), expected, "{busy}");
        }
    }
}
