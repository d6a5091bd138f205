//! How classes of requests used the cores of each instance. Kept only where an expectation asks
//! for it.
//!
//! All work on the cores of an instance has an equal part of those in use, so the classes of an
//! instance add up to its own CPU time; pings of detectors are of no class. The CPU time of a
//! handshake is that of the first attempt on the connection, as in the model.

use super::histogram::float;
use super::phase::UNMEASURED;
use crate::id::{ClassId, InstanceId};
use crate::model::observation::Observation;
use crate::scenario::Scenario;
use crate::scenario::measure::{Measure, MeasureRef};
use crate::time::SimTime;

/// Instances times classes times phases up to which phases are kept.
const ENTRY_COUNT_MAX: usize = 1 << 18;

/// The cores of one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Cores {
    used: f64,
    /// Work that shares them, of all classes.
    work_count: u32,
    /// CPU time of one work that shared them since the start of the run.
    each_ns: f64,
    since: SimTime,
}

/// One class on the cores of one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    work_count: u32,
    /// [`Cores::each_ns`] when `cpu_ns` was brought up to date.
    each_ns_before: f64,
    /// From the last cut between phases.
    cpu_ns: f64,
}

/// All instances and classes of one run.
#[derive(Clone, Debug)]
pub struct ClassCpuTable {
    class_count: usize,
    cores: Vec<Cores>,
    /// By instance, then class.
    meters: Vec<Meter>,
    /// CPU time by phase, then instance, then class; without phases, one phase is all that is
    /// measured.
    by_phase: Vec<f64>,
    has_phases: bool,
}

impl Cores {
    fn advance(&mut self, at: SimTime) {
        if 0 < self.work_count {
            let ns = float(at.since(self.since).as_ns());
            self.each_ns += ns * self.used / f64::from(self.work_count);
        }
        self.since = at;
    }
}

impl Meter {
    fn advance(&mut self, each_ns: f64) {
        self.cpu_ns += f64::from(self.work_count) * (each_ns - self.each_ns_before);
        self.each_ns_before = each_ns;
    }
}

impl ClassCpuTable {
    /// Empty meters, if an expectation asks for them.
    pub fn new(scenario: &Scenario, phase_count: usize) -> Option<Box<Self>> {
        let is_of_cpu = |measure: &MeasureRef| {
            measure.measure == Measure::CpuUtilization && measure.scope.class.is_some()
        };
        scenario.asks_for(is_of_cpu).then(|| {
            let instance_count = scenario.topology.instance_count() as usize;
            let count = instance_count * scenario.classes.count();
            let has_phases = count * phase_count <= ENTRY_COUNT_MAX;
            let kept_count = if has_phases { phase_count } else { 2 };
            Box::new(ClassCpuTable {
                class_count: scenario.classes.count(),
                cores: vec![Cores::default(); instance_count],
                meters: vec![Meter::default(); count],
                by_phase: vec![0.0; count * kept_count],
                has_phases,
            })
        })
    }

    /// Takes note of a fact about cores.
    #[inline(never)]
    pub fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::CpuChanged {
                instance,
                cores_used,
                ..
            } => {
                let cores = &mut self.cores[instance.index()];
                cores.advance(at);
                cores.used = cores_used;
            }
            Observation::CoresShared {
                instance,
                class,
                begins,
            } => {
                let cores = &mut self.cores[instance.index()];
                cores.advance(at);
                let place = instance.index() * self.class_count + class.index();
                let meter = &mut self.meters[place];
                meter.advance(cores.each_ns);
                for count in [&mut meter.work_count, &mut cores.work_count] {
                    *count = if begins { *count + 1 } else { *count - 1 };
                }
            }
            Observation::CoresFreed { instance } => self.free(at, instance),
            _ => {}
        }
    }

    fn free(&mut self, at: SimTime, instance: InstanceId) {
        let cores = &mut self.cores[instance.index()];
        cores.advance(at);
        let first = instance.index() * self.class_count;
        for meter in &mut self.meters[first..first + self.class_count] {
            meter.advance(cores.each_ns);
            meter.work_count = 0;
        }
        cores.work_count = 0;
    }

    /// Ends the time of a phase.
    pub fn cut_phase(&mut self, at: SimTime, phase: u16) {
        let row = match self.has_phases {
            true => usize::from(phase),
            false => usize::from(phase != UNMEASURED),
        };
        let first = row * self.meters.len();
        for (place, meter) in self.meters.iter_mut().enumerate() {
            let cores = &mut self.cores[place / self.class_count];
            cores.advance(at);
            meter.advance(cores.each_ns);
            self.by_phase[first + place] += std::mem::take(&mut meter.cpu_ns);
        }
    }

    /// CPU time that a class used at an instance in these phases, in nanoseconds; None where that
    /// is not kept. `is_whole`: they are all that is measured.
    pub fn cpu_ns(
        &self,
        instance: u32,
        class: ClassId,
        phases: &[u16],
        is_whole: bool,
    ) -> Option<f64> {
        let place = instance as usize * self.class_count + class.index();
        let in_row = |row: usize| self.by_phase[row * self.meters.len() + place];
        match (self.has_phases, is_whole) {
            (true, _) => Some(phases.iter().map(|row| in_row(usize::from(*row))).sum()),
            (false, true) => Some(in_row(1)),
            (false, false) => None,
        }
    }
}
