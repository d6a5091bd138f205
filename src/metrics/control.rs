//! Sizes of messages that are not requests.

use crate::model::observation::ControlKind;

/// Kinds, in the order of their tables.
pub const KINDS: [ControlKind; 16] = [
    ControlKind::Heartbeat,
    ControlKind::Ping,
    ControlKind::Ack,
    ControlKind::Notification,
    ControlKind::Poll,
    ControlKind::PollReply,
    ControlKind::Probe,
    ControlKind::ProbeReply,
    ControlKind::IdleNotice,
    ControlKind::ReportRequest,
    ControlKind::LoadReport,
    ControlKind::GossipPing,
    ControlKind::GossipAck,
    ControlKind::GossipPingRequest,
    ControlKind::GossipUpdate,
    ControlKind::GossipSync,
];

/// The name of a kind in outputs.
pub fn name(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::Heartbeat => "heartbeat",
        ControlKind::Ping => "ping",
        ControlKind::Ack => "ack",
        ControlKind::Notification => "notification",
        ControlKind::Poll => "poll",
        ControlKind::PollReply => "poll_reply",
        ControlKind::Probe => "probe",
        ControlKind::ProbeReply => "probe_reply",
        ControlKind::IdleNotice => "idle_notice",
        ControlKind::ReportRequest => "report_request",
        ControlKind::LoadReport => "load_report",
        ControlKind::GossipPing => "gossip_ping",
        ControlKind::GossipAck => "gossip_ack",
        ControlKind::GossipPingRequest => "gossip_ping_request",
        ControlKind::GossipUpdate => "gossip_update",
        ControlKind::GossipSync => "gossip_sync",
    }
}

/// Bytes of one message on the wire, headers included. These are assumptions, fixed so that
/// strategies can be compared: a small message fits in one packet with 64 bytes, a heartbeat
/// carries a registration and a load report its figures in 128 bytes, and a list is counted as
/// 1,024 bytes whatever its length. Messages of clusters say themselves how long they are.
pub fn byte_count(kind: ControlKind) -> u64 {
    match kind {
        ControlKind::Heartbeat => 128,
        ControlKind::Ping
        | ControlKind::Ack
        | ControlKind::Poll
        | ControlKind::Probe
        | ControlKind::ProbeReply
        | ControlKind::IdleNotice
        | ControlKind::ReportRequest => 64,
        ControlKind::LoadReport => 128,
        ControlKind::Notification | ControlKind::PollReply => 1_024,
        // They say themselves how long they are.
        ControlKind::GossipPing
        | ControlKind::GossipAck
        | ControlKind::GossipPingRequest
        | ControlKind::GossipUpdate
        | ControlKind::GossipSync => 0,
    }
}
