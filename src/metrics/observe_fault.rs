//! What is counted of faults, and of instances that they take down.

use super::data::timeline::BelievedState;
use super::life::Episode;
use super::recorder::Recorder;
use super::table::FaultCounts;
use super::timeline::{Witness, member_shown};
use crate::id::{CallerId, EdgeId, FaultId, InstanceId, NodeId};
use crate::scenario::fault::FaultKind;
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
        match self.scenario.faults[fault.index()].kind {
            FaultKind::ScaleIn { .. } => self.life.tell_to_leave(targets, fault),
            FaultKind::ScaleOut { .. } => self.life.tell_to_stay(targets, fault),
            _ => {}
        }
    }

    pub(super) fn fault_ended(&mut self, at: SimTime, fault: FaultId, targets: &[NodeId]) {
        self.tables.share_returns.end(at, fault, targets);
        match self.scenario.faults[fault.index()].kind {
            FaultKind::ScaleIn { .. } => self.life.tell_to_stay(targets, fault),
            FaultKind::ScaleOut { .. } => self.life.tell_to_leave(targets, fault),
            _ => {}
        }
    }

    /// An instance is no longer there. `is_exit`: it left on purpose; that is followed where a
    /// fault was the reason.
    pub(super) fn go_away(
        &mut self,
        at: SimTime,
        instance: InstanceId,
        is_exit: bool,
        fault: Option<FaultId>,
    ) {
        let fault = match is_exit {
            true => fault.or(self.life.told_to_leave(instance)),
            false => fault,
        };
        let episode = Episode {
            is_exit,
            fault,
            since: at,
            suspected_at: None,
            published_at: None,
        };
        match (is_exit, fault) {
            (true, None) => {}
            (true, Some(fault)) => {
                self.life.begin(instance, episode);
                self.tables.rollouts.touch(at, fault);
                self.show_listed(instance);
            }
            (false, _) => {
                self.life.begin(instance, episode);
                self.show_trusting(instance);
                self.show_listed(instance);
                if let Some(fault) = fault {
                    self.tables.faults[fault.index()].down_count += 1;
                }
            }
        }
        self.tables.detection.leave(at, instance, self.scenario);
    }

    /// Those who watch an instance may never notice that it is down.
    fn show_trusting(&mut self, instance: InstanceId) {
        let service = self.scenario.topology.service_of(instance);
        let watching = self.tables.detection.detectors.iter();
        for detector in watching.filter(|detector| detector.service == service) {
            let witness = match (detector.cluster, detector.edge) {
                (Some(cluster), _) => {
                    let member = member_shown(cluster, instance, self.scenario);
                    member.map(Witness::Member)
                }
                (None, Some(edge)) => Some(Witness::Detector(EdgeId::from_index(edge))),
                (None, None) => Some(Witness::Registry),
            };
            let timelines = &mut self.tables.timelines;
            if let Some(witness) = witness {
                timelines.begin(instance, witness, BelievedState::Up);
            }
        }
    }

    /// Callers whose candidates are shown may list an instance that is gone until the end.
    fn show_listed(&mut self, instance: InstanceId) {
        let topology = &self.scenario.topology;
        let service = topology.service_of(instance);
        let edges = self.scenario.edges.iter().enumerate();
        for (index, _) in edges.filter(|(_, edge)| edge.to == service) {
            let edge = EdgeId::from_index(index);
            let caller = CallerId(topology.edge_callers(edge).start);
            if self.tables.exclusion.is_listed(caller, instance) {
                let witness = Witness::Candidates(edge);
                let timelines = &mut self.tables.timelines;
                timelines.begin(instance, witness, BelievedState::Up);
            }
        }
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
        if !episode.is_exit {
            self.tables.detection.recover(instance, episode, scenario);
        }
        if is_alive {
            self.tables.detection.enter(at, instance, scenario);
        }
    }

    pub(super) fn wasted(&mut self, at: SimTime, instance: InstanceId) {
        let Some(episode) = self.life.episode(instance) else {
            return;
        };
        let (since, is_exit) = (episode.since, episode.is_exit);
        let Some(fault) = episode.fault else { return };
        let windows = self.tables.timeline.fault_windows(fault.index());
        self.tables.faults[fault.index()].waste(at, since, windows);
        if is_exit {
            self.tables.rollouts.touch(at, fault);
        }
    }
}

impl FaultCounts {
    /// An attempt was sent to an instance that the fault has held down since an instant.
    fn waste(&mut self, at: SimTime, since: SimTime, windows: &[(SimTime, SimTime)]) {
        self.wasted_count += 1;
        self.wasted_after_max = self.wasted_after_max.max(Some(at.since(since)));
        let begun_count = windows.partition_point(|(start, _)| *start <= at);
        self.wasted_at
            .resize(self.wasted_at.len().max(begun_count), None);
        if let Some(last) = self.wasted_at[..begun_count].last_mut() {
            *last = Some(at);
        }
    }
}
