//! Measures of services and their instances.

use super::estimate::{Estimated, of_samples, share, undecided};
use super::{Ask, exact};
use crate::id::{InstanceId, ServiceId};
use crate::metrics::instance::Load;
use crate::metrics::level::LevelTotals;
use crate::metrics::service::WorkCell;
use crate::scenario::measure::{Measure, Statistic};
use crate::stats::moments::{coefficient_of_variation, jain_index, max_over_mean};

/// Why phases of instances are not known.
pub(super) const TOO_MANY: &str = "there are too many instances to keep them by phase";

const NO_WORK: &str = "no attempts in this phase and scope";

/// The number of a balance.
pub fn balance_of(values: &[f64], statistic: Statistic) -> Estimated {
    let value = match statistic {
        Statistic::MaxOverMean => max_over_mean(values),
        Statistic::Cv => coefficient_of_variation(values),
        Statistic::Jain => jain_index(values),
        _ => return undecided("a balance is told by max_over_mean, cv or jain"),
    };
    exact(value, "nothing is there to be balanced")
}

impl Ask<'_> {
    pub(super) fn server(&self) -> Estimated {
        if self.measure.scope.client.is_some() || self.measure.scope.edge.is_some() {
            return undecided("work at instances is not counted by client or call");
        }
        let (classes, is_whole) = self.classes()?;
        let length_secs = self.run.tables.timeline.length_secs(&classes);
        if length_secs == 0.0 {
            return undecided("the phase has no length");
        }
        let is_of_class = self.measure.scope.class.is_some();
        match self.measure.measure {
            Measure::InSystem
            | Measure::Utilization
            | Measure::InFlightBalance
            | Measure::QueueDepthBalance
            | Measure::UtilizationBalance
                if is_of_class =>
            {
                self.class_load(&classes, is_whole, length_secs)
            }
            Measure::InSystem => self.in_system(&classes, is_whole, length_secs),
            Measure::Utilization => {
                let mut sum = Load::default();
                self.loads(&classes, is_whole)?
                    .iter()
                    .for_each(|load| sum.add(load));
                exact(sum.utilization_ratio(), "no instance in scope was up")
            }
            Measure::InFlightBalance | Measure::QueueDepthBalance | Measure::UtilizationBalance => {
                let loads = self.loads(&classes, is_whole)?;
                let present = loads.iter().filter(|load| 0.0 < load.worker_ns);
                let values: Vec<f64> = match self.measure.measure {
                    Measure::InFlightBalance => present.map(|l| l.in_flight_ns).collect(),
                    Measure::QueueDepthBalance => present.map(Load::queued_ns).collect(),
                    _ => present.filter_map(Load::utilization_ratio).collect(),
                };
                balance_of(&values, self.measure.statistic)
            }
            _ if is_of_class && self.measure.scope.instance.is_some() => {
                undecided("work at single instances is not counted by class")
            }
            _ => self.work(&classes, length_secs),
        }
    }

    fn work(&self, classes: &[u16], length_secs: f64) -> Estimated {
        let scope = self.measure.scope;
        let services = &self.run.tables.services;
        let work: WorkCell = match (scope.instance, scope.class) {
            (Some(instance), _) => match services.of_instance(instance, classes) {
                Some(work) => work,
                None => return undecided("this is not kept of instances that nobody asked for"),
            },
            (None, Some(class)) => {
                let by_class = &self.run.tables.classes;
                by_class.work(class, scope.service, scope.zone, classes)
            }
            (None, None) => services.pooled(scope.service, scope.zone, classes),
        };
        let statistic = self.measure.statistic;
        match self.measure.measure {
            Measure::Throughput => exact(Some(work.served_count as f64 / length_secs), NO_WORK),
            Measure::WaitingTime => of_samples(&work.waiting, 0, statistic),
            Measure::SojournTime => of_samples(&work.sojourn, 0, statistic),
            Measure::ServiceTime => of_samples(&work.service_time, 0, statistic),
            Measure::WaitRatio => share(work.waited_count, work.waiting.count(), NO_WORK),
            Measure::ZombieRatio => share(work.zombie_count, work.served_count, NO_WORK),
            Measure::DroppedRatio => share(work.dropped_count, work.arrived_count, NO_WORK),
            Measure::CancelledRatio => share(work.cancelled_count, work.arrived_count, NO_WORK),
            Measure::ZombieTimeRatio => exact(work.zombie_time_ratio(), NO_WORK),
            _ => unreachable!("only measures of work come here"),
        }
    }

    /// The mean is known in every scope, the rest of whole services.
    fn in_system(&self, classes: &[u16], is_whole: bool, length_secs: f64) -> Estimated {
        let (scope, statistic) = (self.measure.scope, self.measure.statistic);
        if let Statistic::Value | Statistic::Mean = statistic {
            let loads = self.loads(classes, is_whole)?;
            let sum: f64 = loads.iter().map(|load| load.in_system_ns).sum();
            return exact(Some(sum / 1e9 / length_secs), NO_WORK);
        }
        let only_service = (self.scenario.services.len() == 1).then_some(ServiceId(0));
        let service = scope.service.or(only_service);
        let (Some(service), None, None) = (service, scope.zone, scope.instance) else {
            return undecided("the distribution of the level is kept for whole services");
        };
        let levels: LevelTotals = self.run.tables.services.in_system(service, classes);
        let value = match statistic {
            Statistic::StandardDeviation => levels.standard_deviation(),
            Statistic::Max => Some(f64::from(levels.max())),
            Statistic::Percentile(percent) => levels.percentile(percent),
            _ => return undecided("a level has no such number"),
        };
        exact(value, NO_WORK)
    }

    /// Every instance in scope.
    pub(super) fn instances_in_scope(&self) -> impl Iterator<Item = u32> {
        let (scope, topology) = (self.measure.scope, &self.scenario.topology);
        (0..topology.instance_count()).filter(move |index| {
            let instance = InstanceId(*index);
            let group = &self.scenario.groups[topology.group_of(instance).index()];
            scope.instance.is_none_or(|i| i == instance)
                && scope.service.is_none_or(|s| s == group.service)
                && scope.zone.is_none_or(|z| z == group.zone)
        })
    }

    /// The load of every instance in scope.
    pub(super) fn loads(&self, classes: &[u16], is_whole: bool) -> Result<Vec<Load>, String> {
        let load_of = |index| self.run.tables.instances.load(index, classes, is_whole);
        let loads: Option<Vec<Load>> = self.instances_in_scope().map(load_of).collect();
        loads.ok_or_else(|| TOO_MANY.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ClassId;
    use crate::metrics::evaluate::{Reading, evaluate};
    use crate::metrics::facts::{ms, record};
    use crate::metrics::fixture::{SMALL, scenario};
    use crate::model::observation::{Observation, WorkEnd};
    use crate::scenario::measure::{Aggregation, AskedMeasure, MeasureRef, Phase, Scope};
    use crate::time::SimDuration;

    /// An attempt that entered an instance at an instant and waited for one second.
    fn work(instance: u32, arrived_ms: u64, end_ms: u64) -> [(u64, Observation<'static>); 3] {
        let (instance, class) = (InstanceId(instance), ClassId::NONE);
        let waiting = SimDuration::from_secs(1);
        let started_ms = arrived_ms + 1_000;
        let arrived = Observation::WorkArrived { instance, class };
        let started = Observation::WorkStarted {
            instance,
            class,
            waiting,
        };
        let ended = Observation::WorkEnded {
            instance,
            class,
            arrived_at: ms(arrived_ms),
            started_at: Some(ms(started_ms)),
            end: WorkEnd::Served,
            is_zombie: false,
        };
        [
            (arrived_ms, arrived),
            (started_ms, started),
            (end_ms, ended),
        ]
    }

    #[test]
    fn work_at_one_instance_is_kept_where_somebody_asks() {
        let ask = |measure, statistic, instance| MeasureRef {
            measure,
            statistic,
            scope: Scope {
                instance: Some(InstanceId(instance)),
                ..Scope::default()
            },
            aggregation: Aggregation::Pooled,
            phase: Phase::Whole,
        };
        let throughput = |instance| ask(Measure::Throughput, Statistic::Value, instance);
        let mut scenario = scenario(SMALL);
        scenario.asked = vec![AskedMeasure {
            text: "throughput{instance=web/a/1}".to_string(),
            measure: throughput(1),
        }];
        // In 100 s one attempt at the first instance, two at the second one.
        let facts = [
            work(0, 5_000, 10_000),
            work(1, 20_000, 23_000),
            work(1, 30_000, 37_000),
        ];
        let metrics = record(&scenario, &[], &facts.concat(), 100_000, 0);
        let read = |measure| evaluate(&metrics, &scenario, &measure);
        assert_eq!(read(throughput(1)), Reading::Known(0.02));
        let sojourn = ask(Measure::SojournTime, Statistic::Mean, 1);
        assert_eq!(read(sojourn), Reading::Known(5.0));
        let waiting = ask(Measure::WaitingTime, Statistic::Max, 1);
        assert_eq!(read(waiting), Reading::Known(1.0));
        let unasked = "this is not kept of instances that nobody asked for".to_string();
        assert_eq!(read(throughput(0)), Reading::Undecided(unasked));
    }
}
