//! What each instance carried: time integrals by class and by window.

use super::balance::BalanceTable;
use super::data::series::{BalanceSeries, InstanceAway, InstanceRow, InstanceSeries};
use super::headcount::HeadcountTable;
use super::histogram::float;
use super::phase::UNMEASURED;
use crate::id::InstanceId;
use crate::scenario::Scenario;
use crate::scenario::series::doubled_width;
use crate::scenario::topology::Topology;
use crate::time::{NANOS_PER_SEC, SimDuration, SimTime};

/// Instances up to which each one is followed over time.
const SERIES_INSTANCE_COUNT_MAX: u32 = 2_000;

/// Rows of all followed instances together.
const SERIES_ROW_COUNT_MAX: u64 = 2_000_000;

/// Rows that are handed out.
const SERIES_SHOWN_COUNT_MAX: usize = 500;

/// Instances times classes up to which phases are kept; otherwise only the measured window is.
const CLASS_ENTRY_COUNT_MAX: usize = 1 << 18;

/// Instances times pieces of the timeline up to which phases are kept.
const CUT_COUNT_MAX: usize = 50_000_000;

/// What one instance carried over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Attempts sent to it.
    pub attempt_count: u64,
    /// Attempts in flight to it, as their callers count, times nanoseconds.
    pub in_flight_ns: f64,
    /// Busy worker time.
    pub busy_ns: f64,
    /// Attempts in it, times nanoseconds.
    pub in_system_ns: f64,
    /// Worker time while it was up.
    pub worker_ns: f64,
    /// Attempts that started.
    pub started_count: u64,
    /// Their waiting time.
    pub waiting_ns: f64,
}

/// A number that changes at instants, and its integral up to the last change.
#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    since: SimTime,
    /// Level times nanoseconds.
    integral_ns: f64,
    level: u32,
}

/// The present state of one instance and its integrals from the start of the run. What its callers
/// do changes one line of the processor's cache, what it does itself the other one.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Meter {
    in_flight: Gauge,
    attempt_count: u64,
    in_flight_max: u32,
    workers: u32,
    /// Workers while it is up, otherwise 0.
    workers_up: Gauge,
    in_system: Gauge,
    busy: Gauge,
    started_count: u64,
    waiting_ns: f64,
}

const _: () = assert!(size_of::<Meter>() == 128);

/// One instance in one window.
#[derive(Clone, Copy, Debug)]
struct WindowLoad {
    attempt_count: u32,
    in_flight_mean: f32,
    queue_depth_mean: f32,
    busy_ratio: f32,
}

/// All instances of one run.
#[derive(Clone, Debug, Default)]
pub struct InstanceTable {
    meters: Vec<Meter>,
    /// Load up to the last cut between classes, by instance.
    class_base: Vec<Load>,
    /// By measured class, then instance; where phases are not kept, one class is all that is
    /// measured.
    by_class: Vec<Load>,
    has_phases: bool,
    width: SimDuration,
    window_count: usize,
    /// Load up to the last cut between windows, by instance; empty where none is followed.
    window_base: Vec<Load>,
    /// By window, then instance.
    windows: Vec<WindowLoad>,
    balance: BalanceTable,
}

impl Load {
    /// The load since an earlier state.
    fn since(&self, earlier: &Load) -> Load {
        Load {
            attempt_count: self.attempt_count - earlier.attempt_count,
            in_flight_ns: self.in_flight_ns - earlier.in_flight_ns,
            busy_ns: self.busy_ns - earlier.busy_ns,
            in_system_ns: self.in_system_ns - earlier.in_system_ns,
            worker_ns: self.worker_ns - earlier.worker_ns,
            started_count: self.started_count - earlier.started_count,
            waiting_ns: self.waiting_ns - earlier.waiting_ns,
        }
    }

    /// Adds another load.
    pub fn add(&mut self, other: &Load) {
        self.attempt_count += other.attempt_count;
        self.in_flight_ns += other.in_flight_ns;
        self.busy_ns += other.busy_ns;
        self.in_system_ns += other.in_system_ns;
        self.worker_ns += other.worker_ns;
        self.started_count += other.started_count;
        self.waiting_ns += other.waiting_ns;
    }

    /// Attempts in it that no worker serves, times nanoseconds. Where workers share, all that are
    /// more than the busy workers wait.
    pub fn queued_ns(&self) -> f64 {
        (self.in_system_ns - self.busy_ns).max(0.0)
    }

    /// Busy worker time over worker time; None where it was never up.
    pub fn utilization_ratio(&self) -> Option<f64> {
        (0.0 < self.worker_ns).then(|| self.busy_ns / self.worker_ns)
    }

    /// Mean waiting time; None where nothing started.
    pub fn waiting_mean_secs(&self) -> Option<f64> {
        let nanos = NANOS_PER_SEC as f64;
        (0 < self.started_count).then(|| self.waiting_ns / self.started_count as f64 / nanos)
    }
}

impl Gauge {
    /// The level held up to `at`.
    #[inline(always)]
    fn advance(&mut self, at: SimTime) {
        let ns = float(at.since(self.since).as_ns());
        self.since = at;
        self.integral_ns += f64::from(self.level) * ns;
    }
}

impl Meter {
    /// The integrals up to `at`. How long work has been in the instance stays known.
    fn load_at(&mut self, at: SimTime) -> Load {
        self.in_flight.advance(at);
        self.busy.advance(at);
        self.workers_up.advance(at);
        let mut in_system = self.in_system;
        in_system.advance(at);
        Load {
            attempt_count: self.attempt_count,
            in_flight_ns: self.in_flight.integral_ns,
            busy_ns: self.busy.integral_ns,
            in_system_ns: in_system.integral_ns,
            worker_ns: self.workers_up.integral_ns,
            started_count: self.started_count,
            waiting_ns: self.waiting_ns,
        }
    }
}

impl InstanceTable {
    /// Meters for every instance; spare ones begin absent.
    pub fn new(scenario: &Scenario, class_count: usize, piece_count: usize) -> Self {
        let topology = &scenario.topology;
        let meters: Vec<Meter> = (0..topology.instance_count())
            .map(|index| new_meter(scenario, InstanceId(index)))
            .collect();
        let count = meters.len();
        let has_phases =
            count * class_count <= CLASS_ENTRY_COUNT_MAX && count * piece_count <= CUT_COUNT_MAX;
        let measured_class_count = if has_phases { class_count - 1 } else { 1 };
        let is_followed = topology.instance_count() <= SERIES_INSTANCE_COUNT_MAX;
        let row_count_max = (SERIES_ROW_COUNT_MAX / count.max(1) as u64).clamp(1, 2_000);
        let (width, window_count) =
            doubled_width(scenario.window, scenario.duration, row_count_max);
        InstanceTable {
            class_base: vec![Load::default(); count],
            by_class: vec![Load::default(); count * measured_class_count],
            has_phases,
            width,
            window_count: if is_followed { window_count } else { 0 },
            window_base: vec![Load::default(); if is_followed { count } else { 0 }],
            windows: Vec::new(),
            balance: BalanceTable::new(scenario),
            meters,
        }
    }

    /// An attempt was sent to an instance.
    #[inline(always)]
    pub fn send(&mut self, at: SimTime, instance: InstanceId) {
        let meter = &mut self.meters[instance.index()];
        meter.in_flight.advance(at);
        meter.in_flight.level += 1;
        meter.in_flight_max = meter.in_flight_max.max(meter.in_flight.level);
        meter.attempt_count += 1;
    }

    /// An attempt to an instance ended at its caller.
    #[inline(always)]
    pub fn end(&mut self, at: SimTime, instance: InstanceId) {
        let meter = &mut self.meters[instance.index()];
        meter.in_flight.advance(at);
        assert!(
            0 < meter.in_flight.level,
            "{instance:?}: an attempt ended that was never sent"
        );
        meter.in_flight.level -= 1;
    }

    /// Work entered an instance. Returns how many it held before, and since when.
    #[inline(always)]
    pub fn enter(&mut self, at: SimTime, instance: InstanceId) -> (u32, SimTime) {
        let meter = &mut self.meters[instance.index()];
        let before = (meter.in_system.level, meter.in_system.since);
        meter.in_system.advance(at);
        meter.in_system.level += 1;
        before
    }

    /// Work left an instance. Returns how many it held before, and since when.
    #[inline(always)]
    pub fn leave(&mut self, at: SimTime, instance: InstanceId) -> (u32, SimTime) {
        let meter = &mut self.meters[instance.index()];
        assert!(
            0 < meter.in_system.level,
            "{instance:?}: work left that never entered"
        );
        let before = (meter.in_system.level, meter.in_system.since);
        meter.in_system.advance(at);
        meter.in_system.level -= 1;
        before
    }

    /// How many an instance holds, and since when.
    pub fn in_system(&self, instance: u32) -> (u32, SimTime) {
        let meter = &self.meters[instance as usize];
        (meter.in_system.level, meter.in_system.since)
    }

    /// Work started after waiting.
    #[inline(always)]
    pub fn start(&mut self, instance: InstanceId, waiting: SimDuration) {
        let meter = &mut self.meters[instance.index()];
        meter.started_count += 1;
        meter.waiting_ns += float(waiting.as_ns());
    }

    /// Busy workers from now on.
    #[inline(always)]
    pub fn set_busy(&mut self, at: SimTime, instance: InstanceId, busy_count: u32) {
        let meter = &mut self.meters[instance.index()];
        if meter.busy.level != busy_count {
            meter.busy.advance(at);
            meter.busy.level = busy_count;
        }
    }

    /// Whether it is up from now on.
    pub fn set_up(&mut self, at: SimTime, instance: InstanceId, is_up: bool) {
        let meter = &mut self.meters[instance.index()];
        meter.workers_up.advance(at);
        meter.workers_up.level = if is_up { meter.workers } else { 0 };
    }

    /// Ends the time of a class, for every instance.
    pub fn cut_class(&mut self, at: SimTime, class: u16) {
        let count = self.meters.len();
        let column = match class {
            UNMEASURED => None,
            class if self.has_phases => Some(usize::from(class) - 1),
            _ => Some(0),
        };
        for (index, (meter, base)) in self.meters.iter_mut().zip(&mut self.class_base).enumerate() {
            let load = meter.load_at(at);
            if let Some(column) = column {
                self.by_class[column * count + index].add(&load.since(base));
            }
            *base = load;
        }
    }

    /// How many windows single instances are followed over; 0 where they are not.
    pub fn window_count(&self) -> usize {
        self.window_count
    }

    /// Whether a cut between these classes matters.
    pub fn needs_cut(&self, from: u16, to: u16) -> bool {
        self.has_phases || (from == UNMEASURED) != (to == UNMEASURED)
    }

    /// End of the window that is open, if any is followed.
    pub fn window_end(&self) -> Option<SimTime> {
        let open = self.windows.len() / self.meters.len().max(1);
        (open < self.window_count)
            .then(|| SimTime::START + self.width.saturating_mul(open as u64 + 1))
    }

    /// Closes the open window, for every instance.
    pub fn cut_window(&mut self, at: SimTime) {
        let width_ns = self.width.as_ns() as f64;
        let mut loads = Vec::with_capacity(self.meters.len());
        for (meter, base) in self.meters.iter_mut().zip(&mut self.window_base) {
            let until_now = meter.load_at(at);
            let load = until_now.since(base);
            *base = until_now;
            self.windows.push(WindowLoad {
                attempt_count: u32::try_from(load.attempt_count).unwrap_or(u32::MAX),
                in_flight_mean: (load.in_flight_ns / width_ns) as f32,
                queue_depth_mean: (load.queued_ns() / width_ns) as f32,
                busy_ratio: load.utilization_ratio().unwrap_or(0.0) as f32,
            });
            loads.push(load);
        }
        self.balance.cut(&loads);
    }

    /// What an instance carried in these measured classes; None where phases are not kept.
    /// `is_whole`: all that is measured.
    pub fn load(&self, instance: u32, classes: &[u16], is_whole: bool) -> Option<Load> {
        let count = self.meters.len();
        let load_in = |column: usize| &self.by_class[column * count + instance as usize];
        let mut sum = Load::default();
        if self.has_phases {
            classes
                .iter()
                .for_each(|class| sum.add(load_in(usize::from(*class) - 1)));
        } else if is_whole {
            sum.add(load_in(0));
        } else {
            return None;
        }
        Some(sum)
    }

    /// Most attempts in flight to an instance, over the whole run.
    pub fn in_flight_max(&self, instance: u32) -> u32 {
        self.meters[instance as usize].in_flight_max
    }

    /// How evenly the instances of each service were loaded, by window.
    pub fn balance(&self) -> Vec<BalanceSeries> {
        self.balance.series(self.width)
    }

    /// The series of the most loaded instances.
    pub fn series(&self, scenario: &Scenario, headcounts: &HeadcountTable) -> InstanceSeries {
        let count = self.meters.len();
        let mut series = InstanceSeries {
            window_secs: self.width.as_secs_f64(),
            instance_count: count as u64,
            ..InstanceSeries::default()
        };
        if self.window_base.is_empty() {
            series.note = Some(format!(
                "single instances are not followed over time in scenarios with more than \
                 {SERIES_INSTANCE_COUNT_MAX} instances"
            ));
            return series;
        }
        let mut shown: Vec<usize> = (0..count).collect();
        shown.sort_by_key(|i| (std::cmp::Reverse(self.meters[*i].attempt_count), *i));
        if SERIES_SHOWN_COUNT_MAX < count {
            shown.truncate(SERIES_SHOWN_COUNT_MAX);
            series.note = Some(format!(
                "the {SERIES_SHOWN_COUNT_MAX} instances with the most attempts of {count}"
            ));
        }
        shown.sort_unstable();
        let topology = &scenario.topology;
        let row = |index: &usize| {
            let instance = InstanceId::from_index(*index);
            let group = &scenario.groups[topology.group_of(instance).index()];
            let is_spare = group.count <= topology.index_in_group(instance);
            let away = headcounts.away(instance, is_spare);
            self.row(*index, topology, away)
        };
        series.rows = shown.iter().map(row).collect();
        series.aggregate = (0 < count).then(|| self.aggregate());
        series
    }

    fn row(&self, index: usize, topology: &Topology, away: InstanceAway) -> InstanceRow {
        let instance = InstanceId::from_index(index);
        let of_instance = || self.windows.iter().skip(index).step_by(self.meters.len());
        InstanceRow {
            instance: Some(instance.0),
            name: topology.instance_name(instance),
            attempt_counts: of_instance().map(|w| w.attempt_count).collect(),
            in_flight_means: of_instance().map(|w| w.in_flight_mean).collect(),
            queue_depth_means: of_instance().map(|w| w.queue_depth_mean).collect(),
            busy_ratios: of_instance().map(|w| w.busy_ratio).collect(),
            away,
        }
    }

    fn aggregate(&self) -> InstanceRow {
        let count = self.meters.len();
        let windows = || self.windows.chunks(count);
        let mean = |window: &[WindowLoad], value: fn(&WindowLoad) -> f32| {
            let sum: f64 = window.iter().map(|w| f64::from(value(w))).sum();
            (sum / count as f64) as f32
        };
        InstanceRow {
            instance: None,
            name: "all".to_string(),
            attempt_counts: windows()
                .map(|w| {
                    w.iter()
                        .fold(0u32, |sum, load| sum.saturating_add(load.attempt_count))
                })
                .collect(),
            in_flight_means: windows().map(|w| mean(w, |l| l.in_flight_mean)).collect(),
            queue_depth_means: windows().map(|w| mean(w, |l| l.queue_depth_mean)).collect(),
            busy_ratios: windows().map(|w| mean(w, |l| l.busy_ratio)).collect(),
            away: InstanceAway::default(),
        }
    }
}

fn new_meter(scenario: &Scenario, instance: InstanceId) -> Meter {
    let topology = &scenario.topology;
    let group = &scenario.groups[topology.group_of(instance).index()];
    let is_spare = group.count <= topology.index_in_group(instance);
    let workers_up = if is_spare { 0 } else { group.workers };
    Meter {
        in_flight: Gauge::default(),
        attempt_count: 0,
        in_flight_max: 0,
        workers: group.workers,
        workers_up: Gauge {
            level: workers_up,
            ..Gauge::default()
        },
        in_system: Gauge::default(),
        busy: Gauge::default(),
        started_count: 0,
        waiting_ns: 0.0,
    }
}
