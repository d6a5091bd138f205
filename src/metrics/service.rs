//! Work at the instances of each service, by zone of the instance and class of the moment.

use super::histogram::Samples;
use super::instance::InstanceTable;
use super::level::LevelTotals;
use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::model::observation::WorkEnd;
use crate::scenario::Scenario;
use crate::scenario::measure::MeasureRef;
use crate::time::{SimDuration, SimTime};

/// Work of one service in one zone, counted in the class of each moment.
#[derive(Clone, Debug, Default)]
pub struct WorkCell {
    /// Entered an instance.
    pub arrived_count: u64,
    /// Turned away by full queues.
    pub rejected_count: u64,
    /// Left after service, error replies included.
    pub served_count: u64,
    /// Of these, after their caller had given up.
    pub zombie_count: u64,
    /// Lost with their process.
    pub lost_count: u64,
    /// Dropped by a worker, because their deadline had passed.
    pub dropped_count: u64,
    /// Taken back by their caller.
    pub cancelled_count: u64,
    /// Time in service of those, in nanoseconds.
    pub cancelled_ns: u64,
    /// Time in service after the caller had given up, in nanoseconds.
    pub zombie_ns: u64,
    /// Time that the lost, dropped and cancelled ones had spent there, in seconds.
    pub lost_sojourn_secs: f64,
    /// Started after a positive time.
    pub waited_count: u64,
    /// Arrival to start of service.
    pub waiting: Samples,
    /// Arrival to end of service.
    pub sojourn: Samples,
    /// Start to end of service.
    pub service_time: Samples,
}

/// A number that changes at instants, and how long it had which value, by class.
#[derive(Clone, Debug, Default)]
struct LevelMeter {
    level: u32,
    since: SimTime,
    by_class: Vec<LevelTotals>,
}

/// Where work at one instance is counted.
#[derive(Clone, Copy, Debug)]
struct InstancePlace {
    /// First cell of its scope.
    cell_first: u32,
    service: u32,
}

/// All services of one run.
#[derive(Clone, Debug, Default)]
pub struct ServiceTable {
    class_count: usize,
    measured: (SimTime, SimTime),
    instance_places: Vec<InstancePlace>,
    /// What each block of cells is about.
    scopes: Vec<(ServiceId, ZoneId)>,
    /// By scope, then class.
    cells: Vec<WorkCell>,
    /// Single instances that somebody asks for, in their order; by class.
    asked: Vec<(InstanceId, Vec<WorkCell>)>,
    /// Attempts in each service.
    in_system: Vec<LevelMeter>,
    /// Attempts in one instance, by service.
    per_instance: Vec<LevelTotals>,
    /// Instances up in each service.
    up: Vec<LevelMeter>,
    /// How often that number fell to each value, in the measured window.
    up_fall_counts: Vec<Vec<u64>>,
}

impl WorkCell {
    /// Takes note that a worker took up work.
    #[inline]
    pub fn start(&mut self, waiting: SimDuration) {
        self.waited_count += u64::from(!waiting.is_zero());
        self.waiting.record(waiting);
    }

    /// Takes note that work left.
    #[inline(always)]
    pub fn end(&mut self, at: SimTime, work: WorkRecord) {
        let sojourn = at.since(work.arrived_at);
        match work.end {
            WorkEnd::Served | WorkEnd::Errored => {
                self.served_count += 1;
                self.zombie_count += u64::from(work.is_zombie);
                self.sojourn.record(sojourn);
                let started_at = work.started_at.expect("what was served has started");
                let worked_until = work.released_at.unwrap_or(at);
                self.service_time.record(worked_until.since(started_at));
            }
            WorkEnd::Lost => {
                self.lost_count += 1;
                self.lost_sojourn_secs += sojourn.as_secs_f64();
            }
            WorkEnd::Dropped => {
                self.dropped_count += 1;
                self.lost_sojourn_secs += sojourn.as_secs_f64();
            }
            WorkEnd::Cancelled => {
                self.cancelled_count += 1;
                self.lost_sojourn_secs += sojourn.as_secs_f64();
                let served = work.started_at.map_or(SimDuration::ZERO, |t| at.since(t));
                self.cancelled_ns += served.as_ns();
            }
        }
    }

    /// Adds another cell.
    pub fn merge(&mut self, other: &Self) {
        self.arrived_count += other.arrived_count;
        self.rejected_count += other.rejected_count;
        self.served_count += other.served_count;
        self.zombie_count += other.zombie_count;
        self.lost_count += other.lost_count;
        self.dropped_count += other.dropped_count;
        self.cancelled_count += other.cancelled_count;
        self.cancelled_ns += other.cancelled_ns;
        self.zombie_ns += other.zombie_ns;
        self.lost_sojourn_secs += other.lost_sojourn_secs;
        self.waited_count += other.waited_count;
        self.waiting.merge(&other.waiting);
        self.sojourn.merge(&other.sojourn);
        self.service_time.merge(&other.service_time);
    }

    /// Attempts that left, however.
    pub fn left_count(&self) -> u64 {
        self.served_count + self.lost_count + self.dropped_count + self.cancelled_count
    }

    /// Time in service after the caller had given up, over all time in service.
    pub fn zombie_time_ratio(&self) -> Option<f64> {
        let all_secs = self.service_time.sum_secs() + self.cancelled_ns as f64 / 1e9;
        (0.0 < all_secs).then(|| (self.zombie_ns as f64 / 1e9 / all_secs).min(1.0))
    }
}

impl LevelMeter {
    fn new(level: u32, class_count: usize) -> Self {
        LevelMeter {
            level,
            since: SimTime::START,
            by_class: vec![LevelTotals::default(); class_count],
        }
    }

    #[inline(always)]
    fn advance(&mut self, at: SimTime, class: u16) {
        self.by_class[class as usize].add(self.level, at.since(self.since));
        self.since = at;
    }
}

impl ServiceTable {
    /// Empty counters for the services of a scenario. `measured` is its measured window.
    pub fn new(scenario: &Scenario, class_count: usize, measured: (SimTime, SimTime)) -> Self {
        let topology = &scenario.topology;
        let mut scopes: Vec<(ServiceId, ZoneId)> = scenario
            .groups
            .iter()
            .map(|g| (g.service, g.zone))
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        let place_of = |index: u32| {
            let group = &scenario.groups[topology.group_of(InstanceId(index)).index()];
            let scope = scopes.binary_search(&(group.service, group.zone));
            let cell_first = scope.expect("it is listed") * class_count;
            InstancePlace {
                cell_first: u32::try_from(cell_first).expect("services and zones are few"),
                service: group.service.0,
            }
        };
        let up_count = |service: usize| {
            let of_service = scenario
                .groups
                .iter()
                .filter(|g| g.service.index() == service);
            of_service.map(|g| g.count).sum::<u32>()
        };
        let service_count = scenario.services.len();
        ServiceTable {
            class_count,
            measured,
            instance_places: (0..topology.instance_count()).map(place_of).collect(),
            cells: vec![WorkCell::default(); scopes.len() * class_count],
            scopes,
            asked: asked_instances(scenario)
                .into_iter()
                .map(|instance| (instance, vec![WorkCell::default(); class_count]))
                .collect(),
            in_system: vec![LevelMeter::new(0, class_count); service_count],
            per_instance: vec![LevelTotals::default(); service_count],
            up: (0..service_count)
                .map(|service| LevelMeter::new(up_count(service), class_count))
                .collect(),
            up_fall_counts: vec![Vec::new(); service_count],
        }
    }

    /// Work entered an instance that held `before` since an instant.
    #[inline(always)]
    pub fn enter(&mut self, at: SimTime, class: u16, instance: InstanceId, before: (u32, SimTime)) {
        let (cell, service) = self.place(class, instance);
        self.cells[cell].arrived_count += 1;
        if let Some(cell) = self.asked_cell(class, instance) {
            cell.arrived_count += 1;
        }
        let meter = &mut self.in_system[service];
        meter.advance(at, class);
        meter.level += 1;
        self.add_instance_level(at, service, before);
    }

    /// Work started.
    #[inline]
    pub fn start(&mut self, class: u16, instance: InstanceId, waiting: SimDuration) {
        let cell = self.place(class, instance).0;
        self.cells[cell].start(waiting);
        if let Some(cell) = self.asked_cell(class, instance) {
            cell.start(waiting);
        }
    }

    /// Work that entered at `arrived_at` left an instance that held `before` since an instant.
    #[inline(always)]
    pub fn leave(
        &mut self,
        at: SimTime,
        class: u16,
        instance: InstanceId,
        before: (u32, SimTime),
        work: WorkRecord,
    ) {
        let (cell, service) = self.place(class, instance);
        self.cells[cell].end(at, work);
        if let Some(cell) = self.asked_cell(class, instance) {
            cell.end(at, work);
        }
        let meter = &mut self.in_system[service];
        meter.advance(at, class);
        meter.level -= 1;
        self.add_instance_level(at, service, before);
    }

    /// An instance turned an attempt away.
    pub fn reject(&mut self, class: u16, instance: InstanceId) {
        let cell = self.place(class, instance).0;
        self.cells[cell].rejected_count += 1;
        if let Some(cell) = self.asked_cell(class, instance) {
            cell.rejected_count += 1;
        }
    }

    /// Work was in service for nobody.
    pub fn waste(&mut self, class: u16, instance: InstanceId, length: SimDuration) {
        let cell = self.place(class, instance).0;
        self.cells[cell].zombie_ns += length.as_ns();
        if let Some(cell) = self.asked_cell(class, instance) {
            cell.zombie_ns += length.as_ns();
        }
    }

    /// An instance came up or went down.
    pub fn set_up(&mut self, at: SimTime, class: u16, instance: InstanceId, is_up: bool) {
        let service = self.place(class, instance).1;
        let meter = &mut self.up[service];
        meter.advance(at, class);
        if is_up {
            meter.level += 1;
            return;
        }
        meter.level -= 1;
        if self.measured.0 <= at && at < self.measured.1 {
            let falls = &mut self.up_fall_counts[service];
            let level = meter.level as usize;
            if falls.len() <= level {
                falls.resize(level + 1, 0);
            }
            falls[level] += 1;
        }
    }

    /// Ends the time of a class.
    pub fn cut_class(&mut self, at: SimTime, class: u16) {
        for meter in self.in_system.iter_mut().chain(&mut self.up) {
            meter.advance(at, class);
        }
    }

    /// Counts the levels that instances still hold at the end.
    pub fn close(&mut self, at: SimTime, instances: &InstanceTable) {
        for index in 0..self.instance_places.len() {
            let service = self.instance_places[index].service as usize;
            let instance = u32::try_from(index).expect("an instance has a 32-bit id");
            self.add_instance_level(at, service, instances.in_system(instance));
        }
    }

    /// Everything of a service and zone in these classes; None means all.
    pub fn pooled(
        &self,
        service: Option<ServiceId>,
        zone: Option<ZoneId>,
        classes: &[u16],
    ) -> WorkCell {
        let mut sum = WorkCell::default();
        for (place, (of_service, of_zone)) in self.scopes.iter().enumerate() {
            if service.is_none_or(|s| s == *of_service) && zone.is_none_or(|z| z == *of_zone) {
                for class in classes {
                    sum.merge(&self.cells[place * self.class_count + *class as usize]);
                }
            }
        }
        sum
    }

    /// Everything of one instance in these classes; None where nobody asked for it.
    pub fn of_instance(&self, instance: InstanceId, classes: &[u16]) -> Option<WorkCell> {
        let place = self.asked.binary_search_by_key(&instance, |asked| asked.0);
        let cells = &self.asked[place.ok()?].1;
        let mut sum = WorkCell::default();
        classes
            .iter()
            .for_each(|class| sum.merge(&cells[usize::from(*class)]));
        Some(sum)
    }

    /// Attempts in a service over the time of these classes.
    pub fn in_system(&self, service: ServiceId, classes: &[u16]) -> LevelTotals {
        pooled_levels(&self.in_system[service.index()], classes)
    }

    /// Attempts in a service now.
    pub fn left_count(&self, service: ServiceId) -> u32 {
        self.in_system[service.index()].level
    }

    /// Attempts in one instance of a service, over the measured window and its instances.
    pub fn in_system_per_instance(&self, service: ServiceId) -> &LevelTotals {
        &self.per_instance[service.index()]
    }

    /// Instances up over the time of these classes.
    pub fn up(&self, service: ServiceId, classes: &[u16]) -> LevelTotals {
        pooled_levels(&self.up[service.index()], classes)
    }

    /// How often the number of instances up fell to each value, in the measured window.
    pub fn up_fall_counts(&self, service: ServiceId) -> &[u64] {
        &self.up_fall_counts[service.index()]
    }

    #[inline]
    fn place(&self, class: u16, instance: InstanceId) -> (usize, usize) {
        let place = self.instance_places[instance.index()];
        (
            place.cell_first as usize + class as usize,
            place.service as usize,
        )
    }

    #[inline]
    fn asked_cell(&mut self, class: u16, instance: InstanceId) -> Option<&mut WorkCell> {
        if self.asked.is_empty() {
            return None;
        }
        let place = self.asked.binary_search_by_key(&instance, |asked| asked.0);
        Some(&mut self.asked[place.ok()?].1[usize::from(class)])
    }

    #[inline(always)]
    fn add_instance_level(&mut self, at: SimTime, service: usize, before: (u32, SimTime)) {
        let (level, since) = before;
        let (from, to) = (since.max(self.measured.0), at.min(self.measured.1));
        if from < to {
            self.per_instance[service].add(level, to.since(from));
        }
    }
}

/// What is known of work when it leaves an instance.
#[derive(Clone, Copy, Debug)]
pub struct WorkRecord {
    /// When it entered.
    pub arrived_at: SimTime,
    /// When a worker took it up.
    pub started_at: Option<SimTime>,
    /// When a worker was free of it, if that was before its end.
    pub released_at: Option<SimTime>,
    /// How it ended.
    pub end: WorkEnd,
    /// Its caller had given up.
    pub is_zombie: bool,
}

/// Whether a measure is taken of the work at one instance.
fn is_of_work(measure: &MeasureRef, instance: InstanceId) -> bool {
    measure.scope.instance == Some(instance) && measure.measure.is_of_work()
}

/// Instances whose work somebody asks for, in their order.
fn asked_instances(scenario: &Scenario) -> Vec<InstanceId> {
    // Most scenarios ask for none of many.
    if !scenario.asks_for(|measure| measure.scope.instance.is_some()) {
        return Vec::new();
    }
    let instances = (0..scenario.topology.instance_count()).map(InstanceId);
    let is_asked = |it: &InstanceId| scenario.asks_for(|measure| is_of_work(measure, *it));
    instances.filter(is_asked).collect()
}

fn pooled_levels(meter: &LevelMeter, classes: &[u16]) -> LevelTotals {
    let mut sum = LevelTotals::default();
    for class in classes {
        sum.merge(&meter.by_class[*class as usize]);
    }
    sum
}
