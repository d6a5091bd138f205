//! Measures of the parts of latencies and of optional calls.

use super::Ask;
use super::estimate::{Estimated, of_samples, share, undecided};
use crate::scenario::measure::Measure;

impl Ask<'_> {
    pub(super) fn flow(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let (flow, scope) = (&self.run.tables.flow, self.measure.scope);
        if self.measure.measure == Measure::FallbackRatio {
            let count = flow.optional(scope.client, scope.edge, &classes);
            let nothing = "no optional call ended in this phase and scope";
            return share(count.failed_count, count.ended_count, nothing);
        }
        let cell = match scope.edge {
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
