//! What a scenario may say about Nacos.

use super::Phase;
use crate::time::SimDuration;

/// Alibaba Nacos with ephemeral instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NacosConfig {
    /// `preserved.heart.beat.timeout`: silence after which an instance is unhealthy.
    pub beat_timeout: SimDuration,
    /// `preserved.ip.delete.timeout`: silence after which it is removed.
    pub delete_timeout: SimDuration,
    /// How often a server looks.
    pub check_interval: SimDuration,
    /// Where in its interval each server looks at each service.
    pub check_phase: Phase,
    /// `protectThreshold`, from 0 to 1.
    pub protect_threshold: f64,
    /// Changes of one service within this time are pushed together.
    pub push_delay: SimDuration,
    /// How long a server pushes to a client that it has not heard of.
    pub push_timeout: SimDuration,
    /// From a pull that changed something to the next one.
    pub pull_base: SimDuration,
    /// The longest time between two pulls.
    pub pull_max: SimDuration,
    /// How long a client waits for a server.
    pub request_timeout: SimDuration,
    /// How long changes wait for others before servers tell each other.
    pub sync_delay: SimDuration,
    /// How often a server tells its peers all that it is responsible for.
    pub verify_interval: SimDuration,
    /// A server that its peers have not heard for this long is down.
    pub member_timeout: SimDuration,
    /// How often servers tell each other that they live.
    pub report_interval: SimDuration,
    /// Clients have a connection each, instead of beating and pulling.
    pub grpc: Option<GrpcConfig>,
}

/// Clients with connections, as those of Nacos 2.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcConfig {
    /// Silence after which a client asks its server whether it is healthy.
    pub keep_alive_interval: SimDuration,
    /// How long it waits for the answer.
    pub keep_alive_timeout: SimDuration,
    /// From one look of a server for silent connections to the next.
    pub check_interval: SimDuration,
    /// Silence after which it asks a client whether it is there.
    pub idle_timeout: SimDuration,
    /// How long it waits for the answer.
    pub detection_timeout: SimDuration,
    /// How often a client registers and subscribes again what it has not yet.
    pub redo_interval: SimDuration,
    /// What another server's clients registered ends when it has not told it for this long.
    pub synced_client_timeout: SimDuration,
}
