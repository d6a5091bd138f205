//! What detectors believed and when: detection times and mistakes by detector.
//!
//! Every calling side of an edge with a detector is taken to watch every instance of the service.

use std::collections::BTreeMap;

use super::data::detection::{DetectorMetrics, FaultDetection, MemberDetection};
use super::detection_cell::DetectionCell;
use super::histogram::Samples;
use super::life::Episode;
use super::passive::watcher_name;
use crate::id::{CallerId, FaultId, InstanceId, NodeId, ServiceId};
use crate::model::observation::Suspector;
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

/// Code of the registry among suspectors; calling side `i` is `i + 1`.
const REGISTRY: u64 = 0;
/// Marks the code of a member of a cluster.
const MEMBER: u64 = 1 << 63;

/// A suspicion that lasts.
#[derive(Clone, Copy, Debug)]
struct Suspicion {
    since: SimTime,
    /// Since when it is wrong: the instance is there and has not crashed.
    wrong_since: Option<SimTime>,
    /// It was wrong when it began.
    is_mistake: bool,
}

/// All pairs of one kind.
#[derive(Clone, Debug)]
pub struct Detector {
    /// `registry` or the path of the edge.
    pub name: String,
    /// The service that is watched.
    pub service: ServiceId,
    /// The edge whose calling sides watch; None for the registry and for clusters.
    pub edge: Option<usize>,
    /// The cluster whose members watch.
    pub cluster: Option<u32>,
    /// Who watches.
    pub suspector_count: u64,
    /// By fault; None where a crash had no fault.
    pub by_fault: BTreeMap<Option<FaultId>, DetectionCell>,
    /// Mistakes that began in the measured window.
    pub mistake_count: u64,
    /// Their durations, where they ended.
    pub mistake_duration: Samples,
    /// Mistakes that lasted at the end.
    pub mistake_open_count: u64,
    /// Wrong suspicion in the measured window, summed over pairs.
    wrong: SimDuration,
    /// Instances that are there and have not crashed.
    alive_count: u64,
    alive_since: SimTime,
    /// Their time in the measured window, summed over instances, in seconds.
    alive_secs: f64,
}

/// All detectors of one run.
#[derive(Clone, Debug, Default)]
pub struct DetectionTable {
    measured: (SimTime, SimTime),
    /// The detectors.
    pub detectors: Vec<Detector>,
    /// Place of the registry's detector by service.
    registry_detectors: Vec<Option<usize>>,
    /// Place of the detector by edge.
    edge_detectors: Vec<Option<usize>>,
    /// Places of the detectors of each cluster, by service.
    cluster_detectors: Vec<Vec<(ServiceId, usize)>>,
    /// When instances that were down or away came back, by instance.
    entered: BTreeMap<u32, SimTime>,
    /// Suspicions that last, by instance and suspector.
    suspicions: BTreeMap<(u32, u64), Suspicion>,
}

impl Detector {
    fn new(scenario: &Scenario, name: String, service: ServiceId, edge: Option<usize>) -> Self {
        let of_service = scenario.groups.iter().filter(|g| g.service == service);
        let callers = edge.map(|e| {
            let range = scenario
                .topology
                .edge_callers(crate::id::EdgeId::from_index(e));
            u64::from(range.end - range.start)
        });
        Detector {
            name,
            service,
            edge,
            cluster: None,
            suspector_count: callers.unwrap_or(1),
            by_fault: BTreeMap::new(),
            mistake_count: 0,
            mistake_duration: Samples::default(),
            mistake_open_count: 0,
            wrong: SimDuration::ZERO,
            alive_count: of_service.map(|g| u64::from(g.count)).sum(),
            alive_since: SimTime::START,
            alive_secs: 0.0,
        }
    }

    /// Time up in the measured window, summed over pairs, in seconds.
    pub fn observed_pair_secs(&self) -> f64 {
        self.alive_secs * self.suspector_count as f64
    }

    /// Mistakes per second of [`Detector::observed_pair_secs`].
    pub fn mistake_rate_per_sec(&self) -> Option<f64> {
        let secs = self.observed_pair_secs();
        (0.0 < secs).then(|| self.mistake_count as f64 / secs)
    }

    /// Mean time between the starts of mistakes of a pair.
    pub fn mistake_recurrence_secs(&self) -> Option<f64> {
        (0 < self.mistake_count).then(|| self.observed_pair_secs() / self.mistake_count as f64)
    }

    /// Share of the time up in which a pair does not suspect.
    pub fn query_accuracy_ratio(&self) -> Option<f64> {
        let secs = self.observed_pair_secs();
        (0.0 < secs).then(|| 1.0 - self.wrong.as_secs_f64() / secs)
    }

    /// Crashes by all faults, or by one.
    pub fn detection(&self, fault: Option<FaultId>) -> DetectionCell {
        let mut sum = DetectionCell::default();
        for (of_fault, cell) in &self.by_fault {
            if fault.is_none() || fault == *of_fault {
                sum.merge(cell);
            }
        }
        sum
    }

    fn add_wrong(&mut self, from: SimTime, to: SimTime, measured: (SimTime, SimTime)) {
        let (from, to) = (from.max(measured.0), to.min(measured.1));
        if from < to {
            self.wrong += to.since(from);
        }
    }

    fn advance(&mut self, at: SimTime, measured: (SimTime, SimTime)) {
        let (from, to) = (self.alive_since.max(measured.0), at.min(measured.1));
        if from < to {
            self.alive_secs += self.alive_count as f64 * to.since(from).as_secs_f64();
        }
        self.alive_since = at;
    }
}

impl DetectionTable {
    /// The detectors of a scenario. `measured` is its measured window.
    pub fn new(scenario: &Scenario, measured: (SimTime, SimTime)) -> Self {
        let mut table = DetectionTable {
            measured,
            ..DetectionTable::default()
        };
        let has_leases = scenario.registry.profile.detects();
        for (index, service) in scenario.services.iter().enumerate() {
            let is_watched = has_leases && service.registered.is_some();
            table
                .registry_detectors
                .push(is_watched.then_some(table.detectors.len()));
            if is_watched {
                let id = ServiceId::from_index(index);
                let detector = Detector::new(scenario, "registry".to_string(), id, None);
                table.detectors.push(detector);
            }
        }
        for (index, edge) in scenario.edges.iter().enumerate() {
            let name = watcher_name(edge);
            let place = name.as_ref().map(|_| table.detectors.len());
            table.edge_detectors.push(place);
            let new = |name| Detector::new(scenario, name, edge.to, Some(index));
            table.detectors.extend(name.map(new));
        }
        for (cluster, config) in (0..).zip(&scenario.clusters) {
            let count = |s: &ServiceId| scenario.topology.service_instances(*s).len() as u64;
            let member_count: u64 = config.services.iter().map(count).sum();
            let owner = &scenario.services[config.service.index()].name;
            let mut places = Vec::new();
            for service in config.services.iter().copied() {
                places.push((service, table.detectors.len()));
                table.detectors.push(Detector {
                    cluster: Some(cluster),
                    suspector_count: member_count - 1,
                    ..Detector::new(scenario, format!("service.{owner}.gossip"), service, None)
                });
            }
            table.cluster_detectors.push(places);
        }
        table
    }

    /// Whether a suspector came after `since`, so that it never took the instance for alive.
    fn is_late(&self, suspector: Suspector, since: SimTime) -> bool {
        let came_at = |node: NodeId| self.entered.get(&node.0).copied();
        matches!(suspector, Suspector::Member { node, .. } if came_at(node) > Some(since))
    }

    /// Who could have noticed: of a cluster only those that were there all the time.
    fn witness_count(&self, place: usize, since: SimTime, scenario: &Scenario) -> u64 {
        let detector = &self.detectors[place];
        let Some(cluster) = detector.cluster else {
            return detector.suspector_count;
        };
        let places = &self.cluster_detectors[cluster as usize];
        let alive = places
            .iter()
            .map(|place| self.detectors[place.1].alive_count);
        let is_late = |(instance, at): &(&u32, &SimTime)| {
            let service = scenario.topology.service_of(InstanceId(**instance));
            since < **at && places.iter().any(|(other, _)| *other == service)
        };
        alive.sum::<u64>() - self.entered.iter().filter(is_late).count() as u64
    }

    /// A suspicion began. `is_alive`: the instance is there and has not crashed.
    ///
    /// # Panics
    ///
    /// If this suspicion lasts already.
    pub fn suspect(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        is_alive: bool,
        scenario: &Scenario,
    ) {
        let place = self.place(suspector, instance, scenario);
        if is_alive && self.measured.0 <= at && at < self.measured.1 {
            self.detectors[place].mistake_count += 1;
        }
        let suspicion = Suspicion {
            since: at,
            wrong_since: is_alive.then_some(at),
            is_mistake: is_alive,
        };
        let key = (instance.0, code(suspector));
        let earlier = self.suspicions.insert(key, suspicion);
        assert!(
            earlier.is_none(),
            "{suspector:?} suspects {instance:?} twice"
        );
    }

    /// Whether a suspicion lasts.
    pub fn is_suspected(&self, suspector: Suspector, instance: InstanceId) -> bool {
        self.suspicions.contains_key(&(instance.0, code(suspector)))
    }

    /// A suspicion ended.
    pub fn trust(
        &mut self,
        at: SimTime,
        suspector: Suspector,
        instance: InstanceId,
        scenario: &Scenario,
    ) {
        let place = self.place(suspector, instance, scenario);
        let suspicion = self
            .suspicions
            .remove(&(instance.0, code(suspector)))
            .expect("only who suspects can begin to trust");
        self.end_wrong(place, &suspicion, at);
    }

    /// An instance crashed or left the scenario: suspicions of it are not wrong from now on.
    pub fn leave(&mut self, at: SimTime, instance: InstanceId, scenario: &Scenario) {
        self.count_alive(at, instance, -1, scenario);
        self.entered.remove(&instance.0);
        for (key, mut suspicion) in self.suspicions_of(instance) {
            let place = self.place(suspector(key.1), instance, scenario);
            self.end_wrong(place, &suspicion, at);
            (suspicion.wrong_since, suspicion.is_mistake) = (None, false);
            self.suspicions.insert(key, suspicion);
        }
    }

    /// An instance is there and works: suspicions of it are wrong from now on, though no mistakes.
    pub fn enter(&mut self, at: SimTime, instance: InstanceId, scenario: &Scenario) {
        self.count_alive(at, instance, 1, scenario);
        if !self.cluster_detectors.is_empty() {
            self.entered.insert(instance.0, at);
        }
        for (key, mut suspicion) in self.suspicions_of(instance) {
            suspicion.wrong_since = Some(at);
            self.suspicions.insert(key, suspicion);
        }
    }

    /// A crash is over: who suspects the instance now has detected it.
    pub fn recover(&mut self, instance: InstanceId, episode: &Episode, scenario: &Scenario) {
        if episode.since < self.measured.0 || self.measured.1 <= episode.since {
            return;
        }
        let mut times = vec![Vec::new(); self.detectors.len()];
        for (key, suspicion) in self.suspicions_of(instance) {
            if self.is_late(suspector(key.1), episode.since) {
                continue;
            }
            let place = self.place(suspector(key.1), instance, scenario);
            let detection = suspicion.since.max(episode.since).since(episode.since);
            let by_fault = &mut self.detectors[place].by_fault;
            let cell = by_fault.entry(episode.fault).or_default();
            cell.detection_time.record(detection);
            times[place].push(detection);
        }
        let service = scenario.topology.service_of(instance);
        for (place, times) in times.iter_mut().enumerate() {
            if self.detectors[place].service == service {
                let witnesses = self.witness_count(place, episode.since, scenario);
                let missed = witnesses.saturating_sub(times.len() as u64);
                let by_fault = &mut self.detectors[place].by_fault;
                let cell = by_fault.entry(episode.fault).or_default();
                cell.undetected_count += missed;
                cell.record_order(times, missed);
            }
        }
    }

    /// Settles what lasts at the end of the run.
    pub fn close(&mut self, at: SimTime, scenario: &Scenario) {
        for ((instance, suspector_code), suspicion) in std::mem::take(&mut self.suspicions) {
            let place = self.place(suspector(suspector_code), InstanceId(instance), scenario);
            let Some(wrong_since) = suspicion.wrong_since else {
                continue;
            };
            let measured = self.measured;
            let detector = &mut self.detectors[place];
            detector.add_wrong(wrong_since, at, measured);
            let is_counted = measured.0 <= suspicion.since && suspicion.since < measured.1;
            detector.mistake_open_count += u64::from(suspicion.is_mistake && is_counted);
        }
        for detector in &mut self.detectors {
            detector.advance(at, self.measured);
        }
    }

    /// Every detector as plain data.
    pub fn metrics(&self, scenario: &Scenario) -> Vec<DetectorMetrics> {
        let metrics = |detector: &Detector| {
            let detection = detector.detection(None);
            DetectorMetrics {
                detector: detector.name.clone(),
                service: scenario.services[detector.service.index()].name.clone(),
                detection_time: detection.detection_time.stats(),
                undetected_count: detection.undetected_count,
                mistake_count: detector.mistake_count,
                mistake_rate_per_sec: detector.mistake_rate_per_sec(),
                mistake_duration: detector.mistake_duration.stats(),
                mistake_open_count: detector.mistake_open_count,
                mistake_recurrence_secs_mean: detector.mistake_recurrence_secs(),
                query_accuracy_ratio: detector.query_accuracy_ratio(),
                observed_pair_secs: detector.observed_pair_secs(),
                members: detector.cluster.map(|_| MemberDetection {
                    member_count: detector.suspector_count + 1,
                    first: detection.order[0].stats(),
                    median: detection.order[1].stats(),
                    last: detection.order[2].stats(),
                }),
            }
        };
        self.detectors.iter().map(metrics).collect()
    }

    /// How each detector saw a fault; those that watch none of its victims are left out.
    pub fn of_fault(&self, fault: FaultId) -> Vec<FaultDetection> {
        let detection = |detector: &Detector| {
            let cell = detector.by_fault.get(&Some(fault))?;
            Some(FaultDetection {
                detector: detector.name.clone(),
                detection_time: cell.detection_time.stats(),
                undetected_count: cell.undetected_count,
            })
        };
        self.detectors.iter().filter_map(detection).collect()
    }

    fn count_alive(&mut self, at: SimTime, instance: InstanceId, change: i64, scenario: &Scenario) {
        let (service, measured) = (scenario.topology.service_of(instance), self.measured);
        for detector in self.detectors.iter_mut().filter(|d| d.service == service) {
            detector.advance(at, measured);
            detector.alive_count = detector
                .alive_count
                .checked_add_signed(change)
                .expect("only those that were alive can cease to be");
        }
    }

    fn end_wrong(&mut self, place: usize, suspicion: &Suspicion, at: SimTime) {
        let Some(wrong_since) = suspicion.wrong_since else {
            return;
        };
        let measured = self.measured;
        let detector = &mut self.detectors[place];
        detector.add_wrong(wrong_since, at, measured);
        let is_counted = measured.0 <= suspicion.since && suspicion.since < measured.1;
        if suspicion.is_mistake && is_counted {
            detector.mistake_duration.record(at.since(suspicion.since));
        }
    }

    fn suspicions_of(&self, instance: InstanceId) -> Vec<((u32, u64), Suspicion)> {
        let range = (instance.0, REGISTRY)..=(instance.0, u64::MAX);
        self.suspicions
            .range(range)
            .map(|(key, s)| (*key, *s))
            .collect()
    }

    fn place(&self, suspector: Suspector, instance: InstanceId, scenario: &Scenario) -> usize {
        let place = match suspector {
            Suspector::Registry => {
                self.registry_detectors[scenario.topology.service_of(instance).index()]
            }
            Suspector::Caller(caller) => {
                self.edge_detectors[scenario.topology.edge_of(caller).index()]
            }
            Suspector::Member { cluster, .. } => {
                let service = scenario.topology.service_of(instance);
                let mut places = self.cluster_detectors[cluster as usize].iter();
                let found = places.find(|(other, _)| *other == service);
                found.map(|(_, place)| *place)
            }
        };
        place.expect("who suspects has a detector in the scenario")
    }
}

fn code(suspector: Suspector) -> u64 {
    match suspector {
        Suspector::Registry => REGISTRY,
        Suspector::Caller(caller) => u64::from(caller.0) + 1,
        Suspector::Member { cluster, node } => {
            MEMBER | u64::from(cluster) << u32::BITS | u64::from(node.0)
        }
    }
}

fn suspector(code: u64) -> Suspector {
    match code {
        REGISTRY => Suspector::Registry,
        code if code & MEMBER != 0 => Suspector::Member {
            cluster: ((code & !MEMBER) >> u32::BITS) as u32,
            node: NodeId((code & u64::from(u32::MAX)) as u32),
        },
        code => Suspector::Caller(CallerId(
            u32::try_from(code - 1).expect("codes are made of 32-bit ids"),
        )),
    }
}
