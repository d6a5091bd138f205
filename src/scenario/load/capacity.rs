//! Offered load against capacity.

use crate::id::{ClientId, EdgeId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::attempts::ClusterMode;
use crate::scenario::cache::ServiceCacheConfig;
use crate::scenario::class::Classes;
use crate::scenario::client::{EdgeConfig, Workload};
use crate::scenario::service::{GroupConfig, ServiceConfig};

/// Requests per second that the workers and cores of a service can do; infinite where the service
/// time is zero. Time that a worker waits for services that it calls is not counted.
pub fn requests_per_sec(
    service: ServiceId,
    services: &[ServiceConfig],
    groups: &[GroupConfig],
) -> f64 {
    let service_config = &services[service.index()];
    let of_group = |group: &GroupConfig| {
        let by_workers = f64::from(group.workers) / service_config.mean_service_secs();
        let cores = group.cpu.map_or(f64::INFINITY, |cpu| cpu.cores_available());
        let by_cores = cores / service_config.service_time.mean_secs();
        f64::from(group.count) * group.speed * by_workers.min(by_cores)
    };
    let own = groups.iter().filter(|group| group.service == service);
    own.map(of_group).sum()
}

/// Attempts that a call sends at once whatever becomes of them: those of a fork or a broadcast.
pub fn attempts_at_once(edge: &EdgeConfig, groups: &[GroupConfig]) -> f64 {
    let own = groups.iter().filter(|group| group.service == edge.to);
    let instance_count: f64 = own.map(|group| f64::from(group.count)).sum();
    match edge.attempts.as_ref().map(|config| config.cluster) {
        Some(ClusterMode::Forking { attempt_count }) => {
            f64::from(attempt_count).min(instance_count)
        }
        Some(ClusterMode::Broadcast { .. }) => instance_count,
        _ => 1.0,
    }
}

/// How often one request that makes `calls` visits each service, where each request of a call
/// makes `attempts` visits. The calls of services must have no cycle.
pub fn visits_per_request(
    calls: &[EdgeId],
    edges: &[EdgeConfig],
    services: &[ServiceConfig],
    attempts: impl Fn(&EdgeConfig) -> f64,
) -> Vec<f64> {
    let of_call = |edge: &EdgeConfig| f64::from(edge.flow.request_count()) * attempts(edge);
    let mut arriving = vec![0.0; services.len()];
    for edge in calls {
        let edge = &edges[edge.index()];
        arriving[edge.to.index()] += of_call(edge);
    }
    let mut visits = arriving.clone();
    // Each round follows the calls one step further; without a cycle they end after as many
    // rounds as there are services.
    for _ in services {
        let mut next = vec![0.0; services.len()];
        let reached = arriving.iter().zip(services);
        for (count, service) in reached.filter(|(count, _)| 0.0 < **count) {
            for edge in &service.calls {
                let edge = &edges[edge.index()];
                next[edge.to.index()] += count * of_call(edge);
            }
        }
        if next.iter().all(|count| *count == 0.0) {
            break;
        }
        for (visits, more) in visits.iter_mut().zip(&next) {
            *visits += more;
        }
        arriving = next;
    }
    visits
}

/// By how much the classes of a client change the work of one of its requests at each service, in
/// visits of the service's own law: of its workers, or of its cores where these are scarcer.
pub fn class_visits(
    client: ClientId,
    classes: &Classes,
    services: &[ServiceConfig],
    groups: &[GroupConfig],
) -> Vec<f64> {
    let mut visits = vec![0.0; services.len()];
    for class in classes.of(client).map(|class| classes.get(class)) {
        if let Some((service, law)) = &class.service_time {
            let config = &services[service.index()];
            let by_workers = class
                .mean_service_secs()
                .map(|s| s / config.mean_service_secs());
            let by_cores = law.mean_secs() / config.service_time.mean_secs();
            let ratio = match has_scarce_cores(*service, config, groups) {
                true => by_cores,
                false => by_workers.unwrap_or(by_cores),
            };
            visits[service.index()] += class.share * (ratio - 1.0);
        }
    }
    visits
}

/// Whether cores bound the work of some group of a service before its workers do.
fn has_scarce_cores(service: ServiceId, config: &ServiceConfig, groups: &[GroupConfig]) -> bool {
    let by_cores = |group: &GroupConfig| {
        let cores = group.cpu.map_or(f64::INFINITY, |cpu| cpu.cores_available());
        let by_workers = f64::from(group.workers) / config.mean_service_secs();
        cores / config.service_time.mean_secs() < by_workers
    };
    groups
        .iter()
        .any(|group| group.service == service && by_cores(group))
}

/// Offered load and capacity of one service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceLoad {
    /// A cache answers for some of its calls; it is counted as if none did.
    pub is_behind_cache: bool,
    /// Visits per second by open-loop clients and traces, without retries, averaged over the run.
    pub visits_per_sec: f64,
    /// What the workers can do per second, of visits of the classes that come.
    pub capacity_per_sec: f64,
    /// Visits over capacity.
    pub offered_load: f64,
    /// The same at the busiest time.
    pub peak_load: f64,
    /// Whether its workers also wait for calls, which the capacity does not count.
    pub waits_for_calls: bool,
}

/// Whether a cache stands before a service.
fn is_behind_cache(service: ServiceId, scenario: &Scenario) -> bool {
    let is_load = |edge: EdgeId| scenario.edges[edge.index()].to == service;
    let caches = scenario.services.iter().filter_map(|s| s.cache.as_ref());
    let mut loads = caches.filter_map(ServiceCacheConfig::miss_call);
    let cached = |edge: &EdgeConfig| edge.to == service && edge.cache.is_some();
    scenario.edges.iter().any(cached) || loads.any(is_load)
}

/// The load of every service, by id. Closed loops are not counted: they cannot overload.
pub fn loads(scenario: &Scenario) -> Vec<ServiceLoad> {
    let mut visits_per_sec = vec![0.0; scenario.services.len()];
    let mut of_classes = vec![0.0; scenario.services.len()];
    let mut at_peak = vec![0.0; scenario.services.len()];
    for (place, client) in scenario.clients.iter().enumerate() {
        if matches!(client.workload, Workload::Closed { .. }) {
            continue;
        }
        let requests = client.workload.expected_request_count(scenario.duration);
        let rate = requests.unwrap_or(0.0) / scenario.duration.as_secs_f64();
        let at_once = |edge: &EdgeConfig| attempts_at_once(edge, &scenario.groups);
        let visits =
            visits_per_request(&client.calls, &scenario.edges, &scenario.services, at_once);
        let peak = match &client.workload {
            Workload::Open { process } => process.peak_rate(scenario.duration),
            Workload::Closed { .. } | Workload::Trace(_) => rate,
        };
        let id = ClientId::from_index(place);
        let more = class_visits(id, &scenario.classes, &scenario.services, &scenario.groups);
        for (service, (visits, more)) in visits.into_iter().zip(more).enumerate() {
            visits_per_sec[service] += rate * visits;
            of_classes[service] += rate * more;
            at_peak[service] += peak * (visits + more);
        }
    }
    visits_per_sec
        .into_iter()
        .enumerate()
        .map(|(place, visits_per_sec)| {
            let service = ServiceId::from_index(place);
            let of_own_law = requests_per_sec(service, &scenario.services, &scenario.groups);
            let offered_load = (visits_per_sec + of_classes[place]) / of_own_law;
            ServiceLoad {
                is_behind_cache: is_behind_cache(service, scenario),
                visits_per_sec,
                capacity_per_sec: match of_classes[place] {
                    0.0 => of_own_law,
                    _ => visits_per_sec / offered_load,
                },
                offered_load,
                peak_load: at_peak[place] / of_own_law,
                waits_for_calls: scenario.services[place].calls.iter().any(|edge| {
                    let flow = &scenario.edges[edge.index()].flow;
                    !flow.is_async && !flow.is_detached
                }),
            }
        })
        .collect()
}
