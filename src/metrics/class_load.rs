//! What each instance carried of each class of requests: attempts in it, attempts in flight to it,
//! worker time. Kept only where an expectation asks for it.
//!
//! A worker that serves one attempt works for the class of that attempt; where attempts share the
//! workers of an instance, each of them has an equal part of the busy ones. So the classes of an
//! instance add up to its own numbers.

use super::histogram::float;
use super::phase::UNMEASURED;
use crate::id::{ClassId, InstanceId};
use crate::model::observation::Observation;
use crate::scenario::Scenario;
use crate::scenario::measure::{Measure, MeasureRef};
use crate::time::SimTime;

/// Instances times classes times phases up to which phases are kept.
const ENTRY_COUNT_MAX: usize = 1 << 18;

/// What one instance carried of one class over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassLoad {
    /// Attempts in flight to it, as their callers count, times nanoseconds.
    pub in_flight_ns: f64,
    /// Attempts in it, times nanoseconds.
    pub in_system_ns: f64,
    /// Busy worker time.
    pub busy_ns: f64,
}

/// The workers of one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Workers {
    busy_count: u32,
    /// Attempts in service, of all classes.
    running_count: u32,
    /// Busy worker time of one attempt in service since the start of the run.
    each_ns: f64,
    since: SimTime,
}

/// The present state of one class at one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    in_flight_count: u32,
    in_system_count: u32,
    running_count: u32,
    since: SimTime,
    /// [`Workers::each_ns`] at that instant.
    each_ns_before: f64,
    /// Up to that instant, from the last cut between phases.
    load: ClassLoad,
}

/// All instances and classes of one run.
#[derive(Clone, Debug)]
pub struct ClassLoadTable {
    class_count: usize,
    workers: Vec<Workers>,
    /// By instance, then class.
    meters: Vec<Meter>,
    /// By phase, then instance, then class; without phases, one phase is all that is measured.
    by_phase: Vec<ClassLoad>,
    has_phases: bool,
}

impl ClassLoad {
    /// Adds another load.
    pub fn add(&mut self, other: &ClassLoad) {
        self.in_flight_ns += other.in_flight_ns;
        self.in_system_ns += other.in_system_ns;
        self.busy_ns += other.busy_ns;
    }

    /// Attempts that no worker serves, times nanoseconds.
    pub fn queued_ns(&self) -> f64 {
        (self.in_system_ns - self.busy_ns).max(0.0)
    }
}

impl Workers {
    fn advance(&mut self, at: SimTime) {
        if 0 < self.running_count {
            let part = f64::from(self.busy_count) / f64::from(self.running_count);
            self.each_ns += float(at.since(self.since).as_ns()) * part.min(1.0);
        }
        self.since = at;
    }
}

impl Meter {
    fn advance(&mut self, at: SimTime, each_ns: f64) {
        let ns = float(at.since(self.since).as_ns());
        self.load.in_flight_ns += f64::from(self.in_flight_count) * ns;
        self.load.in_system_ns += f64::from(self.in_system_count) * ns;
        self.load.busy_ns += f64::from(self.running_count) * (each_ns - self.each_ns_before);
        (self.since, self.each_ns_before) = (at, each_ns);
    }
}

/// Whether a measure is taken of the load of a class at instances.
fn is_of_load(measure: &MeasureRef) -> bool {
    let of_instances = matches!(
        measure.measure,
        Measure::InSystem
            | Measure::Utilization
            | Measure::InFlightBalance
            | Measure::QueueDepthBalance
            | Measure::UtilizationBalance
    );
    of_instances && measure.scope.class.is_some()
}

impl ClassLoadTable {
    /// Empty meters, if an expectation asks for them.
    pub fn new(scenario: &Scenario, phase_count: usize) -> Option<Box<Self>> {
        let is_asked = scenario.asks_for(is_of_load);
        is_asked.then(|| {
            let instance_count = scenario.topology.instance_count() as usize;
            let count = instance_count * scenario.classes.count();
            let has_phases = count * phase_count <= ENTRY_COUNT_MAX;
            let kept_count = if has_phases { phase_count } else { 2 };
            Box::new(ClassLoadTable {
                class_count: scenario.classes.count(),
                workers: vec![Workers::default(); instance_count],
                meters: vec![Meter::default(); count],
                by_phase: vec![ClassLoad::default(); count * kept_count],
                has_phases,
            })
        })
    }

    /// Takes note of a fact about an attempt or about workers.
    #[inline(never)]
    pub fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::AttemptSent {
                instance, class, ..
            } => self.meter(at, instance, class).in_flight_count += 1,
            Observation::AttemptEnded {
                instance, class, ..
            } => self.meter(at, instance, class).in_flight_count -= 1,
            Observation::WorkArrived { instance, class } => {
                self.meter(at, instance, class).in_system_count += 1;
            }
            Observation::WorkStarted {
                instance, class, ..
            } => {
                self.meter(at, instance, class).running_count += 1;
                self.workers[instance.index()].running_count += 1;
            }
            Observation::WorkReleased {
                instance, class, ..
            } => {
                self.meter(at, instance, class).running_count -= 1;
                self.workers[instance.index()].running_count -= 1;
            }
            Observation::WorkEnded {
                instance,
                class,
                started_at,
                ..
            } => {
                let meter = self.meter(at, instance, class);
                meter.in_system_count -= 1;
                meter.running_count -= u32::from(started_at.is_some());
                let workers = &mut self.workers[instance.index()];
                workers.running_count -= u32::from(started_at.is_some());
            }
            Observation::ReleasedWorkEnded {
                instance, class, ..
            } => self.meter(at, instance, class).in_system_count -= 1,
            Observation::BusyChanged {
                instance,
                busy_count,
            } => {
                let workers = &mut self.workers[instance.index()];
                workers.advance(at);
                workers.busy_count = busy_count;
            }
            _ => {}
        }
    }

    /// The state of a class at an instance, which has come up to `at`.
    fn meter(&mut self, at: SimTime, instance: InstanceId, class: ClassId) -> &mut Meter {
        let workers = &mut self.workers[instance.index()];
        workers.advance(at);
        let place = instance.index() * self.class_count + class.index();
        let meter = &mut self.meters[place];
        meter.advance(at, workers.each_ns);
        meter
    }

    /// Ends the time of a phase.
    pub fn cut_phase(&mut self, at: SimTime, phase: u16) {
        let row = match self.has_phases {
            true => usize::from(phase),
            false => usize::from(phase != UNMEASURED),
        };
        let first = row * self.meters.len();
        for (place, meter) in self.meters.iter_mut().enumerate() {
            let workers = &mut self.workers[place / self.class_count];
            workers.advance(at);
            meter.advance(at, workers.each_ns);
            self.by_phase[first + place].add(&std::mem::take(&mut meter.load));
        }
    }

    /// What an instance carried of a class in these phases; None where that is not kept.
    /// `is_whole`: they are all that is measured.
    pub fn load(
        &self,
        instance: u32,
        class: ClassId,
        phases: &[u16],
        is_whole: bool,
    ) -> Option<ClassLoad> {
        let place = instance as usize * self.class_count + class.index();
        let in_row = |row: usize| &self.by_phase[row * self.meters.len() + place];
        let mut sum = ClassLoad::default();
        match (self.has_phases, is_whole) {
            (true, _) => phases
                .iter()
                .for_each(|row| sum.add(in_row(usize::from(*row)))),
            (false, true) => sum.add(in_row(1)),
            (false, false) => return None,
        }
        Some(sum)
    }
}
