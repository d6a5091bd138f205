//! What callers and instances did to protect themselves, as plain data.

use super::Finish;
use crate::id::{EdgeId, ServiceId};
use crate::metrics::data::resilience::{ResilienceMetrics, TurnedAwayCounts};

impl Finish<'_> {
    /// The calls and services that protect themselves, in their order.
    pub(super) fn resilience(&self) -> Vec<ResilienceMetrics> {
        let edges = self.scenario.edges.iter().enumerate();
        let edges = edges.filter(|(_, edge)| edge.resilience.is_some());
        let services = self.scenario.services.iter().enumerate();
        let services = services.filter(|(_, service)| service.limit.is_some());
        edges
            .map(|(place, _)| self.protected_call(EdgeId::from_index(place)))
            .chain(services.map(|(place, _)| self.limited_service(ServiceId::from_index(place))))
            .collect()
    }

    fn protected_call(&self, edge: EdgeId) -> ResilienceMetrics {
        let table = &self.tables.resilience;
        let cell = table.pooled(edge, &self.whole);
        let attempts = self.tables.selection.attempts(edge, &self.whole, true);
        let [breaker, bulkhead, throttle, limit] = cell.turned_away_counts;
        let length_ns = self.measured_secs() * 1e9;
        ResilienceMetrics {
            path: self.scenario.edges[edge.index()].path.clone(),
            attempt_count: attempts.map(|attempts| attempts.attempt_count),
            turned_away_counts: TurnedAwayCounts {
                breaker,
                bulkhead,
                throttle,
                limit,
            },
            wanted_retry_count: cell.wanted_retry_count,
            denied_retry_count: cell.denied_retry_count,
            breaker_open_ratio: share(table.open_ns(edge, &self.whole, length_ns)),
            concurrency_limit_mean: share(table.edge_limit_ns(edge, &self.whole, length_ns)),
        }
    }

    fn limited_service(&self, service: ServiceId) -> ResilienceMetrics {
        let table = &self.tables.resilience;
        let length_ns = self.measured_secs() * 1e9;
        let limit_ns = table.service_limit_ns(service, &self.whole, length_ns);
        ResilienceMetrics {
            path: format!("service.{}", self.scenario.services[service.index()].name),
            attempt_count: None,
            turned_away_counts: TurnedAwayCounts::default(),
            wanted_retry_count: 0,
            denied_retry_count: 0,
            breaker_open_ratio: None,
            concurrency_limit_mean: share(limit_ns),
        }
    }
}

fn share(parts: Option<(f64, f64)>) -> Option<f64> {
    let (part, whole) = parts?;
    (0.0 < whole).then(|| part / whole)
}
