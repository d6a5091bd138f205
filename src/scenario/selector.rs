//! Which nodes a fault or a link override means.

use crate::id::{ClientId, GroupId, HostId, InstanceId, ServiceId, ZoneId};

/// A set of nodes, named in a scenario. Globs and names are already resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// As written, for messages and labels.
    pub text: String,
    /// `2 random of …`, `20% of …`: how many of the selected nodes, by lowest keyed score.
    pub random: Option<Lot>,
    /// The selected sets; their union is meant.
    pub any_of: Vec<Target>,
}

/// How many of some nodes are drawn by lot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lot {
    /// This many.
    Count(u32),
    /// This share of them, rounded up.
    Share(f64),
}

impl Lot {
    /// Of so many nodes.
    pub fn count_of(self, whole: usize) -> usize {
        match self {
            Lot::Count(count) => (count as usize).min(whole),
            Lot::Share(share) => {
                // A share of whole nodes may miss their number by a rounding error.
                let count = (share * whole as f64 - 1e-9).ceil().max(0.0);
                (count as usize).min(whole)
            }
        }
    }
}

impl Selector {
    /// Whether it names the member that leads at the time.
    pub fn names_leader(&self) -> bool {
        self.any_of.contains(&Target::RegistryLeader)
    }
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
    /// `registry:leader`: the member that leads when a window begins; nobody while none does.
    RegistryLeader,
    /// `agent:instance:web/a/3`: the agents of the registry on the hosts of these.
    Agents(Hosted),
}

/// What stands on hosts that have agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hosted {
    /// All instances and callers.
    All,
    /// The instances of a service.
    Service(ServiceId),
    /// The instances of a group.
    Group(GroupId),
    /// One instance.
    Instance(InstanceId),
    /// The instances and callers in a zone.
    Zone(ZoneId),
    /// The instances on a host.
    Host(HostId),
    /// The callers of a client group.
    Client(ClientId),
    /// One caller.
    Caller(ClientId, u32),
}

impl Target {
    /// Whether it is of members of the registry.
    pub fn is_of_registry(self) -> bool {
        match self {
            Target::RegistryMember(_) | Target::Registry | Target::RegistryLeader => true,
            Target::Service(_)
            | Target::Group(_)
            | Target::Instance(_)
            | Target::Zone(_)
            | Target::Host(_)
            | Target::Client(_)
            | Target::Caller(..)
            | Target::Agents(_) => false,
        }
    }

    /// What of it stands on hosts that have agents; None for members of the registry and agents.
    pub fn hosted(self) -> Option<Hosted> {
        match self {
            Target::Service(service) => Some(Hosted::Service(service)),
            Target::Group(group) => Some(Hosted::Group(group)),
            Target::Instance(instance) => Some(Hosted::Instance(instance)),
            Target::Zone(zone) => Some(Hosted::Zone(zone)),
            Target::Host(host) => Some(Hosted::Host(host)),
            Target::Client(client) => Some(Hosted::Client(client)),
            Target::Caller(client, index) => Some(Hosted::Caller(client, index)),
            Target::RegistryMember(_)
            | Target::Registry
            | Target::RegistryLeader
            | Target::Agents(_) => None,
        }
    }
}
