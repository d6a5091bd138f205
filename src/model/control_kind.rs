//! Kinds of messages that are not requests.

use serde::Serialize;

use crate::scenario::fault::Traffic;

/// Kinds of messages that are not requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// An instance renews its lease.
    Heartbeat,
    /// A calling side asks whether an instance lives.
    Ping,
    /// The answer to a ping.
    Ack,
    /// The registry sends a new list to a watching caller.
    Notification,
    /// A caller asks for the list.
    Poll,
    /// The answer to a poll.
    PollReply,
    /// A balancer asks an instance for its load.
    Probe,
    /// The answer to a probe.
    ProbeReply,
    /// An instance tells a calling side that it has nothing left to do.
    IdleNotice,
    /// A balancer asks an instance for load reports on a period.
    ReportRequest,
    /// A load report that no reply carries.
    LoadReport,
    /// A member of a cluster asks another one whether it is there.
    GossipPing,
    /// The answer, or that there was none.
    GossipAck,
    /// A member asks another one to probe a third one.
    GossipPingRequest,
    /// Updates that do not ride on another message.
    GossipUpdate,
    /// A whole list of members.
    GossipSync,
    /// A member of the registry answers a heartbeat.
    HeartbeatReply,
    /// A client and a member of the registry agree on a connection, or part.
    Attach,
    /// A client asks the registry for a change.
    Write,
    /// The answer to that.
    WriteReply,
    /// Members of the registry replicate a change, or the whole state.
    Replication,
    /// Members of the registry tell each other that they live.
    MemberHeartbeat,
}

impl ControlKind {
    /// Whether members of a cluster gossip by it.
    pub fn is_gossip(self) -> bool {
        matches!(
            self,
            ControlKind::GossipPing
                | ControlKind::GossipAck
                | ControlKind::GossipPingRequest
                | ControlKind::GossipUpdate
                | ControlKind::GossipSync
        )
    }

    /// What such messages are for, where a fault may hit only those.
    pub fn traffic(self) -> Option<Traffic> {
        match self {
            ControlKind::Heartbeat
            | ControlKind::HeartbeatReply
            | ControlKind::MemberHeartbeat
            | ControlKind::Ping
            | ControlKind::Ack
            | ControlKind::GossipPing
            | ControlKind::GossipAck
            | ControlKind::GossipPingRequest => Some(Traffic::Heartbeats),
            ControlKind::Notification
            | ControlKind::Poll
            | ControlKind::PollReply
            | ControlKind::Probe
            | ControlKind::ProbeReply
            | ControlKind::IdleNotice
            | ControlKind::ReportRequest
            | ControlKind::LoadReport
            | ControlKind::GossipUpdate
            | ControlKind::GossipSync
            | ControlKind::Attach
            | ControlKind::Write
            | ControlKind::WriteReply
            | ControlKind::Replication => None,
        }
    }
}
