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

    /// Takes note of an attempt that was not sent, or of a retry that was decided about.
    pub(super) fn note(&mut self, observation: &Observation<'_>) {
        match *observation {
            Observation::TurnedAway { cause, .. } => self.turned_away_counts[cause as usize] += 1,
            Observation::RetryDecided { is_granted, .. } => {
                self.wanted_retry_count += 1;
                self.denied_retry_count += u64::from(!is_granted);
            }
            _ => unreachable!("only what calling sides decide comes here"),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
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

    fn now(&self) -> (f64, f64) {
        (self.sum, self.count)
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
            Observation::TurnedAway { edge, .. } | Observation::RetryDecided { edge, .. } => {
                self.cell(edge, class).note(observation);
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

    /// Breakers of an edge that are open now, and all of them; None without breakers.
    pub fn open_breakers(&self, edge: EdgeId) -> Option<(f64, f64)> {
        self.open.get(edge.index())?.as_ref().map(SumMeter::now)
    }

    /// Sum of the limits of calling sides now, and how many there are.
    pub fn edge_limits(&self, edge: EdgeId) -> Option<(f64, f64)> {
        let meter = self.edge_limits.get(edge.index())?;
        meter.as_ref().map(SumMeter::now)
    }

    /// Sum of the limits of instances now, and how many there are.
    pub fn service_limits(&self, service: ServiceId) -> Option<(f64, f64)> {
        let meter = self.service_limits.get(service.index())?;
        meter.as_ref().map(SumMeter::now)
    }

    fn cell(&mut self, edge: EdgeId, class: u16) -> &mut ResilienceCell {
        &mut self.cells[edge.index() * self.class_count + class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CallerId;
    use crate::metrics::facts::{record, sent};
    use crate::metrics::fixture::{SMALL, scenario};
    use crate::scenario::resilience::{
        BreakerConfig, EnvoyLimits, LimitConfig, LimitKind, ResilienceConfig,
    };
    use crate::time::SimDuration;

    fn protected() -> Scenario {
        let mut scenario = scenario(SMALL);
        scenario.edges[0].resilience = Some(Box::new(ResilienceConfig {
            breaker: Some(BreakerConfig::Envoy(EnvoyLimits {
                connection_count_max: 1,
                request_count_max: 1,
                pending_count_max: 1,
                retry_count_max: 1,
            })),
            limit: Some(LimitConfig {
                kind: LimitKind::Aimd {
                    backoff_ratio: 0.9,
                    timeout: SimDuration::from_secs(5),
                },
                initial: 10,
                min: 1,
                max: 100,
                window: SimDuration::ZERO,
                window_sample_count_min: 1,
            }),
            ..ResilienceConfig::default()
        }));
        scenario
    }

    /// What two callers did within 100 s: milliseconds and facts.
    fn facts() -> [(u64, Observation<'static>); 12] {
        let breaker = |state| Observation::BreakerChanged {
            caller: CallerId(0),
            edge: EdgeId(0),
            instance: None,
            state,
        };
        let limit = |before, limit| Observation::LimitChanged {
            owner: LimitOwner::Caller(CallerId(1)),
            before,
            limit,
        };
        let away = |cause| Observation::TurnedAway {
            caller: CallerId(0),
            edge: EdgeId(0),
            class: crate::id::ClassId::NONE,
            cause,
        };
        let wanted = |is_granted| Observation::RetryDecided {
            caller: CallerId(0),
            edge: EdgeId(0),
            class: crate::id::ClassId::NONE,
            is_granted,
        };
        [
            (1_000, sent(0, 0)),
            (2_000, away(LocalCause::Breaker)),
            (2_000, away(LocalCause::Limit)),
            (2_000, away(LocalCause::Limit)),
            (3_000, wanted(false)),
            (3_000, wanted(true)),
            (10_000, breaker(BreakerState::Open)),
            (20_000, breaker(BreakerState::HalfOpen)),
            (25_000, breaker(BreakerState::Open)),
            (30_000, breaker(BreakerState::Closed)),
            (50_000, limit(10, 30)),
            (75_000, limit(30, 10)),
        ]
    }

    #[test]
    fn shares_of_time_count_all_callers() {
        let metrics = record(&protected(), &[], &facts(), 100_000, 0);
        let [only] = &metrics.resilience[..] else {
            panic!("one call protects itself")
        };
        assert_eq!(only.attempt_count, Some(1));
        let counts = only.turned_away_counts;
        assert_eq!(
            (counts.breaker, counts.bulkhead, counts.throttle),
            (1, 0, 0)
        );
        assert_eq!(counts.limit, 2);
        assert_eq!((only.wanted_retry_count, only.denied_retry_count), (2, 1));
        // One of two callers for 15 of 100 s.
        assert_eq!(only.breaker_open_ratio, Some(0.075));
        // (100 s x 10 + 75 s x 10 + 25 s x 30) / 200 s.
        assert_eq!(only.concurrency_limit_mean, Some(12.5));
    }

    #[test]
    fn what_happened_when_is_told_by_window() {
        let metrics = record(&protected(), &[], &facts(), 100_000, 0);
        let [over_time] = &metrics.series.edges[..] else {
            panic!("one call is followed over time")
        };
        let at = |metric: &str, window: usize| {
            let mut columns = over_time.columns.iter();
            let column = columns.find(|column| column.metric == metric);
            column.map(|column| column.values[window])
        };
        assert_eq!(at("breaker_rejection_count", 2), Some(1.0));
        assert_eq!(at("limit_rejection_count", 2), Some(2.0));
        assert_eq!(at("denied_retry_count", 3), Some(1.0));
        let open = [9, 10, 19, 20, 24, 25, 29, 30].map(|w| at("breaker_open_ratio", w));
        let expected = [0.0, 0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 0.0].map(Some);
        assert_eq!(open, expected, "one of two callers");
        let limits = [49, 50, 74, 75].map(|window| at("concurrency_limit_mean", window));
        assert_eq!(limits, [10.0, 20.0, 20.0, 10.0].map(Some));
        assert_eq!(at("connections_open_mean", 0), None);
        assert_eq!(at("bulkhead_rejection_count", 0), None);
    }

    #[test]
    fn a_plain_scenario_keeps_nothing() {
        let metrics = record(&scenario(SMALL), &[], &[(1_000, sent(0, 0))], 100_000, 0);
        assert!(metrics.resilience.is_empty());
        assert!(metrics.tables.resilience.cells.is_empty());
        assert!(metrics.series.edges.is_empty());
    }
}
