//! Which nodes a fault or a link override means.

use crate::id::{ClientId, GroupId, HostId, InstanceId, ServiceId, ZoneId};

/// A set of nodes, named in a scenario. Globs and names are already resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// As written, for messages and labels.
    pub text: String,
    /// `N random of …`: how many of the selected nodes, by lowest keyed score.
    pub random_count: Option<u32>,
    /// The selected sets; their union is meant.
    pub any_of: Vec<Target>,
}

/// One set of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// `service:web`: the instances of a service.
    Service(ServiceId),
    /// `group:web/a`: the instances of a group.
    Group(GroupId),
    /// `instance:web/a/3`.
    Instance(InstanceId),
    /// `zone:b`: what is in a zone. In a process or host fault only its instances, unless
    /// `include` widens it; in a link fault every node.
    Zone(ZoneId),
    /// `host:web/a/0`: the instances on a host.
    Host(HostId),
    /// `client:shop`: the callers of a client group.
    Client(ClientId),
    /// `caller:shop/7`.
    Caller(ClientId, u32),
    /// `registry:member/1`.
    RegistryMember(u32),
    /// `registry:member/*` or `registry:*`.
    Registry,
}
