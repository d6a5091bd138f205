//! What Eureka's clients and servers say, do and wait for.

use std::sync::Arc;

use super::cache::{Apps, Delta};
use crate::id::InstanceId;

/// The two HTTP clients of a client, each of which keeps to a server of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Registrations, heartbeats, cancellations.
    Registration,
    /// Fetches.
    Query,
}

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    /// A client asks; it numbers its questions.
    Request(Request),
    /// The answer to the question of this number.
    Answer {
        channel: Channel,
        number: u32,
        answer: Answer,
    },
    /// A server tells a peer what changed.
    Batch { number: u32, changes: Box<[Change]> },
    /// The peer has done so; these heartbeats were of instances that it does not know.
    BatchDone {
        number: u32,
        missing: Box<[InstanceId]>,
    },
    /// The peer is not open.
    BatchRefused { number: u32 },
    /// A server that starts asks for everything.
    Sync { number: u32 },
    /// The answer: what is registered.
    Synced {
        number: u32,
        instances: Box<[InstanceId]>,
    },
}

/// A question of a client.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Who asks.
    pub client: u32,
    /// On which of its two channels.
    pub channel: Channel,
    /// Questions on that channel before.
    pub number: u32,
    /// What.
    pub op: Op,
}

/// What clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A heartbeat.
    Renew,
    /// The registration of the instance.
    Register,
    /// The end of its lease.
    Cancel,
    /// The whole registry.
    Full,
    /// The changes of the last minutes.
    Delta,
}

/// What servers answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Done.
    Done,
    /// 404: the instance is not registered.
    Missing,
    /// 403: the server hands out nothing yet.
    Forbidden,
    /// 503: the server is not open.
    Unavailable,
    /// The whole registry.
    Full(Arc<Apps>),
    /// Changes.
    Delta(Arc<Delta>),
}

/// A change that a server tells its peers of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// To whom.
    pub instance: InstanceId,
}

/// What happened to a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was renewed.
    Renew,
    /// It was registered.
    Register,
    /// It was cancelled.
    Cancel,
}

/// Work of a server.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// A client asks.
    Request(Request),
    /// A change of a batch of a peer.
    Peer {
        from: u32,
        number: u32,
        change: Change,
    },
    /// A peer that starts asks for everything.
    Sync { from: u32, number: u32 },
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The next heartbeat or fetch of a client, or the end of its patience with a server.
    Task { client: u32, channel: Channel },
    /// A client looks whether it has to register.
    Replicator { client: u32 },
    /// The calling sides of a client take over its list.
    Ribbon { client: u32 },
    /// A minute of renewals is over.
    Minute { member: u32 },
    /// Leases end.
    Evict { member: u32 },
    /// The expected renewals are counted anew.
    Threshold { member: u32 },
    /// Old changes are dropped.
    Clean { member: u32 },
    /// The second cache follows the first one.
    CacheSync { member: u32 },
    /// The oldest change for a peer has waited long enough.
    Linger { member: u32, peer: u32 },
    /// A batch was not answered, or is to be sent again.
    Flight { member: u32, peer: u32, number: u32 },
    /// A server that starts turns to the next peer, or begins another round.
    Sync { member: u32 },
}
