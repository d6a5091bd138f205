//! How large a scenario may be, and how large it is.

use super::balancer_memory::balancer_bytes;
use super::{attempts, capacity, registry_events, server_events, watching};
use crate::id::EdgeId;
use crate::scenario::Scenario;
use crate::scenario::cache::{CacheConfig, CachePer};
use crate::scenario::client::{ClientConfig, EdgeConfig, EdgeOwner, KeyConfig, Workload};
use crate::scenario::connection::{ConnectionConfig, PickPer};
use crate::scenario::data::PIECE_BYTES;
use crate::scenario::distribution::Distribution;
use crate::scenario::fault::{FaultConfig, FaultKind};
use crate::scenario::flow::is_plain;
use crate::scenario::resilience::{BreakerConfig, BreakerPer, WindowConfig};
use crate::scenario::service::{GroupConfig, ServiceConfig};
use crate::scenario::trigger::Trigger;

/// How large a scenario may be. Everything is checked before it is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one scenario file.
    pub scenario_bytes_max: u64,
    /// Bytes of one CSV input.
    pub input_bytes_max: u64,
    /// Estimated bytes of memory of a run.
    pub memory_bytes_max: u64,
    /// Estimated events of a run.
    pub event_count_max: u64,
}

impl Limits {
    /// What holds unless the command line says otherwise: 1 MiB, 1 GiB, 4 GiB and 10^10 events.
    pub const STANDARD: Limits = Limits {
        scenario_bytes_max: 1 << 20,
        input_bytes_max: 1 << 30,
        memory_bytes_max: 4 << 30,
        event_count_max: 10_000_000_000,
    };
}

/// How large a run is likely to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Events, without retries.
    pub event_count: u64,
}

/// Most instances, and most callers.
pub const NODE_COUNT_MAX: u64 = 1 << 26;

/// Most calling sides: callers times the calls of each.
pub const CALLING_SIDE_COUNT_MAX: u64 = 1 << 28;

/// Bytes of an instance, a calling side, an attempt in flight, a recorded row, the hedging of a
/// calling side.
const INSTANCE_BYTES: f64 = 400.0;
const CALLER_BYTES: f64 = 300.0;
const IN_FLIGHT_BYTES: f64 = 256.0;
/// Instances of a service up to which a calling side has a count for each, and its bytes.
pub const PLACED_COUNT_MAX: u32 = 128;
const PLACED_COUNT_BYTES: f64 = 4.0;
/// Bytes that split the latency of a request in flight.
const CLOCK_BYTES: f64 = 128.0;
const CONNECTION_BYTES: f64 = 160.0;
const POOL_BYTES: f64 = 64.0;
const TRACE_ROW_BYTES: f64 = 48.0;
const HEDGING_BYTES: f64 = 128.0;
/// Bytes of a point on a ring.
pub const RING_POINT_BYTES: f64 = 16.0;

/// Bytes of a counter of a class, and how many phases and windows have one.
const CLASS_CELL_BYTES: f64 = 400.0;
const CLASS_PHASE_COUNT: usize = 4;
const CLASS_WINDOW_COUNT: usize = 200;
/// Bytes of a window of a call with connections, hedges or protection, and how many are kept.
const EDGE_WINDOW_BYTES: f64 = 52.0;
const EDGE_WINDOW_COUNT_MAX: f64 = 200_000.0;
/// Bytes of the protection of a calling side, and of one breaker without its window.
const PROTECTION_BYTES: f64 = 1_000.0;
const BREAKER_BYTES: f64 = 200.0;

/// Bytes of an entry of a cache.
const CACHE_ENTRY_BYTES: f64 = 64.0;

/// Bytes that every run needs.
const BASE_BYTES: f64 = 8e6;

/// Events of one attempt: arrival, delivery, end of service, reply, timer.
const ATTEMPT_EVENTS: f64 = 5.0;

/// Why the counts of a scenario do not fit, if they do not. Nothing may be numbered before this.
pub fn check_counts(scenario: &Scenario) -> Result<(), String> {
    let instances: u64 = scenario
        .groups
        .iter()
        .map(|group| u64::from(group.count) + u64::from(group.count_spare))
        .sum();
    let callers: u64 = scenario.clients.iter().map(|c| u64::from(c.count)).sum();
    let sides: u64 = scenario
        .edges
        .iter()
        .map(|edge| match edge.owner {
            EdgeOwner::Client(client) => u64::from(scenario.clients[client.index()].count),
            EdgeOwner::Service(service) => {
                instance_count(scenario, &scenario.services[service.index()])
            }
        })
        .sum();
    for (what, count, count_max) in [
        ("instances", instances, NODE_COUNT_MAX),
        ("callers", callers, NODE_COUNT_MAX),
        ("calling sides", sides, CALLING_SIDE_COUNT_MAX),
        (
            "members of clusters",
            watching::member_count_of_all(scenario),
            watching::MEMBER_COUNT_MAX,
        ),
    ] {
        if count_max < count {
            return Err(format!(
                "the scenario has {count} {what}, at most {count_max} are possible"
            ));
        }
    }
    Ok(())
}

/// Why an estimate is above the limits, if it is.
pub fn check_estimate(estimate: &Estimate, limits: &Limits) -> Result<(), (String, String)> {
    if limits.memory_bytes_max < estimate.memory_bytes {
        return Err((
            format!(
                "the run would need about {} of memory, more than {}",
                mebibytes(estimate.memory_bytes),
                mebibytes(limits.memory_bytes_max)
            ),
            "lower the counts or the rates, or raise --max-memory".to_string(),
        ));
    }
    if limits.event_count_max < estimate.event_count {
        return Err((
            format!(
                "the run would take about {:.1e} events, more than {:.1e}",
                estimate.event_count as f64, limits.event_count_max as f64
            ),
            "shorten `duration`, lower the rates, or raise --max-events".to_string(),
        ));
    }
    Ok(())
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Instances of a service, those that join later included.
fn instance_count(scenario: &Scenario, service: &ServiceConfig) -> u64 {
    let groups = service.groups.iter().map(|id| &scenario.groups[id.index()]);
    groups
        .map(|g| u64::from(g.count) + u64::from(g.count_spare))
        .sum()
}

/// What is kept for each arc of a ring of data, but for who has its copies.
const DATA_POINT_BYTES: f64 = 80.0;

/// Estimates a run. The counts must have passed [`check_counts`].
pub fn estimate(scenario: &Scenario) -> Estimate {
    let mut memory = BASE_BYTES;
    let mut events = 0.0;
    let secs = (scenario.duration + scenario.drain).as_secs_f64();
    for service in &scenario.services {
        let instances = instance_count(scenario, service) as f64;
        memory += instances * INSTANCE_BYTES;
        if let Some(config) = &service.cache {
            memory += instances * cache_bytes(&config.cache, key_count_max(scenario));
        }
        if let Some(data) = service.data {
            let copies = f64::from(data.replica_count) + 1.0;
            let points = instances * f64::from(data.virtual_node_count);
            let on_links = scenario.rebuilds_on_links();
            let table_count = if on_links { 2.0 } else { 1.0 };
            memory += table_count * points * (DATA_POINT_BYTES + 4.0 * copies);
            if on_links {
                events += secs * data.rebuild_bandwidth / PIECE_BYTES;
            }
        }
        if let Some(autoscale) = service.autoscale {
            events += secs / autoscale.interval.as_secs_f64();
        }
        if let Some(registered) = service.registered {
            events += 2.0 * instances * secs / registered.heartbeat_interval.as_secs_f64();
        }
    }
    for client in &scenario.clients {
        let requests = request_count(scenario, client);
        let visits = visits_per_request(client, scenario);
        let copies = attempts_per_visit(scenario);
        events += requests * (1.0 + ATTEMPT_EVENTS * copies * visits.iter().sum::<f64>());
        events += requests * copies * feedback_events(scenario, &visits);
        memory += copies * client_bytes(scenario, client, requests);
    }
    for edge in &scenario.edges {
        let (callers, instances) = pair_counts(scenario, edge);
        memory += callers * hedging_bytes(edge);
        memory += callers * (CALLER_BYTES + placed_bytes(instances));
        memory += balancer_bytes(scenario, edge, callers, instances);
        memory += protection_bytes(edge, callers, instances);
        let (bytes, watching) = watching::of_edge(edge, callers * instances, secs);
        (memory, events) = (memory + bytes, events + watching);
        let (bytes, pings) = connections_of(edge, callers, instances, secs);
        (memory, events) = (memory + bytes, events + pings);
        memory += call_cache_bytes(edge, callers, scenario);
        if let Some(feedback) = edge.balancer.feedback() {
            events += feedback.event_rate(callers, instances) * secs;
        }
        events += registry_events::of_callers(scenario, callers, secs);
    }
    let (gossip_bytes, gossip_events) = watching::of_clusters(scenario, secs);
    (memory, events) = (memory + gossip_bytes, events + gossip_events);
    events += fault_events(scenario, secs) + server_events::estimate(scenario, secs);
    events += registry_events::of_members(scenario, secs);
    memory += registry_events::memory_bytes(scenario);
    memory += class_bytes(scenario) + EDGE_WINDOW_BYTES * edge_window_count(scenario);
    Estimate {
        memory_bytes: memory as u64,
        event_count: events as u64,
    }
}

/// Windows of all calls that use more than plain attempts.
fn edge_window_count(scenario: &Scenario) -> f64 {
    let is_used = |edge: &&EdgeConfig| {
        edge.connection.is_some() || edge.resilience.is_some() || edge.attempts.is_some()
    };
    let used = scenario.edges.iter().filter(is_used).count() as f64;
    let windows = scenario.duration.as_secs_f64() / scenario.window.as_secs_f64();
    (used * windows.min(2_000.0)).min(EDGE_WINDOW_COUNT_MAX)
}

/// The most attempts that any call sends at once; hedging and the like multiply.
fn attempts_per_visit(scenario: &Scenario) -> f64 {
    let of_edge = |edge| attempts::attempts_per_call(edge, &scenario.groups);
    scenario.edges.iter().map(of_edge).fold(1.0, f64::max)
}

/// What one calling side keeps for its hedges.
fn hedging_bytes(edge: &EdgeConfig) -> f64 {
    let hedge = edge.attempts.as_ref().and_then(|config| config.hedge);
    hedge.map_or(0.0, |hedge| {
        let window = hedge.percentile.map_or(0, |p| p.window_count);
        HEDGING_BYTES + 8.0 * f64::from(window)
    })
}

/// Callers of an edge and instances that each may see.
fn pair_counts(scenario: &Scenario, edge: &EdgeConfig) -> (f64, f64) {
    let callers = match edge.owner {
        EdgeOwner::Client(client) => u64::from(scenario.clients[client.index()].count),
        EdgeOwner::Service(service) => {
            let service = &scenario.services[service.index()];
            instance_count(scenario, service) * u64::from(edge.side_count())
        }
    };
    (
        callers as f64,
        instance_count(scenario, &scenario.services[edge.to.index()]) as f64,
    )
}

/// Counts of a calling side by instance; of many instances only those in use take memory.
fn placed_bytes(instances: f64) -> f64 {
    match instances <= f64::from(PLACED_COUNT_MAX) {
        true => instances * PLACED_COUNT_BYTES,
        false => 0.0,
    }
}

/// Requests of a client; a closed loop without thinking is bound by its service time.
fn request_count(scenario: &Scenario, client: &ClientConfig) -> f64 {
    let Workload::Closed {
        user_count,
        think_time,
    } = &client.workload
    else {
        let count = client.workload.expected_request_count(scenario.duration);
        return count.unwrap_or(0.0);
    };
    let visits = visits_per_request(client, scenario);
    let served_secs: f64 = visits
        .iter()
        .zip(&scenario.services)
        .map(|(visits, service)| visits * service.mean_service_secs())
        .sum();
    let cycle_secs = think_time.mean_secs() + served_secs;
    f64::from(*user_count) * (1.0 + scenario.duration.as_secs_f64() / cycle_secs.max(1e-6))
}

/// Keys of classes, and what is counted by class: by service, call and zone in a few phases, and
/// over time.
fn class_bytes(scenario: &Scenario) -> f64 {
    let classes = &scenario.classes;
    let zones = scenario.zones.len() + scenario.groups.len();
    let blocks = (zones + 2 * scenario.edges.len()) * CLASS_PHASE_COUNT + CLASS_WINDOW_COUNT;
    let keys = |class| match classes.get(class).keys {
        Some(KeyConfig::Zipf { count, .. }) => 16.0 * f64::from(count),
        Some(KeyConfig::Uniform { .. } | KeyConfig::HotSet { .. }) | None => 0.0,
    };
    let of_class = |class| keys(class) + blocks as f64 * CLASS_CELL_BYTES;
    classes.ids().map(of_class).sum()
}

/// Keys, recorded rows and requests in flight of a client.
fn client_bytes(scenario: &Scenario, client: &ClientConfig, requests: f64) -> f64 {
    let keys = match client.keys {
        KeyConfig::Zipf { count, .. } => 16.0 * f64::from(count),
        KeyConfig::Uniform { .. } | KeyConfig::HotSet { .. } => 0.0,
    };
    let in_flight = match &client.workload {
        Workload::Closed { user_count, .. } => {
            f64::from(*user_count) * parallel_count(scenario, client)
        }
        Workload::Open { .. } | Workload::Trace(_) => {
            let rate = requests / scenario.duration.as_secs_f64();
            let longest = rate * scenario.drain.as_secs_f64();
            let width = parallel_count(scenario, client);
            (longest.min(requests) * width).min(room(scenario))
        }
    };
    let rows = match &client.workload {
        Workload::Trace(trace) => trace.rows.len() as f64,
        Workload::Open { .. } | Workload::Closed { .. } => 0.0,
    };
    let clock_bytes = if scenario.has_breakdown {
        CLOCK_BYTES
    } else {
        0.0
    };
    keys + in_flight * (IN_FLIGHT_BYTES + clock_bytes) + rows * TRACE_ROW_BYTES
}

/// Visits of each service by one request, with one attempt for each.
fn visits_per_request(client: &ClientConfig, scenario: &Scenario) -> Vec<f64> {
    let (edges, services) = (&scenario.edges, &scenario.services);
    capacity::visits_per_request(&client.calls, edges, services, |_| 1.0)
}

/// Requests that one request of a client may have in flight at once, itself included: one where
/// all its calls follow one another.
fn parallel_count(scenario: &Scenario, client: &ClientConfig) -> f64 {
    let owners = scenario.services.iter().map(|service| &service.calls);
    let mut owners = owners.chain([&client.calls]);
    if owners.all(|calls| is_plain(calls, &scenario.edges)) {
        return 1.0;
    }
    let visits = visits_per_request(client, scenario);
    1.0 + visits.iter().sum::<f64>()
}

/// Attempts that fit in all instances, on their workers and in their queues.
fn room(scenario: &Scenario) -> f64 {
    let of_group = |group: &GroupConfig| {
        let service = &scenario.services[group.service.index()];
        let is_async = |edge: &EdgeId| scenario.edges[edge.index()].flow.is_async;
        if service.calls.iter().any(is_async) {
            return f64::INFINITY;
        }
        let waiting = service.queue_limit.map_or(f64::INFINITY, f64::from);
        f64::from(group.count) * (f64::from(group.workers) + waiting)
    };
    scenario.groups.iter().map(of_group).sum()
}

/// Bytes of the connections of an edge, and events of their keepalives.
fn connections_of(edge: &EdgeConfig, callers: f64, instances: f64, secs: f64) -> (f64, f64) {
    let Some(connection) = &edge.connection else {
        return (0.0, 0.0);
    };
    // Threads have pools of their own, as so many calling sides would.
    let forward = edge.forward.as_deref();
    let callers = callers * forward.map_or(1.0, |forward| f64::from(forward.thread_count));
    let connections = open_connections(connection, callers, instances);
    // A calling side keeps a pool for every instance that it ever connected to.
    let pools = (callers * instances - connections).max(0.0);
    let pings = connection.keepalive.map_or(0.0, |keepalive| {
        3.0 * connections * secs / keepalive.interval.as_secs_f64()
    });
    (connections * CONNECTION_BYTES + pools * POOL_BYTES, pings)
}

/// Connections that may be open at once. Pools seldom fill, so each counts as one connection.
fn open_connections(connection: &ConnectionConfig, callers: f64, instances: f64) -> f64 {
    match connection.pick_per {
        PickPer::Attempt => callers * instances,
        PickPer::Connection => callers,
    }
}

/// Events of the messages of balancers for one request, sent `copies` times over.
fn feedback_events(scenario: &Scenario, visits: &[f64]) -> f64 {
    let each = |(edge, visits): (&EdgeConfig, &f64)| {
        let feedback = edge.balancer.feedback();
        visits * feedback.map_or(0.0, |feedback| feedback.events_per_attempt())
    };
    scenario.edges.iter().zip(visits).map(each).sum()
}

/// Bytes of a cache that is full: an entry, its place in the index, and rounding.
fn cache_bytes(cache: &CacheConfig, key_count_max: f64) -> f64 {
    CACHE_ENTRY_BYTES * f64::from(cache.capacity).min(key_count_max)
}

fn call_cache_bytes(edge: &EdgeConfig, callers: f64, scenario: &Scenario) -> f64 {
    edge.cache.as_ref().map_or(0.0, |config| {
        let count = match config.per {
            CachePer::Caller => callers,
            CachePer::Zone => scenario.zones.len() as f64,
        };
        count * cache_bytes(&config.cache, key_count_max(scenario))
    })
}

/// Keys that requests can carry.
fn key_count_max(scenario: &Scenario) -> f64 {
    let counts = scenario.clients.iter().map(|client| client.keys.count());
    let of_laws = counts.max().map_or(0.0, f64::from);
    let has_others = scenario
        .clients
        .iter()
        .any(|client| matches!(client.workload, Workload::Trace(_)));
    match has_others || !scenario.classes.is_empty() {
        true => f64::INFINITY,
        false => of_laws,
    }
}

/// Budgets, breakers with their windows, throttles and limits of the callers of an edge.
fn protection_bytes(edge: &EdgeConfig, callers: f64, instances: f64) -> f64 {
    let Some(config) = edge.resilience.as_deref() else {
        return 0.0;
    };
    let breaker = match &config.breaker {
        Some(BreakerConfig::Hystrix { config, .. }) => 16.0 * f64::from(config.bucket_count),
        Some(BreakerConfig::Resilience4j { config, .. }) => match config.window {
            WindowConfig::Count(size) => 2.0 * f64::from(size),
            WindowConfig::Time { second_count } => 24.0 * f64::from(second_count),
        },
        Some(BreakerConfig::Envoy(_)) | None => 0.0,
    };
    let breaker_count = match config.breaker.map(|breaker| breaker.per()) {
        Some(BreakerPer::Instance) => instances,
        Some(BreakerPer::Call) | None => 1.0,
    };
    callers * (PROTECTION_BYTES + breaker_count * (BREAKER_BYTES + breaker))
}

/// Starts and ends of the windows of all faults.
fn fault_events(scenario: &Scenario, secs: f64) -> f64 {
    let mean = |law: &Option<Distribution>| law.as_ref().map_or(0.0, Distribution::mean_secs);
    scenario
        .faults
        .iter()
        .map(|fault| {
            let cycle_secs = mean(&fault.every) + mean(&fault.duration);
            let window_count = match &fault.trigger {
                Some(Trigger::When(condition)) if condition.is_again => {
                    secs / (cycle_secs + condition.hold.as_secs_f64()).max(1e-9)
                }
                _ if fault.every.is_some() => secs / cycle_secs.max(1e-9),
                _ => 0.0,
            };
            2.0 * window_count + flip_count(fault, secs)
        })
        .sum()
}

/// Times that the nodes of a fault go down or come up within its windows.
fn flip_count(fault: &FaultConfig, secs: f64) -> f64 {
    match &fault.kind {
        FaultKind::Flapping(config) => {
            let cycle_secs = config.down.mean_secs() + config.up.mean_secs();
            2.0 * secs / cycle_secs.max(1e-9)
        }
        _ => 0.0,
    }
}
