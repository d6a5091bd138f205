//! What Nacos' clients and servers say, do and wait for.

use std::sync::Arc;

use super::line::Talk;
use crate::id::{InstanceId, ServiceId};
use crate::model::view::ViewSnapshot;

/// What a client does at the same time as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Registrations and beats.
    Registration,
    /// Pulls.
    Pull,
}

/// A question of a client.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Who asks.
    pub client: u32,
    /// Questions on that channel before.
    pub number: u32,
    /// What.
    pub op: Op,
    /// The server that was asked first and passed it on.
    pub via: Option<u32>,
}

/// What clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A heartbeat.
    Beat,
    /// The registration of the instance.
    Register,
    /// Its end.
    Deregister,
    /// The lists of all services that the client calls.
    Pull,
}

impl Op {
    /// Where the question is asked.
    pub fn channel(self) -> Channel {
        match self {
            Op::Beat | Op::Register | Op::Deregister => Channel::Registration,
            Op::Pull => Channel::Pull,
        }
    }
}

/// What servers answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Done.
    Done,
    /// The instance is not registered.
    Missing,
    /// The server cannot do it.
    Unavailable,
    /// Lists.
    Lists(Box<[(ServiceId, Arc<ViewSnapshot>)]>),
}

/// Whether an instance is registered, and if so whether it is healthy.
pub type State = (InstanceId, Option<bool>);

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    /// A client asks, or a server passes its question on.
    Request(Request),
    /// The answer, which goes back the same way.
    Answer { request: Request, answer: Answer },
    /// A server sends a list to a client.
    Push {
        service: ServiceId,
        view: Arc<ViewSnapshot>,
    },
    /// On the connection of a client.
    Talk { client: u32, epoch: u32, talk: Talk },
    /// A server tells its peers what changed.
    Sync(Box<[State]>),
    /// A server tells its peers all that it is responsible for.
    Verify(Box<[State]>),
    /// A server tells its peers that it lives.
    Report,
    /// A server that starts asks for everything.
    Load,
    /// The answer.
    Loaded(Box<[State]>),
}

/// Work of a server.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// A client asks.
    Request(Request),
    /// A peer told it a change.
    Sync { from: u32, state: State },
    /// An instance comes or leaves by its connection.
    Publish {
        client: u32,
        epoch: u32,
        is_listed: bool,
    },
    /// A client wants all lists on its connection.
    Subscribe { client: u32, epoch: u32 },
    /// A connection was reset.
    Disconnect { client: u32, epoch: u32 },
    /// A client is told of a change.
    Push { client: u32, service: ServiceId },
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The next beat or pull of a client, or the end of its patience with a server.
    Task { client: u32, channel: Channel },
    /// The next step of a client with a connection.
    Keep { client: u32 },
    /// The end of its patience with its server.
    KeepEnds { client: u32 },
    /// It registers and subscribes again.
    Redo { client: u32 },
    /// A server looks for silent connections.
    Eject { member: u32 },
    /// The end of its patience with those clients.
    EjectEnds { member: u32 },
    /// A server looks for silent instances of a service.
    Check { member: u32, service: ServiceId },
    /// A server pushes the list of a service.
    Push { member: u32, service: ServiceId },
    /// A server tells its peers what changed.
    Sync { member: u32 },
    /// A server tells its peers all that it is responsible for.
    Verify { member: u32 },
    /// A server tells its peers that it lives.
    Report { member: u32 },
    /// A server that starts asks the next peer.
    Load { member: u32 },
}
