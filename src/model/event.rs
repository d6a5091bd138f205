//! The closed list of what can happen. Every event is a kind and an index, so that it fits in the
//! payload of a queue entry.

use crate::engine::queue::Packed;

/// Bits of the payload that hold the index.
const INDEX_BITS: u32 = 26;

/// One more than the largest index of an event.
pub const INDEX_LIMIT: u32 = 1 << INDEX_BITS;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal,)*) => {
        /// Something that happens at an instant, to the entity with the given index.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $name(u32),)*
        }

        const _: () = assert!(size_of::<Event>() <= 16);

        impl Packed for Event {
            #[inline(always)]
            fn pack(self) -> u32 {
                let (kind, index) = match self {
                    $(Event::$name(index) => ($kind, index),)*
                };
                assert!(index < INDEX_LIMIT, "an index does not fit in {INDEX_BITS} bits");
                (kind << INDEX_BITS) | index
            }

            #[inline(always)]
            fn unpack(word: u32) -> Self {
                let index = word & (INDEX_LIMIT - 1);
                match word >> INDEX_BITS {
                    $($kind => Event::$name(index),)*
                    kind => unreachable!("no event has kind {kind}"),
                }
            }
        }

        impl Event {
            /// The number of the kind, which the digest folds. Never renumbered.
            #[inline(always)]
            pub fn kind(self) -> u8 {
                match self {
                    $(Event::$name(_) => $kind,)*
                }
            }

            /// The name of a kind, for messages.
            pub fn kind_name(kind: u8) -> &'static str {
                match kind {
                    $($kind => stringify!($name),)*
                    _ => "unknown",
                }
            }
        }
    };
}

events! {
    /// The next open-loop or recorded request of a client group arrives.
    RequestArrives = 0,
    /// A closed-loop user has thought and sends.
    ThinkEnds = 1,
    /// An attempt reaches its instance's host.
    AttemptArrives = 2,
    /// A worker is done with an attempt.
    WorkDone = 3,
    /// An instance with processor sharing is done with the attempt that has least left to do.
    SharedWorkDone = 4,
    /// A reply, a refusal or a reset reaches the caller of an attempt.
    ReplyArrives = 5,
    /// The head of a lane of attempt timeouts is due.
    AttemptTimeout = 6,
    /// A request has waited for its retry.
    BackoffEnds = 7,
    /// An instance renews its lease.
    HeartbeatDue = 8,
    /// A heartbeat reaches the registry.
    HeartbeatArrives = 9,
    /// A lease may have run out.
    LeaseExpires = 10,
    /// The registry publishes what changed in a service.
    PublishDue = 11,
    /// A list reaches a calling side.
    ListArrives = 12,
    /// A calling side asks the registry for its list.
    PollDue = 13,
    /// The question reaches the registry.
    PollArrives = 14,
    /// A calling side pings an instance.
    PingDue = 15,
    /// A ping reaches its instance's host.
    PingArrives = 16,
    /// An ACK reaches the calling side.
    AckArrives = 17,
    /// The head of a lane of ping timeouts is due.
    PingTimeout = 18,
    /// A step of the fault plan, or of what loads and windows set off.
    FaultStep = 19,
    /// A process has restarted.
    RestartEnds = 20,
    /// An instance that leaves has used up its grace.
    GraceEnds = 21,
    /// A deregistration reaches the registry.
    DeregistrationArrives = 22,
    /// The timeout of an attempt that its deadline cuts short is due.
    AttemptDeadline = 23,
    /// An owner has done without an optional call.
    FallbackEnds = 24,
    /// A request has waited for its attempts long enough to send another one.
    HedgeDue = 25,
    /// A cancellation reaches the host of the instance that has the attempt.
    CancelArrives = 26,
    /// A request that waits at its caller has a place, or has waited for as long as it may.
    GateWaitEnds = 27,
    /// A timer of a server is due: its quota of CPU, or a pause of its own.
    ServerStep = 28,
    /// A timer of a connection, or of the back-off before one, is due.
    ConnectionTimer = 29,
    /// A message of a connection arrives.
    ConnectionMessage = 30,
    /// Something is due at a cache.
    CacheDue = 31,
    /// The balancer of a calling side asked to be woken.
    BalancerWakes = 32,
    /// A message between a balancer and an instance arrives.
    BalancerMessage = 33,
    /// An instance sends a load report that nobody has to ask for again.
    ReportDue = 34,
    /// An instance sends a heartbeat to a calling side.
    BeatDue = 35,
    /// A heartbeat reaches its calling side.
    BeatArrives = 36,
    /// A calling side looks at what it should believe of an instance.
    BeliefDue = 37,
    /// Something is due at a member of a cluster that gossips.
    GossipDue = 38,
    /// A message between two members arrives.
    GossipMessage = 39,
    /// A member's suspicion of another one has lasted for as long as it may.
    GossipSuspicionEnds = 40,
    /// A member that was asked to probe another one has waited long enough.
    GossipRelayEnds = 41,
    /// A message of a registry that is a real system reaches its receiver's host.
    RegistryMessage = 42,
    /// A timer of such a registry, or of one of its clients, is due.
    RegistryTimer = 43,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_kind_and_index() {
        for event in [Event::RequestArrives(0), Event::GraceEnds(INDEX_LIMIT - 1)] {
            assert_eq!(Event::unpack(event.pack()), event);
        }
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn an_index_that_does_not_fit_is_refused() {
        Event::WorkDone(INDEX_LIMIT).pack();
    }
}
