//! How calling sides stopped using instances that are down, or left because of a fault.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::data::detection::ExclusionStats;
use super::histogram::Samples;
use super::life::Episode;
use super::presence::Presence;
use crate::id::{CallerId, EdgeId, FaultId, InstanceId};
use crate::model::observation::ExclusionCause;
use crate::model::view::ViewSnapshot;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Exclusions that are followed until they are final; more are taken as final at once.
const OPEN_COUNT_MAX: usize = 1_000_000;

/// An exclusion that may still be taken back.
#[derive(Clone, Copy, Debug)]
struct Exclusion {
    at: SimTime,
    cause: ExclusionCause,
}

/// Exclusions by the calling sides of one edge of instances that one fault took down.
#[derive(Clone, Debug, Default)]
pub struct ExclusionCell {
    /// Down to final exclusion.
    pub total: Samples,
    detection: Samples,
    publication: Samples,
    propagation: Samples,
    /// Pairs that kept the instance as a candidate.
    pub not_excluded_count: u64,
    assumed_final_count: u64,
}

/// All calling sides of one run.
#[derive(Clone, Debug, Default)]
pub struct ExclusionTable {
    measured: (SimTime, SimTime),
    /// By fault (None where a crash had none) and edge.
    pub cells: BTreeMap<(Option<FaultId>, u32), ExclusionCell>,
    /// Exclusions of instances that are down, by instance and calling side.
    open: BTreeMap<(u32, u32), Exclusion>,
    /// First views by edge and content, with the number of calling sides that began with them.
    first_views: BTreeMap<(u32, u64), (Arc<ViewSnapshot>, i64)>,
    /// What each calling side balances over; None before its first list.
    views: Vec<Option<Arc<ViewSnapshot>>>,
    /// Inclusions minus exclusions since the first views, by edge and instance.
    changes: Vec<Vec<i64>>,
    /// First instance of the service of each edge.
    instance_firsts: Vec<u32>,
}

impl ExclusionCell {
    /// Adds another cell.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        self.detection.merge(&other.detection);
        self.publication.merge(&other.publication);
        self.propagation.merge(&other.propagation);
        self.not_excluded_count += other.not_excluded_count;
        self.assumed_final_count += other.assumed_final_count;
    }

    /// As plain data.
    pub fn stats(&self) -> ExclusionStats {
        ExclusionStats {
            total: self.total.stats(),
            detection: self.detection.stats(),
            publication: self.publication.stats(),
            propagation: self.propagation.stats(),
            not_excluded_count: self.not_excluded_count,
            assumed_final_count: self.assumed_final_count,
        }
    }

    fn record(&mut self, exclusion: &Exclusion, episode: &Episode) {
        let since = episode.since;
        self.total.record(exclusion.at.max(since).since(since));
        let (ExclusionCause::Registry, Some(suspected_at), Some(published_at)) =
            (exclusion.cause, episode.suspected_at, episode.published_at)
        else {
            return;
        };
        let suspected_at = suspected_at.max(since);
        let published_at = published_at.max(suspected_at);
        if published_at <= exclusion.at {
            self.detection.record(suspected_at.since(since));
            self.publication.record(published_at.since(suspected_at));
            self.propagation.record(exclusion.at.since(published_at));
        }
    }
}

impl ExclusionTable {
    /// Nobody excludes anybody. `measured` is the measured window.
    pub fn new(scenario: &Scenario, measured: (SimTime, SimTime)) -> Self {
        let topology = &scenario.topology;
        let ranges = scenario
            .edges
            .iter()
            .map(|edge| topology.service_instances(edge.to));
        ExclusionTable {
            measured,
            views: vec![None; topology.caller_count() as usize],
            changes: ranges.clone().map(|range| vec![0; range.len()]).collect(),
            instance_firsts: ranges.map(|range| range.start).collect(),
            ..ExclusionTable::default()
        }
    }

    /// A calling side balances over other candidates.
    pub fn hold(&mut self, caller: CallerId, edge: EdgeId, view: &Arc<ViewSnapshot>) {
        let earlier = self.views[caller.index()].replace(Arc::clone(view));
        if earlier.is_none() {
            let key = (edge.0, view.content_id);
            let first = self
                .first_views
                .entry(key)
                .or_insert_with(|| (Arc::clone(view), 0));
            first.1 += 1;
        }
    }

    /// Whether a calling side has an instance as a candidate.
    pub fn is_listed(&self, caller: CallerId, instance: InstanceId) -> bool {
        let view = self.views[caller.index()].as_ref();
        view.is_some_and(|view| view.position(instance).is_some())
    }

    /// A calling side excluded an instance; `episode` if the instance is down, or gone.
    pub fn exclude(
        &mut self,
        at: SimTime,
        (caller, edge): (CallerId, EdgeId),
        instance: InstanceId,
        cause: ExclusionCause,
        episode: Option<&Episode>,
    ) {
        self.change(edge, instance, -1);
        let Some(episode) = episode else { return };
        let exclusion = Exclusion { at, cause };
        if self.open.len() < OPEN_COUNT_MAX {
            self.open.insert((instance.0, caller.0), exclusion);
        } else if self.is_measured(episode) {
            let cell = self.cells.entry((episode.fault, edge.0)).or_default();
            cell.record(&exclusion, episode);
            cell.assumed_final_count += 1;
        }
    }

    /// A calling side includes an instance again.
    pub fn include(&mut self, caller: CallerId, edge: EdgeId, instance: InstanceId) {
        self.change(edge, instance, 1);
        self.open.remove(&(instance.0, caller.0));
    }

    /// An instance is no longer down: what excludes it now was final.
    pub fn recover(
        &mut self,
        at: SimTime,
        instance: InstanceId,
        episode: &Episode,
        (presence, scenario): (&Presence, &Scenario),
    ) {
        let is_measured = self.is_measured(episode);
        let keys: Vec<(u32, u32)> = self
            .open
            .range((instance.0, 0)..=(instance.0, u32::MAX))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            let exclusion = self.open.remove(&key).expect("the key was just read");
            if is_measured {
                let edge = scenario.topology.edge_of(CallerId(key.1));
                let cell = self.cells.entry((episode.fault, edge.0)).or_default();
                cell.record(&exclusion, episode);
            }
        }
        let service = scenario.topology.service_of(instance);
        for (index, edge) in scenario.edges.iter().enumerate() {
            // Nobody can exclude in time what is back at once.
            if edge.to == service && is_measured && episode.since < at {
                let edge = EdgeId::from_index(index);
                let away_count = self.away_count(at, (edge, instance), presence, scenario);
                let count = self.candidate_count(edge, instance) - away_count;
                let cell = self.cells.entry((episode.fault, edge.0)).or_default();
                cell.not_excluded_count += count;
            }
        }
    }

    /// Exclusions after all faults or one, by all edges or one.
    pub fn pooled(&self, fault: Option<FaultId>, edge: Option<EdgeId>) -> ExclusionCell {
        let mut sum = ExclusionCell::default();
        for ((of_fault, of_edge), cell) in &self.cells {
            let is_fault = fault.is_none() || fault == *of_fault;
            if is_fault && edge.is_none_or(|e| e.0 == *of_edge) {
                sum.merge(cell);
            }
        }
        sum
    }

    /// Calling sides of an edge that have an instance as a candidate.
    fn candidate_count(&self, edge: EdgeId, instance: InstanceId) -> u64 {
        let firsts = self.first_views.range((edge.0, 0)..=(edge.0, u64::MAX));
        let began: i64 = firsts
            .filter(|(_, (view, _))| view.position(instance).is_some())
            .map(|(_, (_, count))| count)
            .sum();
        let local = (instance.0 - self.instance_firsts[edge.index()]) as usize;
        let count = began + self.changes[edge.index()][local];
        u64::try_from(count).expect("only candidates are excluded, and others included")
    }

    /// Of these, the ones whose node was down or absent until now: they use nobody.
    fn away_count(
        &self,
        at: SimTime,
        (edge, instance): (EdgeId, InstanceId),
        presence: &Presence,
        scenario: &Scenario,
    ) -> u64 {
        let topology = &scenario.topology;
        let has_it = |caller: &CallerId| self.is_listed(*caller, instance);
        let away = presence.away_until(topology.edge_nodes(edge), at);
        let sides = away.flat_map(|node| topology.callers_of(edge, node));
        sides.filter(has_it).count() as u64
    }

    fn change(&mut self, edge: EdgeId, instance: InstanceId, change: i64) {
        let local = (instance.0 - self.instance_firsts[edge.index()]) as usize;
        self.changes[edge.index()][local] += change;
    }

    fn is_measured(&self, episode: &Episode) -> bool {
        self.measured.0 <= episode.since && episode.since < self.measured.1
    }
}
