//! What the summary says about connections, hedges, protection, caches and data; nothing of what a
//! scenario does not use.

use super::format;
use super::terminal::Table;
use crate::metrics::data::RunMetrics;
use crate::metrics::data::attempts::{SeveralEdge, SeveralService};
use crate::metrics::data::cache::CacheMetrics;
use crate::metrics::data::connection::ConnectionMetrics;
use crate::metrics::data::replication::DataMetrics;
use crate::metrics::data::resilience::ResilienceMetrics;
use crate::metrics::data::service::ServiceMetrics;

/// All tables that have rows.
pub fn edge_tables(metrics: &RunMetrics) -> Vec<Table> {
    let tables = [
        connections_table(metrics),
        hedges_table(metrics),
        late_work_table(metrics),
        protection_table(metrics),
        caches_table(metrics),
        data_table(metrics),
    ];
    tables.into_iter().flatten().collect()
}

fn table<const N: usize>(
    heading: &str,
    columns: [&str; N],
    rows: impl Iterator<Item = Vec<String>>,
) -> Option<Table> {
    let rows: Vec<Vec<String>> = rows.collect();
    (!rows.is_empty()).then(|| Table {
        heading: heading.to_string(),
        columns: columns.map(String::from).to_vec(),
        rows,
        note: String::new(),
    })
}

fn connections_table(metrics: &RunMetrics) -> Option<Table> {
    let row = |edge: &ConnectionMetrics| {
        vec![
            edge.edge.clone(),
            format::optional(edge.open_mean, format::number),
            format::count(u64::from(edge.open_max)),
            format::rate(edge.handshake_rate_per_sec),
            format::optional(edge.pool_waiting.p99.value_secs, format::secs),
            format::optional(edge.pool_waiting.max_secs, format::secs),
            format::optional(edge.half_open.max_secs, format::secs),
        ]
    };
    table(
        "CONNECTIONS",
        [
            "open",
            "most",
            "handshakes",
            "wait p99",
            "wait max",
            "half-open max",
        ],
        metrics.connections.iter().map(row),
    )
}

fn hedges_table(metrics: &RunMetrics) -> Option<Table> {
    let attempts_of = |path: &str| {
        let mut edges = metrics.edges.iter();
        edges
            .find(|edge| edge.edge == path)
            .map(|edge| edge.attempt_count)
    };
    let row = |edge: &SeveralEdge| {
        vec![
            edge.edge.clone(),
            format::optional(attempts_of(&edge.edge), format::count),
            format::count(edge.hedge_count),
            format::count(edge.fallback_count),
        ]
    };
    let edges = metrics.several.iter().flat_map(|several| &several.edges);
    table(
        "HEDGES",
        ["attempts", "of these hedges", "fallbacks"],
        edges.map(row),
    )
}

fn late_work_table(metrics: &RunMetrics) -> Option<Table> {
    let row = |service: &SeveralService| {
        vec![
            service.service.clone(),
            format::count(service.dropped_count),
            format::count(service.cancelled_count),
            format::optional(service.zombie_time_ratio, format::ratio),
        ]
    };
    let services = metrics.several.iter().flat_map(|several| &several.services);
    table(
        "LATE WORK",
        ["dropped", "cancelled", "zombie time"],
        services.map(row),
    )
}

fn protection_table(metrics: &RunMetrics) -> Option<Table> {
    let row = |owner: &ResilienceMetrics| {
        let away = owner.turned_away_counts;
        let mut row = vec![owner.path.clone()];
        row.push(format::optional(owner.attempt_count, format::count));
        let causes = [away.breaker, away.bulkhead, away.throttle, away.limit];
        let is_call = owner.attempt_count.is_some();
        row.extend(causes.map(|count| format::optional(is_call.then_some(count), format::count)));
        let denied = (0 < owner.wanted_retry_count).then_some(owner.denied_retry_count);
        row.push(format::optional(denied, format::count));
        row.push(format::optional(owner.breaker_open_ratio, format::ratio));
        row.push(format::optional(
            owner.concurrency_limit_mean,
            format::number,
        ));
        row
    };
    table(
        "PROTECTION turned away by",
        [
            "sent",
            "breaker",
            "bulkhead",
            "throttle",
            "limit",
            "no retry",
            "open",
            "mean limit",
        ],
        metrics.resilience.iter().map(row),
    )
}

fn caches_table(metrics: &RunMetrics) -> Option<Table> {
    let row = |cache: &CacheMetrics| {
        vec![
            cache.cache.clone(),
            format::count(cache.asked_count),
            format::optional(cache.hit_ratio, format::ratio),
            format::optional(cache.stale_ratio, format::ratio),
            format::optional(cache.load_rate_per_sec, format::rate),
            format::optional(cache.load_rate_per_sec_max, format::rate),
        ]
    };
    table(
        "CACHES",
        ["asked", "answered", "stale", "loads", "peak"],
        metrics.caches.iter().map(row),
    )
}

fn data_table(metrics: &RunMetrics) -> Option<Table> {
    let row = |service: &ServiceMetrics| {
        let data = service.data.as_ref()?;
        Some(vec![
            format!("service.{}", service.service),
            format::number(data.lost_key_count),
            format::number(data.under_replicated_key_secs),
            format::number(data.moved_bytes),
            full_again(data),
        ])
    };
    table(
        "DATA",
        [
            "keys lost",
            "key-seconds with too few copies",
            "bytes moved",
            "full again after",
        ],
        metrics.services.iter().filter_map(row),
    )
}

/// How long keys had too few copies, at most.
pub fn full_again(data: &DataMetrics) -> String {
    let longest = data.full_replication_secs.iter().copied();
    match longest.reduce(f64::max) {
        _ if data.is_under_replicated => "not within the run".to_string(),
        longest => format::optional(longest, format::secs),
    }
}
