//! What clients, resolvers and name servers say, do and wait for.

use std::sync::Arc;

use crate::id::{InstanceId, ServiceId};
use crate::model::view::ViewSnapshot;
use crate::time::SimDuration;

/// Who looks a name up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    /// A process.
    Client(u32),
    /// A member that is a resolver.
    Resolver(u32),
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub asker: Asker,
    /// The name: one for each service.
    pub service: ServiceId,
    /// Questions of the asker about it before.
    pub number: u32,
}

/// What is known of a name, and how long it may be used.
#[derive(Clone, Debug)]
pub struct Records {
    /// The instances.
    pub view: Arc<ViewSnapshot>,
    /// The time to live that is left.
    pub ttl: SimDuration,
}

/// An instance, and whether it is healthy where it has a record.
pub type Record = (InstanceId, Option<bool>);

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    /// Somebody asks.
    Query(Question),
    /// The answer; without records the resolver found no name server.
    Answer {
        question: Question,
        records: Option<Records>,
    },
    /// An instance comes or leaves.
    Update {
        instance: InstanceId,
        is_listed: bool,
    },
    /// The registrar has noted it.
    Updated {
        instance: InstanceId,
        is_listed: bool,
    },
    /// The first name server checks an instance.
    Check { instance: InstanceId, number: u32 },
    /// It answers.
    Checked { instance: InstanceId, number: u32 },
    /// A name server asks for the zone.
    Load,
    /// Records: the whole zone, or what changed.
    Zone {
        records: Box<[Record]>,
        is_whole: bool,
    },
}

/// Work of a member.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// Somebody asks.
    Query(Question),
    /// An instance comes or leaves.
    Update {
        instance: InstanceId,
        is_listed: bool,
    },
    /// A checked instance answered.
    Checked { instance: InstanceId, number: u32 },
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// A process looks a name up, or its patience with a server ends.
    Lookup { client: u32, service: ServiceId },
    /// The patience of a resolver with a name server ends.
    Resolve { member: u32, service: ServiceId },
    /// An instance tells the registrar again.
    Register { client: u32 },
    /// A noted change takes effect.
    Apply { instance: InstanceId },
    /// An instance is checked.
    Check { instance: InstanceId },
    /// Its answer is late.
    CheckEnds { instance: InstanceId },
    /// A name server asks for the zone.
    Refresh { member: u32 },
}
