//! Keys of `profile = "nacos"`. Defaults are those of Nacos 2.x, unless they are marked assumed.

use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key, only_if};
use super::system::{CAPACITY_KEY, ENTRY_SIZE, MESSAGE_SIZE};
use super::{MEMBERS, ZONES};

const fn length(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(name, POSITIVE, Default::Toml(default), doc)
}

const fn grpc(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    only_if("client", "\"grpc\"", length(name, default, doc))
}

pub(super) const KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    key(
        "client",
        Kind::Choice(&["beat", "grpc"]),
        Default::Toml("\"beat\""),
        "Whether instances beat and callers pull (the protocol of 1.x clients), or every process \
         has a connection (2.x), with which what it registered ends.",
    ),
    grpc(
        "keep_alive_interval",
        "\"5s\"",
        "Silence after which a client asks its server whether it is healthy.",
    ),
    grpc(
        "keep_alive_timeout",
        "\"3s\"",
        "How long it waits for the answer before it goes to the next server (assumed).",
    ),
    grpc(
        "connection_check_interval",
        "\"3s\"",
        "From one look of a server for silent connections to the next.",
    ),
    grpc(
        "connection_idle_timeout",
        "\"20s\"",
        "Silence after which a server asks a client whether it is there.",
    ),
    grpc(
        "detection_timeout",
        "\"5s\"",
        "How long a server waits for the answer before it unregisters all of that connection.",
    ),
    grpc(
        "redo_interval",
        "\"3s\"",
        "How often a client registers and subscribes again what it has not yet (assumed).",
    ),
    grpc(
        "synced_client_timeout",
        "\"3m\"",
        "What clients of another server registered ends when it has not told it for so long \
         (assumed).",
    ),
    length(
        "beat_interval",
        "\"5s\"",
        "preserved.heart.beat.interval: time between the beats of an instance, on its clock.",
    ),
    key(
        "phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its beat interval each instance starts.",
    ),
    length(
        "beat_timeout",
        "\"15s\"",
        "preserved.heart.beat.timeout: silence after which an instance is unhealthy.",
    ),
    length(
        "delete_timeout",
        "\"30s\"",
        "preserved.ip.delete.timeout: silence after which an instance is removed.",
    ),
    length(
        "check_interval",
        "\"5s\"",
        "How often the responsible server looks for silent instances.",
    ),
    key(
        "check_phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its interval each server looks at each service.",
    ),
    key(
        "protect_threshold",
        Kind::Ratio,
        Default::Toml("0.0"),
        "protectThreshold: with no larger share of healthy instances, all are listed.",
    ),
    key(
        "push_delay",
        LENGTH,
        Default::Toml("\"500ms\""),
        "Changes of one service within this time are pushed together.",
    ),
    key(
        "push_timeout",
        POSITIVE,
        Default::Computed("pull_max + 10 s"),
        "How long a server pushes over UDP to a client that has not pulled since (assumed).",
    ),
    length(
        "pull_base",
        "\"1s\"",
        "From a pull that changed something to the next one; it doubles otherwise.",
    ),
    length(
        "pull_max",
        "\"60s\"",
        "The longest time between two pulls of a client.",
    ),
    length(
        "request_timeout",
        "\"3s\"",
        "How long a client waits for a server before it asks the next one (assumed).",
    ),
    key(
        "sync_delay",
        LENGTH,
        Default::Toml("\"1s\""),
        "How long changes wait for others before servers tell each other (assumed).",
    ),
    length(
        "verify_interval",
        "\"5s\"",
        "How often a server tells its peers all that it is responsible for (assumed).",
    ),
    length(
        "report_interval",
        "\"2s\"",
        "How often servers tell each other that they live (assumed).",
    ),
    length(
        "member_timeout",
        "\"6s\"",
        "A server that its peers have not heard for this long is down (assumed).",
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];
