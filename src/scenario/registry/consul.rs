//! What a scenario may say about Consul.

use super::system::QuorumConfig;
use crate::scenario::check::ProbePath;
use crate::scenario::distribution::Distribution;
use crate::scenario::gossip::GossipConfig;
use crate::time::SimDuration;

/// HashiCorp Consul: an agent on every host that checks its instances, and servers that agree.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsulConfig {
    /// What agents check, and what follows.
    pub check: CheckConfig,
    /// How agents bring what they know to the servers.
    pub sync: SyncConfig,
    /// How calling sides ask.
    pub query: QueryConfig,
    /// `rpc_hold_timeout`: for this long a request waits for a leader.
    pub rpc_hold_timeout: SimDuration,
    /// `rpc_client_timeout`: a request without answer for this long has failed; a blocking query
    /// may take the time that it waits, as well.
    pub rpc_client_timeout: SimDuration,
    /// How often a leader compares what gossip says of the nodes with what is registered.
    pub reconcile_interval: SimDuration,
    /// Least time between the heartbeats of a leader; at most it is twice that.
    pub raft_heartbeat_min: SimDuration,
    /// Elections; the patience of a leader is its lease.
    pub quorum: QuorumConfig,
    /// How agents and servers watch each other.
    pub gossip: GossipConfig,
}

/// The check of every instance.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckConfig {
    /// Its kind.
    pub kind: CheckKind,
    /// What an HTTP check sees.
    pub path: ProbePath,
    /// What a worker spends on it, if one answers.
    pub worker_time: Option<Distribution>,
    /// An HTTP or TCP check without answer for this long has failed.
    pub timeout: SimDuration,
    /// `success_before_passing`.
    pub success_before_passing: u32,
    /// `failures_before_warning`.
    pub failures_before_warning: u32,
    /// `failures_before_critical`.
    pub failures_before_critical: u32,
    /// The status of a check that has not been made yet is passing, not critical.
    pub is_passing_at_first: bool,
    /// Whether the text that comes with a status is another one every time.
    pub has_changing_output: bool,
    /// `check_update_interval`: changes of the text alone are put off; zero: they are not.
    pub update_interval: SimDuration,
    /// `deregister_critical_service_after`, if it is set.
    pub deregister_after: Option<SimDuration>,
    /// `check_reap_interval`: how often an agent looks for such services.
    pub reap_interval: SimDuration,
    /// Whether an instance that finds its check unknown registers again.
    pub registers_again: bool,
}

/// Kinds of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// The instance tells its agent that it is well before the time to live is over.
    Ttl,
    /// The agent asks the instance, which answers by its own means.
    Http,
    /// The agent connects to the instance; its kernel accepts.
    Tcp,
}

/// Anti-entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncConfig {
    /// From one full sync to the next, before the jitter, which grows with the cluster.
    pub interval: SimDuration,
    /// A full sync that failed is made again after this and as much jitter.
    pub retry_interval: SimDuration,
    /// A full sync follows within this when a server comes.
    pub server_up_interval: SimDuration,
}

/// How calling sides ask for the instances of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryConfig {
    /// Who may answer.
    pub consistency: Consistency,
    /// Which instances are on the list.
    pub filter: Filter,
    /// `wait`: how long a blocking query waits for a change; a sixteenth is added at random.
    pub wait: SimDuration,
    /// Whether the agent keeps one query for all processes on its host.
    pub uses_cache: bool,
}

/// Who may answer a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The leader, without asking the others.
    Default,
    /// Any server, leader or not.
    Stale,
    /// The leader, after a majority has confirmed that it leads.
    Consistent,
}

/// Which instances are on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those whose checks all pass.
    Passing,
    /// Those that have no critical check, as DNS answers.
    NotCritical,
    /// All that are registered.
    Any,
}
