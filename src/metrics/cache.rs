//! What caches said, and what was loaded into them.

use super::data::cache::{CacheMetrics, CacheSeries};
use super::phase::Timeline;
use super::request::ratio;
use super::window::doubled_width;
use crate::id::{EdgeId, ServiceId};
use crate::model::observation::{CacheAnswer, CachePlace, Observation};
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// Windows of all caches together at most.
const WINDOW_COUNT_MAX: u64 = 100_000;

/// Questions to caches and what came of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheCell {
    /// Questions.
    pub asked_count: u64,
    /// Of these, answered by a fresh entry.
    pub fresh_count: u64,
    /// Of these, answered by an entry past its life.
    pub stale_count: u64,
    /// Of these, told to wait for a key that was being loaded.
    pub waited_count: u64,
    /// Keys that somebody began to load.
    pub load_count: u64,
}

impl CacheCell {
    fn add(&mut self, other: &Self) {
        self.asked_count += other.asked_count;
        self.fresh_count += other.fresh_count;
        self.stale_count += other.stale_count;
        self.waited_count += other.waited_count;
        self.load_count += other.load_count;
    }

    /// Questions that an entry answered.
    pub fn hit_count(&self) -> u64 {
        self.fresh_count + self.stale_count
    }

    fn ask(&mut self, answer: CacheAnswer) {
        self.asked_count += 1;
        match answer {
            CacheAnswer::Fresh => self.fresh_count += 1,
            CacheAnswer::Stale => self.stale_count += 1,
            CacheAnswer::Loading => self.waited_count += 1,
            CacheAnswer::Absent => {}
        }
    }
}

/// The caches of one call or service.
#[derive(Clone, Debug)]
struct CacheGroup {
    place: CacheOf,
    /// By class.
    cells: Vec<CacheCell>,
    /// By window of the measured part of the run.
    windows: Vec<CacheCell>,
}

/// Whose caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOf {
    /// Of a call.
    Call(EdgeId),
    /// Of the instances of a service.
    Service(ServiceId),
}

/// The caches of a run; only what has caches is here.
#[derive(Clone, Debug, Default)]
pub struct CacheTable {
    groups: Vec<CacheGroup>,
    width: SimDuration,
}

impl CacheTable {
    /// Nothing asked yet.
    pub fn new(scenario: &Scenario, class_count: usize) -> Self {
        let calls = scenario.edges.iter().enumerate();
        let calls = calls.filter(|(_, edge)| edge.cache.is_some());
        let services = scenario.services.iter().enumerate();
        let services = services.filter(|(_, service)| service.cache.is_some());
        let mut places: Vec<CacheOf> = calls
            .map(|(index, _)| CacheOf::Call(EdgeId::from_index(index)))
            .collect();
        places.extend(services.map(|(i, _)| CacheOf::Service(ServiceId::from_index(i))));
        let count_max = WINDOW_COUNT_MAX / places.len().max(1) as u64;
        let count_max = count_max.clamp(1, super::window::WINDOW_COUNT_MAX);
        let (width, count) = doubled_width(scenario.window, scenario.duration, count_max);
        let group = |place| CacheGroup {
            place,
            cells: vec![CacheCell::default(); class_count],
            windows: vec![CacheCell::default(); count],
        };
        CacheTable {
            groups: places.into_iter().map(group).collect(),
            width,
        }
    }

    /// Takes note of a fact about caches, which happens in a class of the timeline.
    #[inline(never)]
    pub fn observe(
        &mut self,
        at: SimTime,
        class: u16,
        observation: &Observation<'_>,
        scenario: &Scenario,
    ) {
        match *observation {
            Observation::CacheAsked { place, answer } => {
                self.note(at, class, cache_of(place, scenario), |cell| {
                    cell.ask(answer)
                });
            }
            Observation::CacheLoads { place } => {
                let add = |cell: &mut CacheCell| cell.load_count += 1;
                self.note(at, class, cache_of(place, scenario), add);
            }
            _ => unreachable!("facts of caches come here"),
        }
    }

    fn note(&mut self, at: SimTime, class: u16, place: CacheOf, add: impl Fn(&mut CacheCell)) {
        let window = (at.as_ns() / self.width.as_ns()) as usize;
        let group = self.groups.iter_mut().find(|group| group.place == place);
        let group = group.expect("only what has caches is asked");
        add(&mut group.cells[usize::from(class)]);
        if let Some(cell) = group.windows.get_mut(window) {
            add(cell);
        }
    }

    /// Sums over the caches in scope and these classes; None where nothing in scope has a cache.
    pub fn pooled(
        &self,
        is_in_scope: impl Fn(CacheOf) -> bool,
        classes: &[u16],
    ) -> Option<CacheCell> {
        let mut groups = self
            .groups
            .iter()
            .filter(|g| is_in_scope(g.place))
            .peekable();
        groups.peek()?;
        let mut sum = CacheCell::default();
        for group in groups {
            for class in classes {
                sum.add(&group.cells[usize::from(*class)]);
            }
        }
        Some(sum)
    }

    /// Loads per second, in the windows that lie wholly in these classes, over the caches in scope.
    pub fn load_rates(
        &self,
        is_in_scope: impl Fn(CacheOf) -> bool,
        timeline: &Timeline,
        classes: &[u16],
    ) -> Vec<f64> {
        let groups: Vec<&CacheGroup> = self
            .groups
            .iter()
            .filter(|g| is_in_scope(g.place))
            .collect();
        let window_count = groups.first().map_or(0, |group| group.windows.len());
        let start = |window: usize| SimTime::START + self.width.saturating_mul(window as u64);
        (0..window_count)
            .filter(|window| timeline.is_inside(start(*window), start(window + 1), classes))
            .map(|window| {
                let loads: u64 = groups.iter().map(|g| g.windows[window].load_count).sum();
                loads as f64 / self.width.as_secs_f64()
            })
            .collect()
    }

    /// The numbers of these classes, one line for each call or service with caches.
    pub fn metrics(
        &self,
        scenario: &Scenario,
        timeline: &Timeline,
        classes: &[u16],
    ) -> Vec<CacheMetrics> {
        let of_group = |group: &CacheGroup| {
            let is_it = |place| place == group.place;
            let cell = self.pooled(is_it, classes).unwrap_or_default();
            let secs = timeline.length_secs(classes);
            let rates = self.load_rates(is_it, timeline, classes);
            CacheMetrics {
                cache: group.name(scenario),
                asked_count: cell.asked_count,
                hit_ratio: ratio(cell.hit_count(), cell.asked_count),
                stale_ratio: ratio(cell.stale_count, cell.asked_count),
                waited_ratio: ratio(cell.waited_count, cell.asked_count),
                load_count: cell.load_count,
                load_rate_per_sec: (0.0 < secs).then(|| cell.load_count as f64 / secs),
                load_rate_per_sec_max: rates.into_iter().reduce(f64::max),
            }
        };
        self.groups.iter().map(of_group).collect()
    }

    /// What happened when.
    pub fn series(&self, scenario: &Scenario) -> Vec<CacheSeries> {
        let of_group = |group: &CacheGroup| CacheSeries {
            cache: group.name(scenario),
            window_secs: self.width.as_secs_f64(),
            asked_counts: group.windows.iter().map(|cell| cell.asked_count).collect(),
            hit_counts: group.windows.iter().map(CacheCell::hit_count).collect(),
            load_counts: group.windows.iter().map(|cell| cell.load_count).collect(),
        };
        self.groups.iter().map(of_group).collect()
    }
}

impl CacheGroup {
    fn name(&self, scenario: &Scenario) -> String {
        match self.place {
            CacheOf::Call(edge) => scenario.edges[edge.index()].path.clone(),
            CacheOf::Service(service) => {
                format!("service.{}", scenario.services[service.index()].name)
            }
        }
    }
}

/// Whose cache was asked.
fn cache_of(place: CachePlace, scenario: &Scenario) -> CacheOf {
    match place {
        CachePlace::Call(edge) => CacheOf::Call(edge),
        CachePlace::Instance(instance) => CacheOf::Service(scenario.topology.service_of(instance)),
    }
}
