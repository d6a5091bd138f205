//! Measures of what callers turn away, of retry budgets, breakers and concurrency limits.

use super::estimate::{Estimated, share};
use super::{Ask, exact};
use crate::id::{EdgeId, ServiceId};
use crate::metrics::resilience::ResilienceCell;
use crate::model::observation::LocalCause;
use crate::scenario::client::EdgeOwner;
use crate::scenario::measure::Measure;

const NO_ATTEMPTS: &str = "no attempts in this phase and scope";

impl Ask<'_> {
    pub(super) fn is_of_resilience(&self) -> bool {
        matches!(
            self.measure.measure,
            Measure::LocalRejectionRatio
                | Measure::BreakerRejectionRatio
                | Measure::BulkheadRejectionRatio
                | Measure::ThrottleRejectionRatio
                | Measure::LimitRejectionRatio
                | Measure::RetryBudgetExhaustedRatio
                | Measure::BreakerOpenRatio
                | Measure::ConcurrencyLimit
        )
    }

    pub(super) fn resilience(&self) -> Estimated {
        match self.measure.measure {
            Measure::LocalRejectionRatio => self.turned_away(ResilienceCell::turned_away_count),
            Measure::BreakerRejectionRatio => self.turned_away_by(LocalCause::Breaker),
            Measure::BulkheadRejectionRatio => self.turned_away_by(LocalCause::Bulkhead),
            Measure::ThrottleRejectionRatio => self.turned_away_by(LocalCause::Throttle),
            Measure::LimitRejectionRatio => self.turned_away_by(LocalCause::Limit),
            Measure::RetryBudgetExhaustedRatio => self.denied_retries(),
            Measure::BreakerOpenRatio => self.open_ratio(),
            Measure::ConcurrencyLimit => self.concurrency_limit(),
            _ => unreachable!("only measures of resilience come here"),
        }
    }

    fn turned_away_by(&self, cause: LocalCause) -> Estimated {
        self.turned_away(|cell| cell.turned_away_counts[cause as usize])
    }

    /// Of all attempts that callers wanted to send.
    fn turned_away(&self, count: impl Fn(&ResilienceCell) -> u64) -> Estimated {
        let (classes, is_whole) = self.classes()?;
        let (mut counted, mut wanted) = (0, 0);
        for edge in self.calls_in_scope() {
            let cell = self.resilience_cell(edge, &classes);
            let attempts = self.attempts_of(edge, &classes, is_whole)?;
            counted += count(&cell);
            wanted += attempts.attempt_count + cell.turned_away_count();
        }
        share(counted, wanted, NO_ATTEMPTS)
    }

    /// Counts of an edge, of the class in scope or of all.
    fn resilience_cell(&self, edge: EdgeId, phases: &[u16]) -> ResilienceCell {
        let tables = &self.run.tables;
        match self.measure.scope.class {
            Some(class) => tables.classes.resilience(edge, class, phases),
            None => tables.resilience.pooled(edge, phases),
        }
    }

    fn denied_retries(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let (mut denied, mut wanted) = (0, 0);
        for edge in self.calls_in_scope() {
            let cell = self.resilience_cell(edge, &classes);
            denied += cell.denied_retry_count;
            wanted += cell.wanted_retry_count;
        }
        share(
            denied,
            wanted,
            "no retry asked a budget in this phase and scope",
        )
    }

    fn open_ratio(&self) -> Estimated {
        let (classes, length_ns) = self.classes_and_length()?;
        let table = &self.run.tables.resilience;
        let edges = self.calls_in_scope().into_iter();
        let times = edges.filter_map(|edge| table.open_ns(edge, &classes, length_ns));
        exact(ratio_of_sums(times), "no call in scope has a breaker")
    }

    fn concurrency_limit(&self) -> Estimated {
        let (classes, length_ns) = self.classes_and_length()?;
        let (table, scope) = (&self.run.tables.resilience, self.measure.scope);
        let mut times = Vec::new();
        if scope.service.is_none() {
            let edges = self.calls_in_scope().into_iter();
            times.extend(edges.filter_map(|edge| table.edge_limit_ns(edge, &classes, length_ns)));
        }
        if scope.edge.is_none() && scope.client.is_none() {
            let services = (0..self.scenario.services.len()).map(ServiceId::from_index);
            let in_scope = services.filter(|id| scope.service.is_none_or(|s| s == *id));
            times.extend(in_scope.filter_map(|id| table.service_limit_ns(id, &classes, length_ns)));
        }
        exact(
            ratio_of_sums(times.into_iter()),
            "nothing in scope has a concurrency limit",
        )
    }

    fn classes_and_length(&self) -> Result<(Vec<u16>, f64), String> {
        let (classes, _) = self.classes()?;
        let length_secs = self.run.tables.timeline.length_secs(&classes);
        if length_secs == 0.0 {
            return Err("the phase has no length".to_string());
        }
        Ok((classes, length_secs * 1e9))
    }

    /// Calls in scope.
    fn calls_in_scope(&self) -> Vec<EdgeId> {
        let scope = self.measure.scope;
        let edges = self.scenario.edges.iter().enumerate();
        edges
            .filter(|(place, edge)| {
                scope.edge.is_none_or(|e| e.index() == *place)
                    && scope
                        .client
                        .is_none_or(|client| edge.owner == EdgeOwner::Client(client))
            })
            .map(|(place, _)| EdgeId::from_index(place))
            .collect()
    }
}

/// Sum of the first over sum of the second; None without any.
fn ratio_of_sums(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (part, whole) in pairs {
        sum += part;
        weight += whole;
    }
    (0.0 < weight).then(|| sum / weight)
}
