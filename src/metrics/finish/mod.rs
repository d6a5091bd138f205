//! From counters to numbers.

mod attempts;
mod flow;
mod resilience;
mod server;

use super::control::{KINDS, name};
use super::data::fault::{FaultMetrics, FaultSpan, ReturnTimes, RolloutMetrics};
use super::data::request::{ClientMetrics, PhaseKind, PhaseMetrics, RequestMetrics};
use super::data::series::{ClientSeries, ControlSeries, Series};
use super::data::{Conservation, ControlMetrics, RunMetrics};
use super::request::{RequestScope, all_classes};
use super::steady::{Back, Return, SteadyState};
use super::table::Tables;
use crate::id::{ClientId, EdgeId, FaultId, NodeId, ServiceId};
use crate::model::observation::RunEnd;
use crate::scenario::Scenario;
use crate::scenario::measure::Phase;
use crate::scenario::topology::NodeKind;
use crate::time::{SimDuration, SimTime};

/// Overlapping faults that are named.
const OVERLAP_COUNT_MAX: usize = 20;

/// Windows of a fault that are told one by one.
const FAULT_WINDOW_COUNT_MAX: usize = 1_000;

/// The numbers of a run that is over.
pub fn metrics(mut tables: Tables, scenario: &Scenario, end: RunEnd) -> RunMetrics {
    tables.steady = Some(SteadyState::new(
        &tables.windows,
        &tables.windows.pooled(None),
        &tables.timeline,
        &tables.faults,
        tables.measured,
    ));
    let finish = Finish {
        whole: whole_classes(&tables),
        tables: &tables,
        scenario,
        ended_at: end.ended_at,
    };
    let ids = |count: usize| 0..u32::try_from(count).expect("tables hold fewer than 2^32 entries");
    RunMetrics {
        digest: end.digest,
        event_count: end.event_count,
        ended_at_secs: end.ended_at.as_secs_f64(),
        measured_start_secs: tables.measured.0.as_secs_f64(),
        measured_end_secs: tables.measured.1.as_secs_f64(),
        conservation: conservation(&tables, end.in_flight_count),
        requests: finish.requests(),
        services: ids(scenario.services.len())
            .map(|service| finish.service(ServiceId(service)))
            .collect(),
        edges: ids(scenario.edges.len())
            .map(|edge| finish.edge(EdgeId(edge)))
            .collect(),
        detectors: tables.detection.metrics(scenario),
        faults: ids(scenario.faults.len())
            .map(|fault| finish.fault(FaultId(fault)))
            .collect(),
        memberships: tables.rings.histories(scenario),
        resilience: finish.resilience(),
        control: finish.control(),
        registry_members: tables
            .members
            .registry_rates(scenario, finish.measured_secs()),
        gossip_members: tables
            .members
            .gossip_rates(scenario, finish.measured_secs()),
        breakdowns: finish.breakdowns(),
        fallbacks: finish.fallbacks(),
        several: finish.several(),
        connections: tables
            .connections
            .metrics(scenario, &finish.whole, finish.measured_secs()),
        caches: tables
            .caches
            .metrics(scenario, &tables.timeline, &finish.whole),
        series: finish.series(),
        timelines: tables.timelines.rows(scenario),
        sample: tables.sample.finish(),
        tables,
    }
}

/// Classes of the measured window.
pub fn whole_classes(tables: &Tables) -> Vec<u16> {
    tables
        .timeline
        .classes_of(Phase::Whole)
        .expect("the measured window is always known")
}

/// Where all requests of the run went.
///
/// # Panics
///
/// If requests were lost or counted twice.
fn conservation(tables: &Tables, in_flight_count: u64) -> Conservation {
    let all = tables
        .requests
        .pooled(RequestScope::default(), &all_classes(&tables.timeline));
    let [
        succeeded_count,
        failed_count,
        timed_out_count,
        rejected_count,
    ] = all.outcome_counts;
    let conservation = Conservation {
        arrived_count: all.arrived_count,
        succeeded_count,
        failed_count,
        timed_out_count,
        rejected_count,
        in_flight_count,
    };
    let ended_count: u64 = all.outcome_counts.iter().sum();
    assert_eq!(
        all.arrived_count,
        ended_count + in_flight_count,
        "requests were lost or counted twice: {conservation:?}"
    );
    conservation
}

struct Finish<'a> {
    tables: &'a Tables,
    scenario: &'a Scenario,
    whole: Vec<u16>,
    ended_at: SimTime,
}

impl Finish<'_> {
    fn measured_secs(&self) -> f64 {
        self.tables.timeline.length_secs(&self.whole)
    }

    fn requests(&self) -> RequestMetrics {
        let mut phases = vec![self.phase(PhaseKind::Whole, None), self.steady()];
        for index in 0..self.scenario.faults.len() {
            let fault = Some(FaultId::from_index(index));
            let kinds = [
                PhaseKind::Before,
                PhaseKind::During,
                PhaseKind::After,
                PhaseKind::Outside,
            ];
            phases.extend(kinds.map(|kind| self.phase(kind, fault)));
        }
        let client = |index: usize| {
            let scope = RequestScope {
                client: Some(ClientId::from_index(index)),
                zone: None,
            };
            let cell = self.tables.requests.pooled(scope, &self.whole);
            ClientMetrics {
                client: self.scenario.clients[index].name.clone(),
                stats: cell.stats(self.measured_secs()),
            }
        };
        RequestMetrics {
            phases,
            clients: (0..self.scenario.clients.len()).map(client).collect(),
            classes: self
                .tables
                .classes
                .metrics(self.scenario, &self.whole, self.measured_secs()),
            window_availability_ratio: super::pooled::window_availability(
                self.tables,
                self.scenario,
                &self.tables.windows.pooled(None),
                &self.whole,
            ),
        }
    }

    fn phase(&self, kind: PhaseKind, fault: Option<FaultId>) -> PhaseMetrics {
        let of = || fault.expect("phases of faults have a fault");
        let (phase, word) = match kind {
            PhaseKind::Whole | PhaseKind::Steady => (Phase::Whole, "whole run"),
            PhaseKind::Before => (Phase::Before(of()), "before"),
            PhaseKind::During => (Phase::During(of()), "during"),
            PhaseKind::After => (Phase::After(of()), "after"),
            PhaseKind::Outside => (Phase::Outside(of()), "outside"),
        };
        let name = fault.map(|fault| self.scenario.faults[fault.index()].name.clone());
        let label = match &name {
            None => word.to_string(),
            Some(name) => format!("{word} {name}"),
        };
        // Phases that are not known are shown empty; an expectation about one says why.
        let classes = self.tables.timeline.classes_of(phase).unwrap_or_default();
        let cell = self
            .tables
            .requests
            .pooled(RequestScope::default(), &classes);
        PhaseMetrics {
            kind,
            fault: name,
            label,
            stats: cell.stats(self.tables.timeline.length_secs(&classes)),
            latency_curve: cell.latency.curve(),
        }
    }

    fn steady(&self) -> PhaseMetrics {
        let steady = super::pooled::SteadyRequests::new(self.tables, None);
        PhaseMetrics {
            kind: PhaseKind::Steady,
            fault: None,
            label: "steady".to_string(),
            stats: steady.stats(),
            latency_curve: steady.cell.latency.curve(),
        }
    }

    fn fault(&self, fault: FaultId) -> FaultMetrics {
        let (tables, config) = (self.tables, &self.scenario.faults[fault.index()]);
        let windows = tables.timeline.fault_windows(fault.index());
        let span = |(start, end): &(SimTime, SimTime)| FaultSpan {
            start_secs: start.as_secs_f64(),
            end_secs: end.as_secs_f64(),
        };
        let counts = &tables.faults[fault.index()];
        let steady = tables
            .steady
            .as_ref()
            .expect("the steady band is known at the end");
        let returns = &steady.returns[fault.index()];
        let window_secs = tables.windows.width().as_secs_f64();
        let kind_of = |node: &NodeId| self.scenario.topology.node_kind(*node);
        let is_instance = |node: &NodeId| matches!(kind_of(node), NodeKind::Instance(_));
        FaultMetrics {
            fault: config.name.clone(),
            kind: config.kind.name(),
            windows: windows
                .iter()
                .take(FAULT_WINDOW_COUNT_MAX)
                .map(span)
                .collect(),
            window_count: windows.len() as u64,
            is_each: config.is_each,
            target_count: counts.targets.len() as u64,
            is_of_instances: counts.targets.iter().all(is_instance),
            target_count_max: counts.target_count_max,
            down_count: counts.down_count,
            detection: tables.detection.of_fault(fault),
            exclusion: tables.exclusion.pooled(Some(fault), None).stats(),
            wasted_attempt_count: counts.wasted_count,
            last_wasted_attempt_secs: counts.wasted_after_max.map(|after| after.as_secs_f64()),
            mitigation: mitigation_times(returns, window_secs),
            recovery: recovery_times(returns, window_secs),
            overlap_count: steady.overlaps[fault.index()].len() as u64,
            overlaps: steady.overlaps[fault.index()]
                .iter()
                .take(OVERLAP_COUNT_MAX)
                .map(|other| self.scenario.faults[*other].name.clone())
                .collect(),
            rings: tables.rings.changes(fault.index(), self.scenario),
            selection: tables.convergence.of_fault(fault, self.scenario),
            share_returns: tables.share_returns.of_fault(fault, self.scenario),
            rollout: self.rollout(fault),
        }
    }

    fn rollout(&self, fault: FaultId) -> Option<RolloutMetrics> {
        let tables = self.tables;
        let metrics = tables.rollouts.metrics(fault, self.scenario)?;
        Some(RolloutMetrics {
            moves: tables.rings.rollout_moves(fault.index(), self.scenario),
            ..metrics
        })
    }

    fn control(&self) -> Vec<ControlMetrics> {
        let secs = self.measured_secs();
        let of_kind = |kind| {
            let cell = self.tables.control(kind, None, &self.whole);
            let message_count = cell.message_count();
            let rate = |count: u64| match 0.0 < secs {
                true => count as f64 / secs,
                false => 0.0,
            };
            (0 < message_count).then(|| ControlMetrics {
                kind: name(kind),
                message_count,
                message_rate_per_sec: rate(message_count),
                // Of messages that differ in length this is the mean, rounded down.
                message_byte_count: cell.byte_count(kind) / message_count,
                byte_rate_per_sec: rate(cell.byte_count(kind)),
            })
        };
        KINDS.into_iter().filter_map(of_kind).collect()
    }

    fn series(&self) -> Series {
        let windows = &self.tables.windows;
        let clients = self.scenario.clients.iter().enumerate();
        let control = KINDS.into_iter().filter_map(|kind| {
            let message_counts = windows.control_counts(kind).to_vec();
            (!message_counts.is_empty()).then(|| ControlSeries {
                kind: name(kind),
                message_counts,
            })
        });
        let clients: Vec<ClientSeries> = clients
            .map(|(index, client)| ClientSeries {
                client: client.name.clone(),
                windows: windows.rows(windows.client(index)),
            })
            .collect();
        let total = match clients.as_slice() {
            [only] => only.windows.clone(),
            _ => windows.rows(&windows.pooled(None)),
        };
        Series {
            window_secs: windows.width().as_secs_f64(),
            clients,
            classes: self.tables.classes.series(self.scenario),
            total,
            control: control.collect(),
            balance: self.tables.instances.balance(),
            edges: self.tables.edge_windows.series(),
            caches: self.tables.caches.series(self.scenario),
            headcounts: self.tables.headcounts.series(),
            instances: self
                .tables
                .instances
                .series(self.scenario, &self.tables.headcounts),
        }
    }
}

/// Starts of the windows of a fault to the band.
pub fn mitigation_times(returns: &[Return], window_secs: f64) -> ReturnTimes {
    return_times(returns.iter().map(|r| r.mitigation), window_secs)
}

/// Ends of the windows of a fault to the band; windows that last to the end of the run have none.
pub fn recovery_times(returns: &[Return], window_secs: f64) -> ReturnTimes {
    let ended = returns.iter().filter(|r| !r.stays);
    return_times(ended.map(|r| r.recovery), window_secs)
}

fn return_times(times: impl Iterator<Item = Back>, window_secs: f64) -> ReturnTimes {
    let times: Vec<Back> = times.collect();
    let known = times.iter().filter_map(|back| back.time());
    let reached: Vec<f64> = known.map(SimDuration::as_secs_f64).collect();
    let count_of = |which| times.iter().filter(|back| **back == which).count() as u64;
    let not_reached_count = count_of(Back::Never);
    let is_known = reached.len() == times.len();
    let mean = (!reached.is_empty()).then(|| reached.iter().sum::<f64>() / reached.len() as f64);
    let max = reached.iter().copied().reduce(f64::max);
    ReturnTimes {
        not_reached_count,
        mean_secs: mean,
        untold_count: count_of(Back::Untold),
        max_secs: max.filter(|_| is_known),
        reached_secs: reached.into_iter().take(FAULT_WINDOW_COUNT_MAX).collect(),
        window_secs,
    }
}
