//! One detector: all pairs of one kind, and what they got right and wrong.

use std::collections::BTreeMap;
use std::ops::Range;

use super::detection_cell::DetectionCell;
use super::histogram::Samples;
use super::presence::Presence;
use crate::id::{EdgeId, FaultId, ServiceId};
use crate::scenario::Scenario;
use crate::stats::batch::BATCH_COUNT_MIN;
use crate::time::{SimDuration, SimTime};

/// Equal parts of the measured window by which mistakes are counted: as many as batches of a run
/// need to say how they vary.
pub const MISTAKE_PART_COUNT: usize = BATCH_COUNT_MIN;

/// All pairs of one kind.
#[derive(Clone, Debug)]
pub struct Detector {
    /// `registry` or the path of the edge.
    pub name: String,
    /// The service that is watched.
    pub service: ServiceId,
    /// The edge whose calling sides watch; None for the registry and for clusters.
    pub edge: Option<usize>,
    /// The cluster whose members watch.
    pub cluster: Option<u32>,
    /// The nodes that watch; none of the registry, which watches always.
    pub(super) watchers: Vec<Range<u32>>,
    /// Suspectors on each of these nodes.
    sides_per_node: u64,
    /// By fault; None where a crash had no fault.
    pub by_fault: BTreeMap<Option<FaultId>, DetectionCell>,
    /// Mistakes that began in each part of the measured window.
    pub mistake_counts: [u64; MISTAKE_PART_COUNT],
    /// Their durations, where they ended.
    pub mistake_duration: Samples,
    /// Mistakes that lasted at the end.
    pub mistake_open_count: u64,
    /// Wrong suspicion in the measured window, summed over pairs.
    wrong: SimDuration,
    /// Instances that are there and have not crashed.
    pub(super) alive_count: u64,
    /// Suspectors of each of them that are there.
    suspector_count: u64,
    counted_since: SimTime,
    /// Time in the measured window, summed over pairs of these, in seconds.
    pair_secs: f64,
}

impl Detector {
    /// The detector of an edge, or with None the registry's, of a service.
    pub(super) fn new(
        scenario: &Scenario,
        name: String,
        service: ServiceId,
        edge: Option<usize>,
    ) -> Self {
        let of_service = scenario.groups.iter().filter(|g| g.service == service);
        let edge_id = edge.map(EdgeId::from_index);
        let watchers = edge_id.map(|edge| scenario.topology.edge_nodes(edge));
        Detector {
            name,
            service,
            edge,
            cluster: None,
            watchers: watchers.into_iter().collect(),
            sides_per_node: edge.map_or(1, |edge| scenario.edges[edge].side_count().into()),
            by_fault: BTreeMap::new(),
            mistake_counts: [0; MISTAKE_PART_COUNT],
            mistake_duration: Samples::default(),
            mistake_open_count: 0,
            wrong: SimDuration::ZERO,
            alive_count: of_service.map(|g| u64::from(g.count)).sum(),
            suspector_count: 1,
            counted_since: SimTime::START,
            pair_secs: 0.0,
        }
    }

    /// The same, of the members of a cluster on these nodes.
    pub(super) fn of_cluster(self, cluster: u32, watchers: Vec<Range<u32>>) -> Self {
        Detector {
            cluster: Some(cluster),
            watchers,
            ..self
        }
    }

    /// Time in the measured window in which both are up, summed over pairs, in seconds.
    pub fn observed_pair_secs(&self) -> f64 {
        self.pair_secs
    }

    /// Mistakes that began in the measured window.
    pub fn mistake_count(&self) -> u64 {
        self.mistake_counts.iter().sum()
    }

    /// Mistakes per second of [`Detector::observed_pair_secs`].
    pub fn mistake_rate_per_sec(&self) -> Option<f64> {
        let secs = self.observed_pair_secs();
        (0.0 < secs).then(|| self.mistake_count() as f64 / secs)
    }

    /// Mean time between the starts of mistakes of a pair.
    pub fn mistake_recurrence_secs(&self) -> Option<f64> {
        let count = self.mistake_count();
        (0 < count).then(|| self.observed_pair_secs() / count as f64)
    }

    /// Share of the time up in which a pair does not suspect.
    pub fn query_accuracy_ratio(&self) -> Option<f64> {
        let secs = self.observed_pair_secs();
        (0.0 < secs).then(|| 1.0 - self.wrong.as_secs_f64() / secs)
    }

    /// Crashes by all faults, or by one.
    pub fn detection(&self, fault: Option<FaultId>) -> DetectionCell {
        let mut sum = DetectionCell::default();
        for (of_fault, cell) in &self.by_fault {
            if fault.is_none() || fault == *of_fault {
                sum.merge(cell);
            }
        }
        sum
    }

    /// Adds a time of wrong suspicion.
    pub(super) fn add_wrong(&mut self, from: SimTime, to: SimTime, measured: (SimTime, SimTime)) {
        let (from, to) = (from.max(measured.0), to.min(measured.1));
        if from < to {
            self.wrong += to.since(from);
        }
    }

    /// Counts the time of pairs up to now.
    pub(super) fn advance(&mut self, at: SimTime, measured: (SimTime, SimTime)) {
        let (from, to) = (self.counted_since.max(measured.0), at.min(measured.1));
        if from < to {
            let pair_count = self.alive_count * self.suspector_count;
            self.pair_secs += pair_count as f64 * to.since(from).as_secs_f64();
        }
        self.counted_since = at;
    }

    /// Counts who watches. Members of a cluster watch one another, not themselves.
    pub(super) fn count_suspectors(&mut self, presence: &Presence) {
        if self.watchers.is_empty() {
            return;
        }
        let nodes = self.watchers.iter().map(|nodes| presence.count(nodes));
        let all = nodes.sum::<u64>() * self.sides_per_node;
        self.suspector_count = all.saturating_sub(u64::from(self.cluster.is_some()));
    }

    /// Who has watched since an instant, the instance that is down excepted.
    pub(super) fn witness_count(&self, presence: &Presence, since: SimTime) -> u64 {
        let of_nodes = |nodes| presence.stayed_count(nodes, since) * self.sides_per_node;
        match self.watchers.as_slice() {
            [] => 1,
            watchers => watchers.iter().map(of_nodes).sum(),
        }
    }
}
