//! Services, instances and call edges.

use super::Finish;
use crate::id::{EdgeId, InstanceId, ServiceId};
use crate::metrics::data::selection::{CallCounts, EdgeMetrics, InstanceShare, SelectionStats};
use crate::metrics::data::server::ServerMetrics;
use crate::metrics::data::service::{InstanceMetrics, LittlesLaw, ServiceMetrics};
use crate::metrics::instance::Load;
use crate::metrics::pooled::call_cell;
use crate::metrics::request::{RequestCell, all_classes, ratio};
use crate::metrics::server::ServerLoad;
use crate::model::observation::Outcome;

/// Instances of a service that are told one by one.
const INSTANCE_COUNT_MAX: usize = 100_000;

/// Instances of an edge that are told one by one.
const SHARE_COUNT_MAX: usize = 500;

impl Finish<'_> {
    pub(super) fn service(&self, service: ServiceId) -> ServiceMetrics {
        let services = &self.tables.services;
        let work = services.pooled(Some(service), None, &self.whole);
        let range = self.scenario.topology.service_instances(service);
        let loads: Vec<Load> = range.clone().map(|i| self.load(i)).collect();
        let mut total = Load::default();
        loads.iter().for_each(|load| total.add(load));
        let expected = self.expected_picks(service);
        let expected_total: f64 = expected.iter().sum();
        let share_of = |place: usize| ratio(loads[place].attempt_count, total.attempt_count);
        let weight_share =
            |place: usize| (0.0 < expected_total).then(|| expected[place] / expected_total);
        let instances = range.take(INSTANCE_COUNT_MAX).enumerate();
        ServiceMetrics {
            service: self.scenario.services[service.index()].name.clone(),
            arrived_count: work.arrived_count,
            served_count: work.served_count,
            lost_count: work.lost_count,
            rejected_count: work.rejected_count,
            waiting: work.waiting.stats(),
            wait_ratio: ratio(work.waited_count, work.waiting.count()),
            sojourn: work.sojourn.stats(),
            service_time: work.service_time.stats(),
            in_system: services.in_system(service, &self.whole).stats(),
            in_system_per_instance: services.in_system_per_instance(service).stats(),
            up: services.up(service, &self.whole).stats(),
            up_fall_counts: services.up_fall_counts(service).to_vec(),
            utilization_ratio: total.utilization_ratio(),
            zombie_ratio: ratio(work.zombie_count, work.served_count),
            littles_law: self.littles_law(service),
            data: self.tables.replication.metrics(service, None),
            server: self.server(service, work.dropped_count),
            instances: instances
                .map(|(place, instance)| {
                    let load = &loads[place];
                    self.instance(instance, load, (share_of(place), weight_share(place)))
                })
                .collect(),
        }
    }

    /// What the servers did beyond serving; None where nothing is asked of them.
    fn server(&self, service: ServiceId, dropped_count: u64) -> Option<ServerMetrics> {
        let scenario = self.scenario;
        let config = &scenario.services[service.index()];
        let groups = || config.groups.iter().map(|g| &scenario.groups[g.index()]);
        let is_asked = config.queue_rules.is_some()
            || config.pauses.is_some()
            || groups().any(|group| group.cpu.is_some());
        if !is_asked {
            return None;
        }
        let mut sum = ServerLoad::default();
        for instance in scenario.topology.service_instances(service) {
            let load = self.tables.servers.load(instance, &self.whole, true);
            sum.add(&load.unwrap_or_default());
        }
        Some(ServerMetrics {
            dropped_count,
            cpu_utilization_ratio: sum.cpu_utilization_ratio(),
            throttled_ratio: sum.throttled_ratio(),
            pause_ratio: sum.pause_ratio(),
        })
    }

    fn load(&self, instance: u32) -> Load {
        let load = self.tables.instances.load(instance, &self.whole, true);
        load.expect("the measured window is always kept")
    }

    fn instance(
        &self,
        instance: u32,
        load: &Load,
        shares: (Option<f64>, Option<f64>),
    ) -> InstanceMetrics {
        let measured_ns = self.measured_secs() * 1e9;
        let mean = |ns: f64| {
            if 0.0 < measured_ns {
                ns / measured_ns
            } else {
                0.0
            }
        };
        InstanceMetrics {
            instance,
            name: self.scenario.topology.instance_name(InstanceId(instance)),
            attempt_count: load.attempt_count,
            share_ratio: shares.0,
            weight_share_ratio: shares.1,
            utilization_ratio: load.utilization_ratio(),
            in_flight_mean: mean(load.in_flight_ns),
            in_flight_max: self.tables.instances.in_flight_max(instance),
            in_system_mean: mean(load.in_system_ns),
            waiting_secs_mean: load.waiting_mean_secs(),
        }
    }

    /// Expected picks of every instance of a service, over all edges.
    fn expected_picks(&self, service: ServiceId) -> Vec<f64> {
        let count = self.scenario.topology.service_instances(service).len();
        let mut sums = vec![0.0; count];
        for (index, edge) in self.scenario.edges.iter().enumerate() {
            if edge.to == service {
                for (sum, (_, expected)) in sums.iter_mut().zip(self.shares(index)) {
                    *sum += expected;
                }
            }
        }
        sums
    }

    fn shares(&self, edge: usize) -> Vec<(u64, f64)> {
        let selection = &self.tables.selection;
        let shares = selection.shares(EdgeId::from_index(edge), &self.whole, true);
        shares.expect("the measured window is always kept")
    }

    fn littles_law(&self, service: ServiceId) -> LittlesLaw {
        let all = all_classes(&self.tables.timeline);
        let work = self.tables.services.pooled(Some(service), None, &all);
        let secs = self.ended_at.max(self.tables.measured.1).as_secs_f64();
        let left_work_count = work.left_count();
        let sojourn_secs = work.sojourn.sum_secs() + work.lost_sojourn_secs;
        LittlesLaw {
            in_system_mean: self.tables.services.in_system(service, &all).sum_secs() / secs,
            arrival_rate_rps: work.arrived_count as f64 / secs,
            sojourn_secs_mean: sojourn_secs / left_work_count.max(1) as f64,
            left_count: u64::from(self.tables.services.left_count(service)),
        }
    }

    pub(super) fn edge(&self, edge: EdgeId) -> EdgeMetrics {
        let (tables, config) = (self.tables, &self.scenario.edges[edge.index()]);
        let attempts = tables.selection.attempts(edge, &self.whole, true);
        let attempts = attempts.expect("the measured window is always kept");
        let selection = tables.selection.stats(edge, &self.whole, true);
        let calls = call_cell(tables, edge, &self.whole);
        EdgeMetrics {
            edge: config.path.clone(),
            service: self.scenario.services[config.to.index()].name.clone(),
            attempt_count: attempts.attempt_count,
            retry_count: attempts.retry_count,
            wasted_attempt_count: attempts.wasted_count,
            calls: call_counts(&calls),
            selection: selection.expect("the measured window is always kept"),
            shares: self.instance_shares(edge, &selection.unwrap_or_default()),
        }
    }

    fn instance_shares(&self, edge: EdgeId, stats: &SelectionStats) -> Vec<InstanceShare> {
        let topology = &self.scenario.topology;
        let first = topology
            .service_instances(self.scenario.edges[edge.index()].to)
            .start;
        let pick_count = stats.pick_count.max(1) as f64;
        let selection = &self.tables.selection;
        let share = |(instance, (picks, expected)): (u32, (u64, f64))| InstanceShare {
            prefix_deviation_max: selection.prefix_deviation(edge, instance - first),
            burst_max: selection.burst(edge, instance - first),
            instance,
            name: topology.instance_name(InstanceId(instance)),
            pick_count: picks,
            share_ratio: picks as f64 / pick_count,
            expected_ratio: expected / pick_count,
        };
        let mut shares: Vec<(u32, (u64, f64))> = (first..)
            .zip(self.shares(edge.index()))
            .filter(|(_, (picks, expected))| 0 < *picks || 0.0 < *expected)
            .collect();
        shares.sort_by_key(|(instance, (picks, _))| (std::cmp::Reverse(*picks), *instance));
        shares.truncate(SHARE_COUNT_MAX);
        shares.sort_by_key(|(instance, _)| *instance);
        shares.into_iter().map(share).collect()
    }
}

fn call_counts(cell: &RequestCell) -> CallCounts {
    CallCounts {
        succeeded_count: cell.outcome_counts[Outcome::Success as usize],
        failed_count: cell.outcome_counts[Outcome::Failure as usize],
        timed_out_count: cell.outcome_counts[Outcome::Timeout as usize],
        rejected_count: cell.outcome_counts[Outcome::Rejected as usize],
    }
}
