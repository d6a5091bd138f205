//! Connections, at the caller and at the server.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{ACCEPT, CONNECTION, KEEPALIVE, RECONNECT};
use super::super::section::Section;
use super::{Opened, open_table};
use crate::scenario::connection::{
    AcceptConfig, ConnectionConfig, KeepaliveConfig, PickPer, ReconnectConfig,
};

/// Reads the connections of a call, if it has any.
pub fn connection(ctx: &mut Context, call: &Section) -> Option<ConnectionConfig> {
    let tree = call.set_tree("connection")?;
    let section = Section::open(ctx, tree, &CONNECTION, "connection".to_string())?;
    let is_multiplexed = section.bool(ctx, "multiplex").unwrap_or(true);
    let pick_per = match section.text(ctx, "per").as_deref() {
        Some("connection") => PickPer::Connection,
        _ => PickPer::Attempt,
    };
    if pick_per == PickPer::Connection && !is_multiplexed {
        ctx.error(
            Diagnostic::new("a pick per connection without multiplexing")
                .at(section.origin_of("per"), "`multiplex` is false")
                .help("write `per = \"attempt\"`, or multiplex: attempts share open connections"),
        );
    }
    if pick_per == PickPer::Connection && section.has("reconnect") {
        ctx.error(
            Diagnostic::new("back-off towards an instance that is not fixed")
                .at(
                    section.origin_of("reconnect"),
                    "with `per = \"connection\"` every new connection is picked anew",
                )
                .help("drop `reconnect`, or write `per = \"attempt\"`"),
        );
    }
    let pool_max = section.count_u32(ctx, "pool_max").unwrap_or(1);
    let streams_max = section.count_u32(ctx, "streams_max").unwrap_or(1);
    Some(ConnectionConfig {
        connect_timeout: section.duration(ctx, "connect_timeout")?,
        tls_round_trips: u8::try_from(section.count(ctx, "tls_round_trips")?).unwrap_or(2),
        handshake_cpu: section.duration(ctx, "handshake_cpu")?,
        is_multiplexed,
        connection_count_max: match (is_multiplexed, pick_per) {
            (false, _) => pool_max,
            (true, PickPer::Attempt) => 1,
            (true, PickPer::Connection) => u32::MAX,
        },
        streams_max: if is_multiplexed { streams_max } else { 1 },
        idle_timeout: section.duration(ctx, "idle_timeout"),
        unacked_timeout: section.duration(ctx, "unacked_timeout")?,
        keepalive: keepalive(ctx, &section),
        reconnect: reconnect(ctx, &section),
        pick_per,
        is_timed_from_sent: false,
    })
}

fn keepalive(ctx: &mut Context, connection: &Section) -> Option<KeepaliveConfig> {
    connection.set_tree("keepalive")?;
    let section = open_table(ctx, connection, "keepalive", &KEEPALIVE);
    Some(KeepaliveConfig {
        interval: section.duration(ctx, "interval")?,
        timeout: section.duration(ctx, "timeout")?,
        without_streams: section.bool(ctx, "without_streams")?,
    })
}

fn reconnect(ctx: &mut Context, connection: &Section) -> Option<ReconnectConfig> {
    connection.set_tree("reconnect")?;
    let section = open_table(ctx, connection, "reconnect", &RECONNECT);
    let (initial, max) = (
        section.duration(ctx, "initial")?,
        section.duration(ctx, "max")?,
    );
    if max < initial {
        let key = if section.has("max") { "max" } else { "initial" };
        ctx.error(
            Diagnostic::new("an empty range")
                .at(
                    section.origin_of(key),
                    format!("`initial` is {initial}, `max` is {max}"),
                )
                .help("expected initial <= max"),
        );
    }
    Some(ReconnectConfig {
        initial,
        factor: section.number(ctx, "factor")?,
        max,
        jitter_ratio: section.number(ctx, "jitter")?,
        connect_timeout_min: section.duration(ctx, "connect_timeout_min")?,
    })
}

/// Reads how the instances of a service treat connections.
pub fn accept(ctx: &mut Context, service: &Section) -> AcceptConfig {
    let section = open_table(ctx, service, "connection", &ACCEPT);
    let default = AcceptConfig::default();
    AcceptConfig {
        idle_timeout: section.duration(ctx, "idle_timeout"),
        age_max: section.duration(ctx, "age_max"),
        age_jitter_ratio: section
            .number(ctx, "age_jitter")
            .unwrap_or(default.age_jitter_ratio),
        backlog_max: section
            .count_u32(ctx, "accept_backlog")
            .unwrap_or(default.backlog_max),
    }
}

/// Refuses connections where messages may be lost for good.
pub fn refuse_datagrams(ctx: &mut Context, owners: &[&[Opened]], network: &Section) {
    if network.text(ctx, "transport").as_deref() != Some("datagram") {
        return;
    }
    for owner in owners.iter().flat_map(|owners| owners.iter()) {
        for call in owner.section.named(ctx, "call") {
            let connection = call
                .tree
                .as_table()
                .and_then(|table| table.get("connection"));
            if let Some(connection) = connection {
                ctx.error(
                    Diagnostic::new("connections over datagrams")
                        .at(connection.origin, "`transport` is \"datagram\"")
                        .help("write `transport = \"stream\"` in [network]"),
                );
            }
        }
    }
}
