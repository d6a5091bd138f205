//! What Consul's agents and servers say, do and wait for.

use std::sync::Arc;

use crate::id::{InstanceId, ServiceId};
use crate::model::view::ViewSnapshot;

/// The status of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Passing,
    /// Something is not.
    Warning,
    /// It failed, or it has not been made yet.
    Critical,
}

/// Who waits for the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// The agent.
    pub agent: u32,
    /// Its request.
    pub number: u32,
    /// The connection on which it asked; numbers are never used again.
    pub epoch: u32,
    /// The server that it asked.
    pub via: u32,
}

/// What agents ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// An instance is there, with this status; with news if its text changed as well.
    Register {
        instance: InstanceId,
        status: Status,
        has_news: bool,
    },
    /// It is not.
    Deregister { instance: InstanceId },
    /// What is registered on the host of the agent.
    Read,
    /// The instances of a service, once they changed since this index.
    Query { service: ServiceId, index: u64 },
    /// Whether the server answers.
    Ping,
}

impl Op {
    /// Whether it changes nothing.
    pub fn is_read(self) -> bool {
        match self {
            Op::Read | Op::Query { .. } | Op::Ping => true,
            Op::Register { .. } | Op::Deregister { .. } => false,
        }
    }
}

/// What a server says.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done.
    Done,
    /// There was no leader for as long as a request waits for one.
    NoLeader,
    /// Something else went wrong, and nobody knows how far it came.
    Error,
    /// What is registered on the host of the agent.
    Services(Arc<[(InstanceId, Status)]>),
    /// The instances of a service, and since when.
    List {
        version: u64,
        view: Arc<ViewSnapshot>,
    },
}

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    /// An agent opens a connection.
    Connect { epoch: u32 },
    /// The connection stands.
    Connected { epoch: u32 },
    /// An agent closed its connection.
    Hangup { epoch: u32 },
    /// The host of a server closed a connection.
    Closed { epoch: u32 },
    /// An agent asks.
    Request { ticket: Ticket, op: Op },
    /// A server answers.
    Reply {
        epoch: u32,
        number: u32,
        answer: Answer,
    },
    /// Is the connection still there? Agents name it, servers say 0.
    KeepAlive { epoch: u32 },
    /// It is.
    KeptAlive { epoch: u32 },
    /// A server passes a request on to the leader.
    Forward { ticket: Ticket, op: Op },
    /// The answer.
    Forwarded { ticket: Ticket, answer: Answer },
    /// The host of a server closed its connections to other servers.
    PeerClosed,
    /// The heartbeat of a leader.
    Heartbeat { term: u32, number: u64 },
    /// The answer to it.
    HeartbeatReply { term: u32, number: u64 },
}

/// A change that a quorum has to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What changes.
    pub change: Change,
    /// Who waits for it.
    pub ticket: Option<Ticket>,
}

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An instance is registered, or its check has this status now.
    Register {
        instance: InstanceId,
        status: Status,
        has_news: bool,
    },
    /// An instance is no longer registered.
    Deregister { instance: InstanceId },
    /// Whether gossip takes a host for dead (`serfHealth`).
    Health { host: u32, is_failed: bool },
    /// A host left; its instances are no longer registered.
    Leave { host: u32 },
}

/// Work of a server.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// An agent wants something.
    Serve { ticket: Ticket, op: Op },
    /// A query looks again at what has changed.
    Wake { query: u64 },
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// An instance reports to its agent.
    Pass { instance: InstanceId },
    /// A report that its agent's kernel accepted is read.
    Report { instance: InstanceId },
    /// A report no longer counts.
    Expire { instance: InstanceId },
    /// An agent checks an instance.
    Check { instance: InstanceId },
    /// That check has taken too long.
    CheckTimeout { instance: InstanceId },
    /// The text of a check is sent to the servers.
    Output { instance: InstanceId },
    /// An agent looks for instances that were critical for long.
    Reap,
    /// A full sync is due.
    FullSync,
    /// One that failed is made again, or one that a new server calls for.
    SyncAgain,
    /// An agent chooses among the servers anew.
    Rebalance,
    /// An agent asks whether a connection is still there.
    KeepAlive { member: u32 },
    /// A connection has been silent for too long, or was never made.
    Silence { member: u32 },
    /// A request is tried again.
    Retry { number: u32 },
    /// A request has taken too long.
    Timeout { number: u32 },
    /// A watch asks again.
    Watch { watch: u32 },
    /// A leader sends heartbeats.
    Heartbeat,
    /// A leader counts who answers.
    Lease,
    /// A leader compares what is registered with what gossip says.
    Reconcile,
    /// A server asks whether those are still there to whom it passed requests on.
    PeerCheck,
    /// They have been silent for too long.
    PeerSilence,
    /// A request looks for a leader again.
    Held { number: u64 },
    /// A query has waited for long enough.
    QueryEnds { query: u64 },
}
