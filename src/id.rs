//! Typed indices. An index is a place in a table of one run and never an identity: identities are
//! hashes of paths (see [`crate::rng`]).

use serde::Serialize;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(pub u32);

        impl $name {
            /// The place in a table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of the `index`-th entry of a table.
            ///
            /// # Panics
            ///
            /// If `index` does not fit in 32 bits; scenarios that large are refused when loaded.
            pub fn from_index(index: usize) -> Self {
                $name(u32::try_from(index).expect("tables hold fewer than 2^32 entries"))
            }
        }
    )*};
}

ids! {
    /// Anything that sends or receives: a client's caller, an instance, a registry member.
    NodeId
    /// A zone of the scenario, in order of its name.
    ZoneId
    /// A host, which nodes share.
    HostId
    /// A service: a pool of instances.
    ServiceId
    /// A group of equal instances of one service; counted over all services.
    GroupId
    /// One server process; counted over all services.
    InstanceId
    /// A named group of clients.
    ClientId
    /// A call edge: a client or service uses a service.
    EdgeId
    /// One calling side: an edge as one node owns it.
    CallerId
    /// A fault of the scenario.
    FaultId
}

/// The class of a request; counted over all clients, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ClassId(pub u8);

impl ClassId {
    /// The class of requests whose client has no classes.
    pub const NONE: ClassId = ClassId(0);

    /// The place in a table whose first entry is that of [`ClassId::NONE`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
