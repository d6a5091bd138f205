//! What callers turned away by themselves, retries that were not made, breakers and limits.

use crate::id::{EdgeId, ServiceId};
use crate::model::observation::{BreakerState, LimitOwner, LocalCause, Observation};
use crate::scenario::Scenario;
use crate::scenario::client::EdgeConfig;
use crate::scenario::resilience::BreakerPer;
use crate::time::SimTime;

/// Causes, in the order of their counts.
pub const CAUSES: [LocalCause; 4] = [
    LocalCause::Breaker,
    LocalCause::Bulkhead,
    LocalCause::Throttle,
    LocalCause::Limit,
];

/// Counts of one call edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResilienceCell {
    /// Attempts that were not sent, by cause.
    pub turned_away_counts: [u64; CAUSES.len()],
    /// Retries that a budget or a limit decided about.
    pub wanted_retry_count: u64,
    /// Of these, the ones that were not made.
    pub denied_retry_count: u64,
}

impl ResilienceCell {
    /// Attempts that were not sent.
    pub fn turned_away_count(&self) -> u64 {
        self.turned_away_counts.iter().sum()
    }

    fn merge(&mut self, other: &Self) {
        for (sum, count) in self
            .turned_away_counts
            .iter_mut()
            .zip(other.turned_away_counts)
        {
            *sum += count;
        }
        self.wanted_retry_count += other.wanted_retry_count;
        self.denied_retry_count += other.denied_retry_count;
    }
}

/// A sum over equal things, and its integral over time, by class.
#[derive(Clone, Debug, Default)]
struct SumMeter {
    /// How many things there are.
    count: f64,
    sum: f64,
    since: SimTime,
    integrals_ns: Vec<f64>,
}

impl SumMeter {
    fn new(count: f64, sum: f64, class_count: usize) -> Self {
        SumMeter {
            count,
            sum,
            since: SimTime::START,
            integrals_ns: vec![0.0; class_count],
        }
    }

    fn advance(&mut self, at: SimTime, class: u16) {
        self.integrals_ns[class as usize] += self.sum * at.since(self.since).as_ns() as f64;
        self.since = at;
    }

    fn change(&mut self, at: SimTime, class: u16, difference: f64) {
        self.advance(at, class);
        self.sum += difference;
    }

    fn integral_ns(&self, classes: &[u16]) -> f64 {
        classes.iter().map(|c| self.integrals_ns[*c as usize]).sum()
    }
}

/// All of one run; empty where the scenario asks for none of it.
#[derive(Clone, Debug, Default)]
pub struct ResilienceTable {
    class_count: usize,
    /// By edge, then class.
    cells: Vec<ResilienceCell>,
    /// Breakers that are open, by edge; None without breakers.
    open: Vec<Option<SumMeter>>,
    /// Limits of calling sides, by edge.
    edge_limits: Vec<Option<SumMeter>>,
    /// Limits of instances, by service.
    service_limits: Vec<Option<SumMeter>>,
    /// State of the breakers that are open, by calling side and instance.
    open_now: std::collections::BTreeSet<(u32, Option<u32>)>,
}

impl ResilienceTable {
    /// Empty counters for a scenario.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let is_of_edges = scenario.edges.iter().any(|edge| edge.resilience.is_some());
        let is_of_services = scenario.services.iter().any(|s| s.limit.is_some());
        if !is_of_edges && !is_of_services {
            return ResilienceTable::default();
        }
        let topology = &scenario.topology;
        let callers = |edge: usize| topology.edge_callers(EdgeId::from_index(edge)).len() as f64;
        let open_meter = |(place, edge): (usize, &EdgeConfig)| {
            let per = edge.resilience.as_ref()?.breaker?.per();
            let instances = match per {
                BreakerPer::Call => 1.0,
                BreakerPer::Instance => topology.service_instances(edge.to).len() as f64,
            };
            Some(SumMeter::new(callers(place) * instances, 0.0, class_count))
        };
        let limit_meter = |(place, edge): (usize, &EdgeConfig)| {
            let limit = edge.resilience.as_ref()?.limit?;
            let count = callers(place);
            let sum = count * f64::from(limit.initial);
            Some(SumMeter::new(count, sum, class_count))
        };
        let service_meter = |place: usize| {
            let limit = scenario.services[place].limit?;
            let instances = topology.service_instances(ServiceId::from_index(place));
            let count = instances.len() as f64;
            let sum = count * f64::from(limit.initial);
            Some(SumMeter::new(count, sum, class_count))
        };
        ResilienceTable {
            class_count,
            cells: vec![ResilienceCell::default(); scenario.edges.len() * class_count],
            open: scenario.edges.iter().enumerate().map(open_meter).collect(),
            edge_limits: scenario.edges.iter().enumerate().map(limit_meter).collect(),
            service_limits: (0..scenario.services.len()).map(service_meter).collect(),
            open_now: Default::default(),
        }
    }

    /// Takes note of a fact in the class of the moment.
    pub fn observe(
        &mut self,
        at: SimTime,
        class: u16,
        observation: &Observation<'_>,
        scenario: &Scenario,
    ) {
        match *observation {
            Observation::TurnedAway { edge, cause, .. } => {
                self.cell(edge, class).turned_away_counts[cause as usize] += 1;
            }
            Observation::RetryDecided {
                edge, is_granted, ..
            } => {
                let cell = self.cell(edge, class);
                cell.wanted_retry_count += 1;
                cell.denied_retry_count += u64::from(!is_granted);
            }
            Observation::BreakerChanged {
                caller,
                edge,
                instance,
                state,
            } => {
                let key = (caller.0, instance.map(|instance| instance.0));
                let difference = match state {
                    BreakerState::Open => f64::from(u8::from(self.open_now.insert(key))),
                    BreakerState::Closed | BreakerState::HalfOpen => {
                        -f64::from(u8::from(self.open_now.remove(&key)))
                    }
                };
                if let Some(meter) = &mut self.open[edge.index()] {
                    meter.change(at, class, difference);
                }
            }
            Observation::LimitChanged {
                owner,
                before,
                limit,
            } => {
                let topology = &scenario.topology;
                let meter = match owner {
                    LimitOwner::Caller(caller) => {
                        &mut self.edge_limits[topology.edge_of(caller).index()]
                    }
                    LimitOwner::Instance(instance) => {
                        &mut self.service_limits[topology.service_of(instance).index()]
                    }
                };
                if let Some(meter) = meter {
                    meter.change(at, class, f64::from(limit) - f64::from(before));
                }
            }
            _ => unreachable!("only facts of resilience come here"),
        }
    }

    /// Ends the time of a class.
    pub fn cut_class(&mut self, at: SimTime, class: u16) {
        let meters = self.open.iter_mut().chain(&mut self.edge_limits);
        for meter in meters.chain(&mut self.service_limits).flatten() {
            meter.advance(at, class);
        }
    }

    /// Counts of an edge in these classes.
    pub fn pooled(&self, edge: EdgeId, classes: &[u16]) -> ResilienceCell {
        let mut sum = ResilienceCell::default();
        if !self.cells.is_empty() {
            for class in classes {
                sum.merge(&self.cells[edge.index() * self.class_count + *class as usize]);
            }
        }
        sum
    }

    /// Time that breakers of an edge were open, and time of all of them, in nanoseconds.
    pub fn open_ns(&self, edge: EdgeId, classes: &[u16], length_ns: f64) -> Option<(f64, f64)> {
        let meter = self.open.get(edge.index())?.as_ref()?;
        Some((meter.integral_ns(classes), meter.count * length_ns))
    }

    /// Sum of the limits of calling sides over time, and time of all of them.
    pub fn edge_limit_ns(
        &self,
        edge: EdgeId,
        classes: &[u16],
        length_ns: f64,
    ) -> Option<(f64, f64)> {
        let meter = self.edge_limits.get(edge.index())?.as_ref()?;
        Some((meter.integral_ns(classes), meter.count * length_ns))
    }

    /// Sum of the limits of instances over time, and time of all of them.
    pub fn service_limit_ns(
        &self,
        service: ServiceId,
        classes: &[u16],
        length_ns: f64,
    ) -> Option<(f64, f64)> {
        let meter = self.service_limits.get(service.index())?.as_ref()?;
        Some((meter.integral_ns(classes), meter.count * length_ns))
    }

    fn cell(&mut self, edge: EdgeId, class: u16) -> &mut ResilienceCell {
        &mut self.cells[edge.index() * self.class_count + class as usize]
    }
}
