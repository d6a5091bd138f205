//! True states of instances against what observers believe.

use serde::Serialize;

/// All rows; bounded.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timelines {
    /// In order of instance, then observer: the truth, the registry, callers. Only instances whose
    /// true or believed state changed, at most the first 200 of them.
    pub rows: Vec<TimelineRow>,
    /// Changes that are missing because there were too many.
    pub dropped_count: u64,
}

/// One observer's belief about one instance, or the truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineRow {
    /// The instance's place in the tables of the run.
    pub instance: u32,
    /// `web/a/3`.
    pub name: String,
    /// `truth`, `registry`, `ping shop/0` or `heartbeat shop/0` (the detector of the first caller
    /// of an edge), `gossip web/a/0` (a member of the cluster) or `view shop/0` (the candidates of
    /// the first caller).
    pub observer: String,
    /// In order of time. Before the first change the state is `up`, except for the truth about
    /// spare instances, which starts with a change at zero.
    pub changes: Vec<StateChange>,
}

/// A new state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StateChange {
    /// When it begins.
    pub at_secs: f64,
    /// The state.
    pub state: BelievedState,
}

/// A state of an instance, true or believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BelievedState {
    /// Works, or is trusted, or is a candidate.
    Up,
    /// Stands still (the truth only).
    Paused,
    /// Its process is dead (the truth only).
    Crashed,
    /// Its host is silent (the truth only).
    HostLost,
    /// Its process starts again (the truth only).
    Restarting,
    /// Not part of the scenario now (the truth only).
    Absent,
    /// Suspected by a detector.
    Suspected,
    /// Not a candidate of a caller.
    Excluded,
}
