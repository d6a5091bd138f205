//! What caches said, and what was loaded into them.

use super::data::cache::{CacheMetrics, CacheSeries};
use super::phase::Timeline;
use super::request::ratio;
use crate::id::{ClassId, EdgeId, ServiceId};
use crate::model::observation::{CacheAnswer, CachePlace, Observation};
use crate::scenario::Scenario;
use crate::scenario::measure::MeasureRef;
use crate::scenario::series::doubled_width;
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

/// The caches of one call or service, as requests of one class or of all use them.
#[derive(Clone, Debug)]
struct CacheGroup {
    place: CacheOf,
    /// None for all.
    of_requests: Option<ClassId>,
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
    /// For all requests first, then for each class that an expectation asks for.
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
        let count_max = count_max.clamp(1, crate::scenario::series::WINDOW_COUNT_MAX);
        let (width, count) = doubled_width(scenario.window, scenario.duration, count_max);
        let group = |of_requests, place: &CacheOf| CacheGroup {
            place: *place,
            of_requests,
            cells: vec![CacheCell::default(); class_count],
            windows: vec![CacheCell::default(); count],
        };
        let asked = scenario.classes.ids().filter(|class| {
            let is_it = |measure: &MeasureRef| {
                measure.measure.is_of_cache() && measure.scope.class == Some(*class)
            };
            scenario.asks_for(is_it)
        });
        let of_requests = [None].into_iter().chain(asked.map(Some));
        CacheTable {
            groups: of_requests
                .flat_map(|class| places.iter().map(move |place| group(class, place)))
                .collect(),
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
            Observation::CacheAsked {
                place,
                class: of_request,
                answer,
            } => {
                let place = (cache_of(place, scenario), of_request);
                self.note(at, class, place, |cell| cell.ask(answer));
            }
            Observation::CacheLoads {
                place,
                class: of_request,
            } => {
                let place = (cache_of(place, scenario), of_request);
                self.note(at, class, place, |cell| cell.load_count += 1);
            }
            _ => unreachable!("facts of caches come here"),
        }
    }

    fn note(
        &mut self,
        at: SimTime,
        class: u16,
        (place, of_request): (CacheOf, ClassId),
        add: impl Fn(&mut CacheCell),
    ) {
        let window = (at.as_ns() / self.width.as_ns()) as usize;
        for group in &mut self.groups {
            if group.place == place && group.of_requests.is_none_or(|c| c == of_request) {
                add(&mut group.cells[usize::from(class)]);
                if let Some(cell) = group.windows.get_mut(window) {
                    add(cell);
                }
            }
        }
    }

    /// The groups of the caches in scope, for requests of one class or of all.
    fn in_scope(
        &self,
        is_in_scope: impl Fn(CacheOf) -> bool,
        of_requests: Option<ClassId>,
    ) -> impl Iterator<Item = &CacheGroup> {
        let groups = self.groups.iter();
        groups.filter(move |g| g.of_requests == of_requests && is_in_scope(g.place))
    }

    /// Sums over the caches in scope and these classes of instants, for requests of one class or
    /// of all; None where nothing in scope has a cache.
    pub fn pooled(
        &self,
        is_in_scope: impl Fn(CacheOf) -> bool,
        of_requests: Option<ClassId>,
        classes: &[u16],
    ) -> Option<CacheCell> {
        let mut groups = self.in_scope(is_in_scope, of_requests).peekable();
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
        of_requests: Option<ClassId>,
        timeline: &Timeline,
        classes: &[u16],
    ) -> Vec<f64> {
        let groups: Vec<&CacheGroup> = self.in_scope(is_in_scope, of_requests).collect();
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
            let cell = self.pooled(is_it, None, classes).unwrap_or_default();
            let secs = timeline.length_secs(classes);
            let rates = self.load_rates(is_it, None, timeline, classes);
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
        self.in_scope(|_| true, None).map(of_group).collect()
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
        self.in_scope(|_| true, None).map(of_group).collect()
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
