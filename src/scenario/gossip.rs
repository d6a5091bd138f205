//! What a scenario may say about gossip: how the instances of a service watch each other.

use crate::id::ServiceId;
use crate::scenario::registry::Phase;
use crate::time::SimDuration;

/// `[service.web.gossip]`: a cluster whose members are the instances of one service, or of several.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterConfig {
    /// The service that has the table; messages are counted as its own.
    pub service: ServiceId,
    /// All services whose instances are members, ascending.
    pub services: Vec<ServiceId>,
    /// How they gossip.
    pub gossip: GossipConfig,
}

/// A membership protocol with its parameters, under their names in memberlist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GossipConfig {
    /// By which law times and retransmissions grow with the cluster.
    pub law: ScaleLaw,
    /// From one probe of a member to its next.
    pub probe_interval: SimDuration,
    /// Without an ACK for this long others are asked to probe.
    pub probe_timeout: SimDuration,
    /// Members that are asked.
    pub indirect_checks: u32,
    /// Who is probed next.
    pub probe_order: ProbeOrder,
    /// Suspicions last for at least this many intervals, times the law; 0: who does not answer is
    /// taken for dead at once.
    pub suspicion_mult: u32,
    /// Suspicions that nobody confirms last this many times longer.
    pub suspicion_max_timeout_mult: u32,
    /// Each member passes an update on this many times, times the law.
    pub retransmit_mult: u32,
    /// Members that get updates at once; 0: updates only travel on other messages.
    pub gossip_nodes: u32,
    /// From one sending of updates to the next.
    pub gossip_interval: SimDuration,
    /// Members taken for dead get updates, and keep their places, for this long. None: they lose
    /// their places at once.
    pub gossip_to_the_dead_time: Option<SimDuration>,
    /// From one full exchange of a member to its next, before it is scaled; zero: there are none.
    pub push_pull_interval: SimDuration,
    /// From one try of a member to join one that it takes for dead to the next; zero: it never
    /// tries.
    pub reconnect_interval: SimDuration,
    /// One more than the largest score of a member that doubts itself; 1: none does.
    pub awareness_max_multiplier: u32,
    /// Who asked for a probe hears that it failed, so that silence means something.
    pub has_nacks: bool,
    /// A suspected member is told when it is probed.
    pub has_buddy: bool,
    /// A member that does not answer is asked over a connection, too.
    pub has_tcp_pings: bool,
    /// A connection that has not brought its message across within this time is given up.
    pub tcp_timeout: SimDuration,
    /// Largest packet.
    pub udp_buffer_size: u32,
    /// A process that found nobody to join tries again after this long.
    pub retry_interval: SimDuration,
    /// Where in its intervals each member starts.
    pub phase: Phase,
}

/// By which law times and retransmissions grow with the cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScaleLaw {
    /// The logarithm of the members plus one, rounded up, to some base.
    Swim {
        /// The base; the paper does not name it.
        log_base: f64,
    },
    /// As memberlist has it: `log10`, at least 1, for times; that of one member more, rounded up,
    /// for retransmissions.
    Memberlist,
}

/// Who is probed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeOrder {
    /// Each member once in every pass, in a new random order (SWIM, section 4.3).
    RoundRobin,
    /// Any member, whoever was before (SWIM, section 3.1).
    Random,
}
