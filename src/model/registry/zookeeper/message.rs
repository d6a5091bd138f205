//! What ZooKeeper's clients and servers say, do and wait for.

use std::sync::Arc;

use crate::engine::Dense;
use crate::id::CallerId;
use crate::model::view::ViewSnapshot;

/// A session; numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u32);

impl Dense for SessionId {
    fn place(self) -> usize {
        self.0.place()
    }

    fn at(place: usize) -> Self {
        SessionId(u32::at(place))
    }
}

/// A message. Clients number their connections (`epoch`), so that nothing that belongs to an
/// earlier one counts.
#[derive(Clone, Debug)]
pub enum Message {
    /// A client opens a connection, with the session that it has and the newest transaction that
    /// it has seen.
    Connect {
        client: u32,
        epoch: u32,
        session: Option<SessionId>,
        seen: u64,
    },
    /// A client that has nothing else to say.
    Ping { client: u32, epoch: u32 },
    /// A client wants something.
    Request { client: u32, epoch: u32, op: Op },
    /// A client closed its connection.
    Hangup { client: u32, epoch: u32 },
    /// The session is open, on this connection.
    Connected {
        epoch: u32,
        session: SessionId,
        seen: u64,
    },
    /// The session that the client had is gone.
    Expired { epoch: u32 },
    /// The server closed the connection.
    Closed { epoch: u32 },
    /// The answer to a ping.
    Pong { epoch: u32 },
    /// The answer to a write.
    Written {
        epoch: u32,
        op: Op,
        is_refused: bool,
        seen: u64,
    },
    /// The answer to a read.
    List {
        epoch: u32,
        caller: CallerId,
        version: u64,
        view: Arc<ViewSnapshot>,
        seen: u64,
    },
    /// A watch fired.
    Changed { epoch: u32, caller: CallerId },
    /// A leader pings its followers.
    LeaderPing { term: u32 },
    /// A follower answers with the sessions that were touched since the last ping.
    FollowerPing {
        term: u32,
        touched: Box<[SessionId]>,
    },
    /// A follower passes a write on to its leader.
    Forward { term: u32, entry: Entry },
    /// A follower asks its leader whether a session is still there.
    Revalidate {
        client: u32,
        epoch: u32,
        session: SessionId,
    },
    /// The answer.
    Revalidated {
        client: u32,
        epoch: u32,
        session: SessionId,
        is_open: bool,
    },
}

/// What clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The list of a calling side, and a watch on it.
    Read { caller: CallerId },
    /// A watch on a list that the calling side has already, in this version.
    Rewatch { caller: CallerId, version: u64 },
    /// The ephemeral node of the instance.
    Create,
    /// Its end.
    Delete,
    /// Other data in it.
    SetData,
    /// The end of the session.
    CloseSession,
}

/// A transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What changes.
    pub change: Change,
    /// Whose session it is.
    pub session: SessionId,
    /// The member whose client asked for it.
    pub origin: u32,
}

/// What a transaction changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A session begins.
    OpenSession,
    /// A session ends, and its node with it.
    CloseSession,
    /// The node of the session's instance is created.
    Create,
    /// It is deleted.
    Delete,
    /// It has other data.
    SetData,
}

/// Work of a server.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// A client opens a connection.
    Connect {
        client: u32,
        epoch: u32,
        session: Option<SessionId>,
    },
    /// A client pings.
    Ping { client: u32, epoch: u32 },
    /// A client wants something.
    Request { client: u32, epoch: u32, op: Op },
    /// A client is told that its watch fired.
    Notify { client: u32, caller: CallerId },
    /// A client closed its connection: what it sent before is read first.
    Hangup { client: u32, epoch: u32 },
    /// A leader that is late expires a bucket.
    Expire,
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The next step of a client: connect, give up, ping.
    Client { client: u32 },
    /// A leader pings its followers.
    HalfTick { member: u32 },
    /// The sessions of a bucket expire.
    Boundary { member: u32 },
}
