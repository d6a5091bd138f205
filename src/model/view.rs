//! The instances that a calling side believes in.

use serde::Serialize;

use crate::id::{InstanceId, ServiceId, ZoneId};

/// An immutable list of the candidates of one service, shared by all callers that hold it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ViewSnapshot {
    /// The service.
    pub service: ServiceId,
    /// Unique for the contents within a run: equal contents share one snapshot.
    #[serde(skip)]
    pub content_id: u64,
    /// The candidates: listed instances with a positive weight, ascending by id.
    pub members: Vec<Member>,
}

/// One candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Member {
    /// The instance.
    pub instance: InstanceId,
    /// Its zone.
    #[serde(skip)]
    pub zone: ZoneId,
    /// Its weight; positive.
    pub weight: f64,
}

impl ViewSnapshot {
    /// The place of an instance among the members.
    pub fn position(&self, instance: InstanceId) -> Option<usize> {
        self.members
            .binary_search_by_key(&instance, |m| m.instance)
            .ok()
    }
}
