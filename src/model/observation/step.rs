//! The steps of single requests, for observers that follow them.

use serde::{Serialize, Serializer};

use super::{AttemptOutcome, Outcome, WorkEnd};
use crate::id::{CallerId, ClassId, ClientId, EdgeId, InstanceId, NodeId};
use crate::time::SimDuration;

/// One step of one request. Steps follow each other in order of time; those of one instant stand in
/// the order in which they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Names the request within its run; sub-calls are requests of their own.
    pub request: u64,
    /// What happened.
    pub kind: StepKind,
}

/// What happened to a request. Attempts are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum StepKind {
    /// A request of a client arrived at its caller.
    Arrived {
        /// The client.
        client: ClientId,
        /// The caller.
        node: NodeId,
        /// Its class.
        class: ClassId,
        /// Its key.
        key: u32,
    },
    /// The request is a sub-call of another one, for one of its attempts.
    BelongsTo {
        /// The other one.
        #[serde(serialize_with = "identity", rename = "of_request")]
        request: u64,
        /// Its attempt; 0 for the calls of a client's request.
        #[serde(rename = "of_attempt")]
        attempt: u8,
    },
    /// A calling side begins the call.
    Began {
        /// The calling side.
        caller: CallerId,
        /// The call.
        edge: EdgeId,
    },
    /// An attempt was sent.
    Sent {
        /// Its number.
        attempt: u8,
        /// Where it goes.
        instance: InstanceId,
        /// The instance was down.
        is_wasted: bool,
    },
    /// It reached its instance and waits or starts there.
    Reached {
        /// Its number.
        attempt: u8,
        /// The instance.
        instance: InstanceId,
    },
    /// The instance turned it away.
    TurnedAway {
        /// Its number.
        attempt: u8,
        /// The instance.
        instance: InstanceId,
    },
    /// A worker took it up.
    TakenUp {
        /// Its number.
        attempt: u8,
        /// The instance.
        instance: InstanceId,
        /// Since it reached the instance.
        waiting: SimDuration,
    },
    /// The instance is done with it.
    Left {
        /// Its number.
        attempt: u8,
        /// The instance.
        instance: InstanceId,
        /// How.
        end: WorkEnd,
        /// A worker had taken it up.
        is_started: bool,
    },
    /// It ended for its caller.
    AttemptEnded {
        /// Its number.
        attempt: u8,
        /// The instance.
        instance: InstanceId,
        /// How.
        outcome: AttemptOutcome,
    },
    /// The caller waits before the next attempt.
    BackedOff {
        /// For how long.
        wait: SimDuration,
    },
    /// The call has its outcome.
    CallEnded {
        /// The call.
        edge: EdgeId,
        /// The outcome.
        outcome: Outcome,
    },
    /// The request of a client has its outcome.
    Ended {
        /// The client.
        client: ClientId,
        /// The outcome.
        outcome: Outcome,
    },
}

/// Writes an identity as what it is, and no number.
fn identity<S: Serializer>(identity: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct("Identity", identity)
}
