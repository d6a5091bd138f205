//! Sizes of messages that are not requests.

use crate::model::observation::ControlKind;

/// Kinds, in the order of their tables.
pub const KINDS: [ControlKind; 6] = [
    ControlKind::Heartbeat,
    ControlKind::Ping,
    ControlKind::Ack,
    ControlKind::Notification,
    ControlKind::Poll,
    ControlKind::PollReply,
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
    }
}

/// Bytes of one message on the wire, headers included. These are assumptions, fixed so that
/// strategies can be compared: a small message fits in one packet with 64 bytes, a heartbeat
/// carries a registration of 128 bytes, and a list is counted as 1,024 bytes whatever its length.
pub fn byte_count(kind: ControlKind) -> u64 {
    match kind {
        ControlKind::Heartbeat => 128,
        ControlKind::Ping | ControlKind::Ack | ControlKind::Poll => 64,
        ControlKind::Notification | ControlKind::PollReply => 1_024,
    }
}
