//! What each change of the candidates of a call by key moved.

use serde::Serialize;

/// The changes of one edge, as its first caller saw them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MembershipHistory {
    /// The edge.
    pub edge: String,
    /// Changes in all, of members or of weights.
    pub change_count: u64,
    /// The first ones, in order: at most 100, and fewer where placements are large.
    pub changes: Vec<MembershipChange>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MembershipChange {
    /// When the caller took it over.
    pub at_secs: f64,
    /// Candidates that joined.
    pub joined_count: u64,
    /// Candidates that left.
    pub left_count: u64,
    /// Candidates afterwards.
    pub member_count: u64,
    /// Share of the hash space that changed its owner.
    pub moved_key_ratio: f64,
    /// The least that any method must move to follow the weights.
    pub moved_key_ratio_ideal: f64,
    /// Share of the hash space that moved although no change of the weights asked for it.
    pub needless_move_ratio: f64,
}
