//! Measures of calls with several attempts at once.

use super::Ask;
use super::estimate::{Estimated, share, undecided};
use crate::id::EdgeId;
use crate::metrics::attempts::SeveralCounts;
use crate::metrics::selection::AttemptCounts;
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
            let counts = match scope.class {
                Some(class) => tables.classes.several(edge, class, &classes),
                None => tables.several.pooled(edge, &classes),
            };
            let attempts = self.attempts_of(edge, &classes, is_whole)?;
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

    /// Attempts of an edge in these phases, of the class in scope or of all.
    pub(super) fn attempts_of(
        &self,
        edge: EdgeId,
        phases: &[u16],
        is_whole: bool,
    ) -> Result<AttemptCounts, String> {
        let tables = &self.run.tables;
        match self.measure.scope.class {
            Some(class) => Ok(tables.classes.attempts(edge, class, phases)),
            None => {
                let attempts = tables.selection.attempts(edge, phases, is_whole);
                attempts.ok_or_else(|| "attempts by phase are too many to keep".to_string())
            }
        }
    }
}
