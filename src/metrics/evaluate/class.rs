//! Measures of one class of requests.

use super::estimate::{Estimated, share, undecided};
use super::request::Requests;
use super::server::{TOO_MANY, balance_of};
use super::{Ask, exact};
use crate::id::{ClassId, ClientId, ZoneId};
use crate::metrics::class_load::ClassLoad;
use crate::metrics::pooled::SteadyRequests;
use crate::metrics::request::CallerCount;
use crate::metrics::selection::AttemptCounts;
use crate::scenario::measure::{Measure, Phase};

const NO_TIME: &str = "the phase has no length";

impl Ask<'_> {
    /// Requests of a class in scope and phase.
    pub(super) fn class_requests(&self, class: ClassId) -> Result<Requests, String> {
        let (tables, scope) = (&self.run.tables, self.measure.scope);
        let client = self.scenario.classes.get(class).client;
        self.check_client_of_class(scope.client)?;
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

    /// A class in scope must be one of this client, if there is one.
    pub(super) fn check_client_of_class(&self, client: Option<ClientId>) -> Result<(), String> {
        let class = self.measure.scope.class;
        let owner = class.map(|class| self.scenario.classes.get(class).client);
        match (client, owner) {
            (Some(client), Some(owner)) if client != owner => {
                Err("the class belongs to another client".to_string())
            }
            _ => Ok(()),
        }
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

    /// What the instances in scope carried of the class.
    pub(super) fn class_load(&self, phases: &[u16], is_whole: bool, secs: f64) -> Estimated {
        let class = self.measure.scope.class.expect("a class is in scope");
        let Some(table) = &self.run.tables.class_loads else {
            return undecided("the load of classes is kept for expectations only");
        };
        let load_of = |instance| table.load(instance, class, phases, is_whole);
        let of_class: Option<Vec<ClassLoad>> = self.instances_in_scope().map(load_of).collect();
        let of_class = of_class.ok_or(TOO_MANY)?;
        let loads = self.loads(phases, is_whole)?;
        let worker_ns: f64 = loads.iter().map(|load| load.worker_ns).sum();
        let sum_of = |part: fn(&ClassLoad) -> f64| of_class.iter().map(part).sum::<f64>();
        let present = loads.iter().zip(&of_class);
        let present = present.filter(|(load, _)| 0.0 < load.worker_ns);
        match self.measure.measure {
            Measure::InSystem => exact(Some(sum_of(|l| l.in_system_ns) / 1e9 / secs), NO_TIME),
            Measure::Utilization => {
                let ratio = (0.0 < worker_ns).then(|| sum_of(|l| l.busy_ns) / worker_ns);
                exact(ratio, "no instance in scope was up")
            }
            Measure::InFlightBalance => {
                let values: Vec<f64> = present.map(|(_, of_class)| of_class.in_flight_ns).collect();
                balance_of(&values, self.measure.statistic)
            }
            Measure::QueueDepthBalance => {
                let queued = present.map(|(_, of_class)| of_class.queued_ns());
                balance_of(&queued.collect::<Vec<f64>>(), self.measure.statistic)
            }
            _ => {
                let busy = present.map(|(load, of_class)| of_class.busy_ns / load.worker_ns);
                balance_of(&busy.collect::<Vec<f64>>(), self.measure.statistic)
            }
        }
    }

    /// Requests of the class and successes, of every caller of its client.
    pub(super) fn class_caller_counts(
        &self,
        class: ClassId,
        zone: Option<ZoneId>,
    ) -> Result<Vec<CallerCount>, String> {
        let (phases, is_whole) = self.classes()?;
        let callers = &self.run.tables.classes.callers;
        let counts = callers.counts(self.scenario, class, zone, (&phases, is_whole));
        counts.ok_or_else(|| "there are too many callers to count them by phase".to_string())
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
        exact(rate, NO_TIME)
    }
}
