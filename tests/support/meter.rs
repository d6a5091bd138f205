//! Measures of requests and queues, taken from what the model observes.

use stormglass::model::observation::{Observation, Observer, Outcome, RunEnd};
use stormglass::scenario::Scenario;
use stormglass::scenario::service::Discipline;
use stormglass::time::{SimDuration, SimTime};

use super::level::Level;
use super::sample::Sample;

/// Measures of one run. Requests count by their arrival within the measured window.
#[derive(Debug)]
pub struct Meter {
    window: (SimTime, SimTime),
    /// Requests that arrived.
    pub arrived_count: u64,
    /// Those that ended, by outcome.
    outcome_counts: [u64; 4],
    /// Times from arrival to success.
    pub sojourn: Sample,
    /// Waiting times of attempts.
    pub waiting: Sample,
    /// Requests of clients without outcome.
    pub in_system: Level,
    /// Attempts sent to each instance.
    pub pick_counts: Vec<u64>,
    /// Attempts at each instance.
    pub at_instance: Vec<Level>,
    /// Attempts that wait at each instance.
    waiting_at: Vec<Level>,
    /// Busy workers of each instance.
    pub busy: Vec<Level>,
    sums: Sums,
    /// Whether busy workers are as many as attempts in service.
    has_own_workers: bool,
}

/// Sums of times over the whole run, in nanoseconds.
#[derive(Debug, Default)]
struct Sums {
    sojourn: u128,
    at_instance: u128,
    waiting: u128,
    service: u128,
}

impl Meter {
    /// Measures a run of `scenario`, with bins for times near `unit`.
    pub fn new(scenario: &Scenario, unit: SimDuration) -> Self {
        let start = SimTime::START;
        let window = (start + scenario.warmup, start + scenario.duration);
        let count = scenario.topology.instance_count() as usize;
        let levels = || (0..count).map(|_| Level::new(window)).collect();
        Meter {
            window,
            arrived_count: 0,
            outcome_counts: [0; 4],
            sojourn: Sample::new(unit),
            waiting: Sample::new(unit),
            in_system: Level::new(window),
            pick_counts: vec![0; count],
            at_instance: levels(),
            waiting_at: levels(),
            busy: levels(),
            sums: Sums::default(),
            has_own_workers: scenario
                .services
                .iter()
                .all(|service| service.discipline != Discipline::ProcessorSharing),
        }
    }

    /// Runs `text` and measures it.
    pub fn of(text: &str, unit: SimDuration) -> Self {
        Self::of_scenario(&super::scenario(text), unit)
    }

    /// Runs a scenario and measures it. Little's law is asserted.
    pub fn of_scenario(scenario: &Scenario, unit: SimDuration) -> Self {
        let mut meter = Meter::new(scenario, unit);
        let end = super::run_alone(scenario, &mut meter);
        meter.assert_little(&end);
        meter
    }

    /// Requests with this outcome.
    fn count(&self, outcome: Outcome) -> u64 {
        self.outcome_counts[outcome as usize]
    }

    /// Share of the requests with this outcome.
    pub fn ratio(&self, outcome: Outcome) -> f64 {
        self.count(outcome) as f64 / self.arrived_count as f64
    }

    /// Arrivals per second.
    pub fn arrival_rate(&self) -> f64 {
        self.arrived_count as f64 / self.window_secs()
    }

    /// Requests with this outcome per second.
    fn rate(&self, outcome: Outcome) -> f64 {
        self.count(outcome) as f64 / self.window_secs()
    }

    fn window_secs(&self) -> f64 {
        self.window.1.since(self.window.0).as_secs_f64()
    }

    /// The result that oracles call `metric`, if it is one of any queueing system.
    pub fn value(&self, metric: &str) -> Option<f64> {
        Some(match metric {
            "mean_sojourn" | "mean_response" | "mean_sojourn_accepted" => self.sojourn.mean(),
            "mean_wait" => self.waiting.mean(),
            "mean_inflight" => self.in_system.mean(),
            "sd_inflight" => self.in_system.sd(),
            "p_wait" => self.waiting.positive_ratio(),
            "sd_wait" => self.waiting.sd(),
            "sd_sojourn" => self.sojourn.sd(),
            "loss" => self.ratio(Outcome::Rejected),
            "throughput" => self.rate(Outcome::Success),
            "p_timeout" => self.ratio(Outcome::Timeout),
            "utilization_max" => self.busy.iter().map(Level::mean).fold(0.0, f64::max),
            _ => return self.quantile(metric),
        })
    }

    /// `sojourn_p999` is the quantile 0.999 of sojourn times.
    fn quantile(&self, metric: &str) -> Option<f64> {
        let (of, digits) = metric.split_once("_p")?;
        let digits = digits.trim_end_matches("_accepted");
        let q: f64 = format!("0.{digits}").parse().ok()?;
        match of {
            "sojourn" => Some(self.sojourn.quantile(q)),
            "wait" => Some(self.waiting.quantile(q)),
            _ => None,
        }
    }

    /// The area under a number of requests is the sum of their times, exactly: of requests from
    /// arrival to outcome, of attempts at instances, in queues and at workers.
    ///
    /// # Panics
    ///
    /// If it is not, or if requests have no outcome at the end.
    pub fn assert_little(&mut self, end: &RunEnd) {
        assert_eq!(end.in_flight_count, 0, "the drain is too short");
        assert_eq!(self.in_system.level(), 0);
        assert_eq!(self.in_system.area_ns(), self.sums.sojourn, "of requests");
        let is_empty = |levels: &[Level]| levels.iter().all(|level| level.level() == 0);
        let area = |levels: &[Level]| levels.iter().map(Level::area_ns).sum::<u128>();
        if is_empty(&self.at_instance) {
            assert_eq!(
                area(&self.at_instance),
                self.sums.at_instance,
                "of attempts"
            );
            assert_eq!(area(&self.waiting_at), self.sums.waiting, "of queues");
            if self.has_own_workers {
                assert_eq!(area(&self.busy), self.sums.service, "of workers");
            }
        }
    }

    fn measures(&self, arrived_at: SimTime) -> bool {
        self.window.0 <= arrived_at && arrived_at < self.window.1
    }

    fn request_ended(&mut self, at: SimTime, arrived_at: SimTime, outcome: Outcome) {
        self.in_system.fall(at);
        let sojourn = at.since(arrived_at);
        self.sums.sojourn += u128::from(sojourn.as_ns());
        if self.measures(arrived_at) {
            self.outcome_counts[outcome as usize] += 1;
            if outcome == Outcome::Success {
                self.sojourn.add(sojourn);
            }
        }
    }
}

impl Observer for Meter {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::RequestArrived { .. } => {
                self.in_system.rise(at);
                self.arrived_count += u64::from(self.measures(at));
            }
            Observation::RequestEnded {
                arrived_at,
                outcome,
                ..
            } => self.request_ended(at, arrived_at, outcome),
            Observation::AttemptSent { instance, .. } => {
                self.pick_counts[instance.index()] += u64::from(self.measures(at));
            }
            Observation::WorkArrived { instance, .. } => {
                self.at_instance[instance.index()].rise(at);
                self.waiting_at[instance.index()].rise(at);
            }
            Observation::WorkStarted {
                instance, waiting, ..
            } => {
                self.waiting_at[instance.index()].fall(at);
                self.sums.waiting += u128::from(waiting.as_ns());
                let arrived_at = SimTime::from_ns(at.as_ns() - waiting.as_ns());
                if self.measures(arrived_at) {
                    self.waiting.add(waiting);
                }
            }
            Observation::WorkEnded {
                instance,
                arrived_at,
                started_at,
                ..
            } => {
                self.at_instance[instance.index()].fall(at);
                self.sums.at_instance += u128::from(at.since(arrived_at).as_ns());
                match started_at {
                    Some(start) => self.sums.service += u128::from(at.since(start).as_ns()),
                    None => {
                        self.waiting_at[instance.index()].fall(at);
                        self.sums.waiting += u128::from(at.since(arrived_at).as_ns());
                    }
                }
            }
            Observation::BusyChanged {
                instance,
                busy_count,
            } => self.busy[instance.index()].set(at, busy_count as usize),
            _ => {}
        }
    }
}
