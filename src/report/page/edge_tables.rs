//! The tables of connections, hedges, protection, caches and data.

use crate::metrics::data::RunMetrics;
use crate::report::format;
use crate::report::html::{Mark, Table};
use crate::report::terminal_edge::full_again;

/// All tables that have rows.
pub fn edges(metrics: &RunMetrics) -> Vec<Table> {
    let tables = [
        connections(metrics),
        hedges(metrics),
        late_work(metrics),
        protection(metrics),
        caches(metrics),
        data(metrics),
    ];
    tables.into_iter().flatten().collect()
}

fn connections(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Connections",
        [
            "call",
            "#open on average",
            "#most open",
            "#opened",
            "#closed",
            "#handshakes",
            "#handshake rate",
            "#wait p50",
            "#wait p99",
            "#longest wait",
            "#found half-open",
            "#longest half-open",
        ],
    );
    for edge in &metrics.connections {
        let (waiting, half_open) = (&edge.pool_waiting, &edge.half_open);
        table.push(
            Mark::None,
            vec![
                edge.edge.clone(),
                format::optional(edge.open_mean, format::number),
                format::count(u64::from(edge.open_max)),
                format::count(edge.opened_count),
                format::count(edge.closed_count),
                format::count(edge.handshake_count),
                format::rate(edge.handshake_rate_per_sec),
                format::optional(waiting.p50.value_secs, format::secs),
                format::optional(waiting.p99.value_secs, format::secs),
                format::optional(waiting.max_secs, format::secs),
                format::count(half_open.sample_count),
                format::optional(half_open.max_secs, format::secs),
            ],
        );
    }
    (!metrics.connections.is_empty()).then_some(table)
}

fn hedges(metrics: &RunMetrics) -> Option<Table> {
    let several = metrics.several.as_ref()?;
    let mut table = Table::new(
        "Calls with several attempts at once",
        ["call", "#hedges", "#fallbacks"],
    );
    for edge in &several.edges {
        let counts = [edge.hedge_count, edge.fallback_count].map(format::count);
        let mut row = vec![edge.edge.clone()];
        row.extend(counts);
        table.push(Mark::None, row);
    }
    (!several.edges.is_empty()).then_some(table)
}

fn late_work(metrics: &RunMetrics) -> Option<Table> {
    let several = metrics.several.as_ref()?;
    let mut table = Table::new(
        "Work that came too late",
        ["service", "#dropped", "#cancelled", "#time for nobody"],
    );
    for service in &several.services {
        table.push(
            Mark::None,
            vec![
                service.service.clone(),
                format::count(service.dropped_count),
                format::count(service.cancelled_count),
                format::optional(service.zombie_time_ratio, format::ratio),
            ],
        );
    }
    (!several.services.is_empty()).then_some(table)
}

fn protection(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Protection",
        [
            "",
            "#attempts sent",
            "#turned away by breaker",
            "#by bulkhead",
            "#by throttle",
            "#by limit",
            "#retries wanted",
            "#not made",
            "#breakers open",
            "#mean limit",
        ],
    );
    for owner in &metrics.resilience {
        let of_call =
            |count: u64| format::optional(owner.attempt_count.map(|_| count), format::count);
        let away = owner.turned_away_counts;
        table.push(
            Mark::None,
            vec![
                owner.path.clone(),
                format::optional(owner.attempt_count, format::count),
                of_call(away.breaker),
                of_call(away.bulkhead),
                of_call(away.throttle),
                of_call(away.limit),
                of_call(owner.wanted_retry_count),
                of_call(owner.denied_retry_count),
                format::optional(owner.breaker_open_ratio, format::ratio),
                format::optional(owner.concurrency_limit_mean, format::number),
            ],
        );
    }
    (!metrics.resilience.is_empty()).then_some(table)
}

fn caches(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Caches",
        [
            "cache",
            "#asked",
            "#answered",
            "#stale",
            "#loads",
            "#load rate",
            "#largest load rate",
        ],
    );
    for cache in &metrics.caches {
        table.push(
            Mark::None,
            vec![
                cache.cache.clone(),
                format::count(cache.asked_count),
                format::optional(cache.hit_ratio, format::ratio),
                format::optional(cache.stale_ratio, format::ratio),
                format::count(cache.load_count),
                format::optional(cache.load_rate_per_sec, format::rate),
                format::optional(cache.load_rate_per_sec_max, format::rate),
            ],
        );
    }
    (!metrics.caches.is_empty()).then_some(table)
}

fn data(metrics: &RunMetrics) -> Option<Table> {
    let mut table = Table::new(
        "Data",
        [
            "service",
            "#keys lost",
            "#key-seconds with too few copies",
            "#bytes moved",
            "#full again after",
        ],
    );
    let kept = || metrics.services.iter().filter(|s| s.data.is_some());
    for service in kept() {
        let Some(data) = &service.data else { continue };
        table.push(
            Mark::None,
            vec![
                service.service.clone(),
                format::number(data.lost_key_count),
                format::number(data.under_replicated_key_secs),
                format::number(data.moved_bytes),
                full_again(data),
            ],
        );
    }
    kept().next().is_some().then_some(table)
}
