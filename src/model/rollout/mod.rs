//! Rolling restarts: how instances go and come.
//!
//! `plan` decides who is replaced when. An instance that goes deregisters, serves for a while as
//! before, takes nothing new, finishes what it has and exits; one that comes registers when it is
//! ready. Until then it counts as leaving, so that nothing else lists it.

mod plan;

use std::collections::BTreeMap;

use self::plan::{Census, Drain, Pass, Rollout};
use super::fault_plan::PlannedWindow;
use super::observation::{LifeState, Observation, Observer};
use super::reaction::Step;
use super::target::Targets;
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{FaultId, InstanceId, NodeId};
use crate::rng::path_hash;
use crate::scenario::rollout::{RolloutConfig, RolloutOrder};
use crate::time::SimDuration;

/// A process that stands still when it should be ready is asked again after this long.
const READY_RETRY: SimDuration = SimDuration::from_secs(1);

/// All rolling restarts of a run.
#[derive(Debug, Default)]
pub(super) struct Rollouts {
    all: Vec<Rollout>,
    /// Which one an instance belongs to.
    of_instance: BTreeMap<InstanceId, u32>,
}

impl Rollouts {
    fn get(&mut self, rollout: u32) -> &mut Rollout {
        &mut self.all[rollout as usize]
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A window of a rolling restart begins: who will be replaced. Spare instances that are there
    /// are among them; those that leave, or left, or were replaced, are not.
    pub(super) fn open_rollout(&mut self, index: usize, window: &PlannedWindow) -> Vec<NodeId> {
        let scenario = self.scenario;
        let fault = &scenario.faults[window.fault.index()];
        let config = fault.kind.rollout().expect("it restarts instances");
        let targets = window.targets.iter().map(|node| InstanceId(node.0));
        let mut order: Vec<InstanceId> = targets
            .filter(|instance| !self.registry.leases[instance.index()].is_leaving())
            .filter(|instance| !self.reactions.rollouts.of_instance.contains_key(instance))
            .filter(|instance| !self.has_successor(*instance))
            .collect();
        match config.order {
            RolloutOrder::Ascending => {}
            RolloutOrder::Descending => order.reverse(),
            RolloutOrder::Random => {
                let salt = path_hash(&format!("fault.{}/{}", fault.name, window.number));
                let targets = Targets {
                    scenario,
                    nodes: &self.nodes,
                    streams: &self.streams,
                    leader: None,
                };
                order.sort_by_key(|instance| (targets.score(NodeId(instance.0), salt), *instance));
            }
        }
        let rollouts = &mut self.reactions.rollouts;
        let place = u32::try_from(rollouts.all.len()).expect("windows are bounded");
        for instance in &order {
            rollouts.of_instance.insert(*instance, place);
        }
        let mut nodes: Vec<NodeId> = order.iter().map(|instance| NodeId(instance.0)).collect();
        nodes.sort_unstable();
        let rollout = Rollout::new(config, index, window.fault, order);
        rollouts.all.push(rollout);
        nodes
    }

    /// The rolling restart of a window begins.
    pub(super) fn start_rollout(&mut self, window: usize) {
        let all = &self.reactions.rollouts.all;
        let place = all.iter().position(|rollout| rollout.window == window);
        let place = place.expect("it was opened");
        self.roll(u32::try_from(place).expect("windows are bounded"));
    }

    fn census(&self, rollout: &Rollout) -> Census {
        let is_up = |instance: &InstanceId| self.nodes[instance.index()].state.is_up();
        let old_ready = rollout.old.iter().filter(|old| is_up(old)).count();
        let new = rollout.new.iter();
        let new_ready = new.filter(|(new, ready)| **ready && is_up(new)).count();
        Census {
            old_ready,
            old_unready: rollout.old.len() - old_ready,
            new_ready,
            new_unready: rollout.new.len() - new_ready,
            draining: rollout.draining.len(),
        }
    }

    /// One pass over a rolling restart, and as many more as change something.
    pub(super) fn roll(&mut self, place: u32) {
        self.reactions.rollouts.get(place).is_due = false;
        loop {
            let rollout = &self.reactions.rollouts.all[place as usize];
            if rollout.is_over {
                return;
            }
            let census = self.census(rollout);
            let pass = rollout.pass(&census);
            if pass == Pass::default() {
                break;
            }
            for _ in 0..pass.starts {
                self.start_newcomer(place);
            }
            for _ in 0..pass.drains {
                self.drain_next(place);
            }
        }
        let rollout = &self.reactions.rollouts.all[place as usize];
        if rollout.has_ended(&self.census(rollout)) {
            let window = rollout.window;
            let rollouts = &mut self.reactions.rollouts;
            rollouts.get(place).is_over = true;
            rollouts.of_instance.retain(|_, of| *of != place);
            let step = 2 * u32::try_from(window).expect("windows are bounded") + 1;
            self.on_fault_step(step, 0);
        }
    }

    /// Something that a rolling restart depends on changed: a pass follows.
    fn roll_soon(&mut self, place: u32) {
        let rollout = self.reactions.rollouts.get(place);
        if !rollout.is_due && !rollout.is_over {
            rollout.is_due = true;
            self.schedule_step(SimDuration::ZERO, Step::Rolls(place));
        }
    }

    /// The load says to stop: what has begun is finished.
    pub(super) fn abort_rollouts(&mut self, fault: FaultId) {
        for place in 0..self.reactions.rollouts.all.len() {
            let rollout = &mut self.reactions.rollouts.all[place];
            if rollout.fault != fault || rollout.is_over {
                continue;
            }
            let begun = rollout.gone_count().max(rollout.new.len());
            rollout.limit = rollout.limit.min(begun);
            let instance = None;
            self.observe(Observation::RolloutStep { fault, instance });
            self.roll_soon(u32::try_from(place).expect("windows are bounded"));
        }
    }

    fn start_newcomer(&mut self, place: u32) {
        let rollout = self.reactions.rollouts.get(place);
        let victim = rollout.vacant.pop_front();
        let victim = victim.expect("no more come than there are places");
        let fault = rollout.fault;
        let node = self.newcomer(victim, None);
        let newcomer = InstanceId(node.0);
        let rollouts = &mut self.reactions.rollouts;
        rollouts.get(place).new.insert(newcomer, false);
        rollouts.of_instance.insert(newcomer, place);
        // It registers when it is ready: until then it counts as leaving.
        self.release_nodes(&[node], LifeState::Absent, Some(fault));
    }

    fn rollout_config(&self, place: u32) -> &RolloutConfig {
        let fault = self.reactions.rollouts.all[place as usize].fault;
        let kind = &self.scenario.faults[fault.index()].kind;
        kind.rollout().expect("it restarts instances")
    }

    fn drain_next(&mut self, place: u32) {
        let rollout = &self.reactions.rollouts.all[place as usize];
        let is_up = |old: &InstanceId| self.nodes[old.index()].state.is_up();
        let unready = rollout.old.iter().position(|old| !is_up(old));
        let rollout = self.reactions.rollouts.get(place);
        let instance = rollout.old.remove(unready.unwrap_or(0));
        let instance = instance.expect("no more go than there are");
        rollout.draining.insert(instance, Drain::Serves);
        let drain = self.rollout_config(place).drain;
        if drain.deregisters {
            self.registry.leases[instance.index()].leave_count += 1;
            self.reactions.touch(instance);
            if self.registry.leases[instance.index()].leave_count == 1 {
                self.deregister(instance);
            }
        }
        let step = Step::Stops { place, instance };
        self.schedule_step(drain.wait, step);
    }

    fn drain_of(&self, place: u32, instance: InstanceId) -> Option<Drain> {
        let rollout = &self.reactions.rollouts.all[place as usize];
        rollout.draining.get(&instance).copied()
    }

    /// An instance has served for long enough: it takes nothing new.
    pub(super) fn on_drain_stops(&mut self, place: u32, instance: InstanceId) {
        if self.drain_of(place, instance).is_none() {
            return;
        }
        let node = self.instance_node(instance);
        self.fold_step(node);
        let drain = self.rollout_config(place).drain;
        let draining = &mut self.reactions.rollouts.get(place).draining;
        draining.insert(instance, Drain::Finishes);
        if drain.grace.is_zero() || !self.is_alive(node) {
            return self.exit(place, instance);
        }
        self.instances[instance.index()].is_closing = true;
        if drain.is_announced {
            self.send_goaways(instance);
        }
        self.schedule_step(drain.grace, Step::Exits { place, instance });
        self.exit_if_drained(instance);
    }

    /// An instance that goes exits as soon as it has nothing left to do. One that told its callers
    /// to go away waits until they have closed their connections.
    pub(super) fn exit_if_drained(&mut self, instance: InstanceId) {
        let state = &self.instances[instance.index()];
        let work_count = state.busy_count + state.waiting_count + state.free_count;
        if !state.is_closing || 0 < work_count {
            return;
        }
        let Some(place) = self.reactions.rollouts.of_instance.get(&instance).copied() else {
            return;
        };
        if self.drain_of(place, instance) != Some(Drain::Finishes) {
            return;
        }
        let waits = self.rollout_config(place).drain.is_announced;
        if waits && self.has_connections(instance) {
            return;
        }
        let draining = &mut self.reactions.rollouts.get(place).draining;
        draining.insert(instance, Drain::Exits);
        self.schedule_step(SimDuration::ZERO, Step::Exits { place, instance });
    }

    /// The exit of an instance is due, if it has not gone before.
    pub(super) fn on_drain_exits(&mut self, place: u32, instance: InstanceId) {
        if self.drain_of(place, instance).is_some() {
            self.fold_step(self.instance_node(instance));
            self.exit(place, instance);
        }
    }

    fn exit(&mut self, place: u32, instance: InstanceId) {
        let node = self.instance_node(instance);
        let deregisters = self.rollout_config(place).drain.deregisters;
        let rollout = self.reactions.rollouts.get(place);
        let (fault, is_new) = (rollout.fault, rollout.is_new);
        rollout.draining.remove(&instance);
        self.instances[instance.index()].is_closing = false;
        if !deregisters {
            self.registry.leases[instance.index()].leave_count += 1;
            self.reactions.touch(instance);
            // A list that is configuration is edited when a new instance takes the place.
            if is_new && self.is_static(self.instances[instance.index()].service) {
                self.set_listed(instance, false);
            }
        }
        let leaves = 1 < self.registry.leases[instance.index()].leave_count;
        let is_gone = self.nodes[node.index()].state == LifeState::Absent;
        match is_new || leaves {
            // Its own grace may have ended first.
            true if is_gone => {}
            true => self.exit_for_good(node, Some(fault)),
            false => self.hold_nodes(&[node], LifeState::Absent, Some(fault)),
        }
        if is_new {
            self.reactions.rollouts.of_instance.remove(&instance);
        } else if leaves {
            // It has gone, so what else makes it leave need not see to that.
            self.faults.graces.remove(&instance);
            self.registry.leases[instance.index()].leave_count -= 1;
            self.forget_in_rollout(place, instance);
        } else {
            let rollout = self.reactions.rollouts.get(place);
            rollout.new.insert(instance, false);
            self.release_nodes(&[node], LifeState::Absent, Some(fault));
        }
        self.roll_soon(place);
    }

    /// An instance leaves for another reason: a rolling restart does not replace it. One that goes
    /// in it already does so as it began, and does not come back.
    pub(super) fn leave_rollout(&mut self, instance: InstanceId) {
        let rollouts = &mut self.reactions.rollouts;
        let Some(place) = rollouts.of_instance.get(&instance).copied() else {
            return;
        };
        let rollout = rollouts.get(place);
        if !rollout.draining.contains_key(&instance) {
            return self.drop_from_rollout(instance);
        }
        if rollout.is_new {
            rollout.leave_vacant(instance);
            self.roll_soon(place);
        }
    }

    /// An instance leaves for another reason, or died and never comes back: no rolling restart
    /// waits for it.
    pub(super) fn drop_from_rollout(&mut self, instance: InstanceId) {
        let rollouts = &self.reactions.rollouts;
        let Some(place) = rollouts.of_instance.get(&instance).copied() else {
            return;
        };
        let is_awaited = rollouts.all[place as usize].new.get(&instance) == Some(&false);
        let drains = self.drain_of(place, instance).is_some();
        if is_awaited || (drains && self.rollout_config(place).drain.deregisters) {
            // It counted as leaving until it would be ready.
            self.registry.leases[instance.index()].leave_count -= 1;
            self.reactions.touch(instance);
        }
        if drains {
            self.instances[instance.index()].is_closing = false;
        }
        self.forget_in_rollout(place, instance);
        self.roll_soon(place);
    }

    fn forget_in_rollout(&mut self, place: u32, instance: InstanceId) {
        let rollouts = &mut self.reactions.rollouts;
        rollouts.get(place).forget(instance);
        rollouts.of_instance.remove(&instance);
    }

    /// The process of a node started: if it came in a rolling restart, it will be ready.
    pub(super) fn note_rollout_start(&mut self, node: NodeId) {
        let instance = InstanceId(node.0);
        let rollouts = &self.reactions.rollouts;
        let Some(place) = rollouts.of_instance.get(&instance).copied() else {
            return;
        };
        if rollouts.all[place as usize].new.get(&instance) == Some(&false) {
            let ready_after = self.rollout_config(place).ready_after;
            self.await_readiness(place, instance, ready_after);
        }
    }

    fn await_readiness(&mut self, place: u32, instance: InstanceId, after: SimDuration) {
        let incarnation = self.nodes[instance.index()].incarnation;
        let step = Step::Readies {
            place,
            instance,
            incarnation,
        };
        self.schedule_step(after, step);
    }

    /// A process that came in a rolling restart is ready, unless it died before.
    pub(super) fn on_ready(&mut self, place: u32, instance: InstanceId, incarnation: u32) {
        let node = self.instance_node(instance);
        let state = self.nodes[node.index()].state;
        let new = &self.reactions.rollouts.all[place as usize].new;
        let is_awaited = new.get(&instance) == Some(&false);
        let is_it = self.nodes[node.index()].incarnation == incarnation;
        if !is_awaited || !is_it || !self.is_alive(node) {
            return;
        }
        self.fold_step(node);
        if state == LifeState::Paused {
            return self.await_readiness(place, instance, READY_RETRY);
        }
        let rollout = self.reactions.rollouts.get(place);
        rollout.new.insert(instance, true);
        let fault = rollout.fault;
        let leave_count = &mut self.registry.leases[instance.index()].leave_count;
        *leave_count -= 1;
        if *leave_count == 0 {
            self.register(instance);
        }
        self.reactions.touch(instance);
        let instance = Some(instance);
        self.observe(Observation::RolloutStep { fault, instance });
        self.roll_soon(place);
    }

    /// A node changed its state: what depends on it is looked at again.
    pub(super) fn note_rollout_change(&mut self, node: NodeId) {
        let of_instance = &self.reactions.rollouts.of_instance;
        if let Some(place) = of_instance.get(&InstanceId(node.0)).copied() {
            self.roll_soon(place);
        }
    }
}
