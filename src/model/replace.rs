//! What comes in place of victims while their fault lasts.

use super::fault_plan::{PlannedWindow, scaled_out_count};
use super::observation::{LifeState, Observer};
use super::reaction::Step;
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{GroupId, InstanceId, NodeId, ZoneId};
use crate::scenario::fault::FaultKind;
use crate::scenario::trigger::{Identity, ReplaceConfig};

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// A window began: its victims may be replaced before it ends.
    pub(super) fn plan_replacement(&mut self, index: usize, window: &PlannedWindow, begins: bool) {
        let fault = &self.scenario.faults[window.fault.index()];
        let Some(replace) = fault.replace else {
            return;
        };
        if begins && self.now() + replace.after < window.end {
            let index = u32::try_from(index).expect("windows are bounded");
            self.schedule_step(replace.after, Step::Replaces(index));
        }
    }

    /// The victims of a window are replaced; its end no longer concerns them.
    pub(super) fn replace_victims(&mut self, index: usize) {
        let window = self.faults.note_replaced(index);
        let fault = &self.scenario.faults[window.fault.index()];
        let replace = fault.replace.expect("its fault replaces");
        let state = match fault.kind {
            FaultKind::HostLoss => LifeState::HostLost,
            _ => LifeState::Crashed,
        };
        for node in &window.targets {
            self.fold_step(*node);
        }
        match replace.identity {
            Identity::Keep => self.release_nodes(&window.targets, state, Some(window.fault)),
            Identity::New { zone } => {
                for victim in &window.targets {
                    self.drop_from_rollout(InstanceId(victim.0));
                    let newcomer = self.newcomer(InstanceId(victim.0), zone);
                    // A static list is edited; a lease runs out by itself.
                    self.deregister(InstanceId(victim.0));
                    self.join(&[newcomer], None);
                }
            }
        }
    }

    /// Whether another instance has come in the place of one that died, which never comes back.
    pub(super) fn has_successor(&self, instance: InstanceId) -> bool {
        self.faults.replaced.iter().any(|index| {
            let window = &self.faults.windows[*index];
            let replace = self.scenario.faults[window.fault.index()].replace;
            let is_new = |replace: &ReplaceConfig| matches!(replace.identity, Identity::New { .. });
            replace.is_some_and(|replace| is_new(&replace))
                && window.targets.contains(&NodeId(instance.0))
        })
    }

    /// The next spare instance of the group that takes in what replaces `victim`.
    pub(super) fn newcomer(&mut self, victim: InstanceId, zone: Option<ZoneId>) -> NodeId {
        let scenario = self.scenario;
        let own = scenario.topology.group_of(victim);
        let service = scenario.groups[own.index()].service;
        let in_zone = |zone| {
            let groups = &scenario.services[service.index()].groups;
            let is_there = |group: &&GroupId| scenario.groups[group.index()].zone == zone;
            *groups.iter().find(is_there).expect("checked at the start")
        };
        let group = zone.map_or(own, in_zone);
        let config = &scenario.groups[group.index()];
        let scaled = scenario.services[service.index()].autoscale;
        let scaled = scaled.map_or(0, |autoscale| autoscale.max - config.count);
        let before = config.count + scaled_out_count(&scenario.faults, group) + scaled;
        let next = self
            .reactions
            .replacement_next
            .entry(group.0)
            .or_insert(before);
        let place = *next;
        *next += 1;
        assert!(
            place < config.count + config.count_spare,
            "a slot is counted for every replacement"
        );
        NodeId(scenario.topology.group_instances(group).start + place)
    }
}
