//! What kubelets, API servers, controllers and those who watch say, do and wait for.

use std::sync::Arc;

use crate::id::{InstanceId, ServiceId};
use crate::model::view::ViewSnapshot;

/// A list of endpoints, with the change that made it.
pub type Slice = (ServiceId, u64, Arc<ViewSnapshot>);

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    /// A kubelet writes.
    Write { kubelet: u32, write: Write },
    /// It is written; `is_marked` says that pods of that kubelet were marked not ready by another.
    Written {
        kubelet: u32,
        write: Write,
        is_marked: bool,
    },
    /// Somebody wants all endpoints, and what changes from then on. Watches are numbered.
    Watch { client: u32, epoch: u32 },
    /// All of them.
    Slices { epoch: u32, slices: Box<[Slice]> },
    /// Those that changed.
    Changed { epoch: u32, slice: Slice },
    /// Is the API server still there?
    Ping { client: u32, epoch: u32 },
    /// It is.
    Pong { epoch: u32 },
    /// The watch is over.
    Closed { epoch: u32 },
    /// The heartbeat of a leader of etcd.
    Heartbeat { term: u32 },
    /// The answer to it.
    HeartbeatReply { term: u32 },
    /// A follower passes a write on to its leader.
    Forward { entry: Entry },
}

impl Message {
    /// Whether it is for a kubelet, which lives as long as its host.
    pub fn is_for_host(&self, is_returned: bool) -> bool {
        match self {
            Message::Write { .. } => is_returned,
            Message::Written { .. } => !is_returned,
            Message::Watch { .. }
            | Message::Slices { .. }
            | Message::Changed { .. }
            | Message::Ping { .. }
            | Message::Pong { .. }
            | Message::Closed { .. }
            | Message::Heartbeat { .. }
            | Message::HeartbeatReply { .. }
            | Message::Forward { .. } => false,
        }
    }
}

/// What a kubelet writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The lease of its node, for the n-th time.
    Lease { number: u32 },
    /// What it says of a pod, for the n-th time.
    Pod {
        instance: InstanceId,
        state: PodState,
        number: u32,
    },
}

/// What is known of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// It is not ready.
    Unready,
    /// It is.
    Ready,
    /// It is to end.
    Deleted,
}

/// A change that etcd has to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What changes.
    pub change: Change,
    /// The member whose API server was asked.
    pub origin: u32,
}

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// As a kubelet says.
    Kubelet { kubelet: u32, write: Write },
    /// The node controller marks all pods of a kubelet not ready.
    Mark { kubelet: u32 },
    /// The endpoints of a service become what its pods are.
    Slice { service: ServiceId },
}

/// Work of a member.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// A kubelet writes.
    Write { kubelet: u32, write: Write },
    /// Somebody wants all endpoints.
    Watch { client: u32, epoch: u32 },
    /// Somebody is told what changed.
    Notify { client: u32, service: ServiceId },
}

/// Timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// A kubelet renews the lease of its node.
    Renew { kubelet: u32 },
    /// Its renewal was not answered.
    RenewEnds { kubelet: u32 },
    /// It repeats what was not taken.
    Repeat { kubelet: u32 },
    /// It looks which containers run, and this one has changed.
    Relist { instance: InstanceId },
    /// A probe of a container.
    Probe { instance: InstanceId },
    /// Its answer is late.
    ProbeEnds { instance: InstanceId },
    /// Somebody begins to watch, or its API server did not answer.
    Watch { client: u32 },
    /// A watch may have been silent for too long.
    Idle { client: u32 },
    /// A kube-proxy programs what it was told.
    Sync { client: u32 },
    /// A leader of etcd sends heartbeats.
    Heartbeat { member: u32 },
    /// The node controller looks at all nodes.
    Monitor,
    /// The endpoints of a service are written.
    Slice { service: ServiceId },
    /// The controllers start at this member.
    TakeOver { member: u32 },
}

impl Alarm {
    /// Whether it is one of a kubelet, which runs while the process stands still.
    pub fn is_of_host(self) -> bool {
        match self {
            Alarm::Renew { .. }
            | Alarm::RenewEnds { .. }
            | Alarm::Repeat { .. }
            | Alarm::Relist { .. }
            | Alarm::Probe { .. }
            | Alarm::ProbeEnds { .. } => true,
            Alarm::Watch { .. }
            | Alarm::Idle { .. }
            | Alarm::Sync { .. }
            | Alarm::Heartbeat { .. }
            | Alarm::Monitor
            | Alarm::Slice { .. }
            | Alarm::TakeOver { .. } => false,
        }
    }
}
