//! From parts of latencies to numbers.

use super::Finish;
use crate::id::{ClientId, EdgeId};
use crate::metrics::data::flow::{BreakdownMetrics, FallbackMetrics, PartMetrics, WaitMetrics};
use crate::metrics::flow::{PART_COUNT, PartCell};
use crate::metrics::request::ratio;

/// The parts in the order of their fields.
const PARTS: [&str; PART_COUNT] = [
    "network",
    "queue",
    "work",
    "calls",
    "failed_attempts",
    "backoff",
    "caller",
];

impl Finish<'_> {
    /// Of every client, then of every call.
    pub(super) fn breakdowns(&self) -> Vec<BreakdownMetrics> {
        let flow = &self.tables.flow;
        let clients = self.scenario.clients.iter().enumerate();
        let of_clients = clients.filter_map(|(place, client)| {
            let cell = flow.of_clients(Some(ClientId::from_index(place)), &self.whole)?;
            Some(self.breakdown(format!("client.{}", client.name), &cell))
        });
        let edges = self.scenario.edges.iter().enumerate();
        let of_edges = edges.filter_map(|(place, edge)| {
            let cell = flow.of_edge(EdgeId::from_index(place), &self.whole)?;
            Some(self.breakdown(edge.path.clone(), &cell))
        });
        of_clients.chain(of_edges).collect()
    }

    fn breakdown(&self, path: String, cell: &PartCell) -> BreakdownMetrics {
        let total: f64 = cell.parts.iter().map(|samples| samples.sum_secs()).sum();
        let count = cell.parts[0].count();
        let part =
            |(part, samples): (&'static str, &crate::metrics::histogram::Samples)| PartMetrics {
                part,
                ratio: (0.0 < total).then(|| samples.sum_secs() / total),
                time: samples.stats(),
            };
        let wait = |(edge, length): &(EdgeId, crate::time::SimDuration)| WaitMetrics {
            call: self.scenario.edges[edge.index()].path.clone(),
            mean_secs: length.as_secs_f64() / count as f64,
        };
        BreakdownMetrics {
            path,
            parts: PARTS.into_iter().zip(&cell.parts).map(part).collect(),
            waits: cell.waits.iter().map(wait).collect(),
        }
    }

    /// Of every optional call.
    pub(super) fn fallbacks(&self) -> Vec<FallbackMetrics> {
        let edges = self.scenario.edges.iter().enumerate();
        let optional = edges.filter(|(_, edge)| edge.flow.is_optional);
        optional
            .map(|(place, edge)| {
                let edge_id = Some(EdgeId::from_index(place));
                let count = self.tables.flow.optional(None, edge_id, None, &self.whole);
                FallbackMetrics {
                    call: edge.path.clone(),
                    ended_count: count.ended_count,
                    failed_count: count.failed_count,
                    fallback_ratio: ratio(count.failed_count, count.ended_count),
                }
            })
            .collect()
    }
}
