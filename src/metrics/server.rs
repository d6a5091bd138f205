//! How the CPU of instances was used, and how long they stood still.

use super::histogram::float;
use super::phase::UNMEASURED;
use crate::id::InstanceId;
use crate::model::observation::LifeState;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Instances times classes up to which phases are kept.
const ENTRY_COUNT_MAX: usize = 1 << 18;

/// What one instance did over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerLoad {
    /// Time up, pauses included.
    pub up_ns: f64,
    /// Of this, time paused.
    pub paused_ns: f64,
    /// CPU time used.
    pub cpu_ns: f64,
    /// CPU time that was there while it was up: its cores, or its quota where that is less.
    pub cpu_available_ns: f64,
    /// Time in which work stood still because the quota was used up.
    pub throttled_ns: f64,
}

/// The present state of one instance.
#[derive(Clone, Copy, Debug)]
struct Meter {
    since: SimTime,
    state: LifeState,
    /// Cores, or the quota where that is less; 0 where they are not limited.
    cores_available: f64,
    cores_used: f64,
    is_throttled: bool,
}

/// All instances of one run; empty where none has cores or pauses.
#[derive(Clone, Debug, Default)]
pub struct ServerTable {
    meters: Vec<Meter>,
    /// By class, then instance; where phases are not kept, one class is all that is measured.
    by_class: Vec<ServerLoad>,
    has_phases: bool,
}

impl ServerLoad {
    /// Adds another load.
    pub fn add(&mut self, other: &ServerLoad) {
        self.up_ns += other.up_ns;
        self.paused_ns += other.paused_ns;
        self.cpu_ns += other.cpu_ns;
        self.cpu_available_ns += other.cpu_available_ns;
        self.throttled_ns += other.throttled_ns;
    }

    /// CPU time used over CPU time available; None where there is no such limit.
    pub fn cpu_utilization_ratio(&self) -> Option<f64> {
        (0.0 < self.cpu_available_ns).then(|| self.cpu_ns / self.cpu_available_ns)
    }

    /// Time throttled over time up; None where the CPU is not limited.
    pub fn throttled_ratio(&self) -> Option<f64> {
        (0.0 < self.cpu_available_ns).then(|| self.throttled_ns / self.up_ns)
    }

    /// Time paused over time up; None where it was never up.
    pub fn pause_ratio(&self) -> Option<f64> {
        (0.0 < self.up_ns).then(|| self.paused_ns / self.up_ns)
    }
}

impl ServerTable {
    /// Meters for every instance, if any has cores or pauses.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let is_used = scenario.groups.iter().any(|group| group.cpu.is_some())
            || scenario.services.iter().any(|s| s.pauses.is_some())
            || scenario.faults.iter().any(|fault| fault.kind.pauses());
        if !is_used {
            return ServerTable::default();
        }
        let topology = &scenario.topology;
        let meter = |index| {
            let instance = InstanceId(index);
            let group = &scenario.groups[topology.group_of(instance).index()];
            let is_spare = group.count <= topology.index_in_group(instance);
            Meter {
                since: SimTime::START,
                state: if is_spare {
                    LifeState::Absent
                } else {
                    LifeState::Up
                },
                cores_available: group.cpu.map_or(0.0, |cpu| cpu.cores_available()),
                cores_used: 0.0,
                is_throttled: false,
            }
        };
        let meters: Vec<Meter> = (0..topology.instance_count()).map(meter).collect();
        let has_phases = meters.len() * class_count <= ENTRY_COUNT_MAX;
        let kept_class_count = if has_phases { class_count } else { 2 };
        ServerTable {
            by_class: vec![ServerLoad::default(); meters.len() * kept_class_count],
            meters,
            has_phases,
        }
    }

    /// An instance changes its state.
    pub fn set_state(&mut self, at: SimTime, class: u16, instance: InstanceId, state: LifeState) {
        if !self.meters.is_empty() {
            self.advance(at, class, instance.index());
            self.meters[instance.index()].state = state;
        }
    }

    /// The CPU of an instance is used in another way.
    pub fn set_cpu(&mut self, at: SimTime, class: u16, instance: InstanceId, usage: (f64, bool)) {
        self.advance(at, class, instance.index());
        let meter = &mut self.meters[instance.index()];
        (meter.cores_used, meter.is_throttled) = usage;
    }

    /// Ends the time of a class, for every instance.
    pub fn cut_class(&mut self, at: SimTime, class: u16) {
        for index in 0..self.meters.len() {
            self.advance(at, class, index);
        }
    }

    /// What an instance did in these classes; None where that is not kept. `is_whole`: all that is
    /// measured.
    pub fn load(&self, instance: u32, classes: &[u16], is_whole: bool) -> Option<ServerLoad> {
        let of_class = |class: u16| {
            let place = usize::from(class) * self.meters.len() + instance as usize;
            self.by_class.get(place)
        };
        let mut sum = ServerLoad::default();
        if self.has_phases {
            for class in classes {
                sum.add(of_class(*class)?);
            }
        } else if is_whole {
            sum.add(of_class(1)?);
        } else {
            return None;
        }
        Some(sum)
    }

    /// Whether anything is kept.
    pub fn is_empty(&self) -> bool {
        self.meters.is_empty()
    }

    fn advance(&mut self, at: SimTime, class: u16, index: usize) {
        let count = self.meters.len();
        let meter = &mut self.meters[index];
        let ns = float(at.since(meter.since).as_ns());
        meter.since = at;
        let column = if self.has_phases {
            class
        } else {
            u16::from(class != UNMEASURED)
        };
        let load = &mut self.by_class[usize::from(column) * count + index];
        if meter.state.is_up() {
            load.up_ns += ns;
            load.cpu_available_ns += ns * meter.cores_available;
        }
        if meter.state == LifeState::Paused {
            load.paused_ns += ns;
        }
        load.cpu_ns += ns * meter.cores_used;
        if meter.is_throttled {
            load.throttled_ns += ns;
        }
    }
}
