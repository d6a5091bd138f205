//! Measures of requests.

use std::borrow::Cow;

use super::estimate::{Estimate, Estimated, of_samples, share, undecided};
use super::{Ask, exact};
use crate::metrics::histogram::{Samples, rank_of};
use crate::metrics::pooled::{SteadyRequests, call_cell, window_availability};
use crate::metrics::request::{CallerCount, RequestCell, RequestScope, ratio};
use crate::model::observation::Outcome;
use crate::scenario::measure::{Aggregation, Measure, Phase, Statistic};

const NO_REQUESTS: &str = "no requests arrived in this phase and scope";

/// Requests in scope and phase.
pub(super) struct Requests {
    pub(super) cell: RequestCell,
    pub(super) length_secs: f64,
    /// It is put together from windows.
    pub(super) is_steady: bool,
}

impl Ask<'_> {
    pub(super) fn request(&self) -> Estimated {
        let scope = self.measure.scope;
        if scope.service.is_some() || scope.instance.is_some() {
            return undecided("requests are not counted by service or instance; use `call`");
        }
        match self.measure.aggregation {
            Aggregation::Pooled => self.pooled_request(),
            Aggregation::Worst | Aggregation::Spread => self.by_caller(),
        }
    }

    /// Who asks for a call means the requests of its client where they make no other call.
    fn request_scope(&self) -> Option<RequestScope> {
        let scope = self.measure.scope;
        let Some(edge) = scope.edge else {
            return Some(RequestScope {
                client: scope.client,
                zone: scope.zone,
            });
        };
        let client = self.run.tables.calls.alias_clients[edge.index()]?;
        Some(RequestScope {
            client: Some(crate::id::ClientId::from_index(client)),
            zone: scope.zone,
        })
    }

    fn requests(&self) -> Result<Requests, String> {
        let (tables, scope) = (&self.run.tables, self.measure.scope);
        if let Some(class) = scope.class {
            return self.class_requests(class);
        }
        let request_scope = self.request_scope();
        if self.measure.phase == Phase::Steady {
            let Some(request_scope) = request_scope.filter(|s| s.zone.is_none()) else {
                return Err("the steady phase is known by client only".to_string());
            };
            let client = request_scope.client.map(|client| client.index());
            let steady = SteadyRequests::new(tables, client);
            return Ok(Requests {
                cell: steady.cell,
                length_secs: steady.length_secs,
                is_steady: true,
            });
        }
        let (classes, is_whole) = self.classes()?;
        let cell = match (request_scope, scope.edge) {
            (Some(request_scope), _) => tables.requests.pooled(request_scope, &classes),
            (None, Some(edge)) if scope.zone.is_none() => {
                let mut cell = call_cell(tables, edge, &classes);
                let attempts = tables.selection.attempts(edge, &classes, is_whole);
                let attempts = attempts.ok_or("attempts by phase are too many to keep")?;
                cell.attempt_count = attempts.attempt_count;
                cell.retry_count = attempts.retry_count;
                cell
            }
            (None, _) => return Err("calls are not counted by the caller's zone".to_string()),
        };
        Ok(Requests {
            cell,
            length_secs: tables.timeline.length_secs(&classes),
            is_steady: false,
        })
    }

    fn pooled_request(&self) -> Estimated {
        if self.measure.measure == Measure::WindowAvailability {
            return self.window_availability();
        }
        let requests = self.requests()?;
        let cell = &requests.cell;
        let ratio_of = |outcome| {
            let count = cell.outcome_counts[outcome as usize];
            share(count, cell.arrived_count, NO_REQUESTS)
        };
        let rate_of = |count: u64| {
            let is_some = 0.0 < requests.length_secs;
            exact(
                is_some.then(|| count as f64 / requests.length_secs),
                "the phase has no length",
            )
        };
        match self.measure.measure {
            Measure::SuccessRatio => ratio_of(Outcome::Success),
            Measure::FailureRatio => ratio_of(Outcome::Failure),
            Measure::TimeoutRatio => ratio_of(Outcome::Timeout),
            Measure::RejectedRatio => ratio_of(Outcome::Rejected),
            Measure::RequestRate => rate_of(cell.arrived_count),
            Measure::Goodput => rate_of(cell.outcome_counts[Outcome::Success as usize]),
            Measure::Amplification => {
                exact(ratio(cell.attempt_count, cell.call_count), NO_REQUESTS)
            }
            Measure::RetryRatio if self.request_scope().is_none() => {
                undecided("calls that were tried again are known for clients only")
            }
            Measure::RetryRatio => share(cell.retried_count, cell.call_count, NO_REQUESTS),
            Measure::Latency => of_samples(&cell.latency, 0, self.measure.statistic),
            Measure::LatencyOrFail => {
                let success_count = cell.outcome_counts[Outcome::Success as usize];
                let other_count = cell.arrived_count - success_count;
                of_samples(&cell.latency, other_count, self.measure.statistic)
            }
            Measure::LatencyAll if requests.is_steady => {
                undecided("windows keep the latency of successes only")
            }
            Measure::LatencyAll => {
                let mut all: Samples = cell.latency.clone();
                all.merge(&cell.latency_unsuccessful);
                of_samples(&all, 0, self.measure.statistic)
            }
            _ => unreachable!("only measures of requests come here"),
        }
    }

    fn window_availability(&self) -> Estimated {
        let tables = &self.run.tables;
        let Some(scope) = self.request_scope().filter(|s| s.zone.is_none()) else {
            return undecided("windows are kept by client only");
        };
        let windows = match self.measure.scope.class {
            Some(class) => Cow::Borrowed(tables.classes.windows(class)),
            None => tables
                .windows
                .pooled(scope.client.map(|client| client.index())),
        };
        let (classes, _) = self.classes()?;
        exact(
            window_availability(tables, self.scenario, &windows, &classes),
            "no window with arrivals lies wholly in this phase",
        )
    }

    /// The worst caller, or worst minus best.
    fn by_caller(&self) -> Estimated {
        let Some(scope) = self.request_scope() else {
            return undecided(
                "callers are counted by the outcome of their requests; leave `call` out",
            );
        };
        self.check_client_of_class(scope.client)?;
        let values = match self.measure.measure {
            Measure::SuccessRatio => self.success_ratios(scope)?,
            Measure::Latency => self.caller_latencies(scope)?,
            _ => {
                let reason = "only success_ratio and latency are known by caller";
                return undecided(reason);
            }
        };
        let low = values.iter().copied().reduce(f64::min);
        let high = values.iter().copied().reduce(f64::max);
        let (Some(low), Some(high)) = (low, high) else {
            return undecided(NO_REQUESTS);
        };
        let worst = if self.measure.measure == Measure::SuccessRatio {
            low
        } else {
            high
        };
        Ok(Estimate::exact(match self.measure.aggregation {
            Aggregation::Pooled | Aggregation::Worst => worst,
            Aggregation::Spread => high - low,
        }))
    }

    /// Of every caller with requests.
    fn success_ratios(&self, scope: RequestScope) -> Result<Vec<f64>, String> {
        let counts = match self.measure.scope.class {
            Some(class) => self.class_caller_counts(class, scope.zone)?,
            None => {
                let (classes, is_whole) = self.classes()?;
                let requests = &self.run.tables.requests;
                let counts = requests.caller_counts(scope, &classes, is_whole);
                counts.ok_or("there are too many callers to count them by phase")?
            }
        };
        Ok(counts
            .iter()
            .filter_map(CallerCount::success_ratio)
            .collect())
    }

    /// Of every caller with successes.
    fn caller_latencies(&self, scope: RequestScope) -> Result<Vec<f64>, String> {
        if self.measure.phase != Phase::Whole {
            return Err("latency by caller is kept for the whole run only".to_string());
        }
        let tables = &self.run.tables;
        let latencies = match self.measure.scope.class {
            Some(class) => {
                let callers = &tables.classes.callers;
                callers.latencies(self.scenario, class, scope.zone)
            }
            None => tables.requests.caller_latencies(scope),
        };
        let latencies = latencies.ok_or_else(|| {
            let max = crate::metrics::request::CALLER_HISTOGRAM_COUNT_MAX;
            format!("latency by caller is kept for expectations only, up to {max} callers")
        })?;
        let with_samples = latencies.iter().filter(|samples| 0 < samples.count());
        with_samples
            .map(|samples| match self.measure.statistic {
                Statistic::Percentile(percent) => {
                    let percentile = samples.percentile(percent);
                    percentile.value_secs.ok_or_else(|| {
                        let above = samples.count() - rank_of(percent, samples.count());
                        format!("for one caller only {above} samples lie above p{percent}")
                    })
                }
                statistic => of_samples(samples, 0, statistic).map(|estimate| estimate.value),
            })
            .collect()
    }
}
