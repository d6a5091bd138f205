//! Everything that was counted in one run, by scope and phase; any measure is put together from it.

use std::collections::BTreeSet;

use super::attempts::SeveralTable;
use super::cache::CacheTable;
use super::class::ClassTable;
use super::class_cpu::ClassCpuTable;
use super::class_load::ClassLoadTable;
use super::connection::ConnectionTable;
use super::control::{ControlCell, KINDS};
use super::convergence::ConvergenceTable;
use super::detection::DetectionTable;
use super::edge_window::EdgeWindowTable;
use super::exclusion::ExclusionTable;
use super::flow::FlowTable;
use super::headcount::HeadcountTable;
use super::instance::InstanceTable;
use super::member::MemberTable;
use super::phase::Timeline;
use super::replication::ReplicationTable;
use super::request::{RequestCell, RequestTable};
use super::resilience::ResilienceTable;
use super::ring::RingTable;
use super::rollout::RolloutTable;
use super::sample::SampleTable;
use super::selection::SelectionTable;
use super::server::ServerTable;
use super::service::ServiceTable;
use super::share_return::ShareReturnTable;
use super::steady::SteadyState;
use super::timeline::TimelineTable;
use super::window::WindowTable;
use crate::id::{NodeId, ServiceId};
use crate::model::observation::ControlKind;
use crate::time::{SimDuration, SimTime};

/// What one fault did, as far as it is not told elsewhere.
#[derive(Clone, Debug, Default)]
pub struct FaultCounts {
    /// All nodes that it acted on.
    pub targets: BTreeSet<NodeId>,
    /// Most nodes that one of its windows acted on.
    pub target_count_max: u64,
    /// Instances that it took down, counted at every time; who left on purpose is not among them.
    pub down_count: u64,
    /// Attempts sent to instances while it held them down, or after they left because of it.
    pub wasted_count: u64,
    /// Longest time from an instance's going down to the last of them.
    pub wasted_after_max: Option<SimDuration>,
    /// The last of them between the start of a window and that of the next one, by window.
    pub wasted_at: Vec<Option<SimTime>>,
}

/// Calls between services, and calls of clients whose requests make several.
#[derive(Clone, Debug, Default)]
pub struct CallTable {
    /// By edge: the client whose requests are its calls, because they make no other.
    pub alias_clients: Vec<Option<usize>>,
    /// By edge, then class of the start of the call; `arrived_count` counts those that ended.
    pub cells: Vec<RequestCell>,
}

/// All counters of one run.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The phases.
    pub timeline: Timeline,
    /// Start and end of the measured window.
    pub measured: (SimTime, SimTime),
    /// Requests of clients.
    pub requests: RequestTable,
    /// Calls by edge.
    pub calls: CallTable,
    /// What is counted by class of request.
    pub classes: ClassTable,
    /// Load by class of request; None where no expectation asks for it.
    pub class_loads: Option<Box<ClassLoadTable>>,
    /// CPU time by class of request; None where no expectation asks for it.
    pub class_cpu: Option<Box<ClassCpuTable>>,
    /// Parts of latencies, and optional calls.
    pub flow: FlowTable,
    /// Requests by window.
    pub windows: WindowTable,
    /// Hedges and fallbacks.
    pub several: SeveralTable,
    /// Single requests and attempts.
    pub sample: SampleTable,
    /// Work by service.
    pub services: ServiceTable,
    /// CPU and pauses by instance.
    pub servers: ServerTable,
    /// Load by instance.
    pub instances: InstanceTable,
    /// How many instances there are, and who is away.
    pub headcounts: HeadcountTable,
    /// Picks by edge.
    pub selection: SelectionTable,
    /// Detectors.
    pub detection: DetectionTable,
    /// Exclusions.
    pub exclusion: ExclusionTable,
    /// Rings.
    pub rings: RingTable,
    /// Rolling restarts.
    pub rollouts: RolloutTable,
    /// Data that instances keep.
    pub replication: ReplicationTable,
    /// Picks after changes of weights.
    pub convergence: ConvergenceTable,
    /// Attempts to the victims of faults that are over.
    pub share_returns: ShareReturnTable,
    /// What callers turn away, breakers and limits.
    pub resilience: ResilienceTable,
    /// The same over time, with connections and hedges.
    pub edge_windows: EdgeWindowTable,
    /// Beliefs over time.
    pub timelines: TimelineTable,
    /// Connections.
    pub connections: ConnectionTable,
    /// By fault.
    pub faults: Vec<FaultCounts>,
    /// Control messages by class, then service (the last place: of no service), then kind.
    pub control: Vec<Vec<[ControlCell; KINDS.len()]>>,
    /// The same by member.
    pub members: MemberTable,
    /// Caches.
    pub caches: CacheTable,
    /// The steady band of all clients together; None before the run is over.
    pub steady: Option<SteadyState>,
}

impl Tables {
    /// Control messages of a kind in these classes, about all services or one.
    pub fn control(
        &self,
        kind: ControlKind,
        service: Option<ServiceId>,
        classes: &[u16],
    ) -> ControlCell {
        let services = classes
            .iter()
            .flat_map(|class| self.control[*class as usize].iter().enumerate());
        let mut sum = ControlCell::default();
        services
            .filter(|(index, _)| service.is_none_or(|s| s.index() == *index))
            .for_each(|(_, kinds)| sum.add(&kinds[kind as usize]));
        sum
    }
}
