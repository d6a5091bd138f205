//! The measures of single members of registries and clusters.

use super::super::measure::{Measure, Unit};
use super::family::single;
use super::{MeasureInfo, Statistics};

const SCOPES: &[&str] = &["service"];

/// They stand where control messages are in the catalog.
pub const MEMBER_MEASURES: [MeasureInfo; 2] = [
    MeasureInfo {
        statistics: Statistics::OverMembers,
        ..single(
            Measure::MemberMessageRate,
            "member_message_rate",
            Unit::Rate,
            SCOPES,
            "Control messages that one member of the registry sends and that are addressed to it, \
             per second. Of a service: messages by which the members of its `gossip` cluster \
             gossip. Of the whole measured window only.",
        )
    },
    MeasureInfo {
        statistics: Statistics::OverMembers,
        ..single(
            Measure::MemberByteRate,
            "member_byte_rate",
            Unit::Rate,
            SCOPES,
            "Bytes of the same messages, sent and addressed to one member, per second.",
        )
    },
];
