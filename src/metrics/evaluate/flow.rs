//! Measures of the parts of latencies and of optional calls.

use super::Ask;
use super::estimate::{Estimated, of_samples, share, undecided};
use crate::id::EdgeId;
use crate::metrics::flow::PartCell;
use crate::scenario::measure::Measure;

impl Ask<'_> {
    pub(super) fn flow(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let (flow, scope) = (&self.run.tables.flow, self.measure.scope);
        if self.measure.measure == Measure::FallbackRatio {
            self.check_client_of_class(scope.client)?;
            let count = flow.optional(scope.client, scope.edge, scope.class, &classes);
            let nothing = "no optional call ended in this phase and scope";
            return share(count.failed_count, count.ended_count, nothing);
        }
        let cell = match scope.edge {
            edge if scope.class.is_some() => self.class_parts(edge, &classes)?,
            Some(edge) => flow.of_edge(edge, &classes),
            None => flow.of_clients(scope.client, &classes),
        };
        match cell {
            Some(cell) => {
                let samples = &cell.parts[part(self.measure.measure)];
                of_samples(samples, 0, self.measure.statistic)
            }
            None => undecided("latencies are not split; write `breakdown = true`"),
        }
    }

    /// The parts of the requests of the class in scope.
    fn class_parts(
        &self,
        edge: Option<EdgeId>,
        classes: &[u16],
    ) -> Result<Option<PartCell>, String> {
        let tables = &self.run.tables;
        let class = self.measure.scope.class.expect("a class is in scope");
        let client = self.scenario.classes.get(class).client;
        self.check_client_of_class(self.measure.scope.client)?;
        let is_own =
            |edge: EdgeId| tables.calls.alias_clients[edge.index()] == Some(client.index());
        match edge.is_none_or(is_own) {
            true => Ok(tables.flow.of_class(class, classes)),
            false => {
                Err("parts of whole requests are split by class; leave `call` out".to_string())
            }
        }
    }
}

/// The place of a part.
fn part(measure: Measure) -> usize {
    match measure {
        Measure::NetworkTime => 0,
        Measure::QueueTime => 1,
        Measure::WorkTime => 2,
        Measure::CallTime => 3,
        Measure::FailedAttemptTime => 4,
        Measure::BackoffTime => 5,
        Measure::CallerTime => 6,
        _ => unreachable!("only parts come here"),
    }
}
