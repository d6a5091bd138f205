//! Calls with several attempts at once.

use super::Finish;
use crate::id::{EdgeId, ServiceId};
use crate::metrics::data::attempts::{SeveralEdge, SeveralMetrics, SeveralService};

impl Finish<'_> {
    /// What the calls did that are more than plain; None where none is.
    pub(super) fn several(&self) -> Option<SeveralMetrics> {
        let edges = self.scenario.edges.iter().enumerate();
        let used = || edges.clone().filter(|(_, edge)| edge.attempts.is_some());
        let mut services: Vec<ServiceId> = used().map(|(_, edge)| edge.to).collect();
        services.sort_unstable();
        services.dedup();
        let is_used = !services.is_empty();
        is_used.then(|| SeveralMetrics {
            edges: used()
                .map(|(index, edge)| {
                    let id = EdgeId::from_index(index);
                    let counts = self.tables.several.pooled(id, &self.whole);
                    SeveralEdge {
                        edge: edge.path.clone(),
                        hedge_count: counts.hedge_count,
                        fallback_count: counts.fallback_count,
                    }
                })
                .collect(),
            services: services.into_iter().map(|id| self.taken_back(id)).collect(),
        })
    }

    fn taken_back(&self, service: ServiceId) -> SeveralService {
        let services = &self.tables.services;
        let work = services.pooled(Some(service), None, &self.whole);
        SeveralService {
            service: self.scenario.services[service.index()].name.clone(),
            dropped_count: work.dropped_count,
            cancelled_count: work.cancelled_count,
            zombie_time_ratio: work.zombie_time_ratio(),
        }
    }
}
