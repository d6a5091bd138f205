//! What is counted of faults, and of instances that they take down.

use super::life::Episode;
use super::recorder::Recorder;
use crate::id::{FaultId, InstanceId, NodeId};
use crate::time::SimTime;

impl Recorder<'_> {
    pub(super) fn fault_started(&mut self, fault: FaultId, targets: &[NodeId]) {
        let counts = &mut self.tables.faults[fault.index()];
        counts.target_count_max = counts.target_count_max.max(targets.len() as u64);
        counts.targets.extend(targets);
        self.tables.rings.hit(fault, targets);
        self.tables.convergence.hit(fault, targets);
        let so_far = (&self.tables.selection, self.scenario);
        self.tables.share_returns.begin(fault, targets, so_far);
    }

    pub(super) fn go_down(&mut self, at: SimTime, instance: InstanceId, fault: Option<FaultId>) {
        let episode = Episode {
            fault,
            since: at,
            suspected_at: None,
            published_at: None,
        };
        self.life.begin(instance, episode);
        if let Some(fault) = fault {
            self.tables.faults[fault.index()].down_count += 1;
        }
        self.tables.detection.leave(at, instance, self.scenario);
    }

    /// An instance is no longer down, if it was: who was absent has no failure to detect.
    pub(super) fn come_back(&mut self, at: SimTime, instance: InstanceId, is_alive: bool) {
        match self.life.end(instance) {
            Some(episode) => self.settle(at, instance, &episode, is_alive),
            None if is_alive => self.tables.detection.enter(at, instance, self.scenario),
            None => {}
        }
    }

    pub(super) fn settle(
        &mut self,
        at: SimTime,
        instance: InstanceId,
        episode: &Episode,
        is_alive: bool,
    ) {
        let scenario = self.scenario;
        let who = (self.tables.detection.presence(), scenario);
        self.tables.exclusion.recover(at, instance, episode, who);
        self.tables.detection.recover(instance, episode, scenario);
        if is_alive {
            self.tables.detection.enter(at, instance, scenario);
        }
    }

    pub(super) fn wasted(&mut self, at: SimTime, instance: InstanceId) {
        let episode = self.life.episode(instance);
        if let Some((fault, since)) = episode.and_then(|e| Some((e.fault?, e.since))) {
            let counts = &mut self.tables.faults[fault.index()];
            counts.wasted_count += 1;
            counts.wasted_after_max = counts.wasted_after_max.max(Some(at.since(since)));
        }
    }
}
