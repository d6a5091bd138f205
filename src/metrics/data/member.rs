//! Control messages of single members, in the measured window.

use serde::Serialize;

/// Messages in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MessageRates {
    /// Messages per second.
    pub message_rate_per_sec: f64,
    /// Bytes per second.
    pub byte_rate_per_sec: f64,
}

/// One member of the registry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberMetrics {
    /// `registry/0`.
    pub member: String,
    /// What it sent.
    pub sent: MessageRates,
    /// What was addressed to it.
    pub received: MessageRates,
}

/// Messages in one direction, of many members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RatesOverMembers {
    /// Messages per second, averaged over members.
    pub message_rate_per_sec_mean: f64,
    /// Those of the member that has most of them.
    pub message_rate_per_sec_max: f64,
    /// Bytes per second, averaged over members.
    pub byte_rate_per_sec_mean: f64,
    /// Those of the member that has most of them.
    pub byte_rate_per_sec_max: f64,
}

/// The members of one cluster and the messages by which it gossips.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GossipMetrics {
    /// The service that has it, or `registry`.
    pub cluster: String,
    /// Members that sent anything or were sent anything.
    pub member_count: u64,
    /// What they sent.
    pub sent: RatesOverMembers,
    /// What was addressed to them.
    pub received: RatesOverMembers,
}
