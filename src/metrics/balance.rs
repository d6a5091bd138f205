//! How evenly the instances of a service are loaded, window by window.

use super::data::series::{BalanceColumn, BalanceSeries};
use super::instance::Load;
use crate::id::ServiceId;
use crate::scenario::Scenario;
use crate::stats::moments::{coefficient_of_variation, jain_index, max_over_mean};
use crate::time::SimDuration;

/// What is compared.
const QUANTITY_COUNT: usize = 3;

/// Numbers of each.
const STATISTIC_COUNT: usize = 3;

const METRICS: [[&str; STATISTIC_COUNT]; QUANTITY_COUNT] = [
    ["in_flight_max_over_mean", "in_flight_cv", "in_flight_jain"],
    [
        "queue_depth_max_over_mean",
        "queue_depth_cv",
        "queue_depth_jain",
    ],
    [
        "utilization_max_over_mean",
        "utilization_cv",
        "utilization_jain",
    ],
];

/// One quantity in one window; not a number where there is none.
type Spread = [f32; STATISTIC_COUNT];

/// One service with several instances.
#[derive(Clone, Debug)]
struct ServiceBalance {
    name: String,
    instances: std::ops::Range<usize>,
    windows: Vec<[Spread; QUANTITY_COUNT]>,
}

/// All services of one run that have several instances.
#[derive(Clone, Debug, Default)]
pub struct BalanceTable {
    services: Vec<ServiceBalance>,
}

impl BalanceTable {
    /// Nothing seen yet.
    pub fn new(scenario: &Scenario) -> Self {
        let of = |(index, name): (usize, &String)| {
            let instances = scenario
                .topology
                .service_instances(ServiceId::from_index(index));
            let instances = instances.start as usize..instances.end as usize;
            (1 < instances.len()).then(|| ServiceBalance {
                name: name.clone(),
                instances,
                windows: Vec::new(),
            })
        };
        let names = scenario.services.iter().map(|service| &service.name);
        BalanceTable {
            services: names.enumerate().filter_map(of).collect(),
        }
    }

    /// A window ends in which the instances had these loads. Who was never up in it does not count.
    pub fn cut(&mut self, loads: &[Load]) {
        for service in &mut self.services {
            let loads = &loads[service.instances.clone()];
            let up: Vec<&Load> = loads.iter().filter(|load| 0.0 < load.worker_ns).collect();
            let spread = |value: fn(&Load) -> f64| {
                let values: Vec<f64> = up.iter().map(|load| value(load)).collect();
                spread_of(&values)
            };
            service.windows.push([
                spread(|load| load.in_flight_ns),
                spread(Load::queued_ns),
                spread(|load| load.busy_ns / load.worker_ns),
            ]);
        }
    }

    /// What happened when.
    pub fn series(&self, width: SimDuration) -> Vec<BalanceSeries> {
        let column = |service: &ServiceBalance, quantity: usize, statistic: usize| {
            let windows = service.windows.iter();
            let values = windows.map(|window| window[quantity][statistic]);
            BalanceColumn {
                metric: METRICS[quantity][statistic],
                values: values.map(|v| (!v.is_nan()).then_some(v)).collect(),
            }
        };
        let places = || (0..QUANTITY_COUNT).flat_map(|q| (0..STATISTIC_COUNT).map(move |s| (q, s)));
        let of_service = |service: &ServiceBalance| BalanceSeries {
            path: format!("service.{}", service.name),
            window_secs: width.as_secs_f64(),
            columns: places().map(|(q, s)| column(service, q, s)).collect(),
        };
        self.services.iter().map(of_service).collect()
    }
}

fn spread_of(values: &[f64]) -> Spread {
    let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
    [
        number(max_over_mean(values)),
        number(coefficient_of_variation(values)),
        number(jain_index(values)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_largest_over_mean_variation_and_fairness() {
        // Mean 2, deviations 1 and 1; (1 + 3)^2 / (2 x (1 + 9)) = 0.8.
        assert_eq!(spread_of(&[1.0, 3.0]), [1.5, 0.5, 0.8]);
        assert!(spread_of(&[]).iter().all(|value| value.is_nan()));
        assert!(spread_of(&[0.0, 0.0]).iter().all(|value| value.is_nan()));
    }
}
