//! The only way out of the model: facts, as they happen. No conclusions, no statistics.

mod parties;
pub mod step;
mod told;

use std::sync::Arc;

use serde::{Serialize, Serializer};

pub use super::caller::parts::{Parts, Wait};
pub use super::control_kind::ControlKind;
use super::view::ViewSnapshot;
use crate::id::{CallerId, ClassId, ClientId, EdgeId, FaultId, InstanceId, NodeId, ServiceId};
use crate::time::{SimDuration, SimTime};

use step::Step;

pub use told::Tell;
pub(super) use told::Told;

pub use parties::{
    BreakerState, CacheAnswer, CachePlace, FaultWindow, LifeState, LimitOwner, LocalCause,
    Suspector,
};

/// Receives every fact of a run, in order of time.
pub trait Observer {
    /// Whether it follows single requests; otherwise nothing is spent on their steps.
    const FOLLOWS: bool = false;

    /// Whether the run is bare (`bare.rs`); then nothing is asked for that no such run uses.
    const IS_BARE: bool = false;

    /// Takes note of one fact. `at` never decreases.
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>);

    /// Takes note of one fact of a bare run, where keys that no balancer asks for are 0.
    #[inline(always)]
    fn observe_bare(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.observe(at, observation);
    }

    /// Takes note of one step of a request, where [`Observer::FOLLOWS`] says so.
    fn follow(&mut self, _at: SimTime, _step: &Step) {}

    /// Takes note of a fact that is a step of a request as well, where [`Observer::FOLLOWS`] says
    /// so.
    fn observe_step(&mut self, at: SimTime, observation: &Observation<'_>, step: &Step) {
        self.observe(at, observation);
        self.follow(at, step);
    }
}

/// Observes nothing.
#[derive(Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&mut self, _at: SimTime, _observation: &Observation<'_>) {}
}

/// One fact.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Observation<'a> {
    /// A request of a client arrived at its caller, which may be down
    /// (`when_caller_down = "fail"`).
    RequestArrived {
        client: ClientId,
        caller: NodeId,
        class: ClassId,
    },
    /// A request of a client has its outcome. The latency is `at - arrived_at`.
    RequestEnded {
        client: ClientId,
        caller: NodeId,
        class: ClassId,
        arrived_at: SimTime,
        outcome: Outcome,
        attempt_count: u32,
    },
    /// A call (a request as one calling side sees it, those between services included) has its
    /// outcome.
    CallEnded {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        started_at: SimTime,
        outcome: Outcome,
    },
    /// A balancer picked `instance` and the attempt was sent. The first attempt has index 0.
    AttemptSent {
        caller: CallerId,
        edge: EdgeId,
        instance: InstanceId,
        class: ClassId,
        attempt_index: u32,
        /// The key of the request.
        key: u64,
        /// The instance was down when the attempt was sent.
        is_wasted: bool,
    },
    /// An attempt ended, as its caller sees it.
    AttemptEnded {
        caller: CallerId,
        edge: EdgeId,
        instance: InstanceId,
        class: ClassId,
        sent_at: SimTime,
        outcome: AttemptOutcome,
    },
    /// An attempt reached an instance and waits or starts there.
    WorkArrived {
        instance: InstanceId,
        class: ClassId,
    },
    /// A worker took it up after `waiting`.
    WorkStarted {
        instance: InstanceId,
        class: ClassId,
        waiting: SimDuration,
    },
    /// An instance is done with an attempt. `is_zombie`: its caller had given up before.
    WorkEnded {
        instance: InstanceId,
        class: ClassId,
        arrived_at: SimTime,
        /// When a worker took it up; None if it was lost before.
        started_at: Option<SimTime>,
        end: WorkEnd,
        is_zombie: bool,
    },
    /// An instance refused an attempt because its queue was full.
    WorkRejected {
        instance: InstanceId,
        class: ClassId,
    },
    /// Workers of an instance that are busy from now on (under processor sharing: running
    /// requests, at most the workers).
    BusyChanged {
        instance: InstanceId,
        busy_count: u32,
    },
    /// A node changed its life state.
    NodeChanged {
        node: NodeId,
        state: LifeState,
        fault: Option<FaultId>,
    },
    /// A window of a fault begins and acts on these nodes.
    FaultStarted {
        fault: FaultId,
        targets: &'a [NodeId],
    },
    /// A window of a fault ends.
    FaultEnded {
        fault: FaultId,
        targets: &'a [NodeId],
    },
    /// What came in a rolling restart is ready; None: the load stopped it.
    RolloutStep {
        fault: FaultId,
        instance: Option<InstanceId>,
    },
    /// A detector begins to suspect an instance.
    Suspected {
        suspector: Suspector,
        instance: InstanceId,
    },
    /// A detector trusts an instance that it suspected.
    Trusted {
        suspector: Suspector,
        instance: InstanceId,
    },
    /// A detector no longer watches an instance that it suspected: the instance is off its list, or
    /// who watches died.
    Forgotten {
        suspector: Suspector,
        instance: InstanceId,
    },
    /// The registry published a new list of a service.
    Published {
        #[serde(serialize_with = "shared")]
        view: &'a Arc<ViewSnapshot>,
    },
    /// A calling side balances over these candidates from now on.
    CandidatesChanged {
        caller: CallerId,
        edge: EdgeId,
        #[serde(serialize_with = "shared")]
        view: &'a Arc<ViewSnapshot>,
    },
    /// An instance is no longer a candidate of a calling side.
    Excluded {
        caller: CallerId,
        instance: InstanceId,
        cause: ExclusionCause,
    },
    /// An instance is a candidate of a calling side again, or for the first time after the start.
    Included {
        caller: CallerId,
        instance: InstanceId,
    },
    /// A message that is not a request was sent. `to`: none where no member of the registry was
    /// there to send it to.
    ControlSent {
        kind: ControlKind,
        service: ServiceId,
        from: NodeId,
        to: Option<NodeId>,
    },
    /// A client of a registry talks to this member from now on.
    Attached { node: NodeId, member: NodeId },
    /// A member got no answer from the one that it probed, in no way.
    GossipProbeFailed { prober: NodeId, target: NodeId },
    /// A message that is not a request, and whose size is known, was sent. None: it is about no
    /// service of its own.
    ControlSized {
        kind: ControlKind,
        service: Option<ServiceId>,
        from: NodeId,
        to: NodeId,
        byte_count: u64,
    },
    /// How the CPU of an instance is used from now on, where its work shares cores.
    CpuChanged {
        instance: InstanceId,
        /// Cores in use.
        cores_used: f64,
        /// Work stands still because the quota is used up.
        is_throttled: bool,
    },
    /// Work of a class begins to share the cores of an instance, or no longer does.
    CoresShared {
        instance: InstanceId,
        class: ClassId,
        begins: bool,
    },
    /// The process of an instance with cores died: nothing shares them any more.
    CoresFreed { instance: InstanceId },
    /// The copy of data that a service was making is complete; told where links have a bandwidth.
    CopyMade { service: ServiceId },
    /// A calling side begins to open a connection. `class`: that of the attempt that needs it;
    /// none where no attempt does.
    HandshakeStarted {
        caller: CallerId,
        edge: EdgeId,
        instance: InstanceId,
        class: ClassId,
    },
    /// A connection is open at its calling side.
    ConnectionOpened {
        caller: CallerId,
        edge: EdgeId,
        instance: InstanceId,
    },
    /// A connection that was open is closed at its calling side.
    ConnectionClosed {
        caller: CallerId,
        edge: EdgeId,
        instance: InstanceId,
        /// When the process at its other end died or closed it, and nothing told the calling side.
        half_open_since: Option<SimTime>,
    },
    /// The bytes of an attempt left on a connection, for which it had waited since it was sent.
    AttemptCarried {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        waiting: SimDuration,
    },
    /// A request or a reply with a size was sent for a call of this edge. What is retransmitted
    /// counts once.
    BytesSent {
        edge: EdgeId,
        class: ClassId,
        byte_count: u64,
    },
    /// A request of a stage of parallel, optional or detached calls begins. `is_first`: it is the
    /// first one of its client's request, which began with the request itself.
    CallBegan {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        is_first: bool,
    },
    /// The outcome of an optional call is certain; its owner goes on in any case.
    OptionalCallEnded {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        started_at: SimTime,
        has_failed: bool,
    },
    /// A worker is free of an attempt that waits for asynchronous calls.
    WorkReleased {
        instance: InstanceId,
        class: ClassId,
        started_at: SimTime,
    },
    /// An instance is done with an attempt that a worker was freed of at `released_at`.
    ReleasedWorkEnded {
        instance: InstanceId,
        class: ClassId,
        arrived_at: SimTime,
        started_at: SimTime,
        released_at: SimTime,
        end: WorkEnd,
        is_zombie: bool,
    },
    /// Follows [`Observation::CallEnded`] where latencies are split.
    CallBreakdown {
        caller: CallerId,
        edge: EdgeId,
        started_at: SimTime,
        parts: &'a Parts,
        waits: &'a [Wait],
    },
    /// Follows [`Observation::RequestEnded`] where latencies are split.
    RequestBreakdown {
        client: ClientId,
        class: ClassId,
        arrived_at: SimTime,
        parts: &'a Parts,
        waits: &'a [Wait],
    },
    /// The attempt that was sent last was sent while others of its call were in flight.
    HedgeSent {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        attempt_index: u32,
    },
    /// A call that failed ends with a fallback in place of a reply, as a success.
    FellBack {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
    },
    /// Work that ended just now was in service for this long after its caller had given up.
    ZombieWorked {
        instance: InstanceId,
        class: ClassId,
        length: SimDuration,
    },
    /// A caller turned an attempt of its own away: it was not sent.
    TurnedAway {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        cause: LocalCause,
    },
    /// A call wanted a retry, where a budget or a limit of retries decides.
    RetryDecided {
        caller: CallerId,
        edge: EdgeId,
        class: ClassId,
        is_granted: bool,
    },
    /// A breaker changed its state: that of a call, or of one of its instances. One that is due to
    /// change while nobody calls changes with the next call.
    BreakerChanged {
        caller: CallerId,
        edge: EdgeId,
        instance: Option<InstanceId>,
        state: BreakerState,
    },
    /// A concurrency limit moved.
    LimitChanged {
        owner: LimitOwner,
        before: u32,
        limit: u32,
    },
    /// A cache was asked for a key.
    CacheAsked {
        place: CachePlace,
        class: ClassId,
        answer: CacheAnswer,
    },
    /// Somebody begins to load a key into a cache: after a miss, or in the background for an entry
    /// past its life. `class`: that of the request that missed it or found it so.
    CacheLoads { place: CachePlace, class: ClassId },
}

/// Writes what a view holds.
fn shared<S: Serializer>(view: &&Arc<ViewSnapshot>, serializer: S) -> Result<S::Ok, S::Error> {
    ViewSnapshot::serialize(view, serializer)
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// Fingerprint of the sequence of handled events.
    pub digest: u64,
    /// Handled events.
    pub event_count: u64,
    /// The end, the drain included.
    pub ended_at: SimTime,
    /// Requests of clients that have no outcome.
    pub in_flight_count: u64,
}

/// How a request or a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A good reply before the deadline.
    Success,
    /// Ended badly: error replies, refused or reset connections, no candidate.
    Failure,
    /// The deadline or the last attempt's timeout passed.
    Timeout,
    /// The last attempt was turned away, by a full queue or a limit of the server or by the caller
    /// itself (breaker, bulkhead, throttle).
    Rejected,
}

/// How an attempt ended, as its caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// A good reply.
    Success,
    /// An error reply.
    Error,
    /// Turned away by a full queue.
    Rejected,
    /// The host answered that nobody listens.
    Refused,
    /// The process died with the attempt.
    Reset,
    /// Timed out; the instance was alive and had it, or its reply was lost or late.
    TimeoutSlow,
    /// Timed out; it never reached a living instance (lost host, partition).
    TimeoutBlackHole,
    /// Timed out; it had reached the instance, whose host then went silent.
    TimeoutHalfOpen,
    /// Given up because its caller died or the request ended otherwise.
    Cancelled,
    /// No connection to the instance came about in time.
    ConnectTimeout,
    /// The connection was reset before the process read anything of the attempt.
    ResetUnsent,
}

impl AttemptOutcome {
    /// Whether the connection failed that it went by.
    #[inline]
    pub fn is_failed_connection(self) -> bool {
        use AttemptOutcome::{ConnectTimeout, Refused, Reset, ResetUnsent};
        matches!(self, Refused | Reset | ConnectTimeout | ResetUnsent)
    }
}

/// How work at an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkEnd {
    /// Served, good reply sent.
    Served,
    /// Served, error reply sent.
    Errored,
    /// Lost with its process.
    Lost,
    /// Dropped by a worker: its deadline had passed, or it had waited too long.
    Dropped,
    /// Its caller took it back.
    Cancelled,
}

/// Why an instance is no longer a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionCause {
    /// The registry's list no longer has it.
    Registry,
    /// The calling side's own detector suspects it.
    Detector,
    /// The calling side's balancer leaves it out because of how attempts ended.
    Ejection,
}
