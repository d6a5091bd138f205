//! Measures of connections.

use super::estimate::{Estimate, Estimated, of_samples, undecided};
use super::{Ask, exact};
use crate::metrics::connection::ConnectionCell;
use crate::scenario::measure::{Measure, Statistic};

impl Ask<'_> {
    pub(super) fn connections(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let secs = self.run.tables.timeline.length_secs(&classes);
        self.check_client_of_class(self.measure.scope.client)?;
        let edge = self.connected_edge()?;
        let table = &self.run.tables.connections;
        let cell = table
            .pooled(edge, &classes)
            .ok_or("no call has connections")?;
        match self.measure.measure {
            Measure::HandshakeRate => {
                let count = match self.measure.scope.class {
                    Some(class) => table.class_handshakes(edge, class, &classes),
                    None => cell.handshake_count,
                };
                let rate = count as f64 / secs;
                exact((0.0 < secs).then_some(rate), "the phase has no length")
            }
            Measure::PoolWaitingTime if self.measure.scope.class.is_some() => {
                let class = self.measure.scope.class.expect("a class is in scope");
                let waiting = table.class_waiting(edge, class, &classes);
                of_samples(&waiting, 0, self.measure.statistic)
            }
            Measure::PoolWaitingTime => of_samples(&cell.waiting, 0, self.measure.statistic),
            Measure::HalfOpenTime => of_samples(&cell.half_open, 0, self.measure.statistic),
            _ => self.open_connections(&cell),
        }
    }

    fn open_connections(&self, cell: &ConnectionCell) -> Estimated {
        let value = match self.measure.statistic {
            Statistic::Value | Statistic::Mean => cell.open.mean(),
            Statistic::Max => Some(f64::from(cell.open.max())),
            Statistic::Min => cell.open.percentile(0.0),
            Statistic::StandardDeviation => cell.open.standard_deviation(),
            Statistic::Percentile(percent) => cell.open.percentile(percent),
            _ => return undecided("connections have no such number"),
        };
        value
            .map(Estimate::exact)
            .ok_or_else(|| "the phase has no length".to_string())
    }

    /// The one call in scope; None for all calls together.
    fn connected_edge(&self) -> Result<Option<usize>, String> {
        self.has_no_zone()?;
        let scope = self.measure.scope;
        let is_of_all = scope.edge.is_none() && scope.client.is_none() && scope.service.is_none();
        let connected = self
            .edges_in_scope()
            .filter(|edge| self.scenario.edges[edge.index()].connection.is_some());
        let connected: Vec<usize> = connected.map(crate::id::EdgeId::index).collect();
        match connected[..] {
            [] => Err("no call in this scope has connections".to_string()),
            [edge] => Ok(Some(edge)),
            _ if is_of_all => Ok(None),
            _ => Err("name one call: `{call=CLIENT.SERVICE}`".to_string()),
        }
    }
}
