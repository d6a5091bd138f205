//! Requests and attempts in flight. Their sizes bound the memory of a run, so they are asserted.

use crate::id::{CallerId, ClassId, InstanceId, NodeId};
use crate::time::SimTime;

/// No slot.
pub const NIL: u32 = u32::MAX;

/// Who sent what the registry asks for.
pub const NOBODY: CallerId = CallerId(NIL);

/// Bit of a packed parent that tells requests from attempts.
const PARENT_IS_REQUEST: u32 = 1 << 31;

/// Bit of a packed parent that tells joins from attempts.
const PARENT_IS_JOIN: u32 = 1 << 30;

/// The packed parent of requests that nobody waits for.
const PARENT_DETACHED: u32 = NIL - 1;

/// What waits for a request to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// The client that sent it.
    Client,
    /// An attempt, whose worker waits for this call.
    Attempt(u32),
    /// A client's request with several calls, of which this is one.
    Request(u32),
    /// A stage of parallel calls.
    Join(u32),
    /// Nobody.
    Detached,
}

/// One request as one calling side sees it, from arrival to outcome.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Names the random numbers of this request; the same under every policy.
    pub identity: u64,
    /// When it arrived at its calling side.
    pub arrived_at: SimTime,
    /// After this instant its outcome is useless.
    pub deadline: SimTime,
    /// Its key.
    pub key: u32,
    /// The closed-loop user, or the row of the recorded trace; NIL for neither.
    pub source: u32,
    /// The calling side that makes the call; with [`RequestFlags::HAS_NO_CALLER`] the node.
    owner: u32,
    parent: u32,
    /// Slot of the list of instances it tried; NIL before the first retry.
    pub tried: u32,
    /// Attempts sent, or given up for want of a candidate.
    pub attempt_count: u8,
    /// Which call of its client is under way, for a request that is made of several.
    pub step: u8,
    /// What is known of it.
    pub flags: RequestFlags,
    /// Its class, which its sub-calls inherit.
    pub class: ClassId,
}

/// What is known of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestFlags(pub u8);

impl RequestFlags {
    /// It waits for a retry, so an event holds its slot.
    pub const BACKING_OFF: RequestFlags = RequestFlags(1);
    /// Its caller died; the slot is freed with the event that holds it.
    pub const ABANDONED: RequestFlags = RequestFlags(2);
    /// No calling side makes it: it is made of several calls, or has not begun.
    pub const HAS_NO_CALLER: RequestFlags = RequestFlags(4);
    /// Its stage went on without it.
    pub const UNAWAITED: RequestFlags = RequestFlags(8);
    /// It failed, and is tried again while nobody waits for it.
    pub const BACKGROUND: RequestFlags = RequestFlags(16);
    /// Its back-off is over while its caller stands still. Known where latencies are split.
    pub const LATE: RequestFlags = RequestFlags(32);
    /// It loads its key into the cache of its call.
    pub const LOADS_CACHE: RequestFlags = RequestFlags(64);
    /// It loads its key into the cache of the instance that makes it, in the background.
    pub const LOADS_AT_INSTANCE: RequestFlags = RequestFlags(128);

    /// Whether it loads its key into a cache.
    #[inline]
    pub fn loads(self) -> bool {
        self.0 & (RequestFlags::LOADS_CACHE.0 | RequestFlags::LOADS_AT_INSTANCE.0) != 0
    }

    /// Sets `flags`.
    pub fn set(&mut self, flags: RequestFlags) {
        self.0 |= flags.0;
    }

    /// Sets or clears `flags`.
    pub fn put(&mut self, flags: RequestFlags, holds: bool) {
        self.0 = if holds {
            self.0 | flags.0
        } else {
            self.0 & !flags.0
        };
    }

    /// Whether all of `flags` hold.
    pub fn has(self, flags: RequestFlags) -> bool {
        self.0 & flags.0 == flags.0
    }
}

impl Request {
    /// A request that arrives now.
    pub fn new(identity: u64, arrived_at: SimTime, node: NodeId, parent: Parent) -> Self {
        Request {
            identity,
            arrived_at,
            deadline: SimTime::NEVER,
            key: 0,
            source: NIL,
            owner: node.0,
            parent: match parent {
                Parent::Client => NIL,
                Parent::Attempt(slot) => slot,
                Parent::Request(slot) => slot | PARENT_IS_REQUEST,
                Parent::Join(slot) => slot | PARENT_IS_JOIN,
                Parent::Detached => PARENT_DETACHED,
            },
            tried: NIL,
            attempt_count: 0,
            step: 0,
            flags: RequestFlags::HAS_NO_CALLER,
            class: ClassId::NONE,
        }
    }

    /// The node of a request that no calling side makes, or else the calling side.
    #[inline(always)]
    pub fn owner(&self) -> Result<CallerId, NodeId> {
        if self.flags.has(RequestFlags::HAS_NO_CALLER) {
            Err(NodeId(self.owner))
        } else {
            Ok(CallerId(self.owner))
        }
    }

    /// The calling side.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[inline(always)]
    pub fn caller(&self) -> CallerId {
        self.owner().expect("a call has a calling side")
    }

    /// A calling side makes it from now on.
    pub fn set_caller(&mut self, caller: CallerId) {
        self.flags.0 &= !RequestFlags::HAS_NO_CALLER.0;
        self.owner = caller.0;
    }

    /// It is tried again in the background: nothing waits for it from now on.
    pub fn go_to_background(&mut self) {
        self.flags.0 |= RequestFlags::BACKGROUND.0;
        self.parent = NIL;
        self.tried = NIL;
    }

    /// What waits for this request.
    pub fn parent(&self) -> Parent {
        match self.parent {
            NIL => Parent::Client,
            PARENT_DETACHED => Parent::Detached,
            slot if slot & PARENT_IS_REQUEST != 0 => Parent::Request(slot & !PARENT_IS_REQUEST),
            slot if slot & PARENT_IS_JOIN != 0 => Parent::Join(slot & !PARENT_IS_JOIN),
            slot => Parent::Attempt(slot),
        }
    }
}

/// Where an attempt is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On the wire to its instance, or lost there.
    Sent,
    /// In the instance's queue.
    Waiting,
    /// A worker serves it.
    Running,
    /// A worker holds it while a call of its own is under way.
    Calling,
    /// Calls of its own are under way, and no worker holds it.
    CallingFree,
    /// Its reply is on the wire, or lost there.
    Replied,
    /// Its process or host died with it.
    Lost,
}

impl Stage {
    /// Whether the instance has it.
    pub fn is_at_instance(self) -> bool {
        match self {
            Stage::Waiting | Stage::Running | Stage::Calling | Stage::CallingFree => true,
            Stage::Sent | Stage::Replied | Stage::Lost => false,
        }
    }
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A good reply.
    Good,
    /// An error reply.
    Error,
    /// The queue was full.
    Rejected,
    /// Nobody listens.
    Refused,
    /// The process died.
    Reset,
    /// No connection came about in time.
    ConnectTimeout,
}

/// One try of a request at one instance.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// The identity of its request.
    pub identity: u64,
    /// Sequence number of the one event that it waits for; an event with another one is stale.
    pub pending: u64,
    /// When it left its caller; once that has given it up, when it did.
    pub sent_at: SimTime,
    /// When it reached its instance; never, before it did.
    pub arrived_at: SimTime,
    /// When a worker took it up; never, before it did.
    pub started_at: SimTime,
    /// While running: when the worker is done. While its process stands still: how many
    /// nanoseconds of service are left. Once its reply was sent and latencies are split: when. On
    /// its way on a connection: when its bytes left.
    pub due_ns: u64,
    /// Its request; NIL once the caller has given it up.
    pub request: u32,
    /// Where it goes.
    pub instance: InstanceId,
    /// Who sent it.
    pub caller: CallerId,
    /// The next one in its instance's queue.
    pub next: u32,
    /// The key of its request.
    pub key: u32,
    /// Row of the recorded workload that says how much work it is; NIL for none.
    pub trace_row: u32,
    /// Its number among the attempts of its request, from 0.
    pub index: u8,
    /// Where it is.
    pub stage: Stage,
    /// What its reply says, once there is one.
    pub reply: Reply,
    /// What is known of it.
    pub flags: AttemptFlags,
    /// The class of its request.
    pub class: ClassId,
}

/// What is known of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptFlags(pub u8);

impl AttemptFlags {
    /// It reached a living process.
    pub const ARRIVED: AttemptFlags = AttemptFlags(1);
    /// Its timeout came due while its caller stood still.
    pub const TIMEOUT_DUE: AttemptFlags = AttemptFlags(2);
    /// The network delivered its message a second time: this is the copy.
    pub const DUPLICATE: AttemptFlags = AttemptFlags(4);
    /// It is on its way only because a broken link heals in the meantime.
    pub const HELD: AttemptFlags = AttemptFlags(8);
    /// Its reply was sent, and when that was is kept.
    pub const REPLIED: AttemptFlags = AttemptFlags(16);
    /// It is a ping that waits for a worker, and no attempt of a request.
    pub const PROBE: AttemptFlags = AttemptFlags(64);
    /// It shares the cores of its instance.
    pub const ON_CPU: AttemptFlags = AttemptFlags(128);

    /// Whether all of `flags` hold.
    pub fn has(self, flags: AttemptFlags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Sets `flags`.
    pub fn set(&mut self, flags: AttemptFlags) {
        self.0 |= flags.0;
    }

    /// Clears `flags`.
    pub fn clear(&mut self, flags: AttemptFlags) {
        self.0 &= !flags.0;
    }
}

// A request in flight and its attempt. Padding leaves three bytes of an attempt.
const _: () = assert!(size_of::<Request>() == 48 && size_of::<Attempt>() == 80);

/// The lists of instances that retried requests have tried. Lists are used again, so a retry
/// allocates nothing once the run has warmed up.
#[derive(Debug, Default)]
pub struct TriedLists {
    lists: Vec<Vec<InstanceId>>,
    free: Vec<u32>,
}

impl TriedLists {
    /// Adds `instance` to the list in `slot`, which is made if it is NIL. Returns the slot.
    pub fn push(&mut self, slot: u32, instance: InstanceId) -> u32 {
        let slot = if slot == NIL { self.take() } else { slot };
        let list = &mut self.lists[slot as usize];
        if let Err(place) = list.binary_search(&instance) {
            list.insert(place, instance);
        }
        slot
    }

    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.lists.push(Vec::new());
            u32::try_from(self.lists.len() - 1).expect("fewer lists than requests")
        })
    }

    /// The list in `slot`, ascending; empty for NIL.
    pub fn get(&self, slot: u32) -> &[InstanceId] {
        if slot == NIL {
            &[]
        } else {
            &self.lists[slot as usize]
        }
    }

    /// Gives the list back.
    #[inline(always)]
    pub fn release(&mut self, slot: u32) {
        if slot != NIL {
            self.release_list(slot);
        }
    }

    #[inline(never)]
    fn release_list(&mut self, slot: u32) {
        self.lists[slot as usize].clear();
        self.free.push(slot);
    }
}
