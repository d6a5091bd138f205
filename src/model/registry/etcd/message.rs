//! What etcd's clients and members say, do and wait for.

use std::sync::Arc;

use crate::engine::Dense;
use crate::id::CallerId;
use crate::model::view::ViewSnapshot;

/// A lease; numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseId(pub u32);

impl Dense for LeaseId {
    fn place(self) -> usize {
        self.0.place()
    }

    fn at(place: usize) -> Self {
        LeaseId(u32::at(place))
    }
}

/// A message. Clients number their connections (`epoch`), so that nothing that belongs to an
/// earlier one counts.
#[derive(Clone, Debug)]
pub enum Message {
    /// A client opens a connection.
    Connect { client: u32, epoch: u32 },
    /// A client wants something.
    Request { client: u32, epoch: u32, op: Op },
    /// A client closed its connection.
    Hangup { client: u32, epoch: u32 },
    /// The connection stands.
    Connected { epoch: u32 },
    /// The connection was closed.
    Closed { epoch: u32 },
    /// The lease is there.
    Granted { epoch: u32, lease: LeaseId },
    /// The answer to a keepalive: whether the lease lives.
    Alive {
        epoch: u32,
        lease: LeaseId,
        is_known: bool,
    },
    /// The answer to a write; refused where the lease is gone.
    Written {
        epoch: u32,
        op: Op,
        is_refused: bool,
    },
    /// A list, as the answer to a read or with what changed since the last one.
    List {
        epoch: u32,
        caller: CallerId,
        version: u64,
        view: Arc<ViewSnapshot>,
    },
    /// The heartbeat of a leader.
    Heartbeat { term: u32, number: u64 },
    /// The answer to it.
    HeartbeatReply { term: u32, number: u64 },
    /// A follower passes a write on to its leader.
    Forward { entry: Entry },
    /// A follower passes a keepalive on to its leader.
    Renew {
        client: u32,
        epoch: u32,
        lease: LeaseId,
    },
    /// The answer.
    Renewed {
        client: u32,
        epoch: u32,
        lease: LeaseId,
        is_known: bool,
    },
    /// A follower asks from where on a read is not stale.
    ReadIndex {
        client: u32,
        epoch: u32,
        caller: CallerId,
    },
    /// The answer.
    ReadFrom {
        client: u32,
        epoch: u32,
        caller: CallerId,
        index: u64,
    },
}

/// What clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A lease.
    Grant,
    /// A lease shall live on.
    KeepAlive { lease: LeaseId },
    /// The key of the instance, with this lease.
    Put { lease: LeaseId },
    /// Its end.
    Delete,
    /// The end of a lease, and of its key.
    Revoke { lease: LeaseId },
    /// The list of a calling side, and what changes from then on.
    Range { caller: CallerId },
    /// What has changed since this version, and from then on.
    Watch { caller: CallerId, version: u64 },
}

/// A request that a quorum has to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What changes.
    pub change: Change,
    /// With which lease.
    pub lease: LeaseId,
    /// The member whose client asked for it.
    pub origin: u32,
}

/// What a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A lease begins.
    Grant,
    /// A lease ends, and its key with it.
    Revoke,
    /// The key of the lease's instance is there, or there anew.
    Put,
    /// It is deleted, whatever its lease.
    Delete,
    /// So many seconds of a lease are left.
    Checkpoint { secs: u32 },
}

/// Work of a member.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// A client wants something.
    Request { client: u32, epoch: u32, op: Op },
    /// A client is told what changed.
    Notify { client: u32, caller: CallerId },
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The next step of a client.
    Client { client: u32 },
    /// A leader sends heartbeats.
    Heartbeat { member: u32 },
    /// A leader looks for expired leases.
    Revoke { member: u32 },
}
