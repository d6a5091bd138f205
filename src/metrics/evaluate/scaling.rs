//! How many instances there were.

use super::estimate::{Estimated, undecided};
use super::{Ask, exact};
use crate::id::ServiceId;
use crate::scenario::measure::Statistic;

impl Ask<'_> {
    /// Instances of a service that are up.
    pub(super) fn instance_count(&self) -> Estimated {
        let only = (self.scenario.services.len() == 1).then_some(ServiceId(0));
        let Some(service) = self.measure.scope.service.or(only) else {
            return undecided("instances are counted by service: write {service=NAME}");
        };
        let (classes, _) = self.classes()?;
        let counts = self.run.tables.services.up(service, &classes);
        let value = match self.measure.statistic {
            Statistic::Mean => counts.mean(),
            Statistic::StandardDeviation => counts.standard_deviation(),
            Statistic::Max => counts.percentile(100.0),
            Statistic::Percentile(percent) => counts.percentile(percent),
            _ => counts.percentile(0.0),
        };
        exact(value, "the phase has no length")
    }
}
