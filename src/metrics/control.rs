//! Sizes of messages that are not requests.

use super::member::ControlMessage;
use super::phase::UNMEASURED;
use super::recorder::Recorder;
use crate::id::ServiceId;
use crate::model::observation::{ControlKind, Observation};
use crate::scenario::Scenario;

/// Kinds, in the order of their tables.
pub const KINDS: [ControlKind; 22] = [
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
    ControlKind::HeartbeatReply,
    ControlKind::Attach,
    ControlKind::Write,
    ControlKind::WriteReply,
    ControlKind::Replication,
    ControlKind::MemberHeartbeat,
];

/// Messages of one kind that were sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct ControlCell {
    /// Those whose size is assumed: [`byte_count`] each.
    pub plain_count: u64,
    /// Those that came with their size.
    pub sized_count: u64,
    /// The sum of those sizes.
    pub sized_byte_count: u64,
}

impl ControlCell {
    /// All messages.
    pub fn message_count(&self) -> u64 {
        self.plain_count + self.sized_count
    }

    /// Their bytes, as messages of `kind`.
    pub fn byte_count(&self, kind: ControlKind) -> u64 {
        self.plain_count * byte_count(kind) + self.sized_byte_count
    }

    /// Adds another cell.
    pub fn add(&mut self, other: &Self) {
        self.plain_count += other.plain_count;
        self.sized_count += other.sized_count;
        self.sized_byte_count += other.sized_byte_count;
    }
}

/// No messages, by class, service (the last place: of no service) and kind.
pub fn no_messages(
    scenario: &Scenario,
    class_count: usize,
) -> Vec<Vec<[ControlCell; KINDS.len()]>> {
    let of_class = vec![[ControlCell::default(); KINDS.len()]; scenario.services.len() + 1];
    vec![of_class; class_count]
}

impl Recorder<'_> {
    /// A message was sent that is not a request.
    #[inline(always)]
    pub(super) fn observe_control(&mut self, observation: &Observation<'_>) {
        let of_class = &mut self.tables.control[self.class as usize];
        let message = match *observation {
            Observation::ControlSent {
                kind,
                service,
                from,
                to,
            } => {
                of_class[service.index()][kind as usize].plain_count += 1;
                ControlMessage {
                    kind,
                    service: Some(service),
                    from,
                    to,
                    byte_count: byte_count(kind),
                }
            }
            Observation::ControlSized {
                kind,
                service,
                from,
                to,
                byte_count,
            } => {
                let place = service.map_or(of_class.len() - 1, ServiceId::index);
                let cell = &mut of_class[place][kind as usize];
                cell.sized_count += 1;
                cell.sized_byte_count += byte_count;
                ControlMessage {
                    kind,
                    service,
                    from,
                    to: Some(to),
                    byte_count,
                }
            }
            _ => unreachable!("facts of messages come here"),
        };
        if self.class != UNMEASURED {
            self.tables.members.count(&message);
        }
        self.tables.windows.control(message.kind);
    }
}

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
        ControlKind::HeartbeatReply => "heartbeat_reply",
        ControlKind::Attach => "attach",
        ControlKind::Write => "write",
        ControlKind::WriteReply => "write_reply",
        ControlKind::Replication => "replication",
        ControlKind::MemberHeartbeat => "member_heartbeat",
    }
}

/// Bytes of one message on the wire, headers included. These are assumptions, fixed so that
/// strategies can be compared: a small message fits in one packet with 64 bytes, a heartbeat
/// carries a registration and a load report its figures in 128 bytes, and a list is counted as
/// 1,024 bytes whatever its length. Messages of clusters say themselves how long they are.
/// Registries that bear the name of a real system state the
/// size of each message themselves, from their `message_size` and `entry_size`.
pub fn byte_count(kind: ControlKind) -> u64 {
    match kind {
        ControlKind::Heartbeat => 128,
        ControlKind::Ping
        | ControlKind::Ack
        | ControlKind::Poll
        | ControlKind::Probe
        | ControlKind::ProbeReply
        | ControlKind::IdleNotice
        | ControlKind::ReportRequest
        | ControlKind::HeartbeatReply
        | ControlKind::Attach
        | ControlKind::Write
        | ControlKind::WriteReply
        | ControlKind::Replication
        | ControlKind::MemberHeartbeat => 64,
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
