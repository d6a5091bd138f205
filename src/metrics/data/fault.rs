//! What a fault did.

use serde::Serialize;

use super::detection::{ExclusionStats, FaultDetection};
use crate::hash::placement::Circle;

/// One fault of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FaultMetrics {
    /// Its name.
    pub fault: String,
    /// Its kind: `host_loss`.
    pub kind: &'static str,
    /// Its windows, joined where they overlap, in order; at most the first 1,000.
    pub windows: Vec<FaultSpan>,
    /// Windows in all, joined where they overlap.
    pub window_count: u64,
    /// Every target has windows of its own.
    pub is_each: bool,
    /// Nodes that it acted on in any window; 0 where it acts on links or the registry.
    pub target_count: u64,
    /// All of these are instances.
    pub is_of_instances: bool,
    /// Most nodes that one of its windows acted on.
    pub target_count_max: u64,
    /// Instances that it took down, counted at every time; who left on purpose is not among them.
    pub down_count: u64,
    /// How each detector saw it.
    pub detection: Vec<FaultDetection>,
    /// How callers stopped using its victims.
    pub exclusion: ExclusionStats,
    /// Attempts sent to instances while it held them down, or after they left because of it.
    pub wasted_attempt_count: u64,
    /// From an instance's going down, or its exit, to the last of these attempts, the longest of
    /// all times.
    pub last_wasted_attempt_secs: Option<f64>,
    /// Start of each window to the steady band.
    pub mitigation: ReturnTimes,
    /// End of each window to the steady band.
    pub recovery: ReturnTimes,
    /// Other faults that were under way, or not returned from, at the same time: what each of them
    /// did alone is not known, and these times tell only when the service was back from all.
    /// At most the first 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<String>,
    /// How many these are.
    #[serde(skip_serializing_if = "is_zero")]
    pub overlap_count: u64,
    /// What became of the hash rings, one entry for each edge that uses one over servers that the
    /// fault acted on.
    pub rings: Vec<RingChange>,
    /// How soon picks followed weights that the fault changed, one entry for each edge to instances
    /// that it acted on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub selection: Vec<SelectionConvergence>,
    /// How soon those that it hit carried their share again, one entry for each edge to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub share_returns: Vec<ShareReturn>,
    /// What became of a rolling restart; None of other kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutMetrics>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a rolling restart did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RolloutMetrics {
    /// Instances that came and were ready.
    pub replaced_count: u64,
    /// The load stopped it.
    pub is_aborted: bool,
    /// Requests that did not succeed and were under way in its windows, or when it stopped an
    /// instance, or when an attempt was sent to one that it had stopped.
    pub failed_request_count: u64,
    /// Keys that moved, by edge that balances by key over its instances.
    pub moves: Vec<RolloutMoves>,
    /// Attempts per instance later, by minute and service.
    pub loads: Vec<LaterLoad>,
}

/// The keys of one edge that a rolling restart moved.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RolloutMoves {
    /// The edge.
    pub edge: String,
    /// Changes of the candidates of its first caller.
    pub change_count: u64,
    /// Sum of the shares of the hash space that moved with each of them; None where they are too
    /// many to build all rings.
    pub moved_key_ratio_sum: Option<f64>,
    /// Share of the hash space that lies elsewhere in the end.
    pub moved_key_ratio: Option<f64>,
}

/// Attempts in a minute after a rolling restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LaterLoad {
    /// Minutes from its end to the start of the minute.
    pub minutes_after: u64,
    /// The service.
    pub service: String,
    /// By instance that was up at the end of the minute.
    pub attempt_counts: Vec<u64>,
}

impl RolloutMetrics {
    /// Failed requests per instance replaced.
    pub fn failed_per_replaced(&self) -> Option<f64> {
        let count = self.replaced_count;
        (0 < count).then(|| self.failed_request_count as f64 / count as f64)
    }
}

impl RolloutMoves {
    /// What moved for nothing, in hash spaces.
    pub fn extra_moved_key_ratio(&self) -> Option<f64> {
        // What lies elsewhere moved at least once; a rounding error must not say otherwise.
        Some((self.moved_key_ratio_sum? - self.moved_key_ratio?).max(0.0))
    }
}

/// How soon the picks of an edge followed the weights that a fault changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelectionConvergence {
    /// The edge.
    pub edge: String,
    /// Whether every instance with a weight is expected to get five picks in a window on average;
    /// with fewer, picks say nothing.
    pub has_enough_picks: bool,
    /// From the start of the fault to the first of five windows in a row in which every instance
    /// has its share of the picks, within four binomial standard errors and one pick; None where
    /// there are none in the first window of the fault.
    pub converged_after_secs: Option<f64>,
    /// Width of these windows, which begin with the fault.
    pub window_secs: f64,
}

/// How soon the instances that a fault hit carried their share of an edge again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareReturn {
    /// The edge.
    pub edge: String,
    /// Whether five attempts to them are expected in a window on average; with fewer, the attempts
    /// say nothing.
    pub has_enough_attempts: bool,
    /// Their share of the attempts until the fault, all of them together; None where there were
    /// none.
    pub share_before_ratio: Option<f64>,
    /// From the end of the fault's first window to the first of five windows in a row in which
    /// they had at least that share, less four binomial standard errors and one attempt; None
    /// where there are none before the next window of the fault or the end of the run.
    pub returned_after_secs: Option<f64>,
    /// Width of these windows, which begin with the end of the fault.
    pub window_secs: f64,
}

impl FaultMetrics {
    /// The rings in which keys moved.
    pub fn moved_rings(&self) -> impl Iterator<Item = &RingChange> {
        let rings = self.rings.iter();
        rings.filter(|ring| 0.0 < ring.moved_key_ratio)
    }
}

/// One window of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FaultSpan {
    /// Its start.
    pub start_secs: f64,
    /// Its end; the end of the run where the fault stays.
    pub end_secs: f64,
}

/// Times until the service was back in its steady band: the first of five windows in a row with
/// success ratio >= steady - 0.1 points and p99 <= 1.25 x steady, or no worse than chance explains.
/// They follow the first window that left the band by more than that until the end of the fault, or
/// until the last attempt to an instance that it took down or had leave.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReturnTimes {
    /// One for each window of the fault after which it was reached.
    pub reached_secs: Vec<f64>,
    /// Windows of the fault after which it was not reached before the next one or the end.
    pub not_reached_count: u64,
    /// Windows of the fault around which too few requests arrived to tell.
    pub untold_count: u64,
    /// Mean of the times, if there are any.
    pub mean_secs: Option<f64>,
    /// Largest; None where one was not reached or is not told.
    pub max_secs: Option<f64>,
    /// Width of the windows of the series that were judged.
    pub window_secs: f64,
}

/// The ring of the first caller of an edge before a fault and after the last change inside its
/// first window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RingChange {
    /// The edge.
    pub edge: String,
    /// Share of the hash space that changed its owner.
    pub moved_key_ratio: f64,
    /// The least that any method must move to follow the weights: the sum of what each instance's
    /// share of the weight grew.
    pub moved_key_ratio_ideal: f64,
    /// Share of the hash space that went from an instance that stayed, with no less weight, to
    /// another that was there before, with no more weight: no change of the weights asked for it.
    pub needless_move_ratio: f64,
    /// Instances that got keys of others.
    pub inheritor_count: u64,
    /// Those that got most, most first; at most ten.
    pub inheritors: Vec<Inheritor>,
    /// Share of the requests, by the popularity of their keys, whose owner changed; None where the
    /// keys are too many to walk.
    pub moved_request_ratio: Option<f64>,
    /// Largest over mean owned share per weight, before; None of an empty ring.
    pub ownership_max_over_mean_before: Option<f64>,
    /// Coefficient of variation of the owned share per weight, before.
    pub ownership_cv_before: Option<f64>,
    /// Largest over mean owned share per weight, after.
    pub ownership_max_over_mean_after: Option<f64>,
    /// Coefficient of variation of the owned share per weight, after.
    pub ownership_cv_after: Option<f64>,
    /// Jain's index of the owned share per weight, before.
    pub ownership_jain_before: Option<f64>,
    /// Jain's index of the owned share per weight, after.
    pub ownership_jain_after: Option<f64>,
    /// Largest over mean share of the requests per weight after the change, by the popularity of
    /// their keys; None where the keys are too many.
    pub load_max_over_mean_after: Option<f64>,
    /// Coefficient of variation of the same.
    pub load_cv_after: Option<f64>,
    /// Jain's index of the same.
    pub load_jain_after: Option<f64>,
    /// Owned shares, for every instance that is in one of the two rings.
    pub instances: Vec<RingShare>,
    /// What went from whom to whom, most first; at most 4,096.
    #[serde(skip)]
    pub moves: Vec<KeyMove>,
    /// The circles before and after; None of placements that are no ring.
    #[serde(skip)]
    pub circles: Option<[Circle; 2]>,
}

/// Keys that one instance took over from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyMove {
    /// Who had them, by its place in the tables of the run.
    pub from: u32,
    /// Who has them.
    pub to: u32,
    /// Share of the hash space.
    pub ratio: f64,
    /// No change of the weights asked for it.
    pub is_needless: bool,
}

/// An instance that got keys of others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inheritor {
    /// `web/a/3`.
    pub name: String,
    /// Share of the hash space that it got.
    pub inherited_ratio: f64,
}

/// What one instance owns of a ring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RingShare {
    /// Its place in the tables of the run.
    pub instance: u32,
    /// `web/a/3`.
    pub name: String,
    /// Owned share of the hash space before; 0 where it was not a candidate.
    pub before_ratio: f64,
    /// Owned share after.
    pub after_ratio: f64,
}
