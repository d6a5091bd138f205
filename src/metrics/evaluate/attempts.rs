//! Measures of calls with several attempts at once.

use super::Ask;
use super::estimate::{Estimated, share, undecided};
use crate::id::EdgeId;
use crate::metrics::attempts::SeveralCounts;
use crate::scenario::client::EdgeOwner;
use crate::scenario::measure::Measure;

const NO_CALLS: &str = "no calls began in this phase and scope";

impl Ask<'_> {
    /// Hedges and fallbacks, over first attempts.
    pub(super) fn several(&self) -> Estimated {
        let scope = self.measure.scope;
        if scope.service.is_some() || scope.instance.is_some() || scope.zone.is_some() {
            return undecided("calls are not counted by service, zone or instance");
        }
        let (classes, is_whole) = self.classes()?;
        let mut sum = SeveralCounts::default();
        let mut first_count = 0;
        for (index, config) in self.scenario.edges.iter().enumerate() {
            let edge = EdgeId::from_index(index);
            let is_of_client = |client| config.owner == EdgeOwner::Client(client);
            let is_in_scope =
                scope.edge.is_none_or(|e| e == edge) && scope.client.is_none_or(is_of_client);
            if !is_in_scope {
                continue;
            }
            let tables = &self.run.tables;
            let attempts = tables.selection.attempts(edge, &classes, is_whole);
            let attempts = attempts.ok_or("attempts by phase are too many to keep")?;
            let counts = tables.several.pooled(edge, &classes);
            sum.hedge_count += counts.hedge_count;
            sum.fallback_count += counts.fallback_count;
            let later_count = attempts.retry_count + counts.hedge_count;
            first_count += attempts.attempt_count - later_count;
        }
        let count = match self.measure.measure {
            Measure::HedgeRatio => sum.hedge_count,
            _ => sum.fallback_count,
        };
        share(count, first_count, NO_CALLS)
    }
}
