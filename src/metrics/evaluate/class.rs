//! Measures of one class of requests.

use super::estimate::{Estimated, share};
use super::request::Requests;
use super::{Ask, exact};
use crate::id::ClassId;
use crate::metrics::pooled::SteadyRequests;
use crate::metrics::selection::AttemptCounts;
use crate::scenario::measure::Phase;

impl Ask<'_> {
    /// Requests of a class in scope and phase.
    pub(super) fn class_requests(&self, class: ClassId) -> Result<Requests, String> {
        let (tables, scope) = (&self.run.tables, self.measure.scope);
        let client = self.scenario.classes.get(class).client;
        if scope.client.is_some_and(|c| c != client) {
            return Err("the class belongs to another client".to_string());
        }
        // The only call of a client stands for its requests.
        let call = scope
            .edge
            .filter(|edge| tables.calls.alias_clients[edge.index()] != Some(client.index()));
        if scope.zone.is_some() && (call.is_some() || self.measure.phase == Phase::Steady) {
            return Err("this is not known by class and zone".to_string());
        }
        if self.measure.phase == Phase::Steady {
            if call.is_some() {
                return Err("the steady phase is known by client and class only".to_string());
            }
            let steady = SteadyRequests::of_windows(tables, tables.classes.windows(class));
            return Ok(Requests {
                cell: steady.cell,
                length_secs: steady.length_secs,
                is_steady: true,
            });
        }
        let (phases, _) = self.classes()?;
        Ok(Requests {
            cell: match call {
                Some(edge) => tables.classes.calls(edge, class, &phases),
                None => tables.classes.requests(class, scope.zone, &phases),
            },
            length_secs: tables.timeline.length_secs(&phases),
            is_steady: false,
        })
    }

    /// Attempts of a class at instances that were down.
    pub(super) fn class_wasted_ratio(&self, class: ClassId) -> Estimated {
        let (phases, _) = self.classes()?;
        let mut sum = AttemptCounts::default();
        for edge in self.edges_in_scope() {
            let counts = self.run.tables.classes.attempts(edge, class, &phases);
            sum.attempt_count += counts.attempt_count;
            sum.wasted_count += counts.wasted_count;
        }
        let none = "no attempts in this phase and scope";
        share(sum.wasted_count, sum.attempt_count, none)
    }

    /// Bytes of requests and replies per second.
    pub(super) fn byte_rate(&self) -> Estimated {
        let (phases, _) = self.classes()?;
        let tables = &self.run.tables;
        let of_edge = |edge| {
            let class = self.measure.scope.class;
            tables.classes.byte_count(edge, class, &phases)
        };
        let byte_count: u64 = self.edges_in_scope().map(of_edge).sum();
        let secs = tables.timeline.length_secs(&phases);
        let rate = (0.0 < secs).then(|| byte_count as f64 / secs);
        exact(rate, "the phase has no length")
    }
}
